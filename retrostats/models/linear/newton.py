"""The search for a minimum that every engine makes: Newton's steps, where they end, the boundary.

Each engine has its own criterion; how it is descended is the same (docs/mathematics.md, section 3).
`descend` does one problem, `descend_all` many at once with the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from retrostats.models.linear.formula.columns import FloatArray

_MAX_STEPS = 200
#: Relative expected fall of the deviance at which a step is the last: Newton's method squares the
#: error, so that after it next to nothing is left.
_LAST = 1e-15
_ROUNDING = 1e-22  # the same, at which a step is not worth an evaluation
_CONVERGED = 1e-12  # the same, above which a fit is reported as not converged
_LEVEL = 1e-13  # relative change of the deviance that is rounding
_HALVINGS = 30
#: Relative rise of the deviance that setting a small parameter to zero may cost, and the fall by
#: which another start must win.
_SLACK = 1e-10
#: Columns of a factor (in working units) below which zero is tried, and diagonals alone: Newton's
#: method comes close to those by itself. The deviance decides; this saves evaluations only.
_SMALL, _SMALL_DIAGONAL = 1e-2, 1e-4
_UNEVALUATED = 1e-4  # longest last step of a batch, which is taken without a look at the deviance

#: Parameters above which a Newton step is solved for, where the Hessian is so clearly positive
#: definite (its smallest pivot, relative to its largest element).
_MANY, _CLEARLY = 24, 1e-8


class _Sloped(Protocol):
    """A criterion's value and slope at one place."""

    @property
    def deviance(self) -> float: ...

    @property
    def gradient(self) -> FloatArray: ...


class _Curved(_Sloped, Protocol):
    """The same, with its Hessian."""

    @property
    def hessian(self) -> FloatArray: ...


class _Minimum(Protocol):
    """Where a search ended."""

    @property
    def point(self) -> _Sloped: ...

    @property
    def singular(self) -> bool: ...


class _SlopedBatch(Protocol):
    """The same for R replicates: values (R,), slopes (k, R) and curvatures (k, k, R)."""

    @property
    def deviance(self) -> FloatArray: ...

    @property
    def gradient(self) -> FloatArray: ...

    @property
    def curvature(self) -> FloatArray: ...


P = TypeVar("P", bound=_Sloped)
B = TypeVar("B", bound=_SlopedBatch)
O = TypeVar("O", bound=_Minimum)  # noqa: E741
S = TypeVar("S")
IndexArray = NDArray[np.intp]
#: Step at (point, x), and how far the deviance is expected to fall.
Direction = Callable[[P, FloatArray], tuple[FloatArray, float]]


@dataclass(frozen=True, slots=True)
class Descent(Generic[P]):
    """Where one search ended.

    Attributes
    ----------
    x : (k,) array
    point : P
        The criterion there, with derivatives from before signs were turned.
    steps : int
    exhausted : bool
        The steps that were allowed did not suffice.
    promised : function
        How far the deviance is expected to fall by a further step.
    """

    x: FloatArray
    point: P
    steps: int
    exhausted: bool
    promised: Callable[[], float]

    @property
    def converged(self) -> bool:
        """Whether the steps sufficed and a further one promises next to nothing."""
        return not self.exhausted and has_converged(self.promised(), self.point.deviance)


def descend(
    criterion: Callable[[FloatArray], P],
    x: FloatArray,
    direction: Direction[P],
    sizes: tuple[int, ...],
    *,
    unit: float = 1.0,
    most: int = _MAX_STEPS,
    rounding: float = _ROUNDING,
) -> Descent[P]:
    """A minimum of `criterion`, downhill from `x`.

    Parameters
    ----------
    criterion
        Raises LinAlgError where it is not defined.
    direction
        Downhill step and expected fall.
    sizes : tuple of int
        Effects of each random term: `x` begins with their factors, lower triangles by column.
        None where signs mean something and zero is no boundary.
    unit : float
        Size of an element of a factor.
    most : int
        Steps allowed.
    rounding : float
        Relative expected fall at which a step is not taken; more where evaluations are dear.
    """
    point, steps, last = criterion(x), 0, False
    while steps < most and not last:
        step, fall = direction(point, x)
        size = max(1.0, abs(point.deviance))
        if fall < rounding * size:
            break
        moved = line_search(criterion, x, point, step)
        if moved is None:
            break
        x, point = moved
        steps, last = steps + 1, fall < _LAST * size
    exhausted = steps == most and not last
    x, point = _snapped(criterion, x, point, sizes, unit)
    turned = turn_signs(sizes, x)
    return Descent(turned, point, steps, exhausted, lambda: direction(point, x)[1])


