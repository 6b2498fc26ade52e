"""Plans: people needed by integration, by tables of others, and by the whole path."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import retrostats as rs
from retrostats.app.cli import main
from retrostats.audit.answer import answer_of
from retrostats.audit.audit import load_audit
from retrostats.audit.grades import SIZE_SUPPORTED
from retrostats.common.errors import InputError
from retrostats.evidence.printed.likelihoods import rates_log_likelihood
from retrostats.evidence.printed.measures import Measure
from retrostats.evidence.printed.sources import SPREAD, Nodes, PrintedSource
from retrostats.evidence.unreported.influence import quasi_random
from retrostats.evidence.unreported.likelihood import MEASURES, pooled_of, printed_source
from retrostats.evidence.unreported.sources import Effects, Source
from retrostats.planning.added import answers_with, drawn_answers, pool_needed
from retrostats.planning.assumed import assume
from retrostats.planning.designs import Counted, Measured
from retrostats.planning.power import right_label
from retrostats.planning.sentence import kept_open_by, sentence
from retrostats.planning.today import POOLED_MOST, today_of
from retrostats.report.figures.looks import DARK

BCG = Path(__file__).resolve().parent.parent / "examples" / "bcg"
NAN = float("nan")
CLAIM = load_audit().claims["energy_30"]
#: People that settle 25 to 35% (truth 1.30, power 90%) by SD of the log ratio between people.
SETTLES = {0.09: 60, 0.15: 165, 0.175: 224}
#: Those were simulated and rounded; ours may differ by as much.
PEOPLE = 0.02
#: How far a probability may be off the pool taken anew: a sharp study is widened to the grid.
AGREES = 0.003
#: Power at those sizes: 0.9 within three Monte Carlo errors of either simulation.
POWER = 0.01


def tost_power(people: int, spread: float, truth: float = 1.30) -> float:
    """Two one-sided t-tests at 5%, integrated over the sample variance."""
    df = people - 1
    grid = (np.arange(20_000) + 0.5) / 20_000
    margin = stats.t.ppf(0.95, df) * spread * np.sqrt(stats.chi2.ppf(grid, df) / df / people)
    low, high = np.log(1.25) + margin, np.log(1.35) - margin
    error = spread / math.sqrt(people)
    inside = stats.norm.cdf((high - np.log(truth)) / error) - stats.norm.cdf(
        (low - np.log(truth)) / error
    )
    return float(np.where(high > low, inside, 0).mean())


@pytest.mark.parametrize("spread", SETTLES)
def test_people_that_settle_the_size_agree_with_what_was_simulated_before(spread) -> None:
    people = SETTLES[spread]
    found = rs.plan("energy_30", spread=spread, people=[people])
    assert found.truth == pytest.approx(1.30)
    row = found.curve.query("side == 'size'").iloc[0]
    assert row["power"] == pytest.approx(0.9, abs=POWER)
    assert row["power"] == pytest.approx(tost_power(people, spread), abs=4 * row["mc_error"])
    assert found.people["size"] == pytest.approx(people, rel=PEOPLE)
    needed = found.needed.set_index("side").loc["size"]
    assert needed["people_low"] <= found.people["size"] <= needed["people_high"]


def test_direction_of_two_arms_is_that_of_students_test() -> None:
    """Power of a two-sample t-test by the noncentral t: SD within an arm is half the spread."""
    people, sd, effect = 60, 3.0, -2.0
    found = rs.plan("more_than_forward", truth=effect, spread=2 * sd, people=[people], draws=2**14)
    shift = effect / (sd * math.sqrt(4 / people))
    cut = stats.t.ppf(0.025, people - 2)
    row = found.curve.iloc[0]
    assert found.design == "two-arm"
    assert row["power"] == pytest.approx(stats.nct.cdf(cut, people - 2, shift), abs=0.01)


@pytest.mark.parametrize(("truth", "people", "rate"), [(1.5, 200, 5.0), (3.0, 20, 4.0)])
def test_counts_reject_as_often_as_an_exact_test_does(truth, people, rate) -> None:
    """Exact binomial tests of Poisson counts drawn one study at a time."""
    found = rs.plan("ligament_tears", truth=truth, rate=rate, exposure=100.0, people=[people])
    rng = np.random.default_rng(5)
    expected = rate / 1000 * 100 * people
    first, second = rng.poisson(expected * truth, 3000), rng.poisson(expected, 3000)
    above = [
        a + b > 0 and stats.binomtest(int(a), int(a + b), 0.5, "greater").pvalue < 0.025
        for a, b in zip(first, second, strict=True)
    ]
    row = found.curve.iloc[0]
    assert found.design == "counts"
    assert row["exposure"] == 2 * 100 * people
    assert row["power"] == pytest.approx(np.mean(above), abs=4 * math.sqrt(0.25 / 3000))


#: Monte Carlo error of 4000 simulated trials at power 0.9, four times over.
SIMULATED = 4 * math.sqrt(0.9 * 0.1 / 4000)


@pytest.mark.parametrize(("truth", "rate"), [(0.5, 4.0), (2.0, 3.0)])
def test_people_of_two_arms_of_counts_are_those_in_all(truth, rate) -> None:
    """Trials drawn with half of the stated people in each arm have the stated power."""
    audit = rs.load_audit(BCG)
    claim = replace(
        audit.claims["reduces"], scale="rate_ratio",
        claimed_direction="below" if truth < 1 else "above",
    )  # fmt: skip
    found = rs.plan(claim, audit=audit, truth=truth, rate=rate, exposure=50.0)
    people = found.people["direction"]
    assert found.design == "two-arm-counts"
    assert people % 2 == 0
    assert f"{people:.0f} people in all ({people / 2:.0f} an arm)" in found.summary()
    assert f"{people:.0f} people in all ({people / 2:.0f} an arm)" in repr(found)
    rng, mean = np.random.default_rng(11), rate / 1000 * 50 * people / 2
    one, other = rng.poisson(mean * truth, 4000), rng.poisson(mean, 4000)
    side = "less" if truth < 1 else "greater"
    tests = [
        a + b > 0 and stats.binomtest(int(a), int(a + b), 0.5, side).pvalue < 0.025
        for a, b in zip(one, other, strict=True)
    ]
    assert np.mean(tests) == pytest.approx(0.9, abs=SIMULATED)
    crossed = rs.plan(
        claim, audit=audit, truth=truth, rate=rate, exposure=50.0, people=[int(people)]
    )
    assert crossed.curve["exposure"].iloc[0] == 50 * people
    both = Counted(np.array([rate / 1000]), 50.0)
    arms = Counted(np.array([rate / 1000]), 50.0, 2)
    points = quasi_random(3, 64, 1)
    np.testing.assert_array_equal(
        both.limits(30, 0.1, points).low, arms.limits(60, 0.1, points).low
    )


def test_two_measured_arms_have_the_power_that_the_stated_people_give() -> None:
    """Half of the stated people in each arm, drawn and tested by t."""
    found = rs.plan("more_than_forward", truth=-1.0, spread=4.0, design="two-arm")
    people = found.people["direction"]
    assert f"({people / 2:.0f} an arm)" in found.summary()
    rng, arm = np.random.default_rng(3), int(people / 2)
    one, other = (rng.normal(m, 2.0, (4000, arm)) for m in (-1.0, 0.0))  # spread is 2 sd
    tests = stats.ttest_ind(one, other, axis=1, alternative="less").pvalue < 0.025
    assert np.mean(tests) == pytest.approx(0.9, abs=SIMULATED)


def test_limits_of_counts_are_those_of_clopper_and_pearson() -> None:
    found = Counted(np.array([0.05]), 10.0).limits(8, math.log(2), quasi_random(3, 64, 1))
    sound = np.isfinite(found.estimate)
    assert (found.low[sound] < found.estimate[sound]).all()
    assert (found.estimate[sound] < found.high[sound]).all()
    assert (found.low < found.narrow_low).all() or np.isinf(found.low).any()
    first, second = 9, 3
    share = stats.binomtest(first, first + second).proportion_ci(0.95)

    class One(Counted):
        pass

    position = (stats.poisson.cdf(first, 8.0) - 1e-9, stats.poisson.cdf(second, 4.0) - 1e-9)
    one = One(np.array([0.05]), 10.0).limits(8, math.log(2), np.array([[0.5, *position]]))
    assert np.exp(one.low[0]) == pytest.approx(share.low / (1 - share.low))
    assert np.exp(one.high[0]) == pytest.approx(share.high / (1 - share.high))


def test_no_more_false_labels_than_the_level_at_the_edges() -> None:
    """At an end of the range, 5% of studies support the size; at no difference, 2.5% a side."""
    at_edge = rs.plan("energy_30", truth=1.25, spread=0.1, people=[40, 400], draws=2**14)
    size = at_edge.curve.query("side == 'size'")
    assert (size["supported"] <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2**14)).all()
    assert (size["contradicted"] <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / 2**14)).all()
    assert math.isnan(at_edge.people["size"])
    assert "no study settles it" in at_edge.summary()
    none = rs.plan("energy_30", truth=1.0, spread=0.1, people=[40], draws=2**14)
    direction = none.curve.query("side == 'direction'").iloc[0]
    assert direction["supported"] == pytest.approx(0.025, abs=0.005)


def test_a_truth_outside_the_range_is_settled_by_contradiction() -> None:
    found = rs.plan("energy_30", truth=1.1, spread=0.1, people=[80])
    row = found.curve.query("side == 'size'").iloc[0]
    assert row["power"] == row["contradicted"] > 0.99
    assert found.needed.set_index("side").at["size", "settles"] == "contradicted"
    assert right_label(CLAIM, "direction", 0.9) == "contradicted"


def test_spreads_are_those_that_the_evidence_leaves() -> None:
    found = rs.plan("energy_30")
    spreads = found.spreads.set_index("source")
    # a standard error of 6 points on 35%, four people: 2 * 0.06 / 1.35
    assert spreads.at["Wright & Weyand 2001", "middle"] == pytest.approx(0.0889, abs=5e-4)
    rasica = spreads.loc["Rasica 2020", ["low", "high"]].to_numpy(dtype=float)
    assert rasica == pytest.approx([0.05, 0.3], abs=0.002)  # its declared range
    alone = [rs.plan("energy_30", spread=s, people=[9]).people["size"] for s in (0.05, 0.3)]
    assert alone[0] < found.people["size"] < alone[1]
    assert found.people["direction"] < found.people["size"]


def test_one_set_of_draws_makes_the_curve_grow_with_people() -> None:
    found = rs.plan("energy_30", spread=(0.09, 0.175))
    power = found.curve.query("side == 'size'")["power"].to_numpy()
    assert (np.diff(power[power > 0.05]) > 0).all()
    width = found.curve.drop_duplicates("people").eval("conf_high - conf_low").to_numpy()
    assert (np.diff(width) < 0).all()


def test_same_seed_same_plan_and_another_differs() -> None:
    first, again, other = (
        rs.plan("energy_30", people=[30, 60], draws=500, seed=seed) for seed in (1, 1, 2)
    )
    assert first.curve.equals(again.curve)
    assert first.added.equals(again.added)
    assert not first.curve.equals(other.curve)


def _with_new(given, today, people: int, points):
    """Drawn studies: estimate, standard error and df, and the answers of today's pool with each."""
    truth = np.full(len(points), given.model_truth)
    limits = given.study.limits(people, truth, points)
    df = people - given.study.groups
    error = (limits.high - limits.estimate) / stats.t.ppf(0.975, df)
    logs = given.study.log_likelihoods(people, truth, points, today.theta)
    return limits.estimate, error, df, answers_with(today, given.claim, logs)


