r"""Functions on an equally spaced grid, convolved with a normal of any width, in logs.

    M(mu) = integral exp(l(theta)) N(theta; mu, tau^2) dtheta

Every step is a sum of positive terms, so that M is exact relative to itself far into its tails,
where a fast Fourier transform leaves noise of 1e-16 of its highest value.

- tau from one step to eight: the trapezoid sum over the grid, whose error for a likelihood of
  standard error s falls as 2 exp(-2 pi^2 r^2 / step^2) with 1 / r^2 = 1 / s^2 + 1 / tau^2
  (Trefethen and Weideman 2014, SIAM Review 56:385): 4e-8 at tau = step = s / 3.
- a larger tau in two such sums: first over a part of tau, kept at every few points only, then over
  the rest; log M, smooth by then, is filled in by Lagrange's polynomials.
- a smaller tau: Gauss-Hermite nodes about each mu, l between grid points by Lagrange's polynomial
  through the nearest six, exact for a normal likelihood; tau = 0 gives l itself.

Beyond both edges l goes on flat at its last value: what lies there enters with the normal's whole
mass, and nothing comes round from the other edge.
"""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np

from retrostats.models.meta.heterogeneity import Array

#: Standard deviations of the normal beyond which it holds 2e-19.
_REACH = 9.0
#: Fewest values of mu that are computed from one window of theta.
_BLOCK = 32
#: Up to which tau, in steps, how many nodes of the normal: relative error below 1e-7.
_HERMITE = ((0.25, 3), (0.6, 5), (1.0, 7))
#: Points of a Lagrange polynomial between grid points.
_POINTS = 6
#: How far a log between two grid points may lie above both: ten times what a normal likelihood
#: does whose standard error is one and a half steps.
_SWING = 0.5
#: Steps in tau of the grid on which M is computed when tau is large.
_COARSE = 4
#: Of these steps, the width of the first of the two sums.
_FIRST = 1.2
#: Least log relative to the highest value: below it a double is 0.
LEAST = -690.0


def log_convolved(
    log_values: Array, step: float, tau: float, *, members: Array | None = None
) -> Array:
    """Log of exp(`log_values`) convolved with N(0, tau^2), on the same grid (..., m).

    `members` (g, k), of 0 and 1, adds the k sources of each of g sets: (..., k, m) to (..., g, m).

    Examples
    --------
    >>> theta = np.linspace(-5, 5, 101)
    >>> normal = log_convolved(-0.5 * theta**2, 0.1, 1.0)
    >>> bool(abs(normal[50] + np.log(2) / 2) < 1e-9)
    True
    """
    top = np.max(log_values, axis=-1, keepdims=True)
    held = np.maximum(log_values - top, LEAST)
    m, width = held.shape[-1], tau / step
    stride = int(width / _COARSE)
    if tau == 0.0:
        found = held
    elif width < 1:
        found = _log(_near(held, width))
    elif stride < 2:
        found = _log(_windows(np.exp(held), width, _Outputs(0, 1, m)))
    else:
        found = _log(_twice(np.exp(held), width, stride))
    found = found + top if members is None else members @ (found + top)
    return np.asarray(_filled(found, stride, m) if stride >= 2 else found)


def _log(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(np.log(values), LEAST))