def has_converged(fall: float, deviance: float) -> bool:
    """Whether a step that promises this fall would be rounding."""
    return fall < _CONVERGED * max(1.0, abs(deviance))


def along_hessian(point: _Curved, x: FloatArray) -> tuple[FloatArray, float]:
    """The direction of a criterion with its exact Hessian."""
    return newton_step(point.gradient, point.hessian, x)


def newton_step(
    gradient: FloatArray, hessian: FloatArray, theta: FloatArray
) -> tuple[FloatArray, float]:
    """Step downhill: the Hessian's eigenvalues are taken positive, and the step is bounded."""
    solved = _solved(hessian, gradient) if len(theta) > _MANY else None
    if len(theta) == 1:
        curve = max(abs(float(hessian[0, 0])), 1e-12)
        step = -gradient / curve
    elif solved is not None:
        step = -solved
    else:
        values, vectors = np.linalg.eigh(hessian)
        values = np.maximum(np.abs(values), 1e-10 * max(np.abs(values).max(), 1e-2))
        step = -vectors @ ((vectors.T @ gradient) / values)
    return bounded_step(step, gradient, theta)


def bounded_step(
    step: FloatArray, gradient: FloatArray, theta: FloatArray
) -> tuple[FloatArray, float]:
    """A step downhill, no longer than parameters are large, and the fall expected of the whole."""
    fall = -0.5 * float(step @ gradient)
    longest = float(np.abs(step).max())
    limit = max(0.5, 1.5 * float(np.abs(theta).max()))
    return (step * (limit / longest) if longest > limit else step), fall


def _solved(hessian: FloatArray, gradient: FloatArray) -> FloatArray | None:
    """The gradient times the inverse of a Hessian; None unless that is clearly positive definite.

    Nothing would be taken positive then: the eigenvectors give the same at ten times the cost.
    """
    try:
        root = np.linalg.cholesky(hessian)
    except LinAlgError:
        return None
    if np.diag(root).min() ** 2 < _CLEARLY * np.abs(hessian).max():
        return None
    return np.asarray(np.linalg.solve(hessian, gradient))


def line_search(
    criterion: Callable[[FloatArray], P], x: FloatArray, point: P, step: FloatArray
) -> tuple[FloatArray, P] | None:
    """The first of halved steps that lowers the deviance (or the gradient, close to the end)."""
    rounding = _LEVEL * max(1.0, abs(point.deviance))
    for halving in range(_HALVINGS):
        new = x + step * 0.5**halving
        try:
            candidate = criterion(new)
        except LinAlgError:
            continue
        if candidate.deviance < point.deviance - rounding:
            return new, candidate
        if candidate.deviance <= point.deviance + rounding:
            smaller = np.abs(candidate.gradient).max() < 0.5 * np.abs(point.gradient).max()
            return (new, candidate) if smaller else None
    return None


def searched_again(best: O, search: Callable[[S], O], starts: Iterable[S]) -> O:
    """The lowest minimum found, from other starts too where `best` is on the boundary.

    The criterion can have a second minimum inside.
    """
    for start in starts if best.singular else ():
        again = search(start)
        if again.point.deviance < best.point.deviance - _slack(best.point.deviance):
            best = again
    return best


def _slack(deviance: float) -> float:
    return _SLACK * max(1.0, abs(deviance))


def _snapped(
    criterion: Callable[[FloatArray], P],
    x: FloatArray,
    point: P,
    sizes: tuple[int, ...],
    unit: float,
) -> tuple[FloatArray, P]:
    """Small columns of the factors, or else their diagonals, at zero where that costs nothing."""
    highest = point.deviance + _slack(point.deviance)
    for first, stop in column_spans(sizes):
        for end, small in _tried(first, stop):
            if not 0.0 < np.abs(x[first:end]).max() < small * unit:
                continue
            trial = x.copy()
            trial[first:end] = 0.0
            candidate = criterion(trial)
            if candidate.deviance <= highest:
                x, point = trial, candidate
                break
    return x, point


