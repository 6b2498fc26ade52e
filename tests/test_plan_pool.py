"""Plans: what one more study changes in today's pool, against the path and direct pools."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.audit import SIZE_SUPPORTED, answer_of
from doors.evidence import (
    MEASURES,
    SPREAD,
    Effects,
    Nodes,
    PrintedSource,
    Source,
    known_source,
    pool_estimator,
    pooled_of,
    printed_source,
    quasi_random,
    rates_log_likelihood,
)
from doors.evidence import EffectMeasure as Measure
from doors.evidence import FindingsMeasure as FoundMeasure
from doors.planning import (
    POOLED_MOST,
    Counted,
    answers_with,
    assume,
    deciding,
    drawn_answers,
    kept_open_by,
    pool_needed,
    sentence,
    today_of,
)
from scipy import stats

import retrostats as rs
from retrostats import Estimate, load_audit

pytestmark = pytest.mark.usefixtures("evidence_once")

BCG = Path(__file__).resolve().parent.parent / "examples" / "bcg.toml"
CLAIM = load_audit().claims["energy_30"]
#: How far a probability may be off the pool taken anew: a sharp study is widened to the grid.
AGREES = 0.003


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
    [("energy_30", 1.3, 12, None), ("body_fat_6wk", -2.5, 40, None),
     *(pytest.param(*rest, marks=pytest.mark.thorough)
       for rest in (("energy_30", 0.8, 400, None), ("more_than_forward", -1.0, 30, 12.0),
                    ("pounding", 1.1, 9, None), ("walk_energy", 1.3, 2000, None)))],
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


def measure_of(name: str, *effects: tuple[float, float]) -> FoundMeasure:
    """A measure of known log ratios and their errors."""
    sources = tuple(
        known_source(f"{name} {i}", Estimate(y, se, 30, "log_ratio", "ratio"), 31)
        for i, (y, se) in enumerate(effects)
    )
    return FoundMeasure(name, name, pool_estimator(list(sources)), sources=sources)


def test_a_claim_of_several_measures_is_planned_on_the_least_sure_and_says_which() -> None:
    sure = measure_of("oxygen", (0.3, 0.05), (0.28, 0.05), (0.25, 0.04))
    less = measure_of("heart rate", (0.1, 0.06), (0.12, 0.07))
    against = measure_of("load", (-0.25, 0.05), (-0.3, 0.05), (-0.28, 0.04))
    chosen, words = deciding(CLAIM, [sure, less], {}, None)
    assert (chosen, words) == (less, "planned on heart rate, the least sure of 2 measures")
    chosen, words = deciding(CLAIM, [sure, against, less], {}, None)
    assert chosen is less
    assert words.endswith("which lie on both sides: a study of one leaves the claim so until all "
                          "agree")  # fmt: skip
    assert deciding(CLAIM, [sure], {}, None) == (sure, "")
    bare = replace(less, sources=())
    assert deciding(CLAIM, [bare, sure], {}, None)[0] is sure  # what has no sources has no plan


def test_the_plan_of_a_claim_of_several_measures_names_the_one_it_is_of() -> None:
    found = assume("pounding", None, None, None, None, None, None, 1)
    assert found.measure is not None
    answers = rs.replicate(["ligament-injury"], draws=0).answers.query("claim_id == 'pounding'")
    least = (answers["prob_direction"] - 0.5).abs().idxmin()
    assert found.measure.name == answers.at[least, "measure"]
    assert found.planned_on.startswith(f"planned on {found.measure.name}, the least sure of")
    text = rs.plan("pounding", people=[20]).summary().splitlines()[0]
    assert text.endswith(f"; {found.planned_on}.")  # in the sentence that the plan begins with