def between(values: Array, shift: float, points: int = _POINTS) -> Array:
    """Values `shift` steps (0 to 1) to the right of each grid point, flat beyond the edges.

    Examples
    --------
    >>> float(between(-0.02 * np.arange(9.0) ** 2, 0.5)[4])
    -0.405
    """
    near = np.arange(1 - points // 2, points // 2 + 1)
    weights = lagrange(near.astype(np.float64), np.array([shift]))[0]
    last = values.shape[-1] - 1
    before, after = points // 2 - 1, points // 2
    padded = _padded(values, before, after)
    total = np.zeros_like(values)
    for i, weight in enumerate(weights):
        total += weight * padded[..., i : i + last + 1]
    return np.minimum(total, _most(padded)[..., before : before + last + 1])


def _padded(values: Array, before: int, after: int) -> Array:
    """Values (..., m) with the first and the last of them repeated beyond the edges.

    What `numpy.pad` gives with mode="edge", which takes longer than the sums here.
    """
    m = values.shape[-1]
    found = np.empty((*values.shape[:-1], before + m + after))
    found[..., :before] = values[..., :1]
    found[..., before : before + m] = values
    found[..., before + m :] = values[..., -1:]
    return found


def _sliding(values: Array, size: int) -> Array:
    """Windows of `size` points (..., m - size + 1, size), as views."""
    held = np.ascontiguousarray(values)
    step = held.strides[-1]
    shape = (*held.shape[:-1], held.shape[-1] - size + 1, size)
    return np.ndarray(shape, held.dtype, held, strides=(*held.strides[:-1], step, step))


def _most(logs: Array) -> Array:
    """What a log may be in each cell: at a jump a polynomial swings far above both ends."""
    return np.maximum(logs[..., :-1], logs[..., 1:]) + _SWING


def refined(values: Array, parts: int) -> Array:
    """Values on a grid (..., n) on one with `parts` cells for each cell: (..., (n - 1) parts + 1).

    Examples
    --------
    >>> refined(-0.02 * np.arange(9.0) ** 2, 2)[8:11].round(6).tolist()
    [-0.32, -0.405, -0.5]
    """
    found = np.stack([between(values, part / parts)[..., :-1] for part in range(parts)], axis=-1)
    flat = found.reshape(*values.shape[:-1], -1)
    return np.concatenate([flat, values[..., -1:]], axis=-1)


def lagrange(at: Array, x: Array) -> Array:
    """Weights (x, at) with which values at the points `at` give the polynomial's value at x."""
    other = ~np.eye(len(at), dtype=bool)
    top = np.where(other, (x[:, None] - at)[:, None, :], 1.0).prod(axis=-1)
    return np.asarray(top / np.where(other, at[:, None] - at, 1.0).prod(axis=-1))


def _near(held: Array, width: float) -> Array:
    """Gauss-Hermite about each grid point, `width` = tau / step below 1: (..., m)."""
    nodes, weights = _normal_nodes(next(n for least, n in _HERMITE if width <= least))
    whole = np.floor(nodes * width).astype(int)
    around = np.arange(1 - _POINTS // 2, _POINTS // 2 + 1)
    taps = lagrange(around.astype(np.float64), nodes * width - whole)
    reach, m = int(whole.max()) + _POINTS // 2, held.shape[-1]
    padded = _padded(held, reach, reach)
    most = _most(padded)
    total = np.zeros_like(held)
    for start, tap, weight in zip(whole + reach, taps, weights, strict=True):
        value = sum(
            tap[i] * padded[..., start + around[i] : start + around[i] + m]
            for i in np.flatnonzero(tap)
        )
        total += weight * np.exp(np.minimum(value, most[..., start : start + m]))
    return total


@cache
def _normal_nodes(count: int) -> tuple[Array, Array]:
    """Gauss-Hermite nodes of the standard normal and their weights."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    nodes[count // 2] = 0.0
    return nodes, weights / weights.sum()


class _Outputs(NamedTuple):
    """Where a sum is wanted: `points` points from `start` on, every `stride`-th."""

    start: int
    stride: int
    points: int


def _windows(values: Array, width: float, wanted: _Outputs) -> Array:
    """Trapezoid sums: blocks of mu, each from one window of theta by one matrix (..., count)."""
    m, rows = values.shape[-1], values[..., 0].size
    start, stride, count = wanted
    end = start + stride * (count - 1)
    reach = min(math.ceil(_REACH * width), max(m - 1 - start, end))
    block = min(count, max(_BLOCK, min(int(math.sqrt(rows * count)), 1 + reach // stride)))
    blocks = -(-count // block)
    size = (block - 1) * stride + 1 + 2 * reach
    after = start + stride * (blocks * block - 1) + reach - (m - 1)
    windows = _sliding(_padded(values, reach - start, max(after, 0)), size)
    windows = windows[..., : (blocks - 1) * block * stride + 1 : block * stride, :]
    matrix = _matrix(_kernel(width, reach), block, stride)
    found = np.ascontiguousarray(windows).reshape(-1, size) @ matrix
    return np.asarray(found.reshape(*values.shape[:-1], blocks * block)[..., :count])


def _kernel(width: float, reach: int) -> Array:
    """Normal of `width` steps at -reach to reach; what lies beyond stands at both ends."""
    far = max(reach, math.ceil(_REACH * width))
    density = np.exp(-0.5 * (np.arange(far + 1) / width) ** 2)
    density /= density[0] + 2 * density[1:].sum()
    half = density[: reach + 1].copy()
    half[-1] = density[reach:].sum()
    return np.concatenate([half[:0:-1], half])


def _matrix(kernel: Array, block: int, stride: int) -> Array:
    """The kernel in `block` columns, each `stride` rows below the one before."""
    more = np.zeros((block - 1) * stride)
    padded = np.concatenate([more, kernel, more])
    shifted = _sliding(padded, len(more) + 1)
    return np.ascontiguousarray(shifted[:, ::-stride])


#: Coarse points beyond both edges: there a first sum is flat.
_BEYOND = math.ceil(_REACH * _FIRST)


def _twice(values: Array, width: float, stride: int) -> Array:
    """The two sums of a large tau: every `stride`-th point, `_BEYOND` more on both sides."""
    m = values.shape[-1]
    first = _FIRST * stride
    count = 2 * _BEYOND + 1 - (-(m - 1) // stride)
    half_way = _windows(values, first, _Outputs(-_BEYOND * stride, stride, count))
    rest = math.sqrt(width**2 - first**2) / stride
    return _windows(half_way, rest, _Outputs(0, 1, count))


def _filled(coarse: Array, stride: int, m: int) -> Array:
    """All grid points (..., m) from what `_twice` gives."""
    near = np.arange(1 - _POINTS // 2, _POINTS // 2 + 1)
    weights = lagrange(near.astype(np.float64), np.arange(stride) / stride)
    windows = _sliding(coarse, _POINTS)
    first = _BEYOND + near[0]
    cells = -(-m // stride)
    windows = np.ascontiguousarray(windows[..., first : first + cells, :])
    found = windows.reshape(-1, _POINTS) @ weights.T
    return np.asarray(found.reshape(*coarse.shape[:-1], cells * stride)[..., :m])
