"""The quick proof that no estimate is infinite agrees with the linear program, and never lies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.models import overlap_is_proved
from doors.models import separation_module as separation
from scipy.optimize import linprog

import retrostats as rs


def separated(moved: np.ndarray) -> bool:
    """By a linear program on all rows."""
    found = linprog(-moved.sum(axis=0), A_ub=-moved, b_ub=np.zeros(len(moved)), bounds=(-1, 1))
    return bool(-found.fun > 1e-7)


@pytest.mark.parametrize("n", [6, 9, 40])
def test_a_proof_is_found_where_rows_overlap_and_never_where_they_do_not(n) -> None:
    rng = np.random.default_rng(n)
    seen = []
    for _ in range(150):
        x = np.column_stack([np.ones(n), rng.integers(-2, 3, (n, 2))])
        moved = np.where(rng.random(n) < 0.5, 1.0, -1.0)[:, None] * x
        seen.append((separated(moved), overlap_is_proved(moved)))
    apart, proved = np.array(seen).T
    assert not (apart & proved).any()
    assert (proved | apart).mean() > 0.95  # the rest goes to the linear program
    assert proved.sum() > 5
    if n < 40:
        assert apart.sum() > 5


def test_one_row_that_touches_is_not_proved() -> None:
    """Quasi-separation: all rows of one group have the event, one of the other has none."""
    moved = np.array([[1.0, 1.0], [1.0, 1.0], [-1.0, 0.0], [1.0, 0.0]])
    assert separated(moved)
    assert not overlap_is_proved(moved)


def test_columns_that_move_no_row_or_repeat_others_do_not_hinder() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 2)) * np.where(rng.random(50) < 0.5, 1.0, -1.0)[:, None]
    assert overlap_is_proved(np.column_stack([x, x[:, 0] + x[:, 1], np.zeros(50)]))
    assert overlap_is_proved(np.zeros((5, 2)))


def test_no_linear_program_runs_where_it_is_not_needed(monkeypatch) -> None:
    """Its time grows faster than the rows: 11 of 12 s for 100,000."""
    import scipy.optimize

    def none(*_, **__):
        raise AssertionError("a linear program was started")

    monkeypatch.setattr(scipy.optimize, "linprog", none)
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"x": rng.normal(size=300), "subject": np.arange(300) % 30})
    rows["y"] = rng.binomial(1, 1 / (1 + np.exp(-rows["x"])))
    assert np.isfinite(rs.glmm("y ~ x + (1 | subject)", rows, family="binomial").beta).all()
    with pytest.raises(AssertionError):
        separation._program(np.array([[1.0, 1.0], [-1.0, 0.0], [1.0, 0.0]]))
