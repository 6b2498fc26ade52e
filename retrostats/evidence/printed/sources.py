"""A printed row as a source: the likelihood of its own effect, and what to know of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.printed.likelihoods import mixed_log_likelihood
from retrostats.evidence.printed.quadrature import CorrelationPrior

Array = NDArray[np.float64]

#: What a source prints, from most to least: sets of sources are nested in this order.
SPREAD, BARE, WORDS, NOTHING = "spread or error", "bare estimate", "words", "nothing"
KINDS = (SPREAD, BARE, WORDS)
#: Share of the nodes' weight whose standard errors lie below the one that sets the grid.
_SMALL = 0.02
#: Share of a t beyond the standard errors that the grid covers on each side.
_BEYOND = 1e-5
#: Mixtures evaluated together.
_AT_ONCE = 64
#: Most standard errors covered: with 1 df even more would not hold all.
_MOST = 60.0


@dataclass(frozen=True, slots=True)
class Nodes:
    """A mixture of t distributions: all that a row with an estimate says.

    Attributes
    ----------
    estimate, std_error, df, log_weight
        Arrays (q,), on the model's scale.
    """

    estimate: Array
    std_error: Array
    df: Array
    log_weight: Array

    @classmethod
    def single(cls, estimate: float, std_error: float, df: float) -> Nodes:
        """One estimate with its error."""
        one = (np.array([x], dtype=float) for x in (estimate, std_error, df, 0.0))
        return cls(*one)

    def joined(self, other: Nodes) -> Nodes:
        """Both as equally probable readings of one row."""
        parts = zip(self._arrays(), other._arrays(), strict=True)
        estimate, error, df, log = (np.concatenate(pair) for pair in parts)
        return Nodes(estimate, error, df, log - math.log(2))

    def _arrays(self) -> tuple[Array, Array, Array, Array]:
        q = self.log_weight.shape
        return (
            np.broadcast_to(self.estimate, q), np.broadcast_to(self.std_error, q),
            np.broadcast_to(self.df, q), self.log_weight,
        )  # fmt: skip

    def widened(self, factor: float) -> Nodes:
        """All errors larger by a factor."""
        return Nodes(self.estimate, self.std_error * factor, self.df, self.log_weight)

    @property
    def centre(self) -> float:
        """Mean of the estimates."""
        estimate, _, _, log = self._arrays()
        return float(np.exp(log) @ estimate)

    def error_at(self, share: float) -> float:
        """Standard error below which this share of the weight lies."""
        _, error, _, log = self._arrays()
        order = np.argsort(error, kind="stable")
        reached = np.cumsum(np.exp(log[order]))
        place = min(int(np.searchsorted(reached, share)), len(order) - 1)
        return float(error[order][place])

    def log_likelihood(self, theta: Array) -> Array:
        """At the effects theta (m,)."""
        return np.asarray(mixtures_at([self], theta)[0])


def mixtures_at(rows: Sequence[Nodes], theta: Array) -> Array:
    """Log-likelihoods (k, m) of k mixtures at the effects theta (m,).

    An error below a step of the grid is widened to the step: what lies between two points is not
    seen otherwise. Mixtures of as many nodes are evaluated together.
    """
    step = float(theta[1] - theta[0]) if len(theta) > 1 else 0.0
    found = np.empty((len(rows), len(theta)))
    alike: dict[tuple[int, bool], list[int]] = {}
    for i, row in enumerate(rows):
        alike.setdefault((len(row.log_weight), bool(np.isfinite(row.df).all())), []).append(i)
    for places in alike.values():
        for start in range(0, len(places), _AT_ONCE):
            part = places[start : start + _AT_ONCE]
            parts = zip(*(rows[i]._arrays() for i in part), strict=True)
            estimate, error, df, log = (np.array(arrays) for arrays in parts)
            found[part] = mixed_log_likelihood(theta, estimate, np.maximum(error, step), df, log)
    return found


@dataclass(frozen=True, slots=True)
class PrintedSource:
    """One row of a table.

    Attributes
    ----------
    study, row
        Its name and its place in the table, from 1.
    kind
        "spread or error", "bare estimate", "words" or "nothing".
    became
        What it was read as, in words.
    nodes
        The mixture of t distributions under a prior of correlations; None where `curve` is.
    curve
        Log-likelihood of counts and words on a grid (m,); None where `nodes` is.
    left_out
        Why it is not pooled; empty where it is.
    bounded
        Whether its likelihood falls to nothing on both sides.
    sign
        1, -1 or 0: the side of no effect on which it lies, as printed.
    about, error
        Effect and standard error of a source by `curve`, roughly, for the grid; NaN of words.
    sd
        Standard deviation of the effect between people, where it follows; for the prior's scale.
    """

    study: str
    row: int
    kind: str
    became: str
    nodes: Callable[[CorrelationPrior], Nodes] | None = field(default=None, compare=False)
    curve: Callable[[Array], Array] | None = field(default=None, compare=False)
    left_out: str = ""
    bounded: bool = True
    sign: int = 0
    about: float = math.nan
    error: float = math.nan
    sd: float = math.nan
    depends_on_correlation: bool = False

    @property
    def kept(self) -> bool:
        """Whether it is pooled."""
        return not self.left_out

    @property
    def without_functions(self) -> PrintedSource:
        """What a result keeps of it: all but its functions, which no file can hold."""
        return replace(self, nodes=None, curve=None)

    def thinned(self, effect: float) -> PrintedSource:
        """With its information divided by a design effect: people came in clusters.

        Errors grow by the root of it; a log-likelihood of counts is divided by it; a test statistic
        in words has a noncentrality smaller by its root.
        """
        root = math.sqrt(effect)
        nodes, curve = self.nodes, self.curve
        found = replace(
            self,
            became=f"{self.became}, design effect {effect:g}",
            error=self.error * root,
            sd=self.sd * root,
        )
        if nodes is not None:
            return replace(found, nodes=lambda prior: nodes(prior).widened(root))
        if curve is None:
            return found
        if self.kind == WORDS:
            return replace(found, curve=lambda theta: curve(theta / root))
        return replace(found, curve=lambda theta: curve(theta) / effect)

    def log_likelihood(self, theta: Array, correlation: CorrelationPrior) -> Array:
        """At the effects theta (m,), under this prior of a correlation that was not printed."""
        if self.nodes is not None:
            return self.nodes(correlation).log_likelihood(theta)
        if self.curve is not None:
            return self.curve(theta)
        return np.zeros_like(theta)

    def spread_at(self, correlation: CorrelationPrior) -> tuple[float, float, float, float]:
        """Estimate, smallest and typical standard error, and df, for the grid."""
        if self.nodes is None:
            return self.about, self.error, self.error, math.inf
        nodes = self.nodes(correlation)
        df = float(np.min(nodes.df))
        return nodes.centre, nodes.error_at(_SMALL), nodes.error_at(0.5), df


def log_likelihoods(
    sources: Sequence[PrintedSource], theta: Array, correlation: CorrelationPrior
) -> Array:
    """`log_likelihood` of every source (k, m)."""
    found = np.empty((len(sources), len(theta)))
    mixed = {i: s.nodes(correlation) for i, s in enumerate(sources) if s.nodes is not None}
    found[list(mixed)] = mixtures_at(list(mixed.values()), theta)
    for i, source in enumerate(sources):
        if i not in mixed:
            found[i] = source.log_likelihood(theta, correlation)
    return found


def grid_ends(
    sources: list[PrintedSource], correlation: CorrelationPrior
) -> tuple[float, float, float]:
    """Lowest and highest effect that the sources allow, and the smallest standard error.

    All estimates lie within, and on both sides as many standard errors of the sharpest source as
    hold all but 1e-5 of its t.
    """
    from retrostats.common.student import t_quantile

    found = [source.spread_at(correlation) for source in sources if source.bounded]
    centres = [centre for centre, *_ in found]
    half_widths = [min(t_quantile(_BEYOND, df), _MOST) * error for _, _, error, df in found]
    near = min(half_widths)
    return min(centres) - near, max(centres) + near, min(small for _, small, _, _ in found)
