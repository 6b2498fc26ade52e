"""Own cohorts in every format and shape: the same numbers as the plain template."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs
from retrostats.cli import main
from retrostats.errors import InputError
from retrostats.readers.cohort import load_cohort
from retrostats.reported import t_from_p
from retrostats.validation.templates import template

METABOLIC = template("metabolic-cost")
#: Formats that store single precision round at 6e-8 relative; all others keep every digit.
SINGLE = 1e-6


def plain() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(METABOLIC))


def same_as_template(cohort: rs.Cohort, rel: float = 1e-12) -> None:
    wanted = plain().set_index(["subject", "direction"])["vo2_ml_kg_min"]
    found = cohort.frame.set_index(["subject", "direction"])["vo2_ml_kg_min"]
    assert found.to_dict() == pytest.approx(wanted.to_dict(), rel=rel)


def spreadsheet(path: Path) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    book.active.append(["Measured in Graz"])
    sheet = book.create_sheet("Data")
    sheet.append(["Study", "backward running"])
    sheet.append([])
    sheet.append(["subject", "direction", "speed", "VO2"])
    sheet.append([None, None, "m/s", "ml/kg/min"])
    for row in plain().itertuples(index=False):
        sheet.append(list(row))
    book.save(path)
    return path


def test_spreadsheet_with_title_units_and_a_second_sheet(tmp_path) -> None:
    cohort = load_cohort(spreadsheet(tmp_path / "lab.xlsx"))
    same_as_template(cohort)
    assert cohort.frame["source_row"].iloc[0] == 5
    counts = cohort.provenance
    assert counts["explained"] == {"above the header": [1], "units": [4]}
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"] == 14
    assert "sheet 'Data' used, not Notes" in set(cohort.problems["found"])
    with pytest.raises(InputError, match="no sheet 'Daten'; it has 'Notes', 'Data'"):
        load_cohort(tmp_path / "lab.xlsx", spec={"file": {"sheet": "Daten"}})


def test_formulas_in_a_spreadsheet_are_not_run(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.load_workbook(spreadsheet(tmp_path / "lab.xlsx"))
    book["Data"]["D6"] = '=HYPERLINK("http://example.invalid")'
    book.save(tmp_path / "lab.xlsx")
    cohort = load_cohort(tmp_path / "lab.xlsx")
    assert any("none was run" in text for text in cohort.problems["found"])
    assert cohort.provenance["rows_used"] == 11  # never stored a value, so the row is left out


def test_parquet(tmp_path) -> None:
    pytest.importorskip("pyarrow")
    plain().to_parquet(tmp_path / "lab.parquet")
    same_as_template(load_cohort(tmp_path / "lab.parquet"))


@pytest.mark.parametrize("suffix", ["sav", "zsav", "dta", "xpt"])
def test_statistical_packages_with_labels_and_coded_words(suffix, tmp_path) -> None:
    package = pytest.importorskip("pyreadstat")
    path = tmp_path / f"lab.{suffix}"
    frame = plain().rename(columns={"vo2_ml_kg_min": "v4", "speed_m_s": "v3"})
    labels = {"v4": "VO2 (ml/kg/min)", "v3": "Speed (m/s)"}
    columns = [labels.get(c, c) for c in frame]
    if suffix == "xpt":
        package.write_xport(frame, str(path), column_labels=columns)
    else:
        frame["direction"] = frame["direction"].map({"forward": 1, "backward": 2})
        words = {"direction": {1: "forward", 2: "backward"}}
        write = package.write_dta if suffix == "dta" else package.write_sav
        options = {"row_compress": True} if suffix == "zsav" else {}
        write(frame, str(path), column_labels=columns, variable_value_labels=words, **options)
    same_as_template(load_cohort(path), SINGLE)


@pytest.mark.parametrize("suffix", ["xlsx", "xls", "ods", "parquet", "sav", "dta", "sas7bdat"])
def test_damaged_files_of_every_format_are_refused(suffix, tmp_path, capfd) -> None:
    path = tmp_path / f"lab.{suffix}"
    for data in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0" + b"x" * 4000, b"PAR1xxPAR1", b"$FL2@(#)" * 9):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"lab\."):
            load_cohort(path)


WIDE = {
    "brackets": ("VO2 forward (ml/kg/min),VO2 backward (ml/kg/min)", ","),
    "snake": ("vo2_fw_ml_kg_min;vo2_bw_ml_kg_min", ";"),
    "German": ("VO2 vorwärts [ml/min/kg]\tVO2 rückwärts [ml/min/kg]", "\t"),
    "French": ("VO2 avant (ml/kg/min)|VO2 arrière (ml/kg/min)", "|"),
}


@pytest.mark.parametrize("kind", sorted(WIDE))
def test_wide_tables_by_direction(kind, tmp_path) -> None:
    header, mark = WIDE[kind]
    wide = plain().pivot(index="subject", columns="direction", values="vo2_ml_kg_min")
    rows = [f"{s}{mark}{r.forward}{mark}{r.backward}" for s, r in wide.iterrows()]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([f"subject{mark}{header}", *rows]), encoding="utf-8")
    cohort = load_cohort(path)
    same_as_template(cohort)
    counts = cohort.provenance
    assert (counts["rows_in"], counts["rows_used"], len(cohort.frame)) == (6, 6, 12)


def test_wide_by_speed_with_a_unit_row(tmp_path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text(
        "ID;VO2_fw_8kmh;VO2_bw_8kmh;VO2_fw_10kmh;VO2_bw_10kmh\n;l/min;l/min;l/min;l/min\n"
        + "".join(f"{i:03d};2,{i};2,{i + 3};2,{i + 4};3,{i}\n" for i in range(6))
    )
    frame = load_cohort(path, spec={"constants": {"mass": "50 kg"}}).frame
    assert len(frame) == 24
    assert set(frame["subject"]) == {f"{i:03d}" for i in range(6)}  # zeros in front stay
    assert sorted(frame["speed_m_s"].unique()) == pytest.approx([8 / 3.6, 10 / 3.6])
    assert frame["vo2_ml_kg_min"].max() == pytest.approx(3500 / 50)


def test_wide_by_time_is_a_body_fat_cohort(tmp_path) -> None:
    path = tmp_path / "fat.csv"
    rows = "".join(f"p{i},{'backward' if i < 3 else 'control'},{25 + i},{24 + 0.9 * i}\n"
                   for i in range(6))  # fmt: skip
    path.write_text("participant,group,body_fat_pct_pre,body_fat_pct_post\n" + rows)
    cohort = load_cohort(path)
    assert cohort.analysis == "body-fat"
    assert list(dict.fromkeys(cohort.frame["time"])) == ["pre", "post"]


def test_wide_in_two_units_is_refused(tmp_path) -> None:
    path = tmp_path / "wide.csv"
    path.write_text("subject,VO2 forward (l/min),VO2 backward (ml/min)\na,2,2500\nb,2.1,2600\n")
    with pytest.raises(InputError, match="give one unit"):
        load_cohort(path)


def test_spec_constants_filter_levels_and_name(tmp_path) -> None:
    text = METABOLIC.replace("speed_m_s,", "use,").replace(",2.5,", ",yes,").replace(
        "example6,forward,yes", "example6,forward,no"
    )  # fmt: skip
    path = tmp_path / "lab.csv"
    path.write_text(text.replace("backward", "R"))
    (tmp_path / "lab.toml").write_text(
        'name = "Our lab"\n[constants]\nspeed = "9 km/h"\n[filter]\nuse = ["yes"]\n'
        '[levels]\nR = "backward"\n'
    )
    cohort = load_cohort(path)  # the spec of the same name is found beside it
    assert cohort.provenance["name"] == "Our lab"
    assert cohort.provenance["explained"] == {"left out by the spec": [12]}
    assert cohort.frame["speed_m_s"].unique() == pytest.approx([2.5])
    assert len(cohort.frame) == 11


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
    told = load_cohort(path, spec={"file": {"decimal": ","}}).frame
    assert told["exposure_h"].max() == 1300
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


@pytest.mark.parametrize("other", ["Example1", "example01", "example 1", "example_1"])
def test_codes_that_are_nearly_one_another_are_asked_about(other, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC.replace("example1,backward", f"{other},backward"))
    with pytest.raises(InputError, match="one code a person"):
        load_cohort(path)


def test_people_in_one_direction_are_named_and_all_of_them_refused(tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC.replace("example1,backward", "other,backward"))
    warned = load_cohort(path).problems
    assert any("one direction only: example1, other" in text for text in warned["found"])
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
        (template("ligament-injury").replace("forward,2,", "forward,2.5,", 1), "error", "whole"),
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


MERGED = {
    "uptake over direction": (
        [["subject", "VO2 (ml/kg/min)", None], [None, "forward", "backward"]],
        ["B1:C1", "A1:A2"], [1, 2]),
    "direction over quantities": (
        [["subject", "Forward", None, "Backward", None],
         [None, "VO2 (ml/kg/min)", "HR (bpm)", "VO2 (ml/kg/min)", "HR (bpm)"]],
        ["B1:C1", "D1:E1"], [1, 3]),
    "title, units": (
        [["Our study", None, None], ["subject", "VO2 forward", "VO2 backward"],
         [None, "ml/kg/min", "ml/kg/min"]],
        ["A1:C1"], [1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(MERGED))
def test_merged_headers_are_joined(kind, tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    header, merged, at = MERGED[kind]
    book = openpyxl.Workbook()
    for row in header:
        book.active.append(row)
    wide = plain().pivot(index="subject", columns="direction", values="vo2_ml_kg_min")
    for subject, row in wide.iterrows():
        cells = [subject] + [150] * (len(header[-1]) - 1)
        cells[at[0]], cells[at[1]] = row["forward"], row["backward"]
        book.active.append(cells)
    last = book.active.max_row + 1
    book.active.append(["Measured in 2020"])
    for cells in (*merged, f"A{last}:C{last}"):
        book.active.merge_cells(cells)
    book.save(tmp_path / "lab.xlsx")
    cohort = load_cohort(tmp_path / "lab.xlsx")
    same_as_template(cohort)
    assert cohort.provenance["explained"]["no value"] == [last]
    book.active.merge_cells("A4:A5")
    book.save(tmp_path / "lab.xlsx")
    with pytest.raises(InputError, match="merged cells at A4:A5"):
        load_cohort(tmp_path / "lab.xlsx")


def test_what_a_cohort_is_taken_for_is_said() -> None:
    cost = load_cohort(plain()).problems
    assert "taken as running" in set(cost["action"])
    slow = plain().assign(speed_m_s=1.2)
    assert "speeds of walking" in set(load_cohort(slow).problems["found"])
    fat = pd.read_csv(io.StringIO(template("body-fat").replace("backward,", "BR,")), dtype=str)
    arms = load_cohort(fat.replace({"control": "CON"}))
    assert {"taken as backward", "taken as control"} <= set(arms.problems["action"])
    mixed = load_cohort(fat.replace({"BR": "forward and backward"}))
    assert "no arm trained backward" in set(mixed.problems["found"])


def test_a_condition_that_is_a_direction_and_weeks_that_are_times() -> None:
    same_as_template(load_cohort(plain().rename(columns={"direction": "Condition"})))
    fat = pd.read_csv(io.StringIO(template("body-fat"))).drop(columns="time")
    assert load_cohort(fat).frame["time"].tolist()[:2] == ["0", "0"]


def test_pace_in_minutes_and_seconds() -> None:
    frame = plain().rename(columns={"speed_m_s": "pace (min/km)"}).astype(str)
    frame["pace (min/km)"] = "6:40"
    assert load_cohort(frame).frame["speed_m_s"].unique() == pytest.approx([2.5])


def test_rows_without_a_person_are_not_filled_from_above() -> None:
    frame = plain()
    frame.loc[1::2, "subject"] = None
    with pytest.raises(InputError, match="not filled from above"):
        load_cohort(frame)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"%PDF-1.4 ...", "a PDF"), (b"<html><table></table></html>", "a web page"),
     (b'{"a": [1, 2]}', "JSON")],
)  # fmt: skip
def test_files_of_another_kind_are_named(data, says, tmp_path) -> None:
    for suffix in ("csv", "xls"):
        path = tmp_path / f"lab.{suffix}"
        path.write_bytes(data)
        with pytest.raises(InputError, match=says):
            load_cohort(path)


def test_labels_of_people_stay_out(tmp_path) -> None:
    package = pytest.importorskip("pyreadstat")
    frame = plain()
    frame["subject"] = frame["subject"].str[-1].astype(int)
    labels = {"subject": {i: f"Ms Example {i}" for i in range(1, 7)}}
    package.write_sav(frame, str(tmp_path / "lab.sav"), variable_value_labels=labels)
    assert set(load_cohort(tmp_path / "lab.sav").frame["subject"]) == set("123456")


def test_a_folder_of_tables_named_by_person_and_direction(tmp_path) -> None:
    for (subject, way), part in plain().groupby(["subject", "direction"]):
        part[["speed_m_s", "vo2_ml_kg_min"]].to_csv(tmp_path / f"{subject}_{way}.csv", index=False)
    (tmp_path / "~$lock.xlsx").write_bytes(b"lock")
    same_as_template(load_cohort(tmp_path))


def test_a_folder_with_a_table_of_people(tmp_path) -> None:
    frame = plain().rename(columns={"vo2_ml_kg_min": "VO2 (ml/min)"})
    frame["VO2 (ml/min)"] *= 60
    for way, part in frame.groupby("direction"):
        part.drop(columns="direction").to_csv(tmp_path / f"{way}.csv", index=False)
    people = pd.DataFrame({"subject": frame["subject"].unique(), "mass (kg)": 60, "sex": "f"})
    people.to_csv(tmp_path / "people.csv", index=False)
    (tmp_path / "readme.txt").write_text("Measured in 2024, with care.")
    cohort = load_cohort(tmp_path)
    same_as_template(cohort)
    counts = cohort.provenance
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"] == 18
    assert counts["explained"]["people, joined by subject"] == list(range(2, 8))


GASES = "subject,direction,VO2 (ml/min),VCO2 (ml/min),mass (kg)\n" + "".join(
    f"p{i},{way},{2000 * f + 10 * i},{1800 * f * (1.2 if i == 0 and f > 1 else 1)},70\n"
    for i in range(4)
    for way, f in (("forward", 1.0), ("backward", 1.3))
)


@pytest.mark.parametrize("equation", ["brockway", "weir", "peronnet-massicotte", "lusk"])
def test_metabolic_rate_by_a_chosen_equation(equation, tmp_path) -> None:
    path = tmp_path / "gases.csv"
    path.write_text(GASES)
    cohort = load_cohort(path, spec={"energy": {"equation": equation}})
    expected = rs.metabolic_rate_w(2010.0, 1800.0, equation=equation) / 70
    row = cohort.frame[(cohort.frame["subject"] == "p1") & (cohort.frame["direction"] == "forward")]
    assert row["metabolic_rate_w_kg"].iloc[0] == pytest.approx(float(expected))
    flagged = cohort.problems[cohort.problems["column"] == "rer"]
    assert flagged["row"].tolist() == ["3"]  # above 1, flagged and kept
    assert cohort.provenance["rows_used"] == 8


def test_unknown_equation_lists_the_known(tmp_path) -> None:
    path = tmp_path / "gases.csv"
    path.write_text(GASES)
    with pytest.raises(InputError, match="allowed: brockway"):
        load_cohort(path, spec={"energy": {"equation": "guess"}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (METABOLIC.replace("subject", "subjet"), "did you mean 'subject'"),
        (METABOLIC.replace("vo2_ml_kg_min", "VO2 (furlong)"), "furlong"),
        (METABOLIC.replace("27.1", "12.34.56"), "'12.34.56'"),
    ],
    ids=["near miss", "unknown unit", "two points"],
)
def test_refusals_name_what_was_found(text, says, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says):
        load_cohort(path)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"columns": {"vo2_ml_kg_mn": "vo2"}}, "did you mean 'vo2_ml_kg_min'"),
        ({"colums": {}}, "did you mean 'columns'"),
        ({"file": {"header": 1}}, "unknown entry 'header'"),
        ({"file": {"header_row": 99}}, "no filled row 99"),
        ({"filter": {"subject": "nobody"}}, "leaves no row"),
        ({"wide": {"vo2": {"direction": "forward"}}}, "column = "),
        ({"analysis": "cooking"}, "'cooking'"),
        ({"constants": {"direction": "forward"}}, "is a column of"),
    ],
)
def test_bad_specs_say_what_is_allowed(spec, says, tmp_path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC)
    with pytest.raises(InputError, match=says):
        load_cohort(path, spec=spec)


def test_uneven_terrain_trial_gives_its_authors_own_mixed_model(shared) -> None:
    """Net_MR ~ h2v_dl + v3_dl with people random; statsmodels on the same rows is the witness."""
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
    row = found.estimates[found.estimates["role"] == "cohort"].iloc[0]
    raw = pd.read_csv(path).dropna(subset=["fat_pct_dxa"])
    change = raw.pivot(index="participant", columns="time", values="fat_pct_dxa")
    assert row["estimate"] == pytest.approx((change["T3"] - change["T1"]).mean(), rel=1e-9)
    assert row["hollow"]
    assert not row["pooled"]
    assert found.cohorts.empty


def test_a_cohort_with_both_arms_is_direct_evidence_for_the_comparison() -> None:
    text = template("body-fat").replace("control", "forward")
    cohort = load_cohort(pd.read_csv(io.StringIO(text), dtype=str), spec={"name": "both"})
    found = rs.replicate(["body-fat"], cohorts=[cohort], draws=0)
    rows = found.estimates[found.estimates["role"] == "cohort"].set_index("claim_id")
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
    found = rs.replicate(["metabolic-cost"], cohorts=[load_cohort(frame)], draws=0).estimates
    own = found[found["role"] == "cohort"].set_index("directness")
    assert set(own.index) == {"direct, own cohort", "walking, own cohort"}
    assert own["pooled"].to_dict() == {"direct, own cohort": True, "walking, own cohort": False}
    running = frame[frame["gait"] == "run"]
    logs = np.log(running.set_index(["subject", "speed (km/h)", "direction"])["VO2 (ml/kg/min)"])
    means = logs.groupby(["subject", "direction"]).mean().unstack()
    test = pingouin.ttest(means["backward"], means["forward"], paired=True)
    row = own.loc["direct, own cohort"]
    difference = (means["backward"] - means["forward"]).mean()
    assert np.log(row["estimate"]) == pytest.approx(difference, rel=1e-9)
    # the witness prints its interval with two decimals; its t has all of them
    error = difference / float(test["T"].iloc[0])
    half = error * t_from_p(0.05, 7)
    assert np.log(row["conf_high"]) == pytest.approx(difference + half, rel=1e-6)


def test_two_cohorts_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="two cohorts are named 'cohort'"):
        rs.replicate(["metabolic-cost"], cohorts=[plain(), plain()], draws=0)


def test_validate_prints_the_account(tmp_path, capsys) -> None:
    path = spreadsheet(tmp_path / "lab.xlsx")
    assert main(["validate", str(path)]) == 0
    said = capsys.readouterr().out
    assert "14 rows in, 12 used, 2 explained below; 6 subjects" in said
    assert "guess: row 4: units; row not used" in said
