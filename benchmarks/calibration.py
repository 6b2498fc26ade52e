"""How often a 5% test rejects when nothing is there, and how often 95% intervals hold the truth."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

#: design, formula, term tested, true variances, n of each kind, effect at which coverage is taken
STUDIES = {
    "trial 13 + 13, group by time": {
        "design": {"subject": [0, 0, 1, 1], "arm": [0.0, 0, 1, 1], "time": [0.0, 1, 0, 1]},
        "formula": "y ~ arm * time + (1 | subject)",
        "term": "arm:time",
        "variances": {"subject": 1.0, "Residual": 1.0},
        "n": 13,
        "effect": 0.8,
    },
    "crossover of 10, random slope": {
        "design": {"direction": [0.0] * 4 + [1.0] * 4},
        "formula": "y ~ direction + (direction | subject)",
        "term": "direction",
        "variances": {"subject": [[1.0, 0.0], [0.0, 0.25]], "Residual": 0.25},
        "n": 10,
        "effect": 0.5,
    },
}


def retrostats_rates(n_sim: int) -> list[dict[str, object]]:
    """Type-I error and coverage of each study under each method of retrostats."""
    from retrostats.models.linear.post_estimation.simulate import power, type_one_error

    out: list[dict[str, object]] = []
    for study, s in STUDIES.items():
        for test in ("kenward-roger", "satterthwaite", "normal"):
            common = {
                "variance_components": s["variances"],
                "term": s["term"],
                "n": s["n"],
                "ddf": test,
                "draws": n_sim,
            }
            design = pd.DataFrame(s["design"])
            null = type_one_error(s["formula"], design, seed=1, **common).iloc[0]
            real = power(
                s["formula"], design, effects={s["term"]: s["effect"]}, seed=2, **common
            ).iloc[0]
            out.append(
                _row(study, f"retrostats, {test}", null["type_one_error"], real["coverage"], n_sim)
            )
    return out


def statsmodels_rates(n_sim: int) -> list[dict[str, object]]:
    """The same with statsmodels' z-test, one fit at a time."""
    out: list[dict[str, object]] = []
    for study, s in STUDIES.items():
        null = _z_misses(s, 0.0, n_sim, seed=3)
        real = _z_misses(s, s["effect"], n_sim, seed=4)
        out.append(_row(study, "statsmodels, z", null.mean(), 1 - real.mean(), len(null)))
    return out


def _z_misses(s: dict, effect: float, n_sim: int, *, seed: int) -> np.ndarray:
    """Whether |z| about the true effect exceeds 1.96, in each study that could be fitted."""
    import statsmodels.regression.mixed_linear_model as mlm

    exog, exog_re, groups, column = _design(s)
    beta = np.zeros(exog.shape[1])
    beta[column] = effect
    root = np.linalg.cholesky(np.atleast_2d(s["variances"]["subject"]))
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n_sim):
        b = rng.normal(size=(groups.max() + 1, len(root))) @ root.T
        noise = rng.normal(size=len(groups)) * np.sqrt(s["variances"]["Residual"])
        y = exog @ beta + (exog_re * b[groups]).sum(1) + noise
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                fit = mlm.MixedLM(y, exog, groups=groups, exog_re=exog_re).fit(reml=True)
            except np.linalg.LinAlgError:
                continue
        z = (fit.fe_params[column] - effect) / fit.bse_fe[column]
        if np.isfinite(z):
            out.append(abs(z) > 1.959963984540054)
    return np.array(out)


def _design(s: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    frame = pd.DataFrame(s["design"])
    kinds = frame.pop("subject").to_numpy() if "subject" in frame else np.zeros(len(frame), int)
    n = s["n"]
    columns = {k: np.tile(v, n) for k, v in frame.items()}
    groups = np.repeat(np.arange(n), len(frame)) * (kinds.max() + 1) + np.tile(kinds, n)
    ones = np.ones(len(groups))
    if "arm" in columns:
        product = columns["arm"] * columns["time"]
        exog = np.column_stack([ones, columns["arm"], columns["time"], product])
        return exog, ones[:, None], groups, 3
    exog = np.column_stack([ones, columns["direction"]])
    return exog, exog, groups, 1


def _row(study: str, engine: str, rate: float, coverage: float, n: int) -> dict[str, object]:
    def error(share: float) -> float:
        return float(np.sqrt(share * (1 - share) / n))

    return {
        "study": study,
        "engine": engine,
        "type_one_error": rate,
        "mc_error": error(rate),
        "coverage": coverage,
        "coverage_mc_error": error(coverage),
        "n_sim": n,
    }
