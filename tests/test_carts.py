"""Cart exports: real files against values read off them by eye, and what is refused and how.

The real exports are read from the folder of shared material and skipped where it is absent; the
small ones are written here.
"""

from __future__ import annotations

import io
import math

import numpy as np
import pandas as pd
import pytest
from doors.io import CART_COLUMNS as COLUMNS
from doors.io import devices
from hypothesis import given
from hypothesis import strategies as st

import retrostats as rs
from retrostats import InputError, read_cart, steady_state

#: Numbers pass through one decimal conversion; nothing else may move them.
REL = 1e-12

#: File: device, rows, body mass in kg, and cells (row from 0, column, value) read off by eye.
BY_EYE = {
    "epl/parvo_bxb.CSV": ("Parvo Medics", 1056, 71.0, [
        (0, "time_s", 0.082433 * 60), (0, "vo2_ml_min", 343.089), (0, "vco2_ml_min", 356.087),
        (0, "rer", 1.037887), (0, "ve_l_min", 10.179652), (0, "vo2_ml_kg_min", 4.832232),
        (0, "heart_rate_bpm", math.nan), (1055, "heart_rate_bpm", 88.0),
        (1055, "vo2_ml_min", 494.621), (1055, "time_s", 49.037437 * 60)]),
    "epl/parvo_excel.xlsx": ("Parvo Medics", 55, 85.3499984741211, [
        (0, "time_s", 31.0), (0, "power_w", 0.0), (0, "vo2_ml_min", 301.5383183956146),
        (0, "ve_l_min", 12.4567289352417), (0, "heart_rate_bpm", 72.0),
        (54, "power_w", 179.9999847)]),
    "spiro/cortex.xml": ("CORTEX", 13, 74.8, [
        (0, "time_s", 9.0), (0, "vo2_ml_min", 117.052380441247), (0, "heart_rate_bpm", 53.0),
        (0, "vco2_ml_min", 120.985138144411), (0, "ve_l_min", 6.54588), (0, "power_w", 0.0),
        (12, "time_s", 70.0), (12, "power_w", 50.0), (12, "rer", 0.881238177697898)]),
    "spiro/cosmed.xlsx": ("COSMED", 10, 67.1, [
        (0, "time_s", 30.0), (0, "vo2_ml_min", 506.1618208), (0, "vco2_ml_min", 440.9817142),
        (0, "ve_l_min", 19.4), (0, "rer", 0.87), (0, "speed_m_s", 12 / 3.6),
        (0, "gradient_pct", 1.0), (0, "heart_rate_bpm", math.nan), (9, "time_s", 120.0)]),
    "spiro/vyntus.txt": ("Vyntus", 7, None, [
        (0, "time_s", 56.0), (0, "heart_rate_bpm", 78.0), (0, "vo2_ml_min", 321.0),
        (0, "vco2_ml_min", 267.0), (0, "rer", 0.83), (0, "ve_l_min", 27.0),
        (1, "vo2_ml_kg_min", 14.3), (0, "power_w", math.nan)]),
    "spiro/zan_ramp": ("ZAN", 607, 66.0, [
        (0, "time_s", 0.326), (0, "vo2_ml_min", 536.0), (0, "vco2_ml_min", 523.0),
        (299, "time_s", 497.666), (299, "power_w", 237.0), (299, "vo2_ml_min", 3310.0),
        (299, "speed_m_s", 16.02 / 3.6), (299, "gradient_pct", 1.0),
        (299, "heart_rate_bpm", math.nan)]),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(BY_EYE))
def test_real_export_against_values_read_by_eye(name, shared) -> None:
    device, rows, mass, cells = BY_EYE[name]
    cart = rs.read_cart(shared / "carts" / name)
    assert cart.attrs["device"] == device
    assert len(cart) == rows
    assert cart.attrs["mass_kg"] == mass
    for row, column, value in cells:
        found = cart[column].iloc[row]
        assert found == pytest.approx(value, rel=1e-9, nan_ok=True), (row, column)
    counts = cart.attrs["provenance"]
    assert counts["rows_in"] == counts["rows_used"] + sum(counts["rows_explained"].values())
    assert not [p for p in cart.attrs["problems"] if p["level"] == "error"]


