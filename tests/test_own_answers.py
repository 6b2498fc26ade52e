"""What a lab wants to know: each number beside one made by hand or by another program."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import example_frames
import numpy as np
import pandas as pd
import pytest
from cohort_tables import measured
from doors.app import main
from doors.audit import Answer, Grounds, contrasts_of, disagreement_said, without_cohorts
from doors.evidence import (
    EstimateRow,
    cohort_changes,
    cohort_differences,
    cohort_rates,
    cohort_ratios,
    compared,
    pool_at_reference_point,
)
from doors.io import account_lines
from doors.report import render_report
from scipy import stats

import retrostats as rs


def crossover(people: int = 9) -> pd.DataFrame:
    """Two speeds, both directions; one person misses a measurement, the last has only one."""
    rng = np.random.default_rng(1)
    rows = []
    for i in range(people):
        level = rng.normal(30, 3)
        for speed, up in ((10, 1.15), (8, 1.0)):
            for way, ratio in (("forward", 1.0), ("backward", 1.3)):
                rows.append((f"p{i}", way, speed, level * up * ratio * rng.lognormal(0, 0.05)))
    rows[-1] = ("alone", "forward", 8, 33.0)
    columns = ["subject", "direction", "speed (km/h)", "VO2 (ml/kg/min)"]
    return pd.DataFrame(rows, columns=columns)


@dataclass(frozen=True)
class Ran:
    """What a command found, said and wrote."""

    found: rs.Replication
    said: str
    out: Path


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """A lab's table given to the command, once."""
    folder, found = tmp_path_factory.mktemp("lab"), []
    crossover().to_csv(folder / "lab.csv", index=False)
    path, said = import_module("retrostats.app.path"), io.StringIO()
    replicate = path.replicate
    options = ["--out", str(folder / "results"), "--draws", "64", "--formats", "svg",
               "--tables", "csv"]  # fmt: skip
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(
            path, "replicate", lambda *a, **k: found.append(replicate(*a, **k)) or found[0]
        )
        cohort = ["--cohort", str(folder / "lab.csv")]
        assert main(["replicate", "metabolic-cost", *cohort, *options]) == 0
    return Ran(found[0], said.getvalue(), folder / "results")


@pytest.fixture(scope="module")
def lab(command: Ran) -> rs.Replication:
    return command.found


@pytest.fixture(scope="module")
def printed_alone(whole) -> rs.Replication:
    """The same without the lab."""
    return whole


def logs() -> pd.DataFrame:
    wide = crossover().pivot(
        index=["subject", "speed (km/h)"], columns="direction", values="VO2 (ml/kg/min)"
    )
    return np.log(wide["backward"] / wide["forward"]).dropna().unstack()


def test_each_speed_is_the_paired_t_of_its_people(lab) -> None:
    found = lab.user_results[lab.user_results["kind"] == "level"]
    assert found["what"].tolist() == ["run, 8 km/h (2.22 m/s)", "run, 10 km/h (2.78 m/s)"]
    assert set(lab.user_results["scale"]) == {"ratio"}
    assert set(lab.user_results["unit"]) == {"ratio backward / forward"}
    for speed, row in zip((8, 10), found.to_dict("records"), strict=True):
        values = logs()[speed].dropna()
        wanted = stats.ttest_1samp(values, 0).confidence_interval(0.95)
        assert row["n"] == len(values)
        assert np.log(row["conf_low"]) == pytest.approx(wanted.low, rel=1e-10)
        assert np.log(row["conf_high"]) == pytest.approx(wanted.high, rel=1e-10)
    assert sorted(found["n"]) == [8, 9]


def test_the_next_person_is_held_as_often_as_stated() -> None:
    from doors.evidence import PersonEffects, _mean

    rng = np.random.default_rng(3)
    held = 0
    for _ in range(4000):
        *seen, new = rng.normal(1.0, 2.0, 7)
        _, low, high = _mean(PersonEffects(np.array(seen)), new=True)
        held += low <= new <= high
    assert abs(held / 4000 - 0.95) < 0.011


def test_weight_and_prediction_are_those_of_the_pool(lab, printed_alone) -> None:
    (row,) = lab.cohorts.to_dict("records")
    rows = lab.estimates.set_index("estimate_id")
    single = ~rows["role"].isin(["pooled", "one-stage"]) & (rows["gait"] != "walk")
    pooled = rows[rows["pooled"] & rows["std_error"].notna() & single]
    pool = rs.pool(np.log(pooled["estimate"]), pooled["std_error"])
    at = list(pooled["role"]).index("cohort")
    assert row["weight_pct"] == pytest.approx(pool.weights[at], rel=1e-6)
    assert row["pred_low_with"] == pytest.approx(rows.at["mc-pool", "pred_low"], rel=1e-6)
    alone = printed_alone.estimates.set_index("estimate_id")
    assert not any(name in set(alone["role"]) for name in ("cohort",))
    assert row["pred_low_without"] == pytest.approx(alone.at["mc-pool", "pred_low"], rel=1e-6)
    assert row["estimate_without"] == pytest.approx(
        alone.at["mc-pool-posterior", "estimate"], rel=1e-6
    )
    for term in ("mc-pool", "mc-one-stage"):
        assert rows.at[term, "std_error"] != alone.at[term, "std_error"]


