"""Synthesis of likelihoods of any form on a grid: against normal theory and against quadrature."""

from __future__ import annotations

import math

import numpy as np
import pytest
from doors.models import (
    LEAST_STEPS,
    GridDensity,
    convolved,
    grid_posterior,
    kernel,
    log_weights,
    marginals,
    posterior,
    posteriors,
    predictive,
    tau_nodes,
    theta_grid,
)
from scipy.stats import nct, norm, t

from retrostats import HalfNormal, InputError

#: What a probability and, in units of the smallest standard error, a quantile may be off.
EXACT = 1e-4
#: What a quantile of tau may be off, in units of the prior's scale: it is shown to two digits.
TAU = 2e-3
#: Relative error of a convolution: a t with 3 df falls slowest, its logs bend most between points.
QUADRATURE, NEAR = 1e-5, 2e-4
#: Steps of the grid of the tests.
STEP = 0.05 / 3
#: Standard normal, by a sum whose error is below 1e-12.
Z = np.linspace(-9, 9, 2001)
#: The same tables, one by one and many at once: the order of sums, and a grid that is not refined.
BATCH = 1e-5
RNG = np.random.default_rng(8)


def normal(theta, y, se):
    return -0.5 * ((theta - np.asarray(y)[:, None]) / np.asarray(se)[:, None]) ** 2


CASES = {
    "one source": ([0.3], [0.05], 0.2, 0.2),
    "two that differ": ([0.3, 0.1], [0.05, 0.03], 0.2, 0.2),
    "nodes made for a scale four times as large": ([0.3, 0.1], [0.05, 0.03], 0.05, 0.2),
    "precise beside vague": ([0.2, 0.3, 0.1], [0.004, 0.05, 0.3], 0.2, 0.2),
    "ten alike": (RNG.normal(0.2, 0.05, 10), [0.03] * 10, 0.2, 0.2),
    "forty without differences": (RNG.normal(0.2, 0.03, 40), [0.03] * 40, 0.2, 0.2),
    "a hundred that differ": (RNG.normal(0.2, 0.1, 100), [0.03] * 100, 0.2, 0.2),
    "one far off": ([0.2] * 7 + [0.7], [0.02] * 8, 0.2, 0.2),
}


@pytest.mark.parametrize("case", CASES)
def test_normal_likelihoods_give_the_posterior_of_normal_theory(case) -> None:
    y, se, scale, largest = (np.asarray(part) for part in CASES[case])
    theta = theta_grid(float((y - 6 * se).min()), float((y + 6 * se).max()), se.min(), largest)
    tau, _ = tau_nodes(float(largest))
    weights = log_weights(tau, float(scale))
    marginal = marginals(normal(theta, y, se), theta, tau)
    found = grid_posterior(marginal, theta, tau, weights)
    total = marginal.sum(axis=0, keepdims=True)
    added = grid_posterior(total, theta, tau, weights, sources=len(y))
    assert added.tau.to_numpy() == pytest.approx(found.tau.to_numpy(), abs=1e-12)
    exact = posterior(y, se**2, HalfNormal(float(scale)))
    for new_study in (False, True):
        for x in (0.0, 0.1, 0.21, exact.estimate, exact.conf_low, exact.conf_high):
            gap = found.probability(x, new_study=new_study) - exact.probability(
                x, new_study=new_study
            )
            assert abs(gap) < EXACT
    for name in ("estimate", "conf_low", "conf_high"):
        assert abs(getattr(found, name) - getattr(exact, name)) < EXACT * se.min() * 2
    ends = found.quantile(0.025, new_study=True), found.quantile(0.975, new_study=True)
    assert np.allclose(ends, (exact.pred_low, exact.pred_high), atol=EXACT)
    for name in ("median", "conf_low", "conf_high"):
        assert abs(found.tau[name] - exact.tau[name]) < TAU * scale


