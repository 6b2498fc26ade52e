"""A lab's real file goes in: repeats, merged cells, irrelevant columns, third conditions, names."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from doors.io import read_header

import retrostats as rs

HEADER = ["subject", "direction", "speed (km/h)", "VO2 (ml/kg/min)"]
#: Of any file: ten digits survive the way through text and units.
RTOL = 1e-10
#: Of ratios of means: what two decimals of an uptake leave.
ROUNDED = 0.01


def rows(people: int = 8, speeds: tuple[float, ...] = (6.0, 8.0)) -> list[list[object]]:
    return [
        [f"P{i:02d}", way, speed, round((25 + 0.7 * i + speed) * (1.28 if way[0] == "b" else 1), 2)]
        for i in range(people) for speed in speeds for way in ("forward", "backward")
    ]  # fmt: skip


def lab(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(rows(), columns=HEADER).assign(**columns)


def values(frame: pd.DataFrame) -> list[float]:
    return sorted(rs.load_cohort(frame).frame["vo2_ml_kg_min"])


def every_other(*cells: object) -> list[object]:
    return [cells[i % len(cells)] for i in range(len(rows()))]


IRRELEVANT = {
    "fat (g/day)": ("60", "70"), "weight (st)": ("10.1", "11.2"), "age": ("6M", "7M"),
    "from": ("2024-01-02", "2024-02-03"), "until": ("noon", "late"), "weight": ("light", "?"),
    "hours": ("a few", "many"), "RER": ("ok", "bad"), "injuries": ("none", "two"),
    "week": ("first", "second"), "metabolic rate": ("1", "2"), "VCO2": ("1", "2"),
    "energy cost": ("x", "y"), "mass (kg)": ("1000", "60"), "HR (mmHg)": ("1", "2"),
    "height (furlong)": ("1", "2"), "VO2 net (ml/kg/min)": ("20.1", "30.2"),
}  # fmt: skip


@pytest.mark.parametrize("header", IRRELEVANT)
def test_a_column_that_no_analysis_needs_stops_no_file_and_is_listed(header: str) -> None:
    frame = lab(**{header: every_other(*IRRELEVANT[header])})
    cohort = rs.load_cohort(frame)
    assert sorted(cohort.frame["vo2_ml_kg_min"]) == values(lab())
    listed = cohort.problems[cohort.problems["column"].isin([header, "mass_kg"])]
    assert len(listed)
    if header != "weight (st)":  # a unit that is known
        assert listed["action"].str.contains("not used").any()


def test_a_column_that_is_needed_still_stops_the_file() -> None:
    for header in ("speed (furlong)", "incline (mmHg)"):
        with pytest.raises(rs.InputError, match="not known"):
            rs.load_cohort(lab(**{header: every_other(1, 2)}).drop(columns="speed (km/h)"))
    with pytest.raises(rs.InputError, match="a number"):  # the spec says that it is meant
        rs.load_cohort(lab(hours="a few"), spec={"columns": {"hours": "exposure_h"}})


def test_wide_columns_of_something_else_do_not_double_the_rows() -> None:
    for name in ("HR", "Weight"):
        frame = lab(**{f"{name} pre": every_other(60, 61), f"{name} post": every_other(59, 62)})
        assert values(frame) == values(lab())


def test_names_that_occur_twice_stop_a_file_only_where_they_are_needed() -> None:
    frame = lab(remark="a", other="b", again=lab()["VO2 (ml/kg/min)"])
    same = frame.set_axis([*HEADER, "remark", "remark", HEADER[-1]], axis=1)
    assert values(same) == values(lab())
    same.iloc[0, -1] = 99.0
    with pytest.raises(rs.InputError, match=r"'VO2 \(ml/kg/min\)' occurs twice"):
        rs.load_cohort(same)


def test_a_slope_in_degrees_is_converted(shared) -> None:
    cohort = rs.load_cohort(shared / "cases" / "cohorts" / "irr_incl.csv")
    slope = 100 * np.tan(np.radians(3.0))
    assert cohort.frame["gradient_pct"].unique() == pytest.approx([slope], rel=RTOL)
    assert cohort.provenance["rows_used"] == 40


THIRD = {"sideways": "direction", "rest": "direction", "standing": "gait"}


@pytest.mark.parametrize("word", THIRD)
def test_rows_of_another_condition_are_left_out_and_listed(word: str) -> None:
    column = THIRD[word]
    base = lab(gait="run")
    third = base[base["direction"] == "forward"].assign(**{column: word})
    cohort = rs.load_cohort(pd.concat([base, third]))
    assert sorted(cohort.frame["vo2_ml_kg_min"]) == values(lab())
    assert len(cohort.provenance["explained"]["another condition"]) == len(third)
    told = cohort.problems[cohort.problems["found"] == f"{word!r} in {len(third)} rows"]
    assert len(told) == 1
    assert "[filter]" in told["action"].item()


def test_a_word_that_may_be_one_of_the_two_conditions_is_asked_about() -> None:
    base = lab()
    typo = base.assign(direction=base["direction"].where(base.index > 4, "backwrad"))
    own_word = base.assign(direction=base["direction"].where(base.index % 8 > 1, "R"))
    odd = base.assign(direction=base["direction"].where(base.index != 3, "sideways"))
    some = (base["direction"] == "backward") & base["subject"].isin(["P00", "P01", "P02"])
    instead = base.assign(direction=base["direction"].where(~some, "reverse"))
    for frame in (typo, own_word, odd, instead):
        with pytest.raises(rs.InputError, match=r"\[levels\]"):
            rs.load_cohort(frame)


def test_codes_under_a_name_in_merged_and_in_blank_cells(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    ordered = sorted(rows(), key=lambda row: (row[0], str(row[1]) == "backward"))
    book = openpyxl.Workbook()
    for line in (HEADER, *ordered):
        book.active.append(line)
    for top in range(2, len(ordered) + 2, 4):
        book.active.merge_cells(f"A{top}:A{top + 3}")
        book.active.merge_cells(f"B{top}:B{top + 1}")
        book.active.merge_cells(f"B{top + 2}:B{top + 3}")
    book.save(tmp_path / "lab.xlsx")
    blank = pd.DataFrame(ordered, columns=HEADER)
    blank.loc[blank.index % 4 > 0, "subject"] = None
    blank.loc[blank.index % 2 > 0, "direction"] = None
    for source in (tmp_path / "lab.xlsx", blank):
        cohort = rs.load_cohort(source)
        assert cohort.n_subjects == 8
        assert cohort.provenance["rows_used"] == 32
        assert sorted(cohort.frame["vo2_ml_kg_min"]) == values(lab())


def test_codes_that_a_spreadsheet_wrote_without_zeros_are_joined(shared, tmp_path) -> None:
    cohort = rs.load_cohort(shared / "cases" / "cohorts" / "joinids.xlsx")
    assert cohort.n_subjects == 10
    assert cohort.frame["vo2_ml_kg_min"].notna().all()
    folder = tmp_path / "lab"
    folder.mkdir()
    tests = lab(mass=None).drop(columns="mass").assign(subject=lambda f: f["subject"].str[1:])
    tests.assign(subject=tests["subject"].astype(int)).to_csv(folder / "tests.csv", index=False)
    people = pd.DataFrame({"id": sorted(tests["subject"].unique()), "sex": "F"})
    people.to_csv(folder / "people.csv", index=False)
    joined = rs.load_cohort(folder)
    assert joined.n_subjects == 8
    assert (joined.frame["sex"] == "F").all()
    one_table = lab(subject=["1", "01"] * 16)  # in one table they may be two people
    with pytest.raises(rs.InputError, match="one code a person"):
        rs.load_cohort(one_table)


def trials(people: int, repeats: int, digits: int, seed: int) -> pd.DataFrame:
    """People in both conditions, several times, with ties as rounding makes them."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(people), 2 * repeats)
    way = np.tile(np.repeat(["forward", "backward"], repeats), people)
    level = rng.normal(32, 3, people)[who] * np.where(way == "backward", 1.28, 1.0)
    uptake = np.round(level + rng.normal(0, 0.3, len(who)), digits)
    cells = [[f"P{i}" for i in who], way, 7.2, uptake]
    return pd.DataFrame(dict(zip(HEADER, cells, strict=True)))


