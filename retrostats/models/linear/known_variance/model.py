"""Formula, rows and known residual variances, cut into independent blocks of like size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Column, Factor, numeric, read_columns
from retrostats.models.linear.formula.design import (
    RandomDesign,
    fixed_design,
    random_design,
    refuse_offsets,
)
from retrostats.models.linear.formula.expressions import columns_of, evaluate
from retrostats.models.linear.formula.formula import Formula, parse_formula
from retrostats.models.linear.known_variance.covariance import (
    Array,
    Covariance,
    Index,
    check_covariance,
    packed_rows,
    read_covariance,
)


@dataclass(frozen=True, slots=True)
class Stack:
    """Blocks of one size, shorter ones padded by rows that say nothing.

    Attributes
    ----------
    y : (b, m) array
    x : (b, m, p) array
    r : (b, m, m) array
        Known covariance of the residuals; the identity on padding.
    g : (q, b, m, m) array
        Derivative of V by each covariance parameter; zero on padding.
    rows : (b, m) int array
        Row of the data, -1 on padding.
    """

    y: Array
    x: Array
    r: Array
    g: Array
    rows: Index


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What a fit with known residual variances needs.

    Attributes
    ----------
    formula : Formula
    terms : tuple of str
        Names of the fixed effects.
    columns : dict
        The columns of the formula, of the rows fitted.
    y : (n,) array
    x : (n, p) array
    r : Covariance
        Known, of the residuals (n, n).
    random : tuple of RandomDesign
    stacks : tuple of Stack
    rows : (n,) int array
        Positions in the data given of the rows fitted.
    n_dropped : int
    """

    formula: Formula
    terms: tuple[str, ...]
    columns: dict[str, Column]
    y: Array
    x: Array
    r: Covariance
    random: tuple[RandomDesign, ...]
    stacks: tuple[Stack, ...]
    rows: Index
    n_dropped: int

    @property
    def sizes(self) -> tuple[int, ...]:
        """Effects of each random term."""
        return tuple(term.values.shape[1] for term in self.random)

    @property
    def n_obs(self) -> int:
        """Rows fitted."""
        return len(self.y)

    @property
    def n_groups(self) -> dict[str, int]:
        """Levels of each group."""
        return {term.group: term.n_levels for term in self.random}

    @property
    def weight(self) -> Array:
        """Observations behind each entry of `columns`: each is one."""
        return np.ones(len(self.y))

    @property
    def precision(self) -> Array:
        """Weights (n,) of the rows, as `weights=` of a model whose residual variance is one."""
        return np.asarray(1.0 / self.r.variance)


def known_model(formula: str, data: object, variances: object) -> KnownModel:
    """Read the columns a formula names beside their known residual variances.

    Parameters
    ----------
    formula : str
        lme4's language; no random term gives generalised least squares.
    data : DataFrame, or an object with one as ``.frame``
        Rows without a value in a used column are left out and counted in ``n_dropped``.
    variances : str, (n,) array, (n, n) array, or sequence of square arrays
        A column; one variance a row; their covariance matrix; or its diagonal blocks in the order
        of the rows.

    Raises
    ------
    InputError
        A column is absent, a variance is not above 0, a matrix is not symmetric and positive
        definite or does not fit the rows, or the rows do not determine the fixed effects.
    """
    parsed = parse_formula(formula)
    refuse_offsets(parsed, "with variances=; subtract it from the outcome")
    frame = data if isinstance(data, pd.DataFrame) else getattr(data, "frame", None)
    if not isinstance(frame, pd.DataFrame):
        raise InputError(
            f"data is a {type(data).__name__}; with variances= a DataFrame is needed, one row an "
            "estimate"
        )
    r = read_covariance(variances, frame)
    keep = _complete(parsed, frame) & ~np.isnan(r.variance)
    rows = np.flatnonzero(keep)
    if not keep.all():
        frame, r = frame.iloc[rows], r.of_rows(rows)
    if not len(rows):
        raise InputError("no row has a value in every column the formula uses")
    check_covariance(r, rows)
    columns, _ = read_columns(frame, parsed)
    y = evaluate(parsed.outcome, numeric(columns)) if columns else np.zeros(0)
    return _assemble(parsed, columns, y, r, rows, int((~keep).sum()))


def with_outcome(model: KnownModel, y: Array) -> KnownModel:
    """The same design and variances with another outcome (n,)."""
    stacks = tuple(
        replace(s, y=np.where(s.rows >= 0, y[np.maximum(s.rows, 0)], 0.0)) for s in model.stacks
    )
    return replace(model, y=y, stacks=stacks)


