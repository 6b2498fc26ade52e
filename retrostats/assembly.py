"""From findings to the public frames, the figures, and the record of what went in."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.analysis import Analysis
from retrostats.judge.claims import Claim
from retrostats.judge.fidelity import audit_reason, fidelity_of, load_audit
from retrostats.judge.verdict import Candidate, Judgement, Verdict, direction_of, judge, size_of
from retrostats.resources import data_dir
from retrostats.result.findings import (
    Assumption,
    Check,
    EstimateRow,
    Findings,
    Witness,
    frame_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.draw.figures import Drawing

#: Packages whose version can change a number or a figure.
NAMED = ("numpy", "scipy", "pandas", "statsmodels", "pingouin", "matplotlib", "formulae")
OVERVIEW = "Matrix of the claims by fidelity, direction and size"


def frames_of(
    findings: Mapping[str, Findings], claims: Mapping[str, Claim]
) -> dict[str, pd.DataFrame]:
    """Tidy frames of all analyses, by the names of `Replication`'s attributes."""
    import pandas as pd

    def stack(kind: type, attribute: str) -> pd.DataFrame:
        parts = [
            frame_of(getattr(found, attribute), kind, analysis=name)
            for name, found in findings.items()
        ]
        filled = [part for part in parts if len(part)] or parts[:1]
        return pd.concat(filled, ignore_index=True)

    estimates = stack(EstimateRow, "estimates")
    assumptions = stack(Assumption, "assumptions").drop_duplicates("assumption_id")
    assumptions["used_by"] = [_used_by(a, estimates) for a in assumptions["assumption_id"]]
    witnesses = stack(Witness, "witnesses")
    witnesses["agrees"] = [w.agrees for found in findings.values() for w in found.witnesses]
    return {
        "verdicts": verdict_frame(findings, claims),
        "estimates": estimates,
        "assumptions": assumptions.reset_index(drop=True),
        "sensitivity": sensitivity_frame(findings, claims),
        "checks": stack(Check, "checks"),
        "witnesses": witnesses,
    }


def verdict_frame(findings: Mapping[str, Findings], claims: Mapping[str, Claim]) -> pd.DataFrame:
    """One row a claim that belongs to one of the analyses."""
    import pandas as pd

    audit = load_audit()
    rows = []
    for claim in claims.values():
        if claim.analysis not in findings:
            continue
        found = findings[claim.analysis]
        verdict = verdict_on(claim, found.candidates.get(claim.claim_id, ()), audit)
        judged = found.judged.get(claim.claim_id, "")
        row = next((e for e in found.estimates if e.estimate_id == judged), None)
        rows.append(_verdict_row(claim, verdict, judged, row))
    return pd.DataFrame(rows)


def verdict_on(claim: Claim, candidates: Sequence[Candidate], audit: Any) -> Verdict:
    """Evidence by the rules; without any interval, what the printed signs amount to."""
    fidelity, reason = fidelity_of(claim, audit)
    verdict = judge(claim, candidates, fidelity=fidelity, fidelity_reason=reason)
    if candidates or not claim.has_direction:
        return verdict
    return replace(verdict, direction=Judgement(*audit_reason(claim, audit)))


def sensitivity_frame(
    findings: Mapping[str, Findings], claims: Mapping[str, Claim]
) -> pd.DataFrame:
    """One row a point of every sweep, with the verdict that point alone would give."""
    import pandas as pd

    rows = []
    for name, found in findings.items():
        for sweep in found.sweeps:
            claim = claims.get(sweep.claim_id)
            for candidate in sweep.candidates:
                ((unknown, value),) = candidate.unknowns.items()
                interval = candidate.interval
                rows.append(
                    {
                        "analysis": name,
                        "estimate_id": sweep.estimate_id,
                        "label": sweep.label,
                        "claim_id": sweep.claim_id,
                        "unknown": unknown,
                        "unknown_value": value if isinstance(value, float) else float("nan"),
                        "unknown_text": value if isinstance(value, str) else f"{value:.2f}",
                        "estimate": interval.estimate,
                        "conf_low": interval.low,
                        "conf_high": interval.high,
                        "scale": sweep.scale,
                        "unit": sweep.unit,
                        "n": sweep.n,
                        "verdict_direction": direction_of(interval, claim)
                        if claim and claim.has_direction
                        else "",
                        "verdict_size": size_of(interval, claim)
                        if claim and claim.has_size
                        else "",
                    }
                )
    return pd.DataFrame(rows)


