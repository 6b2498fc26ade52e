"""A source far from the others on the answer's own side: it may lower the probability, through tau.

One estimate raised far above the others says two things: that the effect is larger, and that
studies differ more. Where the second outweighs the first the answer grows less sure although the
evidence points further its way; then it is said, with tau as it is and as it would be if that
source lay where the others do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.printed.answer import mean_density
from retrostats.evidence.printed.printed_choices import MANY, STATED, Synthesis
from retrostats.models.meta.grid_posterior import GridPosterior, log_weights, marginals

Array = NDArray[np.float64]
#: Least fall of the probability that is told.
SEEN = 2.5e-3
#: Of many sources, how many are looked at in full.
LOOKED = 8


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What one source, far from the others, does to the answer.

    Attributes
    ----------
    place
        Of the source among those pooled, from 0.
    above
        Whether it lies above the others.
    tau, tau_among
        Standard deviation between studies (posterior median, model's scale) as printed, and with
        that source at the mean of the others.
    probability, probability_among
        Of the answer's side, likewise.
    """

    place: int
    above: bool
    tau: float
    tau_among: float
    probability: float
    probability_among: float

    def said(self, study: str) -> str:
        """In words."""
        side = "above" if self.above else "below"
        return (
            f"sources disagree more: {study} lies far {side} the others (tau {self.tau_among:.2g} "
            f"if it lay where they do, {self.tau:.2g} as printed), which lowers P from "
            f"{self.probability_among:.3f} to {self.probability:.3f}"
        )


def disagreement(synthesis: Synthesis, null: float) -> Disagreement | None:
    """The source that lowers the probability of its own side most; None where none does.

    Parameters
    ----------
    null
        No effect, on the model's scale.
    """
    k = len(synthesis.bounded)
    main = synthesis.posterior([True] * k, synthesis.scale, STATED)
    if main is None or sum(synthesis.bounded) < 2:
        return None
    p = float(mean_density(main).probability(null, np.inf))
    up, tau = p >= 0.5, _tau(main)
    sure = p if up else 1 - p
    if sure + SEEN >= 1:  # nothing could make the answer that much surer
        return None
    places = np.flatnonzero(synthesis.bounded)
    if len(places) > MANY:
        places = _likeliest(synthesis, null, up, places)
    found = [
        Disagreement(i, up, tau, _tau(moved), sure, among)
        for i, moved, among in _moved(synthesis, null, up, places)
        if among > sure + SEEN and _tau(moved) < tau
    ]
    return max(found, key=lambda x: x.probability_among, default=None)


def _likeliest(
    synthesis: Synthesis, null: float, up: bool, places: NDArray[np.intp]
) -> NDArray[np.intp]:
    """The sources that move the probability most, by a cheap look at each.

    A marginal of a likelihood that lies elsewhere is that marginal moved there: here by whole
    steps of the grid, to the median of all (among so many, one more or less hardly moves it), and
    with the sum over tau at its nodes.
    """
    theta, each = synthesis.theta, synthesis.marginal[STATED]
    prior = log_weights(synthesis.tau, synthesis.scale)[:, None]
    total = each.sum(axis=0) + prior
    weight = np.exp(total - total.max()).sum(axis=0)
    middle = int(np.searchsorted(np.cumsum(weight), 0.5 * weight.sum()))
    side = (theta > null) if up else (theta < null)
    shifts = synthesis.likelihoods[STATED][places].argmax(axis=1) - middle
    column = np.arange(len(theta))
    chance = np.full(len(places), -np.inf)
    for at in np.flatnonzero(shifts > 0 if up else shifts < 0):
        own = each[places[at]]
        joint = total - own + own[:, np.clip(column + shifts[at], 0, len(theta) - 1)]
        mass = np.exp(joint - joint.max()).sum(axis=0)
        chance[at] = mass[side].sum() / mass.sum()
    return np.sort(places[np.argsort(-chance, kind="stable")[:LOOKED]])


def _moved(
    synthesis: Synthesis, null: float, up: bool, places: NDArray[np.intp]
) -> Iterator[tuple[int, GridPosterior, float]]:
    """Posterior of all with one source at the mean of the others, and its probability."""
    theta, each = synthesis.theta, synthesis.marginal[STATED]
    total = each.sum(axis=0)
    for i in places:
        others = synthesis.without(int(i), total)
        if others is None:
            continue
        own = synthesis.likelihoods[STATED][i]
        middle = float(mean_density(others).quantile(0.5))
        shift = float(theta[np.argmax(own)]) - middle
        if (shift > 0) != up:
            continue
        log = np.interp(theta + shift, theta, own)
        there = marginals(log[None], theta, synthesis.tau)[0]
        moved = synthesis.of_total(total - each[i] + there, synthesis.scale)
        above = float(mean_density(moved).probability(null, np.inf))
        yield int(i), moved, above if up else 1 - above


def _tau(found: GridPosterior) -> float:
    return float(found.tau["median"])
