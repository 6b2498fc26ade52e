"""Recordings of watches with gases: TCX and FIT, value by value; without gases a plain refusal."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from doors.io import parse_fit

import retrostats as rs
from retrostats import InputError

#: Seconds, heart rate, speed, VO2, VCO2: what both kinds of file are made of.
MOMENTS = [(10 * i, 120 + i, 2.5, 1800 + 10 * i, 1500 + 9 * i) for i in range(30)]
#: Developer fields of 32-bit floats and milliseconds of a clock: five digits survive.
RTOL = 1e-5


def tcx(extension: str, head: str = "") -> str:
    points = "".join(
        f"<Trackpoint><Time>2024-05-01T10:{s // 60:02d}:{s % 60:02d}.000Z</Time>"
        f"<HeartRateBpm><Value>{hr}</Value></HeartRateBpm><Extensions><ns3:TPX>"
        f"<ns3:Speed>{speed}</ns3:Speed>{extension.format(vo2=vo2, vco2=vco2)}</ns3:TPX>"
        "</Extensions></Trackpoint>"
        for s, hr, speed, vo2, vco2 in MOMENTS
    )
    return (
        f'<?xml version="1.0"?>{head}<TrainingCenterDatabase '
        'xmlns="http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2" '
        'xmlns:ns3="http://www.garmin.com/xmlschemas/ActivityExtension/v2"><Activities>'
        f"<Activity><Lap><Track>{points}</Track></Lap></Activity></Activities>"
        "</TrainingCenterDatabase>"
    )


def crc(data: bytes) -> int:
    table = (0x0, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
             0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400)  # fmt: skip
    value = 0
    for byte in data:
        for nibble in (byte & 15, byte >> 4):
            value = (value >> 4) & 0x0FFF ^ table[value & 15] ^ table[nibble]
    return value


def definition(local: int, message: int, fields: list[tuple[int, int, int]], developer=()) -> bytes:
    flag = 0x60 if developer else 0x40
    body = struct.pack("<BBBHB", flag | local, 0, 0, message, len(fields))
    body += b"".join(struct.pack("<BBB", *field) for field in fields)
    if developer:
        body += struct.pack("<B", len(developer))
        body += b"".join(struct.pack("<BBB", *field) for field in developer)
    return body


def fit(gases: bool = True) -> bytes:
    """A FIT file of one activity, as its protocol has it: developer fields for the gases."""
    body = definition(0, 0, [(0, 1, 0)]) + struct.pack("<BB", 0, 4)
    developer = []
    if gases:
        body += definition(1, 207, [(3, 1, 2)]) + struct.pack("<BB", 1, 0)
        fields = [(0, 1, 2), (1, 1, 2), (2, 1, 2), (3, 8, 7), (8, 8, 7)]
        body += definition(2, 206, fields)
        for number, name in enumerate((b"VO2", b"VCO2")):
            body += struct.pack("<BBBB8s8s", 2, 0, number, 0x88, name, b"mL/min")
            developer.append((number, 4, 0))
    record = [(253, 4, 0x86), (3, 1, 2), (6, 2, 0x84)]
    body += definition(3, 20, record, developer)
    for seconds, rate, speed, vo2, vco2 in MOMENTS:
        body += struct.pack("<BIBH", 3, 1_080_000_000 + seconds, rate, round(1000 * speed))
        body += struct.pack("<ff", vo2, vco2) if gases else b""
    header = struct.pack("<BBHI4s", 14, 0x20, 2100, len(body), b".FIT")
    whole = header + struct.pack("<H", crc(header)) + body
    return whole + struct.pack("<H", crc(whole))


def assert_read(path: Path) -> None:
    cart = rs.read_cart(path)
    columns = ["time_s", "heart_rate_bpm", "speed_m_s", "vo2_ml_min", "vco2_ml_min"]
    for read, written in zip(cart[columns].to_numpy(), MOMENTS, strict=True):
        assert read.tolist() == pytest.approx(written, rel=RTOL)
    with pytest.raises(InputError, match="one test of a metabolic cart"):
        rs.load_cohort(path)


@pytest.mark.parametrize(
    "extension",
    [
        '<ns3:VO2 unit="mL/min">{vo2}</ns3:VO2><ns3:VCO2 unit="mL/min">{vco2}</ns3:VCO2>',
        "<ns3:VO2>{vo2}</ns3:VO2><ns3:VCO2>{vco2}</ns3:VCO2>",
        "<VO2_ml_min>{vo2}</VO2_ml_min><VCO2_ml_min>{vco2}</VCO2_ml_min>",
    ],
)
def test_tcx_with_gases_is_read_value_by_value(extension: str, tmp_path: Path) -> None:
    (tmp_path / "run.tcx").write_text(tcx(extension))
    assert_read(tmp_path / "run.tcx")


def test_fit_with_gases_is_read_value_by_value(tmp_path: Path) -> None:
    pytest.importorskip("fitdecode")
    (tmp_path / "run.fit").write_bytes(fit())
    assert_read(tmp_path / "run.fit")


def test_recordings_without_gases_say_what_they_hold(tmp_path: Path) -> None:
    (tmp_path / "run.tcx").write_text(tcx(""))
    with pytest.raises(InputError, match=r"heart rate.*speed.*holds no gases.*CSV"):
        rs.read_cart(tmp_path / "run.tcx")
    pytest.importorskip("fitdecode")
    (tmp_path / "run.fit").write_bytes(fit(gases=False))
    with pytest.raises(InputError, match=r"heart rate.*speed.*holds no gases.*CSV"):
        rs.read_cart(tmp_path / "run.fit")


def test_a_recording_that_cannot_be_used_says_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "run.tcx").write_text(tcx(""))
    with pytest.raises(InputError, match=r"holds no gases"):
        rs.load_cohort(tmp_path / "run.tcx")
    monkeypatch.setitem(__import__("sys").modules, "fitdecode", None)
    with pytest.raises(InputError, match=r"retrostats\[fit\].*TCX or CSV"):
        parse_fit("run.fit", fit())


def test_damaged_and_unsafe_recordings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.tcx"
    path.write_text(tcx("", '<!DOCTYPE x [<!ENTITY a "b">]>'))
    with pytest.raises(InputError, match="entities"):
        rs.read_cart(path)
    path.write_text(tcx("")[:-40])
    with pytest.raises(InputError, match="not well-formed"):
        rs.read_cart(path)
    path.write_text('<TrainingCenterDatabase xmlns="x"></TrainingCenterDatabase>')
    with pytest.raises(InputError, match="without a moment"):
        rs.read_cart(path)
    pytest.importorskip("fitdecode")
    whole = fit()
    for damaged in (whole[:200], whole[:60] + b"\xff" * 40 + whole[100:]):
        (tmp_path / "run.fit").write_bytes(damaged)
        with pytest.raises(InputError):
            rs.read_cart(tmp_path / "run.fit")