@pytest.mark.parametrize("name", sorted(BY_EYE))
def test_names_and_birth_dates_are_left_out(name, shared) -> None:
    cart = read_cart(shared / "carts" / name)
    text = repr(cart.attrs) + cart.to_csv()
    for private in ("XXX", "YYY", "11.11.1980", "01.01.1998", "BT2096"):
        assert private not in text
    assert "person" not in cart.attrs


def test_names_come_on_request(shared) -> None:
    cart = read_cart(shared / "carts" / "spiro" / "cortex.xml", anonymous=False)
    assert cart.attrs["person"]["nachname"] == "YYY"


GENERAL = {
    "seconds": ("t (s),VO2 (ml/min),VCO2 (ml/min),HR (bpm)\n0,800,700,90\n10,1200,1000,100\n", 10),
    "clock": ("Time;VO2;VCO2;HR\nmm:ss;L/min;L/min;bpm\n0:00;0,8;0,7;90\n0:10;1,2;1,0;100\n", 10),
    "minutes": ("tid\tVO2\tVCO2\tHF\nmin\tmL/min\tmL/min\t1/min\n0\t800\t700\t90\n"
                "0.5\t1200\t1000\t100\n", 30),
    "preamble": ("Laboratory,Graz\nMass (kg),70\n\nTime,VO2,VCO2,HR\ns,mL/min,mL/min,bpm\n"
                 "0,800,700,90\n10,1200,1000,100\n\nSummary\nVO2max,1200\n", 10),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(GENERAL))
def test_unknown_device_by_header_and_units(kind, tmp_path) -> None:
    text, last = GENERAL[kind]
    path = tmp_path / "cart.txt"
    path.write_text(text)
    cart = read_cart(path)
    assert tuple(cart.columns[: len(COLUMNS)]) == COLUMNS
    assert cart["time_s"].tolist() == [0, last]
    assert cart["vo2_ml_min"].tolist() == pytest.approx([800, 1200], rel=REL)
    assert cart["heart_rate_bpm"].tolist() == [90, 100]
    assert cart["speed_m_s"].isna().all()
    counts = cart.attrs["provenance"]
    assert counts["rows_in"] == counts["rows_used"] + sum(counts["rows_explained"].values())


def test_litres_written_as_millilitres_are_flagged_not_rescaled(tmp_path) -> None:
    path = tmp_path / "cart.csv"
    path.write_text("t (s),VO2 (ml/min)\n0,0.8\n10,1.2\n20,1.1\n")
    cart = read_cart(path)
    assert cart["vo2_ml_min"].tolist() == [0.8, 1.2, 1.1]
    assert "error" in {p["level"] for p in cart.attrs["problems"]}


def test_zero_is_missing_and_listed(tmp_path) -> None:
    path = tmp_path / "cart.csv"
    path.write_text("t (s),VO2 (ml/min),HR (bpm),Speed (km/h)\n0,800,0,0\n10,900,100,0\n")
    cart = read_cart(path)
    assert math.isnan(cart["heart_rate_bpm"].iloc[0])
    assert cart["speed_m_s"].isna().all()
    assert {p["column"] for p in cart.attrs["problems"]} >= {"heart_rate_bpm", "speed_m_s"}


def bomb() -> bytes:
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 300_000_000)
    return buffer.getvalue()


GARBAGE = {
    "empty": (b"", "empty"),
    "binary": (bytes(range(256)) * 20, "not a text table"),
    "no header": (b"a,b\n1,2\n", "no header"),
    "no unit": (b"t (s),VO2\n0,20\n10,30\n", "no gas column"),
    "no rows": (b"t (s),VO2 (ml/min)\n", "no row with a time"),
    "entities": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "refused"),
    "other xml": (b'<?xml version="1.0"?><a><b>1</b></a>', "without worksheets"),
    "cut xml": (b'<?xml version="1.0"?><Workbook><Worksheet>', "not well-formed"),
    "fake workbook": (b"PK\x03\x04 nothing", "not a readable spreadsheet"),
}


@pytest.mark.parametrize("kind", sorted(GARBAGE))
def test_garbage_is_refused_with_one_message(kind, tmp_path) -> None:
    data, says = GARBAGE[kind]
    path = tmp_path / "cart.bin"
    path.write_bytes(data)
    with pytest.raises(InputError, match=says):
        read_cart(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path) -> None:
    path = tmp_path / "cart.xlsx"
    path.write_bytes(bomb())
    with pytest.raises(InputError, match="refused as unsafe"):
        read_cart(path)