@pytest.mark.parametrize(
    ("claim_id", "truth", "people", "spread"),
    [("energy_30", 1.3, 12, None), ("energy_30", 0.8, 400, None),
     ("body_fat_6wk", -2.5, 40, None), ("more_than_forward", -1.0, 30, 12.0),
     ("pounding", 1.1, 9, None), ("walk_energy", 1.3, 2000, None)],
)  # fmt: skip
def test_what_one_more_study_changes_is_what_the_path_says(claim_id, truth, people, spread) -> None:
    """Probabilities and labels of a few drawn studies, each pooled anew with today's sources."""
    audit = load_audit()
    given = assume(claim_id, audit, truth, spread, None, None, None, 3)
    today, points = today_of(given), quasi_random(3, 3, 5)
    estimate, error, df, found = _with_new(given, today, people, points)
    claim, typical = given.claim, float(np.median(given.spread_sample))
    for i in range(len(points)):
        effects = Effects(np.array(estimate[i]), np.array(error[i] ** 2))
        # the middle of the spreads sets the scale of the prior, not what one study happens to find
        new = PrintedSource(
            "new", 99, SPREAD, "", about=float(estimate[i]), error=float(error[i]), sd=typical,
            nodes=lambda prior, e=effects: Nodes.single(float(e.value), math.sqrt(e.variance), df),
        )  # fmt: skip
        kind = Measure(MEASURES[claim.scale])
        read = [printed_source(s, j, kind) for j, s in enumerate(given.measure.sources, start=1)]
        pooled = pooled_of(
            [*read, new], kind, null=claim.null_value, claimed=None, correlation=given.correlation
        )
        direct = answer_of(claim, pooled, "")
        mine = found.claimed[:, i]
        three = [direct.prob_direction, direct.prob_direction_min, direct.prob_direction_max]
        assert [mine[0], mine.min(), mine.max()] == pytest.approx(three, abs=AGREES)
        assert found.labels(claim, "direction")[i] == direct.direction
        if claim.has_size:
            mine = found.inside[:, i]
            three = [direct.prob_size, direct.prob_size_min, direct.prob_size_max]
            assert [mine[0], mine.min(), mine.max()] == pytest.approx(three, abs=AGREES)
            beside = [found.below[0, i], found.above[0, i]]
            assert beside == pytest.approx([direct.prob_below, direct.prob_above], abs=AGREES)
            assert found.labels(claim, "size")[i] == direct.size


