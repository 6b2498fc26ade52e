"""Patterns: the design, count, mean and scatter of blocks measured alike.

A Gaussian mixed model sees its data only through these (docs/mathematics.md, section 1). They come
from rows (`moments`) or from a printed table (`moments_from_summary`), and merge with ``+``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from retrostats.errors import InputError, NotIdentified
from retrostats.mixed.columns import Column, Factor, FloatArray, IntArray, numeric, read_columns
from retrostats.mixed.expressions import columns_of, evaluate
from retrostats.mixed.formula import Formula, Term, parse_formula

_FEW = 3  # rows a block from which blocks may be studies, whose rows are kept


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Blocks that share a design.

    Attributes
    ----------
    design : (m, c) array
        Values of the c design columns in the m rows; categorical ones as positions in their levels.
    n : float
        Blocks (subjects).
    mean : (m,) array
        Mean outcome of each row.
    scatter : (m, m) array or None
        Sum over blocks of (y - mean)(y - mean)'; None for one raw block, whose scatter is zero.
    """

    design: FloatArray
    n: float
    mean: FloatArray
    scatter: FloatArray | None


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
        can still become cells (`cells.cells_of`).
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
        from retrostats.mixed.store import save_moments

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
        from retrostats.mixed.store import disclosure, releasable

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
        patterns = merge_patterns([*self.recoded(levels), *other.recoded(levels)])
        raw = None
        if self.raw is not None and other.raw is not None:
            labels = (*(k for k, _ in self.raw), *(k for k, _ in other.raw))
            blocks = [*self._raw_recoded(levels), *other._raw_recoded(levels)]
            raw = tuple(zip(labels, blocks, strict=True))
        dropped = self.n_dropped + other.n_dropped
        return replace(self, levels=levels, patterns=patterns, n_dropped=dropped, raw=raw)

    def _raw_recoded(self, levels: tuple[tuple[Any, ...] | None, ...]) -> list[Pattern]:
        assert self.raw is not None
        return replace(self, patterns=tuple(p for _, p in self.raw)).recoded(levels)

    def recoded(self, levels: tuple[tuple[Any, ...] | None, ...]) -> list[Pattern]:
        """The patterns with codes that are positions in other levels."""
        if levels == self.levels:
            return list(self.patterns)
        out = []
        for pattern in self.patterns:
            design = pattern.design.copy()
            for c, (old, new) in enumerate(zip(self.levels, levels, strict=True)):
                if old is not None and new is not None and old != new:
                    place = np.array([new.index(level) for level in old], dtype=float)
                    design[:, c] = place[design[:, c].astype(np.intp)]
            out.append(Pattern(design, pattern.n, pattern.mean, pattern.scatter))
        return out

    def rows(
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
        if formula.outcome != self.outcome:
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


def all_terms(formula: Formula) -> list[Term]:
    """Fixed and random terms together."""
    return [*formula.fixed, *(t for r in formula.random for t in r.terms)]


def moments(formula: str, data: pd.DataFrame | Any, *, residual: str | None = None) -> Moments:
    """Reduce rows to the moments that any formula over the same columns needs.

    Parameters
    ----------
    formula : str
        Names the outcome (transformed here: ``log(y) ~ ...``), the design columns and the groups.
    data : DataFrame or cohort
    residual : str, optional
        Columns kept for ``lmm(..., residual=)``, joined by ":".

    Returns
    -------
    Moments
        Merges with ``+`` with moments of other subjects.

    Raises
    ------
    InputError
        As `lmm` does.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"subject": list("aabbcc"), "time": [0, 1] * 3,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2]})
    >>> moments("y ~ time + (1 | subject)", rows)
    Moments of y: 3 subject(s), 6 observations, 1 pattern(s) over time
    """
    from retrostats.mixed.linked import find_blocks
    from retrostats.mixed.strata.factor import residual_columns

    frame = data if isinstance(data, pd.DataFrame) else getattr(data, "frame", None)
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"data is a {type(data).__name__}; a DataFrame or a cohort is needed")
    parsed = parse_formula(formula)
    if not parsed.random:
        raise InputError(f"formula {formula!r} names no subject; add a term as (1 | subject)")
    extra = residual_columns(residual)
    columns, dropped = read_columns(frame, parsed, extra)
    y = evaluate(parsed.outcome, numeric(columns))
    block, count = find_blocks(parsed, columns, len(y))
    subject = _subject(parsed, columns, block, count)
    names = dict.fromkeys(n for term in all_terms(parsed) for c in term for n in columns_of(c))
    names.update(dict.fromkeys(n for o in parsed.offsets for n in columns_of(o)))
    names.update(dict.fromkeys(extra))
    groups = tuple(g for g in parsed.grouping_columns if g != subject and g not in extra)
    kept = [*(n for n in names if n not in groups), *groups]
    design = np.column_stack(
        [_values(columns[n], block if n in groups else None) for n in kept]
        or [np.empty((len(y), 0))]
    )
    factors = [columns[n] for n in kept]
    levels = tuple(
        () if n in groups else c.levels if isinstance(c, Factor) else None
        for n, c in zip(kept, factors, strict=True)
    )
    ordered = tuple(isinstance(c, Factor) and c.ordered for c in factors)
    blocks = _raw_patterns(design, y, block, count)
    patterns = merge_patterns(blocks)
    raw = _labelled(blocks, columns[subject], block) if subject and _FEW * count <= len(y) else None
    return Moments(
        parsed.outcome, subject, tuple(kept), levels, ordered, groups, patterns, dropped, raw
    )


