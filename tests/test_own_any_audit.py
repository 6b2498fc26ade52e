"""Own cohorts of audits of any subject: every shape, long or wide, whatever words it uses."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.audit import effects_of
from doors.evidence import compared, measure_of_pool
from scipy import stats

import retrostats as rs
from retrostats import InputError

#: Means of people and Welch's t by hand against the package: double precision.
SAME = 1e-8
#: A mixed model of pairs is the paired t-test, to the stop of its search.
PAIRED = 1e-6

PAGE = """
title = "A trial page"
subject = "{subject}"
source = {{ kind = "leaflet", name = "A leaflet" }}
compared = ["{first}", "{second}"]
also = {also}

[claims.works]
says = "It works"
by = "A leaflet"
cause = true
measure = "{measure}"
true_if = "{true_if}"
because = "no size is named"
cohort = {{ outcome = "{outcome}"{exposure} }}
"""
CROSSOVER = """study,design,allocation,n,first,second,p
Alpha 2001,crossover,by lot,12,38.35 SD 1.53 min,39.20 SD 1.60 min,0.01
Beta 2005,crossover,by lot,9,61.1 SD 3.0 min,62.9 SD 3.4 min,0.04
"""
GROUPS = """study,design,allocation,n,first,second
Alpha 2001,parallel,by lot,20 / 22,31.2 SD 5.1 kg,29.0 SD 5.5 kg
Beta 2005,parallel,by lot,31 / 30,28.1 SD 6.0 kg,27.9 SD 5.8 kg
"""
CHANGES = """study,design,allocation,n,first,second
Alpha 2001,parallel,by lot,20 / 22,27.1 SD 5.1 -> 31.2 SD 5.1 kg,27.4 SD 5.0 -> 29.0 SD 5.5 kg
Beta 2005,parallel,by lot,31 / 30,26.0 SD 6.0 -> 28.1 SD 6.0 kg,26.2 SD 6 -> 27.9 SD 5.8 kg
"""
EVENTS = """study,design,allocation,first,second
Alpha 2001,parallel,by lot,15 / 461 h,52 / 481 h
Beta 2005,parallel,by lot,6 / 300 h,11 / 290 h
"""


def page(
    folder: Path, table: str, *, first: str = "caffeine", second: str = "placebo",
    measure: str = "ratio of means", true_if: str = "below 1", outcome: str = "finish_s",
    exposure: str = "", also: str = "{}",
) -> Path:  # fmt: skip
    file = folder / "trial.toml"
    said = f', exposure = "{exposure}"' if exposure else ""
    file.write_text(
        PAGE.format(
            subject=first, first=first, second=second, measure=measure, also=also,
            true_if=true_if, outcome=outcome, exposure=said,
        )
    )  # fmt: skip
    file.with_suffix(".csv").write_text(table)
    return file


def people(number: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    second = rng.normal(2300, 120, number)
    return pd.DataFrame({
        "subject": [f"s{i}" for i in range(number)],
        "first": (0.97 * second + rng.normal(0, 25, number)).round(1), "second": second.round(1),
    })  # fmt: skip


def long_of(table: pd.DataFrame, words: tuple[str, str], outcome: str, column: str) -> pd.DataFrame:
    parts = [
        table[["subject", side]].set_axis(["subject", outcome], axis=1).assign(**{column: word})
        for side, word in zip(("second", "first"), words, strict=True)
    ]
    return pd.concat(parts).sort_values("subject", kind="stable")


def effect(audit: Path, cohort: pd.DataFrame, folder: Path) -> tuple[float, float, float]:
    """Estimate and limits of a cohort, without the rest of a run."""
    file = folder / "mine.csv"
    cohort.to_csv(file, index=False)
    read, about = rs.load_cohort(file, audit=audit), rs.load_audit(audit)
    topic = about.topic_of("works")
    measure = measure_of_pool([about.page.claims[0].measure], [])
    by = replace(compared(about, "works", "effect", "unit"), log=measure.is_log)
    (found,) = effects_of(read, topic.fitting(read.frame), by, measure)
    shown = found.estimate.interval()
    return shown.estimate, shown.low, shown.high


def own(audit: Path, cohort: pd.DataFrame, folder: Path) -> tuple[rs.Replication, pd.Series]:
    file = folder / "mine.csv"
    cohort.to_csv(file, index=False)
    found = rs.replicate(audit=audit, cohorts=[file], draws=32)
    rows = found.estimates[found.estimates["role"] == "cohort"]
    assert len(rows) == 1
    return found, rows.iloc[0]


def paired_ratio(table: pd.DataFrame) -> tuple[float, float, float]:
    logs = np.log(table["first"] / table["second"])
    half = stats.t.isf(0.025, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs))
    return tuple(float(np.exp(logs.mean() + k * half)) for k in (0, -1, 1))


def numbers(row: pd.Series) -> tuple[float, float, float]:
    return row["estimate"], row["conf_low"], row["conf_high"]


@pytest.mark.parametrize(
    "outcome", ["finish_s", "time_s", "time", "speed", "hours", "period_score"]
)
@pytest.mark.parametrize("shape", ["long", "wide", "turned", "bare"])
def test_a_crossover_is_read_whatever_its_outcome_is_called(outcome, shape, tmp_path) -> None:
    table = people()
    audit = page(tmp_path, CROSSOVER, outcome=outcome)
    names = {"wide": f"{outcome} {{}}", "turned": f"{{}} {outcome}", "bare": "{}"}
    if shape == "long":
        cohort = long_of(table, ("placebo", "caffeine"), outcome, "condition")
    else:
        said = [names[shape].format(word) for word in ("caffeine", "placebo")]
        cohort = table.set_axis(["player", *said], axis=1)
    assert effect(audit, cohort, tmp_path) == pytest.approx(paired_ratio(table), rel=PAIRED)


@pytest.mark.parametrize(
    ("first", "second", "also"),
    [
        ("control", "training", "{}"), ("training", "control", "{}"),
        ("caffeine", "no caffeine", "{}"), ("usual training", "training", "{}"),
        ("beet juice", "placebo", '{ placebo = ["control", "sham"] }'),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", ["long", "wide"])
def test_conditions_may_be_any_words(first, second, also, shape, tmp_path) -> None:
    table = people()
    audit = page(tmp_path, CROSSOVER, first=first, second=second, also=also)
    if shape == "long":
        cohort = long_of(table, (second, first), "finish_s", "group")
    else:
        cohort = table.set_axis(["id", f"finish_s {first}", f"finish_s {second}"], axis=1)
    assert effect(audit, cohort, tmp_path) == pytest.approx(paired_ratio(table), rel=PAIRED)


def test_control_is_a_synonym_like_any_other(tmp_path) -> None:
    table = people()
    audit = page(tmp_path, CROSSOVER, also='{ placebo = ["control"] }')
    cohort = long_of(table, ("Control", "Caffeine"), "finish_s", "group")
    assert numbers(own(audit, cohort, tmp_path)[1]) == pytest.approx(
        paired_ratio(table), rel=PAIRED
    )


def test_people_in_both_conditions_give_differences_too(tmp_path) -> None:
    table = people()
    audit = page(tmp_path, CROSSOVER, measure="mean difference", true_if="below 0")
    cohort = long_of(table, ("placebo", "caffeine"), "finish_s", "condition")
    differences = table["first"] - table["second"]
    half = stats.t.isf(0.025, 11) * differences.std(ddof=1) / math.sqrt(12)
    expected = differences.mean(), differences.mean() - half, differences.mean() + half
    assert effect(audit, cohort, tmp_path) == pytest.approx(expected, rel=PAIRED)


@pytest.mark.parametrize("measure", ["mean difference", "ratio of means", "SMD"])
def test_two_groups_measured_once_are_as_a_printed_row(measure, tmp_path) -> None:
    rng = np.random.default_rng(7)
    cohort = pd.DataFrame({
        "player": [f"p{i}" for i in range(30)], "group": ["vitamin D", "control"] * 15,
        "grip_kg": rng.normal(30, 5, 30).round(1), "age": 30, "weight (kg)": 70.5,
    })  # fmt: skip
    true_if = "above 1" if measure == "ratio of means" else "above 0"
    audit = page(tmp_path, GROUPS, first="vitamin D", second="control", measure=measure,
                 true_if=true_if, outcome="grip_kg")  # fmt: skip
    found, row = own(audit, cohort, tmp_path)
    first, second = (cohort.loc[cohort["group"] == g, "grip_kg"] for g in ("vitamin D", "control"))
    if measure == "mean difference":
        by_hand = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
        assert numbers(row)[1:] == pytest.approx((by_hand.low, by_hand.high), rel=SAME)
    else:
        code = {"ratio of means": "ROM", "SMD": "SMD"}[measure]
        cells = {"n_1": [15], "mean_1": [first.mean()], "sd_1": [first.std()],
                 "n_2": [15], "mean_2": [second.mean()], "sd_2": [second.std()]}  # fmt: skip
        effect = rs.escalc(cells, measure=code).iloc[0]["yi"]
        shown = math.exp(effect) if code == "ROM" else effect
        assert row["estimate"] == pytest.approx(shown, rel=SAME)
    told = " ".join(str(d.alt) for d in found.drawings.values())
    assert "a person each" not in told
    assert set(found.user_results["what"]) >= {"vitamin D", "control"}


@pytest.mark.parametrize("shape", ["long", "wide"])
@pytest.mark.parametrize("table", [CHANGES, GROUPS])
def test_arms_before_and_after(shape, table, tmp_path) -> None:
    rng = np.random.default_rng(8)
    before = rng.normal(28, 5, 30).round(1)
    arm = np.array(["grip training", "control"] * 15)
    after = (before + 1 + 2 * (arm == "grip training") + rng.normal(0, 1.5, 30)).round(1)
    base = pd.DataFrame({"player": [f"p{i}" for i in range(30)], "group": arm})
    if shape == "wide":
        cohort = base.assign(**{"grip_kg pre": before, "grip_kg post": after})
    else:
        cohort = pd.concat([base.assign(time="pre", grip_kg=before),
                            base.assign(time="post", grip_kg=after)])  # fmt: skip
    audit = page(tmp_path, table, first="grip training", second="control", outcome="grip_kg",
                 measure="mean difference", true_if="above 0")  # fmt: skip
    change = after - before
    by_hand = stats.ttest_ind(change[::2], change[1::2]).confidence_interval()  # one variance
    assert effect(audit, cohort, tmp_path)[1:] == pytest.approx(
        (by_hand.low, by_hand.high), rel=PAIRED
    )


@pytest.mark.parametrize("header", ["injuries", "knee_injuries", "Number of knee injuries"])
def test_events_with_exposure(header, tmp_path) -> None:
    rng = np.random.default_rng(9)
    group = np.array(["balance training", "usual training"] * 40)
    cohort = pd.DataFrame({
        "player": [f"p{i}" for i in range(80)], "group": group, "hours": rng.integers(80, 200, 80),
        header: rng.poisson(np.where(group == "balance training", 0.3, 0.7)),
    })  # fmt: skip
    audit = page(tmp_path, EVENTS, first="balance training", second="usual training",
                 measure="rate ratio", outcome="knee_injuries", exposure="hours")  # fmt: skip
    found, row = own(audit, cohort, tmp_path)
    sums = cohort.groupby("group")[[header, "hours"]].sum()
    rates = sums[header] / sums["hours"]
    crude = rates["balance training"] / rates["usual training"]
    assert row["estimate"] == pytest.approx(crude, rel=0.1)  # people are random: not quite crude
    assert row["conf_low"] < crude < row["conf_high"]
    assert set(found.user_results["kind"]) == {"rate"}


def test_a_template_is_read_as_what_it_is_a_template_of(tmp_path) -> None:
    from doors.io import templates

    events = {"outcome": "falls", "exposure": "hours", "measure": "rate ratio"}
    cases = (
        ({"outcome": "time_s"}, CROSSOVER, True),
        ({"outcome": "grip_kg", "measure": "mean difference", "true_if": "above 0"}, GROUPS, False),
        (
            {"outcome": "grip_kg", "measure": "mean difference", "true_if": "above 0"},
            CHANGES,
            False,
        ),
        (events, EVENTS, False),
        (events, EVENTS.replace("parallel", "crossover"), True),
    )
    for words, table, same_people in cases:
        audit = page(tmp_path, table, **words)
        (text,) = templates(audit).values()
        file = tmp_path / "template.csv"
        file.write_text(text.replace("EXAMPLE-", "p"))
        assert rs.load_cohort(file, audit=audit).n_subjects >= 6
        named = pd.read_csv(file)
        conditions = named.groupby("subject")[named.columns[1]].nunique()
        assert set(conditions) == {2 if same_people else 1}, text


def test_a_cohort_that_gives_no_effect_is_refused_in_words(tmp_path) -> None:
    audit = page(tmp_path, EVENTS, measure="rate ratio", outcome="falls")
    cohort = long_of(people(), ("placebo", "caffeine"), "falls", "condition")
    with pytest.raises(
        InputError, match="mine: a claim on rate ratio takes no cohort of this shape"
    ):
        own(audit, cohort, tmp_path)


def test_the_time_of_one_claim_is_no_time_trial_of_another(tmp_path) -> None:
    """An outcome `time_s` of one claim left "pre" and "post" of the other unread."""
    rows = CROSSOVER.replace("\nA", "\nworks,A").replace("\nB", "\nworks,B")
    audit = page(tmp_path, f"claim,{rows}", outcome="time_s")
    text = audit.read_text()
    claim = text[text.index("[claims.works]") :]
    audit.write_text(
        text
        + claim.replace("works]", "grips]")
        .replace("ratio of means", "mean difference")
        .replace("below 1", "above 0")
        .replace("time_s", "grip_kg")
    )
    table = audit.with_suffix(".csv")
    table.write_text(
        table.read_text() + "grips,Delta 2001,parallel,by lot,20 / 22,"
        "27.1 SD 5.1 -> 31.2 SD 5.1 kg,27.4 SD 5.0 -> 29.0 SD 5.5 kg,\n"
    )
    rows = [
        f"p{i},{arm},{time},{30 + i + (arm == 'caffeine') * (time == 'post')}"
        for i, arm in enumerate(["caffeine", "placebo"] * 5)
        for time in ("pre", "post")
    ]
    file = tmp_path / "mine.csv"
    file.write_text("\n".join(["subject,arm,time,grip_kg", *rows]) + "\n")
    cohort = rs.load_cohort(file, audit=audit)
    assert cohort.analysis == "grips"
    assert set(cohort.frame["arm"]) == {"caffeine", "placebo"}
    assert set(cohort.frame["time"]) == {"pre", "post"}
    seconds = long_of(people(), ("placebo", "caffeine"), "time", "condition")
    seconds.to_csv(file, index=False)
    assert rs.load_cohort(file, audit=audit).analysis == "works"
