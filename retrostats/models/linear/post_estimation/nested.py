"""Whether one model is a special case of another: what a likelihood-ratio test rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray, IntArray

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.formula.design import RandomDesign

_OUTSIDE = 1e-7  # share of a column's length outside a space, above which it is not in it


def require_nested(small: Estimates, large: Estimates) -> None:
    """Refuse two models of which the smaller is no special case of the larger.

    The columns of the smaller model's fixed effects lie in the space of the larger's; each of its
    random terms lies in one of the larger's; weights and residual strata agree.

    Raises
    ------
    InputError
        What the larger model lacks, or that the outcomes are not the same.
    """
    _same_residuals(small, large)
    if _same_rows(small, large):
        lacking = _lacking_columns(small, large)
        random = [
            t.group
            for t in small.model.rows.random
            if t.effects and not any(_within(t, other) for other in large.model.rows.random)
        ]
    else:
        lacking = [name for name in small.terms if name not in large.terms]
        random = [
            group
            for group, effects in small.model.groups
            if not any(group == g and set(effects) <= set(e) for g, e in large.model.groups)
        ]
    parts = [f"the fixed effect {', '.join(lacking)}"] if lacking else []
    parts += [f"the random effects of {', '.join(random)}"] if random else []
    if parts:
        raise InputError(
            f"the models are not nested: {large.formula!r} has more parameters and yet not "
            f"{' nor '.join(parts)} of {small.formula!r}; no likelihood-ratio test compares them, "
            "compare their aic"
        )


def _same_residuals(small: Estimates, large: Estimates) -> None:
    """Weights must be the same, and residual variances differ in the smaller only as in both."""
    one, two = small.model.precision, large.model.precision
    if (one is None) != (two is None) or (
        one is not None and two is not None and not np.array_equal(one, two)
    ):
        raise InputError("the models are not nested: their weights= differ; compare their aic")
    if small.model.residual not in (None, large.model.residual):
        raise InputError(
            f"the models are not nested: residual={small.model.residual!r} is in the smaller "
            "model only; compare their aic"
        )
    if small.model.gram.signed and not large.model.gram.signed:
        raise InputError(
            'the models are not nested: covariance="signed-cs" is in the smaller model only; '
            "compare their aic"
        )


def _same_rows(small: Estimates, large: Estimates) -> bool:
    """Whether both designs have the same rows, one by one."""
    one, two = small.model, large.model
    return one.moments is two.moments and len(one.rows.y) == len(two.rows.y)


def _lacking_columns(small: Estimates, large: Estimates) -> list[str]:
    """Fixed effects of the smaller model outside the larger's column space."""
    space, gap = large.model.rows.x, small.model.rows.y - large.model.rows.y
    if _outside(space, gap[:, None], np.abs(small.model.rows.y).max(initial=0.0)).any():
        raise InputError(
            "the outcomes of the models differ; fit both to the same rows, with the same offsets"
        )
    new = [i for i, name in enumerate(small.terms) if name not in large.terms]
    out = _outside(space, small.model.rows.x[:, new])
    return [small.terms[i] for i, bad in zip(new, out, strict=True) if bad]


def _outside(space: FloatArray, columns: FloatArray, size: float = 0.0) -> np.ndarray:
    """Which columns (n, q) do not lie in the column space of a matrix (n, p)."""
    length = np.sqrt(np.square(columns).sum(axis=0))
    if not columns.shape[1] or (length <= _OUTSIDE * size).all():
        return np.zeros(columns.shape[1], dtype=bool)
    unit = np.sqrt(np.square(space).sum(axis=0))
    scaled = space / np.where(unit > 0, unit, 1.0)
    rest = columns - scaled @ np.linalg.lstsq(scaled, columns, rcond=None)[0]
    return np.asarray(np.sqrt(np.square(rest).sum(axis=0)) > _OUTSIDE * np.maximum(length, size))


def _within(term: RandomDesign, other: RandomDesign) -> bool:
    """Whether a random term is a special case of another.

    Its groups are those of the other or parts of them, and its effects lie in the other's space:
    (1 | g) in (1 + x | g), and (1 | g:f) in (0 + f | g).
    """
    if not other.effects or not _parts_of(term.levels, other.levels):
        return False
    if _parts_of(other.levels, term.levels):
        return not _outside(other.values, term.values).any()
    order = np.argsort(other.levels, kind="stable")
    starts = np.flatnonzero(np.diff(other.levels[order])) + 1
    return all(_parts_inside(term, other, rows) for rows in np.split(order, starts))


def _parts_inside(term: RandomDesign, other: RandomDesign, rows: IntArray) -> bool:
    """Whether, in one group of the other term, each part's effects lie in the other's space."""
    part = np.unique(term.levels[rows], return_inverse=True)[1].ravel()
    dummies = np.eye(int(part.max()) + 1)[part]
    columns = (dummies[:, :, None] * term.values[rows][:, None, :]).reshape(len(rows), -1)
    return not _outside(other.values[rows], columns).any()


def _parts_of(fine: IntArray, coarse: IntArray) -> bool:
    """Whether each level of one grouping lies in one level of another."""
    pairs = np.unique(np.column_stack([fine, coarse]), axis=0)
    return len(pairs) == len(np.unique(fine))
