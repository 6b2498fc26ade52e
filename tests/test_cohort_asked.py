"""What a table leaves open is asked about, and no number comes out before it is answered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

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
