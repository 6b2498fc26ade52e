"""Printed numbers that contradict one another, and arrays that are none, are refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

#: The paired t and the fit agree to rounding and the stop of the search, 1e-9 of the deviance.
PAIRED_RTOL = 1e-6
ARM = {"study": ["A"], "arm": [0], "n": [1], "mean": [3.0], "sd": [1.0]}


def _three(r: list[list[float]]) -> rs.Moments:
    cells = pd.DataFrame(
        {"time": list("abc"), "n": 10, "mean": [10.0, 11.0, 13.0], "sd": [2.0, 2.2, 2.5]}
    )
    return rs.moments_from_summary(cells, correlation=r)


def test_three_different_correlations_are_not_fitted_by_one() -> None:
    moments = _three([[1, 0.8, 0.3], [0.8, 1, 0.6], [0.3, 0.6, 1]])
    with pytest.raises(rs.NotIdentified, match="unstructured"):
        rs.lmm("y ~ time + (1 | subject)", moments)


def _two(r: float) -> rs.Moments:
    cells = pd.DataFrame({"time": list("ab"), "n": 10, "mean": [10.0, 11.0], "sd": [2.0, 2.2]})
    return rs.moments_from_summary(cells, correlation=r)


def test_residual_variances_by_condition_are_no_way_around_the_refusal() -> None:
    moments = _three([[1, 0.8, 0.3], [0.8, 1, 0.6], [0.3, 0.6, 1]])
    with pytest.raises(rs.NotIdentified, match=r"0.8, 0.3, 0.6"):
        rs.lmm("y ~ time + (1 | subject)", moments, residual="time")


def test_correlations_alike_to_their_rounding_are_fitted_by_one() -> None:
    moments = _three([[1, 0.61, 0.6], [0.61, 1, 0.6], [0.6, 0.6, 1]])
    assert rs.lmm("y ~ time + (1 | subject)", moments).converged


def test_a_negative_printed_correlation_takes_the_signed_covariance_and_says_so(
    tmp_path: Path,
) -> None:
    printed = _two(-0.4)
    printed.save(tmp_path / "m.json")
    spread = math.sqrt(2.0**2 + 2.2**2 + 2 * 0.4 * 2.0 * 2.2)
    for moments in (printed, rs.load_moments(tmp_path / "m.json")):
        fit = rs.lmm("y ~ time + (1 | subject)", moments)
        row = fit.coefficients.iloc[1]
        assert row["std_error"] == pytest.approx(spread / math.sqrt(10), rel=PAIRED_RTOL)
        assert row["df"] == pytest.approx(9, rel=PAIRED_RTOL)
        assert "covariance='signed-cs' was taken" in fit.summary()
    asked = rs.lmm("y ~ time + (1 | subject)", printed, covariance="lme4")
    assert asked.singular
    assert "signed" not in asked.summary()
    assert "signed" not in rs.lmm("y ~ time + (1 | subject)", _two(0.4)).summary()


def test_files_of_moments_of_before_and_those_that_lie_about_print(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    _two(-0.4).save(path)
    document = json.loads(path.read_text())
    assert document.pop("printed") is True
    path.write_text(json.dumps(document))
    assert not rs.load_moments(path).printed
    path.write_text(json.dumps(document | {"printed": "yes"}))
    with pytest.raises(rs.InputError, match="'printed' is neither true nor false"):
        rs.load_moments(path)


BAD: list[Callable[[], object]] = [
    lambda: rs.moments_arms(pd.DataFrame(ARM)),
    lambda: rs.Reported("1e999"),
    lambda: rs.se_from_p(float("nan"), 0.01, 12),
    lambda: rs.metabolic_rate_w(None, 1.0),  # type: ignore[arg-type]
    lambda: rs.pool(np.ma.masked_array([1.0, 2.0], [True, False]), [1.0, 1.0]),
    lambda: rs.pool([1 + 1j, 2], [1.0, 1.0]),
    lambda: rs.pool(np.array(["2020-01-01", "2020-01-02"], "M8[D]"), [1.0, 1.0]),
    lambda: rs.pool([1.0, 2.0], [1.0, 1.0], cluster=[np.nan, np.nan]),
    lambda: rs.explore(lambda v: (0, 1, -1), {"x": (0, 1)}, draws=8),
    lambda: rs.explore(lambda v: (0, -1, 1), {"x": (0, 1)}, draws=0),
]


@pytest.mark.parametrize("call", BAD)
def test_refused(call: Callable[[], object]) -> None:
    with pytest.raises(rs.InputError):
        call()
