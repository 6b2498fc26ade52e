"""Rows of an audit's table as printed: cells read, nothing computed from them yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.common.arrays import path_of, table_of
from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.evidence.printed.cells import (
    Cell,
    Number,
    Summary,
    is_empty,
    number_cell,
    p_cell,
    parse_cell,
    people_cell,
)  # fmt: skip
from retrostats.evidence.printed.measures import measure_name
from retrostats.evidence.printed.quadrature import SpreadPrior
from retrostats.io.pages.page import CHANGES
from retrostats.io.tables.files import (
    comma_records,
    decode,
    read_bytes,
    refuse_long_lines,
    shown_name,
)

if TYPE_CHECKING:
    import pandas as pd

CROSSOVER, PARALLEL, BEFORE_AFTER = "crossover", "parallel", "before-after"
_DESIGNS = {
    "crossover": CROSSOVER, "cross-over": CROSSOVER, "paired": CROSSOVER, "parallel": PARALLEL,
    **dict.fromkeys(CHANGES, BEFORE_AFTER),
}  # fmt: skip
#: Columns that are read; others (where, doi, note, x_..., rob_...) are for people.
READ = (
    "study", "design", "measure", "n", "estimate", "low", "high", "level", "se", "df", "p",
    "first", "second", "r", "adjusted", "pool", "design_effect", "claim", "mean_1", "sd_1",
    "mean_2", "sd_2", "sd_median", "sd_log_sd", "sd_low", "sd_high", "cv_high",
)  # fmt: skip
#: What an audit's table holds beside them.
_BESIDE = ("allocation", "arm", "where", "doi", "note", "title", "year", "outcome", "unit", "id")


@dataclass(frozen=True, slots=True)
class PrintedRow:
    """One row, with its place for messages.

    Attributes
    ----------
    where, number, study
    design
        "crossover", "parallel", "before-after", or "" where the table does not say.
    n
        People: one number, two of a parallel trial, or none.
    measure
        The row's own measure; "" where it has none.
    cells
        Raw cells by column, empty ones left out.
    p, operator
        Printed p and what stands before it.
    """

    where: str
    number: int
    study: str
    design: str
    cells: Mapping[str, Any]
    n: tuple[int, ...] = ()
    measure: str = ""
    p: Number | None = None
    operator: str = ""

    def number_of(self, column: str) -> Number | None:
        """A column's number; None where the cell is empty."""
        if column not in self.cells:
            return None
        return number_cell(self.cells[column], f"{self.where}, {column}")

    def positive(self, column: str) -> float | None:
        """A column's number, which must be above 0."""
        found = self.number_of(column)
        if found is not None and not found.value > 0:
            raise InputError(f"{self.where}: {column} is {found.text}; allowed is above 0")
        return None if found is None else found.value

    @property
    def paired(self) -> bool:
        """Whether the same people are compared with themselves."""
        return self.design in (CROSSOVER, BEFORE_AFTER)

    @property
    def root_n(self) -> float:
        """SD of the effect between people over its standard error; NaN without people.

        sqrt(n) of a pair; (1 / n1 + 1 / n2)^(-1/2) of two groups, taken as equal where only their
        sum is printed.
        """
        if not self.n:
            return math.nan
        if len(self.n) == 2:
            return math.sqrt(self.n[0] * self.n[1] / sum(self.n))
        return math.sqrt(self.n[0]) / (2.0 if self.design == PARALLEL else 1.0)

    @property
    def people_df(self) -> float:
        """n - 1 of a pair, n1 + n2 - 2 of two groups, infinite without people."""
        groups = 2 if len(self.n) == 2 or self.design == PARALLEL else 1
        return float(sum(self.n) - groups) if self.n else math.inf

    @property
    def df_words(self) -> str:
        """Where `people_df` comes from."""
        if not self.n:
            return "normal, n is not printed"
        groups = 2 if len(self.n) == 2 or self.design == PARALLEL else 1
        return f"t with n - {groups} = {self.people_df:g} df"

    def spread_prior(self) -> SpreadPrior | None:
        """Prior of the SD between people that the row declares in its own columns."""
        median = self.positive("sd_median")
        if median is None:
            return None
        low, high = self.number_of("sd_low"), self.positive("sd_high")
        return SpreadPrior(
            median,
            self.positive("sd_log_sd") or 0.5,
            0.0 if low is None else low.value,
            math.inf if high is None else high,
        )

    def sides(self) -> tuple[Cell | None, Cell | None]:
        """What `first` and `second` say (or mean_1, sd_1, mean_2, sd_2)."""
        found: list[Cell | None] = []
        for name, suffix in (("first", "1"), ("second", "2")):
            if name in self.cells:
                found.append(parse_cell(self.cells[name], f"{self.where}, {name}"))
            elif f"mean_{suffix}" in self.cells:
                mean, sd = (self.number_of(f"{part}_{suffix}") for part in ("mean", "sd"))
                assert mean is not None
                spread = () if sd is None else (sd,)
                found.append(Summary(mean, spread, "SD" if spread else ""))
            else:
                found.append(None)
        return found[0], found[1]