def test_what_a_cohort_changes_is_told_from_to_with_certainty_of_each_side(
    lab, printed_alone
) -> None:
    changed = lab.cohorts.set_index("claim_id").loc["energy_30"]
    for name, run in (("without", printed_alone), ("with", lab)):
        verdict = run.verdicts.set_index("claim_id").loc["energy_30"]
        for side in ("direction", "size"):
            wanted = verdict[f"certainty_{side}"]
            assert wanted
            assert changed[f"certainty_{side}_{name}"] == wanted
            assert changed[f"prob_{side}_{name}"] == verdict[f"prob_{side}"]
        assert changed[f"estimate_{name}"] == verdict["estimate"]
    assert changed["tau_with"] != changed["tau_without"]


def test_people_of_a_cohort_do_not_count_in_what_stands_without_it() -> None:
    """Pooled rows hold the people of a cohort among theirs: 40 with it, 20 without."""
    pool = EstimateRow("pool", "pool", "q", "pooled", "ratio", "ratio", n=40)
    own = EstimateRow("own", "own", "q", "cohort", "ratio", "ratio", n=20, pooled=True)
    found = without_cohorts(Grounds({"pool": pool, "own": own}, {}, {}))
    assert {name: row.n for name, row in found.rows.items()} == {"pool": 20}


def test_cohorts_that_make_sources_disagree_more_are_said_to() -> None:
    before = Answer("x", prob_direction=0.04, tau=0.05)  # the answer is on the side below
    said = disagreement_said(before, Answer("x", prob_direction=0.09, tau=0.2))
    assert said.startswith("sources disagree more with your data: tau 0.05 before and 0.2 after")
    assert said.endswith("from 96% to 91%")
    for after in (
        Answer("x", prob_direction=0.03, tau=0.2),  # surer, whatever tau
        Answer("x", prob_direction=0.09, tau=0.04),  # less sure, but not by tau
        Answer("x"),
    ):
        assert disagreement_said(before, after) == ""
    assert disagreement_said(Answer("x"), before) == ""


def test_shares_are_of_all_draws(lab) -> None:
    shares = lab.cohort_shares
    sums = shares.groupby("side")[["without", "with_"]].sum()
    assert sums.to_numpy() == pytest.approx(np.ones((2, 2)))
    inside = shares[shares["label"].isin(["compatible", "supported"]) & (shares["side"] == "size")]
    # eight people at about 30% more agree with the claimed size better than the literature alone
    assert inside["with_"].sum() > inside["without"].sum()


def test_rates_have_the_exact_interval_of_a_count() -> None:
    frame = pd.read_csv(io.StringIO(measured("ligament-injury")), dtype=str)
    cohort = rs.load_cohort(frame, spec={"name": "club"})
    found = rs.replicate(["ligament-injury"], cohorts=[cohort], draws=0)
    row = found.user_results.set_index("what").loc["injuries, forward"]
    assert (row["events"], row["exposure_h"]) == (9, 610)
    assert set(found.user_results["scale"]) == {"rate"}
    # R: poisson.test(9, 610)$conf.int * 1000
    assert [row["conf_low"], row["conf_high"]] == pytest.approx([6.746513, 28.007875], rel=1e-6)
    none = found.user_results["conf_low"].min()
    assert none >= 0
    assert found.cohorts.set_index("claim_id").at["ligament_tears", "weight_pct"] == 100


def test_a_body_fat_trial_has_its_weight_and_each_arm() -> None:
    frame = pd.read_csv(io.StringIO(measured("body-fat")), dtype=str)
    cohort = rs.load_cohort(frame, spec={"name": "trial"})
    found = rs.replicate(["body-fat"], cohorts=[cohort], draws=16)
    arms = found.user_results[found.user_results["kind"] == "level"].set_index("what")
    assert arms.loc["backward, pre to post", "estimate"] == pytest.approx(-1.95)
    assert arms.loc["control, pre to post", "n"] == 6
    assert set(found.user_results["scale"]) == {"difference"}
    lost = found.cohorts.set_index("claim_id").loc["body_fat_6wk"]
    cause = found.cohorts.set_index("claim_id").loc["body_fat_cause"]
    assert np.isnan(cause["estimate_without"])  # no printed trial has a control arm
    rows = found.estimates.set_index("estimate_id")
    own = rows.loc["cohort-trial-body_fat_change"]
    # weight * own + (1 - weight) * literature, each at the middle of what was not printed; the
    # answer is a median over it, here 0.2% from there
    share = lost["weight_pct"] / 100
    assert lost["estimate_with"] == pytest.approx(
        share * own["estimate"] + (1 - share) * lost["estimate_without"], rel=5e-3
    )


