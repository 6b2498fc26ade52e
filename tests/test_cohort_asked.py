"""What a table leaves open is asked about, and no number comes out before it is answered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from doors.report import people_of

import retrostats as rs

MADE = random.Random(5)
PEOPLE = [f"p{i}" for i in range(10)]


def cases(shared: Path) -> Path:
    return shared / "cases" / "cohorts"


def trials(path: Path, column: str, pairs: Sequence[Sequence[object]]) -> Path:
    """Ten people, both directions, a row for each value of a further column."""
    rows = [
        f"{person},{way},8,{low + 5 * MADE.random():.2f},{value}"
        for person, values in zip(PEOPLE, pairs, strict=True)
        for way, low in (("forward", 30), ("backward", 38))
        for value in values
    ]
    head = f"subject,direction,speed (km/h),VO2 (ml/kg/min),{column}"
    path.write_text("\n".join([head, *rows]))
    return path


def test_methods_of_one_measurement_are_asked_about_not_averaged(shared) -> None:
    path = cases(shared) / "method_rows.csv"
    with pytest.raises(rs.InputError, match=r'method: .*BIA, DXA.*\[filter\].*"method" = "BIA"'):
        rs.load_cohort(path)
    one = rs.load_cohort(path, spec={"filter": {"method": "DXA"}})
    assert one.provenance["rows_used"] == 52
    assert not one.frame.duplicated(["subject", "time"]).any()


@pytest.mark.parametrize(
    ("column", "levels"),
    [("side", ["L", "R"]), ("device", [1, 2]), ("footwear", ["shod", "barefoot"]),
     ("training", ["before", "after"]), ("state", ["fresh", "tired"]), ("week", [0, 6]),
     ("time", ["pre", "post"]), ("x1", [1, 2])],
)  # fmt: skip
def test_a_column_that_tells_repeats_apart_is_asked_about(column, levels, tmp_path) -> None:
    path = trials(tmp_path / "lab.csv", column, [levels] * 10)
    with pytest.raises(rs.InputError, match="repeated rows told apart by it"):
        rs.load_cohort(path)
    one = rs.load_cohort(path, spec={"filter": {column: str(levels[0])}})
    assert one.provenance["rows_used"] == 20


@pytest.mark.parametrize(
    ("column", "pairs"),
    [("trial", [[1, 2, 3]] * 10), ("repetition no.", [["a", "b"]] * 10),
     ("attempt", [["trial 1", "trial 2"]] * 10), ("scan", [[1, 2]] * 10),
     ("visit", [[1, 2]] * 10), ("HR (bpm)", [[120 + i, 124] for i in range(10)]),
     ("RPE", [[9 + i % 5, 10 + i % 4] for i in range(10)]),
     ("comment", [["ok", "ok" if i % 2 else "cough"] for i in range(10)])],
)  # fmt: skip
def test_running_numbers_and_free_measurements_are_repeats(column, pairs, tmp_path) -> None:
    cohort = rs.load_cohort(trials(tmp_path / "lab.csv", column, pairs))
    assert cohort.n_subjects == 10
    assert cohort.provenance["rows_used"] == 2 * sum(map(len, pairs))


def test_regions_with_gaps_are_asked_about(tmp_path) -> None:
    rows = [
        f"{person},{time},{region},{25 + 5 * MADE.random():.2f}"
        for i, person in enumerate(PEOPLE)
        for time in ("pre", "post")
        for j, region in enumerate(("trunk", "legs", "arms"))
        if (i + j) % 4
    ]
    path = tmp_path / "lab.csv"
    path.write_text("\n".join(["subject,time,region,body fat (%)", *rows]))
    with pytest.raises(rs.InputError, match=r"region: .*arms, legs, trunk"):
        rs.load_cohort(path)


def body_fat(path: Path, head: str, *low: float) -> Path:
    """Twelve people an arm, before and after, with further columns about the given values."""
    rows = [
        f"{arm[0]}{i},{arm},{time}," + ",".join(f"{value + 5 * MADE.random():.1f}" for value in low)
        for arm in ("backward", "forward")
        for i in range(12)
        for time in ("pre", "post")
    ]
    path.write_text("\n".join([f"subject,group,time,{head}", *rows]))
    return path


def test_grams_of_fat_in_a_diary_are_no_body_fat(shared) -> None:
    path = cases(shared) / "diet_weeks.csv"
    with pytest.raises(rs.InputError, match=r"FAT_WEEK_1: found fat beside 'CHO_WEEK_1'"):
        rs.load_cohort(path)
    kept = rs.load_cohort(path, spec={"analysis": "none"}).frame
    assert "body_fat_pct" not in kept
    assert "dietary FAT_WEEK_1" in kept


@pytest.mark.parametrize(
    ("head", "low"),
    [("kcal,protein (g),fat", (2000, 80, 40)), ("fat (%),carbohydrate (%)", (30, 50)),
     ("fat,Eiweiss", (60, 80)), ("fat,sodium (mg)", (30, 2000)), ("fat,energy intake", (30, 2000)),
     ("fat,weight (kg)", (70, 70))],
)  # fmt: skip
def test_fat_beside_what_people_eat_or_of_another_size_is_asked_about(head, low, tmp_path) -> None:
    path = body_fat(tmp_path / "lab.csv", head, *low)
    with pytest.raises(rs.InputError, match=r'is it fat eaten\?.*\[columns\] in a spec "fat'):
        rs.load_cohort(path)
    name = next(part for part in head.split(",") if part.startswith("fat"))
    named = rs.load_cohort(path, spec={"columns": {name: "body_fat_pct"}, "units": {name: "%"}})
    assert named.analysis == "body-fat"


def test_body_fat_said_in_full_is_not_asked_about(tmp_path) -> None:
    for head in ("body fat (%),protein (g)", "fat pct dxa,energy intake (kcal)", "fat,weight (kg)"):
        low = (25, 2000) if "intake" in head else (25, 80)
        cohort = rs.load_cohort(body_fat(tmp_path / "lab.csv", head, *low))
        assert cohort.analysis == "body-fat"


def test_fat_that_no_analysis_of_the_table_uses_stops_nothing(tmp_path) -> None:
    rows = [f"p{i},{way},8,{low + i},40,80" for i in range(6)
            for way, low in (("forward", 30), ("backward", 38 + i % 3))]  # fmt: skip
    path = tmp_path / "lab.csv"
    head = "subject,direction,speed (km/h),VO2 (ml/kg/min),fat,protein"
    path.write_text("\n".join([head, *rows]))
    cohort = rs.load_cohort(path)
    assert "dietary fat" in cohort.frame
    assert any("not used by metabolic-cost" in text for text in cohort.problems["action"])


def test_units_of_wide_headers_are_used_whatever_the_measure_is_called(tmp_path) -> None:
    """Found here: pounds of "mass pre (lb)" were taken for kilograms, grams of fat for percent."""
    path = tmp_path / "lab.csv"
    rows = [f"p{i},{25 + i * 0.7},{23 + i * 0.9},{150 + i},{151 + i}" for i in range(8)]
    head = "subject,body fat pre (%),body fat post (%),mass pre (lb),mass post (lb)"
    path.write_text("\n".join([head, *rows]))
    masses = rs.load_cohort(path).frame["mass_kg"]
    assert masses.iloc[0] == pytest.approx(150 * 0.45359237, rel=1e-12)  # doubles hold 16 digits
    grams = [",".join(row.split(",")[:3]) for row in rows]
    path.write_text("\n".join(["subject,FAT_G_WEEK_1,FAT_G_WEEK_2", *grams]))
    with pytest.raises(rs.InputError, match="columns subject, fat_mass_kg, time"):
        rs.load_cohort(path)


def test_two_arms_of_one_kind_are_asked_about(shared) -> None:
    path = cases(shared) / "tm_twoback.csv"
    with pytest.raises(rs.InputError, match="2 backward arms: 'backward low', 'backward high'"):
        rs.load_cohort(path)
    one = rs.load_cohort(path, spec={"filter": {"group": ["backward low", "forward"]}})
    assert set(one.frame["arm"]) == {"backward low", "forward"}
    both = {"backward low": "backward", "backward high": "backward"}
    joined = rs.load_cohort(path, spec={"levels": both}).frame
    assert joined.groupby("arm")["subject"].nunique().to_dict() == {"backward": 26, "forward": 13}


def test_two_phrases_for_one_direction_are_no_repeats(tmp_path) -> None:
    ways = (("forward", 30), ("backward low", 38), ("backward high", 40))
    rows = [f"p{i},{w},8,{low + 4 * MADE.random():.2f}" for i in range(9) for w, low in ways]
    path = tmp_path / "lab.csv"
    path.write_text("\n".join(["subject,direction,speed (km/h),VO2 (ml/kg/min)", *rows]))
    with pytest.raises(rs.InputError, match="told apart by it: backward high, backward low"):
        rs.load_cohort(path)
    one = rs.load_cohort(path, spec={"filter": {"direction": ["forward", "backward low"]}})
    assert one.provenance["rows_used"] == 18


def test_a_value_net_of_rest_is_not_taken_for_gross(shared) -> None:
    path = cases(shared) / "vo2_net.csv"
    with pytest.raises(rs.InputError, match=r"VO2 net \(ml/kg/min\): found a value net of rest"):
        rs.load_cohort(path)
    said = rs.load_cohort(path, spec={"columns": {"VO2 net (ml/kg/min)": "vo2"}}).problems
    assert list(said.loc[said["level"] == "warning", "found"]) == ["a value net of rest"]


@pytest.mark.parametrize(
    "header",
    ["net VO2 (ml/kg/min)", "vo2_net_ml_kg_min", "VO2net (ml/kg/min)", "netto VO2 (ml/kg/min)",
     "net oxygen uptake (ml/kg/min)", "Net cost of transport (J/kg/m)",
     "net metabolic power (W/kg)", "VO2 (ml/kg/min, net)"],
)  # fmt: skip
def test_every_way_to_write_net_is_asked_about(header, tmp_path) -> None:
    rows = [f"p{i},{way},{low + i % 3}" for i in range(6)
            for way, low in (("forward", 10), ("backward", 13 + i % 2))]  # fmt: skip
    path = tmp_path / "lab.csv"
    path.write_text("\n".join([f'subject,direction,"{header}"', *rows]))
    with pytest.raises(rs.InputError, match="a value net of rest"):
        rs.load_cohort(path)


def test_means_of_different_numbers_of_people_are_no_pair(tmp_path) -> None:
    rows = [f"study{i},{way},8,{low + i},{n}" for i in range(4)
            for way, low, n in (("forward", 30, 10), ("backward", 38 + i % 2, 9))]  # fmt: skip
    path = tmp_path / "lab.csv"
    head = "subject,direction,speed (km/h),VO2 (ml/kg/min),n"
    path.write_text("\n".join([head, *rows]))
    with pytest.raises(rs.InputError, match="means of groups of 10 and 9"):
        rs.load_cohort(path)
    path.write_text("\n".join([head, *(row.rsplit(",", 1)[0] + ",3" for row in rows)]))
    assert rs.load_cohort(path).n_subjects == 4  # three trials each


def test_a_line_of_means_is_of_the_same_people() -> None:
    """Ten people forward and nine backward: the tenth is drawn, and is in neither mean."""
    rows = [
        (f"p{i}", way, 2.2, value + i)
        for i in range(10)
        for way, value in (("forward", 30.0), ("backward", 38.0))
        if (i, way) != (9, "backward")
    ]
    names = ["subject", "direction", "speed_m_s", "vo2_ml_kg_min"]
    cohort = rs.load_cohort(pd.DataFrame(rows, columns=names))
    audit = rs.load_audit()
    topic = next(t for t in audit.topics.values() if t.analysis == "metabolic-cost")
    people, _ = people_of(cohort, topic, audit)
    means = people.groupby("x")["mean"].first()
    assert len(people) == 19
    assert means.to_dict() == {"forward": 34.0, "backward": 42.0}