def test_repeats_that_are_equal_are_trials(shared) -> None:
    cohort = rs.load_cohort(shared / "cases" / "cohorts" / "repeated_trials_with_ties.csv")
    assert cohort.provenance["rows_used"] == 60
    for seed in range(10):  # without a number of the trial: as many as chance makes
        assert len(rs.load_cohort(trials(10, 3, 1, seed)).frame) == 60


def test_many_repeats_may_be_equal_by_chance() -> None:
    """Found in use: long recordings at four digits were refused for chance repeats."""
    frame = trials(40, 400, 3, 1)
    assert frame.duplicated().sum() > 100
    assert len(rs.load_cohort(frame).frame) == len(frame)


@pytest.mark.parametrize("seed", range(6))
def test_a_block_of_copied_rows_is_found_among_ties(seed: int) -> None:
    """Their number alone is no rarer than chance in half of such tables."""
    frame = trials(10, 3, 1, seed)
    with pytest.raises(rs.InputError, match="the same measurement twice"):
        rs.load_cohort(pd.concat([frame, frame.iloc[:24]]))


@pytest.mark.parametrize("copied", ["all", "some", "one"])
def test_copies_are_no_trials(copied: str) -> None:
    frame = trials(10, 1 if copied == "one" else 3, 1, 2)
    part = {"all": frame, "some": frame.iloc[6:30], "one": frame.iloc[[3]]}[copied]
    with pytest.raises(rs.InputError, match="the same measurement twice"):
        rs.load_cohort(pd.concat([frame, part]))


