"""Whether a fit's assumptions hold, each in a sentence: `fit.check()`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import chdtrc, ndtr
from scipy.stats import normaltest, shapiro

from retrostats.common.readable import readable
from retrostats.common.values import values
from retrostats.models.linear.formula.columns import Factor, FloatArray
from retrostats.models.linear.formula.design import model_blocks
from retrostats.models.linear.post_estimation.influential import cook_of_groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure


FINE, LOOK, UNKNOWN = "fine", "look", "not known"
ALARM = 0.05
#: Range below which Shapiro and Wilk's test cannot tell numbers apart: `small` of AS R94.
_TIED = 1e-19
_MOST_SHAPIRO = 5000  # rows up to which the test has its tables
_HIGH, _MODERATE = 10.0, 5.0  # variance inflation
COLUMNS = ["check", "statistic", "value", "p_value", "verdict", "sentence"]


class Finding(NamedTuple):
    """One check: what it is of, the statistic, its value and p, the verdict and what it means."""

    check: str
    statistic: str
    value: float
    p_value: float
    verdict: str
    sentence: str


@values("table")
@dataclass(frozen=True, eq=False)
class Check:
    """The checks of a fit.

    Attributes
    ----------
    table : DataFrame
        check, statistic, value, p_value, verdict ("fine", "look", "not known"), sentence.
    drawn : dict
        What `plot` draws: panels by name.
    """

    table: pd.DataFrame
    drawn: dict[str, Any] = field(repr=False, default_factory=dict)

    def plot(self, width_mm: float | None = None) -> Figure:
        """A panel a check; see `check_plot.draw`."""
        from retrostats.models.linear.post_estimation.check_plot import draw

        return draw(self.table, self.drawn, width_mm)

    def __repr__(self) -> str:
        """A line a check."""
        wide = max(len(name) for name in self.table["check"])
        rows = self.table.itertuples(index=False)
        return "\n".join(f"{r.check:<{wide}}  {r.verdict:<9}  {r.sentence}" for r in rows)

    def _repr_html_(self) -> str:
        shown = readable(self.table[["check", "verdict", "sentence"]])
        return str(shown.map(escape).to_html(index=False, border=0, escape=False))


def check(fit: Any) -> Check:
    """Check a linear mixed model as `performance::check_model` does, with a sentence each.

    Parameters
    ----------
    fit : LmmFit
        From rows.

    Returns
    -------
    Check

    Raises
    ------
    InputError
        The data were moments: there are no residuals to look at.

    References
    ----------
    Fox and Monette (1992), Journal of the American Statistical Association 87:178 (generalised
    variance inflation). Shapiro and Wilk (1965), Biometrika 52:591. Breusch and Pagan (1979),
    Econometrica 47:1287. Van der Meer, te Grotenhuis and Pelzer (2010), American Sociological
    Review 75:173 (influence by group).

    Examples
    --------
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": ["pre", "post"] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> check(lmm("y ~ time + (1 | subject)", rows)).table["check"].tolist()[:3]
    ['convergence', 'collinearity', 'influence']
    """
    table = fit.residual_table  # refuses moments
    scaled = table["scaled"].to_numpy(dtype=float)
    fitted = table["fitted"].to_numpy(dtype=float)
    inflation = inflations(fit)
    distances = cook_of_groups(fit)
    found = [
        _convergence(fit),
        collinearity(inflation),
        influence(distances, fit.model.groups[0][0]),
        normality("residual normality", "residuals", scaled),
        heteroscedasticity(fitted, scaled),
        outlier(scaled),
    ]
    drawn: dict[str, Any] = {
        "inflation": inflation, "influence": distances, "quantiles": scaled,
        "spread": (fitted, scaled),
    }  # fmt: skip
    effects = None if hasattr(fit, "structure") else fit.ranef()
    if effects is not None:
        for (group, term), part in effects.groupby(["group", "term"], sort=False):
            name = f"random effects, {term} by {group}"
            found.append(normality(name, "random effects", part["estimate"].to_numpy()))
        drawn["random"] = effects
    return Check(pd.DataFrame(found, columns=COLUMNS), drawn)


def _convergence(fit: Any) -> Finding:
    if not fit.converged:
        return Finding("convergence", "gradient", np.nan, np.nan, LOOK, fit.message)
    if fit.singular:
        return Finding(
            "convergence", "gradient", np.nan, np.nan, LOOK,
            "converged on the boundary: a variance is 0 or a correlation 1; fewer random effects "
            "say the same",
        )  # fmt: skip
    return Finding("convergence", "gradient", np.nan, np.nan, FINE, "converged inside the boundary")


def inflations(fit: Any) -> pd.Series[float]:
    """Generalised variance inflation of each term of the fixed effects, by its columns' number.

    GVIF^(1/df) is on the scale of a variance inflation factor; an infinite one is a repeat.
    """
    formula, columns = fit.model.formula, fit.model.columns
    rows = max(len(c.codes) if isinstance(c, Factor) else len(c) for c in columns.values())
    blocks = model_blocks(formula.fixed, columns, rows)
    sizes = [block.shape[1] for block, _ in blocks]
    return inflation_of(fit.cov_unadjusted, formula.fixed, sizes)


def inflation_of(
    covariance: FloatArray, terms: Sequence[tuple[str, ...]], sizes: Sequence[int]
) -> pd.Series[float]:
    """The same from the covariance of the coefficients, its terms and their numbers of columns."""
    ends = np.cumsum([0, *sizes])
    kept = [i for i, term in enumerate(terms) if term]
    places = [np.arange(ends[i], ends[i + 1]) for i in kept]
    if len(places) < 2:
        return pd.Series(dtype=float)
    everything = np.concatenate(places)
    sd = np.sqrt(np.diag(covariance))
    corr = covariance / np.outer(sd, sd)
    whole = np.linalg.slogdet(corr[np.ix_(everything, everything)])[1]
    out = {}
    for i, own in zip(kept, places, strict=True):
        rest = np.setdiff1d(everything, own)
        parts = [np.linalg.slogdet(corr[np.ix_(p, p)])[1] for p in (own, rest)]
        out[":".join(terms[i])] = float(np.exp((parts[0] + parts[1] - whole) / len(own)))
    return pd.Series(out)


def collinearity(inflation: pd.Series[float]) -> Finding:
    """What the largest variance inflation means."""
    if inflation.empty:
        return Finding(
            "collinearity", "VIF", np.nan, np.nan, FINE, "one term: nothing to be collinear with"
        )
    worst, name = float(inflation.max()), str(inflation.idxmax())
    verdict = LOOK if worst >= _MODERATE else FINE
    if ":" in name and verdict == LOOK:
        meaning = "which an interaction has by its coding; centre its numbers or code C(x, Sum)"
    elif worst >= _HIGH:
        meaning = "the data hardly tell it from the other terms"
    elif worst >= _MODERATE:
        meaning = "its error is doubled or more by the other terms"
    else:
        meaning = "terms are told apart well"
    return Finding(
        "collinearity", "VIF", worst, np.nan, verdict,
        f"largest variance inflation {worst:.1f} ({name}): {meaning}",
    )  # fmt: skip


def influence(distances: pd.Series[float], group: str) -> Finding:
    """Which groups the fixed effects lean on."""
    if distances.empty:
        return Finding(
            "influence", "Cook's D", np.nan, np.nan, UNKNOWN,
            f"too many rows or levels of {group} to leave each out",
        )  # fmt: skip
    cut = 4.0 / len(distances)
    over = distances[distances > cut].sort_values(ascending=False)
    worst = float(distances.max())
    if over.empty:
        said = f"no {group} has a Cook's distance above 4 / n = {cut:.2f} (largest {worst:.2f})"
        return Finding("influence", "Cook's D", worst, np.nan, FINE, said)
    names = ", ".join(f"{name} ({value:.2f})" for name, value in over.head(3).items())
    more = f" and {len(over) - 3} more" if len(over) > 3 else ""
    said = f"{group} above 4 / n = {cut:.2f}: {names}{more}; see what the fit says without"
    return Finding("influence", "Cook's D", worst, np.nan, LOOK, said)


def normality(name: str, what: str, sample: FloatArray) -> Finding:
    """Shapiro and Wilk's test, or D'Agostino's of many numbers."""
    sample = np.asarray(sample, dtype=float)
    if len(sample) < 3 or not np.ptp(sample) > _TIED:
        return Finding(name, "W", np.nan, np.nan, UNKNOWN, f"{len(sample)} {what} do not tell")
    few = len(sample) <= _MOST_SHAPIRO
    statistic, p = shapiro(sample) if few else normaltest(sample)
    if p >= ALARM:
        said = f"no sign that {what} are not normal (p = {p:.3g})"
    else:
        said = f"{what} are not normal (p = {p:.3g}); look at their quantiles: long tails matter"
        said += ", and with many of them a small p may mean little" if len(sample) > 300 else ""
    return Finding(
        name, "W" if few else "K2", float(statistic), float(p), FINE if p >= ALARM else LOOK, said
    )


