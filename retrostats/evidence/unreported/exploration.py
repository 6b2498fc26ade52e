"""Explore: how far an answer moves over everything that was not printed, all of it together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import one_of, real_array, whole_number
from retrostats.common.defaults import SEED
from retrostats.common.deprecated import renamed_fields
from retrostats.common.errors import InputError
from retrostats.common.readable import as_html
from retrostats.common.values import cached_value, values
from retrostats.evidence.unreported.along_slopes import Slopes
from retrostats.evidence.unreported.extremes import Extreme, lowest
from retrostats.evidence.unreported.influence import along, influence, quasi_random
from retrostats.evidence.unreported.search import run_together
from retrostats.evidence.unreported.starts import fixed_points
from retrostats.evidence.unreported.unknowns import Space, Values

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
#: Values of the unknowns by name, arrays (n,), to estimate, conf_low and conf_high, (n,) each.
Estimator = Callable[[Values], Any]


@runtime_checkable
class SlopedEstimator(Protocol):
    """An estimator that knows how its limits move with the positions of the unknowns."""

    def __call__(self, v: Values) -> Any:
        """Estimate and limits, as of any estimator."""

    def has_slopes(self, space: Space) -> bool:
        """Whether `slopes` holds in this space."""

    def slopes(self, space: Space, points: Array) -> tuple[Array, Array]:
        """Derivatives (n, d) of both limits at points (n, d) of the unit box; NaN without them."""


OUTPUTS = ("estimate", "conf_low", "conf_high")
#: Column of each limit in answers, and the sign with which its outermost value is the lowest.
_ENDS = ((1, 1.0), (2, -1.0))
#: Rows evaluated in one call; fixed, so that the number of workers cannot change a byte.
CHUNK = 4096
#: What Python and numpy say of a function that takes one number at a time.
_ONE_AT_A_TIME = (
    "truth value of an array",
    "only length-1 arrays",
    "only 0-dimensional",
    "must be real number",
)
_ARRAYS = "explore: the function gets arrays, a value a draw, and takes one number at a time"
_WRITE = (
    "write it on arrays (np.sqrt for math.sqrt, np.where for if) and return estimate, conf_low, "
    "conf_high, as in: lambda v: (v['d'], v['d'] - 2 * v['se'], v['d'] + 2 * v['se'])"
)
#: Draws of each base sample of the variance decomposition.
BASE = 512


@renamed_fields(middle="reference_point", certificate="search_diagnostics")
@values("draws")
@dataclass(frozen=True, eq=False)
class Exploration:
    """An answer over a whole space of unknowns.

    Attributes
    ----------
    space
        The unknowns.
    reference_point
        The answer and its limits with everything at its middle and main reading.
    draws
        A column an unknown (choices by label), then estimate, conf_low, conf_high.
    impossible
        Share of the draws that contradict themselves (an empty range) and were left out.
    searched
        Searches for the outermost limits when called: they are made once, when first asked for.
    """

    space: Space
    reference_point: tuple[float, float, float]
    draws: pd.DataFrame
    impossible: float
    answers: Callable[[Array], Array]
    seed: int
    searched: Callable[[], tuple[Extreme, Extreme]]

    @cached_value
    def _ends(self) -> tuple[Extreme, Extreme]:
        return self.searched()

    def search_now(self) -> None:
        """Make the searches, so that a space without an answer is refused now."""
        _ = self._ends

    def found(self) -> tuple[Any, ...]:
        """What takes time: the searches, and how much each unknown moves the answer."""
        return self._ends, self.influence

    def keep(self, found: tuple[Any, ...]) -> None:
        """Take over what `found` gave, wherever that was."""
        self.__dict__["_ends"], self.__dict__["influence"] = found

    @property
    def low(self) -> Extreme:
        """The search that found the lower outermost limit."""
        return self._ends[0]

    @property
    def high(self) -> Extreme:
        """The search that found the upper outermost limit, of the negative of the function."""
        return self._ends[1]

    @property
    def estimate(self) -> float:
        """The answer with everything at its middle and main reading."""
        return self.reference_point[0]

    @property
    def conf_low(self) -> float:
        """Lowest lower limit over the whole space, optimised."""
        return self.low.value

    @property
    def conf_high(self) -> float:
        """Highest upper limit over the whole space, optimised."""
        return -self.high.value

    @property
    def at_low(self) -> dict[str, float | str]:
        """Values of the unknowns that give `conf_low`."""
        return self.space.describe(self.low.point[None, :])

    @property
    def at_high(self) -> dict[str, float | str]:
        """Values of the unknowns that give `conf_high`."""
        return self.space.describe(self.high.point[None, :])

    @property
    def search_diagnostics(self) -> pd.DataFrame:
        """What vouches for each limit: searches, how many ended there, points looked at."""
        import pandas as pd

        rows = [
            (name, value, end.starts, end.agreeing, end.evaluations)
            for name, value, end in (
                ("conf_low", self.conf_low, self.low),
                ("conf_high", self.conf_high, self.high),
            )
        ]
        return pd.DataFrame(rows, columns=["limit", "value", "starts", "agreeing", "evaluations"])

    @cached_value
    def influence(self) -> pd.DataFrame:
        """Unknown, first_order, total (shares of variance), low, high when it alone moves."""
        return influence(self.space, self.answers, BASE, self.seed + 1)

    def share(self, rule: Callable[[Array, Array, Array], Any]) -> float:
        """Share of the draws for which a rule on (estimate, conf_low, conf_high) holds."""
        if self.draws.empty:
            return float("nan")
        held = rule(*(self.draws[name].to_numpy() for name in OUTPUTS))
        return float(np.mean(np.asarray(held, dtype=float)))

    def along(self, name: str) -> pd.DataFrame:
        """The answer when one unknown alone moves: its value, then estimate and limits."""
        import pandas as pd

        one_of(name, "name", self.space.names)
        column = self.space.names.index(name)
        _, points = along(self.space, column)
        answer = pd.DataFrame(self.answers(points), columns=list(OUTPUTS))
        return answer.assign(**{name: self.space.labels(points)[name]})[[name, *OUTPUTS]]

    def plot(self, **options: Any) -> Figure:
        """How estimate and limits are spread over the draws: `rs.half_eye(self, **options)`."""
        from retrostats import half_eye

        return half_eye(self, **options)

    def __repr__(self) -> str:
        return (
            f"<Exploration of {self.space.size} unknowns: {self.estimate:.4g}, limits "
            f"{self.conf_low:.4g} to {self.conf_high:.4g}, {len(self.draws)} draws>"
        )

    def _repr_html_(self) -> str:
        return as_html([repr(self)[1:-1]], (self.influence,))


def explore(
    estimate: Estimator,
    unknowns: Any,
    *,
    draws: int = 10_000,
    seed: int = SEED,
    jobs: int = 1,
    scheduler: str | None = None,
) -> Exploration:
    """Move everything that was not printed at once.

    Parameters
    ----------
    estimate
        A vectorised function: arrays (n,) by name to estimate, conf_low and conf_high, (n,) each
        (a tuple, a mapping, or an array (n, 3)); NaN where the values contradict one another.
    unknowns
        `Unknown` and `Choice` objects in the order of their declaration, or a mapping of names to
        ranges, printed numbers or options. A choice is handed over as the values of its options.
    draws
        Joint quasi-random draws (scrambled Sobol').
    seed, jobs, scheduler
        Threads here, or the address of a Dask scheduler that evaluates the draws instead. The same
        seed gives the same bytes whoever does.

    Returns
    -------
    Exploration
        Its limits are optimised over the whole space, not taken from the draws.

    Raises
    ------
    InputError
        If the unknowns are not usable, or no point of the space gives an answer.

    Examples
    --------
    >>> import numpy as np
    >>> def mean_of_two(v):
    ...     error = np.sqrt((2 - 2 * v["r"]) / 20)
    ...     return v["d"], v["d"] - 2 * error, v["d"] + 2 * error
    >>> from retrostats.evidence.unreported.unknowns import Printed
    >>> found = explore(mean_of_two, {"d": Printed("1.5"), "r": (-0.9, 0.9)}, draws=100)
    >>> round(found.conf_low, 3), found.at_low["r"], found.influence["unknown"][0]
    (0.578, -0.9, 'r')
    """
    whole_number(draws, "draws", 1)
    return outermost(estimate, unknowns, draws=draws, seed=seed, jobs=jobs, scheduler=scheduler)


def outermost(
    estimate: Estimator,
    unknowns: Any,
    *,
    draws: int,
    seed: int = SEED,
    jobs: int = 1,
    scheduler: str | None = None,
    search: bool = True,
) -> Exploration:
    """As `explore`, without draws if none are asked for.

    Without `search` the limits are searched when they are first read, if ever.
    """
    import pandas as pd

    if not callable(estimate):
        raise InputError(
            f"explore: the function comes first, found a {type(estimate).__name__}; write "
            'explore(function, {"r": (0, 1)})'
        )
    space = Space.of(unknowns)
    whole_number(draws, "draws", 0)
    whole_number(jobs, "jobs", 1)
    whole_number(seed, "seed", 0)
    if not callable(estimate):
        raise InputError(f"explore: found {estimate!r}; a function of the unknowns is needed")

    def answers(points: Array) -> Array:
        return _evaluate(estimate, space, points, jobs)

    at_reference = answers(space.reference_point)[0]
    points = quasi_random(space.size, draws if space.size else 1, seed)
    found = _on_cluster(estimate, space, points, scheduler) if scheduler else answers(points)
    fixed, at_fixed = fixed_points(answers, space.size, space.choices)
    _refuse_reversed(np.vstack([at_reference[None, :], found, at_fixed]))
    sound = np.isfinite(found).all(axis=1)

    def both(at: Array) -> Array:
        answer = answers(at)
        return np.column_stack([sign * answer[:, i] for i, sign in _ENDS])

    def searched() -> tuple[Extreme, Extreme]:
        ends = [
            lowest(
                fixed,
                sign * at_fixed[:, i],
                space.choices,
                points,
                sign * found[:, i],
                _slopes_of(estimate, space, i - 1, sign),
            )
            for i, sign in _ENDS
        ]
        low, high = run_together(ends, both)
        if not (np.isfinite(low.value) and np.isfinite(high.value)):
            raise InputError(
                f"explore: no values of {', '.join(space.names) or 'the unknowns'} give an answer; "
                "the printed numbers contradict one another, or the function returns NaN"
            )
        return low, high

    kept = points[sound]
    frame = pd.DataFrame({**space.labels(kept), **dict(zip(OUTPUTS, found[sound].T, strict=True))})
    made = Exploration(
        space, (float(at_reference[0]), float(at_reference[1]), float(at_reference[2])), frame,
        1.0 - len(kept) / len(points) if len(points) else 0.0, answers, seed, searched,
    )  # fmt: skip
    if search:  # a space without an answer is refused here, not where its limits are read
        made.search_now()
    return made


def _slopes_of(estimate: Estimator, space: Space, limit: int, sign: float) -> Slopes | None:
    """Derivatives of sign times the lower limit (0) or the upper (1), of what has them."""
    if not (isinstance(estimate, SlopedEstimator) and estimate.has_slopes(space)):
        return None
    return lambda points: sign * estimate.slopes(space, points)[limit]


def _refuse_reversed(answers: Array) -> None:
    """Refuse a function whose lower limit lies above its upper one."""
    wrong = np.flatnonzero(answers[:, 1] > answers[:, 2])
    if wrong.size:
        low, high = answers[wrong[0], 1:]
        raise InputError(
            f"explore: the function returned conf_low {low:g} above conf_high {high:g}; "
            "return estimate, conf_low and conf_high in this order"
        )


def _evaluate(estimate: Estimator, space: Space, points: Array, jobs: int) -> Array:
    """Answers (n, 3), a chunk at a time."""
    chunks = [points[i : i + CHUNK] for i in range(0, len(points), CHUNK)]

    one = partial(_chunk, estimate, space)
    if jobs > 1 and len(chunks) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(jobs) as pool:
            return np.vstack(list(pool.map(one, chunks)))
    return np.vstack([one(chunk) for chunk in chunks]) if chunks else np.empty((0, 3))


def _on_cluster(estimate: Estimator, space: Space, points: Array, address: str) -> Array:
    """Answers (n, 3) by the workers of a Dask cluster, a chunk at a time, in order."""
    from retrostats.common.workers import in_order

    chunks = [points[i : i + CHUNK] for i in range(0, len(points), CHUNK)]
    parts = in_order(partial(_chunk, estimate, space), chunks, scheduler=address)
    return np.vstack([np.empty((0, 3)), *parts])


def _chunk(estimate: Estimator, space: Space, points: Array) -> Array:
    try:
        answer = estimate(space.values(points))
    except (TypeError, ValueError) as error:
        if not any(word in str(error) for word in _ONE_AT_A_TIME):
            raise
        raise InputError(f"{_ARRAYS} ({error}); {_WRITE}") from None
    return _table(answer, len(points))


def _spread(part: Any, n: int) -> Array:
    """One output at n points."""
    if type(part) is np.ndarray and part.dtype == np.float64 and part.shape == (n,):
        return part
    found = real_array(part, "explore, what the function returned")
    if found.shape not in ((), (1,), (n,)):
        raise InputError(
            f"explore: the function returned an array of shape {found.shape} for {n} draws; one "
            "number a draw is needed"
        )
    return np.broadcast_to(found, (n,))


def _table(answer: Any, n: int) -> Array:
    """What an estimator returned as (n, 3); a number that does not depend on the draw is spread."""
    if isinstance(answer, Mapping):
        answer = [answer.get(name) for name in OUTPUTS]
    if isinstance(answer, np.ndarray) and answer.shape == (n, 3):
        return real_array(answer, "explore, what the function returned")
    if np.isscalar(answer) or (isinstance(answer, np.ndarray) and answer.ndim < 2):
        kind = "number" if np.ndim(answer) == 0 and not isinstance(answer, str) else "array"
        raise InputError(f"explore: the function returned one {kind}; {_WRITE}")
    if not isinstance(answer, Iterable):
        raise InputError(f"explore: the function returned {answer!r}; {_WRITE}")
    columns = [_spread(part, n) for part in answer]
    if len(columns) != 3:
        raise InputError(f"explore: the function returned {len(columns)} arrays; {_WRITE}")
    return np.column_stack(columns)
