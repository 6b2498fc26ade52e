"""Rows that are read in pieces and in memory, and what must agree between the two."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.testing import assert_allclose

SAME = 1e-9  # one pass and all rows at once are to differ by rounding alone
FORMULA = "y ~ x * arm + (x | subject)"


def rows(n=1_500, subjects=60, seed=1, mean=1e5) -> pd.DataFrame:
    """Subjects anywhere in the table, years far from zero, missing values."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(subjects, 2))
    who = rng.integers(0, subjects, n)
    frame = pd.DataFrame(
        {
            "subject": who * 1_000_003 - 5,
            "x": rng.normal(20.0, 2.0, n),
            "arm": rng.choice(["a", "b", "c"], n),
            "late": rng.choice([True, False], n),
        }
    )
    slope = 0.3 + 0.2 * u[who, 1]
    frame["y"] = mean + slope * frame["x"] + (frame["arm"] == "b") + u[who, 0] + rng.normal(size=n)
    frame.loc[[5, 700], "y"] = np.nan
    frame.loc[7, "arm"] = None
    return frame


def same(streamed, whole, fitted=SAME) -> None:
    assert streamed.terms == whole.terms
    assert (streamed.n_obs, streamed.n_dropped) == (whole.n_obs, whole.n_dropped)
    assert streamed.n_groups == whole.n_groups
    assert_allclose(streamed.loglik, whole.loglik, rtol=SAME)
    assert_allclose(streamed.theta, whole.theta, rtol=1e3 * fitted)  # flat at its optimum
    columns = ["estimate", "std_error", "df", "statistic"]
    assert_allclose(streamed.coefficients[columns], whole.coefficients[columns], rtol=1e2 * fitted)
    assert_allclose(streamed.beta, whole.beta, rtol=fitted)


def same_numbers(streamed, whole) -> None:
    assert streamed.terms == whole.terms
    assert_allclose(streamed.beta, whole.beta, rtol=1e-8)
    assert_allclose(streamed.loglik, whole.loglik, rtol=SAME)
