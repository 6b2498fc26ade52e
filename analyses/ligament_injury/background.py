"""Rates of forward runners, and printed rates recomputed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from retrostats.evidence.findings.printed import Shown, shown_only
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.recompute import rate
from retrostats.evidence.result.findings import Check

if TYPE_CHECKING:
    import pandas as pd


def background_rows(rows: pd.DataFrame) -> list[Shown]:
    """Ligament tears per 1000 athlete-exposures of (forward) cross-country running."""
    found = []
    for study, who in (("ncaaxcmen2021", "men"), ("ncaaxcwomen2021", "women")):
        all_injuries = one_row(rows, study_id=study, outcome="injury_rate_per_1000_ae")
        share = one_row(rows, study_id=study, outcome="share_ankle_ligament_tears_pct")
        found.append(
            shown_only(
                [(all_injuries, "mean"), (share, "mean")],
                lambda rate, percent: rate * percent / 100,
                f"li-background-{who}",
                f"Cross-country runners, {who}",
                quantity="ligament_injury_rate",
                scale="difference",
                unit="ankle ligament tears per 1000 athlete-exposures",
                directness="background, direction assumed forward",
            )
        )
    return found


def checks_of(rows: pd.DataFrame) -> tuple[Check, ...]:
    """Printed rates from printed counts and exposure."""
    counted = rows[rows["events"].notna() & rows["exposure"].notna() & rows["mean"].notna()]
    per = {"per 1000": 1000.0, "per 10000": 10000.0, "%": 100.0}
    found = []
    for row in counted.to_dict("records"):
        factor = next((v for k, v in sorted(per.items(), reverse=True) if k in row["unit"]), np.nan)
        if not math.isnan(factor) and row["exposure_unit"] and row["independence"] == "independent":
            found.append(
                rate(row["events"], row["exposure"], factor).against(
                    row["mean_text"],
                    check_id=f"rate-{row['row_id']}",
                    study_id=row["study_id"],
                    quantity=f"{row['outcome_printed']}, {row['unit']}",
                    rows=[row["row_id"]],
                )
            )
    return tuple(found)
