"""Every pinned answer of R has the script that makes it, and a lost field is seen."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.reference.compare import differences

FOLDER = Path(__file__).parent / "reference"
FILES = sorted(FOLDER.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_answer_has_its_script_and_a_line_in_the_table(path: Path) -> None:
    script = path.with_suffix(".R")
    assert script.is_file()
    table = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert f"| `{path.name}` | `{script.name}`" in table


@pytest.mark.parametrize(
    ("new", "size", "place"),
    [
        ([{"a": 2.0, "b": [3.0, 4.0]}], 0.0, None),
        ([{"a": 2.2, "b": [3.0, 4.0]}], 0.1, "/0/a"),
        ([{"a": 2.0}], math.inf, "/0/b"),
        ([{"a": 2.0, "b": [3.0]}], math.inf, "/0/b holds 2, 1 anew"),
        ([{"a": "x", "b": [3.0, 4.0]}], math.inf, "/0/a"),
        ([], math.inf, " holds 1, 0 anew"),
    ],
)
def test_a_field_that_differs_or_is_lost_is_named(new: object, size: float, place: str) -> None:
    worst = max(differences([{"a": 2.0, "b": [3.0, 4.0]}], new))
    assert worst[0] == pytest.approx(size)
    assert place is None or worst[1] == place