def higher(theta, sd=0.15, n=11, alpha=0.05):
    """P(T > t_alpha): a result in words."""
    return nct.sf(t.ppf(1 - alpha / 2, n - 1), n - 1, theta / (sd / math.sqrt(n)))


def few(theta, y=0.25, se=0.05, df=3):
    return t.pdf((theta - y) / se, df)


@pytest.mark.parametrize("width", [0.0, 0.002, 0.009, 0.012, 0.05, 0.2, 0.9])
def test_marginals_are_the_integral_at_every_tau(width) -> None:
    """Below a step, above it and far above it; in words it goes on flat beyond the grid."""
    theta = theta_grid(-0.5, 1.0, 0.05, 0.2)
    rows = np.array([few(theta), np.clip(higher(theta), 1e-290, 1)])
    found = np.exp(marginals(np.log(rows), theta, np.array([width])))[:, 0]
    for row, like in zip(found, (few, higher), strict=True):
        for j in (int(np.searchsorted(theta, x)) for x in (-0.2, 0.1, 0.3, 0.7)):
            mu = theta[j]
            exact = (like(mu + width * Z) * norm.pdf(Z)).sum() * (Z[1] - Z[0])
            assert row[j] == pytest.approx(exact, rel=NEAR if 0 < width < STEP else QUADRATURE)


def test_a_t_likelihood_and_one_in_words_give_what_quadrature_gives() -> None:
    """Brute force: tau by its own rule, the integrals over theta and mu as sums of fine steps."""
    theta = theta_grid(-0.5, 1.0, 0.05, 0.2)
    tau, weights = tau_nodes(0.2)
    rows = np.log([few(theta), few(theta, 0.05, 0.08, 5), np.clip(higher(theta), 1e-290, 1)])
    found = grid_posterior(marginals(rows, theta, tau), theta, tau, weights)

    fine = np.linspace(-16, 16, 128001)
    tables = [few(fine), few(fine, 0.05, 0.08, 5), higher(fine)]
    mu, z = np.linspace(-2.5, 3.0, 1101), np.linspace(-8, 8, 201)
    nodes, length = np.polynomial.legendre.leggauss(40)
    density = np.zeros_like(mu)
    for node, part in zip(0.5 * (1 + nodes) * 1.2, length, strict=True):
        at = mu[:, None] + node * z
        product = part * math.exp(-0.5 * (node / 0.2) ** 2)
        for table in tables:
            product = product * (np.interp(at, fine, table) @ norm.pdf(z))
        density += product
    cumulative = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2)])
    for x in (0.0, 0.1, 0.2, 0.4):
        exact = 1 - np.interp(x, mu, cumulative / cumulative[-1])
        assert abs(found.probability(x) - exact) < EXACT


def test_many_tables_at_once_are_the_tables_one_by_one() -> None:
    theta = theta_grid(-0.5, 1.0, 0.05, 0.2)
    tau, weights = tau_nodes(0.2)
    both = np.array([weights, log_weights(tau, 0.05)])
    tables = -0.5 * ((theta - RNG.normal(0.2, 0.15, (40, 3, 1))) / 0.06) ** 2
    tables[20:, 2] = np.log(np.clip(higher(theta), 1e-290, 1))
    sets = np.array([[1, 1, 1], [1, 1, 0]])
    many, two = posteriors(tables, theta, tau, both, members=sets, new_study=True)
    for i in (0, 7, 39):
        for found, prior in zip(many, both, strict=True):
            one = grid_posterior(marginals(tables[i], theta, tau), theta, tau, prior)
            for new_study in (False, True):
                gap = found.probability(0.05, 0.4, new_study=new_study)[i] - one.probability(
                    0.05, 0.4, new_study=new_study
                )
                assert abs(gap) < BATCH
                assert found.quantile(0.3, new_study=new_study)[i] == pytest.approx(
                    one.quantile(0.3, new_study=new_study), abs=BATCH
                )
        pair = grid_posterior(marginals(tables[i, :2], theta, tau), theta, tau, both[0])
        assert two[0].probability(0.1)[i] == pytest.approx(pair.probability(0.1), abs=BATCH)


