"""A lab's real file goes in: lists of injuries, factors of a design, names of programs, titles."""

from __future__ import annotations

import pandas as pd
import pytest
from doors.io import kind_of, read_header
from test_lab_files import HEADER, ROUNDED, lab, rows, values

import retrostats as rs


def injury_list(**columns: list[str]) -> pd.DataFrame:
    events = {
        "player": ["P1", "P1", "P4"],
        "date": ["2024-01-03", "2024-05-03", "2024-02-11"],
        "diagnosis": ["ACL tear", "no ligament injury, hamstring", "sprain"],
    }
    return pd.DataFrame({**events, **columns})


def minutes(ways: str = "ffbb") -> pd.DataFrame:
    people = [f"P{i + 1}" for i in range(len(ways))]
    words = {"f": "forward", "b": "backward"}
    return pd.DataFrame(
        {
            "player": people,
            "group": [words[w] for w in ways],
            "minutes played": [1800, 2400, 1500, 600][: len(ways)],
        }
    )


@pytest.mark.parametrize("form", ["folder", "sheets"])
def test_a_list_of_injuries_beside_minutes_is_counted_by_person(form: str, tmp_path) -> None:
    if form == "folder":
        path = tmp_path / "season"
        path.mkdir()
        injury_list().to_csv(path / "injuries.csv", index=False)
        minutes().to_csv(path / "minutes.csv", index=False)
    else:
        path = tmp_path / "season.xlsx"
        with pd.ExcelWriter(path) as book:
            injury_list().to_excel(book, sheet_name="injuries", index=False)
            minutes().to_excel(book, sheet_name="minutes", index=False)
    frame = rs.load_cohort(path).frame.set_index("subject")
    assert frame["exposure_h"].to_dict() == {"P1": 30, "P2": 40, "P3": 25, "P4": 10}
    assert frame["injuries"].to_dict() == {"P1": 2, "P2": 0, "P3": 0, "P4": 1}
    assert frame["ligament_injuries"].to_dict() == {"P1": 1, "P2": 0, "P3": 0, "P4": 1}
    assert frame["direction"].to_dict()["P4"] == "backward"


@pytest.mark.parametrize(
    ("events", "hours", "said"),
    [
        (injury_list(), pd.concat([minutes(), minutes("bb")]), "add a column direction"),
        (injury_list(player=["P1", "P9", "P4"]), minutes(), "row 3, subject: found an event of"),
    ],
)
def test_injuries_that_belong_nowhere_are_asked_about(events, hours, said, tmp_path) -> None:
    events.to_csv(tmp_path / "injuries.csv", index=False)
    hours.to_csv(tmp_path / "minutes.csv", index=False)
    with pytest.raises(rs.InputError, match=said) as error:
        rs.load_cohort(tmp_path)
    assert len(str(error.value).splitlines()) == 1


def test_a_table_about_people_is_no_list_of_injuries(tmp_path) -> None:
    people = pd.DataFrame({"player": ["P1", "P2", "P3", "P4"], "sex": list("fmfm"),
                           "previous injury": ["ACL", "none", "sprain", "none"]})  # fmt: skip
    people.to_csv(tmp_path / "people.csv", index=False)
    minutes().assign(injuries=[2, 0, 0, 1]).to_csv(tmp_path / "minutes.csv", index=False)
    assert rs.load_cohort(tmp_path).frame["injuries"].tolist() == [2, 0, 0, 1]
    minutes().to_csv(tmp_path / "minutes.csv", index=False)
    with pytest.raises(rs.InputError, match="a count of injuries"):
        rs.load_cohort(tmp_path)


def crossover(header: str, *levels: object) -> pd.DataFrame:
    """A crossover with each level in each cell of a person; a function of person and way."""
    found = []
    for i, way in ((i, way) for i in range(8) for way in ("forward", "backward")):
        here = levels[0](i, way) if callable(levels[0]) else levels
        for k, level in enumerate(here):
            vo2 = (30 + 0.7 * i) * (1.3 if way == "backward" else 1) + 0.37 * k + 0.11 * (i % 3)
            found.append((f"P{i}", level, way, 8.0, round(vo2, 2)))
    return pd.DataFrame(found, columns=["subject", header, *HEADER[1:]])


def order(i: int, way: str) -> tuple[int]:
    return (1 if (way == "forward") == (i % 2 == 0) else 2,)


