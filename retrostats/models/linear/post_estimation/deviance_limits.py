"""Limits of a quantity over all parameters whose deviance has risen by no more than so much.

The profile limits of a parameter are the ends of its range over the region
{deviance <= minimum + quantile}: two smooth optimisations with one constraint, in coordinates where
that region is nearly a ball. Nothing is profiled point by point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.linalg import LinAlgError
from scipy.optimize import minimize
from scipy.special import chdtri

from retrostats.common.errors import NotConverged
from retrostats.models.linear.formula.columns import FloatArray

Function = Callable[[FloatArray], tuple[float, FloatArray]]
"""From the parameters (k,) to a value and its gradient (k,)."""

_STEP = 1e-4  # of the differences of the gradient, relative
_FLAT = 1e-6  # relative curvature below which a direction counts as having this one
_SHARP = 1e-10  # of the limit, in standard errors
_ON = 1e-5  # what the deviance may miss the boundary by, in its own units
_STARTS = (1.0, 0.5, 1.5)  # of the distance at which a quadratic would cross
_FAR = 1e6


@dataclass(frozen=True)
class Region:
    """Where a deviance has risen by at most `rise` from its minimum `best` at `at` (k,).

    `turn` (k, k) maps coordinates in which the region is nearly a ball to the parameters. `flat`
    (k,) is 1 at the parameters that are zero and in which everything is even (the diagonal of a
    singular factor): gradients there say nothing, so that each search also starts off them.
    `hessian` (k, k) is that of the deviance at its minimum.
    """

    deviance: Function
    at: FloatArray
    best: float
    rise: float
    turn: FloatArray
    flat: FloatArray
    hessian: FloatArray

    def limit(self, quantity: Function, sign: int) -> float:
        """The largest (`sign` 1) or smallest (-1) value of a quantity over the region.

        Parameters
        ----------
        quantity : function of the parameters
            Value and gradient.
        sign : {1, -1}

        Raises
        ------
        NotConverged
            The search does not come to an end from any start.
        """
        value, gradient = quantity(self.at)
        slope = self.turn.T @ gradient
        size = float(np.linalg.norm(slope))
        first = sign * slope / size if size > 1e-8 * max(abs(value), 1e-8) else 0.0 * slope
        starts = [share * first for share in _STARTS if first.any()]
        tries = [starts]
        if self.flat.any():
            off = np.linalg.solve(self.turn, self.flat)
            off /= np.linalg.norm(off)
            tries += [[0.5 * first + share * off for share in _STARTS]]
            moved = quantity(self.at + self.turn @ off * np.sqrt(self.rise))[0]
            size = max(size, abs(moved - value)) or 1.0
        found = [value]
        for choices in tries:
            for start in choices:
                end = self._end(quantity, sign, start * np.sqrt(self.rise), size)
                if end is not None:
                    found.append(end)
                    break
        if len(found) == 1 and (first.any() or self.flat.any()):
            raise NotConverged(
                "a profile limit was not found: the likelihood falls off a cliff near it; use "
                "conf_int(which='random', method='bootstrap')"
            )
        return sign * max(sign * x for x in found)

    def _end(self, quantity: Function, sign: int, start: FloatArray, size: float) -> float | None:
        seen: dict[bytes, tuple[float, FloatArray]] = {}

        def deviance_rise(z: FloatArray) -> tuple[float, FloatArray]:
            key = z.tobytes()
            if key not in seen:
                try:
                    value, gradient = self.deviance(self.at + self.turn @ z)
                    seen[key] = value - self.best, self.turn.T @ gradient
                except LinAlgError:
                    seen[key] = _FAR, 2.0 * z
            return seen[key]

        def goal(z: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = quantity(self.at + self.turn @ z)
            return -sign * value / size, -sign * (self.turn.T @ gradient) / size

        inside = {
            "type": "ineq",
            "fun": lambda z: self.rise - deviance_rise(z)[0],
            "jac": lambda z: -deviance_rise(z)[1],
        }
        options = {"ftol": _SHARP, "maxiter": 60}
        end = minimize(goal, start, jac=True, method="SLSQP", constraints=[inside], options=options)
        if not np.isfinite(end.fun) or deviance_rise(end.x)[0] > self.rise + _ON:
            return None
        stopped = end.success or deviance_rise(end.x)[0] > self.rise - _ON
        return float(-sign * end.fun * size) if stopped else None


def region_of(deviance: Function, at: FloatArray, flat: FloatArray, level: float) -> Region:
    """The region of a likelihood-ratio test at a minimum of the deviance.

    Its shape comes from central differences of the gradient, two evaluations a parameter; `flat`
    as in `Region`.
    """
    best = deviance(at)[0]
    hessian = np.array([_differences(deviance, at, i) for i in range(len(at))])
    return _shaped(deviance, at, best, float(chdtri(1, 1.0 - level)), hessian, flat)


def with_one_more(region: Region, deviance: Function) -> Region:
    """The region with a further parameter, last and 0 at the minimum.

    The smaller deviance is this one with that parameter at its best, so that its Hessian is the
    Schur complement: only the row of the new parameter is differenced, two evaluations.
    """
    at = np.append(region.at, 0.0)
    row = _differences(deviance, at, len(at) - 1)
    hessian = np.empty((len(at), len(at)))
    hessian[:-1, :-1] = region.hessian + np.outer(row[:-1], row[:-1]) / row[-1]
    hessian[-1], hessian[:, -1] = row, row
    flat = np.append(region.flat, 0.0)
    return _shaped(deviance, at, region.best, region.rise, hessian, flat)


def _differences(deviance: Function, at: FloatArray, i: int) -> FloatArray:
    """A row of the Hessian."""
    step = np.zeros(len(at))
    step[i] = _STEP * max(1.0, abs(at[i]))
    up, down = deviance(at + step)[1], deviance(at - step)[1]
    return np.asarray((up - down) / (2.0 * step[i]))


def _shaped(
    deviance: Function, at: FloatArray, best: float, rise: float, hessian: FloatArray,
    flat: FloatArray,
) -> Region:  # fmt: skip
    values, vectors = np.linalg.eigh(0.25 * (hessian + hessian.T))
    values = np.maximum(np.abs(values), _FLAT * max(float(np.abs(values).max()), 1e-12))
    return Region(deviance, at, best, rise, vectors / np.sqrt(values), flat, hessian)
