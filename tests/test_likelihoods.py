"""Likelihoods of printed rows against data that are drawn, printed and read."""

from __future__ import annotations

import math

import numpy as np
import pytest
from doors.evidence import (
    RATIO_OF_MEANS,
    CorrelationPrior,
    Nodes,
    PrintedSource,
    SpreadPrior,
    chi_nodes,
    log_likelihoods,
    read_rows,
    reported_source,
    rounding_points,
    sides_source,
    words_source,
)
from doors.evidence import EffectMeasure as Measure
from doors.evidence import likelihoods as lik
from scipy import stats

#: Quadrature against scipy's own special functions.
SAME = 1e-6
#: Five standard errors of a share of 20,000 draws.
SHARE = 5 * math.sqrt(0.25 / 20_000)
#: Printed tables, and four standard errors of a coverage of 95% in so many.
TABLES = 400
COVERED = 4 * math.sqrt(0.95 * 0.05 / TABLES)
THETA = np.linspace(-1.5, 2.0, 71)
LOG, PLAIN = Measure(RATIO_OF_MEANS), Measure("mean difference")


def below(nodes: Nodes, x: float) -> float:
    """Distribution function of the mixture that a row became, the effect being flat before it."""
    t = (x - nodes.estimate) / nodes.std_error
    return float(np.exp(nodes.log_weight) @ stats.t.cdf(t, nodes.df))


def covered(places: list[float]) -> float:
    """Share of true effects within the central 95%."""
    return float(np.mean(np.abs(np.array(places) - 0.5) < 0.475))


def source(measure: Measure, **cells: str) -> PrintedSource:
    (row,) = read_rows({"study": ["A"], **{k: [v] for k, v in cells.items()}})
    return (reported_source if "estimate" in cells else sides_source)(row, measure)


def nodes_of(found: PrintedSource, prior: CorrelationPrior | None = None) -> Nodes:
    assert found.nodes is not None
    return found.nodes(prior or CorrelationPrior())


def test_t_is_the_density_of_student_and_of_the_normal() -> None:
    ours = lik.t_log_likelihood(THETA, [0.3, 0.1], [0.2, 0.4], [7.0, math.inf])
    theirs = [
        stats.t.logpdf(0.3, 7, loc=THETA, scale=0.2),
        stats.norm.logpdf(0.1, loc=THETA, scale=0.4),
    ]
    np.testing.assert_allclose(ours, theirs, rtol=SAME)


def test_a_mixture_is_the_weighted_mean_of_its_densities() -> None:
    ours = lik.mixed_log_likelihood(THETA, [0.3, 0.1], [0.2, 0.4], [7.0, 4.0], np.log([0.25, 0.75]))
    theirs = 0.25 * stats.t.pdf(0.3, 7, THETA, 0.2) + 0.75 * stats.t.pdf(0.1, 4, THETA, 0.4)
    np.testing.assert_allclose(np.exp(ours), theirs, rtol=SAME)


def test_draws_stand_in_front() -> None:
    rng = np.random.default_rng(1)
    estimate, error = rng.normal(0, 1, (5, 3)), rng.uniform(0.1, 0.5, (5, 3))
    whole = lik.t_log_likelihood(THETA, estimate, error, 9)
    assert whole.shape == (5, 3, len(THETA))
    np.testing.assert_array_equal(
        whole[2, 1], lik.t_log_likelihood(THETA, estimate[2, 1], error[2, 1], 9)
    )


def test_many_rows_at_once_are_each_their_own_mixture() -> None:
    rng = np.random.default_rng(2)
    estimate, error = rng.normal(0, 1, (40, 3, 1)), rng.uniform(0.001, 0.5, (40, 3, 1))
    error = error * rng.uniform(0.8, 1.2, (40, 3, 6))
    weight = np.log(rng.dirichlet(np.ones(6), (40, 3)))
    df = rng.integers(3, 900, (40, 3, 1)).astype(float)
    many = lik.mixed_log_likelihood(THETA, estimate, error, df, weight)
    assert many.shape == (40, 3, len(THETA))
    assert many.min() < -700  # beyond what a double holds
    for i in range(40):
        one = lik.mixed_log_likelihood(THETA, estimate[i], error[i], df[i], weight[i])
        np.testing.assert_allclose(many[i], one, rtol=SAME)