def draw(
    analyses: Sequence[Analysis],
    frames: Mapping[str, pd.DataFrame],
    claims: Mapping[str, Claim],
) -> dict[str, Drawing]:
    """Every figure by name, with its owner: the overview, and what each analysis draws.

    An analysis gets its own rows of `frames`, and every retelling of the audit.
    """
    from retrostats.draw.figures import Drawing, verdict_overview
    from retrostats.draw.figures.drawing import drawings_of
    from retrostats.read.published import load_retellings

    retellings = load_retellings()
    overview = Drawing(verdict_overview(frames["verdicts"]), OVERVIEW)
    drawings = drawings_of({"verdict_overview": overview})
    for analysis in analyses:
        mine = {
            name: frame[frame["analysis"] == analysis.name] if len(frame) else frame
            for name, frame in frames.items()
        }
        drawn = analysis.draw({**mine, "retellings": retellings}, claims)
        drawings.update(drawings_of(drawn, analysis.name))
    return drawings


def read_again(
    frames: Mapping[str, pd.DataFrame], topics: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """The printed rows that entered, and the tables the report cites."""
    from retrostats.read.published import (
        load_claims_table,
        load_published,
        load_retellings,
        load_studies,
    )

    used = {
        row_id
        for name in ("estimates", "checks")
        for joined in frames[name]["source_rows"]
        for row_id in str(joined).split("; ")
    }
    published = load_published()
    wanted = published["row_id"].isin(used) | published["row_id"].isin(load_audit().row_ids)
    return {
        "sources": published[wanted].reset_index(drop=True),
        "studies": load_studies(),
        "claims": load_claims_table(),
        "retellings": load_retellings(),
    }


def cohort_effects(
    analyses: Sequence[Analysis],
    findings: Mapping[str, Findings],
    claims: Mapping[str, Claim],
    cohorts: Sequence[Any],
) -> pd.DataFrame:
    """What the reader's own cohorts change in each verdict."""
    import pandas as pd

    columns = ["claim_id", "cohort", "without", "with_", "note"]
    audit = load_audit()
    rows = []
    for name, found in findings.items():
        mine = [c for c in cohorts if c.analysis == name]
        for claim_id, without in found.without_cohorts.items() if mine else ():
            claim = claims[claim_id]
            before = verdict_on(claim, without, audit)
            after = verdict_on(claim, found.candidates[claim_id], audit)
            rows.append(
                {
                    "claim_id": claim_id,
                    "cohort": ", ".join(c.provenance["name"] for c in mine),
                    "without": _labels(before),
                    "with_": _labels(after),
                    "note": "unchanged" if _labels(before) == _labels(after) else "changed",
                }
            )
    return pd.DataFrame(rows, columns=columns)


def provenance(
    analyses: Sequence[Analysis], cohorts: Sequence[Any], *, seed: int, draws: int
) -> dict[str, Any]:
    """Versions, seed and hashes of every input; nothing that changes between equal runs."""
    from retrostats import __version__

    root = data_dir()
    inputs = {
        f"data/{p.relative_to(root).as_posix()}": p for p in sorted(root.rglob("*")) if p.is_file()
    }
    inputs |= {f"analyses/{a.path.name}": a.path for a in analyses}
    return {
        "retrostats": __version__,
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in NAMED},
        "seed": seed,
        "draws": draws,
        "analyses": [a.name for a in analyses],
        "inputs_sha256": {name: _sha256(path) for name, path in inputs.items()},
        "cohorts": [dict(c.provenance) for c in cohorts],
    }


def _labels(verdict: Verdict) -> str:
    return f"direction {verdict.direction.label}, size {verdict.size.label}"


def _used_by(assumption_id: str, estimates: pd.DataFrame) -> str:
    uses = [assumption_id in joined.split("; ") for joined in estimates["assumptions"]]
    return "; ".join(estimates.loc[uses, "estimate_id"])


def _verdict_row(
    claim: Claim, verdict: Verdict, judged: str, row: EstimateRow | None
) -> dict[str, Any]:
    nan = float("nan")
    return {
        "claim_id": claim.claim_id,
        "analysis": claim.analysis,
        "role": claim.role,
        "statement": claim.statement,
        "attributed_to": claim.attributed_to,
        "cited_study": claim.cited_study,
        "fidelity": verdict.fidelity,
        "fidelity_reason": verdict.fidelity_reason,
        "direction": verdict.direction.label,
        "direction_reason": verdict.direction.reason,
        "size": verdict.size.label,
        "size_reason": verdict.size.reason,
        "decided_by": verdict.decided_by,
        "estimate_id": judged,
        "estimate": row.estimate if row else nan,
        "conf_low": row.conf_low if row else nan,
        "conf_high": row.conf_high if row else nan,
        "scale": claim.scale,
        "unit": row.unit if row else claim.unit,
        "range_low": claim.range_low,
        "range_high": claim.range_high,
        "null_value": claim.null_value,
    }


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
