"""Load of an elliptical against a treadmill: running and walking are two readings, both carried."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from retrostats.audit.analysis import Context
from retrostats.evidence.findings.crossover import CrossoverStudy, crossover_study
from retrostats.evidence.result.findings import Measure

from .names import ELLIPTICAL

MACHINES = ("elliptical", "treadmill")
#: Rows of both machines, row and label, the measure's name, and what else its row says.
AGAINST_RUNNING = (
    (
        "li-kaplan2014-foot-load-pct-body-weight-elliptical-forward",
        "li-kaplan2014-foot-load-pct-body-weight-treadmill-jogging-forward",
    ),
    ("li-kaplan", "Kaplan 2014, elliptical and treadmill running"),
    "load on the foot, against running",
    {"directness": "load on the foot, not the knee"},
)
AGAINST_WALKING = (
    (
        "li-dlimaimplant-tibial-force-bw-elliptical-forward-level-1",
        "li-dlimaimplant-tibial-force-bw-treadmill-walking-forward",
    ),
    ("li-dlima", "Knee implants, elliptical and treadmill walking"),
    "force in the knee, against walking",
    {
        "directness": "direct",
        "hollow": True,
        "note": "quoted by a review; four people with an implant",
    },
)


def machine(
    context: Context,
    row_ids: tuple[str, str],
    named: tuple[str, str],
    measure: str,
    extra: dict[str, Any],
) -> tuple[CrossoverStudy, Measure]:
    """Elliptical over treadmill in the same people, and the measure that judges the claim."""
    rows = context.published.set_index("row_id", drop=False).loc[list(row_ids)]
    study = crossover_study(
        rows.assign(direction=list(MACHINES)),
        *named,
        conditions=MACHINES,
        where={"outcome": rows["outcome"].iloc[0]},
        highest_cv=context.audit.highest_cv,
        quantity="machine_load_ratio",
        claim_id=ELLIPTICAL,
        **extra,
    )
    return study, replace(study.measure, name=measure, claim_id=ELLIPTICAL)
