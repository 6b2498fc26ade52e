"""Simulation on the engine: parametric bootstrap, power, type-I error and coverage.

Outcomes are never drawn row by row: what a fit sees (crossproducts and scatters) is drawn directly,
and thousands of replicates are refitted at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from scipy.special import stdtr

from retrostats.common.arrays import one_of, share
from retrostats.common.deprecated import renamed_arguments
from retrostats.common.errors import InputError
from retrostats.models.linear.batch.refits import Refits, Test, check_count, refit
from retrostats.models.linear.planned import (
    Spread,
    planned_effects,
    planned_formula,
    planned_model,
    planned_spread,
    planned_term,
)
from retrostats.models.linear.post_estimation.components import unique_groups

if TYPE_CHECKING:
    from retrostats.models.linear.estimates import Estimates

_Z95 = 1.959963984540054  # of the Monte Carlo intervals


def bootstrap(
    fit: Estimates, draws: int, *, seed: int, jobs: int = 1, scheduler: str | None = None
) -> pd.DataFrame:
    """Parametric bootstrap: simulate from a fit and refit, `draws` times.

    Parameters
    ----------
    fit : Estimates
    draws : int
    seed : int
        The same seed gives the same numbers, whoever does the work.
    jobs : int
        Threads.
    scheduler : str, optional
        Address of a Dask scheduler whose workers refit instead.

    Returns
    -------
    DataFrame
        One row a refit: replicate; a column for each coefficient, named as its term; ``se_<term>``,
        its unadjusted standard error; sigma; ``sd_<group>_<effect>`` and
        ``cor_<group>_<effect>_<effect>`` of the random effects (for signed compound symmetry the
        standard deviation takes the sign of the variance); loglik; singular; converged.

    Raises
    ------
    InputError
        draws, seed or jobs is not a whole number that makes sense.

    Examples
    --------
    >>> import pandas as pd
    >>> from retrostats.models.linear.fit import lmm
    >>> rows = pd.DataFrame({"subject": list("aabbccdd"), "time": [0, 1] * 4,
    ...                      "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})
    >>> refits = bootstrap(lmm("y ~ time + (1 | subject)", rows), 200, seed=1)
    >>> refits.shape, bool(refits.converged.all())
    ((200, 10), True)
    """
    fit.engine.allow("the parametric bootstrap")
    check_count("draws", draws, low=1)
    stream = np.random.SeedSequence(check_count("seed", seed, low=0))
    jobs = check_count("jobs", jobs, low=1)
    refits = fit.engine.refits(fit, draws, stream, jobs, scheduler)
    columns: dict[str, np.ndarray] = {"replicate": np.arange(draws)}
    for j, term in enumerate(fit.terms):
        columns[term] = fit.beta[j] + refits.error[:, j]
    for j, term in enumerate(fit.terms):
        columns[f"se_{term}"] = refits.std_error[:, j]
    columns["sigma"] = refits.sigma
    columns.update(_spreads(fit, refits))
    columns["loglik"] = refits.loglik
    columns["singular"] = refits.singular
    columns["converged"] = refits.converged
    return pd.DataFrame(columns)


def _spreads(fit: Estimates, refits: Refits) -> dict[str, np.ndarray]:
    """Standard deviations and correlations of each random term."""
    out: dict[str, np.ndarray] = {}
    at = 0
    for name, (_, effects) in zip(unique_groups(fit), fit.model.groups, strict=True):
        k = len(effects)
        if fit.model.gram.signed:
            psi = refits.theta[:, 0]
            out[f"sd_{name}_{effects[0]}"] = np.copysign(np.sqrt(np.abs(psi)), psi) * refits.sigma
            continue
        factor = np.zeros((len(refits.sigma), k, k))
        for j in range(k):
            factor[:, j:, j] = refits.theta[:, at : at + k - j]
            at += k - j
        size = np.sqrt((factor**2).sum(2))
        for a, effect in enumerate(effects):
            out[f"sd_{name}_{effect}"] = size[:, a] * refits.sigma
        for a in range(k):
            for b in range(a + 1, k):
                scale = size[:, a] * size[:, b]
                inner = (factor[:, a] * factor[:, b]).sum(1)
                defined = scale > 0
                r = np.divide(inner, scale, out=np.full(len(inner), np.nan), where=defined)
                out[f"cor_{name}_{effects[a]}_{effects[b]}"] = np.clip(r, -1.0, 1.0)
    return out


@renamed_arguments(n_sim="draws", test="ddf")
def power(
    formula: str,
    design: pd.DataFrame,
    *,
    effects: Mapping[str, float],
    variance_components: Mapping[str, Spread],
    n: int | Sequence[int],
    term: str | None = None,
    alpha: float = 0.05,
    ddf: Test = "kenward-roger",
    draws: int = 10_000,
    seed: int = 1,
    jobs: int = 1,
) -> pd.DataFrame:
    """Power of a planned study by simulation on the engine that will analyse it.

    Parameters
    ----------
    formula : str
        The model of the analysis, with one group: ``"y ~ arm * time + (1 | subject)"``.
    design : DataFrame
        The measurements planned, a row each. Rows with the same label in the group's column
        (``subject``) are one subject, so that a parallel trial has one labelled subject an arm;
        without that column all rows are one subject's, as in a crossover.
    effects : mapping of str to float
        True coefficients by term, in the unit of the outcome (of its logarithm for ``log(y)``);
        terms not named are zero.
    variance_components : mapping
        True variances: the group's (a number, or the covariance matrix of its effects) and
        "Residual".
    n : int or sequence of int
        Subjects of each kind (of each arm).
    term : str, optional
        Term tested; by default the only effect that is not zero.
    alpha : float
    ddf : {"kenward-roger", "satterthwaite", "normal"}
    draws : int
        Simulated studies for each n.
    seed, jobs : int

    Returns
    -------
    DataFrame
        A row for each n: n; power; its Monte Carlo error mc_error and 95% interval conf_low,
        conf_high (Wilson); coverage of the (1 - alpha) confidence interval; n_subjects; n_sim;
        failed (refits that did not converge, counted as not significant and not covering).

    Raises
    ------
    InputError
        The plan is incomplete or contradicts the formula; the message says where.
    NotIdentified
        The design does not determine the model.

    Examples
    --------
    >>> import pandas as pd
    >>> design = pd.DataFrame({"direction": ["backward", "forward"]})
    >>> table = power("log_cost ~ direction + (1 | subject)", design,
    ...               effects={"directionforward": -0.1}, n=[6, 12], draws=2000,
    ...               variance_components={"subject": 0.01, "Residual": 0.005})
    >>> table.power.round(1).tolist()
    [0.5, 0.9]
    """
    parsed = planned_formula(formula, design)
    sizes: list[Any] = list(n) if isinstance(n, Sequence | np.ndarray) else [n]
    if not sizes:
        raise InputError("n is empty; give the numbers of subjects to consider")
    sizes = [check_count("n", size, low=2) for size in sizes]
    check_count("draws", draws, low=1)
    check_count("jobs", jobs, low=1)
    one_of(ddf, "ddf", get_args(Test))
    share(alpha, "alpha")
    stream = np.random.SeedSequence(check_count("seed", seed, low=0))
    rows = []
    for size in sizes:
        model = planned_model(parsed, design, size)
        beta = planned_effects(model, effects)
        j = planned_term(model, effects, term)
        spread = planned_spread(model, variance_components)
        # every n has the streams of the same seed: common random numbers, and no n moves another
        own = np.random.SeedSequence(stream.entropy)
        refits = refit(model, spread, draws, seed=own, test=ddf, jobs=jobs)
        rejected, covered, failed = _tested(refits, j, beta[j], alpha)
        low, high = _wilson(rejected.mean(), draws)
        rows.append(
            {
                "n": size,
                "power": rejected.mean(),
                "mc_error": _mc_error(rejected),
                "conf_low": low,
                "conf_high": high,
                "coverage": covered.mean(),
                "n_subjects": sum(model.n_groups.values()) // len(model.n_groups),
                "n_sim": draws,
                "failed": failed,
            }
        )
    return pd.DataFrame(rows)


@renamed_arguments(n_sim="draws", test="ddf")
def type_one_error(
    formula: str,
    design: pd.DataFrame,
    *,
    variance_components: Mapping[str, Spread],
    term: str,
    n: int | Sequence[int],
    alpha: float = 0.05,
    ddf: Test = "kenward-roger",
    draws: int = 10_000,
    seed: int = 1,
    jobs: int = 1,
) -> pd.DataFrame:
    """How often a test of a term rejects at `alpha` when nothing is there.

    Parameters and errors are those of `power`, without effects.

    Returns
    -------
    DataFrame
        As `power`, with the column power named type_one_error.

    Examples
    --------
    >>> import pandas as pd
    >>> design = pd.DataFrame({"subject": [0, 0, 1, 1], "arm": [0, 0, 1, 1], "time": [0, 1, 0, 1]})
    >>> table = type_one_error("y ~ arm * time + (1 | subject)", design, term="arm:time", n=13,
    ...                        variance_components={"subject": 1.0, "Residual": 1.0})
    >>> bool(table.type_one_error.between(0.04, 0.06).all())
    True
    """
    table = power(
        formula,
        design,
        effects={},
        variance_components=variance_components,
        n=n,
        term=term,
        alpha=alpha,
        ddf=ddf,
        draws=draws,
        seed=seed,
        jobs=jobs,
    )
    return table.rename(columns={"power": "type_one_error"})


def _tested(
    refits: Refits, j: int, truth: float, alpha: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """Which refits reject that coefficient j is zero, and whose interval holds its true value."""
    error, std_error, df = refits.error[:, j], refits.std_error[:, j], refits.df[:, j]
    good = refits.converged & np.isfinite(std_error) & (std_error > 0)
    statistic = np.abs(truth + error[good]) / std_error[good]
    distance = np.abs(error[good]) / std_error[good]
    rejected, covered = np.zeros(len(good), dtype=bool), np.zeros(len(good), dtype=bool)
    rejected[good] = 2.0 * stdtr(df[good], -statistic) < alpha
    covered[good] = 2.0 * stdtr(df[good], -distance) >= alpha
    return rejected, covered, int((~good).sum())


def _mc_error(hits: np.ndarray) -> float:
    share = float(hits.mean())
    return float(np.sqrt(share * (1.0 - share) / len(hits)))


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a proportion."""
    z2 = _Z95**2 / n
    centre = (share + z2 / 2.0) / (1.0 + z2)
    half = _Z95 * np.sqrt(share * (1.0 - share) / n + z2 / (4.0 * n)) / (1.0 + z2)
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
