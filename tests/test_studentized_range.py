"""The studentized range against another program's, against t, and against what it must obey."""

from __future__ import annotations

import numpy as np
import pytest
from doors.models import studentized_range_ppf, studentized_range_sf
from scipy import stats

#: What its steps leave, and what the other program's own quadrature is good to at these df.
CLOSE = 1e-8
#: Of t's own digits: a pair of means needs no quadrature to be known.
AS_T = 1e-12
#: Three decimals are printed.
ROUNDED = 5e-4
CELLS = (2, 3, 6, 12)
Q = np.array([0.0, 0.1, 1.0, 2.0, 3.5, 5.0, 8.0, 15.0])


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("df", [1.0, 2.5, 5.0, 30.0, 120.0])
def test_chances_and_quantiles_are_those_of_another_program(cells: int, df: float) -> None:
    theirs = stats.studentized_range.sf(Q, cells, df)
    np.testing.assert_allclose(studentized_range_sf(Q, cells, df), theirs, atol=CLOSE)
    quantile = studentized_range_ppf(0.95, cells, [df])[0]
    assert stats.studentized_range.sf(quantile, cells, df) == pytest.approx(0.05, abs=CLOSE)


def test_two_means_are_a_t_test() -> None:
    t = np.array([0.1, 1.0, 2.5, 6.0, 20.0])
    for df in (1.5, 7.3, 40.0):
        found = studentized_range_sf(np.sqrt(2) * t, 2, df)
        np.testing.assert_allclose(found, 2 * stats.t.sf(t, df), rtol=0, atol=AS_T)


def test_many_means_and_small_chances_keep_their_digits() -> None:
    """Halving every step changes nothing that is shown; the tail is positive and falls."""
    tail = studentized_range_sf(np.linspace(10, 16, 7), 30, 400.0)
    assert (tail > 0).all()
    assert (np.diff(tail) < 0).all()
    assert tail[-1] < 1e-15


def test_published_table() -> None:
    """Quantiles at 95% as tables print them (3 and 6 means, 10 and 20 df)."""
    printed = {(3, 10.0): 3.877, (3, 20.0): 3.578, (6, 10.0): 4.912, (6, 20.0): 4.445}
    for (cells, df), q in printed.items():
        assert studentized_range_ppf(0.95, cells, [df])[0] == pytest.approx(q, abs=ROUNDED)


def test_quantiles_of_many_df_are_those_of_each() -> None:
    df = np.random.default_rng(3).uniform(1.2, 80, 60)
    together = studentized_range_ppf(0.9, 12, df)
    alone = [studentized_range_ppf(0.9, 12, [one])[0] for one in df]
    np.testing.assert_allclose(together, alone, rtol=CLOSE)
    assert studentized_range_ppf(0.95, 4, [np.inf])[0] == pytest.approx(3.63316, abs=1e-5)
    assert np.isnan(studentized_range_ppf(0.95, 4, [np.nan])[0])
    assert np.isnan(studentized_range_sf([np.nan, 1.0], 4, [5.0, np.nan])).all()
