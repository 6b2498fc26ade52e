"""Conditional modes of the random effects of a model of counts, and what is known of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from retrostats.common.arrays import share
from retrostats.common.errors import InputError
from retrostats.models.counts.family import Array, Family
from retrostats.models.counts.random_effects import split

if TYPE_CHECKING:
    from retrostats.models.counts.estimates import CountEstimates

#: Random effects above which their errors are not computed.
MOST = 4000


@dataclass(frozen=True, slots=True, eq=False)
class CountModes:
    """Modes b (Q,) of all terms, level by level, and their errors.

    Attributes
    ----------
    values
        Modes; those of a term begin at its entry in `starts`.
    inner
        Their covariance (Q, Q) given fixed effects and variances; None above `MOST`.
    carried
        How they follow the fixed effects (Q, p): their change for a unit of each.
    """

    values: Array
    starts: tuple[int, ...]
    inner: Array | None
    carried: Array | None


def modes_of(fit: CountEstimates) -> CountModes:
    """Modes and their covariance at the estimates.

    At the mode the penalised score vanishes: u is Z' of the rows' score in the coordinates in which
    the effects are independent with variance 1 (Bates and others 2015, section 5.4).

    Raises
    ------
    InputError
        Counts separate: some fitted values are infinite.
    """
    at = fit.maximum
    if not np.isfinite(at.fitted).all():
        raise InputError(
            f"glmm: {', '.join(fit.separated)} has no finite estimate, so rows have no finite "
            "prediction; fit with penalty='firth'"
        )
    score, weight, _ = family_at(fit).derivatives(at.fitted)
    blocks, factors = [], []
    for part, theta in zip(fit.parts, split(at.theta, fit.parts), strict=True):
        factor = part.factor(theta)
        blocks.append(level_matrix(part.values @ factor, part.levels, part.n_levels))
        factors += [factor] * part.n_levels
    if not blocks:
        return CountModes(np.zeros(0), (), np.zeros((0, 0)), np.zeros((0, len(fit.beta))))
    a = sparse.csr_matrix(sparse.hstack(blocks))
    scale = sparse.csr_matrix(sparse.block_diag(factors))
    sizes = [part.n_levels * len(part.effects) for part in fit.parts]
    starts = tuple(int(s) for s in np.cumsum([0, *sizes[:-1]]))
    values = scale @ (a.T @ score)
    if a.shape[1] > MOST:
        return CountModes(values, starts, None, None)
    weighted = a.multiply(weight[:, None])
    inner = np.linalg.inv((a.T @ weighted).toarray() + np.eye(a.shape[1]))
    dense = scale.toarray()
    carried = -dense @ inner @ np.asarray(weighted.T @ fit.model.x)
    return CountModes(values, starts, dense @ inner @ dense.T, carried)


def family_at(fit: CountEstimates) -> Family:
    """The family with its estimated dispersion."""
    family, scale = fit.model.family, fit.maximum.scale
    return family if scale is None else family.with_scale(scale)


def level_matrix(values: Array, levels: Any, n_levels: int) -> Any:
    """Sparse (N, L k): each row's values in the columns of its level; none where it is -1."""
    n, k = values.shape
    known = np.flatnonzero(np.asarray(levels) >= 0)
    columns = np.asarray(levels)[known, None] * k + np.arange(k)
    places = (np.repeat(known, k), columns.ravel())
    return sparse.csr_matrix((values[known].ravel(), places), shape=(n, n_levels * k))


def ranef(fit: CountEstimates, level: float = 0.95) -> pd.DataFrame:
    """One row a level and effect: group, level, term, estimate, std_error, conf_low, conf_high.

    The error is that given fixed effects and variances, as lme4's condVar.
    """
    from retrostats.models.linear.post_estimation.modes import effects_table, level_labels

    share(level)
    modes = modes_of(fit)
    whole = np.full(len(modes.values), np.nan)
    if modes.inner is not None:
        whole = np.sqrt(np.maximum(np.diag(modes.inner), 0.0))
    terms = []
    for i, part in enumerate(fit.parts):
        formulated = i < len(fit.design.random)  # what is not is the observation itself
        labels = (
            level_labels(fit.design.random[i], dict(fit.design.columns))
            if formulated
            else [str(label) for label in fit.design.index]
        )
        terms.append((part.group, labels, part.effects))
    return effects_table(terms, modes.values, whole, level)