def test_unknown_device_name_lists_the_known(tmp_path) -> None:
    path = tmp_path / "cart.csv"
    path.write_text(GENERAL["seconds"][0])
    with pytest.raises(InputError, match="COSMED"):
        read_cart(path, device="Douglas bag")
    assert "ZAN" in devices()


@given(st.lists(st.lists(st.sampled_from(
    ["t", "VO2", "VCO2", "s", "L/min", "ml/min", "0:10", "1,5", "2.5", "-", "", "=1+1", "1e300"]),
    min_size=3, max_size=3), max_size=8))  # fmt: skip
def test_any_cells_give_a_frame_or_one_message(tmp_path_factory, rows) -> None:
    path = tmp_path_factory.mktemp("cart") / "cart.csv"
    path.write_text("\n".join(";".join(row) for row in rows))
    try:
        cart = read_cart(path)
    except InputError:
        return
    assert np.isfinite(cart["time_s"]).all()
    assert not np.isinf(cart.select_dtypes("number").to_numpy(float)).any()


def ramp_then_plateau(noise: float = 0.0) -> pd.DataFrame:
    """Rest at 400, a rise, a plateau at 2000 from 240 to 480 s, recovery."""
    time = np.arange(0, 600, 10.0)
    vo2 = np.interp(time, [0, 60, 240, 480, 600], [400, 400, 2000, 2000, 600])
    vo2 = vo2 + noise * np.sin(np.arange(len(time)))
    return pd.DataFrame({"time_s": time, "vo2_ml_min": vo2, "vco2_ml_min": 0.9 * vo2})


def test_steady_state_is_the_plateau() -> None:
    found = steady_state(ramp_then_plateau(noise=20))
    assert found.start_s >= 240
    assert found.end_s <= 490
    assert found.means["vo2_ml_min"] == pytest.approx(2000, rel=0.01)
    assert found.rer == pytest.approx(0.9, rel=1e-9)
    assert "s, 12 rows" in found.rule


def test_steady_state_weighs_rows_by_their_time() -> None:
    cart = pd.DataFrame({"time_s": [10, 20, 60, 100, 140.0], "vo2_ml_min": [10, 10, 20, 20, 20.0]})
    found = steady_state(cart, window_s=140, max_change_pct=200)
    weights = [40, 10, 40, 40, 40]  # the first row stands for the usual step
    expected = np.average(cart["vo2_ml_min"], weights=weights)
    assert found.means["vo2_ml_min"] == pytest.approx(expected, rel=1e-9)


def test_no_steady_state_says_the_smallest_change() -> None:
    time = np.arange(0, 300, 10.0)
    cart = pd.DataFrame({"time_s": time, "vo2_ml_min": 400 + 10 * time})
    with pytest.raises(InputError, match=r"smallest change over one is \d+%"):
        steady_state(cart)
    with pytest.raises(InputError, match="at least 4 rows"):
        steady_state(cart.head(3))
    with pytest.raises(InputError, match="no oxygen uptake"):
        steady_state(cart.drop(columns="vo2_ml_min"))


def test_steady_state_keeps_to_one_load_and_to_a_wanted_speed() -> None:
    time = np.arange(0, 480, 10.0)
    speed = np.where(time < 240, 2.0, 3.0)
    cart = pd.DataFrame({"time_s": time, "vo2_ml_min": 1000 * speed, "speed_m_s": speed})
    assert steady_state(cart, speed_m_s=2.0).means["vo2_ml_min"] == pytest.approx(2000)
    assert steady_state(cart).means["vo2_ml_min"] == pytest.approx(3000)
    with pytest.raises(InputError, match=r"recorded 2\.00, 3\.00"):
        steady_state(cart, speed_m_s=5.0)


def test_steady_state_refuses_two_tests_in_one_and_skips_holes() -> None:
    one = ramp_then_plateau()
    with pytest.raises(InputError, match="time goes back"):
        steady_state(pd.concat([one, one], ignore_index=True))
    hole = one[(one["time_s"] < 300) | (one["time_s"] > 380)]
    found = steady_state(hole, window_s=90)
    assert not (found.start_s < 300 and found.end_s > 380)


def test_steady_state_refuses_an_uptake_in_doubt(tmp_path) -> None:
    path = tmp_path / "cart.csv"
    rows = "".join(f"{t};{'950' if t < 200 else '1.250'}\n" for t in range(0, 400, 10))
    path.write_text("Zeit (s);VO2 (ml/min)\n" + rows)
    cart = read_cart(path)
    assert any("thousands" in p["action"] for p in cart.attrs["problems"])
    with pytest.raises(InputError, match="thousands or decimals"):
        steady_state(cart)