def without(model: KnownModel, rows: NDArray[Any]) -> KnownModel:
    """The model without some of its rows (positions), with the fixed effects as they are."""
    keep = np.setdiff1d(np.arange(len(model.y)), rows)
    random = tuple(_relevel(term, keep) for term in model.random)
    r = model.r.of_rows(keep)
    x, y = model.x[keep], model.y[keep]
    columns = {
        name: replace(column, codes=column.codes[keep])
        if isinstance(column, Factor)
        else column[keep]
        for name, column in model.columns.items()
    }
    return replace(
        model, columns=columns, y=y, x=x, r=r, random=random, stacks=_stacks(y, x, r, random),
        rows=model.rows[keep],
    )  # fmt: skip


def _relevel(term: RandomDesign, keep: Index) -> RandomDesign:
    used, levels = np.unique(term.levels[keep], return_inverse=True)
    return replace(term, values=term.values[keep], levels=levels, n_levels=len(used))


def _assemble(
    formula: Formula, columns: dict[str, Column], y: Array, r: Covariance, rows: Index, dropped: int
) -> KnownModel:
    n = len(rows)
    design, terms = fixed_design(formula, columns, n)
    x = np.asarray(design, dtype=float)
    if np.linalg.matrix_rank(x) < x.shape[1] or n < x.shape[1]:
        raise InputError(
            f"formula {formula.text!r}: {n} rows do not determine {x.shape[1]} fixed effects "
            f"({', '.join(terms)}); leave out a term or one that repeats another"
        )
    random = tuple(random_design(term, columns, n) for term in formula.random)
    return KnownModel(
        formula=formula,
        terms=terms,
        columns=columns,
        y=y,
        x=x,
        r=r,
        random=random,
        stacks=_stacks(y, x, r, random),
        rows=rows,
        n_dropped=dropped,
    )


def _complete(formula: Formula, frame: pd.DataFrame) -> NDArray[np.bool_]:
    terms = [*formula.fixed, *(t for random in formula.random for t in random.terms)]
    names = [*columns_of(formula.outcome), *formula.grouping_columns]
    names += [name for term in terms for component in term for name in columns_of(component)]
    keep = np.ones(len(frame), dtype=bool)
    for name in dict.fromkeys(names):
        if name in frame.columns and isinstance(frame[name], pd.Series):
            keep &= frame[name].notna().to_numpy()
    return keep  # what is absent or double is named by `read_columns`


def _stacks(
    y: Array, x: Array, r: Covariance, random: tuple[RandomDesign, ...]
) -> tuple[Stack, ...]:
    return tuple(_stack(y, x, r, random, rows) for rows in packed_rows(_blocks(r, random)))


def _stack(
    y: Array, x: Array, r: Covariance, random: tuple[RandomDesign, ...], rows: Index
) -> Stack:
    real, at = rows >= 0, np.maximum(rows, 0)
    both = real[:, :, None] & real[:, None, :]
    known = r.stack(rows)
    try:
        np.linalg.cholesky(known)
    except np.linalg.LinAlgError:
        raise InputError(
            "variances: the matrix is not positive definite; check signs and sizes of its "
            "covariances"
        ) from None
    parts = []
    for term in random:
        levels, z = term.levels[at], term.values[at]
        same = both & (levels[:, :, None] == levels[:, None, :])
        for b in range(z.shape[2]):
            for a in range(b, z.shape[2]):
                outer = z[:, :, None, a] * z[:, None, :, b]
                parts.append(same * (outer if a == b else outer + np.swapaxes(outer, 1, 2)))
    shape = (0, *known.shape)
    return Stack(
        np.where(real, y[at], 0.0),
        np.where(real[..., None], x[at], 0.0),
        known,
        np.array(parts) if parts else np.zeros(shape),
        rows,
    )


def _blocks(r: Covariance, random: tuple[RandomDesign, ...]) -> Index:
    """Independent blocks (n,): components of the graph of rows, levels and covariances."""
    n = total = len(r)
    pairs = r.between.tocoo()
    sources, ends = [pairs.row], [pairs.col]
    for term in random:
        sources.append(np.arange(n))
        ends.append(term.levels + total)
        total += term.n_levels
    source, end = np.concatenate(sources), np.concatenate(ends)
    graph = coo_matrix((np.ones(len(source), dtype=np.int8), (source, end)), shape=(total, total))
    label = connected_components(graph, directed=False)[1][:n]
    return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.intp)
