"""People of several labs under the same codes: told apart by a column, or by one file a lab."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.common.vocabulary import Vocabulary
from retrostats.io.cohort.headers import LABS
from retrostats.io.cohort.normalise import Part
from retrostats.io.tables.words import plain
from retrostats.io.validation.people import plain_codes
from retrostats.io.validation.problem import Problem
from retrostats.io.validation.requirements import TELLING_APART, outcome_column

if TYPE_CHECKING:
    import pandas as pd

#: Names of files that are sessions of the same people: words, a date, or a bare number.
_SESSION = re.compile(
    r"day|session|trial|visit|test|week|rep|part|run|set|round|period|phase|tag|messung|"
    r"\d{4}-\d\d|^\W*\d+\W*$"
)
#: Share of people measured more than once, from which a file holds whole people.
_WHOLE = 0.5


def with_labs(frame: pd.DataFrame, file: str, problems: list[Problem]) -> pd.DataFrame:
    """People as `lab:code` where a column names the lab; the same code elsewhere is another."""
    column: Any = next((c for c in frame if plain(str(c)) in LABS), None)
    if column is None or "subject" not in frame:
        return frame
    coded, said = frame["subject"].notna(), frame[column].notna()
    labs = frame.loc[said & coded, column].astype(str).str.strip()
    if labs.nunique() < 2:
        return frame
    blank = frame.loc[coded & ~said, "source_row"]
    if len(blank):
        problems.append(
            Problem("error", file, ", ".join(map(str, blank[:5])), str(column),
                     f"no lab in {len(blank)} rows", "a lab in every row, as others have one",
                    "write it in each row: a code may stand for people of several labs")
        )  # fmt: skip
        return frame
    codes = labs + ":" + frame.loc[coded, "subject"].astype(str)
    problems[:] = [p for p in problems if p.column != column or not p.of_columns]
    problems.append(
        Problem("guess", file, "", str(column), f"{labs.nunique()} labs", "",
                "people are told apart by lab:code")
    )  # fmt: skip
    return frame.assign(subject=codes.reindex(frame.index))


def labs_apart(
    parts: list[Part], files: list[Path], name: str, problems: list[Problem], audit: Vocabulary
) -> list[Part]:
    """A column `lab`, the file's name, where the files are of different labs.

    The same code in two files that each hold whole people (both conditions, or several times) at
    the same speeds is another person, unless the names of the files say sessions.
    """
    measured = [i for i, part in enumerate(parts) if _whole_people(part, audit)]
    rows = [set(_measured_at(parts[i])) for i in measured]
    shared = {row[0] for i, a in enumerate(rows) for b in rows[i + 1 :] for row in a & b}
    sessions = any(_SESSION.search(plain(files[i].stem)) for i in measured)
    if not shared or sessions or any(plain(str(c)) in LABS for p in parts for c in p.frame):
        return parts
    found = list(parts)
    for i in measured:
        frame = parts[i].frame
        found[i] = replace(parts[i], frame=frame.assign(lab=files[i].stem))
    problems.append(
        Problem("warning", name, "", "subject", f"{len(shared)} codes in several files, as "
                f"{min(shared)!r}, each with all its measurements", "",
                "taken as other people of other labs, one file a lab; if they are the same people, "
                "put the files into one table")
    )  # fmt: skip
    return found


def one_spelling(parts: list[Part], name: str, problems: list[Problem]) -> list[Part]:
    """The parts with each person under one code, as the first of them spells it.

    Spreadsheets turn "01" into 1: codes of several tables that differ only so are one person's,
    unless one table has both.
    """
    known: dict[str, str] = {}
    spelled: list[Part] = []
    joined: dict[str, str] = {}
    for part in parts:
        if "subject" not in part.frame:
            spelled.append(part)
            continue
        codes = [str(code) for code in part.frame["subject"].dropna().unique()]
        plain_ones = plain_codes(codes)
        here = {
            code: known[one] for code, one in zip(codes, plain_ones, strict=True)
            if plain_ones.count(one) == 1 and known.get(one, code) != code
            and known[one] not in codes
        }  # fmt: skip
        for code, one in zip(codes, plain_ones, strict=True):
            known.setdefault(one, code)
        if here:
            people = part.frame["subject"].astype(object)
            part = replace(part, frame=part.frame.assign(subject=people.replace(here)))
        joined |= here
        spelled.append(part)
    if joined:
        code, first = next(iter(joined.items()))
        problems.append(
            Problem("guess", name, "", "subject", f"{len(joined)} codes in two spellings, as "
                    f"{first!r} and {code!r}", "one code a person", "taken as the same people")
        )  # fmt: skip
    return spelled


def _measured_at(part: Part) -> list[tuple[str, ...]]:
    """Person, and what tells the rows of one person apart, of each row."""
    names = ["subject", *(c for c in TELLING_APART if c != "subject" and c in part.frame)]
    rows = part.frame.dropna(subset=["subject"])[names].astype(str)
    return list(rows.itertuples(index=False, name=None))


def _whole_people(part: Part, audit: Vocabulary) -> bool:
    """Whether the people of a table were each measured in both conditions, or at several times."""
    frame = part.frame
    if "subject" not in frame or describes_people(frame, audit):
        return False
    ways = [c for c in ("direction", "time") if c in frame]
    counts = [frame.groupby("subject", observed=True)[c].nunique() for c in ways]
    return any(bool((n > 1).mean() > _WHOLE) for n in counts if len(n))


def describes_people(frame: pd.DataFrame, audit: Vocabulary) -> bool:
    """One row a person, and nothing that an analysis explains."""
    if "subject" not in frame or frame["subject"].duplicated().any() or "direction" in frame:
        return False
    return not any(outcome_column(frame, topic) for topic in audit.topics.values())
