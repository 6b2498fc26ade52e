"""Cells left blank under a name, as merged cells become in a text: filled where it is certain."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from retrostats.io.cohort.headers import kind_of, split_unit
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.spec import Spec
from retrostats.io.tables import cells as cell
from retrostats.io.tables.distinct import coded_rows, missing_values
from retrostats.io.tables.words import letters
from retrostats.io.validation.factors import COUNTING
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Kinds of column that may be written once for several rows of a person.
WRITTEN_ONCE = ("direction", "arm", "gait", "time", "sex")
#: Kinds that tell rows of a person apart.
APART = ("direction", "gait", "time", "time_weeks", "speed", "gradient_pct")


def filled_down(table: Table, spec: Spec, problems: list[Problem]) -> Table:
    """The table with a person's code in the rows below it that leave it blank.

    Filled only where each code stands once, and the rows below each tell themselves apart (by
    direction, time, speed, trial) or are the same for everybody; else nothing is changed.
    """
    import pandas as pd

    kinds = {h: kind_of(spec.columns.get(h, h)) for h in table.headers}
    header = next((h for h, kind in kinds.items() if kind == "subject"), "")
    if not header:
        return table
    people = table.columns[header]
    if pd.api.types.is_numeric_dtype(people.dtype) and not people.hasnans:
        return table
    numbers, codes = coded_rows(people)
    absent = missing_values(list(codes))
    if not absent.any() and numbers.min() >= 0:
        return table
    missing = np.append(absent, True)[numbers]
    if not missing.any():
        return table
    written = numbers[~missing]
    if missing[0] or len(np.unique(written)) < len(written):
        return table
    blank = pd.Series(missing, index=people.index)
    block = (~blank).cumsum()
    columns = table.columns.assign(**{header: people.where(~blank).ffill()})
    for name, kind in kinds.items():
        if kind in WRITTEN_ONCE:
            columns[name] = _once_a_block(columns[name], block)
    apart = [h for h, kind in kinds.items() if kind in APART or (kind is None and _counts(h))]
    if not _tell_apart(columns[apart], block):
        return table
    problems.append(
        Problem("repair", table.file, "", header, f"{int(blank.sum())} blank cells below a code",
                "a code in every row", "filled from above: each code stands once")
    )  # fmt: skip
    return replace(table, columns=columns)


def _counts(header: str) -> bool:
    """Whether a header numbers repeats, as "trial"."""
    return bool(set(letters(split_unit(header)[0]).split()) & COUNTING)


def _once_a_block(column: pd.Series, block: pd.Series) -> pd.Series:
    """A column filled down within each block where every block writes each value once."""
    said = column.where(~column.map(cell.is_missing))
    firsts = said.groupby(block).first().notna() & said.groupby(block).head(1).notna().to_numpy()
    spelled = said.dropna().astype(str)
    again = spelled.groupby(block[spelled.index]).apply(lambda texts: texts.duplicated().any())
    if said.notna().all() or not firsts.all() or again.any():
        return column
    return said.groupby(block).ffill()


def _tell_apart(columns: pd.DataFrame, block: pd.Series) -> bool:
    """Whether no two rows of a block are alike, or every block holds the same rows."""
    if columns.empty or not columns.shape[1]:
        return False
    rows = columns.astype(object).where(columns.notna(), "").astype(str).agg("\x1f".join, axis=1)
    alike = rows.groupby(block).apply(lambda texts: texts.duplicated().any())
    if not alike.any():
        return bool((rows.str.strip("\x1f") != "").all())
    held = {frozenset(Counter(texts).items()) for _, texts in rows.groupby(block)}
    return len(held) == 1 and len(next(iter(held))) > 1