NAMES = {
    "Total Tissue (%Fat)": ("body_fat_pct", "%"), "Region %Fat": ("body_fat_pct", "%"),
    "WBTOT_PFAT": ("body_fat_pct", "%"), "Tissue (%Fat)": ("body_fat_pct", "%"),
    "Fat (g)": ("fat_mass_kg", "g"), "Fat (%)": ("body_fat_pct", "%"),
    "player_name": ("subject", ""), "subjectname": ("subject", ""),
    "Training hours": ("exposure_h", "h"), "METs": ("vo2_ml_kg_min", "MET"),
    "VO2 (ml/kg/km)": ("oxygen_cost_ml_kg_m", "ml/kg/km"),
    "VO2 gross (ml/kg/min)": ("vo2_ml_kg_min", "ml/kg/min"),
    "incline (deg)": ("gradient_pct", "deg"), "incline (%)": ("gradient_pct", "%"),
    "weight (st)": ("mass_kg", "st"),
}  # fmt: skip


@pytest.mark.parametrize("header", NAMES)
def test_names_of_devices_and_exports(header: str) -> None:
    found = read_header(header)
    assert found is not None
    assert (found.column, found.unit.symbol if found.unit else "") == NAMES[header]


@pytest.mark.parametrize("header", ["Arms %Fat", "Trunk (%Fat)", "android fat"])
def test_fat_of_a_part_is_no_body_fat(header: str) -> None:
    assert read_header(header) is None


def test_mets_are_used_alone_and_not_beside_an_uptake() -> None:
    mets = lab(METs=(lab()["VO2 (ml/kg/min)"] / 3.5).round(4))
    assert values(mets) == values(lab())
    alone = values(mets.drop(columns="VO2 (ml/kg/min)"))
    np.testing.assert_allclose(alone, values(lab()), atol=3.5 * 5e-5)  # four digits of a MET


def test_injuries_of_a_kind_and_hours_by_their_usual_names(shared) -> None:
    cohort = rs.load_cohort(shared / "cases" / "cohorts" / "injuries.csv")
    assert {"exposure_h", "ligament_injuries"} <= set(cohort.frame)
    other = (shared / "cases" / "cohorts" / "injuries.csv").read_text()
    other = other.replace("Knee ligament injuries", "Non-ligament injuries")
    with pytest.raises(rs.InputError, match="not understood"):
        rs.load_cohort(pd.read_csv(io.StringIO(other), dtype=str))