def _three_sources(given, values, errors, n: int):
    """The same plan with three sources that print an estimate and its error."""
    sources = [
        Source(name, n, (), lambda _, y=y, e=e: Effects(np.array(y), np.array(e**2)))
        for name, y, e in zip("abc", values, errors, strict=True)
    ]
    return replace(given, measure=replace(given.measure, sources=tuple(sources)))


def test_what_one_more_study_changes_is_what_pool_printed_says() -> None:
    """Drawn studies as rows of a table beside three printed rows."""
    values, errors, n = [-1.5, -0.4, -0.9], [0.5, 0.4, 0.6], 16
    first = assume("more_than_forward", None, -1.0, 2.0, None, None, None, 3)
    given = _three_sources(first, values, errors, n)
    today = today_of(given)
    estimate, error, df, found = _with_new(given, today, 30, quasi_random(3, 4, 5))
    assert df == 28
    for i in range(len(estimate)):
        table = pd.DataFrame({
            "study": [*"abc", "new"], "design": "parallel", "n": [n] * 3 + [30],
            "estimate": [*values, estimate[i]], "se": [*errors, error[i]],
            "df": [n - 1] * 3 + [df],
        })  # fmt: skip
        prior = rs.HalfNormal(today.choices[0].tau_scale)
        pooled = rs.pool_printed(table, measure="mean difference", prior=prior)
        mine = found.claimed[:, i]
        below = (-math.inf, 0.0)
        three = [pooled.probability(*below), pooled.lowest(*below), pooled.highest(*below)]
        assert [mine[0], mine.min(), mine.max()] == pytest.approx(three, abs=AGREES)


