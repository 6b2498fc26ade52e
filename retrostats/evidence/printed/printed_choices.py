"""The declared choices of a pool of printed rows, and its posterior under each of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.evidence.printed.quadrature import CorrelationPrior
from retrostats.evidence.printed.sources import KINDS, PrintedSource, grid_ends, log_likelihoods
from retrostats.models.meta.grid_posterior import (
    GridPosterior,
    grid_posterior,
    log_weights,
    marginals,
    tau_nodes,
    theta_grid,
)  # fmt: skip

Array = NDArray[np.float64]
#: Prior scales as shares of the main one, and whether lowest and highest look at them.
SCALES = {"main": 1.0, "half": 0.5, "quarter": 0.25, "double": 2.0}
SHOWN_ONLY = ("double",)
STATED, UNIFORM = "stated", "uniform"
#: Sources above which one is left out by subtraction, not by adding up the others anew.
MANY = 32
#: Most points of the grid: a sharper source is widened to a step of it.
_MOST_POINTS = 6000
#: Prior scales on both sides of the sources, as in `theta_grid`, and its steps a standard error.
_FREE, _STEPS = 20.0, 3.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to answer: prior scale, prior of correlations, sources that count.

    Attributes
    ----------
    scale, tau_scale
        "main", "half", "quarter" or "double", and the half-normal's scale.
    correlation
        "stated" or "uniform".
    sources, members
        Name of the set, and which sources are in it (k,).
    counted
        Whether lowest and highest look at it.
    """

    scale: str
    tau_scale: float
    correlation: str
    sources: str
    members: tuple[bool, ...]
    counted: bool

    def beside(self, main: Choice) -> str:
        """In what it differs from the main choice, in words."""
        differs = []
        if self.members != main.members:
            differs.append(f"{sum(self.members)} of {len(self.members)} sources: {self.sources}")
        if self.scale != main.scale:
            differs.append(f"prior scale {self.tau_scale:.3g}")
        if self.correlation != main.correlation:
            differs.append(f"correlation {self.correlation}")
        return ", ".join(differs) or "the main one"


@dataclass(frozen=True, slots=True)
class Synthesis:
    """Marginals of all sources on one grid, from which every choice follows.

    Attributes
    ----------
    theta, tau
        Grids (m,) and (t,).
    likelihoods, marginal
        By prior of correlations: (k, m) and (k, t, m).
    scale
        Main scale of the prior on tau.
    bounded
        Whether each source falls to nothing on both sides (k,).
    """

    theta: Array
    tau: Array
    likelihoods: Mapping[str, Array]
    marginal: Mapping[str, Array]
    scale: float
    bounded: tuple[bool, ...]

    def posterior(
        self, members: Sequence[bool], tau_scale: float, correlation: str
    ) -> GridPosterior | None:
        """Posterior of some of the sources; None where none of them is bounded on both sides."""
        chosen = np.asarray(members, dtype=bool)
        if not (chosen & np.asarray(self.bounded)).any():
            return None
        return self._of(self.total(members, correlation)[None], tau_scale)

    def total(self, members: Sequence[bool], correlation: str) -> Array:
        """Sum of the marginals (t, m) of some of the sources, none of which is copied."""
        found = np.zeros(self.marginal[correlation].shape[1:])
        for i in np.flatnonzero(np.asarray(members, dtype=bool)):
            found += self.marginal[correlation][i]
        return found

    def posteriors(self, choices: Sequence[Choice]) -> Iterator[tuple[Choice, GridPosterior]]:
        """Posterior of every choice that has one; sources are added up once for all scales."""
        totals: dict[tuple[tuple[bool, ...], str], Array] = {}
        bounded = np.asarray(self.bounded)
        for choice in choices:
            key = (choice.members, choice.correlation)
            members = np.asarray(choice.members, dtype=bool)
            if not (members & bounded).any():
                continue
            if key not in totals:
                totals[key] = self.total(choice.members, choice.correlation)[None]
            yield choice, self._of(totals[key], choice.tau_scale)

    def without(self, i: int, total: Array) -> GridPosterior | None:
        """Posterior of all sources but one under the main choice.

        `total` is the sum of the stated marginals (t, m): of many sources the rest is what is left
        of it, as to add up all others for each in turn would take the square of their number.
        """
        members = [j != i for j in range(len(self.bounded))]
        if len(members) <= MANY:
            return self.posterior(members, self.scale, STATED)
        if not (np.array(members) & np.asarray(self.bounded)).any():
            return None
        return self.of_total(total - self.marginal[STATED][i], self.scale)

    def of_total(self, total: Array, tau_scale: float) -> GridPosterior:
        """Posterior of the sum of log marginals (t, m) of sources, under one prior scale."""
        return self._of(total[None], tau_scale)

    def _of(self, total: Array, tau_scale: float) -> GridPosterior:
        weights = log_weights(self.tau, tau_scale)
        return grid_posterior(total, self.theta, self.tau, weights)


def grid_of(
    sources: Sequence[PrintedSource], stated: CorrelationPrior, scale: float, k: int
) -> Array:
    """Grid of effects (m,) that holds these sources and the mean of k of them."""
    low, high, smallest = grid_ends(list(sources), stated)
    # k sources leave their mean free by less: as far as one source, over the root of k
    free = scale / math.sqrt(k)
    widest = (high - low + _FREE * free) * _STEPS / _MOST_POINTS
    return theta_grid(low, high, max(smallest, widest), free)


