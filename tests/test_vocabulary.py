"""Readers know no audit: a second one with its own conditions, topic and needs."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from cohort_tables import measured

from retrostats import InputError, load_audit, load_cohort

IO = Path(__file__).resolve().parent.parent / "retrostats" / "io"
#: Words of the audit that ships; body fat and fat mass are field vocabulary in headers.py only.
WORDS = re.compile(
    r"backward|forward|ligament|metabolic[- ]cost|body-fat|terblanche|williford", re.I
)
TOML = """
title = "Grip of both hands"
[conditions]
compared = ["left", "right"]
[conditions.synonyms]
left = ["links", "gauche"]
right = ["rechts", "droite"]
[topics.grip]
paired = true
needs = ["subject", "direction", "grip_kg"]
outcomes = ["grip_kg"]
template = \"\"\"
subject,direction,grip_kg
EXAMPLE-1,left,40
EXAMPLE-1,right,44
EXAMPLE-2,left,38
EXAMPLE-2,right,41
\"\"\"
"""


@pytest.fixture
def audit(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "audit.toml").write_text(TOML, encoding="utf-8")
    return tmp_path


def test_a_second_audit_reads_by_its_own_words(audit) -> None:
    text = measured("grip", audit)
    parsed = load_audit(audit)
    for words in ("left", "links", "Gauche"):
        frame = pd.read_csv(io.StringIO(text.replace("left", words)), dtype=str)
        cohort = load_cohort(frame, audit=parsed)
        assert cohort.analysis == "grip"
        assert list(cohort.frame["direction"].cat.categories) == ["right", "left"]
        assert cohort.frame["grip_kg"].tolist() == [40, 44, 38, 41]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("left", "right", "no left row"), ("left", "up", "right or left"), ("40", "x", "a number")],
)
def test_messages_name_its_words(audit, old, new, says) -> None:
    frame = pd.read_csv(io.StringIO(measured("grip", audit).replace(old, new)), dtype=str)
    with pytest.raises(InputError, match=says):
        load_cohort(frame, audit=audit)


def test_no_reader_names_the_audit_that_ships() -> None:
    files = sorted(IO.rglob("*.py"))
    assert len(files) > 50
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if WORDS.search(line)
    ]
    assert not found
