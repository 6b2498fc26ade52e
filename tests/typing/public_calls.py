"""Calls of public names, right and wrong: read by mypy (`make lint`), never run.

The error that a wrong call must give stands behind it; mypy's own strictness reports a mark that
is not needed.
"""

from __future__ import annotations

from typing import assert_type

import pandas as pd

import retrostats as rs


def right(rows: pd.DataFrame) -> type[Exception]:
    fit = rs.lmm("y ~ arm + (1 | subject)", rows, reml=True, ddf="satterthwaite")
    assert_type(fit, rs.LmmFit)
    assert_type(fit.coefficients, pd.DataFrame)
    assert_type(fit.loglik, float)
    assert_type(fit.conf_int(which="random", method="profile"), pd.DataFrame)
    assert_type(rs.pool([0.1, 0.2], [0.05, 0.04]).coefficients, pd.DataFrame)
    assert_type(rs.glmm("y ~ arm + (1 | subject)", rows, family="poisson"), rs.GlmmFit)
    assert_type(rs.pool([0.1, 0.2], [0.05, 0.04]), rs.Pooled)
    assert_type(rs.pool([0.1, 0.2], [0.05, 0.04], prior=rs.HalfNormal(0.2)), rs.Posterior)
    assert_type(rs.pool_counts(rows, measure="rate_ratio"), rs.PooledCounts)
    assert_type(rs.escalc(rows, "SMD", vtype="UB"), pd.DataFrame)
    assert_type(rs.means_from_medians(rows), pd.DataFrame)
    assert_type(rs.pool(rows).egger(), pd.DataFrame)
    assert_type(rs.pool(rows).predict({"year": [2000]}), pd.DataFrame)
    assert_type(rs.moments("y ~ arm + (1 | subject)", rows), rs.Moments)
    assert_type(rs.load_audit(), rs.Audit)
    assert_type(rs.load_cohort("cohort.csv"), rs.Cohort)
    assert_type(rs.replicate(audit="folder", draws=64), rs.Replication)
    assert_type(rs.explore(lambda v: (v["d"], v["d"], v["d"]), {"d": (0, 1)}), rs.Exploration)
    assert_type(rs.plan("energy_30", people=[30]), rs.Plan)
    assert_type(rs.Reported("12.30"), rs.Reported)
    assert_type(rs.__version__, str)
    return rs.InputError


def wrong(rows: pd.DataFrame, fit: rs.LmmFit) -> None:
    rs.lmm(rows, "y ~ arm")  # type: ignore[call-overload]
    rs.lmm("y ~ arm", rows, REML=True)  # type: ignore[call-overload]
    rs.lmm("y ~ arm", rows, ddf="kenward")  # type: ignore[call-overload]
    rs.glmm("y ~ arm", rows, famly="poisson")  # type: ignore[call-arg]
    rs.pool([0.1], [0.2], method=1)  # type: ignore[call-overload]
    rs.pool([0.1], [0.2], test="t", prior=rs.HalfNormal(0.2))  # type: ignore[call-overload]
    rs.pool_counts(rows)  # type: ignore[call-arg]
    rs.escalc(rows, "SMD", ti=[2.0])  # type: ignore[call-arg]
    rs.pool([0.1], [0.2]).egger(model="lm")  # type: ignore[arg-type]
    rs.HalfNormal("wide")  # type: ignore[arg-type]
    rs.replicate(draws="many")  # type: ignore[arg-type]
    rs.judge()  # type: ignore[call-arg]
    rs.explore({"d": (0, 1)}, lambda v: v)  # type: ignore[arg-type]
    rs.lmmm("y ~ arm", rows)  # type: ignore[attr-defined]
    print(fit.coefs)  # type: ignore[attr-defined]
    fit.conf_int(which="both")  # type: ignore[arg-type]
    fit.bootstrap(n=10, seed=1)  # type: ignore[call-arg]
    rs.power(n_sim=10)  # type: ignore[call-arg]
    fit.loglik.text()  # type: ignore[attr-defined]
