"""Pictures: the changes, what they turn on, and who retold the trial how."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrostats.audit.claims import Claim

from .names import LOST

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from retrostats.report.figures import Drawing


def _retellings_in_words(retellings: pd.DataFrame) -> str:
    """What the chain of retellings comes to."""
    changed = int((retellings["changed"] != "").sum())
    return (
        "Chain of retellings of the six-week study and what each changed: "
        f"{changed} of {len(retellings) - 1} retellings changed something"
    )


def draw(frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim]) -> dict[str, Drawing]:
    """Change under each reading beside forward running, its sensitivity, and who retold it how."""
    from retrostats.report.figures import Drawing, origin_of, sensitivity

    return {
        "body_fat_change": Drawing(
            _changes(frames["estimates"], claims),
            "Change in body fat under each reading, beside forward running",
            shows=("bf-points-within", "bf-more-points", "bf-more-relative"),
        ),
        "body_fat_sensitivity": Drawing(
            sensitivity(frames["sensitivity"], claims, origin_of(frames["estimates"])),
            "Body fat difference as a function of what was not printed",
            shows=("bf-more-points", "bf-more-relative"),
        ),
        "retelling_chain": Drawing(
            _chain(frames["retellings"]),
            _retellings_in_words(frames["retellings"]),
        ),
    }


def _changes(estimates: pd.DataFrame, claims: Mapping[str, Claim]) -> Figure | None:
    """Forest of the changes, and of backward minus forward, one panel a unit."""
    from retrostats.report.figures import band_of, panel_of, rows_of, stack

    band = band_of(claims.get(LOST))
    more = ("backward loses more", "backward loses less")
    titles = {
        "body_fat_change": ("Change in body fat", band, ("fat lost", "fat gained")),
        "body_fat_against_control": ("Backward minus control", None, more),
        "body_fat_difference": ("Backward minus forward", None, more),
    }
    return stack(
        [
            panel_of(
                rows, f"Change ({unit})", title=f"{title}, read as {unit}", band=claimed, ends=ends
            )
            for quantity, (title, claimed, ends) in titles.items()
            for unit, rows in rows_of(estimates, quantity).groupby("unit", sort=False)
        ],
        "data/published/body_fat.csv",
    )


def _chain(retellings: pd.DataFrame) -> Figure | None:
    """The retellings of the trial, each under the one it retells."""
    from retrostats.report.figures import Column, retelling_chain

    minutes = retellings["minutes"].where(
        ~retellings["minutes"].str[:1].str.isdigit(), retellings["minutes"] + " min"
    )
    often = (retellings["frequency"] + ", " + minutes).str.strip(", ")
    return retelling_chain(
        retellings.assign(often=often),
        (
            Column("figure_text", "figure", 15.0),
            Column("what_lost", "of what", 20.0),
            Column("often", "how often", 24.0),
            Column("comparator", "compared with", 27.0),
        ),
        sources="data/claim_drift.csv",
        note="the other figures show what is computed from printed numbers",
    )
