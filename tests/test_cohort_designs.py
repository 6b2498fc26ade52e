"""Designs of own cohorts: order of times, repeats and visits, labs, periods, arms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.evidence import (
    CohortEffect,
    Compared,
    cohort_changes,
    cohort_differences,
    cohort_ratios,
    effect_rows,
    log_rows,
    user_cohort_results,
)
from doors.io import _place, ordered_times
from scipy import stats

import retrostats as rs
from benchmarks.user_cohorts import CHANGE, Cell, analyses, cells, held

AUDIT = rs.load_audit()
#: The README of the shared cases gives three digits.
PRINTED = 5e-4
#: The same least squares by two roads: rounding, and the optimiser of the mixed model.
SAME = 1e-6


def by_of(cohort: rs.Cohort) -> Compared:
    topic = next(t for t in AUDIT.topics.values() if t.analysis == cohort.analysis)
    return Compared(AUDIT.conditions, topic.outcomes, "", "", gait=topic.gait)


def limits(effect: CohortEffect) -> tuple[float, float, float]:
    found = effect.estimate.interval()
    return found.estimate, found.low, found.high


def trial(times: tuple[str, str] = ("pre", "post"), scans: int = 1) -> pd.DataFrame:
    """Ten people an arm; backward falls by two."""
    rng = np.random.default_rng(3)
    rows = []
    for arm, change in {"backward": -2.0, "forward": -0.5}.items():
        for i in range(10):
            before = rng.normal(26, 3)
            after = before + change + rng.normal(0, 0.5)
            for time, mean in zip(times, (before, after), strict=True):
                rows += [(f"{arm}{i}", arm, time, mean + rng.normal(0, 0.3)) for _ in range(scans)]
    return pd.DataFrame(rows, columns=["subject", "arm", "time", "body fat (%)"])


# --- order of times


@pytest.mark.parametrize(
    "wanted",
    [
        ("initial", "final"),
        ("screening", "completion"),
        ("untrained", "trained"),
        ("intake", "discharge"),
        ("Aufnahme", "Entlassung"),
        ("entrée", "sortie"),
        ("avant", "après"),
        ("przed", "po"),
        ("före", "efter"),
        ("antes", "depois"),
        ("12/20/2023", "1/31/2024"),
        ("20.12.2023", "31.1.2024"),
        ("Dec 2022", "Sept 2023"),
        ("15 Dec 2023", "Jan 3, 2024"),
        ("6 weeks before", "6 weeks after"),
        ("6 weeks before", "2 weeks before", "6 weeks after"),
        ("week -2", "week 0"),
        ("week-2", "week0", "week4"),
        ("week-0", "week-4", "week-12"),
        ("−2 weeks", "+2 weeks"),
        ("pre 1", "pre 2", "post 1", "post 2"),
        ("baseline", "week 6", "week 12"),
        ("week 6", "month 3"),
        ("pre", "post", "follow-up 3 months", "follow-up 1 year"),
        ("2", "10"),
    ],
)
def test_times_are_ordered_by_what_they_say(wanted) -> None:
    found = ordered_times(wanted[::-1])
    assert found.labels == wanted
    assert not found.question


@pytest.mark.parametrize("labels", [("Sept", "Dec"), ("visit B", "visit A"), ("visit 2", "week 1")])
def test_other_times_stand_as_they_appear(labels) -> None:
    assert ordered_times(labels).labels == labels
    assert ordered_times(labels).basis == "first appearance"


def test_the_order_is_told_and_a_spec_gives_another() -> None:
    frame = trial(("Sept", "Dec"))
    found = rs.load_cohort(frame)
    (problem,) = found.problems.query("column == 'time'").itertuples()
    assert (problem.level, problem.found) == ("guess", "Sept < Dec")
    assert "first appearance" in problem.action
    turned = rs.load_cohort(frame, spec={"times": {"order": ["Dec", "Sept"]}})
    one, other = (limits(cohort_changes([c], by_of(c))[0]) for c in (found, turned))
    assert one[0] < 0 < other[0]
    assert one[0] == pytest.approx(-other[0], abs=SAME)


@pytest.mark.parametrize(
    ("times", "asked"),
    [(("1/2/2024", "2/1/2024"), "day/month or month/day"), (("post", "week 6"), "")],
)
def test_an_undecided_order_is_refused_with_the_question(times, asked) -> None:
    if asked:
        with pytest.raises(rs.InputError, match=rf"{asked}.*\[times\] order"):
            rs.load_cohort(trial(times))
        return
    frame = pd.concat([trial(times), trial(("pre", "week 6")).query("time == 'pre'")])
    with pytest.raises(rs.InputError, match="between the words"):
        rs.load_cohort(frame)


def test_people_who_disagree_on_what_came_first_are_refused_with_the_question() -> None:
    frame = trial(("red", "blue"))
    frame = pd.concat([frame.iloc[2:], frame.iloc[[1, 0]]])
    with pytest.raises(rs.InputError, match=r"stands before .* which is first\?"):
        rs.load_cohort(frame)
    spec = {"times": {"order": ["red", "blue"]}}
    assert list(dict.fromkeys(rs.load_cohort(frame, spec=spec).frame["time"])) == ["red", "blue"]


@pytest.mark.parametrize("order", [["pre"], ["pre", "post", "later"], ["pre", "pre"]])
def test_an_order_that_does_not_fit_is_refused(order) -> None:
    with pytest.raises(rs.InputError, match=r"\[times\] order"):
        rs.load_cohort(trial(), spec={"times": {"order": order}})


def test_case_initial_final(shared) -> None:
    cohort = rs.load_cohort(shared / "cases" / "cohorts" / "time_initial_final.csv")
    (effect,) = cohort_changes([cohort], by_of(cohort))
    assert effect.estimate.value == pytest.approx(-2.3308, abs=PRINTED)


# --- repeats and visits


def test_case_three_scans(shared) -> None:
    cohort = rs.load_cohort(shared / "cases" / "cohorts" / "bodyfat_three_scans.csv")
    (effect,) = cohort_changes([cohort], by_of(cohort))
    assert limits(effect)[1:] == pytest.approx((-2.4354, -0.6864), abs=PRINTED)


def test_repeats_of_a_visit_are_the_mean_of_a_person() -> None:
    frame = trial(scans=3)
    keys = ["subject", "arm", "time"]
    means = frame.groupby(keys, sort=False)["body fat (%)"].mean().reset_index()
    many, one = rs.load_cohort(frame), rs.load_cohort(means)
    for analysis in (cohort_changes, cohort_differences):
        (a,), (b,) = analysis([many], by_of(many)), analysis([one], by_of(one))
        assert limits(a) == pytest.approx(limits(b), abs=SAME)


#: Data sets a design, of how many the truth is held in all but 0.3% of runs at 95%.
SETS = 40
ENOUGH = int(stats.binom.ppf(0.003, SETS, 0.95))


@pytest.mark.parametrize(
    "cell",
    [pytest.param(cell, marks=[pytest.mark.thorough] * (i % 4 > 0))
     for i, cell in enumerate([c for c in cells() if c.repeats != 1][::2])],
    ids=str,
)  # fmt: skip
def test_intervals_of_own_cohorts_hold_the_truth(cell: Cell) -> None:
    """Every second design with repeats; `python -m benchmarks.user_cohorts` has all of them."""
    assert held(cell, SETS).sum() >= ENOUGH


def test_scans_as_if_independent_would_fail_that_test() -> None:
    """The design is one in which it matters: intervals of all rows hold the truth too rarely."""
    make, _, by, _ = analyses()["change"]
    found = 0
    for i in range(SETS):
        cohort = make(Cell("change", 3, 2, 2, "equal"), by, np.random.default_rng(i))
        rows = cohort.frame[cohort.frame["arm"] == by.first]
        fit = rs.lmm(f"{by.outcomes[0]} ~ time + (1 | subject)", rows).coefficients.iloc[1]
        found += fit["conf_low"] <= CHANGE <= fit["conf_high"]
    assert found < ENOUGH


# --- labs


def test_case_labs_with_the_same_codes(shared, tmp_path) -> None:
    path = shared / "cases" / "cohorts" / "labs_same_codes.csv"
    cohort = rs.load_cohort(path)
    (effect,) = cohort_ratios([cohort], by_of(cohort))
    assert cohort.n_subjects == 24
    assert cohort.frame["subject"].str.contains(":").all()
    assert limits(effect)[1:] == pytest.approx((1.274, 1.3036), abs=PRINTED)
    frame = pd.read_csv(path, dtype=str)
    for lab, rows in frame.groupby("lab"):
        rows.drop(columns="lab").to_csv(tmp_path / f"{lab}.csv", index=False)
    folder = rs.load_cohort(tmp_path)
    assert folder.n_subjects == 24
    assert folder.problems["action"].str.contains("one file a lab").any()
    frame.loc[3, "lab"] = None
    with pytest.raises(rs.InputError, match="lab: found no lab in 1 rows"):
        rs.load_cohort(frame)


def crossover(people: int = 12, *, first: int = 9, trials: int = 1) -> pd.DataFrame:
    """The second period costs 6% more; `first` people begin forward."""
    rng = np.random.default_rng(8)
    rows = []
    for i in range(people):
        order = ("forward", "backward") if i < first else ("backward", "forward")
        level = rng.normal(3.4, 0.1)
        for period, way in enumerate(order, 1):
            for _ in range(trials):
                y = level + 0.22 * (way == "backward") + 0.06 * period + rng.normal(0, 0.01)
                rows.append((f"p{i}", order[0][0].upper() + order[1][0].upper(), period, way, y))
    names = ["subject", "sequence", "period", "direction", "VO2 (ml/kg/min)"]
    return pd.DataFrame(rows, columns=names).assign(
        **{"VO2 (ml/kg/min)": lambda d: np.exp(d.iloc[:, 4])}
    )


def test_sessions_of_the_same_people_are_no_labs(tmp_path) -> None:
    for name in ("day 1", "day 2"):
        rows = crossover().drop(columns=["sequence", "period"])
        rows["VO2 (ml/kg/min)"] *= 1 + len(name) * 0.01 + int(name[-1]) * 0.01
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    assert rs.load_cohort(tmp_path).n_subjects == 12


# --- period and sequence


def test_case_period_and_sequence(shared) -> None:
    path = shared / "cases" / "cohorts" / "crossover_period_sequence.csv"
    cohort = rs.load_cohort(path)
    (effect,) = cohort_ratios([cohort], by_of(cohort))
    assert limits(effect) == pytest.approx((1.236, 1.225, 1.246), abs=PRINTED)
    problems = cohort.problems.query("column == 'period'")
    assert problems["found"].str.contains("14 people began with forward, 4 people").all()
    alone = rs.load_cohort(pd.read_csv(path, dtype=str).drop(columns="period"))
    (other,) = cohort_ratios([alone], by_of(alone))
    assert limits(other) == pytest.approx(limits(effect), abs=SAME)


@pytest.mark.parametrize("trials", [1, 3])
def test_user_results_and_one_stage_agree_with_the_model(trials) -> None:
    cohort = rs.load_cohort(crossover(trials=trials))
    (effect,) = cohort_ratios([cohort], by_of(cohort))
    mine = user_cohort_results(cohort, AUDIT)[0]
    assert (mine.estimate, mine.conf_low, mine.conf_high) == pytest.approx(limits(effect), abs=SAME)
    people = effect_rows(cohort, by_of(cohort))["y"]
    assert people.mean() == pytest.approx(effect.estimate.value, abs=SAME)


def test_one_order_for_all_leaves_the_period_out_and_says_so() -> None:
    cohort = rs.load_cohort(crossover(first=12))
    (problem,) = cohort.problems.query("column == 'period'").itertuples()
    assert problem.level == "warning"
    assert "cannot be told from" in problem.action
    plain = rs.load_cohort(crossover(first=12).drop(columns=["sequence", "period"]))
    one, other = (limits(cohort_ratios([c], by_of(c))[0]) for c in (cohort, plain))
    assert one == pytest.approx(other, abs=SAME)


def test_repeats_that_differ_in_number_weigh_a_person_once() -> None:
    frame = crossover(first=6, trials=3).drop(columns=["sequence", "period"])
    uneven = frame.drop(index=[1, 2, 10, 30, 31])
    cohort = rs.load_cohort(uneven)
    rows = log_rows(cohort, by_of(cohort))
    wide = rows.groupby(["subject", "direction"], observed=True)["log_outcome"].mean().unstack()
    found = stats.ttest_1samp(wide["backward"] - wide["forward"], 0).confidence_interval()
    (effect,) = cohort_ratios([cohort], by_of(cohort))
    assert limits(effect)[1:] == pytest.approx(np.exp([found.low, found.high]), abs=SAME)


@pytest.mark.parametrize("said", ["BF", "b-f", "backward, forward", "backward first"])
def test_a_sequence_gives_the_period(said) -> None:
    assert _place(said, "backward", AUDIT.conditions) == 1
    assert _place(said, "forward", AUDIT.conditions) == 2
    assert _place("AB", "forward", AUDIT.conditions) is None


def test_an_order_of_trials_is_no_period_and_two_people_are_too_few_for_one() -> None:
    frame = crossover(first=6, trials=2).drop(columns=["sequence", "period"])
    ordered = frame.assign(order=frame.groupby("subject").cumcount() + 1)
    found = rs.load_cohort(ordered)
    assert found.problems.query("column == 'order'")["action"].str.contains("no model").all()
    few = rs.load_cohort(crossover(2, first=1))
    bare = rs.load_cohort(crossover(2, first=1).drop(columns=["sequence", "period"]))
    for one, other in ((found, rs.load_cohort(frame)), (few, bare)):
        a, b = (limits(cohort_ratios([c], by_of(c))[0]) for c in (one, other))
        assert a == pytest.approx(b, abs=SAME)


# --- arms


def test_a_blank_arm_is_the_one_of_the_person_and_people_without_are_told() -> None:
    frame = trial()
    blank = frame.assign(arm=frame["arm"].where(frame["time"] == "pre"))
    full, filled = rs.load_cohort(frame), rs.load_cohort(blank)
    one, other = (limits(cohort_changes([c], by_of(c))[0]) for c in (full, filled))
    assert one == pytest.approx(other, abs=SAME)
    blank.loc[blank["subject"] == "backward0", "arm"] = None
    found = rs.load_cohort(blank).problems.query("column == 'arm' and level == 'warning'")["found"]
    assert found.str.contains("1 people without an arm").sum() == 1
