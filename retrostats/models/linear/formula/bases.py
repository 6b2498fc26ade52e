"""Several columns from one number: polynomials and splines, as R's poly(), bs() and ns().

The basis is laid on the data of the fit; other points are then expressed in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError

Array = NDArray[np.float64]
_MOST = 20  # columns of one basis
_CUBIC = 3


def poly(x: Array, at: Array, degree: int = 1, *, raw: bool = False) -> Array:
    """Polynomials up to a degree, orthonormal over x unless `raw`, at other points.

    Parameters
    ----------
    x : (n,) array
        Data of the fit, on which the polynomials are orthonormal.
    at : (m,) array
    degree : int
    raw : bool
        Powers instead.

    Returns
    -------
    (m, degree) array

    Raises
    ------
    InputError
        The degree is not a whole number from 1, or x has too few values.

    References
    ----------
    Forsythe (1957), Journal of the SIAM 5:74: the three-term recurrence.

    Examples
    --------
    >>> poly(np.array([1.0, 2.0, 3.0]), np.array([1.0, 4.0]), 1).round(4).tolist()
    [[-0.7071], [1.4142]]
    """
    _whole(degree, "the degree of poly()", 1)
    if raw:
        return at[:, None] ** np.arange(1, degree + 1)
    if len(np.unique(x)) <= degree:
        raise InputError(
            f"poly() of degree {degree} needs {degree + 1} different values, the column has "
            f"{len(np.unique(x))}; lower the degree"
        )
    on, out = [np.ones_like(x)], [np.ones_like(at)]
    size = float(len(x))
    before = 1.0
    for k in range(degree):
        center = float(x @ on[k] ** 2) / size
        carried = size / before if k else 0.0
        on.append((x - center) * on[k] - (carried * on[k - 1] if k else 0.0))
        out.append((at - center) * out[k] - (carried * out[k - 1] if k else 0.0))
        before, size = size, float(on[-1] @ on[-1])
    norms = np.array([np.sqrt(p @ p) for p in on[1:]])
    return np.asarray(np.column_stack(out[1:]) / norms)


def bs(x: Array, at: Array, df: int = 3, *, degree: int = _CUBIC) -> Array:
    """B-splines with knots at quantiles of x, without the first, at other points.

    Parameters
    ----------
    x, at : (n,), (m,) arrays
    df : int
        Columns; `degree` of them need no knot.
    degree : int

    Returns
    -------
    (m, df) array

    Raises
    ------
    InputError
        `df` is below `degree`.

    References
    ----------
    de Boor (1978), A Practical Guide to Splines.

    Examples
    --------
    >>> bs(np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 3.0])).round(4).tolist()
    [[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    _whole(degree, "the degree of bs()", 1)
    _whole(df, f"df of bs() of degree {degree}", degree)
    knots = _knots(x, df - degree, degree)
    return _splines(knots, at, degree)[:, 1:]


def ns(x: Array, at: Array, df: int = 1) -> Array:
    """Natural cubic splines (linear beyond the data) with knots at quantiles of x.

    Parameters
    ----------
    x, at : (n,), (m,) arrays
    df : int

    Returns
    -------
    (m, df) array

    Raises
    ------
    InputError
        `df` is not a whole number from 1.

    Examples
    --------
    >>> ns(np.arange(5.0), np.arange(5.0), 2).shape
    (5, 2)
    """
    from scipy.interpolate import BSpline

    _whole(df, "df of ns()", 1)
    knots = _knots(x, df - 1, _CUBIC)
    low, high = knots[0], knots[-1]
    inside = np.clip(at, low, high)
    basis = BSpline(knots, np.eye(df + 3), _CUBIC)
    values = basis(inside) + (at - inside)[:, None] * basis.derivative()(inside)
    bend = basis.derivative(2)(np.array([low, high]))[:, 1:]
    rotation, _ = np.linalg.qr(bend.T, mode="complete")
    return np.asarray(values[:, 1:] @ rotation[:, 2:])


def _knots(x: Array, inner: int, degree: int) -> Array:
    places = np.linspace(0.0, 1.0, inner + 2)[1:-1]
    low, high = float(x.min()), float(x.max())
    if not low < high:
        raise InputError("a spline needs a column whose values differ")
    ends = np.ones(degree + 1)
    knots = np.concatenate([low * ends, np.quantile(x, places), high * ends])
    if len(np.unique(knots[degree:-degree])) < inner + 2:
        raise InputError(
            f"a spline with {inner} inner knots needs more different values; lower its df"
        )
    return knots


def _splines(knots: Array, at: Array, degree: int) -> Array:
    from scipy.interpolate import BSpline

    count = len(knots) - degree - 1
    return np.asarray(BSpline(knots, np.eye(count), degree, extrapolate=True)(at))


def _whole(value: object, what: str, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _MOST:
        raise InputError(f"{what} is a whole number from {least} to {_MOST}, found {value!r}")


BASES: Mapping[str, Callable[..., Array]] = {"poly": poly, "bs": bs, "ns": ns}
#: Arguments each may be given after its column, in order; numbers unless named `raw`.
ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "poly": ("degree", "raw"),
    "bs": ("df", "degree"),
    "ns": ("df",),
}


def basis(name: str, x: Array, at: Array, arguments: Mapping[str, Any]) -> Array:
    """Columns (m, k) of one of `BASES` at points, laid on x."""
    return BASES[name](x, at, **arguments)