def test_counts_join_a_pool_as_pool_printed_reads_them() -> None:
    """Events over exposure of a drawn study beside three printed rate ratios."""
    claim = replace(load_audit().claims["walk_energy"], scale="rate_ratio")
    values, errors = np.log([1.3, 1.9, 1.5]), [0.25, 0.3, 0.2]
    first = assume("walk_energy", None, 1.5, 0.2, None, None, None, 3)
    study = Counted(np.array([0.004]), 100.0)
    given = _three_sources(
        replace(first, claim=claim, study=study, design="counts", spread_sample=None),
        values, errors, 10_000,
    )  # fmt: skip
    today, points = today_of(given), quasi_random(3, 3, 5)
    truth = np.full(3, given.model_truth)
    found = answers_with(today, claim, given.study.log_likelihoods(60, truth, points, today.theta))
    first_events, second_events = given.study._events(60, truth, points)
    z = stats.norm.ppf(0.975)
    for i in range(3):
        table = pd.DataFrame({
            "study": [*"abc", "new"], "design": "parallel", "n": "",
            "estimate": [*(f"{x:.8f}" for x in np.exp(values)), ""],
            "low": [*(f"{x:.8f}" for x in np.exp(values - z * np.array(errors))), ""],
            "high": [*(f"{x:.8f}" for x in np.exp(values + z * np.array(errors))), ""],
            "level": ["95"] * 3 + [""],
            "first": [""] * 3 + [f"{first_events[i]:.0f} / 6000 h"],
            "second": [""] * 3 + [f"{second_events[i]:.0f} / 6000 h"],
        })  # fmt: skip
        pooled = rs.pool_printed(table, measure="rate ratio")
        mine = found.claimed[:, i]
        three = [pooled.probability(1.0), pooled.lowest(1.0), pooled.highest(1.0)]
        assert [mine[0], mine.min(), mine.max()] == pytest.approx(three, abs=AGREES)


