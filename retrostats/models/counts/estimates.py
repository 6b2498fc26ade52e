"""What a fitted model of counts knows: estimates, design and where the likelihood is largest.

Everything that is asked of a fit later takes these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from retrostats.common.errors import NotConverged
from retrostats.common.values import values
from retrostats.models.counts.design import CountDesign
from retrostats.models.counts.family import Array
from retrostats.models.counts.intervals import Intervals
from retrostats.models.counts.model import Maximum, Model
from retrostats.models.counts.random_effects import RandomPart, split

if TYPE_CHECKING:
    import pandas as pd

GRADIENT_TOLERANCE = 1e-4
_SINGULAR = 1e-5


@values("beta", "cov_beta", "theta")
@dataclass(frozen=True, slots=True)
class CountEstimates(Intervals):
    """A fitted model of counts, before anything is asked of it.

    Attributes
    ----------
    terms, beta, cov_beta
        Fixed effects (p,) with their covariance (p, p), from the Hessian in theta and beta.
        A separated effect is infinite, its covariance NaN; `notes` says so.
    theta, parts
        Relative covariance factor and the random terms it belongs to.
    alpha
        Dispersion of a negative binomial, variance mu + alpha mu^2; NaN for other families.
    loglik, n_agq
        Log-likelihood (all constants kept) and the number of quadrature nodes; 1 is Laplace.
    n_obs, n_dropped
        Rows fitted, and rows left out because a value was missing.
    gradient
        Largest absolute derivative of the deviance at the answer, free parameters only.
    dispersion
        Pearson statistic of the fixed part over its degrees of freedom, for orientation;
        `overdispersion()` is the check.
    notes
        What a reader must know: separated effects, a dispersion of zero.
    model, maximum
        The model and where its likelihood is largest, for intervals.
    design
        Formula, columns and rows, for predictions and means.
    """

    formula: str
    family: str
    terms: tuple[str, ...]
    beta: Array
    cov_beta: Array
    theta: Array
    parts: tuple[RandomPart, ...]
    alpha: float
    loglik: float
    n_agq: int
    n_obs: int
    n_dropped: int
    gradient: float
    dispersion: float
    notes: tuple[str, ...]
    model: Model
    maximum: Maximum
    design: CountDesign

    @property
    def n_parameters(self) -> int:
        """Fixed effects, covariance parameters and the dispersion of a negative binomial."""
        return len(self.beta) + len(self.theta) + int(np.isfinite(self.alpha))

    @property
    def n_groups(self) -> dict[str, int]:
        """Levels of each group of random effects."""
        return {part.group: part.n_levels for part in self.parts}

    @property
    def converged(self) -> bool:
        """Whether the gradient vanishes."""
        return self.gradient < GRADIENT_TOLERANCE

    @property
    def singular(self) -> bool:
        """Whether a variance is zero (or a correlation one)."""
        diagonals = [
            np.diag(part.factor(t))
            for part, t in zip(self.parts, split(self.theta, self.parts), strict=True)
        ]
        return bool(np.any(np.concatenate([*diagonals, np.ones(1)]) < _SINGULAR))

    @property
    def separated(self) -> tuple[str, ...]:
        """Terms without a finite estimate."""
        return tuple(t for t, b in zip(self.terms, self.beta, strict=True) if not np.isfinite(b))

    @property
    def link(self) -> Literal["log", "logit"]:
        """The function of the mean that is linear in the effects."""
        return "logit" if self.family == "binomial" else "log"

    @property
    def variance_components(self) -> pd.DataFrame:
        """Columns group, term, term2, vcov, sdcor."""
        import pandas as pd

        from retrostats.models.linear.post_estimation.components import COMPONENT, components_of

        rows = []
        for part, t in zip(self.parts, split(self.theta, self.parts), strict=True):
            factor = part.factor(t)
            rows += components_of(part.group, part.effects, factor @ factor.T)
        return pd.DataFrame(rows, columns=COMPONENT)


def estimated(formula: str, model: Model, terms: tuple[str, ...]) -> dict[str, Any]:
    """What is estimated of a model that has met its data, by field of `CountEstimates`.

    Raises
    ------
    NotConverged
    """
    best = model.maximise()
    x, family = model.x, model.family
    residual_df = max(len(x) - x.shape[1], 1)
    spread = family if best.scale is None else family.with_scale(best.scale)
    finite = np.isfinite(best.beta).all()
    mu, variance = spread.moments(model.offset + x @ np.where(finite, best.beta, 0.0))
    gradient = 2 * best.gradient
    if not gradient < GRADIENT_TOLERANCE:
        raise NotConverged(
            f"glmm {formula!r}: stopped with gradient {gradient:.2g}; rescale covariates, or "
            "drop a random term the data do not determine"
        )
    return {
        "beta": best.beta,
        "cov_beta": best.covariance,
        "theta": best.theta,
        "parts": model.parts,
        "alpha": np.nan if best.scale is None else best.scale**2,
        "loglik": best.loglik,
        "n_agq": model.n_agq,
        "n_obs": len(x),
        "gradient": gradient,
        "dispersion": _pearson(family.y, mu, variance) / residual_df if finite else np.nan,
        "notes": _notes(best, terms, len(x), model.jeffreys is not None),
        "model": model,
        "maximum": best,
    }


def _pearson(y: Array, mu: Array, variance: Array) -> float:
    """Pearson's statistic; a mean of 0 in double precision with events makes it infinite."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return float(np.where(y == mu, 0.0, (y - mu) ** 2 / variance).sum())


def _notes(best: Maximum, terms: tuple[str, ...], n: int, penalised: bool) -> tuple[str, ...]:
    notes = []
    lost = [t for t, b in zip(terms, best.beta, strict=True) if not np.isfinite(b)]
    if lost:
        rows = int((~best.separation.keep).sum())
        notes.append(
            f"separation: {', '.join(lost)} has no finite estimate, because {rows} of {n} rows "
            "have no events (or nothing but events) and nothing else explains them; its interval "
            "is a profile-likelihood one with one end infinite"
        )
    if penalised:
        notes.append(
            "Firth-penalised; loglik includes the penalty, prefer conf_int(method='profile')"
        )
    if best.scale is not None and best.scale < 1e-3:
        notes.append("the dispersion is estimated as zero: the model is a Poisson one")
    return tuple(notes)
