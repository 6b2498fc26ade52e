"""The search that all engines share: where it ends, the boundary, one problem beside many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from doors.models import along_hessian, descend, descend_all, newton, newton_step

#: A last step promises 1e-13 of a deviance of order one; the square root of what it leaves.
PLACE_ATOL = 1e-9


class Point(NamedTuple):
    deviance: float
    gradient: np.ndarray
    hessian: np.ndarray

    @property
    def curvature(self) -> np.ndarray:
        return self.hessian


def wells(x: np.ndarray, wanted: np.ndarray, weight: float = 1.0) -> Point:
    """Sum of w (x^2 - c)^2: minima at the roots of c, or at 0 where c is not positive."""
    away = x**2 - wanted
    curve = weight * (12 * x**2 - 4 * wanted)
    return Point(float((weight * away**2).sum()), 4 * weight * x * away, np.diag(curve))


def search(wanted, start, sizes=(1, 1), weight=1.0, **options):
    wanted = np.array(wanted, dtype=float)
    return descend(
        lambda x: wells(x, wanted, weight), np.array(start), along_hessian, sizes, **options
    )


def test_a_minimum_is_found_and_its_sign_turned() -> None:
    found = search((4.0, 0.25), (-1.0, 1.0))
    np.testing.assert_allclose(found.x, (2.0, 0.5), atol=PLACE_ATOL)
    assert found.converged
    assert not found.exhausted


@pytest.mark.parametrize("wanted", [0.0, -1.0], ids=["flat", "curved"])
def test_a_minimum_on_the_boundary_is_exactly_zero(wanted: float) -> None:
    assert search((4.0, wanted), (1.0, 0.3)).x[1] == 0.0


def test_a_small_minimum_that_costs_is_kept() -> None:
    """Zero is tried at 0.005 and refused: the deviance would rise by 0.6."""
    assert search((4.0, 2.5e-5), (1.0, 0.3), weight=1e9).x[1] == pytest.approx(5e-3)


def test_zero_is_no_boundary_where_signs_mean_something() -> None:
    assert search((4.0, 0.25), (-1.0, 1.0), sizes=()).x[0] == pytest.approx(-2.0)


def test_a_diagonal_becomes_zero_without_its_column() -> None:
    """One column of two elements, whose first is not needed and whose second is."""
    x = search((-1.0, 4.0, 4.0), (0.3, 1.0, 1.0), sizes=(2,)).x
    assert x[0] == 0.0
    np.testing.assert_allclose(x[1:], 2.0, atol=PLACE_ATOL)


def test_steps_that_run_out_are_no_convergence() -> None:
    found = search((4.0, 0.25), (100.0, 1.0), most=2)
    assert found.exhausted
    assert not found.converged
    assert found.steps == 2


def test_many_searches_end_where_each_alone_does() -> None:
    """k = 3 parameters of R = 50 criteria: columns of two and of one, some with zeros."""
    wanted = np.random.default_rng(5).normal(size=(3, 50))

    def criterion(x: np.ndarray, at: np.ndarray) -> Point:
        points = [wells(x[:, i], wanted[:, r]) for i, r in enumerate(at)]
        deviances, gradients, curves = zip(*points, strict=True)
        return Point(np.array(deviances), np.stack(gradients, -1), np.stack(curves, -1))

    def direction(gradient, curve, x):
        steps = [newton_step(gradient[:, r], curve[..., r], x[:, r]) for r in range(x.shape[1])]
        return np.stack([s for s, _ in steps], -1), np.array([fall for _, fall in steps])

    found, finished = descend_all(criterion, np.full((3, 50), 0.7), direction, (2,))
    assert finished.all()
    for r in range(50):
        alone = search(wanted[:, r], (0.7, 0.7, 0.7), (2,)).x
        np.testing.assert_array_equal(found[[0, 2], r] == 0.0, alone[[0, 2]] == 0.0)
        np.testing.assert_allclose(found[:, r], alone, atol=PLACE_ATOL)


def test_many_searches_say_which_ran_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "_MAX_STEPS", 2)
    goals = np.array([1.0, 1e8])

    def criterion(x: np.ndarray, at: np.ndarray) -> Point:
        return Point((x[0] - goals[at]) ** 2, 2 * (x - goals[at]), np.full((1, 1, len(at)), 2.0))

    def direction(gradient, curve, x):
        step = np.clip(-gradient / curve[0], -1.0, 1.0)
        return step, -0.5 * (step * gradient)[0]

    _, finished = descend_all(criterion, np.zeros((1, 2)), direction, ())
    assert finished.tolist() == [True, False]


#: Two ways to the same step of a Hessian whose condition is below 1e4.
STEP_RTOL = 1e-10


@pytest.mark.parametrize("turned", [False, True])
def test_a_step_of_many_parameters_is_that_of_the_eigenvectors(turned: bool) -> None:
    """Solved for where the Hessian is positive definite, along positive eigenvalues where not."""
    rng = np.random.default_rng(3)
    axes, _ = np.linalg.qr(rng.normal(size=(60, 60)))
    roots = np.geomspace(1.0, 1e3, 60) * np.where((np.arange(60) == 7) & turned, -1.0, 1.0)
    hessian, gradient = (axes * roots) @ axes.T, rng.normal(size=60)
    step, fall = newton_step(gradient, hessian, np.full(60, 1e6))
    wanted = -axes @ ((axes.T @ gradient) / np.abs(roots))
    np.testing.assert_allclose(step, wanted, rtol=STEP_RTOL, atol=STEP_RTOL)
    assert fall == pytest.approx(-0.5 * wanted @ gradient, rel=STEP_RTOL)