def test_a_study_without_events_says_nothing_where_it_stands_alone() -> None:
    """No event under one condition: its likelihood has no end on that side."""
    claim = replace(load_audit().claims["walk_energy"], scale="rate_ratio")
    first = assume("walk_energy", None, 1.5, 0.2, None, None, None, 3)
    given = replace(
        first, claim=claim, study=Counted(np.array([0.004]), 100.0), design="counts",
        spread_sample=None, measure=replace(first.measure, comparison=False),
    )  # fmt: skip
    today = today_of(given)
    assert today.k == 0
    logs = rates_log_likelihood(
        today.theta, (np.array([0.0, 9.0]), np.array([8.0, 3.0])), (1.0, 1.0)
    )
    found = answers_with(today, claim, logs)
    assert found.labels(claim, "direction") == ["no evidence", "likely"]
    assert not np.isnan(found.claimed[:, 1]).any()


def test_added_shares_are_shares() -> None:
    found = rs.plan("body_fat_6wk")
    shares = found.added.drop(columns=["people", "side", "mc_error"])
    assert next(iter(shares)) == "supported"
    assert np.allclose(shares.sum(axis=1), 1)
    assert (shares.drop(columns="supported").max() > 0).all()
    assert (found.added["mc_error"] < 0.06).all()
    assert found.design == "paired"  # a description: one group is enough
    assert rs.plan("body_fat_cause", people=[40]).design == "two-arm"


