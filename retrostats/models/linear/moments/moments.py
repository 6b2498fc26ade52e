"""Sufficient statistics: of blocks measured alike (`Moments`) or of people (`CellMoments`).

A Gaussian mixed model sees its data only through these (docs/mathematics.md, section 1). They come
from rows (`reducing.moments`) or from a printed table (`moments_from_summary`), and merge with
``+``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from html import escape
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.formula.columns import Column, Factor, FloatArray, IntArray
from retrostats.models.linear.formula.expressions import columns_of
from retrostats.models.linear.formula.formula import Formula, all_terms
from retrostats.models.linear.moments.cells import merged, people
from retrostats.models.linear.moments.patterns import (
    Levels,
    Pattern,
    common_levels,
    merge_patterns,
    recoded,
)


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Sufficient statistics of a Gaussian mixed model, whatever its formula.

    Attributes
    ----------
    outcome : str
        Expression of the outcome: a column, or a transformation made before reducing.
    subject : str
        Column that names the independent blocks; "" where all rows are one block.
    columns : tuple of str
        Names of the design columns.
    levels : tuple
        Levels of each design column; None for a number.
    ordered : tuple of bool
        Whether the order of the levels was given, not sorted.
    groups : tuple of str
        Design columns that name groups within a block; their codes mean nothing across blocks.
    patterns : tuple of Pattern
    n_dropped : int
        Rows left out because a value was missing.
    raw : tuple of (label, Pattern) or None
        Each block as it was, where blocks hold several rows of people (studies): the rows, which
        can still become cells (`as_cells`).
    printed : bool
        Whether correlations come from a printed table rather than from rows.
    """

    outcome: str
    subject: str
    columns: tuple[str, ...]
    levels: tuple[tuple[Any, ...] | None, ...]
    ordered: tuple[bool, ...]
    groups: tuple[str, ...]
    patterns: tuple[Pattern, ...]
    n_dropped: int = 0
    raw: tuple[tuple[Any, Pattern], ...] | None = None
    printed: bool = False
    kind: ClassVar[Literal["patterns", "cells"]] = "patterns"

    @property
    def n_obs(self) -> int:
        """Observations."""
        return round(float(sum(p.n * len(p.mean) for p in self.patterns)))

    @property
    def n_subjects(self) -> int:
        """Independent blocks."""
        return round(float(sum(p.n for p in self.patterns)))

    def __repr__(self) -> str:
        return (
            f"Moments of {self.outcome}: {self.n_subjects} {self.subject or 'block'}(s), "
            f"{self.n_obs} observations, {len(self.patterns)} pattern(s) over "
            f"{', '.join(self.columns) or 'no design columns'}"
        )

    def _repr_html_(self) -> str:
        """The same, for a notebook."""
        return f"<p>{escape(repr(self))}</p>"

    def save(self, path: str | os.PathLike[str], *, min_cell: int = 5) -> None:
        """Write the moments to a file (JSON) that `load_moments` reads and ``+`` merges.

        Parameters
        ----------
        path : str or path
        min_cell : int
            Fewest subjects that may stand behind a number. Moments of rows with a study as their
            only group are written as cells of people (means and crossproducts in each cell, numeric
            columns with more than five values as variables) where single rows would leave.

        Raises
        ------
        InputError
            A cell is smaller than `min_cell`, or the file cannot be written.
        """
        from retrostats.models.linear.moments.release import save_moments

        save_moments(self, path, min_cell=min_cell)

    def disclosure(self, *, min_cell: int = 5) -> pd.DataFrame:
        """Every number that a file saved with this `min_cell` would hold.

        Returns
        -------
        DataFrame
            One row a number: cell, n, design, statistic (n, mean or scatter, the sum of squares and
            products about the mean), of, value. The names and levels of the columns are written
            too.

        Raises
        ------
        InputError
            As `save` would: a cell is smaller than `min_cell`.
        """
        from retrostats.models.linear.moments.release import disclosure, releasable

        return disclosure(releasable(self, min_cell))

    def __add__(self, other: Moments) -> Moments:
        """Merge disjoint sets of subjects.

        Raises
        ------
        InputError
            The two do not describe the same columns; the message lists both.
        """
        if not isinstance(other, Moments):
            return NotImplemented
        mine = (self.outcome, self.subject, self.columns, self.groups)
        theirs = (other.outcome, other.subject, other.columns, other.groups)
        if mine != theirs:
            raise InputError(
                f"cannot merge moments of different variables: {_labels(self)} and {_labels(other)}"
            )
        if not self.subject:
            raise InputError(
                "cannot merge moments of crossed groups: their blocks are not disjoint"
            )
        levels = common_levels(self, other)
        patterns = merge_patterns([*self.recoded(levels), *other.recoded(levels)], added=True)
        raw = None
        if self.raw is not None and other.raw is not None:
            labels = (*(k for k, _ in self.raw), *(k for k, _ in other.raw))
            blocks = [
                *recoded((p for _, p in self.raw), self.levels, levels),
                *recoded((p for _, p in other.raw), other.levels, levels),
            ]
            raw = tuple(zip(labels, blocks, strict=True))
        dropped = self.n_dropped + other.n_dropped
        return replace(
            self, levels=levels, patterns=patterns, n_dropped=dropped, raw=raw,
            printed=self.printed or other.printed,
        )  # fmt: skip

    def as_cells(self) -> CellMoments:
        """The cells of people behind moments of rows; see `CellMoments.of`."""
        return CellMoments.of(self)

    def recoded(self, levels: Levels) -> list[Pattern]:
        """The patterns with codes that are positions in other levels."""
        return recoded(self.patterns, self.levels, levels)

    def _rows(
        self, formula: Formula
    ) -> tuple[dict[str, Column], FloatArray, IntArray, FloatArray, dict[int, FloatArray]]:
        """Design columns, means, pattern of each row, counts and scatters, for one formula.

        Raises
        ------
        InputError
            The formula has another outcome.
        NotIdentified
            The formula uses a column the moments do not hold.
        """
        if formula.outcome_name != self.outcome:
            raise InputError(
                f"formula {formula.text!r} models {formula.outcome!r}, the moments are of "
                f"{self.outcome!r}; transform the rows before reducing them"
            )
        wanted = {name for term in all_terms(formula) for c in term for name in columns_of(c)}
        wanted |= {name for offset in formula.offsets for name in columns_of(offset)}
        missing = sorted(wanted - set(self.columns))
        known = {self.subject, *self.groups, *(self.columns if self.subject else ())}
        missing += sorted(set(formula.grouping_columns) - known)
        if missing and not self.subject and set(missing) <= set(self.columns):
            raise NotIdentified(
                f"{', '.join(missing)}: a column of these moments, but not a group when they were "
                "reduced, and their rows are one block; reduce the rows again with this formula"
            )
        if missing:
            raise NotIdentified(
                f"the moments of {self.outcome!r} were taken without {', '.join(missing)} (they "
                f"hold: {', '.join([self.subject, *self.columns])}); add it before reducing"
            )
        design = np.vstack([p.design for p in self.patterns])
        block = np.repeat(np.arange(len(self.patterns)), [len(p.mean) for p in self.patterns])
        columns: dict[str, Column] = {}
        for c, (name, levels) in enumerate(zip(self.columns, self.levels, strict=True)):
            if levels is None:
                columns[name] = design[:, c]
            elif name in self.groups:
                codes = design[:, c].astype(np.intp)
                pair, codes = np.unique(block * (codes.max() + 1) + codes, return_inverse=True)
                columns[name] = Factor(codes, tuple(pair.tolist()))
            else:
                columns[name] = Factor(design[:, c].astype(np.intp), levels).take(slice(None))
        if self.subject and self.subject not in self.columns:
            columns[self.subject] = Factor(block, tuple(range(len(self.patterns))))
        scatter = {i: p.scatter for i, p in enumerate(self.patterns) if p.scatter is not None}
        y = np.concatenate([p.mean for p in self.patterns])
        return columns, y, block, np.array([p.n for p in self.patterns], dtype=float), scatter


