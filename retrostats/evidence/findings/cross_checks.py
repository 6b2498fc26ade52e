"""Independent programs on rows that have exactly the printed moments: for checking only.

What they answered stands among the pinned answers of an audit, with the numbers that they were
asked about, and a run compares with it. They are asked anew about any other numbers, and where
nothing is pinned.
"""

from __future__ import annotations

import csv
import importlib.util
import warnings
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from retrostats.evidence.findings.crossover import CrossoverResult
from retrostats.evidence.printed.pair import (
    PrintedPair,
    pair_coefficient,
    pair_moments,
    reference_correlation,
)
from retrostats.evidence.result.findings import CrossCheck

if TYPE_CHECKING:
    import pandas as pd

#: The file of what they answered, in a folder of pinned answers, and its columns.
PINNED = "cross_checks.csv"
COLUMNS = ("estimate_id", "given", "program", "version", "quantity", "theirs")
PAIRED_T, MIXED_MODEL = "pingouin paired t-test", "statsmodels mixed model"
TOLERANCES = {
    # the paired t-test is closed form; pingouin rounds nothing of what is compared
    PAIRED_T: 1e-6,
    # statsmodels stops its optimiser on a looser gradient than ours
    MIXED_MODEL: 1e-4,
}
#: What is compared, by the column of our coefficients.
QUANTITIES = {
    "t statistic": "statistic", "log ratio": "estimate", "standard error": "std_error",
}  # fmt: skip


class Answer(NamedTuple):
    """What a program says of one quantity."""

    program: str
    version: str
    quantity: str
    theirs: float


def cross_check_pair(study: CrossoverResult, seed: int, pinned: Path) -> tuple[CrossCheck, ...]:
    """Paired t-test by pingouin and mixed model by statsmodels beside our fit.

    Parameters
    ----------
    study
        A printed crossover.
    seed
        Of the rows that the programs are given, where they are asked.
    pinned
        Folder of the pinned answers of the audit, which need not be there.
    """
    coefficient: Any = pair_coefficient(study.pair, reference_correlation(study.pair))
    given = _given(study.pair)
    answers = _answers(pinned / PINNED).get((study.estimate_id, given)) or asked(study, seed)
    return tuple(
        CrossCheck(
            study.estimate_id,
            given,
            answer.program,
            answer.version,
            answer.quantity,
            float(coefficient[QUANTITIES[answer.quantity]]),
            answer.theirs,
            TOLERANCES[answer.program],
        )
        for answer in answers
    )


def asked(study: CrossoverResult, seed: int) -> list[Answer]:
    """Answers of the programs that are installed.

    A random intercept cannot express a negative correlation, so statsmodels is asked only where
    the correlation is positive; pingouin is under the GPL, and nothing else needs it.
    """
    r = reference_correlation(study.pair)
    rows, conditions = _surrogate(study, r, seed), study.pair.conditions
    found = []
    if importlib.util.find_spec("pingouin") is not None:
        version = metadata.version("pingouin")
        found.append(Answer(PAIRED_T, version, "t statistic", _pingouin_t(rows, conditions)))
    if r > 0:
        estimate, std_error = _statsmodels_fit(rows, conditions)
        version = metadata.version("statsmodels")
        found += [
            Answer(MIXED_MODEL, version, "log ratio", estimate),
            Answer(MIXED_MODEL, version, "standard error", std_error),
        ]
    return found


def _given(pair: PrintedPair) -> str:
    """What the programs are asked about, to nine digits: more would differ between processors."""
    means = np.log([pair.mean_1, pair.mean_2])
    spreads = (pair.sd_1 / pair.mean_1, pair.sd_2 / pair.mean_2)
    numbers = [f"{x:.9g}" for x in (*means, *spreads, reference_correlation(pair))]
    return "n {}, log means {} and {}, SDs {} and {}, correlation {}".format(pair.n, *numbers)


@lru_cache(maxsize=8)
def _answers(file: Path) -> dict[tuple[str, str], list[Answer]]:
    """Pinned answers by row and what was asked; none without the file."""
    found: dict[tuple[str, str], list[Answer]] = {}
    if file.is_file():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                answer = Answer(
                    row["program"], row["version"], row["quantity"], float(row["theirs"])
                )
                found.setdefault((row["estimate_id"], row["given"]), []).append(answer)
    return found


def _surrogate(study: CrossoverResult, r: float, seed: int) -> pd.DataFrame:
    from retrostats.models.linear.moments.summary import surrogate_rows

    return surrogate_rows(pair_moments(study.pair, r), np.random.default_rng(seed))


def _pingouin_t(rows: pd.DataFrame, conditions: tuple[str, str]) -> float:
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
