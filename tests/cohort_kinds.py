"""Every kind of file that should go in: each builds itself, and says what must come out.

A kind is a function of a folder that returns the path to load; its value is "template" (the
numbers of the template), a text that the refusal must hold, or a function of the cohort.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cohort_tables import METABOLIC, plain
from doors.evidence import cohort_ratios, compared

import retrostats as rs

Built = tuple[Path, dict[str, Any] | None]
KINDS: dict[str, tuple[Callable[[Path], Built], Any]] = {}
HEAD = ["subject", "direction", "speed_m_s", "vo2_ml_kg_min"]


def kind(name: str, outcome: Any = "template") -> Callable[[Any], Any]:
    def named(build: Any) -> Any:
        KINDS[name] = (build, outcome)
        return build

    return named


def book(path: Path, sheets: dict[str, list[list[Any]]], merged: dict[str, list[str]] | None = None,
         formats: dict[str, str] | None = None) -> Built:  # fmt: skip
    import openpyxl

    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
        for cells in (merged or {}).get(title, ()):
            sheet.merge_cells(cells)
        for cell, text in (formats or {}).items():
            sheet[cell].number_format = text
    made.save(path)
    return path, None


def wide() -> pd.DataFrame:
    return plain().pivot(index="subject", columns="direction", values="vo2_ml_kg_min")


def two_speeds() -> list[list[Any]]:
    """A row a person: each direction at two speeds, whose geometric mean is the template's."""
    rows = []
    for i, (who, r) in enumerate(wide().iterrows()):
        up, back = 1.05 + 0.002 * i, 1.04 + 0.001 * i * i
        rows.append([who, r.forward / up, r.forward * up, r.backward / back, r.backward * back])
    return rows


def text(folder: Path, content: str, name: str = "lab.csv") -> Built:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path, None


@kind("one sheet a subject")
def _(folder: Path) -> Built:
    sheets = {
        str(who): [HEAD[1:], *part[HEAD[1:]].values.tolist()]
        for who, part in plain().groupby("subject")
    }
    return book(folder / "lab.xlsx", sheets)


@kind("one sheet a direction")
def _(folder: Path) -> Built:
    head = ["subject", "speed (m/s)", "VO2 (ml/kg/min)"]
    sheets = {
        way: [head, *part[["subject", "speed_m_s", "vo2_ml_kg_min"]].values.tolist()]
        for way, part in plain().groupby("direction")
    }
    return book(folder / "lab.xlsx", sheets)


@kind("mass on another sheet")
def _(folder: Path) -> Built:
    rows = plain().assign(vo2=plain()["vo2_ml_kg_min"] * 62.5)
    people = [["ID", "Body mass (kg)", "age"], *[[s, 62.5, 23] for s in rows["subject"].unique()]]
    data = [["ID", "direction", "speed (m/s)", "VO2 (ml/min)"],
            *rows[["subject", "direction", "speed_m_s", "vo2"]].values.tolist()]  # fmt: skip
    return book(folder / "lab.xlsx", {"Participants": people, "Data": data})


@kind("data sheet chosen by content")
def _(folder: Path) -> Built:
    notes = [["Protocol"], ["Speed", "2.5 m/s", "direction", "both"], ["Written in March"]]
    codes = [["subject", "direction", "speed"], ["who", "which way", "how fast"]]
    data = [line.split(",") for line in METABOLIC.splitlines()]
    return book(folder / "lab.xlsx", {"Notes": notes, "Codebook": codes, "Sheet3": data})


@kind("repeated trials in rows")
def _(folder: Path) -> Built:
    rows = [",".join([*HEAD, "trial"])]
    for r in plain().itertuples(index=False):
        up = 1.02 + 0.001 * len(rows)
        for trial, shift in ((1, up), (2, 1 / up)):
            rows.append(
                f"{r.subject},{r.direction},{r.speed_m_s},{r.vo2_ml_kg_min * shift},{trial}"
            )
    return text(folder, "\n".join(rows))


