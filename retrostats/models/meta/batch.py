"""The simple random-effects pool, thousands of times at once: one row a draw, no loop over draws.

Notation as in `heterogeneity`: w = 1 / (v + tau2), S_m = sum of w^m, mu = sum(w y) / S_1 and
r = y - mu. A study that does not count has weight 0. Inside, draws are the last axis: sums over a
few studies are then taken for all draws at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.arrays import one_of, real_array, refuse_masked
from retrostats.common.errors import InputError

Array = NDArray[np.float64]
Curve = Callable[[NDArray[np.int64], Array], tuple[Array, Array]]

BATCH_METHODS = ("common", "dl", "he", "pm", "ml", "reml")
BATCH_TESTS = ("z", "t", "knapp-hartung", "knapp-hartung-adhoc", "kenward-roger")

#: Most points at which the score is looked at for a change of sign, and how far apart they are at
#: the least in log(tau2 + smallest variance): there every weight is a logistic curve of unit width,
#: so that so many resolve a range of e^12.
_SCAN, _APART = 40, 0.25
#: Draws a block, so that one scan stays in the processor's cache.
_BLOCK = 512
_MAX_STEPS = 200
#: A Newton step this short, relative to the root, leaves its square as error.
_NEAR = 1e-11


class BatchPool(NamedTuple):
    """Pools of many draws, each field of shape (draws,)."""

    estimate: Array
    std_error: Array
    df: Array
    tau2: Array


class _Draws(NamedTuple):
    """Effects (k, n), variances (k, n), what counts as 0 or 1 (k, n), and how many count (n,)."""

    y: Array
    v: Array
    counts: Array
    k: Array

    def at(self, index: NDArray[np.int64]) -> _Draws:
        return _Draws(*(part.take(index, axis=-1) for part in self))


def random_effects_batch(
    y: ArrayLike,
    v: ArrayLike,
    *,
    method: str = "reml",
    test: str = "knapp-hartung",
    mask: ArrayLike | None = None,
) -> BatchPool:
    """Random-effects pools of many draws at once, equal to `pool` draw by draw.

    Parameters
    ----------
    y
        Effects (draws, k); (k,) is shared by all draws.
    v
        Sampling variances, squared standard errors (draws, k) or (k,).
    method
        "reml", "ml" (the global optimum), "dl", "pm", "he", or "common".
    test
        "knapp-hartung", "knapp-hartung-adhoc", "t", "z", or "kenward-roger" (REML only).
    mask
        Which studies count in which draw, boolean (draws, k) or (k,); all by default. What does
        not count may be NaN.

    Returns
    -------
    BatchPool
        `estimate`, `std_error`, `df` and `tau2`, each (draws,). A draw in which one study counts
        is that study, with infinite df and tau2 NaN; one in which none counts is NaN throughout.

    Raises
    ------
    InputError
        Shapes that do not fit, a value that counts and is not finite, a variance not above 0, an
        unknown method or test.

    Examples
    --------
    >>> import numpy as np
    >>> draws = random_effects_batch([[0.1, 0.3, 0.2], [0.5, 0.1, 0.9]], [0.01, 0.02, 0.01])
    >>> draws.tau2.round(4), draws.df
    (array([0.    , 0.1434]), array([2., 2.]))
    """
    one_of(method, "in a batch, method", BATCH_METHODS)
    one_of(test, "in a batch, test", BATCH_TESTS)
    if test == "kenward-roger" and method != "reml":
        raise InputError(
            f"test='kenward-roger' is defined for method='reml', found {method!r}; "
            "use REML or another test"
        )
    draws = _checked(y, v, mask)
    tau2 = _TAU2[method](draws)
    out = _inference(draws, tau2, test)
    return _few(draws, out)


def _checked(y: ArrayLike, v: ArrayLike, mask: ArrayLike | None) -> _Draws:
    effects, variances = real_array(y, "y"), real_array(v, "v")
    refuse_masked(mask, "mask")
    try:
        counts = np.asarray(True if mask is None else mask)
    except ValueError:
        raise InputError("mask: rows of unequal length; give (draws, k) or (k,)") from None
    if counts.dtype != np.bool_:
        raise InputError(f"mask: expected true or false, found {counts.dtype}")
    try:
        shape = np.broadcast_shapes(effects.shape, variances.shape, counts.shape)
    except ValueError:
        raise InputError(
            f"y {effects.shape}, v {variances.shape}, mask {counts.shape}: shapes do not fit; "
            "give (draws, k) or (k,) each"
        ) from None
    if len(shape) == 1:
        shape = (1, *shape)
    if len(shape) != 2 or 0 in shape:
        raise InputError(f"y and v together have shape {shape}; give (draws, k) with k at least 1")
    if not counts.any():
        raise InputError("mask: no study counts in any draw, so there is nothing to pool")
    counts = np.broadcast_to(counts, shape)
    effects, variances = np.broadcast_to(effects, shape), np.broadcast_to(variances, shape)
    sound = np.isfinite(effects) & np.isfinite(variances) & (variances > 0)
    if (counts & ~sound).any():
        draw, study = (int(i) for i in np.argwhere(counts & ~sound)[0])
        raise InputError(
            f"draw {draw}, study {study}: effect {effects[draw, study]} with variance "
            f"{variances[draw, study]}; both must be finite and the variance above 0. Mask what "
            "does not count."
        )
    counts, effects, variances = (np.ascontiguousarray(x.T) for x in (counts, effects, variances))
    k = counts.sum(axis=0).astype(float)
    level = np.where(counts, effects, 0.0).sum(axis=0) / np.maximum(k, 1)
    filled = np.where(counts, effects, level)
    return _Draws(filled, np.where(counts, variances, 1.0), counts.astype(float), k)


def _weights(d: _Draws, tau2: Array) -> tuple[Array, Array, Array, Array]:
    """Weights w (k, n), their sum (n,), the mean (n,) and residuals (k, n) at tau2 (n,)."""
    w = d.counts / (d.v + tau2)
    total = w.sum(axis=0)
    with np.errstate(invalid="ignore"):  # nothing counts: 0 / 0, NaN as documented
        mean = (w * d.y).sum(axis=0) / total
    return w, total, mean, d.y - mean


def _inference(d: _Draws, tau2: Array, test: str) -> BatchPool:
    w, s1, mean, r = _weights(d, tau2)
    with np.errstate(divide="ignore", invalid="ignore"):  # one study or none: see `_few`
        variance, df = 1 / s1, d.k - 1
        if test.startswith("knapp-hartung"):
            scale = (w * r * r).sum(axis=0) / df
            variance = variance * (np.maximum(1.0, scale) if test.endswith("adhoc") else scale)
        elif test == "z":
            df = np.full(len(s1), np.inf)
        elif test == "kenward-roger":
            variance, df = kenward_roger_mean(w.T)
    return BatchPool(mean, np.sqrt(variance), df, tau2)


def kenward_roger_mean(w: Array) -> tuple[Array, Array]:
    """Adjusted variance and df of a weighted mean with one estimated variance, w (..., k).

    Kenward and Roger (1997), Biometrics 53:983, with V = diag(v) + tau2 I and one coefficient:
    their P is -S_2, their Q is S_3, and the expected information on tau2 under REML is
    (S_2 - 2 S_3 / S_1 + (S_2 / S_1)^2) / 2.
    """
    s1, s2 = w.sum(axis=-1), (w**2).sum(axis=-1)
    s3 = (w**3).sum(axis=-1)
    # eq. P2
    information = 0.5 * (s2 - 2 * s3 / s1 + (s2 / s1) ** 2)
    adjusted = 1 / s1 + 2 * (s3 - s2**2 / s1) / (information * s1**2)
    return adjusted, 2 * s1**2 * information / s2**2


def _few(d: _Draws, out: BatchPool) -> BatchPool:
    """One study is its own pool; none is no pool."""
    alone, nothing = d.k == 1, d.k == 0
    if not (alone | nothing).any():
        return out
    value, variance = (d.counts * d.y).sum(axis=0), (d.counts * d.v).sum(axis=0)
    parts = [
        np.where(alone, value, out.estimate),
        np.where(alone, np.sqrt(variance), out.std_error),
        np.where(alone, np.inf, out.df),
        np.where(alone, np.nan, out.tau2),
    ]
    return BatchPool(*(np.where(nothing, np.nan, part) for part in parts))


def _common(d: _Draws) -> Array:
    return np.zeros(len(d.k))


def _dersimonian_laird(d: _Draws) -> Array:
    w, s1, _, r = _weights(d, np.zeros(len(d.k)))
    q = (w * r * r).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        # eq. P0a with p = 1
        tau2 = (q - (d.k - 1)) / (s1 - (w**2).sum(axis=0) / s1)
    return np.asarray(np.where(d.k > 1, np.maximum(0.0, tau2), 0.0))


def _spread(d: _Draws) -> Array:
    """Sum of squares about the unweighted mean (n,)."""
    centred = d.counts * (d.y - (d.counts * d.y).sum(axis=0) / np.maximum(d.k, 1))
    return np.asarray((centred**2).sum(axis=0))


def _hedges(d: _Draws) -> Array:
    mean_variance = (d.counts * d.v).sum(axis=0) / np.maximum(d.k, 1)
    return np.asarray(np.maximum(0.0, _spread(d) / np.maximum(d.k - 1, 1) - mean_variance))


def _smallest(d: _Draws) -> Array:
    return np.asarray(np.where(d.counts > 0, d.v, np.inf).min(axis=0))


def _paule_mandel(d: _Draws) -> Array:
    """Q falls in tau2 and Q <= (sum of squares) / (v_min + tau2), which bounds its root."""

    def curve(index: NDArray[np.int64], tau2: Array) -> tuple[Array, Array]:
        part = d.at(index)
        w, _, _, r = _weights(part, tau2)
        wr = w * r
        return (part.k - 1) - (wr * r).sum(axis=0), (wr**2).sum(axis=0)

    everything = np.arange(len(d.k))
    top = _spread(d) / np.maximum(d.k - 1, 1) - _smallest(d)
    needed = np.flatnonzero((curve(everything, np.zeros(len(d.k)))[0] < 0) & (top > 0))
    tau2 = np.zeros(len(d.k))
    tau2[needed] = _roots(curve, needed, np.zeros(len(needed)), top[needed])
    return tau2


def _likelihood(d: _Draws, *, restricted: bool) -> Array:
    """(Restricted) maximum likelihood: every minimum of the deviance is solved, the lowest kept."""
    top = _highest(d, restricted=restricted)
    tau2 = np.zeros(len(d.k))
    live = np.flatnonzero((top > 0) & (d.k > 1))
    for start in range(0, len(live), _BLOCK):
        rows = live[start : start + _BLOCK]
        tau2[rows] = _lowest(d.at(rows), top[rows], restricted=restricted)
    return tau2


def _highest(d: _Draws, *, restricted: bool) -> Array:
    """A tau2 above which there is no stationary point, by the lower of two bounds.

    With D the range of the effects, y'PPy <= D^2 max(w) tr(P), because |r_i| <= D (1 - w_i / S_1)
    (and the same for tr(W)): none lies above D^2 - v_min. With Q the sum of squares about the
    unweighted mean, y'PPy <= max(w) y'Py <= Q / u^2 where u = v_min + tau2; with d = v_max - v_min
    tr(W) >= k / (u + d) and tr(P) >= tr(W) - max(w), so that a stationary point needs
    m u^2 - (Q + e d) u - Q d <= 0, with m = k - 1 and e = 1 under REML, m = k and e = 0 under ML.
    """
    smallest, most = _smallest(d), (d.counts * d.v).max(axis=0)
    q, apart = _spread(d), np.maximum(most - smallest, 0.0)
    m, e = (np.maximum(d.k - 1, 1), 1.0) if restricted else (np.maximum(d.k, 1), 0.0)
    b = q + e * apart
    u = (b + np.sqrt(b * b + 4 * m * q * apart)) / (2 * m)
    # a study that does not count sits at the mean
    return np.asarray(np.minimum(np.ptp(d.y, axis=0) ** 2, u) - smallest)


def _lowest(d: _Draws, top: Array, *, restricted: bool) -> Array:
    grid = _grid(_smallest(d), top)
    scores = _scores(d, grid, restricted=restricted)
    signs = scores < 0
    cell, draw = np.nonzero(signs[:-1] & ~signs[1:])

    def curve(index: NDArray[np.int64], tau2: Array) -> tuple[Array, Array]:
        return _score(d.at(index), tau2, restricted=restricted)

    ends, at_ends = ((x[cell, draw], x[cell + 1, draw]) for x in (grid, scores))
    crossing = ends[0] - at_ends[0] * (ends[1] - ends[0]) / (at_ends[1] - at_ends[0])
    roots = _roots(curve, draw, *ends, start=crossing)
    best = np.zeros(len(d.k))
    lowest = np.full(len(d.k), np.inf)
    boundary = np.flatnonzero(~signs[0])
    lowest[boundary] = _deviance(d.at(boundary), best[boundary], restricted=restricted)
    values = _deviance(d.at(draw), roots, restricted=restricted)
    order = np.argsort(-values, kind="stable")  # the lowest is written last
    order = order[values[order] < lowest[draw[order]]]
    best[draw[order]] = roots[order]
    return best


def _grid(smallest: Array, top: Array) -> Array:
    """Points (g, n) from 0 to top, even in log(tau2 + smallest); those not needed are at top.

    How many a draw has depends on that draw alone, so that no draw changes a byte of another.
    """
    width = np.log1p(top / smallest)
    cells = np.minimum(np.ceil(width / _APART), _SCAN - 1)
    share = np.minimum(np.arange(int(cells.max(initial=1.0)) + 1)[:, None] / cells, 1.0)
    return np.asarray(np.where(share < 1.0, smallest * np.expm1(share * width), top))


def _scores(d: _Draws, grid: Array, *, restricted: bool) -> Array:
    """Derivative of the deviance in tau2, (g, n): sums over studies, whole grids at a time."""
    shape = grid.shape
    s1, s2, wy, w2y, w2y2 = (np.zeros(shape) for _ in range(5))
    centre = d.y.mean(axis=0)  # squares about the middle keep their digits
    for v, y, counts in zip(d.v, d.y, d.counts, strict=True):
        w = counts / (v + grid)
        part = w * (y - centre)
        s1 += w
        wy += part
        s2 += w * w
        w2y += w * part
        w2y2 += part * part
    # eq. P0: tr(P) = S_1 - S_2 / S_1, and y'PPy about the mean
    mean = wy / s1
    trace = s1 - s2 / s1 if restricted else s1
    return np.asarray(trace - w2y2 + mean * (2 * w2y - mean * s2))


def _score(d: _Draws, tau2: Array, *, restricted: bool) -> tuple[Array, Array]:
    """Derivative of the deviance in tau2 and its own derivative, (n,) each."""
    w, s1, _, r = _weights(d, tau2)
    wr = w * r
    w2 = w * w
    s2 = w2.sum(axis=0)
    # eq. P0, and eq. P1b for its slope; REML's traces are of P
    value = s1 - (wr * wr).sum(axis=0)
    slope = -s2 + 2 * (wr * wr * w).sum(axis=0) - 2 * (w * wr).sum(axis=0) ** 2 / s1
    if restricted:
        value = value - s2 / s1
        slope = slope + 2 * (w2 * w).sum(axis=0) / s1 - (s2 / s1) ** 2
    return value, slope


def _deviance(d: _Draws, tau2: Array, *, restricted: bool) -> Array:
    w, s1, _, r = _weights(d, tau2)
    # eq. P1 without its constants
    logs = (d.counts * np.log(d.v + tau2)).sum(axis=0)
    return np.asarray(logs + (np.log(s1) if restricted else 0.0) + (w * r * r).sum(axis=0))


def _roots(
    curve: Curve, index: NDArray[np.int64], low: Array, high: Array, start: Array | None = None
) -> Array:
    """Roots of curves that rise through 0 between low and high: Newton, bisected where it leaves.

    `curve(index, x)` gives values and slopes of the curves numbered by `index`.
    """
    low, high = low.copy(), high.copy()
    x, near = 0.5 * (low + high) if start is None else start.copy(), _NEAR * high
    open_ = np.arange(len(index))
    for _ in range(_MAX_STEPS):
        if not len(open_):
            break
        at = x[open_]
        value, slope = curve(index[open_], at)
        low[open_] = np.where(value <= 0, at, low[open_])
        high[open_] = np.where(value >= 0, at, high[open_])
        with np.errstate(divide="ignore", invalid="ignore"):
            step = at - value / slope
        inside = (step >= low[open_]) & (step <= high[open_])
        step = np.where(inside, step, 0.5 * (low[open_] + high[open_]))
        x[open_] = step
        open_ = open_[np.abs(step - at) > _NEAR * np.abs(step) + 1e-3 * near[open_]]
    return x


_TAU2: dict[str, Callable[[_Draws], Array]] = {
    "common": _common,
    "dl": _dersimonian_laird,
    "he": _hedges,
    "pm": _paule_mandel,
    "ml": lambda d: _likelihood(d, restricted=False),
    "reml": lambda d: _likelihood(d, restricted=True),
}