def _labelled(
    blocks: list[Pattern], column: Column, block: IntArray
) -> tuple[tuple[Any, Pattern], ...]:
    """Each block with its label."""
    assert isinstance(column, Factor)
    _, first = np.unique(block, return_index=True)
    return tuple((column.levels[c], b) for c, b in zip(column.codes[first], blocks, strict=True))


def _subject(formula: Formula, columns: Mapping[str, Column], block: IntArray, count: int) -> str:
    """The grouping column whose levels are the blocks."""
    for name in formula.grouping_columns:
        column = columns[name]
        assert isinstance(column, Factor)
        if len(column.levels) == count and len(np.unique(block * count + column.codes)) == count:
            return name
    return ""


def _values(column: Column, block: IntArray | None) -> FloatArray:
    """A column as floats; a group's codes are numbered anew in each block."""
    if not isinstance(column, Factor):
        return column
    if block is None:
        return column.codes.astype(float)
    used, inverse = np.unique(block * len(column.levels) + column.codes, return_inverse=True)
    owner = used // len(column.levels)
    first = np.searchsorted(owner, owner)
    return np.asarray((np.arange(len(used)) - first)[inverse], dtype=float)


def _raw_patterns(design: FloatArray, y: FloatArray, block: IntArray, count: int) -> list[Pattern]:
    """One pattern a block, rows in the order of their design (and outcome, among equal rows)."""
    order = np.lexsort((y, *design.T[::-1], block))
    ends = np.cumsum(np.bincount(block, minlength=count))[:-1]
    return [
        Pattern(d, 1.0, v, None)
        for d, v in zip(np.split(design[order], ends), np.split(y[order], ends), strict=True)
    ]


def merge_patterns(patterns: list[Pattern]) -> tuple[Pattern, ...]:
    """Patterns of equal design merged, in the order of their designs."""
    families: dict[tuple[int, bytes], list[Pattern]] = {}
    for pattern in patterns:
        key = (len(pattern.design), np.ascontiguousarray(pattern.design + 0.0).tobytes())
        families.setdefault(key, []).append(pattern)
    merged = [_merge_all(family) for family in families.values()]
    return tuple(sorted(merged, key=lambda p: (len(p.mean), p.design.tolist())))


def _merge_all(family: list[Pattern]) -> Pattern:
    """The pairwise update for any number of patterns: no raw sums of squares."""
    if len(family) == 1:
        return family[0]
    n = np.array([p.n for p in family])
    means = np.stack([p.mean for p in family])
    base = means[0]
    mean = base + (n @ (means - base)) / n.sum()
    away = means - mean
    scatter = away.T @ (n[:, None] * away)
    scatter += sum(p.scatter for p in family if p.scatter is not None)
    return Pattern(family[0].design, float(n.sum()), mean, scatter)


def common_levels(a: Moments, b: Moments) -> tuple[tuple[Any, ...] | None, ...]:
    """Levels of each column of two moments together, sorted unless their order was given."""
    out: list[tuple[Any, ...] | None] = []
    for name, mine, theirs, given in zip(
        a.columns, a.levels, b.levels, np.logical_or(a.ordered, b.ordered), strict=True
    ):
        if mine == theirs:
            out.append(mine)
        elif mine is None or theirs is None or given:
            raise InputError(
                f"cannot merge: column {name!r} has levels {_show(mine)} in one and "
                f"{_show(theirs)} in the other; give both the same levels in the same order"
            )
        else:
            out.append(tuple(sorted({*mine, *theirs}, key=_sortable)))
    return tuple(out)


def _sortable(level: Any) -> tuple[bool, Any]:
    """Numbers before text, so that labels of both kinds have an order."""
    number = isinstance(level, int | float)
    return (not number, level if number else str(level))


def _show(levels: tuple[Any, ...] | None) -> str:
    return "numbers" if levels is None else ", ".join(map(str, levels))


def _labels(m: Moments) -> str:
    return f"{m.outcome} by {m.subject or 'one block'} over ({', '.join(m.columns)})"
