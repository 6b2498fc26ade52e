"""Which residual stratum an observation belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.rows import Rows
from retrostats.models.linear.formula.columns import (
    Column,
    Factor,
    FloatArray,
    IntArray,
    read_column,
)
from retrostats.models.linear.formula.design import factorised, shown_level
from retrostats.models.linear.formula.quoted import hidden, name_of
from retrostats.models.linear.heteroscedastic.blocks import Stratified

STRATUM = "`residual stratum`"  # with backticks: no formula can name it


@dataclass(frozen=True, slots=True)
class Labelled:
    """The stratum of each row.

    Attributes
    ----------
    codes : (R,) int array
    labels : tuple of str
        Levels joined by ":".
    name : str
        As given in ``residual=``.
    people : (R,) array or None
        Observations a row stands for, where rows are rotated; else those of its pattern.
    """

    codes: IntArray
    labels: tuple[str, ...]
    name: str
    people: FloatArray | None = None

    def of(self, cell: IntArray, n: FloatArray) -> Labelled:
        """The strata of rotated rows, from those of their cells."""
        people = np.zeros(len(cell))
        people[np.unique(cell, return_index=True)[1]] = n
        return Labelled(self.codes[cell], self.labels, self.name, people)

    def stratify(self, rows: Rows) -> Stratified:
        """The rows with their strata."""
        people = rows.n[rows.block] if self.people is None else self.people
        count = np.bincount(self.codes, people, len(self.labels)).astype(float)
        return Stratified(rows, self.codes, count, self.labels, self.name)


def residual_columns(residual: object) -> tuple[str, ...]:
    """Column names of ``residual="a:b"``; empty for None.

    Raises
    ------
    InputError
        It is not a name or names joined by ":".
    """
    if residual is None:
        return ()
    parts = hidden(residual).split(":") if isinstance(residual, str) else []
    names = tuple(part.strip() for part in parts)
    if not names or not all(re.fullmatch(r"[^\W\d_][\w.]*", name) for name in names):
        raise InputError(
            f"residual={residual!r}; allowed: a column, or columns joined by ':' as 'study:arm'"
        )
    return tuple(dict.fromkeys(map(name_of, names)))


def with_stratum(frame: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    """The table with a column of strata; missing where one of the columns is."""
    factors = [read_column(frame, name, as_factor=True) for name in names]
    codes, labels = _crossed(factors)
    out = frame.copy(deep=False)
    out[STRATUM] = pd.Categorical.from_codes(codes, categories=pd.Index(list(labels)))
    return out


def strata_of(
    columns: Mapping[str, Column], names: tuple[str, ...], shown: tuple[str, ...]
) -> Labelled:
    """Strata by the columns of a design.

    Raises
    ------
    NotIdentified
        A column is not there.
    InputError
        There is one stratum only.
    """
    missing = [name for name in names if name not in columns]
    if missing:
        raise NotIdentified(
            f"residual={':'.join(shown)!r}: the data were reduced without {', '.join(missing)} "
            f"(they hold: {', '.join(columns)}); add it before reducing"
        )
    codes, labels = _crossed([columns[name] for name in names])
    if len(labels) < 2:
        raise InputError(
            f"residual={':'.join(shown)!r} has one level only ({labels[0]}); leave residual= out"
        )
    return Labelled(codes, labels, ":".join(shown))


def _crossed(columns: list[Column]) -> tuple[IntArray, tuple[str, ...]]:
    """Codes of the combinations that occur, and their labels; -1 where a value is missing."""
    factors = [c if isinstance(c, Factor) else factorised(c) for c in columns]
    codes = np.zeros(len(factors[0].codes), dtype=np.intp)
    missing = np.zeros(len(codes), dtype=bool)
    for factor in factors:
        missing |= factor.codes < 0
        codes = codes * len(factor.levels) + np.maximum(factor.codes, 0)
    used, inverse = np.unique(codes[~missing], return_inverse=True)
    labels = []
    for code in used.tolist():
        parts: list[str] = []
        for factor in reversed(factors):
            code, at = divmod(code, len(factor.levels))
            parts.append(_shown(factor.levels[at]))
        labels.append(":".join(reversed(parts)))
    out = np.full(len(codes), -1, dtype=np.intp)
    out[~missing] = inverse.ravel()
    return out, tuple(labels)


def _shown(level: object) -> str:
    """A level as labels print it: truth as TRUE and FALSE, as the names of terms have it."""
    text = shown_level(level)
    return text.upper() if isinstance(level, bool | np.bool_) else text