def test_elapsed_time_goes_before_the_time_of_day(tmp_path) -> None:
    path = tmp_path / "cart.csv"
    path.write_text("TimeStamp,T(sec),VO2(ml/min)\n2024-01-01T10:00:00,0,800\n"
                    "2024-01-01T10:00:10,10,900\n")  # fmt: skip
    assert read_cart(path)["time_s"].tolist() == [0, 10]


#: A fraction of a day is printed with seven digits: 0.000694 is 59.96 s.
DAY_DIGITS = 0.1


@pytest.mark.parametrize("header", ["Time", "Time (min)", "t (s)", "Time (mm:ss)"])
def test_times_as_fractions_of_a_day_become_seconds(header, tmp_path) -> None:
    path = tmp_path / "cart.csv"
    rows = [f"{10 * i / 86400:.6f},{800 + 10 * i},{700 + 9 * i}" for i in range(13)]
    path.write_text("\n".join([f"{header},VO2 (ml/min),VCO2 (ml/min)", *rows]))
    found = read_cart(path)["time_s"].tolist()
    assert found == pytest.approx([10 * i for i in range(13)], abs=DAY_DIGITS)


def test_times_of_a_spreadsheet_and_short_steps_in_minutes_stay_what_they_are(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    path, book = tmp_path / "cart.xlsx", openpyxl.Workbook()
    book.active.append(["Time", "VO2 (ml/min)", "VCO2 (ml/min)"])
    for i in range(6):
        book.active.append([i / 1440, 800 + i, 700 + i])
        book.active.cell(i + 2, 1).number_format = "mm:ss" if i % 2 else "General"
    book.save(path)
    found = read_cart(path)["time_s"].tolist()
    assert found == pytest.approx([60 * i for i in range(6)], abs=1e-5)  # stored to microseconds
    text = "Time (min),VO2 (ml/min)\n" + "".join(f"{i / 30},80{i}\n" for i in range(6))
    (tmp_path / "cart.csv").write_text(text)
    minutes = read_cart(tmp_path / "cart.csv")["time_s"].tolist()
    assert minutes == pytest.approx([2 * i for i in range(6)], rel=REL)


def cart_text(level: float) -> str:
    rows = "".join(f"{t},{level:.0f},{0.9 * level:.0f},150\n" for t in range(0, 300, 10))
    return "t (s),VO2 (ml/min),VCO2 (ml/min),HR (bpm)\n" + rows


def test_a_folder_of_carts_and_a_plan_is_a_cohort(tmp_path) -> None:
    plan = ["file,subject,direction,speed (km/h),mass (kg)"]
    for i in range(4):
        for way, factor in (("forward", 1.0), ("backward", 1.3)):
            (tmp_path / f"p{i}_{way}.csv").write_text(cart_text((2000 + 100 * i) * factor))
            plan.append(f"p{i}_{way}.csv,p{i},{way},9,{60 + i}")
    (tmp_path / "plan.csv").write_text("\n".join(plan))
    (tmp_path / "notes.txt").write_text("nothing to read here")
    cohort = rs.load_cohort(tmp_path)
    assert cohort.analysis == "metabolic-cost"
    assert cohort.n_subjects == 4
    frame = cohort.frame.set_index(["subject", "direction"])
    assert frame.loc[("p1", "backward"), "vo2_ml_min"] == pytest.approx(2730)
    assert frame.loc[("p1", "backward"), "vo2_ml_kg_min"] == pytest.approx(2730 / 61)
    assert frame.loc[("p1", "forward"), "rer"] == pytest.approx(0.9)
    assert "metabolic_rate_w_kg" in cohort.frame
    assert cohort.provenance["rows_in"] == cohort.provenance["rows_used"] == 8
    assert "not read" in set(cohort.problems["action"])
    (tmp_path / "plan.csv").write_text("\n".join([*plan, "../secret.csv,p9,forward,9,70"]))
    with pytest.raises(InputError, match="no export"):
        rs.load_cohort(tmp_path)


def test_a_cart_export_alone_is_no_cohort_and_says_so(shared) -> None:
    with pytest.raises(InputError, match="with a plan"):
        rs.load_cohort(shared / "carts" / "spiro" / "cosmed.xlsx")