@pytest.mark.parametrize(
    ("header", "levels", "meaning", "use"),
    [
        ("period", order, "period", "stated; enters the model"),
        ("sequence", lambda i, _: ("BF" if i % 2 else "FB",), "order of the conditions",
         "stated; enters the model"),
        ("sequence", lambda i, _: ("BA" if i % 2 else "AB",), "order of the conditions",
         "stated; enters no model"),
        ("period", lambda i, way: (1 if way == "forward" else 2,), "period",
         "stated; enters no model"),
        ("lab", lambda i, _: ("Oslo" if i % 2 else "Rome",), "lab", "stated; tells people apart"),
        ("sex", lambda i, _: ("f" if i % 2 else "m",), "sex", "stated; not used"),
    ],
)  # fmt: skip
def test_a_factor_of_the_design_is_shown_with_its_use(header, levels, meaning, use) -> None:
    cohort = rs.load_cohort(crossover(header, levels))
    (row,) = [r for r in cohort.provenance["columns"] if r["header"] == header]
    assert (row["meaning"], row["basis"]) == (meaning, use)
    assert f"{meaning} " in repr(cohort)


@pytest.mark.parametrize(
    ("header", "levels"),
    [("condition", ("hot", "cold")), ("grade", ("flat", "uphill")), ("shoe", ("bare", "shod")),
     ("visit", ("baseline", "followup")), ("group", ("trained", "untrained"))],
)  # fmt: skip
def test_a_factor_within_people_is_asked_about_by_the_header_of_the_file(header, levels) -> None:
    table = crossover(header, *levels)
    with pytest.raises(rs.InputError) as error:
        rs.load_cohort(table)
    (line,) = str(error.value).splitlines()
    for level in levels:
        assert f'"{header}" = "{level}"' in line
        one = rs.load_cohort(table, spec={"filter": {header: level}})
        assert len(one.frame) == 16


def test_of_several_conditions_two_are_chosen_by_a_filter() -> None:
    ways = (("forward", 1), ("backward", 1.3), ("backward poles", 1.35), ("sideways", 1.6))
    table = pd.DataFrame(
        [(f"P{i}", way, 8.0, round((30 + 0.7 * i) * by + 0.1 * (i % 3), 2))
         for i in range(8) for way, by in ways],
        columns=["subject", "condition", *HEADER[2:]],
    )  # fmt: skip
    with pytest.raises(rs.InputError) as error:
        rs.load_cohort(table)
    two = [["forward", "backward"], ["forward", "backward poles"]]
    for choice, by in zip(two, (1.3, 1.35), strict=True):
        quoted = ", ".join(f'"{way}"' for way in choice)
        assert f'"condition" = [{quoted}]' in str(error.value)
        cohort = rs.load_cohort(table, spec={"filter": {"condition": choice}})
        means = cohort.frame.groupby("direction", observed=True)["vo2_ml_kg_min"].mean()
        assert means["backward"] / means["forward"] == pytest.approx(by, abs=ROUNDED)
    without = table[table["condition"] != "backward poles"]
    cohort = rs.load_cohort(without)  # a third condition is left out and listed
    assert "'sideways' in 8 rows" in cohort.problems["found"].str.cat()


def test_names_written_as_one_word_are_known_and_no_number_makes_a_name() -> None:
    for header, kind in (("Bodyfat", "body_fat_pct"), ("HeartRate", "heart_rate_bpm"),
                         ("%BF", "body_fat_pct"), ("TrainingHours", "exposure_h")):  # fmt: skip
        assert kind_of(header) == kind
    cohort = rs.load_cohort(lab(**{"age.65": 1, "Gain": 3.0, "temp": 20.5}))
    assert "age_y" not in cohort.frame
    said = cohort.problems["found"].str.cat()
    assert "did you mean" not in said  # "gain" is no slip of "gait", nor "temp" of "temps"
    twice = lab(**{"VO2 (ml/kg/min).1": lab()[HEADER[-1]]})
    assert values(twice) == values(lab())


def test_people_under_two_names_are_one_and_dates_are_no_window(tmp_path) -> None:
    both = injury_list(player_id=["7", "7", "9"], until=["2024-02-01"] * 3)
    both.rename(columns={"player": "player_name", "date": "from"}).to_csv(
        tmp_path / "injuries.csv", index=False
    )
    minutes().assign(player_id=["7", "8", "4", "9"]).rename(
        columns={"player": "player_name"}
    ).to_csv(tmp_path / "minutes.csv", index=False)
    cohort = rs.load_cohort(tmp_path)
    assert cohort.frame.set_index("subject")["injuries"].to_dict()["P1"] == 2
    found = cohort.problems["found"].str.cat()
    assert "the people of 'player_name' by another name" in found
    assert not {"from", "until"} & {row["header"] for row in cohort.provenance["columns"]}
    other = lab(**{"subject code": [f"x{i // 8}" for i in range(len(rows()))]})
    with pytest.raises(rs.InputError, match="also subject"):  # two people under one code
        rs.load_cohort(other)


