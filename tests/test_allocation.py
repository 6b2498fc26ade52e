"""How people came into their groups: asked, and without lot no cause rests on a comparison."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.app import main
from doors.io import between_people
from doors.report import render_report

import retrostats as rs
from retrostats import InputError

DXA = """ID,Group,Fat% pre,Fat% post
D01,BWR,28.4,26.1
D02,BWR,31.0,28.9
D03,BWR,25.2,23.0
D04,BWR,27.7,26.6
D05,BWR,29.9,26.8
D06,BWR,30.5,28.7
D07,CON,28.8,28.6
D08,CON,26.1,26.3
D09,CON,30.2,29.5
D10,CON,27.4,27.6
D11,CON,29.1,28.9
D12,CON,25.9,26.0
"""
WALK = """subject,direction,gait,vo2_ml_kg_min,heart rate
1,forward,walk,12.1,100
1,backward,walk,16.2,120
2,forward,walk,13.1,101
2,backward,walk,15.9,119
3,forward,walk,11.7,99
3,backward,walk,15.5,121
"""


def cohort(text: str, **spec: Any) -> rs.Cohort:
    levels = {"levels": {"BWR": "backward"}} if "BWR" in text else {}
    return rs.load_cohort(pd.read_csv(io.StringIO(text), dtype=str), spec={**levels, **spec})


def cause(**spec: Any) -> pd.Series:
    found = rs.replicate(["body-fat"], cohorts=[cohort(DXA, **spec)], draws=50)
    return found.verdicts.set_index("claim_id").loc["body_fat_cause"]


@pytest.mark.parametrize(
    "spec",
    [
        {},
        *(
            pytest.param({"allocation": said}, marks=pytest.mark.thorough)
            for said in ("by choice", "not told")
        ),
    ],
)
def test_a_cause_is_not_supported_by_groups_that_were_not_drawn_by_lot(spec: Any) -> None:
    row = cause(**spec)
    assert row["direction"] == "open"
    assert np.isnan(row["prob_direction"])
    assert "not allocated by lot" in row["direction_reason"]
    assert row["certainty_direction"] == ""


@pytest.fixture(scope="module")
def by_lot() -> rs.Replication:
    """The same rows by lot."""
    return rs.replicate(["body-fat"], cohorts=[cohort(DXA, allocation="by lot")], draws=50)


def page_of(found: rs.Replication) -> str:
    """Its page, without pictures."""
    page: str = render_report(replace(found, drawings={}))
    return page


def test_by_lot_the_same_rows_support_it(by_lot: rs.Replication) -> None:
    row = by_lot.verdicts.set_index("claim_id").loc["body_fat_cause"]
    assert row["direction"] == "likely"  # one trial, asked about others
    assert row["prob_direction"] > 0.8
    assert "design" not in row["certainty_direction_why"]


def test_the_question_is_asked_until_it_is_answered() -> None:
    asked = cohort(DXA).problems.query("column == 'arm' and level == 'warning'")
    assert "how people came into their groups" in asked["found"].item()
    assert 'allocation = "by lot"' in asked["allowed"].item()
    loaded = cohort(DXA, allocation="by choice")
    assert loaded.problems.query("column == 'arm' and level == 'warning'").empty
    assert loaded.provenance["allocation"] == "by choice"


def test_a_wrong_answer_is_refused_with_the_right_ones() -> None:
    with pytest.raises(InputError, match=r"allocation = 'by lott'.*by lot.*by choice"):
        cohort(DXA, allocation="by lott")


def test_people_who_are_their_own_comparison_are_not_asked() -> None:
    rows = pd.DataFrame({"subject": [1, 1, 2, 2], "direction": ["a", "b", "a", "b"]})
    assert not between_people(rows, "direction")
    assert between_people(rows.assign(subject=[1, 2, 3, 4]), "direction")
    assert not between_people(rows.assign(subject=[1, 1, 2, 3]), "direction")


def test_no_rating_is_written_from_own_data(by_lot: rs.Replication) -> None:
    page = page_of(by_lot)
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    assert block is not None
    reviewed = {entry["url"] for entry in json.loads(block[1])["@graph"]}
    assert not any("body_fat_cause" in url for url in reviewed)
    assert any("balance" in url for url in reviewed)


def test_a_cohort_that_judges_nothing_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "walk.csv"
    path.write_text(WALK, encoding="utf-8")
    assert main(["validate", str(path)]) == 0
    said = capsys.readouterr().out
    assert "shown by metabolic-cost, judges no claim" in said
    assert "no row of running" in said
    found = rs.replicate(["metabolic-cost"], cohorts=[path], draws=0)
    assert "judges no claim" in " ".join(found.provenance["cohorts"][0]["reading"])
    assert "judges no claim" in page_of(found)


def test_what_enters_no_analysis_is_listed_with_the_reason() -> None:
    problems = cohort(WALK).problems
    rows = problems[problems["action"].str.startswith("not used by")]
    assert rows["column"].tolist() == ["heart_rate_bpm"]
    assert rows["found"].item() == "describes people or the test"


def test_speeds_that_no_two_directions_share_are_said_to_judge_nothing() -> None:
    text = "subject,direction,speed_m_s,vo2_ml_kg_min\n" + "".join(
        f"{i},forward,3.0,{30 + i}\n{i},backward,2.0,{28 + i}\n" for i in range(1, 5)
    )
    found = cohort(text).problems
    assert "no speed or slope met in both directions" in found["found"].tolist()
