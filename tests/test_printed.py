"""Printed numbers that contradict one another, and arrays that are none, are refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import retrostats as rs

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