def test_figures_show_every_person_and_the_literature(lab) -> None:
    drawing = lab.drawings["own_data_1"]
    assert "10 people" in drawing.alt
    first, second, beside = drawing.figure.axes
    people = [
        [line for line in axes.lines if line.get_gid() == "person"] for axes in (first, second)
    ]
    assert [len(lines) for lines in people] == [10, 9]
    assert [axes.get_title() for axes in (first, second)] == ["8 km/h", "10 km/h"]
    labels = " ".join(text.get_text() for text in drawing.figure.texts)
    assert "lab (own cohort)" in labels
    assert "Williford 1998, run" in labels
    assert beside.get_xscale() == "log"


def test_terminal_and_page_hold_the_answers(command: Ran) -> None:
    output, out = command.said, command.out
    said = " ".join(output.split())
    for words in (
        "Own data lab: 10 people; 36 rows read, 36 used",
        "one direction only: alone", "your data weigh",
        "compared: backward / forward at each of 2 speeds or slopes, ",
        "a new study from ", "; tau 0.094 -> ", "certainty: that way low -> low, that much",
        "run, 8 km/h (2.22 m/s): ", "run, a new person: ",
        "direction: supported", "ratio backward / forward (n 8)",
    ):  # fmt: skip
        assert words in said, words
    lines = [line for line in output.splitlines() if str(out) not in line]  # a path may be long
    assert max(map(len, lines)) <= 80
    (read,) = json.loads((out / "provenance.json").read_text())["cohorts"]
    understood = account_lines(read)  # those of `validate`
    assert any("km/h to m/s" in line for line in understood)
    for line in understood:
        assert " ".join(line.split()) in said, line
    page = " ".join((out / "report.html").read_text().split())
    for words in ("Your own data", "run, a new person", 'id="fig-own', "Of all values"):
        assert words in page, words
    for row in read["columns"]:
        assert f'<th scope="row">{row["header"]}</th>' in page, row
        assert f'<td data-l="Unit">{row["unit"]}</td>' in page, row
    assert read["design"][0] in page
    for name in ("user_results", "cohort_shares"):
        assert len(pd.read_csv(out / "tables" / f"{name}.csv"))
    assert (out / "figures" / "own_data_1.svg").is_file()


def test_without_own_data_nothing_of_it_is_shown() -> None:
    assert "Your own data" not in render_report(example_frames.replication())


def test_a_pool_at_the_middle_counts_only_what_counts_there(lab) -> None:
    from doors.evidence import known_source

    estimate = rs.Estimate(0.25, 0.05, 8, "log_ratio", "ratio")
    source = known_source("one", estimate, 9, user_cohort=True)
    from doors.evidence import pooled_measure

    alone = pool_at_reference_point(pooled_measure([source], "x", "x"), log=True)
    assert alone.weights == {"one": 100.0}
    assert np.isnan(alone.pred_low)


def test_the_contrast_that_was_computed_is_one_line() -> None:
    changes = [
        (f"{arm[0]}{i}", arm, time, 25 + i - (i % 3) * (time == "post") * (arm != "control"))
        for arm, people in (("backward", 6), ("control", 5))
        for i in range(people)
        for time in ("pre", "mid", "post")
    ]
    arms = rs.load_cohort(
        pd.DataFrame(changes, columns=["subject", "group", "time", "body fat (%)"])
    )
    injuries = rs.load_cohort(
        pd.DataFrame(
            [(f"p{i}", "backward" if i < 4 else "forward", i % 2, 50 + i) for i in range(9)],
            columns=["subject", "direction", "injuries", "hours"],
        )
    )
    audit = rs.load_audit()
    by = {a: compared(audit, a, "", "") for a in ("body-fat", "ligament-injury", "metabolic-cost")}
    (within,) = cohort_changes([arms], by["body-fat"])
    assert within.row("").note == "change pre to post (not mid), backward (6 people)"
    (between,) = cohort_differences([arms], by["body-fat"], "control")
    assert between.contrast.endswith("backward (6 people) less that of control (5 people)")
    (rate,) = cohort_rates([injuries], by["ligament-injury"])
    assert rate.contrast == "events an hour, backward (4 people) / forward (5)"
    (ratio,) = cohort_ratios([rs.load_cohort(crossover())], by["metabolic-cost"])
    said = "backward / forward at each of 2 speeds or slopes, 10 people, 9 of them in both"
    assert ratio.contrast == said
    rows = [effect.row(claim) for effect, claim in ((within, "a"), (between, ""), (rate, "b"))]
    assert contrasts_of(rows) == {"a": within.contrast, "b": rate.contrast}
