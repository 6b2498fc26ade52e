"""A folder as one cohort: tables stacked, people joined by name, or cart exports with a plan."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.common.errors import InputError
from retrostats.common.vocabulary import Conditions, Vocabulary
from retrostats.io.cohort.events import counted
from retrostats.io.cohort.headers import kind_of, without_number
from retrostats.io.cohort.labs import describes_people, labs_apart, one_spelling
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.meanings import audit_columns, known_header
from retrostats.io.cohort.normalise import Part, derived, normalise, reads
from retrostats.io.cohort.spec import Spec
from retrostats.io.cohort.values import condition_word
from retrostats.io.tables.tabular import SUFFIXES, read_table
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

MAX_FILES = 2000
#: Kinds of column that an analysis explains or counts.
OUTCOMES = frozenset({
    "oxygen", "energy_cost", "metabolic_rate", "body_fat_pct", "injuries", "exposure_h",
})  # fmt: skip
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
        parts.append(_part(table, path.stem, spec, problems, audit))
    parts = labs_apart(parts, list(tables), folder.name, problems, audit)
    return together(parts, folder.name, spec, problems, audit), digest.hexdigest()


def together(
    parts: list[Part], name: str, spec: Spec, problems: list[Problem], audit: Vocabulary
) -> Part:
    """Normalised tables as one: stacked, people joined by subject, events counted.

    Raises
    ------
    InputError
        The spec names a header that is in none of them.
    """
    _each_header_somewhere(spec, parts)
    parts = one_spelling(parts, name, problems)
    part = _joined(counted(parts, audit.topics, name, problems), name, problems, audit)
    return replace(part, frame=derived(part.frame, spec, name, problems))


def sheets_together(
    tables: list[Table], file: str, spec: Spec, problems: list[Problem], audit: Vocabulary
) -> Part:
    """The tables of one file as one: the data, chosen by what the sheets hold, and what joins it.

    Sheets of one header without a person or a direction are stacked, named by their sheet; a
    sheet about people, or a list of events beside exposures, is joined. What is left is listed.
    """
    scored = sorted(tables, key=lambda table: _measures(table, audit), reverse=True)
    best, wanted = scored[0], [scored[0]]
    kinds = {kind_of(header) for header in best.headers}
    same = [table for table in scored if table.headers == best.headers]
    ways = [_ways(table.sheet, audit.conditions) for table in same]
    apart = len({" ".join(words) for words in ways}) == len(same)
    named = all(ways) and (apart or "direction" not in kinds)
    if len(same) > 1 and ("subject" not in kinds or named):
        wanted = same
    used = [_part(table, table.sheet, spec, problems, audit) for table in wanted]
    have = {column for part in used for column in part.frame}
    for table in scored:
        if any(table is one for one in wanted):
            continue
        quiet: list[Problem] = []
        part = _part(table, "", spec, quiet, audit)
        new = set(part.frame) - have
        joins = describes_people(part.frame, audit) and bool(new & {m.column for m in
                                                                     part.meanings})  # fmt: skip
        if joins or len(counted([*used, part], audit.topics, file, [])) <= len(used):
            used.append(part)
            wanted.append(table)
            problems += quiet
    left = [table.sheet for table in tables if not any(table is one for one in wanted)]
    if left:
        shown = ", ".join(table.sheet for table in wanted)
        problems.append(
            Problem("guess", file, "", "", f"sheet {shown!r} used, not {', '.join(left)}",
                    "one table", 'check; name another one under [file] sheet = "..." in a spec')
        )  # fmt: skip
    if len(used) == 1:
        return replace(used[0], frame=derived(used[0].frame, spec, file, problems))
    problems.append(
        Problem("guess", file, "", "", f"{len(wanted)} sheets: "
                f"{', '.join(table.sheet for table in wanted)[:200]}", "one table", "put together")
    )  # fmt: skip
    return together(used, file, spec, problems, audit)


def _measures(table: Table, audit: Vocabulary) -> tuple[bool, int]:
    """Whether a table holds what an analysis explains or counts, and how many names are known."""
    of_audit = audit_columns(audit.topics)
    known = [h for h in table.headers if known_header(Spec(), audit.conditions, of_audit, h)]
    kinds = {kind_of(without_number(header)) for header in known}
    measured = kinds & OUTCOMES or any(kind_of(without_number(h)) is None for h in known)
    return bool(measured), len(known)


def _ways(name: str, conditions: Conditions) -> list[str]:
    """Words of a name that are a condition."""
    words = [word for word in re.split(r"[\s_.\-]+", name) if word]
    return [word for word in words if condition_word(word, conditions)]


def _part(table: Table, name: str, spec: Spec, problems: list[Problem], audit: Vocabulary) -> Part:
    """A table normalised, with what its own name says of it; `derived` comes later."""
    named = _named_by_file(table, name, problems, audit.conditions) if name else table
    return normalise(named, _about(spec, table), problems, audit)


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
    from retrostats.io.carts.plan import file_column

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
    from retrostats.io.carts.plan import with_carts

    table, column, name = plan
    part = normalise(table, spec, problems, audit)
    frame, digest = with_carts(part.frame, column, folder, problems)
    named = set(frame[column].astype(str).str.strip()) | {name}
    _not_read([p for p in files if p.name not in named], problems)
    return replace(part, frame=derived(frame, spec, name, problems)), digest


def _named_by_file(
    table: Table, name: str, problems: list[Problem], conditions: Conditions
) -> Table:
    """Subject and direction from the name of a file or a sheet, where no column says it."""
    kinds = {kind_of(header) for header in table.headers}
    columns = table.columns
    parts = [word for word in re.split(r"[\s_.\-]+", name) if word]
    ways = [word for word in _ways(name, conditions) if len(word) > 1]
    if "direction" not in kinds and len(ways) == 1:
        columns = columns.assign(direction=ways[0])
        problems.append(_named(table, "direction", ways[0]))
        parts.remove(ways[0])
    if "subject" not in kinds and parts:
        columns = columns.assign(subject="_".join(parts))
        problems.append(_named(table, "subject", "_".join(parts)))
    return replace(table, columns=columns)


def _named(table: Table, column: str, value: str) -> Problem:
    what = "the sheet's name" if table.sheet else "the file's name"
    return Problem("guess", table.file, "", column, value, "", f"read from {what}")


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

    people = [part for part in parts if describes_people(part.frame, audit)]
    measured = [part for part in parts if not describes_people(part.frame, audit)] or parts
    frame = pd.concat([part.frame for part in measured], ignore_index=True)
    explained: dict[str, tuple[int, ...]] = {}
    for part in people if measured is not parts else ():
        frame = _with_people(frame, part.frame, name, problems)
        explained["people, joined by subject"] = tuple(part.frame["source_row"])
    for part in parts:
        explained |= part.explained
    meanings = {m.header: m for part in parts for m in part.meanings}
    return Part(frame, list(meanings.values()), sum(p.rows_in for p in parts), explained)


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
            frame = frame.assign(**{column: frame["subject"].astype(object).map(known[column])})
    return frame


def _not_read(files: list[Path], problems: list[Problem]) -> None:
    for path in files:
        if path.suffix.lower() not in (".toml", ".md", ".pdf"):
            problems.append(
                Problem("warning", path.name, "", "", "no table of this cohort", "", "not read")
            )
