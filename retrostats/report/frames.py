"""From findings and explorations to the public frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrostats.audit.claims import Claim
from retrostats.audit.fidelity import ClaimEvidence
from retrostats.audit.verdict import Side, direction_of, labels, size_of
from retrostats.evidence.result.estimate import Interval
from retrostats.evidence.result.findings import (
    Assumption,
    Check,
    CrossCheck,
    EstimateRow,
    Findings,
    frame_of,
    without_empty,
)
from retrostats.evidence.unreported.grids import Grid, grid_of
from retrostats.evidence.unreported.measures import (
    Explored,
    explorations_frame,
    sensitivity_frame,
    unknowns_frame,
)
from retrostats.evidence.unreported.specifications import draws_frame, specifications_frame
from retrostats.report.parts import retellings_of

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.audit import Audit

LIMITS = ("conf_low", "conf_high", "narrow_low", "narrow_high")
#: Tidy tables in `tables/` of the results; the last are written where they hold rows.
TABLES = (
    "certainty",
    "summary",
    "sensitivity",
    "explorations",
    "unknowns",
    "specifications",
    "draws",
    "checks",
    "cohorts",
    "cohort_shares",
    "user_results",
    "questions",
    "cross_checks",
    "sources",
)
#: Of an audit from a page alone: its rows through each pool, and how they were judged.
WHERE_FILLED = ("flow", "risk_of_bias")


def frames_of(
    findings: Mapping[str, Findings],
    explored: Mapping[str, Sequence[Explored]],
    claims: Mapping[str, Claim],
) -> dict[str, pd.DataFrame]:
    """Tidy frames of all analyses, by the names of `Replication`'s attributes."""
    estimates = without_empty(weighed(_stack(findings, EstimateRow, "estimates")))
    assumptions = _stack(findings, Assumption, "assumptions").drop_duplicates("assumption_id")
    assumptions["used_by"] = [_used_by(a, estimates) for a in assumptions["assumption_id"]]
    cross_checks = _stack(findings, CrossCheck, "cross_checks")
    cross_checks["agrees"] = [w.agrees for found in findings.values() for w in found.cross_checks]
    rows = {row.estimate_id: row for found in findings.values() for row in found.estimates}
    followed = _each(explored, lambda entries: sensitivity_frame(entries, rows))
    return {
        "estimates": estimates,
        "assumptions": assumptions.reset_index(drop=True),
        "sensitivity": _with_labels(followed, claims),
        "explorations": _each(explored, explorations_frame),
        "unknowns": _each(explored, unknowns_frame),
        "specifications": _judged(_each(explored, specifications_frame), claims),
        "draws": _judged(_each(explored, draws_frame), claims),
        "checks": _stack(findings, Check, "checks"),
        "cross_checks": cross_checks,
    }


def grids_of(
    explored: Mapping[str, Sequence[Explored]], claims: Mapping[str, Claim]
) -> tuple[tuple[Claim, Grid], ...]:
    """What a reader may move: a grid of every measure that judges a claim."""
    judging = [e for entries in explored.values() for e in entries if e.measure.claim_id in claims]
    made = [(claims[entry.measure.claim_id], grid_of(entry)) for entry in judging]
    return tuple((claim, grid) for claim, grid in made if grid is not None)


def weighed(estimates: pd.DataFrame) -> pd.DataFrame:
    """The same with the weight in percent of each row in the one pool of its quantity.

    Inverse variance, `1 / (std_error^2 + tau^2)`; NaN where no pool has a `tau`, or several do.
    """
    weights = estimates["weight"].copy()
    for _, part in estimates.groupby(["analysis", "quantity"], sort=False):
        tau = part.loc[part["tau"].notna() & (part["role"] == "pooled"), "tau"]
        rows = part[part["pooled"].astype(bool) & part["std_error"].notna()]
        if len(tau) == 1 and len(rows) == part["k"][tau.index[0]]:
            found = 1 / (rows["std_error"] ** 2 + tau.iloc[0] ** 2)
            weights[found.index] = 100 * found / found.sum()
    return estimates.assign(weight=weights)


def _stack(findings: Mapping[str, Findings], kind: type, attribute: str) -> pd.DataFrame:
    import pandas as pd

    parts = [
        frame_of(getattr(found, attribute), kind, analysis=name) for name, found in findings.items()
    ]
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)


def _each(
    explored: Mapping[str, Sequence[Explored]],
    frame: Callable[[Sequence[Explored]], pd.DataFrame],
) -> pd.DataFrame:
    """One frame of all analyses, with a column that names the analysis first."""
    import pandas as pd

    parts = []
    for name, entries in explored.items():
        part = frame(entries)
        part.insert(0, "analysis", name)
        parts.append(part)
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)


def _with_labels(followed: pd.DataFrame, claims: Mapping[str, Claim]) -> pd.DataFrame:
    """The same with the verdict that each value alone would give."""
    directions, sizes = [], []
    for row in followed.to_dict("records"):
        claim = claims.get(row["claim_id"])
        interval = Interval(row["estimate"], row["conf_low"], row["conf_high"])
        directions.append(direction_of(interval, claim) if claim and claim.has_direction else "")
        sizes.append(size_of(interval, claim) if claim and claim.has_size else "")
    return followed.assign(verdict_direction=directions, verdict_size=sizes)


def _judged(rows: pd.DataFrame, claims: Mapping[str, Claim]) -> pd.DataFrame:
    """The same with the labels that each row alone would give; empty where nothing is claimed."""
    import numpy as np

    found: dict[Side, Any] = {"direction": np.full(len(rows), "", dtype=object)}
    found["size"] = found["direction"].copy()
    for claim_id, part in rows.groupby("claim_id", sort=False):
        claim = claims[str(claim_id)]
        claimed: dict[Side, bool] = {"direction": claim.has_direction, "size": claim.has_size}
        for side, is_claimed in claimed.items():
            if is_claimed:
                ends = (part[name].to_numpy() for name in LIMITS)
                found[side][part.index] = labels(claim, side, *ends)
    return rows.assign(**found)


def _used_by(assumption_id: str, estimates: pd.DataFrame) -> str:
    uses = [assumption_id in joined.split("; ") for joined in estimates["assumptions"]]
    return "; ".join(estimates.loc[uses, "estimate_id"])


def cited(
    audit: Audit,
    published: pd.DataFrame,
    frames: Mapping[str, pd.DataFrame],
    claim_evidence: ClaimEvidence,
    ran: Sequence[str],
) -> dict[str, pd.DataFrame]:
    """The printed rows that entered, and the tables the report cites, of the analyses that ran."""
    used = {
        row_id
        for name, column in (
            ("estimates", "source_rows"),
            ("checks", "source_rows"),
            ("summary", "level_rows"),
        )
        for joined in frames[name][column]
        for row_id in str(joined).split("; ")
    }
    wanted = published["row_id"].isin(used | claim_evidence.row_ids)
    return {
        "sources": without_empty(published[wanted].reset_index(drop=True)),
        "studies": audit.studies,
        "claims": audit.table("claims"),
        "fidelity": claim_evidence.fidelity,
        "evidence": claim_evidence.evidence,
        "retellings": retellings_of(audit),
        **{name: _made(audit, name, ran) for name in WHERE_FILLED},
    }


def _made(audit: Audit, name: str, ran: Sequence[str]) -> pd.DataFrame:
    """A table that is made of a page; a folder has none."""
    import pandas as pd

    if audit.made is None:
        return pd.DataFrame()
    table = audit.table(name)
    return table[table["analysis"].isin(ran)].reset_index(drop=True)
