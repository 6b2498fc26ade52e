"""Covariances of repeated measurements: the matrix of each structure and its derivatives.

Parameters are natural: variances, covariances, a correlation. An m x m matrix is linear in those of
"unstructured" and "compound-symmetry"; the others have second derivatives.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, get_args

import numpy as np

from retrostats.models.linear.formula.columns import FloatArray

Structure = Literal[
    "unstructured",
    "compound-symmetry",
    "heterogeneous-compound-symmetry",
    "ar1",
    "heterogeneous-ar1",
]
STRUCTURES: tuple[str, ...] = get_args(Structure)
_TOWARDS_ZERO = 0.9  # a first correlation keeps away from the border


class Shape(ABC):
    """A structure for m levels.

    Parameters
    ----------
    m : int
    """

    def __init__(self, m: int) -> None:
        self.m = m

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Of the parameters, levels by their numbers from 1."""

    @abstractmethod
    def start(self, moments: FloatArray) -> FloatArray:
        """Parameters near a matrix (m, m) of crude variances and covariances."""

    @abstractmethod
    def at(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """V (m, m), its derivatives (q, m, m), its second ones (q, q, m, m) or None."""


class Unstructured(Shape):
    """A variance for each level, a covariance for each pair."""

    @property
    def names(self) -> tuple[str, ...]:
        """As the lower triangle by rows."""
        return tuple(f"{j + 1}:{i + 1}" for i, j in self._places)

    @property
    def _places(self) -> list[tuple[int, int]]:
        return [(i, j) for i in range(self.m) for j in range(i + 1)]

    def start(self, moments: FloatArray) -> FloatArray:
        """The moments, drawn towards their diagonal until they are a covariance."""
        share = 1.0
        while np.linalg.eigvalsh(_drawn(moments, share)).min() <= 1e-3 * np.diag(moments).min():
            share *= _TOWARDS_ZERO
        held = _drawn(moments, share)
        return np.array([held[i, j] for i, j in self._places])

    def at(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Linear in every parameter."""
        rows, columns = map(list, zip(*self._places, strict=True))
        v = np.zeros((self.m, self.m))
        v[rows, columns] = v[columns, rows] = theta
        first = np.zeros((len(theta), self.m, self.m))
        order = np.arange(len(theta))
        first[order, rows, columns] = first[order, columns, rows] = 1.0
        return v, first, None


class CompoundSymmetry(Shape):
    """One variance, one covariance, which may be negative."""

    @property
    def names(self) -> tuple[str, ...]:
        """Variance and covariance."""
        return ("variance", "covariance")

    def start(self, moments: FloatArray) -> FloatArray:
        """Their means."""
        variance = float(np.diag(moments).mean())
        low = -_TOWARDS_ZERO / max(self.m - 1, 1)
        return variance * np.array([1.0, np.clip(_mean_correlation(moments), low, _TOWARDS_ZERO)])

    def at(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Linear in both."""
        eye = np.eye(self.m)
        first = np.stack([eye, np.ones((self.m, self.m)) - eye])
        return np.tensordot(theta, first, 1), first, None


class Correlated(Shape):
    """Variances, one or one a level, times a correlation that is a function of one number.

    Parameters
    ----------
    m : int
    decays : bool
        Powers of the correlation by the distance of levels (ar1), else the same for all pairs.
    heterogeneous : bool
    """

    def __init__(self, m: int, *, decays: bool, heterogeneous: bool) -> None:
        super().__init__(m)
        self._heterogeneous = heterogeneous
        distance = np.abs(np.subtract.outer(np.arange(m), np.arange(m)))
        self._power = distance if decays else (distance > 0).astype(int)

    @property
    def names(self) -> tuple[str, ...]:
        """Variances, then the correlation."""
        if not self._heterogeneous:
            return ("variance", "correlation")
        return (*(f"{i + 1}:{i + 1}" for i in range(self.m)), "correlation")

    def start(self, moments: FloatArray) -> FloatArray:
        """Variances of the moments, and the mean correlation of neighbours."""
        beside = self._power == 1
        low = -_TOWARDS_ZERO / max(self.m - 1, 1)
        r = float(np.clip(_mean_correlation(moments, beside), low, _TOWARDS_ZERO))
        variances = np.diag(moments)
        return np.append(variances if self._heterogeneous else variances.mean(), r)

    def at(self, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """V = D^(1/2) R D^(1/2), D the variances."""
        variances, r = theta[:-1], float(theta[-1])
        if not (variances > 0).all() or abs(r) >= 1:
            raise np.linalg.LinAlgError("a variance or correlation is out of range")
        k = self._power
        corr = np.where(k == 0, 1.0, r**k)
        slope = np.where(k == 0, 0.0, k * r ** np.maximum(k - 1, 0))
        bend = np.where(k < 2, 0.0, k * (k - 1) * r ** np.maximum(k - 2, 0))
        q = len(theta)
        first, second = np.zeros((q, self.m, self.m)), np.zeros((q, q, self.m, self.m))
        if not self._heterogeneous:
            s = float(variances[0])
            first[:] = corr, s * slope
            second[0, 1] = second[1, 0] = slope
            second[1, 1] = s * bend
            return s * corr, first, second
        scale = np.sqrt(np.outer(variances, variances))
        v = scale * corr
        # log V_ab holds half of each logarithm: its derivative by variance i is c_i / v_i
        count = np.stack([0.5 * np.add.outer(e, e) for e in np.eye(self.m)])
        rate = count / variances[:, None, None]
        first[:-1], first[-1] = rate * v, scale * slope
        second[:-1, :-1] = rate[:, None] * rate[None] * v
        for i in range(self.m):
            second[i, i] -= count[i] / variances[i] ** 2 * v
        second[:-1, -1] = second[-1, :-1] = rate * scale * slope
        second[-1, -1] = scale * bend
        return v, first, second


def shape_of(structure: str, m: int) -> Shape:
    """The structure of a name for m levels.

    Examples
    --------
    >>> shape_of("ar1", 3).at(np.array([2.0, 0.5]))[0]
    array([[2. , 1. , 0.5],
           [1. , 2. , 1. ],
           [0.5, 1. , 2. ]])
    """
    if structure == "unstructured":
        return Unstructured(m)
    if structure == "compound-symmetry":
        return CompoundSymmetry(m)
    return Correlated(
        m, decays=structure.endswith("ar1"), heterogeneous=structure.startswith("hetero")
    )


def _drawn(moments: FloatArray, share: float) -> FloatArray:
    diagonal = np.diag(np.diag(moments))
    return np.asarray(share * moments + (1.0 - share) * diagonal)


def _mean_correlation(moments: FloatArray, where: FloatArray | None = None) -> float:
    sd = np.sqrt(np.diag(moments))
    corr = moments / np.outer(sd, sd)
    chosen = ~np.eye(len(sd), dtype=bool) if where is None else where.astype(bool)
    return float(corr[chosen].mean()) if chosen.any() else 0.0
