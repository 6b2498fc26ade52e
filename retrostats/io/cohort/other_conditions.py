"""Rows of a third condition (sideways, rest) beside both that are compared: left out, listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.nearest import nearest
from retrostats.common.vocabulary import Conditions
from retrostats.io.cohort.headers import Meaning
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.spec import Spec
from retrostats.io.cohort.values import codes_of
from retrostats.io.tables import cells as cell
from retrostats.io.tables.distinct import Mask, coded_rows
from retrostats.io.tables.words import named, plain
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Reason under which the rows are accounted for.
OTHER = "another condition"
#: People who were measured in it: fewer are a slip of the pen.
FEWEST = 2
#: Words, and rows, that a message names.
NAMED = 5


def without_other_conditions(
    table: Table,
    meanings: Sequence[Meaning],
    spec: Spec,
    problems: list[Problem],
    conditions: Conditions,
) -> tuple[Table, tuple[int, ...]]:
    """The table without rows of conditions that are not compared, and the rows left out.

    A word is another condition where it is like none of the known ones, several people have it,
    and each of them has all the compared ones too, or none of them: else it may be one of them
    under a name of the lab, which is asked about.
    """
    headers = {m.column: m.header for m in meanings}
    left: list[int] = []
    for column in ("direction", "gait"):
        known = codes_of(column, conditions) if column in headers else None
        if not known or "subject" not in headers or spec.analysis == "none":
            continue
        out, words = _others(table, headers, column, known, spec.levels)
        if not words:
            continue
        rows = [int(row) for row in dict.fromkeys(table.columns.index[out])]
        shown = f"{', '.join(map(repr, words[:NAMED]))} in {len(rows)} rows"
        first = ", ".join(map(str, rows[:NAMED])) + " ..." * (len(rows) > NAMED)
        problems.append(
            Problem("warning", table.file, first, column, shown,
                    " or ".join(known), f"{OTHER}, rows left out; if one of these is meant, write "
                    f'under [levels] in a spec "{words[0]}" = "{next(iter(known))}", and choose '
                    f'rows under [filter] "{headers[column]}"')
        )  # fmt: skip
        left += rows
        table = replace(table, columns=table.columns[~out])
    return table, tuple(dict.fromkeys(left))


def _others(
    table: Table,
    headers: Mapping[str, str],
    column: str,
    known: Mapping[str, Sequence[str]],
    levels: Mapping[str, str],
) -> tuple[Mask, list[str]]:
    """Rows of other conditions, and the words of these."""
    given = {k.strip().lower(): v for k, v in levels.items()}
    codes, uniques = coded_rows(table.columns[headers[column]])
    said = ["" if cell.is_missing(u) else str(u).strip() for u in uniques]
    read = [named(given.get(t.lower(), t), known) for t in said]
    strange = [t for t, r in zip(said, read, strict=True) if t and r is None]
    words = [t for t in strange if not _like_one(t, known)]
    none = np.zeros(len(codes), dtype=bool)
    if not words or len(words) < len(strange) or not any(read):
        return none, []
    out = np.array([*(t in words for t in said), False])[codes]
    people = table.columns[headers["subject"]].astype(object)
    with_it = people[out].dropna().unique()
    kept = people[~out].isin(with_it) & people[~out].notna()
    direction = table.columns[headers.get("direction", headers[column])].astype(object)
    ways = _ways(people[~out][kept], direction[~out][kept])
    if len(with_it) < FEWEST:
        return none, []
    if column == "direction":
        whole = set(read) >= set(known) and all(len(way) >= len(known) for way in ways.values())
    else:
        before = _ways(people, direction)
        whole = all(way == before[person] for person, way in ways.items())
    return (out, words) if whole else (none, [])


def _ways(people: pd.Series, directions: pd.Series) -> dict[Any, frozenset[str]]:
    """The words of direction of each person."""
    found: dict[Any, set[str]] = {}
    codes, words = coded_rows(directions)
    for who, code in zip(people, codes, strict=True):
        if code >= 0:
            found.setdefault(who, set()).add(str(words[code]).strip().lower())
    return {who: frozenset(said) for who, said in found.items()}


def _like_one(word: str, known: Mapping[str, Sequence[str]]) -> bool:
    """Whether a word is nearly a known one, or holds one, as "left then right"."""
    words = {plain(said) for name, listed in known.items() for said in (name, *listed)}
    if len(plain(word)) < 3 or set(plain(word).split()) & {w for w in words if len(w) > 2}:
        return True
    return nearest(plain(word), words) is not None
