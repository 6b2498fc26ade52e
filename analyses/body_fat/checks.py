"""Printed percentages and a printed p recomputed; what had to be assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.recompute import paired_p, percent_change
from retrostats.evidence.result.findings import Assumption, Check

from .forward import macpherson_row, pre_post

if TYPE_CHECKING:
    import pandas as pd


def checks_of(rows: pd.DataFrame) -> tuple[Check, ...]:
    """Printed percentages and a printed p from the means, SDs and n beside them."""
    found = []
    for outcome in (
        "fat_mass_kg",
        "waist_circumference_cm",
        "fat_free_mass_kg",
        "vo2max_ml_kg_min",
        "peak_running_speed_km_h",
    ):
        pre, post = pre_post(rows, outcome)
        found.append(_percent("hazell2014", outcome, pre, post))
    for word in ("endurance", "sprint"):
        for outcome in ("fat_mass_kg", "vo2max_ml_kg_min"):
            pre, post = (macpherson_row(rows, outcome, word, time) for time in ("pre", "post"))
            found.append(_percent("macpherson2011", f"{outcome}-{word}", pre, post, word))
    economy = one_row(rows, study_id="ordway2016", outcome="forward_running_economy_ml_kg_min")
    found.append(
        paired_p(economy["change_text"], economy["change_spread_text"], int(economy["n"])).against(
            economy["p_value_text"],
            check_id="ordway-economy-p",
            study_id="ordway2016",
            quantity="p of the change in forward running economy",
            rows=[economy["row_id"]],
        )
    )
    return tuple(found)


def _percent(study: str, outcome: str, pre: pd.Series, post: pd.Series, arm: str = "") -> Check:
    return percent_change(pre["mean_text"], post["mean_text"]).against(
        post["pct_change_text"],
        check_id=f"{study}-{outcome}",
        study_id=study,
        quantity=f"{post['outcome_printed']}{f', {arm}' if arm else ''}, % change",
        rows=[pre["row_id"], post["row_id"]],
    )


ASSUMPTIONS = (
    Assumption(
        "bf-unit",
        "reading",
        "2.4% is a change in percentage points, or a share of the fat",
        "the abstract does not say; both readings are carried",
        "terblanche2005",
    ),
    Assumption(
        "bf-test",
        "reading",
        "p = 0.01 tests the training group's change, or arm by time",
        "the abstract does not say; both readings are carried",
        "terblanche2005",
    ),
    Assumption(
        "bf-rounding",
        "rounding",
        "p = 0.01 is rounded",
        "any p that rounds to 0.01",
        "terblanche2005",
        0.005,
        0.015,
    ),
    Assumption(
        "bf-hazell",
        "unknown correlation",
        "correlation of fat and lean mass changes",
        "not printed, so every correlation is possible",
        "hazell2014",
        -1.0,
        1.0,
    ),
)
