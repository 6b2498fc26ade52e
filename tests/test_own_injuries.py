"""Own injury cohorts: which injuries bear on which claim, and where the estimate stands."""

from __future__ import annotations

import io

import pandas as pd
import pytest
from cohort_tables import measured

import retrostats as rs
from retrostats import InputError

TABLE = measured("ligament-injury")


def frame() -> pd.DataFrame:
    return pd.read_csv(io.StringIO(TABLE))


def run(table: pd.DataFrame) -> rs.Replication:
    cohort = rs.load_cohort(table, spec={"name": "club"})
    return rs.replicate(["ligament-injury"], cohorts=[cohort], draws=0)


def test_injuries_of_any_kind_do_not_decide_the_claim_about_ligaments() -> None:
    """Found in use: a hamstring's strain decided it."""
    found = run(frame().drop(columns="ligament_injuries"))
    assert "ligament_tears" not in set(found.cohorts["claim_id"])
    assert set(found.cohorts["claim_id"]) == {"avoid_injury"}
    own = found.estimates[found.estimates["role"] == "cohort"]
    assert own["quantity"].tolist() == ["any_injury_rate_ratio"]


def test_ligament_injuries_decide_it_and_the_verdict_has_their_estimate() -> None:
    """Found in use: the verdict stood without an estimate."""
    found = run(frame())
    verdict = found.verdicts.set_index("claim_id").loc["ligament_tears"]
    assert verdict["estimate_id"] == "cohort-club-ligament_injury_rate_ratio"
    assert verdict["conf_low"] < verdict["estimate"] < verdict["conf_high"]
    changed = found.cohorts.set_index("claim_id").loc["ligament_tears"]
    assert changed["certainty_direction_without"] == ""  # nobody counted: no evidence, none of it
    assert changed["certainty_direction_with"] == verdict["certainty_direction"] != ""
    rates = frame().groupby("direction")[["ligament_injuries", "injuries", "exposure_h"]].sum()
    fitted = found.estimates[found.estimates["role"] != "posterior"]
    rows = fitted.set_index("quantity")
    any_kind = rates["injuries"] / rates["exposure_h"]
    # few events: the mixed model's ratio is near the crude one
    crude = any_kind["backward"] / any_kind["forward"]
    assert rows.at["any_injury_rate_ratio", "estimate"] == pytest.approx(crude, rel=0.2)


def test_several_cohorts_are_one_average() -> None:
    cohorts = [rs.load_cohort(frame(), spec={"name": name}) for name in ("one", "two")]
    found = rs.replicate(["ligament-injury"], cohorts=cohorts, draws=0)
    verdict = found.verdicts.set_index("claim_id").loc["ligament_tears"]
    assert verdict["estimate_id"] == "li-own-ligament_tears"
    row = found.estimates.set_index("estimate_id").loc["li-own-ligament_tears"]
    own = found.estimates.set_index("estimate_id").loc["cohort-one-ligament_injury_rate_ratio"]
    assert row["estimate"] == pytest.approx(own["estimate"])
    assert row["std_error"] == pytest.approx(own["std_error"] / 2**0.5)


def test_more_ligament_injuries_than_injuries_are_refused() -> None:
    with pytest.raises(InputError, match="at least the 3 of ligament_injuries"):
        rs.load_cohort(frame().assign(ligament_injuries=3))
