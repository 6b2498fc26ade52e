"""Triangular systems, solved by whichever routine is fast for their shape."""

from __future__ import annotations

import numpy as np
import pytest
from doors.models import substitute


@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 2), (4, 60)])
@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_substitute_solves_either_way_for_any_number_of_columns(shape, transpose, order) -> None:
    rng = np.random.default_rng(1)
    upper = np.triu(rng.normal(size=(4, 4))) + 3 * np.eye(4)
    b = np.array(rng.normal(size=shape), order=order)
    kept = b.copy()
    x = substitute(upper, b, transpose=transpose)
    assert x.shape == shape
    np.testing.assert_allclose((upper.T if transpose else upper) @ x, b, atol=1e-13)
    assert np.array_equal(b, kept)


def test_what_stands_below_the_diagonal_is_not_read() -> None:
    full = np.arange(1.0, 10.0).reshape(3, 3)
    b = np.ones((3, 2))
    assert np.array_equal(substitute(full, b), substitute(np.triu(full), b))
