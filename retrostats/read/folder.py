"""A folder as one cohort: tables stacked, people joined by name, or cart exports with a plan."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.errors import InputError
from retrostats.read.headers import kind_of
from retrostats.read.layout import Table
from retrostats.read.normalise import Part, derived, normalise, reads
from retrostats.read.spec import Spec
from retrostats.read.tabular import SUFFIXES, read_table
from retrostats.read.validation.problem import Problem
from retrostats.read.validation.requirements import outcome_column
from retrostats.read.values import condition_word
from retrostats.vocabulary import Conditions, Vocabulary

if TYPE_CHECKING:
    import pandas as pd

MAX_FILES = 2000
#: Suffixes of text that need not be a table.
PROSE = (".txt", ".dat", ".asc")
#: A table and the bytes of its file, or why the file is none.
Read = tuple[Table, bytes] | InputError


def read_folder(
    folder: Path, spec: Spec, problems: list[Problem], audit: Vocabulary
) -> tuple[Part, str]:
    """The normalised rows of all tables in a folder, and a digest of its files.

    A table with a column `file` is a plan: each row is an export of a metabolic cart. Otherwise
    every table is read; one that only describes people is joined by subject, the others are
    stacked. A table without a subject column is one person's, named by its file.

    Raises
    ------
    InputError
        No table, too many files, or a table that cannot be read.
    """
    files = sorted(
        p for p in folder.iterdir() if p.is_file() and not p.name.startswith((".", "~$"))
    )
    if len(files) > MAX_FILES:
        raise InputError(f"{folder.name}: {len(files)} files; at most {MAX_FILES} are read")
    read = {path: _table(path, spec, audit) for path in files if path.suffix.lower() in SUFFIXES}
    plan = _plan(files, read)
    if plan:
        return _from_carts(folder, files, plan, spec, problems, audit)
    tables = _all_read(read)
    if not tables:
        raise InputError(f"{folder.name}: no table in this folder; it needs one of "
                         f"{', '.join(SUFFIXES)}")  # fmt: skip
    _not_read([p for p in files if p not in tables], problems)
    digest = hashlib.sha256()
    parts = []
    for path, (table, data) in tables.items():
        digest.update(hashlib.sha256(data).digest())
        named = _own_names(table, path, problems, audit.conditions)
        parts.append(normalise(named, _about(spec, table), problems, audit))
    _each_header_somewhere(spec, parts)
    part = _joined(parts, folder.name, problems, audit)
    frame = derived(part.frame, spec, folder.name, problems)
    return replace(part, frame=frame), digest.hexdigest()


def _table(path: Path, spec: Spec, audit: Vocabulary) -> Read:
    """Table and bytes of a file, or why it is none."""
    try:
        return read_table(path, spec, *reads(spec, audit))
    except InputError as error:
        return error


def _all_read(read: dict[Path, Read]) -> dict[Path, tuple[Table, bytes]]:
    """The tables; a file that is none is refused, but for the prose that .txt may hold."""
    tables = {}
    for path, found in read.items():
        if not isinstance(found, InputError):
            tables[path] = found
        elif path.suffix.lower() not in PROSE:
            raise found
    return tables


def _plan(files: list[Path], read: dict[Path, Read]) -> tuple[Table, str, str] | None:
    """The table that names files, its column, and its own file name."""
    from retrostats.read.carts.plan import file_column

    for path, found in read.items():
        if isinstance(found, InputError):
            continue  # a cart export is no plain table
        table, _ = found
        column = file_column(table)
        if column is None:
            continue
        named = {str(name).strip() for name in table.columns[column].dropna()}
        if named & {p.name for p in files}:
            return table, column, path.name
    return None


def _from_carts(
    folder: Path,
    files: list[Path],
    plan: tuple[Table, str, str],
    spec: Spec,
    problems: list[Problem],
    audit: Vocabulary,
) -> tuple[Part, str]:
    from retrostats.read.carts.plan import with_carts

    table, column, name = plan
    part = normalise(table, spec, problems, audit)
    frame, digest = with_carts(part.frame, column, folder, problems)
    named = set(frame[column].astype(str).str.strip()) | {name}
    _not_read([p for p in files if p.name not in named], problems)
    return replace(part, frame=derived(frame, spec, name, problems)), digest


def _own_names(table: Table, path: Path, problems: list[Problem], conditions: Conditions) -> Table:
    """Subject and direction from the file's name where the table has no such column."""
    kinds = {kind_of(header) for header in table.headers}
    columns = table.columns
    parts = [word for word in re.split(r"[\s_.\-]+", path.stem) if word]
    ways = [word for word in parts if condition_word(word, conditions) and len(word) > 1]
    if "direction" not in kinds and len(ways) == 1:
        columns = columns.assign(direction=ways[0])
        problems.append(_named(path, "direction", ways[0]))
        parts.remove(ways[0])
    if "subject" not in kinds and parts:
        columns = columns.assign(subject="_".join(parts))
        problems.append(_named(path, "subject", "_".join(parts)))
    return replace(table, columns=columns)


