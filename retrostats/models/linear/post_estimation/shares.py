"""The share of one group in the variance of an observation, of models with random intercepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.linear.post_estimation.components import unique_groups
from retrostats.models.linear.post_estimation.deviance_limits import Function, region_of
from retrostats.models.linear.post_estimation.tables import Effect

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates
    from retrostats.models.linear.formula.columns import FloatArray

_ZERO = 1e-4  # theta of a singular fit
_NONE = 1e-7  # a share below this is none


def share_of(
    fit: Estimates,
    group: str | None,
    deviance: Function,
    roots: Sequence[FloatArray],
    level: float,
) -> Effect:
    """Variance of one random intercept over the sum of all variances, with a profile interval.

    Parameters
    ----------
    fit : Estimates
        All of its random terms are intercepts.
    group : str or None
        Whose share; may be left out where there is one.
    deviance : function of theta in working coordinates
        The criterion of the fit (REML or ML), with its gradient.
    roots : sequence of (1, 1) arrays
        Of each term: Z = Z_working R.
    level : float

    Raises
    ------
    InputError
        A random term is no intercept, or the group is unknown or left open among several.
    """
    names = unique_groups(fit)
    if any(effects != ("(Intercept)",) for _, effects in fit.model.groups):
        raise InputError("an intraclass correlation needs random intercepts only, as (1 | group)")
    if group is None and len(names) == 1:
        group = names[0]
    if group not in names:
        found = "no group given" if group is None else f"group={group!r}"
        raise InputError(
            f"{found}: an intraclass correlation is the share of one group in the variance; "
            f"allowed: {', '.join(names)}"
        )
    at = names.index(group)
    scale = np.array([float(r[0, 0]) for r in roots]) ** -2.0

    def share(theta: FloatArray) -> tuple[float, FloatArray]:
        total = 1.0 + float(scale @ theta**2)
        value = float(scale[at] * theta[at] ** 2) / total
        gradient = -2.0 * value / total * scale * theta
        gradient[at] += 2.0 * scale[at] * theta[at] / total
        return value, gradient

    theta = fit.optimum.working
    region = region_of(deviance, theta, (np.abs(theta) < _ZERO).astype(float), level)
    low, high = region.limit(share, -1), region.limit(share, 1)
    low = low if low > _NONE else 0.0
    return Effect(share(theta)[0], low, high, level, "profile likelihood")