def people_over_time(**columns: object) -> pd.DataFrame:
    at = [("pre", 0.0), ("post", -2.0)]
    cells = [(f"p{i}", "backward" if i < 6 else "control", time, 60 + i, 15 + i + change * (i % 3))
             for i in range(12) for time, change in at]  # fmt: skip
    table = pd.DataFrame(cells, columns=["id", "group", "time", "weight (kg)", "fat mass (kg)"])
    return table.assign(**columns)


def test_fat_mass_with_body_mass_becomes_percent() -> None:
    frame = rs.load_cohort(people_over_time()).frame
    wanted = 100 * frame["fat_mass_kg"] / frame["mass_kg"]
    np.testing.assert_allclose(frame["body_fat_pct"], wanted, rtol=RTOL)


def test_grams_and_percent_of_one_tissue_stand_side_by_side() -> None:
    long = people_over_time().rename(columns={"fat mass (kg)": "Fat (%)"})
    both = long.assign(**{"Fat (g)": long["Fat (%)"] * 700})
    assert rs.load_cohort(both).frame["fat_mass_kg"].iloc[0] == pytest.approx(10.5, rel=RTOL)
    alone = both.drop(columns="Fat (%)")  # grams of tissue, as DXA exports have them
    assert rs.load_cohort(alone).frame["fat_mass_kg"].iloc[0] == pytest.approx(10.5, rel=RTOL)
    with pytest.raises(rs.InputError, match="is it fat eaten"):
        rs.load_cohort(alone.assign(**{"Fat (g)": np.arange(24) + 50}))
    wide = long.pivot(index=["id", "group"], columns="time", values="Fat (%)").reset_index()
    wide = wide.rename(columns={"pre": "Fat pre (%)", "post": "Fat post (%)"})
    for time in ("pre", "post"):
        wide[f"Fat {time} (g)"] = wide[f"Fat {time} (%)"] * 700
    frame = rs.load_cohort(wide).frame
    np.testing.assert_allclose(frame["fat_mass_kg"], 0.7 * frame["body_fat_pct"], rtol=RTOL)