def _tried(first: int, stop: int) -> list[tuple[int, float]]:
    """Ends of what is set to zero of a column, the whole or its diagonal, and how small it is."""
    whole = [(stop, _SMALL)]
    return whole if stop == first + 1 else [*whole, (first + 1, _SMALL_DIAGONAL)]


def column_spans(sizes: tuple[int, ...]) -> list[tuple[int, int]]:
    """Index ranges of theta that form one column of a factor."""
    spans, at = [], 0
    for k in sizes:
        for j in range(k):
            spans.append((at, at + k - j))
            at += k - j
    return spans


def turn_signs(sizes: tuple[int, ...], theta: FloatArray) -> FloatArray:
    """Each column of a factor turned so that its diagonal is not negative; -0 becomes 0.

    Replicates may follow on a second axis; what stands behind the factor in `theta` stays as it is.
    """
    out = theta + 0.0
    for start, stop in column_spans(sizes):
        out[start:stop] *= np.where(out[start] < 0, -1.0, 1.0)
    return out + 0.0


def descend_all(
    criterion: Callable[[FloatArray, IndexArray], B],
    x: FloatArray,
    direction: Callable[[FloatArray, FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    sizes: tuple[int, ...],
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Minima of R criteria at once: x (k, R), and which ended before the steps ran out.

    Those that have arrived step out.

    Parameters
    ----------
    criterion
        At places (k, r) of the replicates numbered (r,).
    x : (k, R) array
        Starts.
    direction
        Steps (k, r) and expected falls (r,) from gradients, curvatures and places.
    sizes : tuple of int
        As for `descend`.
    """
    x, active = x.copy(), np.arange(x.shape[1])
    state = criterion(x, active)
    deviance, gradient, curve = state.deviance, state.gradient, state.curvature
    for _ in range(_MAX_STEPS):
        step, fall = direction(gradient[:, active], curve[..., active], x[:, active])
        going = fall >= _LAST * np.maximum(1.0, np.abs(deviance[active]))
        last = ~going & (np.abs(step).max(0) < _UNEVALUATED)
        x[:, active[last]] += step[:, last]
        active, step = active[going], step[:, going]
        moved = np.zeros(len(active), dtype=bool)
        pending = np.arange(len(active))
        for halving in range(_HALVINGS):
            if not len(pending):
                break
            at = active[pending]
            new = x[:, at] + step[:, pending] * 0.5**halving
            trial = criterion(new, at)
            rounding = _LEVEL * np.maximum(1.0, np.abs(deviance[at]))
            change = trial.deviance - deviance[at]
            level = np.abs(change) <= rounding
            calmer = np.abs(trial.gradient).max(0) < 0.5 * np.abs(gradient[:, at]).max(0)
            accepted = (change < -rounding) | (level & calmer)
            to = at[accepted]
            x[:, to], deviance[to] = new[:, accepted], trial.deviance[accepted]
            gradient[:, to] = trial.gradient[:, accepted]
            curve[..., to] = trial.curvature[..., accepted]
            moved[pending[accepted]] = True
            pending = pending[~accepted & ~level]
        active = active[moved]
        if not len(active):
            break
    finished = np.ones(x.shape[1], dtype=bool)
    finished[active] = False
    return turn_signs(sizes, _snapped_all(criterion, x, deviance, sizes)), finished


def _snapped_all(
    criterion: Callable[[FloatArray, IndexArray], B],
    x: FloatArray,
    deviance: FloatArray,
    sizes: tuple[int, ...],
) -> FloatArray:
    """`_snapped` for every replicate; `deviance` is that of the last evaluation (R,)."""
    highest = deviance + _SLACK * np.maximum(1.0, np.abs(deviance))
    for first, stop in column_spans(sizes):
        left = np.ones(x.shape[1], dtype=bool)
        for end, small in _tried(first, stop):
            largest = np.abs(x[first:end]).max(0)
            at = np.flatnonzero(left & (largest > 0.0) & (largest < small))
            if not len(at):
                continue
            trial = x[:, at]
            trial[first:end] = 0.0
            kept = at[criterion(trial, at).deviance <= highest[at]]
            x[first:end, kept] = 0.0
            left[kept] = False
    return x