def _labels(m: Moments) -> str:
    return f"{m.outcome} by {m.subject or 'one block'} over ({', '.join(m.columns)})"


@dataclass(frozen=True, slots=True, eq=False)
class CellMoments(Moments):
    """Count, means and scatter of the variables in each cell.

    A `Pattern` here is a cell: ``design`` (1, c) its values of the c columns, ``n`` its people,
    ``mean`` (v,) and ``scatter`` (v, v) those of the variables. ``subject`` is the column whose
    levels are the studies.

    Attributes
    ----------
    variables : tuple of str
        Names of the v variables, each of which may be outcome or predictor.
    centred : tuple of (str, str)
        (name, variable): the variable minus its mean over all people of its study.
    coded : tuple of (str, str)
        (name, column): a 0/1 column minus one half.
    """

    variables: tuple[str, ...] = ()
    centred: tuple[tuple[str, str], ...] = ()
    coded: tuple[tuple[str, str], ...] = ()
    kind: ClassVar[Literal["patterns", "cells"]] = "cells"

    @property
    def n_obs(self) -> int:
        """People."""
        return round(float(sum(p.n for p in self.patterns)))

    @property
    def n_subjects(self) -> int:
        """Independent blocks (studies)."""
        at = self.columns.index(self.subject)
        return len({float(p.design[0, at]) for p in self.patterns})

    @property
    def names(self) -> tuple[str, ...]:
        """Everything a formula may use."""
        derived = (name for name, _ in (*self.centred, *self.coded))
        return tuple(dict.fromkeys([*self.columns, *self.variables, *derived]))

    def _label(self) -> str:
        return (
            f"Moments of {', '.join(self.variables)}: {self.n_obs} people in {len(self.patterns)} "
            f"cell(s) of {self.n_subjects} {self.subject}(s) over {', '.join(self.columns)}"
        )

    def __repr__(self) -> str:
        return self._label()

    def __add__(self, other: Moments) -> CellMoments:
        """Merge with moments of other people: printed ones, or those of rows.

        What both hold stays: columns and variables that only one has cannot enter a common model.

        Raises
        ------
        InputError
            The two have no common outcome, or say different things under one name.
        """
        if not isinstance(other, Moments):
            return NotImplemented
        theirs = other if isinstance(other, CellMoments) else CellMoments.of(other, like=self)
        return merged(self, theirs)

    def __radd__(self, other: Moments) -> CellMoments:
        """A sum that starts with moments of rows."""
        return (
            CellMoments.of(other, like=self) + self
            if isinstance(other, Moments)
            else NotImplemented
        )

    @classmethod
    def of(cls, moments: Moments, like: CellMoments | None = None) -> CellMoments:
        """The cells of moments taken from rows; numbers that vary within cells become variables.

        Parameters
        ----------
        moments : Moments
            With the rows they were taken from (``raw``).
        like : CellMoments, optional
            Whose variables decide which numeric columns are variables; without it those with more
            than five values are.

        Raises
        ------
        InputError
            The moments are of people measured repeatedly, or of a printed table of such.
        """
        known = None if like is None else {*like.variables, *(name for name, _ in like.centred)}
        found = people(moments, known)
        return cls(
            outcome=moments.outcome,
            subject=moments.subject,
            columns=found.columns,
            levels=found.levels,
            ordered=found.ordered,
            groups=(),
            patterns=found.patterns,
            n_dropped=moments.n_dropped,
            raw=None,
            variables=found.variables,
        )
