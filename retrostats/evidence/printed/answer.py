"""An answer's parts: one study's own likelihood, densities to ask, a probability in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import single
from retrostats.common.errors import InputError
from retrostats.common.rounding import with_limits
from retrostats.evidence.printed.measures import Measure
from retrostats.models.meta.grid_density import GridDensity
from retrostats.models.meta.grid_posterior import GridPosterior

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
LEVEL = 0.95
#: Adverbs by the least probability that earns them.
ADVERBS = ((0.99, "almost certainly"), (0.95, "very likely"), (0.8, "likely"), (0.65, "perhaps"))
#: One study says of other studies at most this, and so do signs without a size.
_ONE_STUDY = "likely"
_SURER = ("almost certainly", "very likely")
#: Log density, relative to its highest, below which a point of the grid is not asked about.
_NEGLIGIBLE = -36.0
#: Points kept beyond it, for the polynomials through a density.
_MARGIN = 8
_LEAST = 1e-300


def density_of(theta: Array, log_density: Array) -> GridDensity:
    """Densities (..., m) to ask about, on the part of the grid where they are not nothing."""
    relative = log_density - log_density.max(axis=-1, keepdims=True)
    near = np.flatnonzero((relative > _NEGLIGIBLE).reshape(-1, len(theta)).any(axis=0))
    first, last = max(int(near[0]) - _MARGIN, 0), int(near[-1]) + _MARGIN + 1
    return GridDensity.of(theta[first:last], log_density[..., first:last])


@dataclass(frozen=True, slots=True)
class Densities:
    """Densities of the mean effect under several choices; those on one grid are asked at once.

    Attributes
    ----------
    each
        One a choice (n).
    groups
        Places of those on one grid, and these together.
    """

    each: tuple[GridDensity, ...]
    groups: tuple[tuple[tuple[int, ...], GridDensity], ...]

    def probability(self, low: float, high: float) -> Array:
        """Probability from low to high under each choice (n,)."""
        return self._asked(lambda whole: whole.probability(low, high))

    def quantile(self, p: float) -> Array:
        """The effect below which lies a probability of p, under each choice (n,)."""
        return self._asked(lambda whole: whole.quantile(p))

    def _asked(self, ask: Callable[[GridDensity], Array]) -> Array:
        found = np.full(len(self.each), math.nan)
        for places, whole in self.groups:
            found[list(places)] = ask(whole)
        return found


def mean_densities(found: Sequence[GridPosterior]) -> Densities:
    """Posterior densities of the mean effect, to ask about."""
    kept: dict[int, GridDensity] = {}
    groups = []
    points = [len(posterior.theta) for posterior in found]
    for m in dict.fromkeys(points):
        places = tuple(i for i, n in enumerate(points) if n == m)
        log = np.log(np.maximum([found[i].density for i in places], _LEAST))
        whole = density_of(found[places[0]].theta, log)
        for i, *parts in zip(places, whole.log_density, whole.cumulative, strict=True):
            kept[i] = GridDensity(whole.theta, *parts)
        groups.append((places, whole))
    return Densities(tuple(kept[i] for i in range(len(found))), tuple(groups))


def mean_density(found: GridPosterior) -> GridDensity:
    """Posterior density of the mean effect, to ask about."""
    return mean_densities([found]).each[0]


@dataclass(frozen=True, slots=True, repr=False)
class StudyLikelihood:
    """One study's own likelihood, as a posterior of the effect in the people it measured.

    Attributes
    ----------
    study
    estimate, conf_low, conf_high
        Median and 95% interval on the printed scale.
    """

    study: str
    measure: Measure = field(repr=False)
    density: GridDensity = field(repr=False, compare=False)

    @property
    def estimate(self) -> float:
        """Median."""
        return self._quantile(0.5)

    @property
    def conf_low(self) -> float:
        """Lower end of the 95% interval."""
        return self._quantile((1 - LEVEL) / 2)

    @property
    def conf_high(self) -> float:
        """Upper end of the 95% interval."""
        return self._quantile((1 + LEVEL) / 2)

    def probability(self, low: float = -math.inf, high: float = math.inf) -> float:
        """Probability that the effect in that study lies from low to high, printed scale."""
        ends = model_ends(self.measure, low, high)
        return float(self.density.probability(*ends))

    def _quantile(self, p: float) -> float:
        return float(self.measure.to_printed(float(self.density.quantile(p))))

    def __repr__(self) -> str:
        """Estimate and interval."""
        shown, low, high = with_limits(self.estimate, self.conf_low, self.conf_high)
        return f"in {self.study}: {shown} [{low}, {high}]"


def adverb(
    p: float, side: str, null: float, *, one_study: bool = False, at_most_likely: bool = False
) -> str:
    """The probability of one side in words; one study, and signs alone, say at most likely.

    Examples
    --------
    >>> adverb(0.998, "above", 1.0), adverb(0.6, "below", 0.0)
    ('Almost certainly above 1', 'Open whether above or below 0')
    >>> adverb(0.998, "above", 1.0, one_study=True)
    'Likely above 1 (one study)'
    """
    word = next((word for least, word in ADVERBS if p >= least), "")
    if not word:
        return f"Open whether above or below {null:g}"
    if (one_study or at_most_likely) and word in _SURER:
        word = _ONE_STUDY
    return f"{word.capitalize()} {side} {null:g}{' (one study)' if one_study else ''}"


def no_effect(measure: Measure, null: float) -> float:
    """The value of no effect, where there is one.

    Raises
    ------
    InputError
        The measure compares nothing, as a proportion.
    """
    if math.isnan(null):
        raise InputError(
            f"prob_above: a {measure.name} has no value of no effect; give the number, as "
            "prob_above(0.5), or null= to pool_printed"
        )
    return null


def no_size(signs: pd.Series[float], rows: int, null: float) -> str:
    """That no row is bounded on both sides, and what their signs say alone."""
    said = f"No size: no source of {rows} is bounded on both sides."
    if math.isnan(null):
        return said
    above, below, p = (signs[name] for name in ("above", "below", "p_value"))
    more = "above" if above >= below else "below"
    graded = adverb(1 - p / 2, more, null, at_most_likely=True)
    return (
        f"{said} Signs: {above:.0f} above {null:g}, {below:.0f} below (sign test p = {p:.3f}): "
        f"{graded[0].lower()}{graded[1:]} by signs alone"
    )


def model_ends(measure: Measure, low: float, high: float) -> tuple[float, float]:
    """Printed limits on the model's scale."""
    if not single(low, "probability, low") <= single(high, "probability, high"):
        raise InputError(f"probability: low {low!r} is not below high {high!r}")
    return float(measure.to_model(low)), float(measure.to_model(high))


def claimed_range(claimed: Any) -> tuple[float, float] | None:
    """The claimed range, checked.

    Raises
    ------
    InputError
        Something else than two numbers in order; an infinite one leaves that side open.
    """
    if claimed is None:
        return None
    pair = list(claimed) if isinstance(claimed, list | tuple | np.ndarray) else [claimed]
    if len(pair) != 2 or not single(pair[0], "claimed") < single(pair[1], "claimed"):
        raise InputError(
            f"pool_printed: claimed is {claimed!r}; allowed: (low, high) on the printed scale, the "
            "lower first, with math.inf for an open side"
        )
    return float(pair[0]), float(pair[1])
