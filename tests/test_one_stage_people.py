"""One stage of one effect a person: the batch against `lmm`, and both against two stages."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.evidence import (
    FORMULA,
    not_significant_source,
    one_stage_fit,
    one_stage_measure,
    one_stage_row,
    percentage_source,
)
from doors.models import one_stage, one_stage_batch

import retrostats as rs
from retrostats import NotIdentified, Reported, Unknown, explore, moments_arms

#: Two optimisers of one likelihood, each to the root of rounding or better.
SAME_RTOL = 1e-6
#: With 10^8 people a study the variances are known to 1e-4, and their square is left.
LARGE_RTOL = 1e-6
#: Two ways to solve one well-conditioned system of six equations.
STEP_RTOL = 1e-9


def _studies(draws: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    n = np.array([13, 12, 6, 5, 10])[:k]
    mask = rng.random((draws, k)) < 0.8
    mask[:, :2] = True
    return rng.normal(0.25, 0.12, (draws, k)), rng.uniform(0.05, 0.3, (draws, k)), n, mask


def _lmm(n: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> rs.LmmFit:
    cells = pd.DataFrame({"study": np.arange(len(n)), "arm": 0, "n": n, "mean": mean, "sd": sd})
    return rs.lmm(FORMULA, moments_arms(cells.astype({"study": str})), residual="study")


def test_the_batch_is_the_mixed_model_draw_by_draw() -> None:
    mean, sd, n, mask = _studies(24, 5)
    got = one_stage_batch(mean, sd**2, n, mask)
    assert (got.tau2 == 0).any()  # boundary fits are among them
    assert (got.tau2 > 0).any()
    for i, keep in enumerate(mask):
        fit = _lmm(n[keep], mean[i, keep], sd[i, keep])
        row = fit.coefficients.iloc[0]
        assert got.estimate[i] == pytest.approx(row["estimate"], rel=SAME_RTOL)
        assert got.std_error[i] == pytest.approx(row["std_error"], rel=SAME_RTOL)
        assert got.df[i] == pytest.approx(row["df"], rel=SAME_RTOL)
        tau2 = fit.variance_components["vcov"][0]
        assert got.tau2[i] == pytest.approx(tau2, rel=SAME_RTOL, abs=1e-9)
    contained = one_stage_batch(mean, sd**2, n, mask, ddf="contained")
    np.testing.assert_array_equal(contained.df, mask.sum(1) - 1)


def test_the_step_by_woodbury_is_the_one_along_eigenvectors() -> None:
    mean, sd, n, mask = _studies(200, 5)
    everyone = np.tile(n, (200, 1))
    people = one_stage._People(mean.T, (sd**2).T, everyone.T, mask.T.astype(float))
    x = np.vstack([np.repeat([0.0, 0.01], 100), np.zeros((5, 200))])
    here = one_stage._point(people, x)
    held = (x[0] == 0.0) & (here.gradient[0] >= 0.0)
    step, decrement, bowl = one_stage._bowl_step(here, held)
    turned, decrement_2 = one_stage._turned_step(here, held)
    assert {(bool(a), bool(b)) for a, b in zip(bowl, held, strict=True)} >= {
        (True, True),
        (True, False),
        (False, False),
    }  # every case is there
    np.testing.assert_allclose(step[:, bowl], turned[:, bowl], rtol=STEP_RTOL, atol=STEP_RTOL)
    np.testing.assert_allclose(decrement[bowl], decrement_2[bowl], rtol=STEP_RTOL)


def test_one_stage_is_two_stages_where_variances_are_known() -> None:
    mean, sd, n, _ = _studies(10, 5)
    large = np.full(5, 1e8)
    one = one_stage_batch(mean, sd**2 / n * large, large)
    for i in range(10):
        two = rs.pool(mean[i], sd[i] / np.sqrt(n), test="kenward-roger")
        assert one.estimate[i] == pytest.approx(two.estimate, rel=LARGE_RTOL)
        assert one.std_error[i] == pytest.approx(two.std_error, rel=LARGE_RTOL)


def _sources() -> list:
    spread = Unknown("spread (C)", 0.05, 0.3)
    return [
        percentage_source("A", Reported("35"), 4, Reported("6")),
        percentage_source("B", Reported("20"), 12, Reported("4")),
        not_significant_source("C", 10, spread),
    ]


def test_bounded_studies_and_raw_rows_enter_one_model() -> None:
    rows = pd.DataFrame({"study": "own", "y": [0.1, 0.3, 0.25, 0.2, 0.15], "arm": 0})
    fit = one_stage_fit(_sources(), [rows])
    assert fit.n_obs == 31
    assert set(fit.residual_sd.index) == {"A", "B", "C", "own"}
    assert fit.residual_sd["own"] == pytest.approx(rows["y"].std(), rel=0.2)
    assert "own" in one_stage_fit(_sources(), [rows.head(2)]).residual_sd.index
    with pytest.raises(NotIdentified, match="own"):
        one_stage_fit(_sources(), [rows.head(2).assign(y=0.1)])


def test_the_measure_moves_over_what_was_left_open() -> None:
    measure = one_stage_measure(_sources(), "id", "one stage")
    found = explore(measure.estimator(0.95), measure.unknowns, draws=64, seed=1)
    assert found.conf_low < found.draws["conf_low"].min() + 1e-12
    assert found.conf_high > found.draws["conf_high"].max() - 1e-12
    assert found.at_low["effect printed in words only (C)"] < 0


def test_every_study_of_the_audit_is_in_it(whole) -> None:
    rows = whole.estimates.set_index("estimate_id")
    printed, every = rows.loc["mc-one-stage"], rows.loc["mc-one-stage-all"]
    assert printed["n"] == rows.loc["mc-pool", "n"]
    assert every["n"] == printed["n"] + 8 + 10 + 9  # Rasica 2020, Paes 2016 and Reilly 1984
    two = rows.loc["mc-pool"]
    assert np.log(printed["estimate"]) == pytest.approx(np.log(two["estimate"]), rel=0.01)
    assert "two stages on the same numbers give" in every["note"]


def test_the_row_says_who_of_a_cohort_is_in_the_pool_and_not_in_the_model() -> None:
    own = pd.DataFrame({"study": "own", "y": [0.1, 0.3, 0.25, np.nan, 0.15], "arm": 0})
    flat = pd.DataFrame({"study": "flat", "y": [0.1, 0.1], "arm": 0})
    what = {"quantity": "q", "directness": "direct"}
    row = one_stage_row(_sources(), "id", "One stage", "ratio", [own, flat], **what)
    assert row.n == 4 + 12 + 10 + 4
    assert row.label == "One stage (4 studies)"
    assert "3 people of own cohorts" in row.note
    whole = one_stage_row(_sources(), "id", "One stage", "ratio", [own.dropna()], **what)
    assert "own cohorts" not in whole.note
