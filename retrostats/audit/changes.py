"""What a reader's own cohorts change: verdicts, estimates, predictions, shares of the draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from retrostats.audit.answer import percent
from retrostats.audit.claims import Claim
from retrostats.audit.fidelity import ClaimEvidence
from retrostats.audit.frames import verdict_on
from retrostats.audit.verdict import Evidence, Side, Verdict, label_shares
from retrostats.evidence.result.findings import EstimateRow
from retrostats.evidence.unreported.reference_point import ReferencePool
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("estimate", "conf_low", "conf_high", "prob_direction", "prob_size", "pred_low",
            "pred_high")  # fmt: skip
_NONE = float("nan")


def cohort_frame(
    claims: Mapping[str, Claim],
    before: Mapping[str, Sequence[Evidence]],
    after: Mapping[str, Sequence[Evidence]],
    names: Mapping[str, str],
    claim_evidence: ClaimEvidence,
    pools: Mapping[str, tuple[ReferencePool, ReferencePool]],
    contrasts: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """What the reader's own cohorts change in each verdict: without, with_, note, and the numbers.

    `names` are those of the cohorts of each analysis, `contrasts` what was compared in them for
    each claim (see `contrasts_of`), `pools` the pool of each claim without and
    with them. Estimate, 95% interval and probabilities are those of the answers, the prediction
    interval of a new study that of the pool with everything not printed at its middle;
    `weight_pct` is what the cohorts weigh in it. NaN where there is none.
    """
    import pandas as pd

    numbers = [f"{n}_{w}" for w in ("without", "with") for n in _NUMBERS]
    columns = ["claim_id", "cohort", "contrast", "without", "with_", "note", *numbers, "weight_pct"]
    rows = []
    for claim, old, new in _judged_by_user_cohort(claims, before, after):
        verdicts = [verdict_on(claim, found, claim_evidence) for found in (old, new)]
        labels = [labels_text(verdict) for verdict in verdicts]
        note = "unchanged" if labels[0] == labels[1] else "changed"
        texts = [graded_text(verdict) for verdict in verdicts]
        without, with_ = pools.get(claim.claim_id, (ReferencePool(), ReferencePool()))
        before_, after_ = (verdict.answer for verdict in verdicts)
        moved = (
            before_.estimate, before_.conf_low, before_.conf_high, before_.prob_direction,
            before_.prob_size, without.pred_low, without.pred_high,
            after_.estimate, after_.conf_low, after_.conf_high, after_.prob_direction,
            after_.prob_size, with_.pred_low, with_.pred_high,
        )  # fmt: skip
        weight = sum(with_.weights.values()) if with_.weights else _NONE
        about = names.get(claim.analysis, ""), contrasts.get(claim.claim_id, "")
        rows.append((claim.claim_id, *about, *texts, note, *moved, weight))
    return pd.DataFrame(rows, columns=columns)


def contrasts_of(rows: Iterable[EstimateRow]) -> dict[str, str]:
    """What was compared in the cohorts that judge each claim, in one line: arms, times, periods."""
    mine = [row for row in rows if row.role == "cohort" and row.claim_id and row.note]
    several = len({row.study_id for row in mine}) > 1
    found: dict[str, list[str]] = {}
    for row in mine:
        name = f"{row.study_id}: " if several else ""
        found.setdefault(row.claim_id, []).append(f"{name}{row.note}")
    return {claim: "; ".join(dict.fromkeys(said)) for claim, said in found.items()}


def with_use(cohort: Any, rows: Iterable[EstimateRow]) -> Any:
    """A cohort with a problem more where nothing that was estimated from it judges a claim."""
    import pandas as pd

    name = str(cohort.provenance["name"])
    mine = [row for row in rows if row.role == "cohort" and row.study_id == name]
    if any(row.claim_id for row in mine):
        return cohort
    why = "; ".join(dict.fromkeys(filter(None, (row.note or row.directness for row in mine))))
    problem = Problem(
        "warning", name, "", "", "nothing that judges a claim", "rows of what a claim compares",
        f"shown by itself, judges no claim ({why or 'nothing could be compared'})",
    )  # fmt: skip
    problems = pd.concat([cohort.problems, pd.DataFrame([problem])], ignore_index=True)
    reading = [*cohort.provenance["reading"], problem.line]
    provenance = {**cohort.provenance, "reading": reading, "judges": False}
    return replace(cohort, problems=problems, provenance=provenance)


def shares_frame(
    claims: Mapping[str, Claim],
    before: Mapping[str, Sequence[Evidence]],
    after: Mapping[str, Sequence[Evidence]],
) -> pd.DataFrame:
    """Share of the draws that gives each label: claim_id, side, label, without, with_.

    Of the measures that `cohort_frame` compares; NaN without draws or without literature.
    """
    import pandas as pd

    rows = []
    for claim, old, new in _judged_by_user_cohort(claims, before, after):
        mine, same = _pair(old, new)
        sides: dict[Side, bool] = {"direction": claim.has_direction, "size": claim.has_size}
        for side in (side for side, claimed in sides.items() if claimed):
            shares = label_shares(mine, claim, side)
            earlier = label_shares(same, claim, side) if same else {}
            for label, share in shares.items():
                rows.append((claim.claim_id, side, label, earlier.get(label, _NONE), share))
    return pd.DataFrame(rows, columns=["claim_id", "side", "label", "without", "with_"])


def graded_text(verdict: Verdict) -> str:
    """Both labels in words, each with its probability where it has one."""
    sides = (("direction", verdict.direction, verdict.answer.prob_direction),
             ("size", verdict.size, verdict.answer.prob_size))  # fmt: skip
    return ", ".join(
        f"{side} {judged.label}" + (f" ({percent(p)})" if p == p else "")
        for side, judged, p in sides
    )


def labels_text(verdict: Verdict) -> str:
    """Both labels in words."""
    return f"direction {verdict.direction.label}, size {verdict.size.label}"


def _judged_by_user_cohort(
    claims: Mapping[str, Claim],
    before: Mapping[str, Sequence[Evidence]],
    after: Mapping[str, Sequence[Evidence]],
) -> list[tuple[Claim, Sequence[Evidence], Sequence[Evidence]]]:
    """Claims that an own cohort bears on, with their evidence without and with it."""
    both = [(c, before.get(c.claim_id, ()), after.get(c.claim_id, ())) for c in claims.values()]
    return [(claim, old, new) for claim, old, new in both if any(e.user_cohorts for e in new)]


def _pair(
    before: Sequence[Evidence], after: Sequence[Evidence]
) -> tuple[Evidence, Evidence | None]:
    """The first measure with own cohorts, and the same or its like of the literature alone."""
    mine = next(e for e in after if e.user_cohorts)
    same = [e for e in before if e.estimate_id == mine.estimate_id or e.measure == mine.measure]
    alike = [e for e in before if e.comparison == mine.comparison]
    return mine, next(iter([*same, *alike]), None)