def read_rows(table: Any) -> list[PrintedRow]:
    """Rows of a table: a frame, a mapping of columns, or the path of a CSV file.

    Raises
    ------
    InputError
        No rows, no column study, a column whose name nearly is one that is read, several claims.
    """
    frame = _frame(table)
    columns = [str(name) for name in frame.columns]
    if "study" not in columns:
        raise InputError(
            f"pool_printed: no column study; found {', '.join(columns) or 'none'}; a table needs "
            "study and what was printed: first and second, or estimate with low and high, se or p"
        )
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise InputError(f"pool_printed: column {', '.join(twice)} appears twice; keep one")
    _refuse_near_misses(columns)
    if frame.empty:
        raise InputError("pool_printed: the table has no rows; give one row a printed comparison")
    raw = [
        {str(key): value for key, value in row.items() if not is_empty(value)}
        for row in frame.to_dict("records")
    ]
    claims = sorted({str(row["claim"]).strip() for row in raw if "claim" in row})
    if len(claims) > 1:
        raise InputError(
            f"pool_printed: the table has rows of {len(claims)} claims ({', '.join(claims)}); give "
            "the rows of one"
        )
    return [printed_row(cells, number) for number, cells in enumerate(raw, start=1)]


def _frame(table: Any) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(table, str | Path):
        return table_of(table, "pool_printed")
    path = path_of(table, "pool_printed, table")
    data = read_bytes(path)
    refuse_long_lines(shown_name(path), data)
    text, _ = decode(shown_name(path), data)
    found = comma_records(shown_name(path), text)
    if not found:
        raise InputError(f"{shown_name(path)}: no rows; give one row a printed comparison")
    names = [name.strip() for name in found[0][1]]
    for number, row in found:
        if len(row) != len(names):
            raise InputError(
                f"{shown_name(path)}, row {number}: {len(row)} cells under {len(names)} "
                "columns; put cells that hold commas in quotes"
            )
    return pd.DataFrame([row for _, row in found[1:]], columns=names)


def _refuse_near_misses(columns: Sequence[str]) -> None:
    from difflib import get_close_matches

    for name in columns:
        if name in READ or name in _BESIDE or name.startswith(("x_", "rob_")):
            continue
        near = get_close_matches(name.lower().strip(), READ, 1, 0.8)
        if near and near[0] not in columns:
            raise InputError(
                f"pool_printed: column {name!r} is not read; did you mean {near[0]!r}? Rename it, "
                "or put x_ before a column of your own"
            )


def printed_row(cells: Mapping[str, Any], number: int, table: str = "pool_printed") -> PrintedRow:
    """One row of filled cells by column; `number` and `table` are its place in messages.

    Raises
    ------
    InputError
        No study, or a cell of no known form.
    """
    study = str(cells.get("study", "")).strip()
    where = f"{table}, row {number}" + (f" ({study})" if study else "")
    if not study:
        raise InputError(f"{where}: study is empty; name each study")
    design = str(cells.get("design", "")).strip().lower()
    if design and design not in _DESIGNS:
        raise InputError(
            f"{where}, column design: found {cells['design']!r}{suggestion(design, _DESIGNS)}; "
            "allowed: crossover, parallel, before-after"
        )
    if is_left_out(cells, where):  # what is not pooled is listed as it stands
        return PrintedRow(where, number, study, _DESIGNS.get(design, ""), cells=cells)
    people = people_cell(cells["n"], f"{where}, n") if "n" in cells else ()
    design = _DESIGNS.get(design, PARALLEL if len(people) == 2 else "")
    if len(people) == 2 and design != PARALLEL:
        people = _same_people(people, design, where)
    measure = measure_name(cells["measure"], where) if "measure" in cells else ""
    p, operator = p_cell(cells.get("p"), f"{where}, p")
    return PrintedRow(
        where, number, study, design, n=people, measure=measure, cells=cells, p=p, operator=operator
    )


def is_left_out(cells: Mapping[str, Any], where: str) -> bool:
    """Whether column pool says no, or that only the sign counts.

    Raises
    ------
    InputError
        Something else than yes, no with a reason, or a sign.
    """
    text = str(cells.get("pool", "yes")).strip()
    if text.lower() == "yes":
        return False
    word, _, reason = text.partition(":")
    word, reason = word.strip().lower(), reason.strip()
    if (word == "no" and reason) or (word == "sign" and reason.lower() in ("for", "against")):
        return True
    raise InputError(
        f"{where}: pool is {text!r}; allowed: yes, 'no: reason', 'sign: for', 'sign: against'"
    )


def _same_people(people: tuple[int, ...], design: str, where: str) -> tuple[int, ...]:
    if people[0] == people[1]:
        return people[:1]
    raise InputError(
        f"{where}: n is {people[0]} / {people[1]} in a {design} design, where the same people are "
        "compared; give the number measured in both, or design parallel"
    )