def _named(path: Path, column: str, value: str) -> Problem:
    return Problem("guess", path.name, "", column, "the file's name", "", f"read as {value}")


def _about(spec: Spec, table: Table) -> Spec:
    """The entries of a spec that concern this table."""
    here = set(table.headers)
    return replace(
        spec,
        columns={k: v for k, v in spec.columns.items() if k in here},
        units={k: v for k, v in spec.units.items() if k in here},
        filter={k: v for k, v in spec.filter.items() if k in here},
        wide={k: v for k, v in spec.wide.items() if k in here},
    )


def _each_header_somewhere(spec: Spec, parts: list[Part]) -> None:
    seen = {m.header for part in parts for m in part.meanings}
    seen |= {str(c) for part in parts for c in part.frame}
    for header in (*spec.columns, *spec.units):
        if header not in seen:
            raise InputError(f"spec: no column {header!r} in any table of the folder")


def _joined(parts: list[Part], name: str, problems: list[Problem], audit: Vocabulary) -> Part:
    import pandas as pd

    people = [part for part in parts if _describes_people(part.frame, audit)]
    measured = [part for part in parts if not _describes_people(part.frame, audit)] or parts
    frame = pd.concat([part.frame for part in measured], ignore_index=True)
    explained: dict[str, tuple[int, ...]] = {}
    for part in people if measured is not parts else ():
        frame = _with_people(frame, part.frame, name, problems)
        explained["people, joined by subject"] = tuple(part.frame["source_row"])
    for part in parts:
        explained |= part.explained
    meanings = {m.header: m for part in parts for m in part.meanings}
    return Part(frame, list(meanings.values()), sum(p.rows_in for p in parts), explained)


def _describes_people(frame: pd.DataFrame, audit: Vocabulary) -> bool:
    """One row a person, and nothing that an analysis explains."""
    if "subject" not in frame or frame["subject"].duplicated().any() or "direction" in frame:
        return False
    return not any(outcome_column(frame, topic) for topic in audit.topics.values())


def _with_people(
    frame: pd.DataFrame, people: pd.DataFrame, name: str, problems: list[Problem]
) -> pd.DataFrame:
    if "subject" not in frame:
        return frame
    known = people.set_index("subject")
    absent = sorted(set(frame["subject"].dropna()) - set(known.index))
    if absent:
        level = "error" if len(absent) == frame["subject"].nunique() else "warning"
        problems.append(
            Problem(level, name, "", "subject", f"{len(absent)} without a row about them, as "
                    f"{absent[0]!r}", "one row each", "their columns are missing")
        )  # fmt: skip
    for column in known.columns.difference(["source_file", "source_row"]):
        if column not in frame:
            frame = frame.assign(**{column: frame["subject"].map(known[column])})
    return frame


def _not_read(files: list[Path], problems: list[Problem]) -> None:
    for path in files:
        if path.suffix.lower() not in (".toml", ".md", ".pdf"):
            problems.append(
                Problem("warning", path.name, "", "", "no table of this cohort", "", "not read")
            )
