"""Findings about a file as a reader wants them: what repeats is one line with all its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from retrostats.io.validation.problem import LEVELS, Problem

if TYPE_CHECKING:
    import pandas as pd

#: Different values, files or columns that one line names; the others are counted.
NAMED = 4
#: What stands between the name of a workbook and that of a sheet.
SHEET = ", sheet "


def problems_of(frame: pd.DataFrame) -> list[Problem]:
    """The findings of `Cohort.problems`."""
    return [Problem(*map(str, row)) for row in frame.itertuples(index=False)]


def grouped(problems: Iterable[Problem]) -> list[Problem]:
    """One finding for each thing to do: rows, values and columns of equal ones put together.

    The gravest level first, else in the order found.

    Examples
    --------
    >>> bad = [Problem("error", "lab.csv", str(r), "vo2", "'x'", "a number", "write it")
    ...        for r in (4, 2, 3, 9)]
    >>> [str(p) for p in grouped(bad)]
    ["lab.csv, rows 2 to 4, 9, vo2: found 'x'; allowed a number; write it"]
    """
    together: dict[tuple[str, ...], list[Problem]] = {}
    for problem in problems:
        together.setdefault(_key(problem), []).append(problem)
    found = [_one(same) if len(same) > 1 else _tidy(same[0]) for same in together.values()]
    return sorted(found, key=lambda p: LEVELS.index(p.level))


def _tidy(problem: Problem) -> Problem:
    return replace(problem, row=rows_text([problem.row])) if problem.row else problem


def rows_text(rows: Iterable[str]) -> str:
    """Row numbers with runs shortened; what is no number stands at the end.

    Examples
    --------
    >>> rows_text(["2, 3", "4", "9 ..."])
    '2 to 4, 9 ...'
    """
    parts = [part.strip() for text in rows for part in text.split(",")]
    numbers = sorted({int(part) for part in parts if part.isdecimal()})
    runs = []
    for _, run in groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        ends = [number for _, number in run]
        runs.append(_run(ends))
    return ", ".join([*runs, *(part for part in dict.fromkeys(parts) if not part.isdecimal())])


def _run(ends: Sequence[int]) -> str:
    """A run of numbers: two are named, more are a range."""
    return ", ".join(map(str, ends)) if len(ends) < 3 else f"{ends[0]} to {ends[-1]}"


def _key(problem: Problem) -> tuple[str, ...]:
    """What two findings share that are one line."""
    shared = problem.level, problem.allowed if problem.row else "", problem.action
    if problem.row:
        return *shared, problem.file, problem.column or problem.found
    return *shared, f"found {problem.found}" if problem.of_columns else f"in {problem.column}"


def _one(same: Sequence[Problem]) -> Problem:
    first = same[0]
    return replace(
        first,
        file=_files([p.file for p in same]),
        row=rows_text(p.row for p in same) if first.row else "",
        column=_listed(p.column for p in same),
        found=_listed(p.found for p in same)
        if not first.names_itself
        else _listed(p.column for p in same),
    )


def _files(names: list[str]) -> str:
    """Different files; sheets of one file under its name."""
    book, sheet = names[0].partition(SHEET)[:2]
    apart = list(dict.fromkeys(names))
    if len(apart) > 1 and sheet and all(name.startswith(book + SHEET) for name in apart):
        return f"{book}, sheets {_listed(name.removeprefix(book + SHEET) for name in apart)}"
    return _listed(apart)


def _listed(texts: Iterable[str]) -> str:
    """Different texts by a comma, the last ones counted."""
    apart = list(dict.fromkeys(filter(None, texts)))
    more = f" and {len(apart) - NAMED} more" if len(apart) > NAMED else ""
    return ", ".join(apart[:NAMED]) + more