def test_a_long_grid_is_looked_at_in_parts_that_change_no_byte() -> None:
    rng = np.random.default_rng(3)
    estimate, error = rng.normal(0.2, 0.01, 512), rng.uniform(0.02, 0.1, 512)
    log_weight, theta = np.log(np.full(512, 1 / 512)), np.linspace(-1, 1, 333)
    whole = lik.averaged(lik.t_log_likelihood(theta, estimate, error, 9.0), log_weight)
    got = lik.mixed_log_likelihood(theta, estimate, error, 9.0, log_weight)
    np.testing.assert_array_equal(got, whole)
    # 333 is no whole number of parts: the last is shorter
    assert len(theta) % (lik._BYTES // (8 * 512))


def test_a_statistic_has_the_noncentral_t_density() -> None:
    for df, t in ((3, 0.5), (12, 2.4), (60, -1.0)):
        ours = lik.t_statistic_log_likelihood(THETA * 2, t, df)
        np.testing.assert_allclose(np.exp(ours), stats.nct.pdf(t, df, THETA * 2), rtol=SAME)


def test_nodes_of_the_chi_give_its_moments() -> None:
    for df in (1.0, 4.0, 300.0):
        s, weight = chi_nodes(df)
        assert float(weight @ s**2) == pytest.approx(1.0, rel=SAME)
        assert float(weight @ s) == pytest.approx(stats.chi.mean(df) / math.sqrt(df), rel=SAME)


@pytest.mark.parametrize(
    ("word", "p", "reported"),
    [
        ("higher", "<0.05", lambda t, p: (p < 0.05) & (t > 0)),
        ("lower", "<0.01", lambda t, p: (p < 0.01) & (t < 0)),
        ("not significant", "", lambda t, p: p > 0.05),
        ("higher", "ns", lambda t, p: (p > 0.05) & (t > 0)),
    ],
)
def test_words_have_the_probability_with_which_tests_say_them(word, p, reported) -> None:
    rng = np.random.default_rng(3)
    n, draws = 8, 20_000
    prior = SpreadPrior(0.12, 0.5, 0.05, 0.3)
    (row,) = read_rows(
        {"study": ["A"], "design": ["crossover"], "n": [str(n)], "estimate": [word], "p": [p]}
    )
    found = words_source(row, LOG)
    for theta in (-0.1, 0.0, 0.08, 0.2):
        u = rng.uniform(*stats.norm.cdf(np.log([0.05 / 0.12, 0.3 / 0.12]) / 0.5), draws)
        sd = 0.12 * np.exp(0.5 * stats.norm.ppf(u))
        people = theta + sd[:, None] * rng.standard_normal((draws, n))
        t = people.mean(axis=1) / (people.std(axis=1, ddof=1) / math.sqrt(n))
        seen = reported(t, 2 * stats.t.sf(abs(t), n - 1)).mean()
        said = float(np.exp(found.log_likelihood(np.array([theta]), CorrelationPrior())[0]))
        assert said == pytest.approx(float(seen), abs=SHARE)
    assert prior.nodes()[0].min() > 0.05


def test_the_table_of_words_is_the_integral_itself() -> None:
    at = np.linspace(-12, 12, 333)
    exact = np.exp(lik.between_log_likelihood(at, 2.3, math.inf, 7))
    np.testing.assert_allclose(np.exp(lik.between_by_table(at, 2.3, math.inf, 7)), exact, atol=SAME)


def test_pairs_that_are_printed_cover_their_effect_over_the_prior_of_the_correlation() -> None:
    """13 people, means at one decimal, Fisher's z of the correlation from the stated prior."""
    rng = np.random.default_rng(5)
    prior, n, places = CorrelationPrior(0.9, 0.5), 13, []
    for _ in range(TABLES):
        theta, r = rng.normal(4, 2), math.tanh(rng.normal(0.9, 0.5))
        cov = [[25.0, 15.0 * r], [15.0 * r, 9.0]]
        people = rng.multivariate_normal([30 + theta, 30], cov, n)
        first, second = (f"{x.mean():.1f} SD {x.std(ddof=1):.1f}" for x in people.T)
        found = source(PLAIN, design="crossover", n=str(n), first=first, second=second)
        places.append(below(nodes_of(found, prior), theta))
    assert covered(places) == pytest.approx(0.95, abs=COVERED)
    assert np.mean(places) == pytest.approx(0.5, abs=4 * 0.29 / math.sqrt(TABLES))


def test_a_p_that_is_printed_cuts_the_correlation_to_the_one_that_gives_it() -> None:
    rng = np.random.default_rng(6)
    people = rng.multivariate_normal([34, 30], [[25, 12], [12, 9]], 11)
    gap = people[:, 0] - people[:, 1]
    p = 2 * stats.t.sf(abs(gap.mean()) / (gap.std(ddof=1) / math.sqrt(11)), 10)
    first, second = (f"{x.mean():.3f} SD {x.std(ddof=1):.3f}" for x in people.T)
    cells = {"design": "crossover", "n": "11", "first": first, "second": second}
    errors = nodes_of(source(PLAIN, **cells, p=f"{p:.6f}")).std_error
    # six decimals of p leave the error known to its third digit
    np.testing.assert_allclose(errors, gap.std(ddof=1) / math.sqrt(11), rtol=5e-3)
    open_errors = nodes_of(source(PLAIN, **cells)).std_error
    assert open_errors.max() > 1.5 * open_errors.min()
    smaller = nodes_of(source(PLAIN, **cells, p="<0.05")).std_error
    assert smaller.max() <= abs(gap.mean()) / stats.t.isf(0.025, 10) * 1.001


def test_coarse_rounding_widens_a_pair_by_its_variance() -> None:
    cells = {"design": "crossover", "n": "40", "r": "0.9"}
    coarse = nodes_of(source(PLAIN, **cells, first="34 SD 2.00", second="30 SD 2.00"))
    fine = nodes_of(source(PLAIN, **cells, first="34.000 SD 2.000", second="30.000 SD 2.000"))
    spread = float(np.exp(coarse.log_weight) @ (coarse.estimate - 4) ** 2)
    # two uniform numbers of width 1 have variance 1 / 12 each
    assert spread == pytest.approx(2 / 12, rel=1e-3)
    assert float(np.ptp(fine.estimate)) < 0.01
    assert rounding_points([0.5, 0.5]).var(axis=0) == pytest.approx([1 / 12, 1 / 12])


def test_two_groups_cover_their_log_ratio() -> None:
    rng = np.random.default_rng(7)
    places = []
    for _ in range(TABLES):
        theta = rng.normal(0.2, 0.1)
        first, second = rng.normal(30 * math.exp(theta), 5, 12), rng.normal(30, 3, 9)
        texts = [f"{x.mean():.2f} SD {x.std(ddof=1):.2f}" for x in (first, second)]
        found = source(LOG, design="parallel", n="12 / 9", first=texts[0], second=texts[1])
        places.append(below(nodes_of(found), theta))
    assert covered(places) == pytest.approx(0.95, abs=COVERED)


def test_an_interval_and_an_exact_p_give_back_the_error() -> None:
    rng = np.random.default_rng(8)
    by_interval, by_p = [], []
    for _ in range(TABLES):
        theta = rng.normal(0.3, 0.1)
        people = rng.normal(theta, 0.3, 10)
        mean, error = people.mean(), people.std(ddof=1) / math.sqrt(10)
        half = stats.t.isf(0.05, 9) * error
        shown = [f"{math.exp(x):.3f}" for x in (mean, mean - half, mean + half)]
        cells = {"design": "crossover", "n": "10", "estimate": shown[0]}
        found = source(LOG, **cells, low=shown[1], high=shown[2], level="90")
        by_interval.append(below(nodes_of(found), theta))
        p = 2 * stats.t.sf(abs(mean) / error, 9)
        if 0.0005 < p < 0.9:
            by_p.append(below(nodes_of(source(LOG, **cells, p=f"{p:.3f}")), theta))
    assert covered(by_interval) == pytest.approx(0.95, abs=COVERED)
    assert covered(by_p) == pytest.approx(0.95, abs=1.5 * COVERED)  # fewer have such a p


def test_bare_percentages_cover_their_effect_over_the_prior_of_the_spread() -> None:
    rng = np.random.default_rng(9)
    sds, log_weight = SpreadPrior(0.12, 0.5, 0.05, 0.3).nodes()
    # the nodes' own distribution: its quantile function drawn from
    u = rng.uniform(*stats.norm.cdf(np.log([0.05 / 0.12, 0.3 / 0.12]) / 0.5), TABLES)
    drawn = 0.12 * np.exp(0.5 * stats.norm.ppf(u))
    assert float(np.exp(log_weight) @ sds) == pytest.approx(drawn.mean(), rel=0.03)
    places = []
    for sd in drawn:
        theta = rng.normal(0.25, 0.1)
        shown = 100 * math.expm1(theta + sd / math.sqrt(9) * rng.standard_normal())
        found = source(LOG, design="crossover", n="9", estimate=f"{shown:.0f}%")
        places.append(below(nodes_of(found), theta))
    assert covered(places) == pytest.approx(0.95, abs=COVERED)


def test_rates_have_the_probability_of_their_split() -> None:
    rng = np.random.default_rng(10)
    theta, exposure = 0.4, (120.0, 80.0)
    first = rng.poisson(0.06 * math.exp(theta) * exposure[0], 20_000)
    second = rng.poisson(0.06 * exposure[1], 20_000)
    given = first + second == 14
    for y in (7, 9, 11):
        seen = (first[given] == y).mean()
        grid = np.array([theta])
        said = math.comb(14, y) * np.exp(
            lik.rates_log_likelihood(grid, (y, 14 - y), exposure)
            + y * math.log(exposure[0]) + (14 - y) * math.log(exposure[1])
        )  # fmt: skip
        error = 5 * math.sqrt(0.25 / given.sum())
        assert float(said[0]) == pytest.approx(float(seen), abs=error)


#: Densities added up themselves, and by their logs relative to the largest, in doubles.
TOGETHER_ATOL = 1e-11


def test_sources_evaluated_together_are_each_its_own() -> None:
    """Of as many nodes together, in their order, whatever stands between: words, other counts."""
    rng, prior = np.random.default_rng(2), CorrelationPrior()
    sources = []
    for i in range(200):
        q = (1, 16, 64)[i % 3]
        df = np.full(q, math.inf if i % 7 == 0 else 5.0 + i)
        log_weight = np.full(q, -math.log(q))
        held = Nodes(rng.normal(0, 0.3, q), rng.uniform(0.05, 0.4, q), df, log_weight)
        words = {"curve": lambda theta, c=i / 200: -np.abs(theta - c)} if i % 11 == 0 else {
            "nodes": lambda _, held=held: held
        }  # fmt: skip
        sources.append(PrintedSource(f"s{i}", i + 1, "spread or error", "", **words))
    together = log_likelihoods(sources, THETA, prior)
    for source, found in zip(sources, together, strict=True):
        np.testing.assert_allclose(
            found, source.log_likelihood(THETA, prior), rtol=TOGETHER_ATOL, atol=TOGETHER_ATOL
        )


def test_odds_are_the_noncentral_hypergeometric() -> None:
    theta = np.linspace(-2, 2, 9)
    ours = lik.odds_log_likelihood(theta, (4, 9), (30, 25))
    theirs = [stats.nchypergeom_fisher.logpmf(4, 55, 13, 30, math.exp(x)) for x in theta]
    np.testing.assert_allclose(ours, theirs, rtol=SAME)


@pytest.mark.parametrize("log", [True, False])
def test_risks_mirror_when_the_arms_are_exchanged(log: bool) -> None:
    grid = np.linspace(-0.9, 0.9, 19)
    one = lik.risks_log_likelihood(grid, (4, 9), (30, 25), log=log)
    other = lik.risks_log_likelihood(-grid, (9, 4), (25, 30), log=log)
    np.testing.assert_allclose(one - one.max(), other - other.max(), atol=1e-6)


def test_risks_cover_their_ratio() -> None:
    """Two arms of 60 and 50, risks from 5 to 40%."""
    rng = np.random.default_rng(12)
    grid = np.linspace(-3, 3, 241)
    places = []
    for _ in range(TABLES):
        p2 = rng.uniform(0.1, 0.4)
        theta = rng.uniform(-0.6, min(0.6, -math.log(p2) - 0.2))
        y = rng.binomial(60, p2 * math.exp(theta)), rng.binomial(50, p2)
        if min(y) == 0:
            continue
        log = lik.risks_log_likelihood(grid, y, (60, 50))
        density = np.exp(log - log.max())
        places.append(density[grid < theta].sum() / density.sum())
    # counts are discrete: coverage moves about 95% by some points in so few tables
    assert covered(places) == pytest.approx(0.95, abs=COVERED)


def test_many_people_leave_the_ratio_of_risks_its_usual_error() -> None:
    grid = np.linspace(0.2, 0.6, 401)
    log = lik.risks_log_likelihood(grid, (3000, 2000), (20_000, 20_000))
    density = np.exp(log - log.max())
    density /= density.sum()
    mean = float(density @ grid)
    sd = math.sqrt(float(density @ (grid - mean) ** 2))
    assert mean == pytest.approx(math.log(1.5), abs=2e-3)
    usual = math.sqrt(1 / 3000 - 1 / 20_000 + 1 / 2000 - 1 / 20_000)
    assert sd == pytest.approx(usual, rel=0.01)


def test_a_design_effect_divides_the_information_of_counts() -> None:
    one = lik.rates_log_likelihood(THETA, (4, 9), (30, 25))
    np.testing.assert_allclose(lik.rates_log_likelihood(THETA, (4, 9), (30, 25), 2.0), one / 2)


def test_smd_of_two_groups_covers_the_true_one() -> None:
    rng = np.random.default_rng(13)
    n = (9, 14)
    grid = np.linspace(-4, 5, 361)
    root_n = math.sqrt(n[0] * n[1] / sum(n))
    true = rng.normal(0.5, 0.5, TABLES)
    first = true[:, None] + rng.standard_normal((TABLES, n[0]))
    second = rng.standard_normal((TABLES, n[1]))
    pooled = np.sqrt(
        (8 * first.var(axis=1, ddof=1) + 13 * second.var(axis=1, ddof=1)) / (sum(n) - 2)
    )
    t = (first.mean(axis=1) - second.mean(axis=1)) / pooled * root_n
    log = lik.smd_log_likelihood(grid, t, sum(n) - 2.0, root_n)
    density = np.exp(log - log.max(axis=1, keepdims=True))
    places = (density * (grid < true[:, None])).sum(axis=1) / density.sum(axis=1)
    assert covered(list(places)) == pytest.approx(0.95, abs=COVERED)


def test_an_unlabelled_spread_is_an_error_only_where_people_can_differ_so() -> None:
    cells = {"design": "crossover", "n": "16", "first": "31.3 ± 1.4", "second": "27.2 ± 1.2"}
    plain = source(PLAIN, **cells)
    assert "read as SD" in plain.became
    both = source(PLAIN, **cells, cv_high="0.3")
    assert "SD or SE" in both.became
    assert nodes_of(both).error_at(0.5) > nodes_of(plain).error_at(0.9)
    # as an error 1.4 would be an SD of 5.6, 18% of the mean: more than 15%
    assert source(PLAIN, **cells, cv_high="0.15").became == plain.became
