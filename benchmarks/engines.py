"""What each Python engine does for each task; nothing is imported before it is asked for.

A maker takes (formula, frame, refits) and returns a function of no arguments, which is timed. It
returns a number that all engines must agree on (an estimate), so that none times a wrong model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

Run = Callable[[], float]
Maker = Callable[[str, pd.DataFrame, int], Run]


def _retrostats_frame(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import retrostats as rs

    return lambda: float(rs.lmm(formula, frame).coefficients["estimate"].iloc[-1])


def _retrostats_prepared(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import retrostats as rs

    moments = rs.moments(formula, frame)
    return lambda: float(rs.lmm(formula, moments).coefficients["estimate"].iloc[-1])


def _retrostats_refits(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import retrostats as rs

    fit = rs.lmm(formula, frame)
    return lambda: float(fit.bootstrap(refits, seed=1)[fit.terms[-1]].mean())


def _retrostats_refits_2(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import retrostats as rs

    fit = rs.lmm(formula, frame)
    return lambda: float(fit.bootstrap(refits, seed=1, jobs=2)[fit.terms[-1]].mean())


def _statsmodels_model(formula: str, frame: pd.DataFrame) -> Any:
    import statsmodels.formula.api as smf

    fixed, _, random = formula.partition(" + (")
    slope = random.split("|")[0].strip()
    return smf.mixedlm(
        fixed, frame, groups="subject", re_formula=None if slope == "1" else f"~{slope}"
    )


def _statsmodels_frame(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    return lambda: float(_statsmodels_model(formula, frame).fit(reml=True).fe_params.iloc[-1])


def _statsmodels_refits(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import numpy as np

    model = _statsmodels_model(formula, frame)
    fit = model.fit(reml=True)
    groups = pd.factorize(frame["subject"])[0]
    root = np.linalg.cholesky(np.asarray(fit.cov_re) + 1e-12 * np.eye(len(fit.cov_re)))

    def run() -> float:
        rng = np.random.default_rng(1)
        total = 0.0
        for _ in range(refits):
            b = rng.normal(size=(groups.max() + 1, len(root))) @ root.T
            noise = rng.normal(size=len(groups)) * np.sqrt(fit.scale)
            y = model.exog @ fit.fe_params.to_numpy() + noise
            y += np.einsum("ij,ij->i", np.asarray(model.exog_re), b[groups])
            total += _statsmodels_again(model, y)
        return total / refits

    return run


def _statsmodels_again(model: Any, y: Any) -> float:
    import statsmodels.regression.mixed_linear_model as mlm

    again = mlm.MixedLM(y, model.exog, groups=model.groups, exog_re=model.exog_re)
    return float(again.fit(reml=True).fe_params[-1])


def _lme_python_frame(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import lme_python

    def run() -> float:
        fit = lme_python.lmer(formula, data=frame, reml=True)
        fit.with_kenward_roger(frame)
        return float(fit.coefficients[-1])

    return run


def _lme_python_prepared(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import lme_python

    prepared = lme_python.prepare_lmer(formula, frame)
    y = frame["y"].to_list()

    def run() -> float:
        fit = prepared.fit(y=y, reml=True)
        fit.with_kenward_roger(frame)
        return float(fit.coefficients[-1])

    return run


def _lme_python_refits(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import lme_python

    fit = lme_python.lmer(formula, data=frame, reml=True)

    def run() -> float:
        boot = fit.boot(formula, frame, nsim=refits, seed=1, n_jobs=1)
        return sum(r.coefficients[-1] for r in boot.replicates) / refits

    return run


def _lme_python_big(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import lme_python

    return lambda: float(lme_python.lmer(formula, data=frame, reml=True).coefficients[-1])


def _glmm_frame(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import glmm

    return lambda: float(list(glmm.fit(frame, formula).beta)[-1])


def _mixedlm_frame(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import mixedlm
    from mixedlm.inference.ddf import kenward_roger_df

    def run() -> float:
        fit = mixedlm.lmer(formula, frame)
        kenward_roger_df(fit)
        return float(fit.beta[-1])

    return run


def _mixedlm_refits(formula: str, frame: pd.DataFrame, refits: int) -> Run:
    import mixedlm
    from mixedlm.inference.bootstrap import bootstrap_lmer

    fit = mixedlm.lmer(formula, frame)
    return lambda: float(bootstrap_lmer(fit, refits, seed=1).beta_samples[:, -1].mean())


#: engine -> task -> (maker, refits really made in one timed run; 0 for all)
ENGINES: dict[str, dict[str, tuple[Maker, int]]] = {
    "retrostats": {
        "frame": (_retrostats_frame, 0),
        "prepared": (_retrostats_prepared, 0),
        "boot_trial": (_retrostats_refits, 0),
        "boot_slope": (_retrostats_refits, 0),
        "big": (_retrostats_frame, 0),
    },
    "retrostats, jobs=2": {
        "boot_trial": (_retrostats_refits_2, 0),
        "boot_slope": (_retrostats_refits_2, 0),
    },
    "statsmodels": {
        "frame": (_statsmodels_frame, 0),
        "boot_trial": (_statsmodels_refits, 100),
        "boot_slope": (_statsmodels_refits, 50),
    },
    "lme-python": {
        "frame": (_lme_python_frame, 0),
        "prepared": (_lme_python_prepared, 0),
        "boot_trial": (_lme_python_refits, 0),
        "boot_slope": (_lme_python_refits, 0),
        "big": (_lme_python_big, 0),
    },
    "glmm": {"frame": (_glmm_frame, 0), "big": (_glmm_frame, 0)},
    "mixedlm": {
        "frame": (_mixedlm_frame, 0),
        "boot_trial": (_mixedlm_refits, 100),
        "boot_slope": (_mixedlm_refits, 100),
    },
}

#: engine -> module whose absence means that the engine is absent
MODULES = {
    "retrostats": "retrostats",
    "retrostats, jobs=2": "retrostats",
    "statsmodels": "statsmodels",
    "lme-python": "lme_python",
    "glmm": "glmm",
    "mixedlm": "mixedlm",
}

#: engines of R: engine -> tasks with refits really made
R_ENGINES = {
    "lme4": {"frame": 0, "boot_trial": 200, "boot_slope": 200, "big": 0},
    "lmerTest + pbkrtest": {"frame": 0},
}

NOTES = {
    ("statsmodels", "frame"): "no Kenward-Roger",
    ("glmm", "frame"): "Satterthwaite",
    ("glmm", "big"): "with Satterthwaite",
    ("lme4", "frame"): "no Kenward-Roger",
    ("lme4", "big"): "no df",
    ("lme-python", "big"): "no df",
    ("mixedlm", "frame"): "its Kenward-Roger is Satterthwaite's",
    ("retrostats", "big"): "with Kenward-Roger",
    ("retrostats", "prepared"): "formula + Moments -> coefficient table",
    ("lme-python", "prepared"): "prepare_lmer -> fit + Kenward-Roger",
}
