"""Methods for few studies beside Knapp-Hartung in the analyses: shown, none judging."""

from __future__ import annotations

import math

import pytest
from doors.evidence import SCALES, few_studies_rows

import retrostats as rs
from retrostats import Estimate


def test_rows_are_the_pools_they_name() -> None:
    data = [
        Estimate(v, s, 9, "log_ratio", "ratio", (f"row{v}",)) for v, s in ((0.1, 0.05), (0.4, 0.1))
    ]
    rows = {row.estimate_id: row for row in few_studies_rows(data, "p", quantity="q", claim_id="x")}
    assert len(rows) == 1 + len(SCALES)
    henmi = rs.pool(data, test="henmi-copas")
    assert rows["p-henmi-copas"].conf_high == pytest.approx(math.exp(henmi.conf_high), rel=1e-12)
    for scale in SCALES:
        row = rows[f"p-half-normal-{scale:g}"]
        posterior = rs.pool(data, prior=rs.HalfNormal(scale))
        assert row.pred_low == pytest.approx(math.exp(posterior.pred_low), rel=1e-12)
        assert row.claim_id == ""
        assert row.source_rows == ("row0.1", "row0.4")


def test_a_pool_of_two_studies_depends_on_the_prior_and_no_prior_judges(whole) -> None:
    rows = whole.estimates.set_index("estimate_id")
    data, narrow, wide = (
        rows.loc[f"li-programme-pool{name}"]
        for name in ("", "-half-normal-0.1", "-half-normal-0.5")
    )
    assert wide["conf_low"] < narrow["conf_low"] < narrow["conf_high"] < wide["conf_high"]
    assert data["conf_high"] > wide["conf_high"]
    few = whole.estimates[whole.estimates["role"] == "few-studies"]
    few = few[few["analysis"] == "ligament-injury"]
    assert (few["claim_id"] == "").all()
    assert len(few) == 3


def test_a_load_at_speeds_of_their_own_is_in_no_pool_with_one_at_one_speed(whole) -> None:
    rows = whole.estimates.set_index("estimate_id")
    assert rows.loc["li-flynn", "claim_id"] == ""
    assert "self-chosen speeds" in rows.loc["li-flynn", "directness"]
    assert rows.loc["li-roos", "claim_id"] == "pounding"
    pooled = rows[rows["role"].isin(["pooled", "few-studies"])]
    assert not pooled["source_rows"].str.contains("flynn1995").any()
    judged = whole.explorations.query("claim_id == 'pounding'")
    assert "li-roos" in set(judged["estimate_id"])


def test_a_new_study_is_never_better_known_than_the_mean() -> None:
    """Knapp-Hartung limits that never narrow, of studies that agree: df 2, so t is 4.30."""
    for effects, errors in (
        ([7.1, 4.1, 2.7], [10.557, 1.709, 6.83]),
        ([0.30, 0.22, 0.41], [0.05, 0.06, 0.08]),
        ([0.3, 0.3], [0.1, 0.2]),
    ):
        found = rs.pool(effects, errors, test="knapp-hartung-adhoc")
        assert found.pred_low <= found.conf_low
        assert found.pred_high >= found.conf_high
