"""Own cohorts: what looks wrong is said, and what an analysis makes of them."""

from __future__ import annotations

import io
import re
import warnings

import numpy as np
import pandas as pd
import pytest
from analysed_cohort import rows_of_cohort
from cohort_tables import METABOLIC, measured, plain, same_as_template
from doors.evidence import t_from_p

import retrostats as rs
from retrostats import InputError, load_cohort

DOUBT = "subject;direction;injuries;exposure (h)\n" + "".join(
    f"p{i};{way};{i};{hours}\n"
    for i in range(4)
    for way, hours in (("forward", f"1.{i}00"), ("backward", f"9{i}0"))
)


def test_thousands_or_decimals_is_asked_not_guessed(tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(DOUBT)
    with pytest.raises(InputError, match="thousands or decimals"):
        load_cohort(path)
    frame = load_cohort(path, spec={"file": {"decimal": ","}}).frame
    assert frame["exposure_h"].max() == 1300
    quoted = re.sub(r"1\.(\d)00", r'"1,\g<1>00"', DOUBT.replace(";", ","))
    path.write_text(quoted)
    with pytest.raises(InputError, match="thousands or decimals"):
        load_cohort(path)


@pytest.mark.parametrize("mixed", ["27,1", "27,10"])
def test_points_and_commas_that_can_only_be_decimal(mixed, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC.replace(",", ";").replace("27.1", mixed))
    same_as_template(load_cohort(path))


@pytest.mark.parametrize("words", [("Mean", "SD"), ("MW ± SD",), ("Moyenne",), ("n=6", "Median")])
def test_rows_that_sum_people_up_are_no_people(words, tmp_path) -> None:
    wide = plain().pivot(index="subject", columns="direction", values="vo2_ml_kg_min")
    rows = [f"{s},{r.forward},{r.backward}" for s, r in wide.iterrows()]
    rows += [f"{word},26.9,32.8" for word in words]
    path = tmp_path / "wide.csv"
    path.write_text("subject,VO2 forward (ml/kg/min),VO2 backward (ml/kg/min)\n" + "\n".join(rows))
    cohort = load_cohort(path)
    same_as_template(cohort)
    assert cohort.n_subjects == 6
    assert len(cohort.provenance["explained"]["a summary, not a person"]) == len(words)


@pytest.mark.parametrize(
    "other",
    [
        "Person1", "person01", "person 1", "person_1",
        "per\u200bson1", "per\u00adson1", "\uff50erson1", "p\u0435rson1", "person\uff11",
    ],
)  # fmt: skip
def test_codes_that_are_nearly_one_another_are_asked_about(other, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    text = METABOLIC.replace("person1,backward", f"{other},backward")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="one code a person") as asked:
        load_cohort(path)
    assert other.isascii() or "\\" in str(asked.value)  # what the eye does not see is spelled out


def test_people_in_one_direction_are_named_and_all_of_them_refused(tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC.replace("person1,backward", "other,backward"))
    warned = load_cohort(path).problems
    assert any("one direction only: other, person1" in text for text in warned["found"])
    path.write_text(METABOLIC.replace(",backward", "b,backward"))
    with pytest.raises(InputError, match="nobody measured in both directions"):
        load_cohort(path)


@pytest.mark.parametrize(
    ("text", "level", "says"),
    [
        (METABOLIC.replace("27.1", "99"), "warning", "code for a missing value"),
        (METABOLIC.replace(",2.5,", ",9,"), "warning", "unit of speed"),
        (METABOLIC.replace("vo2_ml_kg_min", "cost (kcal/kg/km)").replace("cost", "energy cost"),
         "error", "0.3 to 30"),
        (measured("ligament-injury").replace(",1,2,90", ",1,2.5,90", 1), "error", "whole"),
    ],
    ids=["99", "km/h as m/s", "kcal", "half an injury"],
)  # fmt: skip
def test_what_looks_wrong_is_said(text, level, says, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(text)
    if level == "error":
        with pytest.raises(InputError, match=says):
            load_cohort(path)
    else:
        problems = load_cohort(path).problems
        assert problems.loc[problems["level"] == level, "action"].str.contains(says).any()


def test_codes_for_missing_values_come_from_the_spec(tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC.replace("27.1", "999"))
    cohort = load_cohort(path, spec={"file": {"missing": [999]}})
    assert cohort.provenance["rows_used"] == 11


def test_what_a_cohort_is_taken_for_is_said() -> None:
    cost = load_cohort(plain()).problems
    assert "taken as running" in set(cost["action"])
    slow = plain().assign(speed_m_s=1.2)
    assert "speeds of walking" in set(load_cohort(slow).problems["found"])
    fat = pd.read_csv(io.StringIO(measured("body-fat").replace("backward,", "BR,")), dtype=str)
    arms = load_cohort(fat.replace({"control": "CON"}))
    assert {"taken as backward", "taken as control"} <= set(arms.problems["action"])
    mixed = load_cohort(fat.replace({"BR": "forward and backward"}))
    assert "no backward arm" in set(mixed.problems["found"])


def test_a_condition_that_is_a_direction_and_weeks_that_are_times() -> None:
    same_as_template(load_cohort(plain().rename(columns={"direction": "Condition"})))
    fat = pd.read_csv(io.StringIO(measured("body-fat"))).drop(columns="time")
    assert load_cohort(fat).frame["time"].tolist()[:2] == ["0", "0"]


def test_rows_without_a_person_are_filled_from_above_only_where_each_code_stands_once() -> None:
    frame = plain()
    frame.loc[1::2, "subject"] = None
    same_as_template(load_cohort(frame))
    alone = plain().assign(direction="forward", speed_m_s=2.5)  # a forgotten code, or a repeat?
    alone.loc[1::2, "subject"] = None
    some = plain()
    some.loc[[3, 5, 7], "subject"] = None
    some.loc[2, "subject"] = some.loc[0, "subject"]  # a code that stands twice
    for doubtful in (alone, some):
        with pytest.raises(InputError, match="only where each code stands once"):
            load_cohort(doubtful)


def test_uneven_terrain_trial_gives_its_authors_own_mixed_model(shared) -> None:
    """Net_MR ~ h2v_dl + v3_dl with people random; statsmodels on the same rows is the check."""
    smf = pytest.importorskip("statsmodels.formula.api")
    path = shared / "cohorts" / "kuo_uneven_terrain" / "W_YA_df_export.csv"
    spec = {"analysis": "none", "columns": {"uniqsubs": "subject"}}
    cohort = load_cohort(path, spec=spec)
    assert (len(cohort.frame), cohort.n_subjects, cohort.analysis) == (210, 10, "")
    ours = rs.lmm("Net_MR ~ h2v_dl + v3_dl + (1 | subject)", cohort)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # statsmodels warns of a small variance
        theirs = smf.mixedlm("Net_MR ~ h2v_dl + v3_dl", pd.read_csv(path), groups="uniqsubs").fit(
            reml=True
        )
    # statsmodels stops where its optimiser does: five digits
    np.testing.assert_allclose(ours.coefficients["estimate"], theirs.fe_params, rtol=1e-5)
    np.testing.assert_allclose(ours.coefficients["std_error"], theirs.bse_fe, rtol=1e-4)
    assert ours.loglik >= theirs.llf - 1e-6


def test_a_cohort_without_backward_training_is_shown_and_judges_nothing(shared) -> None:
    path = shared / "cohorts" / "exscidata" / "hypertrophy_bodycomp_long.csv"
    found = rs.replicate(["body-fat"], cohorts=[path], draws=0)
    rows = found.estimates[found.estimates["role"] == "cohort"]
    raw = pd.read_csv(path).dropna(subset=["fat_pct_dxa"])
    change = raw.pivot(index=["group", "participant"], columns="time", values="fat_pct_dxa")
    means = (change["T3"] - change["T1"]).groupby("group").mean()
    assert sorted(rows["estimate"]) == pytest.approx(sorted(means), abs=0.05)
    assert rows["excluded"].all()
    assert not rows["pooled"].any()
    assert found.cohorts.empty


def test_a_cohort_with_both_arms_is_direct_evidence_for_the_comparison() -> None:
    text = measured("body-fat").replace("control", "forward")
    cohort = load_cohort(pd.read_csv(io.StringIO(text), dtype=str), spec={"name": "both"})
    rows = rows_of_cohort(cohort).set_index("claim_id")
    assert set(rows.index) == {"body_fat_6wk", "more_than_forward"}
    assert rows.at["more_than_forward", "estimate"] == pytest.approx(-2.0)


def several_speeds() -> pd.DataFrame:
    """Eight people at three speeds each way; their ratios differ; two walking rows each."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(8):
        level, ratio = rng.normal(0, 0.1), rng.normal(0.25, 0.05)
        for way, backward in (("forward", 0), ("backward", 1)):
            for speed in (8, 9, 10):
                log = 3.3 + level + 0.05 * speed + backward * ratio + rng.normal(0, 0.02)
                rows.append((f"p{i}", way, "run", speed, np.exp(log)))
            rows.append((f"p{i}", way, "walk", 5, np.exp(2.5 + level + 0.4 * backward)))
    columns = ["subject", "direction", "gait", "speed (km/h)", "VO2 (ml/kg/min)"]
    return pd.DataFrame(rows, columns=columns)


def test_several_speeds_are_no_new_people_and_walking_is_kept_apart() -> None:
    """The mixed model of all rows equals the paired t-test of each person's mean log cost."""
    pingouin = pytest.importorskip("pingouin")
    frame = several_speeds()
    own = rows_of_cohort(load_cohort(frame)).set_index("directness")
    assert set(own.index) == {"direct, own cohort", "walking, own cohort"}
    assert own["pooled"].to_dict() == {"direct, own cohort": True, "walking, own cohort": False}
    running = frame[frame["gait"] == "run"]
    logs = np.log(running.set_index(["subject", "speed (km/h)", "direction"])["VO2 (ml/kg/min)"])
    means = logs.groupby(["subject", "direction"]).mean().unstack()
    test = pingouin.ttest(means["backward"], means["forward"], paired=True)
    row = own.loc["direct, own cohort"]
    difference = (means["backward"] - means["forward"]).mean()
    assert np.log(row["estimate"]) == pytest.approx(difference, rel=1e-9)
    # the other program prints its interval with two decimals; its t has all of them
    error = difference / float(test["T"].iloc[0])
    half = error * t_from_p(0.05, 7)
    assert np.log(row["conf_high"]) == pytest.approx(difference + half, rel=1e-6)


def test_conditions_of_many_rows_are_named_once_each_as_row_by_row() -> None:
    from doors.evidence import joined_texts

    rng = np.random.default_rng(5)
    rows = pd.DataFrame(
        {"speed": rng.choice([2.5, 3.0, np.nan], 300), "slope": rng.integers(0, 2, 300)}
    )
    joined = joined_texts(rows, ["speed", "slope"])
    expected = [
        f"{speed} {slope}" for speed, slope in zip(rows["speed"], rows["slope"], strict=True)
    ]
    assert list(joined) == expected
    assert list(joined.categories) == sorted(set(expected))
    assert len(joined_texts(rows[:0], ["speed"])) == 0


def test_two_cohorts_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="two cohorts are named 'cohort'"):
        rs.replicate(["metabolic-cost"], cohorts=[plain(), plain()], draws=0)
