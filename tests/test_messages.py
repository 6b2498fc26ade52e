"""Messages about an own file: where, once, and with the line that mends it."""

from __future__ import annotations

import re

import pytest
from cohort_kinds import book
from cohort_tables import METABOLIC
from doors.app import main
from doors.io import read_spec

import retrostats as rs
from retrostats import InputError


def refused(tmp_path, text: str) -> str:
    path = tmp_path / "lab.csv"
    path.write_text(text)
    with pytest.raises(InputError) as refusal:
        rs.load_cohort(path)
    return str(refusal.value)


@pytest.mark.parametrize(
    ("old", "new", "section", "line"),
    [
        ("vo2_ml_kg_min", "VO2", "units", '"VO2" = "ml/kg/min"'),
        ("speed_m_s", "speed (furlong)", "units", '"speed (furlong)" = "m/s"'),
        ("subject", "Nummer", "columns", '"Nummer" = "subject"'),
        ("backward", "sideways", "levels", '"sideways" = "backward"'),
    ],
)
def test_a_refusal_says_what_to_write_in_the_spec(old, new, section, line, tmp_path) -> None:
    said = refused(tmp_path, METABOLIC.replace(old, new))
    assert line in said
    assert f"[{section}]" in said
    (tmp_path / "lab.toml").write_text(f"[{section}]\n{line}\n")
    assert read_spec(tmp_path / "lab.toml")  # what is proposed is a spec


def test_one_column_without_a_unit_is_one_line(tmp_path) -> None:
    said = refused(tmp_path, METABOLIC.replace("vo2_ml_kg_min", "VO2"))
    assert len(said.splitlines()) == 1


def test_equal_errors_are_one_line_with_all_their_rows(tmp_path) -> None:
    said = refused(tmp_path, METABOLIC.replace("backward", "sideways"))
    assert "lab.csv, rows 3, 5, 7, 9, 11, 13, direction: found 'sideways';" in said


def test_a_conversion_is_said_and_a_unit_that_stays_is_not(tmp_path, capsys) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(METABOLIC.replace("speed_m_s", "speed (km/h)").replace(",2.5,", ",9,"))
    assert main(["validate", str(path)]) == 0
    said = capsys.readouterr().out
    assert re.search(r"speed \(km/h\) +speed +km/h to m/s +9 -> 2\.5 +stated", said)
    path.write_text(METABOLIC.replace("speed_m_s", "speed (m/s)"))
    assert main(["validate", str(path)]) == 0
    assert "km/h to" not in capsys.readouterr().out


def test_a_message_names_the_sheet(tmp_path, capsys) -> None:
    data = [line.split(",") for line in METABOLIC.splitlines()]
    data[3][3] = ""
    path, _ = book(tmp_path / "lab.xlsx", {"Notes": [["Written in March"]], "Data": data})
    assert main(["validate", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert (
        "  warning: lab.xlsx, sheet 'Data', row 4, vo2_ml_kg_min: no value; row left out" in lines
    )
    found = [line for line in lines if line.startswith(("  warning", "  repair", "  guess"))]
    assert all("lab.xlsx" in line for line in found)


def test_a_column_by_which_events_are_counted_is_not_called_unused(tmp_path, capsys) -> None:
    """Found in use: the column of kinds was "an unknown header, not used" and decided a claim."""
    (tmp_path / "hours.csv").write_text(
        "player,direction,hours\n" + "".join(f"P{i},{w},50\n" for i in range(3)
                                            for w in ("forward", "backward"))
    )  # fmt: skip
    (tmp_path / "list.csv").write_text(
        "player,direction,date,injury\nP1,forward,May,ACL tear\nP2,backward,June,bruise\n"
    )
    assert main(["validate", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "list.csv, date: an unknown header" in said
    assert "1 events (ACL tear); counted as ligament_injuries by injury; all others are not" in said


def test_headers_of_which_the_same_is_said_are_one_line(tmp_path, capsys) -> None:
    path = tmp_path / "lab.csv"
    head, *rows = METABOLIC.splitlines()
    path.write_text("\n".join([f"{head},hair,eyes", *[f"{row},brown,blue" for row in rows]]))
    assert main(["validate", str(path)]) == 0
    said = capsys.readouterr().out
    assert "lab.csv, hair, eyes: an unknown header; column kept as it is, not used" in said