@kind("repeated trials without a column for them")
def _(folder: Path) -> Built:
    rows = [",".join(HEAD)]
    for r in plain().itertuples(index=False):
        up = 1.02 + 0.001 * len(rows)
        for shift in (up, 1 / up):
            rows.append(f"{r.subject},{r.direction},{r.speed_m_s},{r.vo2_ml_kg_min * shift}")
    return text(folder, "\n".join(rows))


@kind("merged header, two levels, quantity in the title")
def _(folder: Path) -> Built:
    rows = [["Oxygen uptake (ml/kg/min)"], [], ["", "Forward", "", "Backward", ""],
            ["subject", "9 km/h", "11 km/h", "9 km/h", "11 km/h"]]  # fmt: skip
    rows += two_speeds()
    return book(folder / "lab.xlsx", {"Data": rows}, {"Data": ["B3:C3", "D3:E3"]})


@kind("merged header, three levels")
def _(folder: Path) -> Built:
    rows = [["", "VO2 (ml/kg/min)", "", "", ""], ["", "Forward", "", "Backward", ""],
            ["subject", "9 km/h", "11 km/h", "9 km/h", "11 km/h"]]  # fmt: skip
    rows += two_speeds()
    return book(folder / "lab.xlsx", {"Data": rows}, {"Data": ["B1:E1", "B2:C2", "D2:E2"]})


@kind("merged header, no quantity anywhere", 'direction = "forward"')
def _(folder: Path) -> Built:
    rows = [["", "Forward", "", "Backward", ""],
            ["subject", "9 km/h", "11 km/h", "9 km/h", "11 km/h"]]  # fmt: skip
    rows += two_speeds()
    return book(folder / "lab.xlsx", {"Data": rows}, {"Data": ["B1:C1", "D1:E1"]})


def _paced(pace: Any) -> Callable[[Path], Built]:
    def build(folder: Path) -> Built:
        head = ["subject", "direction", "pace (min/km)", "vo2_ml_kg_min"]
        rows = [[r.subject, r.direction, pace, r.vo2_ml_kg_min] for r in plain().itertuples()]
        return book(folder / "lab.xlsx", {"Data": [head, *rows]})

    return build


def _at_2_5(cohort: rs.Cohort) -> None:
    from cohort_tables import same_as_template

    same_as_template(cohort)
    assert cohort.frame["speed_m_s"].round(6).unique().tolist() == [2.5]


kind("pace as a spreadsheet time, 0:06:40", _at_2_5)(_paced(dt.time(0, 6, 40)))
kind("pace as a spreadsheet time, typed 6:40", _at_2_5)(_paced(dt.time(6, 40)))


@kind("a clock column that can be ignored")
def _(folder: Path) -> Built:
    lines = METABOLIC.splitlines()
    rows = [f"{lines[0]},time", *[f"{x},{9 + i // 4}:{13 * (i % 4):02}" for i, x in
                                  enumerate(lines[1:])]]  # fmt: skip
    return text(folder, "\n".join(rows))


@kind("statistics and footnotes below the table")
def _(folder: Path) -> Built:
    w = wide()
    rows = [["subject", "VO2 forward (ml/kg/min)", "VO2 backward (ml/kg/min)"]]
    rows += [[s, r.forward, r.backward] for s, r in w.iterrows()]
    rows += [["Mean", w["forward"].mean(), w["backward"].mean()], ["SD", 1.7, 2.0], [],
             ["Paired t-test", "t = 18.1", "p < 0.001"], ["* measured after lunch"]]  # fmt: skip
    return book(folder / "lab.xlsx", {"Data": rows})


@kind("#DIV/0! and n.a.", lambda c: c.provenance["rows_used"] == 10 or 1 / 0)
def _(folder: Path) -> Built:
    return text(folder, METABOLIC.replace("27.1", "#DIV/0!").replace("31.9", "n.a."))