def test_people_for_the_pool_are_the_fewest_that_are_enough() -> None:
    """One more study beside one printed result, whose two arms need 34 people each."""
    found = rs.plan("bend_back", truth=-1.0, spread=2.0, draws=1024)
    people = int(found.needed.at[0, "pool_people"])
    assert people in set(found.added["people"])
    around = rs.plan(
        "bend_back", truth=-1.0, spread=2.0, people=[people - 2, people], draws=1024
    ).added["supported"]
    assert around[0] < 0.9 <= around[1]
    assert around[1] == found.needed.at[0, "pool_power"]
    assert found.sentence == (
        f"One more study of {people} people in all ({people // 2} an arm) would settle the "
        "direction with power 90%."
    )
    assert found.summary().startswith(found.sentence + "\n")


def test_two_groups_of_a_trial_printed_as_one_need_twice_the_error() -> None:
    one = assume("body_fat_6wk", None, -2.4, None, None, None, None, 1)
    two = assume("body_fat_cause", None, -2.4, None, None, None, None, 1)
    assert np.allclose(two.spread_sample, 2 * one.spread_sample)
    assert isinstance(two.study, Measured)
    assert two.study.groups == 2


def test_another_audit_is_planned_without_a_word_of_this_one() -> None:
    found = rs.plan("halves", audit=BCG, people=[20_000])
    assert found.design == "two-arm"
    assert len(found.spreads) == 13
    assert 0.3 < found.tau < 0.6  # the published variance, 0.3132, drawn to the prior
    with pytest.raises(InputError, match="leaves no spread between people"):
        rs.plan("latitude", audit=BCG)
    assert rs.plan("latitude", audit=BCG, spread=0.1, truth=-0.03).people["direction"] > 10


def test_a_plan_shows_itself() -> None:
    found = rs.plan("energy_30", spread=0.09, people=[60])
    assert repr(found).startswith("<Plan for energy_30: paired, truth 1.3, needed: direction")
    assert len(repr(found)) < 120
    assert found._repr_html_().count("<table") == 3
    for text in ("61 people", "The study alone", "Today's pool with it"):
        assert text in found.summary()
    gids = {a.get_gid() for axes in found.figure().axes for a in axes.get_children()}
    assert {"power-size", "power-direction", "needed-size", "precision", "claim-band"} <= gids


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"claim": "nothing"}, "not in this audit; choose from energy_30"),
        ({"claim": "fat_by_energy"}, "neither a direction nor a size"),
        ({"claim": "ligament_tears"}, "give truth"),
        ({"claim": "ligament_tears", "truth": 2}, "counts need rate and exposure"),
        ({"claim": "ligament_tears", "truth": 2, "rate": 5, "exposure": -1}, "exposure -1"),
        ({"claim": "strengthens_muscles", "truth": 1}, "give spread"),
        ({"claim": "more_than_forward", "design": "counts"}, "counts give a ratio"),
        ({"claim": "energy_30", "design": "survey"}, "paired, two-arm"),
        ({"claim": "energy_30", "rate": 5}, "rate and exposure are of counts"),
        ({"claim": "energy_30", "truth": -1.0}, "give a finite number above 0"),
        ({"claim": "energy_30", "truth": NAN}, "allowed is one finite number"),
        ({"claim": "energy_30", "spread": 0.0}, "give a number above 0"),
        ({"claim": "energy_30", "spread": (0.2, 0.1)}, "the lower first"),
        ({"claim": "energy_30", "spread": (0.1, 0.2, 0.3)}, "two ends of a range"),
        ({"claim": "energy_30", "people": []}, "people: found nothing"),
        ({"claim": "energy_30", "people": [0]}, "people: found 0"),
        ({"claim": "energy_30", "people": [2]}, "at least 3"),
        ({"claim": "energy_30", "power": 1.0}, "power=1.0"),
        ({"claim": "energy_30", "draws": 5}, "draws must be 100 or more"),
        ({"claim": "energy_30", "seed": -1}, "seed must be 0 or more"),
    ],
)
def test_bad_plans_are_one_message(arguments, says) -> None:
    with pytest.raises(InputError, match=says):
        rs.plan(**arguments)