def test_nothing_comes_round_from_the_other_edge() -> None:
    theta = theta_grid(-0.5, 1.0, 0.05, 0.2)
    one_sided = np.log(np.clip(higher(theta), 1e-290, 1))
    found = np.exp(marginals(one_sided[None], theta, np.array([0.01, 0.1, 0.5, 1.5])))[0]
    assert np.allclose(found[:2, -1], 1.0)
    assert (np.diff(found, axis=-1) > -QUADRATURE).all()
    for points in (12, 40, len(theta)):
        flat = marginals(np.zeros((1, points)), theta[:points], np.array([0.001, 0.05, 0.12, 2.0]))
        assert np.allclose(flat, 0.0, atol=1e-12)


def test_a_likelihood_with_a_jump_is_not_swung_over() -> None:
    """A polynomial through logs that jump by hundreds would lie far above both sides."""
    theta = theta_grid(-0.5, 1.0, 0.05, 0.2)
    jump = np.where(theta < 0.2, -600.0, 0.0)
    found = np.exp(marginals(jump[None], theta, np.array([0.002, 0.01, 0.015, 0.1])))[0]
    assert found.max() < math.exp(0.5)
    assert (found[:, theta < 0.2 - 10 * 0.1] < 1e-15).all()
    assert np.allclose(found[-1], norm.cdf((theta - 0.2) / 0.1), atol=0.04)


def test_probabilities_between_grid_points_are_smooth_and_never_fall() -> None:
    theta = theta_grid(-0.3, 0.9, 0.05, 0.2)
    tau, weights = tau_nodes(0.2)
    found = grid_posterior(
        marginals(normal(theta, [0.2, 0.3], [0.05, 0.08]), theta, tau), theta, tau, weights
    )
    x = np.linspace(0, 0.5, 400)
    below = np.array([found.probability(high=value) for value in x])
    assert (np.diff(below) > 0).all()
    assert np.abs(np.diff(below, 3)).max() < 1e-5
    for p in (0.01, 0.3, 0.9):
        assert found.probability(high=found.quantile(p)) == pytest.approx(p, abs=1e-9)


def above_at(y, se, node: int) -> float:
    """P(mu > 0) at one node of tau."""
    y, se = np.asarray(y), np.asarray(se)
    theta = theta_grid(float((y - 9 * se).min()), float((y + 9 * se).max()), se.min(), 0.2)
    tau, _ = tau_nodes(0.2)
    joint = marginals(normal(theta, y, se), theta, tau[[node]]).sum(axis=0)[0]
    return float(GridDensity.of(theta, joint).probability(0.0, math.inf))


@pytest.mark.parametrize("node", [0, 12, 25, 32])
def test_at_a_fixed_tau_more_never_says_less(node) -> None:
    """A raise of any source; more precision of one of at least half the pooled mean."""
    rng = np.random.default_rng(node)
    for _ in range(6):
        y, se = rng.normal(0.05, 0.15, 4), rng.uniform(0.03, 0.15, 4)
        tau, _ = tau_nodes(0.2)
        weight = 1 / (se**2 + tau[node] ** 2)
        mean = (weight @ y) / weight.sum()
        now = above_at(y, se, node)
        for i in range(4):
            raised, sharper = y.copy(), se.copy()
            raised[i] += rng.uniform(0, 1)
            assert above_at(raised, se, node) >= now - EXACT
            sharper[i] *= rng.uniform(0.5, 1)
            if y[i] >= mean / 2:
                assert above_at(y, sharper, node) >= now - EXACT
    assert above_at([0.2, 0.1, 0.2], [0.1, 0.1, 0.1], node) > above_at(
        [0.2, -0.1, 0.2], [0.1, 0.1, 0.1], node
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: theta_grid(1, 0, 0.1, 0.2), "low is below high"),
        (lambda: theta_grid(0, 1, 0.0, 0.2), "smallest_se is finite and above 0"),
        (lambda: tau_nodes(-1.0), "scale is finite and above 0"),
        (lambda: log_weights(np.array([0.1, 0.2]), 0.1), "make them with tau_nodes"),
        (lambda: marginals(np.zeros((1, 3)), np.arange(4.0), np.zeros(1)), "one value a point"),
    ],
)
def test_what_cannot_be_is_refused(call, words) -> None:
    with pytest.raises(InputError, match=words):
        call()


