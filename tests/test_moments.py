"""Moments: printed tables, merging, and the same fit as the rows they summarise."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from doors.models import Correlation, surrogate_rows
from hypothesis import given
from hypothesis import strategies as st

import retrostats as rs
from retrostats import InputError, NotIdentified

FIT_RTOL = 1e-9  # the same numbers summed in another order
TRIAL = "y ~ arm * time + (1 | subject)"


def _cells() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "arm": ["backward", "backward", "control", "control"],
            "time": ["pre", "post"] * 2,
            "n": [13, 13, 12, 12],
            "mean": [25.0, 24.0, 26.0, 25.8],
            "sd": [3.0, 3.1, 2.8, 3.3],
        }
    )


def _same_fit(a: rs.LmmFit, b: rs.LmmFit, rtol: float = FIT_RTOL) -> None:
    np.testing.assert_allclose(a.beta, b.beta, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(a.loglik, b.loglik, rtol=rtol)
    for column in ("std_error", "df"):
        np.testing.assert_allclose(a.coefficients[column], b.coefficients[column], rtol=rtol)
    np.testing.assert_allclose(
        a.variance_components["vcov"], b.variance_components["vcov"], rtol=rtol, atol=rtol
    )


@pytest.mark.parametrize("r", [-0.5, 0.0, 0.4, 0.95])
def test_a_table_is_the_rows_it_summarises(r: float) -> None:
    printed = rs.moments_from_summary(_cells(), correlation=r)
    rows = surrogate_rows(printed, np.random.default_rng(4))
    assert rows["surrogate"].all()
    cells = rows.groupby(["arm", "time"], observed=True)["y"].agg(["mean", "std"])
    np.testing.assert_allclose(cells["mean"].sort_index(), [24, 25, 25.8, 26], rtol=1e-12)
    np.testing.assert_allclose(cells["std"].sort_index(), [3.1, 3.0, 3.3, 2.8], rtol=1e-12)
    for covariance in ("lme4", "signed-cs"):
        _same_fit(
            rs.lmm(TRIAL, printed, covariance=covariance),
            rs.lmm(TRIAL, rows, covariance=covariance),
        )
    _same_fit(rs.lmm(TRIAL, rs.moments(TRIAL, rows)), rs.lmm(TRIAL, rows))


def test_roles_of_columns_are_inferred_or_asked_for() -> None:
    cells = _cells()
    wanted = rs.moments_from_summary(cells, correlation=0.7, within="time", between="arm")
    for kwargs in ({}, {"within": "time"}, {"between": ["arm"]}):
        found = rs.moments_from_summary(cells, correlation=0.7, **kwargs)  # type: ignore[arg-type]
        assert found.columns == wanted.columns
        assert len(found.patterns) == 2
    renamed = cells.rename(columns={"arm": "club", "time": "visit"})
    with pytest.raises(InputError, match="vary within a subject"):
        rs.moments_from_summary(renamed, correlation=0.7)
    by_key = rs.moments_from_summary(renamed, correlation={"backward": 0.7, "control": 0.7})
    assert by_key.columns == ("club", "visit")
    alone = cells.query("arm == 'control'").rename(columns={"time": "gait"}).drop(columns="arm")
    assert rs.moments_from_summary(alone, correlation=0.7).columns == ("gait",)
    constant = rs.moments_from_summary(
        cells.assign(study="one"), correlation={"backward": 0.7, "control": 0.7}
    )
    assert len(constant.patterns) == 2


def test_se_in_place_of_sd() -> None:
    cells = _cells()
    by_se = cells.assign(se=cells["sd"] / np.sqrt(cells["n"])).drop(columns="sd")
    a, b = (rs.moments_from_summary(c, correlation=0.7) for c in (cells, by_se))
    for p, q in zip(a.patterns, b.patterns, strict=True):
        assert p.scatter is not None
        np.testing.assert_allclose(p.scatter, q.scatter, rtol=1e-14)


def test_correlation_matrix_and_three_conditions() -> None:
    cells = pd.DataFrame(
        {"time": [0.0, 1.0, 2.0], "n": 15, "mean": [5.0, 6.0, 6.5], "sd": [1.0, 1.2, 1.1]}
    )
    matrix = np.array([[1, 0.8, 0.6], [0.8, 1, 0.7], [0.6, 0.7, 1]])
    printed = rs.moments_from_summary(cells, correlation=matrix)
    rows = surrogate_rows(printed, np.random.default_rng(1))
    wide = rows.pivot(index="subject", columns="time", values="y")
    np.testing.assert_allclose(wide.corr(), matrix, atol=1e-12)
    formula = "y ~ time + (time || subject)"
    _same_fit(rs.lmm(formula, printed), rs.lmm(formula, rows), rtol=1e-7)


def _r_of(correlation: Correlation) -> float:
    return correlation.resolve(10, (23.0, 21.0), (3.2, 3.0))


def test_what_implies_a_correlation_implies_the_same_one() -> None:
    from scipy import stats

    sd = (3.2**2 + 3.0**2 - 2 * 0.8 * 3.2 * 3.0) ** 0.5
    t = 2.0 / (sd / 10**0.5)
    half = stats.t.ppf(0.975, 9) * sd / 10**0.5
    implied = [
        Correlation.from_sd_change(sd),
        Correlation.from_t(-t),
        Correlation.from_p(2 * stats.t.sf(t, 9)),
        Correlation.from_ci(-2 - half, -2 + half),
    ]
    np.testing.assert_allclose([_r_of(c) for c in implied], 0.8, rtol=1e-9)


def test_impossible_and_missing_numbers_are_named() -> None:
    cells = _cells()
    with pytest.raises(NotIdentified, match="within-pair correlation of pre and post in arm"):
        rs.moments_from_summary(cells)
    with pytest.raises(NotIdentified, match="'control'"):
        rs.moments_from_summary(cells, correlation={"backward": 0.8})
    with pytest.raises(InputError, match="outside"):
        rs.moments_from_summary(cells, correlation=1.2)
    with pytest.raises(InputError, match="implies a correlation"):
        rs.moments_from_summary(cells, correlation=Correlation.from_sd_change(30.0))
    with pytest.raises(NotIdentified, match="does not determine"):
        Correlation.from_p(0.5).resolve(10, (3.0, 3.0), (1.0, 1.0))
    with pytest.raises(NotIdentified, match="n differs"):
        rs.moments_from_summary(cells.assign(n=[13, 12, 12, 12]), correlation=0.5)
    with pytest.raises(NotIdentified, match="at least 2"):
        rs.moments_from_summary(cells.assign(n=1), correlation=0.5)
    with pytest.raises(NotIdentified, match="SD"):
        rs.moments_from_summary(cells.assign(sd=[3.0, np.nan, 2, 2]), correlation=0.5)
    with pytest.raises(InputError, match="printed twice"):
        rs.moments_from_summary(pd.concat([cells, cells]), correlation=0.5)
    with pytest.raises(InputError, match="below zero"):
        rs.moments_from_summary(cells.assign(sd=-1.0), correlation=0.5)
    with pytest.raises(InputError, match="no column"):
        rs.moments_from_summary(cells.drop(columns="n"), correlation=0.5)


def test_models_the_moments_do_not_identify() -> None:
    printed = rs.moments_from_summary(_cells(), correlation=0.5)
    with pytest.raises(NotIdentified, match="without sex"):
        rs.lmm("y ~ arm * time + sex + (1 | subject)", printed)
    with pytest.raises(InputError, match="transform the rows"):
        rs.lmm("log(y) ~ arm * time + (1 | subject)", printed)
    with pytest.raises(NotIdentified, match="residual variance is not identified"):
        rs.lmm("y ~ arm * time + (time | subject)", printed)
    single = _cells().query("time == 'pre'")
    with pytest.raises(NotIdentified, match="repeated measurements"):
        rs.lmm("y ~ arm + (1 | subject)", rs.moments_from_summary(single))


def _trial(n: int = 9, seed: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "subject": np.repeat([f"s{i}" for i in range(n)], 3),
            "arm": np.repeat(np.where(np.arange(n) % 3 == 0, "a", "b"), 3),
            "time": np.tile([0.0, 1.0, 2.0], n),
        }
    )
    frame["y"] = rng.normal(size=3 * n) + np.repeat(rng.normal(size=n), 3) + frame.time
    return frame.drop(index=[4, 11])


@given(st.lists(st.integers(0, 3), min_size=9, max_size=9), st.randoms(use_true_random=False))
def test_any_split_between_subjects_merges_to_the_whole(parts: list[int], random: object) -> None:
    data = _trial()
    whole = rs.lmm("y ~ arm * time + (time | subject)", data)
    owner = dict(zip(data["subject"].unique(), parts, strict=True))
    order = sorted(set(parts))
    random.shuffle(order)  # type: ignore[attr-defined]
    merged = None
    for part in order:
        rows = data[data["subject"].map(owner) == part]
        piece = rs.moments("y ~ arm * time + (1 | subject)", rows)
        merged = piece if merged is None else merged + piece
    assert merged is not None
    assert merged.n_obs == len(data)
    fit = rs.lmm("y ~ arm * time + (time | subject)", merged)
    np.testing.assert_allclose(fit.beta, whole.beta, rtol=1e-8)
    np.testing.assert_allclose(fit.loglik, whole.loglik, rtol=1e-10)
    np.testing.assert_allclose(
        fit.coefficients["std_error"], whole.coefficients["std_error"], rtol=1e-6
    )


def test_merging_refuses_other_variables_and_lists_both() -> None:
    a = rs.moments("y ~ time + (1 | subject)", _trial())
    b = rs.moments("y ~ arm + (1 | subject)", _trial())
    with pytest.raises(InputError, match=r"\(time\).*\(arm\)"):
        _ = a + b
    ordered = _trial().assign(arm=lambda d: pd.Categorical(d["arm"], ["b", "a"]))
    with pytest.raises(InputError, match="a, b in one and b, a"):
        _ = b + rs.moments("y ~ arm + (1 | subject)", ordered)


def test_centring_is_refused_where_the_counts_decide_it() -> None:
    cells = _cells().assign(dose=[1.0, 2.0, 1.0, 2.0])
    printed = rs.moments_from_summary(cells, correlation=0.5, within=["time", "dose"])
    with pytest.raises(InputError, match="transform the column before"):
        rs.lmm("y ~ center(dose) + (1 | subject)", printed)


def test_moments_pickle() -> None:
    whole = rs.moments("y ~ arm * time + (1 | subject)", _trial())
    again = pickle.loads(pickle.dumps(whole))  # noqa: S301 - our own bytes
    _same_fit(
        rs.lmm("y ~ arm * time + (1 | subject)", again),
        rs.lmm("y ~ arm * time + (1 | subject)", whole),
    )


def test_balanced_subjects_share_one_pattern() -> None:
    reduced = rs.moments("y ~ time + (1 | subject)", _trial().query("subject not in ['s1', 's3']"))
    assert len(reduced.patterns) == 1
    assert reduced.patterns[0].n == 7


def _bytes_of(moments: rs.Moments) -> list[tuple[bytes, ...]]:
    return [
        (p.design.tobytes(), np.float64(p.n).tobytes(), p.mean.tobytes(), p.scatter.tobytes())
        for p in moments.patterns
    ]


@pytest.mark.parametrize("kind", ["rows", "cells"])
def test_the_order_in_which_moments_are_added_changes_no_byte(kind: str) -> None:
    """Nor does which two of them are added first."""
    rng = np.random.default_rng(8)
    parts = []
    for i in range(4):
        n = 30 + i
        frame = pd.DataFrame(
            {"subject": np.repeat([f"{i}-{j}" for j in range(n)], 2), "arm": ["a", "b"] * n,
             "y": 1e3 * i + rng.normal(size=2 * n) * 10.0**i}
        )  # fmt: skip
        made = rs.moments("y ~ arm + (1 | subject)", frame)
        if kind == "cells":  # four cohorts of one study
            frame = frame.assign(study="s", base=rng.normal(size=2 * n))
            made = rs.moments("y ~ arm + base + (1 | study)", frame).as_cells()
        parts.append(made)
    a, b, c, d = parts
    sums = [a + b + c + d, d + (c + (b + a)), (a + d) + (b + c), c + (a + b) + d]
    assert len({str(_bytes_of(total)) for total in sums}) == 1
    assert sums[0].n_obs == sum(part.n_obs for part in parts)
