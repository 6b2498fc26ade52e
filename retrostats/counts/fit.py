"""`glmm`: Poisson and binomial mixed models of counts, by lme4's formula language."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.counts.family import Array, Binomial, Family, Poisson
from retrostats.counts.likelihood import RandomPart, gauss_hermite, laplace, split
from retrostats.errors import InputError, NotConverged

if TYPE_CHECKING:
    import pandas as pd

_CBIND = re.compile(r"\s*cbind\(\s*(\w+)\s*,\s*(\w+)\s*(?:-\s*(\w+)\s*)?\)\s*~")
_GRADIENT_TOLERANCE = 1e-4
_SINGULAR = 1e-5


@dataclass(frozen=True, slots=True)
class GlmmFit:
    """A fitted generalised mixed model.

    Attributes
    ----------
    terms, beta, cov_beta
        Fixed effects (p,) with their covariance (p, p), from the Hessian in theta and beta.
    theta, parts
        Relative covariance factor and the random terms it belongs to.
    loglik, n_agq
        Log-likelihood (all constants kept) and the number of quadrature nodes; 1 is Laplace.
    n_obs, n_dropped
        Rows fitted, and rows left out because a value was missing.
    gradient
        Largest absolute derivative of the deviance at the answer, free parameters only.
    dispersion
        Pearson statistic of the fixed part over its degrees of freedom, for orientation.
    """

    formula: str
    family: str
    terms: tuple[str, ...]
    beta: Array
    cov_beta: Array
    theta: Array
    parts: tuple[RandomPart, ...]
    loglik: float
    n_agq: int
    n_obs: int
    n_dropped: int
    gradient: float
    dispersion: float

    @property
    def converged(self) -> bool:
        """Whether the gradient vanishes."""
        return self.gradient < _GRADIENT_TOLERANCE

    @property
    def singular(self) -> bool:
        """Whether a variance is zero (or a correlation one)."""
        diagonals = [
            np.diag(part.factor(t))
            for part, t in zip(self.parts, split(self.theta, self.parts), strict=True)
        ]
        return bool(np.any(np.concatenate(diagonals) < _SINGULAR))

    @property
    def coefficients(self) -> pd.DataFrame:
        """Term, estimate, std_error, statistic, p_value, conf_low, conf_high (log scale)."""
        import pandas as pd
        from scipy import stats

        error = np.sqrt(np.diag(self.cov_beta))
        z = self.beta / error
        half = stats.norm.isf(0.025) * error
        return pd.DataFrame(
            {
                "term": self.terms,
                "estimate": self.beta,
                "std_error": error,
                "statistic": z,
                "p_value": 2 * stats.norm.sf(np.abs(z)),
                "conf_low": self.beta - half,
                "conf_high": self.beta + half,
            }
        )

    @property
    def variance_components(self) -> pd.DataFrame:
        """Columns group, term, term2, vcov, sdcor."""
        import pandas as pd

        rows = []
        for part, t in zip(self.parts, split(self.theta, self.parts), strict=True):
            factor = part.factor(t)
            cov = factor @ factor.T
            sd = np.sqrt(np.diag(cov))
            for i, effect in enumerate(part.effects):
                rows.append((part.group, effect, "", cov[i, i], sd[i]))
            for i in range(len(sd)):
                for j in range(i + 1, len(sd)):
                    r = cov[i, j] / (sd[i] * sd[j]) if sd[i] * sd[j] > 0 else np.nan
                    rows.append((part.group, part.effects[i], part.effects[j], cov[i, j], r))
        return pd.DataFrame(rows, columns=["group", "term", "term2", "vcov", "sdcor"])

    def ratios(self) -> pd.DataFrame:
        """Rate ratios (Poisson) or odds ratios (binomial) with intervals; no intercept."""
        import pandas as pd

        rows = self.coefficients[self.coefficients["term"] != "(Intercept)"]
        return pd.DataFrame(
            {"term": rows["term"]}
            | {new: np.exp(rows[old]) for new, old in
               (("ratio", "estimate"), ("conf_low", "conf_low"), ("conf_high", "conf_high"))}
        ).reset_index(drop=True)  # fmt: skip


def glmm(
    formula: str,
    data: Any,
    *,
    family: str = "poisson",
    exposure: str | None = None,
    trials: str | None = None,
    n_agq: int = 1,
) -> GlmmFit:
    """Fit a Poisson or binomial mixed model by maximum likelihood.

    Parameters
    ----------
    formula
        lme4's language, as in `lmm`; binomial outcomes as "cbind(events, size - events) ~ ..."
        or the column of events with `trials`.
    data
        DataFrame, or a cohort.
    family
        "poisson" (log link) or "binomial" (logit link).
    exposure
        Column of exposure above 0; its logarithm is added with coefficient 1.
    trials
        Column with the number of trials.
    n_agq
        1 for Laplace; more nodes of adaptive Gauss-Hermite with one scalar random term.

    Raises
    ------
    InputError
        Counts that are negative or not whole, exposure not above 0, an unusable formula.
    NotConverged
        No stationary point was found.

    References
    ----------
    Bates, Maechler, Bolker and Walker (2015), Journal of Statistical Software 67(1).

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"team": list("aabbccdd"), "arm": ["usual", "warm-up"] * 4,
    ...                      "injuries": [9, 5, 12, 7, 6, 2, 15, 9], "hours": [100.0] * 8})
    >>> fit = glmm("injuries ~ arm + (1 | team)", rows, exposure="hours")
    >>> round(float(fit.ratios()["ratio"].iloc[0]), 3)
    0.548
    """
    from retrostats.mixed.columns import numeric, read_columns
    from retrostats.mixed.design import fixed_design, random_design
    from retrostats.mixed.expressions import evaluate
    from retrostats.mixed.formula import parse_formula

    frame = getattr(data, "frame", data)
    text, trials, complement = _outcome(formula, family, trials)
    parsed = parse_formula(text)
    beside = tuple((name,) for name in (exposure, trials, complement) if name)
    columns, dropped = read_columns(frame, replace(parsed, fixed=(*parsed.fixed, *beside)))
    y = np.asarray(evaluate(parsed.outcome, numeric(columns)), dtype=float)
    _whole(y, parsed.outcome)
    n = len(y)
    matrix, terms = fixed_design(parsed, columns, n)
    x = np.asarray(matrix, dtype=np.float64)
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise InputError(f"formula {formula!r}: a fixed effect repeats others; leave one out")
    designs = [random_design(term, columns, n) for term in parsed.random]
    parts = tuple(
        RandomPart(d.group, d.effects, np.asarray(d.values, float), d.levels, d.n_levels)
        for d in designs
    )
    if n_agq > 1 and (len(parts) != 1 or len(parts[0].effects) != 1):
        raise InputError(
            f"n_agq={n_agq} needs one scalar random term, as (1 | group); use n_agq=1 (Laplace)"
        )
    offset = np.zeros(n)
    if exposure:
        amount = np.asarray(numeric(columns)[exposure], float)
        if not (amount > 0).all():
            raise InputError(f"column {exposure!r}: exposure must be above 0 in every row")
        offset = np.log(amount)
    size = None
    if trials:
        size = np.asarray(numeric(columns)[trials], float)
    elif complement:
        size = y + np.asarray(numeric(columns)[complement], float)
    return _fit(formula, _family(family, y, size), family, x, terms, parts, offset, n_agq, dropped)


def _fit(
    formula: str, model: Family, family: str, x: Array, terms: tuple[str, ...],
    parts: tuple[RandomPart, ...], offset: Array, n_agq: int, dropped: int,
) -> GlmmFit:  # fmt: skip
    from scipy.optimize import minimize

    q, r = np.linalg.qr(x)
    scale = np.sqrt(len(x))
    k = sum(part.n_theta for part in parts)

    def deviance(parameters: Array) -> float:
        """Minus twice the log-likelihood; beta enters by orthonormal columns."""
        theta, gamma = parameters[:k], parameters[k:]
        fixed = offset + scale * (q @ gamma)
        if n_agq > 1:
            return -2 * gauss_hermite(model, fixed, parts[0], theta, n_agq)
        if not parts:
            return -2 * float(model.loglik(fixed).sum())
        return -2 * laplace(model, fixed, parts, theta)

    start = np.concatenate([_theta_start(parts), _glm_start(model, q * scale, offset)])
    bounds = [(0.0 if free else None, None) for free in _diagonal(parts)] + [(None, None)] * len(r)
    best = minimize(
        deviance, start, method="L-BFGS-B", bounds=bounds,
        options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 1000, "maxfun": 20000},
    )  # fmt: skip
    bounded = np.array([low == 0.0 for low, _ in bounds])
    point, hessian, gradient = _polish(deviance, best.x, bounded)
    free = ~(bounded & (point < _SINGULAR))
    inverse = 2 * np.linalg.inv(hessian[np.ix_(free, free)])
    gamma_cov = inverse[-len(r) :, -len(r) :]
    back = scale * np.linalg.inv(r)
    residual_df = max(len(x) - x.shape[1], 1)
    beta = back @ point[k:]
    mu, weight = model.moments(offset + x @ beta)
    fit = GlmmFit(
        formula=formula,
        family=family,
        terms=terms,
        beta=beta,
        cov_beta=back @ gamma_cov @ back.T,
        theta=point[:k],
        parts=parts,
        loglik=-0.5 * deviance(point),
        n_agq=n_agq,
        n_obs=len(x),
        n_dropped=dropped,
        gradient=float(np.abs(gradient[free]).max()),
        dispersion=float(((model.y - mu) ** 2 / weight).sum() / residual_df),
    )
    if not fit.converged:
        raise NotConverged(
            f"glmm {formula!r}: stopped with gradient {fit.gradient:.2g}; rescale covariates, or "
            "drop a random term the data do not determine"
        )
    return fit


def _polish(
    deviance: Callable[[Array], float], point: Array, bounded: np.ndarray
) -> tuple[Array, Array, Array]:
    """Newton steps on central differences; boundary parameters that press on zero stay there."""
    for _ in range(8):
        gradient, hessian = _derivatives(deviance, point, bounded)
        free = ~(bounded & (point < _SINGULAR))
        step = np.zeros_like(point)
        try:
            step[free] = -np.linalg.solve(hessian[np.ix_(free, free)], gradient[free])
        except np.linalg.LinAlgError:
            break
        trial = np.where(bounded, np.maximum(point + step, 0.0), point + step)
        if not deviance(trial) <= deviance(point) + 1e-9:
            break
        point = trial
        if np.abs(step).max() < 1e-9:
            break
    gradient, hessian = _derivatives(deviance, point, bounded)
    return point, hessian, gradient


def _derivatives(
    deviance: Callable[[Array], float], point: Array, bounded: np.ndarray
) -> tuple[Array, Array]:
    """Gradient and Hessian by central differences; a bounded parameter at zero is mirrored."""

    def even(p: Array) -> float:
        return deviance(np.where(bounded, np.abs(p), p))  # the deviance is even in a scale

    m, h = len(point), 1e-4
    steps = np.eye(m) * h
    centre = even(point)
    plus = np.array([even(point + s) for s in steps])
    minus = np.array([even(point - s) for s in steps])
    hessian = np.diag((plus - 2 * centre + minus) / h**2)
    for i in range(m):
        for j in range(i):
            cross = (
                even(point + steps[i] + steps[j]) - even(point + steps[i] - steps[j])
                - even(point - steps[i] + steps[j]) + even(point - steps[i] - steps[j])
            )  # fmt: skip
            hessian[i, j] = hessian[j, i] = cross / (4 * h**2)
    return (plus - minus) / (2 * h), hessian


def _diagonal(parts: tuple[RandomPart, ...]) -> list[bool]:
    """Which entries of theta lie on a diagonal, so cannot be negative."""
    flags: list[bool] = []
    for part in parts:
        for column in range(len(part.effects)):
            flags += [True] + [False] * (len(part.effects) - column - 1)
    return flags


def _theta_start(parts: tuple[RandomPart, ...]) -> Array:
    return np.array([0.5 if diagonal else 0.0 for diagonal in _diagonal(parts)])


def _glm_start(model: Family, x: Array, offset: Array) -> Array:
    """Fixed part without random effects, by Newton from an empty model."""
    gamma = np.zeros(x.shape[1])
    for _ in range(50):
        mu, weight = model.moments(offset + x @ gamma)
        hessian = x.T @ (weight[:, None] * x) + 1e-10 * np.eye(len(gamma))
        step = np.linalg.solve(hessian, x.T @ (model.y - mu))
        gamma = gamma + step * min(1.0, 2.0 / max(1e-12, float(np.abs(x @ step).max())))
        if np.abs(step).max() < 1e-10:
            break
    return gamma


def _family(name: str, y: Array, size: Array | None) -> Family:
    if name == "poisson":
        return Poisson(y)
    if name != "binomial":
        raise InputError(f"family={name!r}; allowed: poisson, binomial")
    size = np.ones_like(y) if size is None else size
    _whole(size, "trials")
    if (y > size).any():
        row = int(np.argmax(y > size))
        raise InputError(
            f"row {row}: {y[row]:g} events in {size[row]:g} trials; check both columns"
        )
    return Binomial(y, size)


def _whole(y: Array, name: str) -> None:
    bad = np.flatnonzero((y < 0) | (y != np.round(y)))
    if bad.size:
        raise InputError(
            f"column {name!r}, row {bad[0]}: found {y[bad[0]]:g}; counts are whole and not negative"
        )


def _outcome(formula: str, family: str, trials: str | None) -> tuple[str, str | None, str | None]:
    """The formula with plain events on its left, and the columns of trials or non-events."""
    match = _CBIND.match(formula)
    if not match:
        return formula, trials, None
    events, second, subtracted = match.groups()
    if family != "binomial" or trials or (subtracted and subtracted != events):
        raise InputError(
            f"formula {formula!r}: cbind(events, size - events) is for family='binomial' "
            "without trials="
        )
    rest = f"{events} ~" + formula[match.end() :]
    return (rest, second, None) if subtracted else (rest, None, second)