def _headed(old: str, new: str) -> Callable[[Path], Built]:
    return lambda folder: text(folder, METABOLIC.replace(old, new))


kind("ml/(kg·min)")(_headed("vo2_ml_kg_min", "VO2 [ml/(kg·min)]"))
kind("VO2/kg")(_headed("vo2_ml_kg_min", "VO2/kg"))
kind("Rel. VO2")(_headed("vo2_ml_kg_min", "Rel. VO2"))
kind("Mean VO2")(_headed("vo2_ml_kg_min", "Mean VO2 (ml/kg/min)"))
kind("Player")(_headed("subject", "Player"))


@kind("an unusable column that is not needed")
def _(folder: Path) -> Built:
    lines = METABOLIC.splitlines()
    rows = [f"{lines[0]},heart rate,age,height (furlong)"]
    rows += [f"{x},{'strap fell off' if i % 3 else 160},{'about 30' if i % 2 else 900},1" for i, x
             in enumerate(lines[1:])]  # fmt: skip
    return text(folder, "\n".join(rows))


def _no_ratio(cohort: rs.Cohort) -> None:
    by = compared(rs.load_audit(), "metabolic-cost", "metabolic_rate_ratio", "ratio")
    (own,) = cohort_ratios([cohort], by)
    assert own.quantity == "cost_per_metre_ratio"
    assert not own.relevant
    a_metre = plain()["vo2_ml_kg_min"] / plain()["direction"].map({"forward": 2.5, "backward": 1.9})
    logs = np.log(a_metre).groupby(plain()["direction"]).mean()
    assert own.estimate.value == pytest.approx(logs["backward"] - logs["forward"], rel=1e-9)
    assert cohort.problems["found"].str.contains("no speed in both directions").any()


@kind("different speeds in the two directions", _no_ratio)
def _(folder: Path) -> Built:
    return text(folder, METABOLIC.replace("backward,2.5", "backward,1.9"))


EXPOSURE = [
    ["player", "direction", "hours"],
    *[[f"p{i}", way, h] for i in range(5) for way, h in (("forward", 90), ("backward", 30))],
]
EVENTS = [["player", "date", "direction", "injury"],
          ["p0", "2024-03-01", "forward", "ACL tear"], ["p0", "2024-03-09", "forward", "hamstring"],
          ["p2", "2024-04-01", "backward", "ankle sprain"],
          ["p3", "2024-04-02", "forward", "bruise"],
          ["p4", "2024-05-01", "forward", "MCL strain"]]  # fmt: skip


def _counted(cohort: rs.Cohort) -> None:
    assert cohort.analysis == "ligament-injury"
    totals = cohort.frame.groupby("direction", observed=True)[
        ["injuries", "ligament_injuries", "exposure_h"]
    ].sum()
    assert totals.loc["forward"].tolist() == [4, 2, 450]
    assert totals.loc["backward"].tolist() == [1, 1, 150]
    counts = cohort.provenance
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"] == 15


@kind("an event list and an exposure table, two sheets", _counted)
def _(folder: Path) -> Built:
    return book(folder / "club.xlsx", {"Injuries": EVENTS, "Exposure": EXPOSURE})


@kind("an event list and an exposure table, two files", _counted)
def _(folder: Path) -> Built:
    place = folder / "club"
    place.mkdir()
    for name, rows in (("injuries", EVENTS), ("exposure", EXPOSURE)):
        lines = "\n".join(",".join(map(str, row)) for row in rows)
        (place / f"{name}.csv").write_text(lines)
    return place, None


@kind(".xls", "save it as .xlsx")
def _(folder: Path) -> Built:
    path = folder / "lab.xls"
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))
    return path, None


@kind(".ods", "save it as .xlsx")
def _(folder: Path) -> Built:
    path = folder / "lab.ods"
    path.write_bytes(b"PK\x03\x04 mimetypeapplication/vnd.oasis.opendocument.spreadsheet")
    return path, None
