"""Hazell 2014, abstract: fat 15.1 to 13.9 kg (P = 0.002), lean 45.7 to 46.3 kg, n = 15."""

from __future__ import annotations

import pytest
from doors.audit import Context, load_analysis
from doors.common import analyses_dir
from doors.evidence import Options, explore_measures, percent_fat_change, sensitivity_frame

from retrostats import load_claims, load_published

FAT, LEAN, P = (15.1, 13.9), (45.7, 46.3), (0.002, 0.05)


def test_percent_fat_from_printed_masses() -> None:
    """Worked by hand: 24.8 to 23.1%, about -1.7 points."""
    before, change, _ = percent_fat_change(FAT, LEAN, P, 15, 0.0)
    assert round(before, 1) == 24.8
    assert round(before + change, 1) == 23.1


def test_error_grows_as_the_unprinted_correlation_falls() -> None:
    """Fat lost with lean gained spreads percent fat; fat and lean lost together cancel."""
    errors = [percent_fat_change(FAT, LEAN, P, 15, r)[2] for r in (-1, -0.5, 0, 0.5, 1)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] / errors[-1] == pytest.approx(0.506 / 0.278, rel=0.01)


def test_people_are_whole_numbers() -> None:
    """28 people behind the indirect difference, 15 behind Hazell 2014; once 28.000000000000007."""
    analysis = load_analysis(analyses_dir() / "body_fat.py")
    found = analysis.analyse(Context(load_published("body_fat"), load_claims()))
    people = {e.estimate_id: e.n for e in found.estimates}
    assert people["bf-more-points"] == people["bf-more-relative"] == 28
    assert people["bf-hazell-points"] == people["bf-hazell-relative"] == 15
    followed = [m for m in found.measures if m.follow]
    rows = {e.estimate_id: e for e in found.estimates}
    curves = sensitivity_frame(explore_measures(followed, Options(0, 1)), rows)
    people = dict(zip(curves["estimate_id"], curves["n"], strict=True))
    assert people == {"bf-more-points": 28, "bf-more-relative": 28, "bf-points-within": 13}
