"""Independent programs on rows that have exactly the printed moments: for checking only."""

from __future__ import annotations

import importlib.util
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.evidence.findings.crossover import CrossoverResult
from retrostats.evidence.printed.pair import pair_coefficient, pair_moments, reference_correlation
from retrostats.evidence.result.findings import CrossCheck

if TYPE_CHECKING:
    import pandas as pd

#: statsmodels stops its optimiser on a looser gradient than ours.
STATSMODELS_TOLERANCE = 1e-4
#: the paired t-test is closed form; pingouin rounds nothing of what is compared.
PINGOUIN_TOLERANCE = 1e-6


def cross_check_pair(study: CrossoverResult, seed: int) -> tuple[CrossCheck, ...]:
    """Paired t-test by pingouin and mixed model by statsmodels beside our fit.

    A random intercept cannot express a negative correlation, so statsmodels is asked only
    where the correlation is positive.
    """
    r = reference_correlation(study.pair)
    coefficient: Any = pair_coefficient(study.pair, r)
    rows = _surrogate(study, r, seed)
    found = []
    paired_t = _pingouin_t(rows, study.pair.conditions)
    if paired_t is not None:
        found.append(
            CrossCheck(
                study.estimate_id,
                "pingouin paired t-test",
                "t statistic",
                float(coefficient["statistic"]),
                paired_t,
                PINGOUIN_TOLERANCE,
            )
        )
    if r > 0:
        estimate, std_error = _statsmodels_fit(rows, study.pair.conditions)
        pairs = (("log ratio", "estimate", estimate), ("standard error", "std_error", std_error))
        found += [
            CrossCheck(
                study.estimate_id,
                "statsmodels mixed model",
                name,
                float(coefficient[column]),
                theirs,
                STATSMODELS_TOLERANCE,
            )
            for name, column, theirs in pairs
        ]
    return tuple(found)


def _surrogate(study: CrossoverResult, r: float, seed: int) -> pd.DataFrame:
    from retrostats.models.linear.moments.summary import surrogate_rows

    return surrogate_rows(pair_moments(study.pair, r), np.random.default_rng(seed))


def _pingouin_t(rows: pd.DataFrame, conditions: tuple[str, str]) -> float | None:
    """Its t; None where it is not installed: it is under the GPL, and nothing else needs it."""
    if importlib.util.find_spec("pingouin") is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its optional back ends warn at import
        import pingouin

        wide = rows.pivot(index="subject", columns="condition", values="log_outcome")
        table = pingouin.ttest(wide[conditions[0]], wide[conditions[1]], paired=True)
    return float(table["T"].iloc[0])


def _statsmodels_fit(rows: pd.DataFrame, conditions: tuple[str, str]) -> tuple[float, float]:
    """Log ratio and standard error; the outcome is scaled to unit SD, as its optimiser needs."""
    from statsmodels.regression.mixed_linear_model import MixedLM  # formulas take long to import

    outcome = rows["log_outcome"].to_numpy(float)
    scale = float(outcome.std(ddof=1))
    design = np.column_stack([np.ones(len(rows)), rows["condition"] == conditions[0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its optimiser reports boundary steps on the way
        model = MixedLM((outcome - outcome.mean()) / scale, design, groups=rows["subject"])
        fit = model.fit(reml=True)
    return float(fit.params[1]) * scale, float(fit.bse[1]) * scale
