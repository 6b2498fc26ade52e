"""Where the true effect of a new study lies, from a few studies: arrays in, limits out.

The between-study variance of three studies is hardly known, and an interval that plugs in its
estimate is too short. Here it is drawn from its confidence distribution instead: given tau2, the
generalised Q of Viechtbauer (2007, Statistics in Medicine 26:37) is chi-squared with k - 1 degrees
of freedom, so that Q(tau2) = c, solved for c over that distribution, gives every tau2 its share;
given tau2, mean and new effect are normal. The same idea with DerSimonian and Laird's Q, whose
distribution is a mixture, and a t for the mean is Nagashima, Noma and Furukawa (2019, Statistical
Methods in Medical Research 28:1689). Here quantiles replace random draws: same input, same limits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.errors import InputError

Array = NDArray[np.float64]

#: Points of the confidence distribution.
_POINTS = 256
_NEWTON = 60
#: A root is found when Q is this close to its target, relatively.
_TOLERANCE = 1e-9


def prediction_limits(
    estimates: ArrayLike,
    std_errors: ArrayLike,
    *,
    level: float = 0.95,
    points: int = _POINTS,
) -> tuple[Array, Array]:
    """Prediction limits of a random-effects pool by the confidence distribution of tau2.

    Parameters
    ----------
    estimates, std_errors : (..., k) arrays
        Effects and their standard errors; leading axes are pools of their own.
    level : float
    points : int
        Points of the distribution.

    Returns
    -------
    tuple of (...) arrays
        Lower and upper limits, in the unit of the estimates.

    Raises
    ------
    InputError
        Fewer than 2 studies, an error that is not above 0, or shapes that do not match.

    Examples
    --------
    >>> low, high = prediction_limits([0.30, 0.22, 0.41], [0.05, 0.06, 0.08])
    >>> bool(low < 0.22 and high > 0.41)
    True
    """
    from scipy.special import chdtri

    y, v = _checked(estimates, std_errors, level)
    target = chdtri(y.shape[-1] - 1, 1 - (np.arange(points) + 0.5) / points)
    y, v = y[..., None, :], v[..., None, :]
    # eq. P0b at even shares of its distribution
    tau2 = tau2_at(y, v, target)
    w = 1 / (v + tau2[..., None])
    total = w.sum(-1)
    mean = (w * y).sum(-1) / total
    spread = np.sqrt(tau2 + 1 / total)
    tail = (1 - level) / 2
    return _quantile(mean, spread, tail), _quantile(mean, spread, 1 - tail)


def tau2_at(y: Array, v: Array, target: Array) -> Array:
    """The tau2 at which the generalised Q equals `target`; 0 where Q(0) is below it.

    Parameters
    ----------
    y, v : (..., k) arrays
        Effects and sampling variances.
    target : (...) array
        Values of Q, above 0.

    Returns
    -------
    (...) array

    Notes
    -----
    Newton's method on 1 / Q, which for large tau2 is a straight line; kept between the ends of a
    bracket that shrinks with every step.
    """
    shape = np.broadcast_shapes(y.shape[:-1], v.shape[:-1], target.shape)
    low, tau2 = np.zeros(shape), np.zeros(shape)
    centre = y - y.mean(-1, keepdims=True)
    # Q(t) is at most the unweighted sum of squares over (t + the smallest variance)
    high = np.broadcast_to((centre**2).sum(-1) / target, shape).copy()
    for _ in range(_NEWTON):
        w = 1 / (v + tau2[..., None])
        mean = (w * y).sum(-1) / w.sum(-1)
        scaled = w * (y - mean[..., None])
        # eq. P0b and its slope, -y'PPy
        q = (scaled**2 / w).sum(-1)
        slope = -(scaled**2).sum(-1)
        above = q > target
        low, high = np.where(above, tau2, low), np.where(above, high, tau2)
        if (np.abs(q - target) <= _TOLERANCE * target)[high > 0].all():
            break
        with np.errstate(divide="ignore", invalid="ignore"):
            step = tau2 + q * (target - q) / (slope * target)
        inside = (step >= low) & (step <= high)
        tau2 = np.where(inside, step, (low + high) / 2)
    return np.where(high > 0, tau2, 0.0)


def _quantile(mean: Array, spread: Array, share: float) -> Array:
    """Quantile of an even mixture of normals (..., M): Newton's method kept in a bracket."""
    from scipy.special import ndtr, ndtri

    # the mixture's quantile lies between the lowest and the highest of its parts
    each = mean + float(ndtri(share)) * spread
    low, high = each.min(-1), each.max(-1)
    found = np.median(each, axis=-1)
    for _ in range(_NEWTON):
        z = (found[..., None] - mean) / spread
        gap = ndtr(z).mean(-1) - share
        low, high = np.where(gap < 0, found, low), np.where(gap < 0, high, found)
        if (np.abs(gap) <= _TOLERANCE * share).all():
            break
        density = (np.exp(-(z**2) / 2) / spread).mean(-1) / np.sqrt(2 * np.pi)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = found - gap / density
        inside = (step > low) & (step < high)
        found = np.where(inside, step, (low + high) / 2)
    return np.asarray(found)


def _checked(estimates: ArrayLike, std_errors: ArrayLike, level: float) -> tuple[Array, Array]:
    y, se = np.asarray(estimates, dtype=float), np.asarray(std_errors, dtype=float)
    if y.ndim == 0 or y.shape[-1] < 2:
        raise InputError("prediction limits: at least 2 studies are needed to see them differ")
    if y.shape != se.shape:
        raise InputError(
            f"prediction limits: estimates have the shape {y.shape}, standard errors {se.shape}; "
            "give one error for each estimate"
        )
    if not (np.isfinite(y).all() and np.isfinite(se).all() and (se > 0).all()):
        raise InputError(
            "prediction limits: an estimate is not finite or a standard error not above 0; "
            "leave out what has no standard error"
        )
    if not 0 < level < 1:
        raise InputError(f"prediction limits: level={level!r}; allowed is between 0 and 1")
    return y, se**2