def test_sessions_that_number_the_conditions_are_periods() -> None:
    base = lab()
    first = (base.index // 4) % 2 == 0  # every other person began with the first condition
    session = np.where((base["direction"] == "forward") == first, 1, 2)
    cohort = rs.load_cohort(base.assign(session=session))
    assert cohort.frame["period"].tolist() == [str(s) for s in session]
    assert cohort.problems["action"].str.contains("the period enters the model").any()
    days = rs.load_cohort(base.assign(session=(base["speed (km/h)"] > 7) + 1))
    assert "period" not in days.frame  # both conditions on each day


def test_a_speed_in_two_units_is_one_speed_and_two_speeds_are_asked_about() -> None:
    metres = [round(float(row[2]) / 3.6, 2) for row in rows()]
    assert values(lab(**{"speed (m/s)": metres})) == values(lab())
    with pytest.raises(rs.InputError, match="also speed_m_s"):
        rs.load_cohort(lab(**{"speed (m/s)": [2 * m for m in metres]}))


def test_a_condition_beside_the_directions_is_listed_or_asked_about() -> None:
    shoes = lab(group=every_other("shod", "shod", "bare", "bare"))  # another shoe at each speed
    assert values(shoes) == values(lab())
    listed = rs.load_cohort(shoes).problems
    assert listed["found"].str.contains("'shod', 'bare' within 8 people").any()
    repeated = pd.concat([lab(group="shod"), lab(group="bare")])
    repeated[HEADER[-1]] += np.arange(len(repeated)) * 0.01
    with pytest.raises(rs.InputError, match=r"group: found repeated rows told apart by it"):
        rs.load_cohort(repeated)


def test_what_is_compared_decides_the_analysis_not_what_describes_people() -> None:
    cohort = rs.load_cohort(lab(session=1, **{"body fat (%)": every_other(20, 21)}))
    assert cohort.analysis == "metabolic-cost"


def test_one_slope_that_cannot_be_read_stops_nothing() -> None:
    for grade in (lab(grade="A"), lab(**{"slope (furlong)": 1})):
        assert values(grade) == values(lab())
    with pytest.raises(rs.InputError, match="a number"):
        rs.load_cohort(lab(grade=every_other("A", "B")))


def test_merged_remarks_stop_nothing_and_merged_outcomes_do(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path = tmp_path / "lab.xlsx"
    for cells, refused in (("E3:E5", False), ("E3:F4", False), ("G3:G4", False), ("D3:D4", True),
                           ("A3:B3", True)):  # fmt: skip
        book = openpyxl.Workbook()
        for line in ([*HEADER, "remark", "note", "HR"], *[[*r, "x", "y", 150] for r in rows()]):
            book.active.append(line)
        book.active.merge_cells(cells)
        book.save(path)
        if refused:
            with pytest.raises(rs.InputError, match=f"merged cells at {cells}"):
                rs.load_cohort(path)
        else:
            assert sorted(rs.load_cohort(path).frame["vo2_ml_kg_min"]) == values(lab())
    wide = lab().pivot(index=["subject", HEADER[2]], columns="direction", values=HEADER[3])
    book = openpyxl.Workbook()
    book.active.append(["subject", HEADER[2], "VO2 bwd (ml/kg/min)", "VO2 fwd (ml/kg/min)"])
    for key, row in wide.iterrows():
        book.active.append([*key, *row])
    book.active.merge_cells("C2:C3")  # a measurement, whatever its header
    book.save(path)
    with pytest.raises(rs.InputError, match="merged cells at C2:C3"):
        rs.load_cohort(path)


def test_other_levels_and_units_beside_wide_outcomes_make_no_rows() -> None:
    wide = lab().pivot(index=["subject", HEADER[2]], columns="direction", values=HEADER[3])
    wide = wide.reset_index().set_axis(["subject", HEADER[2], "VO2 bwd (ml/kg/min)",
                                        "VO2 fwd (ml/kg/min)"], axis=1)  # fmt: skip
    beside = wide.assign(**{"Weight pre (kg)": 70, "Weight post (lb)": 150, "HR fwd": 150,
                            "HR bwd": 160, "HR bwd (bpm)": 161})  # fmt: skip
    cohort = rs.load_cohort(beside)
    assert sorted(cohort.frame["vo2_ml_kg_min"]) == values(lab())
    assert not cohort.problems["action"].eq("row left out").any()
    assert "mass_kg" not in cohort.frame
    good = rs.load_cohort(wide.assign(**{"HR fwd": 150, "HR bwd": 160}))
    assert set(good.frame["heart_rate_bpm"]) == {150.0, 160.0}


def test_a_recording_whose_time_is_called_sec(tmp_path) -> None:
    lines = [f"{5 * i},{2000 + i},{1800 + i}" for i in range(40)]
    (tmp_path / "cart.csv").write_text("\n".join(["sec,VO2 (ml/min),VCO2 (ml/min)", *lines]))
    cart = rs.read_cart(tmp_path / "cart.csv")
    assert cart["time_s"].tolist() == [5.0 * i for i in range(40)]


def test_minutes_of_exposure_are_used_where_no_hours_are() -> None:
    table = pd.DataFrame({"player_name": [f"p{i}" for i in range(14)], "ACL injuries": [0, 1] * 7,
                          "Group": ["backward"] * 7 + ["forward"] * 7,
                          "Minutes played": np.arange(14) * 60 + 900})  # fmt: skip
    alone = rs.load_cohort(table).frame
    np.testing.assert_allclose(alone["exposure_h"], np.arange(14) + 15, rtol=RTOL)
    both = rs.load_cohort(table.assign(**{"Training hours": 90})).frame
    assert set(both["exposure_h"]) == {90.0}