R_NAMES = {
    "speed..km.h.": ("speed_m_s", "km/h"), "VO2..ml.kg.min.": ("vo2_ml_kg_min", "ml/kg/min"),
    "VO2..ml.kg.1.min.1.": ("vo2_ml_kg_min", "ml/kg/min"), "Body.height..cm.": ("height_cm", "cm"),
}  # fmt: skip


@pytest.mark.parametrize("header", R_NAMES)
def test_headers_whose_brackets_became_dots_are_read(header: str) -> None:
    meaning = read_header(header)
    assert meaning is not None
    assert meaning.unit is not None
    assert (meaning.column, meaning.unit.symbol) == R_NAMES[header]


def test_relative_fat_mass_is_a_share_and_absolute_one_is_kilograms() -> None:
    names = ["Relative.fat.mass.value", "relative fat mass (%)", "PBF", "Absolute.fat.mass.value"]
    kinds = ["body_fat_pct", "body_fat_pct", "body_fat_pct", "fat_mass_kg"]
    assert [kind_of(name) for name in names] == kinds


def test_a_title_row_over_a_row_of_names_is_no_header(tmp_path) -> None:
    path = tmp_path / "lab.csv"
    body = "\n".join(f"P{i},forward,8,{30 + i}\nP{i},backward,8,{40 + i}" for i in range(6))
    path.write_text(f",,first day,\nid,direction,belt,VO2 (ml/kg/min)\n{body}\n")
    cohort = rs.load_cohort(path)
    assert (cohort.n_subjects, len(cohort.frame)) == (6, 12)
    path.write_text(",,first day,,\nparticipant,block,one,left,right\n1,1,8,2,3\n1,2,8,2,3\n")
    with pytest.raises(rs.InputError, match="found columns subject, block, one, left, right"):
        rs.load_cohort(path)


def test_a_refusal_does_not_call_factors_of_a_design_unknown(tmp_path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("subject,period,sequence,center,treat,fev1\n1,1,AB,1,A,2.1\n1,2,AB,1,B,2.3\n")
    with pytest.raises(rs.InputError, match=r"not understood: 'fev1'; name"):
        rs.load_cohort(path)


def test_a_table_that_fits_nothing_is_told_so_and_nothing_of_its_other_columns(tmp_path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("date,pace,shoe\n1/1/2002,7:42,A\n2/1/2002,7:40,B\n")
    with pytest.raises(rs.InputError) as refused:
        rs.load_cohort(path)
    assert "unit" not in str(refused.value)
    path.write_text("subject,direction,VO2\n1,forward,30\n1,backward,40\n")  # this one is needed
    with pytest.raises(rs.InputError, match="VO2: found no unit"):
        rs.load_cohort(path)


def test_the_usual_way_is_the_reference_where_it_alone_is_missing() -> None:
    renamed = lab().replace({"direction": {"forward": "normal", "backward": "retro"}})
    cohort = rs.load_cohort(renamed)
    assert sorted(cohort.frame["vo2_ml_kg_min"]) == values(lab())
    ways = cohort.frame.groupby("direction", observed=True)["vo2_ml_kg_min"].mean()
    assert ways["backward"] > ways["forward"]
    assert cohort.problems["action"].str.contains("the way that is usual").any()
    other = lab().replace({"direction": {"forward": "normal", "backward": "uphill"}})
    with pytest.raises(rs.InputError, match="'normal'"):
        rs.load_cohort(other)


def test_sheets_named_by_their_direction_are_put_together_with_a_column_of_it(tmp_path) -> None:
    path = tmp_path / "lab.xlsx"
    with pd.ExcelWriter(path) as book:
        for way in ("forward", "backward"):
            of = lab()[lab()["direction"] == way]
            codes = of["subject"].str[1:]
            of = of.assign(subject=codes.astype(int) if way == "forward" else codes)
            of.to_excel(book, sheet_name=way, index=False)
    cohort = rs.load_cohort(path)
    assert (cohort.n_subjects, len(cohort.frame)) == (8, 32)
    assert sorted(cohort.frame["vo2_ml_kg_min"]) == values(lab())