def synthesis(
    sources: Sequence[PrintedSource],
    priors: Mapping[str, CorrelationPrior],
    scale: float,
    theta: Array | None = None,
) -> Synthesis:
    """Likelihoods and marginals of the pooled sources (k), under each prior of correlations.

    Sources that leave no correlation open are computed once. `theta` is the grid, if it is to hold
    more than these sources.
    """
    stated = priors[STATED]
    if theta is None:
        theta = grid_of(sources, stated, scale, sum(source.bounded for source in sources))
    tau, _ = tau_nodes(scale)
    again = [i for i, source in enumerate(sources) if source.depends_on_correlation]
    others = [prior for name, prior in priors.items() if name != STATED]
    open_ = [sources[i] for i in again]
    held = np.vstack([
        log_likelihoods(sources, theta, stated),
        *(log_likelihoods(open_, theta, prior) for prior in others),
    ])  # fmt: skip
    every = marginals(held, theta, tau)
    # rows of `held` and `every` that belong to each prior
    likelihoods, marginal, at = {}, {}, len(sources)
    for name in priors:
        if name == STATED:
            likelihoods[name], marginal[name] = held[: len(sources)], every[: len(sources)]
        else:
            places = np.arange(len(sources))
            places[again] = np.arange(at, at + len(again))
            at += len(again)
            likelihoods[name], marginal[name] = held[places], every[places]
        likelihoods[name].setflags(write=False)
        marginal[name].setflags(write=False)
    for grid in (theta, tau):
        grid.setflags(write=False)
    bounded = tuple(source.bounded for source in sources)
    return Synthesis(theta, tau, likelihoods, marginal, scale, bounded)


def nested_sets(sources: Sequence[PrintedSource], asked: Any) -> dict[str, tuple[bool, ...]]:
    """Sets of sources, each holding the one before: what prints an error, then bare, then words.

    Parameters
    ----------
    asked
        None, or a mapping of names to lists of studies.

    Raises
    ------
    InputError
        A study that is not pooled, or sets that are not nested: picked sets are no choice.
    """
    if asked is not None:
        return _asked_sets(sources, asked)
    found: dict[str, tuple[bool, ...]] = {}
    names = []
    for i, kind in enumerate(KINDS):
        members = tuple(KINDS.index(source.kind) <= i for source in sources)
        if any(source.kind == kind for source in sources):
            names.append(kind)
            found[" + ".join(names)] = members
    return found


def _asked_sets(sources: Sequence[PrintedSource], asked: Any) -> dict[str, tuple[bool, ...]]:
    known = [source.study for source in sources]
    if not isinstance(asked, Mapping) or not asked:
        raise InputError(
            "pool_printed: sets is a mapping of names to lists of studies, each set within the next"
        )
    found: dict[str, tuple[bool, ...]] = {}
    before: set[str] = set()
    for name, studies in asked.items():
        listed = [studies] if isinstance(studies, str) else list(studies)
        wrong = [str(study) for study in listed if study not in known]
        if wrong or not listed:
            raise InputError(
                f"pool_printed: sets[{name!r}] has {', '.join(wrong) or 'nothing'}; the pooled "
                f"studies are {', '.join(known)}"
            )
        if not before <= set(listed):
            raise InputError(
                f"pool_printed: sets[{name!r}] leaves out {', '.join(sorted(before - set(listed)))}"
                ", which the set before it holds; sets are nested, smallest first"
            )
        before = set(listed)
        found[str(name)] = tuple(study in before for study in known)
    if not all(next(reversed(found.values()))):
        found["all"] = (True,) * len(known)
    return found


def choices(
    sets: Mapping[str, tuple[bool, ...]], correlations: Sequence[str], scale: float
) -> list[Choice]:
    """Every combination; the first is the main one: all sources, main scale, stated correlation."""
    return [
        Choice(name, share * scale, correlation, which, members, name not in SHOWN_ONLY)
        for name, share in SCALES.items()
        for correlation in correlations
        for which, members in reversed(list(sets.items()))
    ]


def sign_test(above: int, below: int) -> float:
    """Two-sided p of as uneven a split of signs, each side equally probable.

    Examples
    --------
    >>> round(sign_test(7, 1), 4), sign_test(0, 0)
    (0.0703, 1.0)
    """
    from scipy.special import bdtr

    n, fewer = above + below, min(above, below)
    return min(1.0, 2 * float(bdtr(fewer, n, 0.5))) if n else 1.0


def correlation_priors(correlation: Any) -> dict[str, CorrelationPrior]:
    """The stated prior, and beside it the uniform one.

    Raises
    ------
    InputError
        Something else than a mean and an SD of Fisher's z.
    """
    if correlation is None:
        return {STATED: CorrelationPrior()}
    pair = list(correlation) if isinstance(correlation, list | tuple) else [correlation]
    plain = len(pair) == 2 and all(
        isinstance(x, int | float | np.number) and not isinstance(x, bool) and math.isfinite(x)
        for x in pair
    )
    if not plain or not pair[1] > 0:
        raise InputError(
            f"pool_printed: correlation is {correlation!r}; allowed: (mean, sd) of Fisher's z with "
            "an SD above 0, as (0.9, 0.5), or None for uniform on -1 to 1"
        )
    return {STATED: CorrelationPrior(float(pair[0]), float(pair[1])), UNIFORM: CorrelationPrior()}
