"""Roos 2012, abstract: patellofemoral force 4.5 (1.5) forward, 3.4 (1.4) backward BW, n = 20."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from doors.evidence import crossover_study, printed_pair, ratio_estimate

from retrostats import load_published

CONDITIONS = ("backward", "forward")
#: metafor prints 15 digits; both are the same closed form.
ROMC_RTOL = 1e-9


def test_log_ratio_of_means_equals_metafor_at_r_one_half() -> None:
    pair = printed_pair(
        load_published("ligament_injury"),
        CONDITIONS,
        study_id="roos2012",
        outcome="patellofemoral_force_bw",
    )
    assert (pair.mean_2, pair.sd_2, pair.mean_1, pair.sd_1) == (4.5, 1.5, 3.4, 1.4)
    reference = json.loads(
        (Path(__file__).parents[1] / "reference" / "effect_sizes.json").read_text()
    )[0]["romc"]
    ours = ratio_estimate(pair, 0.5)
    assert ours.value == pytest.approx(reference["yi"], rel=ROMC_RTOL)
    assert ours.std_error**2 == pytest.approx(reference["vi"], rel=ROMC_RTOL)


def test_unlabelled_spread_as_a_standard_error_needs_an_extreme_correlation() -> None:
    where = {"study_id": "roos2012", "outcome": "patellofemoral_force_bw"}
    rows = load_published("ligament_injury")
    study = crossover_study(rows, "x", "Roos", conditions=CONDITIONS, where=where, quantity="ratio")
    (spread,) = [a for a in study.assumptions if a.kind == "unlabelled spread"]
    assert "correlation above 0.967" in spread.why