def test_the_command_plans_and_draws(tmp_path, capsys) -> None:
    figure = tmp_path / "plan.svg"
    arguments = ["plan", "energy_30", "--spread", "0.09", "--n", "30,60", "--figure", str(figure)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "size: 61 people in all" in said
    assert "spread 0.09" in said
    assert figure.read_text(encoding="utf-8").startswith("<?xml")
    counts = ["--truth", "1.5", "--rate", "2,8", "--exposure", "100", "--n", "50,300"]
    assert main(["plan", "ligament_tears", *counts]) == 0
    assert "2 to 8 events per 1000" in capsys.readouterr().out
    assert main(["plan", "reduces", "--audit", str(BCG), "--n", "20000"]) == 0
    assert "The vaccine reduces tuberculosis" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["energy_30", "--n", "3,a"], "give whole numbers"),
        (["energy_30", "--spread", "wide"], "give numbers"),
        (["energy_30", "--spread", "1,2,3"], "give one number, or two"),
        (["energy_30", "--figure", "plan.gif"], "must end with .svg"),
        (["energy_30", "--figure", "no/such/folder/plan.svg"], "can be written"),
        (["ligament_tears"], "give truth (--truth)"),
    ],
)
def test_bad_usage_of_the_command_is_one_message(arguments, says, capsys) -> None:
    assert main(["plan", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("retrostats: ")
    assert says in said.err
    assert said.out == ""


def test_a_size_that_no_study_settles_says_why() -> None:
    """What the first example of the README shows."""
    found = rs.plan("energy_30", people=[30, 300], draws=512)
    needed = found.needed.set_index("side")
    assert needed.at["direction", "pool_people"] == 0  # supported today
    assert math.isnan(needed.at["size", "pool_people"])
    assert needed.at["size", "pool_power"] < 0.1
    assert found.sentence == (
        "The direction is supported today without another study, and a size of 25 to 35% more "
        "cannot be settled by one more study of any size today: studies differ too much (tau "
        f"about {found.tau:.2g})."
    )
    assert found.summary().startswith(found.sentence + "\n")
    assert found.kept_open_by == (f"studies differ too much (tau about {found.tau:.2g})",)
    given = assume("energy_30", None, 1.3, None, None, None, None, 3)
    today = today_of(given)
    assert drawn_answers(given, today, 3, POOLED_MOST).inside[0].max() < SIZE_SUPPORTED


def test_an_answer_that_fails_under_one_choice_names_it() -> None:
    """A small true effect: all sources together are enough, the few with an error are not."""
    given = assume("energy_30", None, 1.1, None, None, None, None, 3)
    today = replace(today_of(given), direction="open")
    (found,) = pool_needed(given, today, {"direction": "supported"}, 0.9, 3, ["direction"])
    assert math.isnan(found.people)
    assert not found.main_fails
    said = "counting only what prints a spread or an error, 4 of 8 sources"
    assert found.choices == (said,)
    assert kept_open_by(today, [found]) == (said,)
    needed = pd.DataFrame([{"side": "direction", "settles": "supported", "people": 9.0}])
    assert sentence(given, today, needed, [found], 0.9) == (
        "One more study, of whatever size, would settle the direction with a power of "
        f"{found.power:.0%} at most: it would not hold {said}."
    )
    # with a lower power asked for, it is enough
    (less,) = pool_needed(given, today, {"direction": "supported"}, 0.7, 3, ["direction"])
    assert less.power >= 0.7
    assert less.people < 10


def test_a_truth_of_no_effect_is_rarely_told_as_supported() -> None:
    """One more study beside today's: no more than a direction's level on one side."""
    found = rs.plan("more_than_forward", truth=0.0, people=[10, 1000], draws=512)
    assert (found.added["supported"] <= 0.025).all()
    assert not found.needed["settles"].any()


def test_sources_that_say_nothing_of_a_cause_are_not_added_to() -> None:
    """No comparison group was printed: the planned study would stand alone."""
    found = rs.plan("body_fat_cause", people=[40, 4000])
    assert (found.added["supported"] == 0).all()
    assert found.added["likely"].max() > 0.5
    assert "no result of a comparison group was printed" in found.sentence


def test_what_cannot_be_pooled_is_planned_alone_and_says_so() -> None:
    found = rs.plan("ligament_tears", truth=1.5, rate=(2, 8), exposure=100.0, draws=512)
    assert found.added.empty
    assert math.isnan(found.tau)
    assert found.kept_open_by == ()
    assert found.sentence.startswith("No source today can be pooled with a new study: one of ")
    assert found.sentence.endswith("of other studies one alone says at most likely.")


def test_a_power_that_no_size_reaches_is_told() -> None:
    """Beside one printed result, how far two studies differ stays open."""
    found = rs.plan("walk_energy", people=[20], draws=512)
    (needed,) = found.needed.to_dict("records")
    assert math.isnan(needed["pool_people"])
    assert 0.5 < needed["pool_power"] < 0.9
    assert found.sentence == (
        "One more study, of whatever size, would settle the direction with a power of "
        f"{needed['pool_power']:.0%} at most: 2 studies say too little of how far studies differ "
        f"(tau about {found.tau:.2g})."
    )


def test_any_study_that_is_enough_is_not_told_as_a_number_needed() -> None:
    found = rs.plan("bend_back", truth=-1.0, spread=0.1, draws=512)
    assert found.sentence.startswith("Any further study, of 4 people in all (2 an arm) or more,")
    at_null = rs.plan("bend_back", truth=0.0, spread=2.0, people=[40], draws=512)
    assert at_null.sentence == (
        "No study settles the direction, as the truth is taken to be no difference."
    )


def test_a_size_that_comes_out_oftener_than_its_direction_is_explained() -> None:
    """Few people and an open range: each side comes out at the level of its own test."""
    plan = rs.plan("halves", audit="examples/bcg", people=[4, 24, 19000], draws=8192)
    alone = plan.curve.pivot(index="people", columns="side", values="supported")
    assert alone.loc[4, "size"] == pytest.approx(0.05, abs=0.01)
    assert alone.loc[4, "direction"] == pytest.approx(0.025, abs=0.01)
    assert "Up to 24 people a size is supported oftener" in plan.summary()
    assert "oftener" not in rs.plan("energy_30", spread=0.1, people=[30], draws=512).summary()


def test_a_figure_is_written_in_every_format_and_version_and_says_what_it_shows(tmp_path) -> None:
    made = rs.plan("energy_30", people=[20, 200])
    written = made.save(tmp_path / "my_plan.svg", ["pdf", "svg"], ["85mm", "dark"])
    names = ["my_plan.svg", "my_plan.pdf", "my_plan-85mm.svg", "my_plan-85mm.pdf"]
    names += ["my_plan-dark.svg", "my_plan-dark.pdf"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    svg = (tmp_path / "my_plan.svg").read_text(encoding="utf-8")
    assert "<title>My plan</title><desc>Study that would settle" in svg
    assert made.claim.statement in svg
    assert 'width="240.9448' in (tmp_path / "my_plan-85mm.svg").read_text(encoding="utf-8")
    assert DARK.paper in (tmp_path / "my_plan-dark.svg").read_text(encoding="utf-8")
    for words, given in (
        ("themes: found sepia; choose from 85mm, dark, slide", {"themes": ["sepia"]}),
        ("formats: found gif; choose from svg, pdf, png", {"formats": ["gif"]}),
    ):
        with pytest.raises(InputError, match=words):
            made.save(tmp_path / "no.svg", **given)
    assert not (tmp_path / "no.svg").exists()
