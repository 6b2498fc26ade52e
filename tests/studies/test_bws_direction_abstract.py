"""Abstract on direction and body-weight support: cost of transport at 0% support, n = 13."""

from __future__ import annotations

import pytest
from doors.evidence import correlation_range, crossover_study, printed_pair, ratio_estimate

from retrostats import load_published

CONDITIONS = ("backward", "forward")


def test_cost_of_transport_and_its_interval() -> None:
    """4.5 (1.1) and 5.8 (1.4) J/kg/m, p < 0.001; +28.9% and 11.3 to 49.3% at r = 0.5 are ours."""
    pair = printed_pair(
        load_published("metabolic_cost"),
        CONDITIONS,
        study_id="bws_direction_abstract",
        outcome="cost_of_transport_j_kg_m",
    )
    assert (pair.mean_2, pair.mean_1, pair.n) == (4.5, 5.8, 13)
    assert round(100 * (pair.ratio - 1), 1) == 28.9
    shown = ratio_estimate(pair, 0.5).interval()
    assert 100 * (shown.low - 1) == pytest.approx(11.3, abs=0.2)
    assert 100 * (shown.high - 1) == pytest.approx(49.3, abs=0.2)
    assert correlation_range(pair)[0] == pytest.approx(0.647, abs=0.001)


def test_unlabelled_spread_as_a_standard_error_needs_r_above_0_999() -> None:
    where = {"study_id": "bws_direction_abstract", "outcome": "cost_of_transport_j_kg_m"}
    rows = load_published("metabolic_cost")
    study = crossover_study(
        rows, "x", "support", conditions=CONDITIONS, where=where, quantity="ratio"
    )
    (spread,) = [a for a in study.assumptions if a.kind == "unlabelled spread"]
    assert "correlation above 0.999" in spread.why