#: What a probability may be off with a new source as sharp as the grid allows.
PREDICTED = 1e-4
#: Sums of positive numbers in another order.
CONVOLVED = 1e-13


def test_a_new_source_beside_a_pool_gives_the_posterior_of_all() -> None:
    """Two sets, two priors, four new sources: a sharp one, one far away, a t, one in the middle."""
    theta = theta_grid(-0.3, 0.9, 0.03, 0.2)
    tau, main = tau_nodes(0.2)
    weights = np.array([main, log_weights(tau, 0.05)])
    pool = normal(theta, [0.2, 0.35, 0.1], [0.03, 0.1, 0.06])
    sharp = LEAST_STEPS * (theta[1] - theta[0])
    new = np.vstack([
        normal(theta, [0.3, 0.24, 1.3], [sharp, 0.03, 0.05]),
        t.logpdf((theta - 0.8) / 0.1, 3)[None],
    ])  # fmt: skip
    each, ends = marginals(pool, theta, tau), np.array([-np.inf, 0.0, 0.223, 0.3, np.inf])
    sets = [[0, 1, 2], [0]]
    totals = np.stack([each[members].sum(axis=0) for members in sets])
    found = predictive(totals, theta, tau, weights, ends).probability_below(new)
    assert found.shape == (2, 2, 5, 4)
    own = marginals(new, theta, tau)
    for g, members in enumerate(sets):
        for s, weight in enumerate(weights):
            for d in range(len(new)):
                whole = grid_posterior(np.concatenate([each[members], own[d : d + 1]]), theta, tau,
                                       weight)  # fmt: skip
                below = [whole.probability(high=float(end)) for end in ends]
                np.testing.assert_allclose(found[g, s, :, d], below, atol=PREDICTED)


@pytest.mark.parametrize("width", [2.4, 7.3, 31.0, 700.0])
@pytest.mark.parametrize("m", [40, 64, 333])
def test_blocks_of_a_convolution_are_the_whole(m: int, width: float) -> None:
    """Of values over many decades, so that the smallest count too."""
    rng = np.random.default_rng(5)
    values = np.exp(-0.5 * (np.arange(m) / 15.0) ** 2 + rng.normal(size=(2, 3, m)))
    weights = kernel(width, m)
    reach = len(weights) // 2
    apart = np.arange(m)[:, None] - np.arange(m)
    matrix = np.where(np.abs(apart) <= reach, weights[np.clip(apart + reach, 0, 2 * reach)], 0.0)
    np.testing.assert_allclose(convolved(values, weights), values @ matrix, rtol=CONVOLVED)


def test_a_new_source_alone_has_the_posterior_of_one() -> None:
    """Nothing beside it: by quadrature over tau, P(mu < 0) = E Phi(-y / sqrt(se^2 + tau^2))."""
    theta, (tau, weight) = theta_grid(0.1, 0.5, 0.1, 0.2), tau_nodes(0.2)
    flat = np.zeros((1, len(tau), len(theta)))
    found = predictive(flat, theta, tau, weight[None], np.array([0.0]))
    p = found.probability_below(normal(theta, [0.3], [0.1])).item()
    nodes = np.linspace(0, 2, 20_001)
    prior = norm.pdf(nodes, scale=0.2)
    exact = (prior * norm.cdf(-0.3 / np.hypot(0.1, nodes))).sum() / prior.sum()
    assert p == pytest.approx(exact, abs=PREDICTED)
