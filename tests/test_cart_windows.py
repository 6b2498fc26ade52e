"""Which part of a cart export is averaged: the plan's window, or the load and nothing beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.io import window_mean

import retrostats as rs
from retrostats import steady_state


def export(path: Path, vo2: float) -> Path:
    """Ten minutes, one row every ten seconds; VO2 drifts up by 3 ml/min a minute."""
    lines = ["t;VO2;VCO2", "s;mL/min;mL/min"]
    lines += [f"{t};{vo2 + 0.05 * t:.3f};{0.9 * vo2:.3f}" for t in range(10, 610, 10)]
    path.write_text("\n".join(lines))
    return path


def folder(tmp_path: Path, plan: str = "360,540") -> Path:
    rows = ["file,subject,direction,mass (kg),start (s),end (s)"]
    for i in range(3):
        for way, factor in (("forward", 1.0), ("backward", 1.3)):
            export(tmp_path / f"p{i}_{way}.csv", 2000 * factor + 10 * i)
            rows.append(f"p{i}_{way}.csv,p{i},{way},70,{plan}")
    (tmp_path / "plan.csv").write_text("\n".join(rows))
    return tmp_path


def test_the_window_of_the_plan_is_the_window_that_is_averaged(tmp_path) -> None:
    """Found in use: 376 to 496 s were averaged for 360 to 540."""
    cohort = rs.load_cohort(folder(tmp_path))
    said = cohort.problems[cohort.problems["file"] == "p0_forward.csv"]["found"]
    assert said.str.startswith("360 to 540 s, 19 rows").any()
    wanted = 2000 + 0.05 * np.arange(360, 550, 10).mean()
    row = cohort.frame[(cohort.frame["subject"] == "p0") & (cohort.frame["direction"] == "forward")]
    assert row["vo2_ml_min"].iloc[0] == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("plan", "says"), [("540,360", "after the start"), ("900,1000", "ends")])
def test_a_window_that_is_none_is_refused(tmp_path, plan, says) -> None:
    with pytest.raises(rs.InputError, match=says):
        rs.load_cohort(folder(tmp_path, plan))


def test_a_window_that_drifts_is_used_and_said(tmp_path) -> None:
    place = folder(tmp_path)
    text = (place / "p0_forward.csv").read_text().splitlines()
    text[40:] = [f"{t};{1000 + 3 * t};1500" for t in range(390, 610, 10)]
    (place / "p0_forward.csv").write_text("\n".join(text))
    problems = rs.load_cohort(place).problems
    assert (problems.loc[problems["file"] == "p0_forward.csv", "level"] == "warning").any()


def phases() -> pd.DataFrame:
    """Warm-up at a higher uptake than the load, as when somebody walks uphill to warm up."""
    time = np.arange(10.0, 910.0, 10.0)
    phase = np.select([time <= 300, time <= 700], ["WARMUP", "EXERCISE"], "RECOVERY")
    vo2 = np.select([time <= 300, time <= 700], [2600.0, 2000.0], 2600.0)
    return pd.DataFrame({"time_s": time, "vo2_ml_min": vo2, "vco2_ml_min": 0.9 * vo2,
                         "phase": phase})  # fmt: skip


def test_only_the_load_is_a_steady_state_where_the_export_names_phases() -> None:
    assert steady_state(phases()).means["vo2_ml_min"] == 2000
    unnamed = phases().drop(columns="phase")
    assert steady_state(unnamed).means["vo2_ml_min"] == 2600  # nothing tells them apart
    for name in ("Erwärmung", "Warm-up", "Échauffement"):
        said = phases().replace({"phase": {"WARMUP": name}})
        assert steady_state(said).means["vo2_ml_min"] == 2000


def test_no_window_spans_two_phases() -> None:
    cart = phases().replace({"phase": {"WARMUP": "stage 1", "EXERCISE": "stage 2"}})
    cart.loc[cart["phase"] == "stage 2", "vo2_ml_min"] = 2590.0
    found = steady_state(cart, start_s=100, end_s=500)
    assert found.end_s <= 300 or found.start_s > 300


def test_window_mean_needs_rows() -> None:
    with pytest.raises(rs.InputError, match="4 are needed"):
        window_mean(phases(), 100, 120)
