"""The batched pool against the scalar one, draw by draw, and against a fine grid."""

from __future__ import annotations

import time

import numpy as np
import pytest
from doors.models import BATCH_METHODS, BATCH_TESTS, moment

from retrostats import InputError, random_effects_batch

#: Two implementations of one equation, solved to rounding.
SAME_RTOL = 1e-8
#: A grid of 4,000 points misses the lowest deviance by less than its curvature over one step.
GRID_ATOL = 1e-6
#: Four times what a 2-core machine under load took, so that only a loop over draws fails.
SECONDS = 1.0


def draws(n: int, k: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    v = rng.uniform(0.05, 0.8, (n, k)) ** 2
    return rng.normal(0, 0.3, (n, k)) + rng.normal(size=(n, k)) * np.sqrt(v), v


@pytest.mark.parametrize("method", BATCH_METHODS)
@pytest.mark.parametrize("test", [t for t in BATCH_TESTS if t != "kenward-roger"])
def test_equal_to_the_scalar_pool_with_studies_left_out(method, test) -> None:
    y, v = draws(60, 6)
    mask = np.random.default_rng(5).random((60, 6)) < 0.7
    mask[:, :2] = True
    y[~mask] = np.nan
    out = random_effects_batch(y, v, method=method, test=test, mask=mask)
    for i in range(60):
        keep = mask[i]
        X = np.ones((int(keep.sum()), 1))
        beta, cov, df, tau2 = moment(y[i, keep], v[i, keep], X, method, test, None)
        assert out.estimate[i] == pytest.approx(beta[0], rel=SAME_RTOL, abs=1e-10)
        assert out.std_error[i] == pytest.approx(np.sqrt(cov[0, 0]), rel=SAME_RTOL)
        assert out.tau2[i] == pytest.approx(tau2, rel=1e-6, abs=1e-9)
        assert out.df[i] == df[0]


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_the_lowest_of_several_minima(method) -> None:
    # One precise study far from two precise ones, and vague ones: two minima are common.
    rng = np.random.default_rng(11)
    v = 10.0 ** rng.uniform(-4, 1, (300, 5))
    y = rng.normal(size=(300, 5)) * np.sqrt(v + 0.02)
    tau2 = random_effects_batch(y, v, method=method).tau2
    grid = np.concatenate([[0.0], np.geomspace(1e-7, 100, 4000)])
    for i in range(300):
        found = deviance(y[i], v[i], tau2[i : i + 1], method)[0]
        assert found <= deviance(y[i], v[i], grid, method).min() + GRID_ATOL


def deviance(y, v, tau2, method) -> np.ndarray:
    w = 1 / (v + tau2[:, None])
    mean = (w @ y) / w.sum(axis=1)
    fit = -np.log(w).sum(axis=1) + (w * (y - mean[:, None]) ** 2).sum(axis=1)
    return fit + (np.log(w.sum(axis=1)) if method == "reml" else 0.0)


def test_one_study_and_none() -> None:
    out = random_effects_batch(
        [[0.3, np.nan], [np.nan, np.nan], [0.1, 0.2]], [[0.04, 1.0]] * 3,
        mask=[[True, False], [False, False], [True, True]],
    )  # fmt: skip
    assert (out.estimate[0], out.std_error[0], out.df[0]) == (0.3, 0.2, np.inf)
    assert np.isnan(out.tau2[:2]).all()
    assert np.isnan(out.estimate[1])
    assert np.isfinite(out.estimate[2])


def test_kenward_roger_with_equal_variances_is_the_t_test_of_effects() -> None:
    y = np.array([[0.1, 0.9, -0.4, 0.6]])
    out = random_effects_batch(y, np.full((1, 4), 0.01), test="kenward-roger")
    assert out.df[0] == pytest.approx(3, rel=SAME_RTOL)
    assert out.std_error[0] == pytest.approx(y.std(ddof=1) / 2, rel=SAME_RTOL)


def test_ten_thousand_pools_are_fast() -> None:
    y, v = draws(10_000, 6)
    start = time.process_time()
    random_effects_batch(y, v)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([[1.0, 2.0]], [0.1, 0.2, 0.3]), {}, "shapes do not fit"),
        (([[1.0, np.nan]], [0.1, 0.2]), {}, "draw 0, study 1"),
        (([[1.0, 2.0]], [0.1, 0.0]), {}, "above 0"),
        (([[1.0, 2.0]], [0.1, 0.1]), {"method": "best"}, "allowed"),
        (([[1.0, 2.0]], [0.1, 0.1]), {"test": "henmi-copas"}, "allowed"),
        (([[1.0, 2.0]], [0.1, 0.1]), {"test": "kenward-roger", "method": "dl"}, "reml"),
        (([[1.0, 2.0]], [0.1, 0.1]), {"mask": [[1.0, 0.0]]}, "true or false"),
        (([[[1.0]]], [[[0.1]]]), {}, "give \\(draws, k\\)"),
    ],
)
def test_bad_input(arguments, options, message) -> None:
    with pytest.raises(InputError, match=message):
        random_effects_batch(*arguments, **options)


@pytest.mark.parametrize("method", ["dl", "pm", "reml"])
def test_one_study_alone_is_itself(method) -> None:
    y, v = np.array([[0.2, 9.0], [0.2, 0.4]]), np.full((2, 2), 0.01)
    mask = np.array([[True, False], [True, True]])
    found = random_effects_batch(y, v, method=method, mask=mask)
    assert np.isnan(found.tau2[0])
    assert np.isinf(found.df[0])
    assert (found.estimate[0], found.std_error[0]) == pytest.approx((0.2, 0.1))
