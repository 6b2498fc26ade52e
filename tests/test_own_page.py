"""A cohort for a page of one's own: words of arms, lot, units of headers, templates."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.audit import effects_of
from doors.evidence import compared, measure_of_pool
from doors.io import template, template_spec
from test_own_any_audit import (
    CHANGES,
    CROSSOVER,
    EVENTS,
    GROUPS,
    SAME,
    effect,
    long_of,
    page,
    people,
)

import retrostats as rs
from retrostats import InputError

TWO_ARMS = """study,design,allocation,n,first,second
Alpha 2001,parallel,by lot,10 / 9,95.4 SD 15.2 -> 112.1 SD 16.0 kg,94.0 SD 17.1 -> 103.6 SD 16.5 kg
Beta 2005,parallel,by lot,12 / 12,71.0 SD 11.0 -> 79.5 SD 11.8 kg,70.2 SD 12.3 -> 76.0 SD 12.1 kg
"""
ONE_ARM = """study,design,n,first
Alpha 2001,before-after,10,95.4 SD 15.2 -> 112.1 SD 16.0 kg
Beta 2005,before-after,12,71.0 SD 11.0 -> 79.5 SD 11.8 kg
"""


def lifters(first: str = "creatine", second: str = "placebo") -> pd.DataFrame:
    rng = np.random.default_rng(3)
    before = rng.normal(90, 10, 12).round(1)
    arm = np.repeat([first, second], 6)
    after = (before + 5 + 4 * (np.arange(12) < 6) + rng.normal(0, 3, 12)).round(1)
    base = {"subject": [f"S{i}" for i in range(12)], "arm": arm}
    return pd.concat([pd.DataFrame({**base, "time": time, "bench_1rm_kg": values})
                      for time, values in (("pre", before), ("post", after))])  # fmt: skip


def lifting(folder: Path, table: str = TWO_ARMS, also: str = "{}") -> Path:
    return page(folder, table, first="creatine", measure="mean difference", true_if="4 to 6",
                outcome="bench_1rm_kg", also=also)  # fmt: skip


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("creatine", "placbo"), r"'placbo' \(did you mean 'placebo'\?\)"),
        (("craetine", "placebo"), r"'craetine' \(did you mean 'creatine'\?\)"),
        (("creatine", "control"), r"is 'control' the placebo\? .*\"control\" = \"placebo\""),
        (("treated", "placebo"), r"is 'treated' the creatine\?"),
        (("treated", "untreated"), "no creatine arm and no placebo arm, but 'treated', 'untr"),
        (("creatine", "creatine"), "no placebo arm; .*no comparison"),
    ],
)  # fmt: skip
def test_an_arm_that_no_word_names_is_asked_about(words, asked, tmp_path) -> None:
    audit = lifting(tmp_path)
    with pytest.raises(InputError, match=asked):
        rs.load_cohort(lifters(*words), audit=audit)


def test_what_the_message_says_to_write_is_taken(tmp_path) -> None:
    audit, table = lifting(tmp_path), lifters("creatine", "control")
    read = rs.load_cohort(table, audit=audit, spec={"levels": {"control": "placebo"}})
    assert set(read.frame["arm"]) == {"creatine", "placebo"}
    said = lifting(tmp_path, also='{ placebo = ["control"] }')
    assert effect(said, table, tmp_path) == effect(said, lifters(), tmp_path)


def test_a_slip_beside_both_arms_splits_no_arm(tmp_path) -> None:
    table = lifters()
    table.loc[table["subject"] == "S11", "arm"] = "placbo"
    with pytest.raises(InputError, match="did you mean 'placebo'"):
        rs.load_cohort(table, audit=lifting(tmp_path))


def test_a_third_arm_beside_both_enters_nothing(tmp_path) -> None:
    audit, both = lifting(tmp_path), lifters()
    third = lifters("caffeine", "caffeine").assign(subject=lambda t: "c" + t["subject"])
    with_third = effect(audit, pd.concat([both, third]), tmp_path)
    assert with_third == pytest.approx(effect(audit, both, tmp_path), rel=SAME)


@pytest.mark.parametrize("table", [lifters().drop(columns="arm"), lifters().query("arm > 'd'")])
def test_the_change_of_one_arm_is_no_comparison_of_two(table, tmp_path) -> None:
    with pytest.raises(InputError, match="no comparison"):
        rs.load_cohort(table, audit=lifting(tmp_path))
    alone = rs.load_cohort(table, audit=lifting(tmp_path, ONE_ARM))
    # read for a page of one arm, and handed to one that compares two
    about = rs.load_audit(lifting(tmp_path))
    topic = about.topic_of("works").fitting(alone.frame)
    by = compared(about, "works", "effect", "kg")
    with pytest.raises(InputError, match="no people in both arms"):
        effects_of(alone, topic, by, measure_of_pool([about.page.claims[0].measure], []))


@pytest.mark.parametrize("word", ["placbo", "control"])
@pytest.mark.parametrize("table", [CROSSOVER, GROUPS, EVENTS])
def test_a_condition_that_no_word_names_is_asked_about(word, table, tmp_path) -> None:
    cohort = long_of(people(), (word, "caffeine"), "falls", "condition")
    words = {"measure": "rate ratio", "exposure": "hours"} if table == EVENTS else {}
    if table != CROSSOVER:
        cohort = cohort.assign(subject=[f"p{i}" for i in range(len(cohort))], hours=100)
    audit = page(tmp_path, table, outcome="falls", **words)
    asked = "did you mean 'placebo'" if word == "placbo" else "is 'control' the placebo"
    with pytest.raises(InputError, match=asked):
        rs.load_cohort(cohort, audit=audit)


def test_an_arm_whose_name_holds_the_other_is_its_own(tmp_path) -> None:
    audit = page(tmp_path, CHANGES, first="usual training", second="training", outcome="grip_kg",
                 measure="mean difference", true_if="above 0")  # fmt: skip
    table = lifters("usual training", "training").rename(columns={"bench_1rm_kg": "grip_kg"})
    read = rs.load_cohort(table, audit=audit)
    assert "usual training (6 people)" in " ".join(read.provenance["design"])
    assert np.isfinite(effect(audit, table, tmp_path)[0])


@pytest.mark.parametrize(
    "without", ["by choice", pytest.param("not told", marks=pytest.mark.thorough)]
)
def test_without_lot_a_cause_costs_two_levels(without, tmp_path) -> None:
    audit, table = lifting(tmp_path), lifters()
    found, said = {}, {}
    for allocation in ("", without, "by lot"):
        cohort = rs.load_cohort(table, audit=audit, spec={"allocation": allocation} if allocation
                                else {})  # fmt: skip
        said[allocation] = " ".join(cohort.problems["action"])
        run = rs.replicate(audit=audit, cohorts=[cohort], draws=32)
        rows = run.certainty.query("claim_id == 'works' and domain == 'design'")
        found[allocation] = set(rows["levels"])
    assert found == {"": {2}, without: {2}, "by lot": {0}}
    assert "is pooled, and costs two levels of certainty" in said[""]
    assert "two levels" not in said["by lot"]


@pytest.mark.parametrize("header", ["Bench press 1RM (lb)", "bench, pounds", "1RM [lbs] bench"])
def test_a_unit_in_a_header_that_contradicts_the_column_is_asked(header, tmp_path) -> None:
    audit = lifting(tmp_path)
    table = lifters().rename(columns={"bench_1rm_kg": header})
    columns = {header: "bench_1rm_kg"}
    with pytest.raises(InputError, match=r"allowed values in kg.*\[units\] in a spec .* = \"lb\""):
        rs.load_cohort(table, audit=audit, spec={"columns": columns})
    with pytest.raises(InputError, match=r"lb.* in the header, kg in the spec|pounds in the head"):
        rs.load_cohort(table, audit=audit, spec={"columns": columns, "units": {header: "kg"}})
    read = rs.load_cohort(table, audit=audit, spec={"columns": columns, "units": {header: "lb"}})
    pounds = 0.45359237  # kg, exact by definition
    expected = lifters()["bench_1rm_kg"].to_numpy() * pounds
    assert read.frame["bench_1rm_kg"].to_numpy() == pytest.approx(expected, rel=SAME)


@pytest.mark.parametrize("header", ["Bench (kg)", "Bench (reps)", "Series A", "Bench A l"])
def test_a_header_that_says_no_other_unit_is_taken_as_it_is(header, tmp_path) -> None:
    table = lifters().rename(columns={"bench_1rm_kg": header})
    read = rs.load_cohort(
        table, audit=lifting(tmp_path), spec={"columns": {header: "bench_1rm_kg"}}
    )
    assert read.frame["bench_1rm_kg"].tolist() == lifters()["bench_1rm_kg"].tolist()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (TWO_ARMS, {"outcome": "bench_1rm_kg", "measure": "mean difference", "true_if": "above 0"}),
        (CROSSOVER, {"outcome": "finish_s"}),
        (EVENTS, {"outcome": "falls", "measure": "rate ratio", "exposure": "hours"}),
    ],
)
def test_the_spec_of_a_page_speaks_of_the_page(table, words, tmp_path) -> None:
    audit = page(tmp_path, table, **words)
    spec = template_spec("works", audit)
    foreign = ("vo2", "sauerstoff", "km/h", "dxa", "brockway", "speed", "energy")
    assert not [word for word in foreign if word in spec.lower()]
    assert '"caffeine" or "placebo"' in spec
    assert words["outcome"] in spec
    file = tmp_path / "spec.toml"
    file.write_text(spec)
    cohort = tmp_path / "lab.csv"
    cohort.write_text(template("works", audit).replace("EXAMPLE-", "p"))
    assert rs.load_cohort(cohort, audit=audit, spec=file).n_subjects >= 6


def test_values_of_a_template_are_those_of_the_rows(tmp_path) -> None:
    rows = pd.read_csv(io.StringIO(template("works", lifting(tmp_path))))
    means = rows.groupby(["arm", "time"])["bench_1rm_kg"].mean()
    printed = {("creatine", "pre"): 95.4, ("creatine", "post"): 112.1,
               ("placebo", "pre"): 94.0, ("placebo", "post"): 103.6}  # fmt: skip
    last_digit = 0.05  # a template writes three digits
    for cell, mean in printed.items():
        assert means[cell] == pytest.approx(mean, abs=last_digit)
    seconds = pd.read_csv(io.StringIO(template("works", page(tmp_path, CROSSOVER))))
    assert seconds["finish_s"].between(2200, 2500).all()  # 38.35 and 39.20 minutes


def test_a_table_of_another_audit_is_not_advised_to_be_its_outcome() -> None:
    with pytest.raises(InputError, match=r"--audit NAME\.toml") as refused:
        rs.load_cohort(lifters())
    assert '= "body_fat_pct"' not in str(refused.value)