def heteroscedasticity(fitted: FloatArray, scaled: FloatArray) -> Finding:
    """Breusch and Pagan's score test of a variance that changes with the fitted value."""
    name = "heteroscedasticity"
    if not np.ptp(fitted) > 0:
        return Finding(name, "chi2", np.nan, np.nan, UNKNOWN, "all fitted values are the same")
    squares = scaled**2 / np.mean(scaled**2)
    away = fitted - fitted.mean()
    explained = float(away @ squares) ** 2 / float(away @ away)
    statistic = explained / 2.0
    p = float(chdtrc(1.0, statistic))
    grows = "grow" if float(away @ squares) > 0 else "shrink"
    said = (
        f"no sign that the residual spread changes with the fitted value (p = {p:.3g})"
        if p >= ALARM
        else f"residuals {grows} with the fitted value (p = {p:.3g}); try log(y), or residual="
        " with the factor whose levels differ in spread"
    )
    return Finding(name, "chi2", statistic, p, FINE if p >= ALARM else LOOK, said)


def outlier(scaled: FloatArray) -> Finding:
    """The largest residual against the largest of as many normals."""
    largest = float(np.abs(scaled).max())
    p = float(-np.expm1(len(scaled) * np.log1p(-2.0 * ndtr(-largest))))
    at = int(np.abs(scaled).argmax())
    said = (
        f"the largest residual is {largest:.1f} SD: no surprise in {len(scaled)} rows (p = {p:.3g})"
        if p >= ALARM
        else f"row {at} is {largest:.1f} residual SD away (p = {p:.3g} of {len(scaled)} rows); "
        "check its value"
    )
    return Finding("outliers", "SD", largest, p, FINE if p >= ALARM else LOOK, said)
