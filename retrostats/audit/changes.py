"""What a reader's own cohorts change: verdicts, estimates, predictions, shares of the draws."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from retrostats.audit.answer import Answer, percent
from retrostats.audit.certainty import Grounds, certainty_of
from retrostats.audit.claims import Claim
from retrostats.audit.fidelity import ClaimEvidence
from retrostats.audit.frames import verdict_on
from retrostats.audit.verdict import Evidence, Side, Verdict, label_shares
from retrostats.evidence.result.findings import EstimateRow
from retrostats.evidence.unreported.reference_point import ReferencePool
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

_NUMBERS = ("estimate", "conf_low", "conf_high", "prob_direction", "prob_size", "tau", "pred_low",
            "pred_high")  # fmt: skip
_CERTAIN = ("certainty_direction", "certainty_size")
_NONE = float("nan")
#: Least fall of a probability that is told of cohorts that make sources disagree more.
_SEEN = 2.5e-3


def cohort_frame(
    claims: Mapping[str, Claim],
    before: Mapping[str, Sequence[Evidence]],
    after: Mapping[str, Sequence[Evidence]],
    names: Mapping[str, str],
    claim_evidence: ClaimEvidence,
    pools: Mapping[str, tuple[ReferencePool, ReferencePool]],
    grounds: Grounds,
    contrasts: Mapping[str, str] = MappingProxyType({}),
) -> pd.DataFrame:
    """What the reader's own cohorts change in each verdict: without, with_, note, and the numbers.

    `names` are those of the cohorts of each analysis, `pools` the pool of each claim without and
    with them, `grounds` what certainty looks at, `contrasts` what was compared for each claim (see
    `contrasts_of`). Estimate, 95% interval, tau and probabilities are those of the answers, the
    prediction interval of a new study that of the pool with everything not printed at its middle;
    `weight_pct` is what the cohorts weigh in it. NaN where there is none. `disagreement` says so
    where the cohorts make sources differ more and the answer less sure.
    """
    import pandas as pd

    numbers = [f"{n}_{w}" for w in ("without", "with") for n in _NUMBERS]
    sure = [f"{n}_{w}" for w in ("without", "with") for n in _CERTAIN]
    columns = ["claim_id", "cohort", "contrast", "without", "with_", "note", *numbers,
               "weight_pct", *sure, "disagreement"]  # fmt: skip
    rows = []
    for claim, old, new in _judged_by_user_cohort(claims, before, after):
        verdicts = [verdict_on(claim, found, claim_evidence) for found in (old, new)]
        labels = [labels_text(verdict) for verdict in verdicts]
        note = "unchanged" if labels[0] == labels[1] else "changed"
        texts = [graded_text(verdict) for verdict in verdicts]
        without, with_ = pools.get(claim.claim_id, (ReferencePool(), ReferencePool()))
        old_answer, new_answer = (verdict.answer for verdict in verdicts)
        moved = (*_moved(old_answer, without), *_moved(new_answer, with_))
        weight = sum(with_.weights.values()) if with_.weights else _NONE
        about = names.get(claim.analysis, ""), contrasts.get(claim.claim_id, "")
        certain = (
            *_certainty(claim, old, verdicts[0], without_cohorts(grounds)),
            *_certainty(claim, new, verdicts[1], grounds),
        )
        rows.append(
            (claim.claim_id, *about, *texts, note, *moved, weight, *certain,
             disagreement_said(old_answer, new_answer))
        )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _moved(answer: Answer, pool: ReferencePool) -> tuple[float, ...]:
    """`_NUMBERS` of an answer and its pool."""
    return (
        answer.estimate, answer.conf_low, answer.conf_high, answer.prob_direction, answer.prob_size,
        answer.tau, pool.pred_low, pool.pred_high,
    )  # fmt: skip


def _certainty(
    claim: Claim, evidence: Sequence[Evidence], verdict: Verdict, grounds: Grounds
) -> tuple[str, str]:
    """Certainty of direction and of size."""
    if not evidence:
        return "", ""
    sides = certainty_of(claim, evidence, verdict.answers, grounds)
    return sides["direction"].label, sides["size"].label


def without_cohorts(grounds: Grounds) -> Grounds:
    """What certainty looks at if the reader's own cohorts were not there: their rows and people."""
    own = [row for row in grounds.rows.values() if row.role == "cohort"]

    def people(row: EstimateRow) -> float:
        return row.n - sum(c.n for c in own if c.pooled and c.quantity == row.quantity)

    rows = {
        name: replace(row, n=people(row)) if row.role == "pooled" else row
        for name, row in grounds.rows.items()
        if row.role != "cohort"
    }
    return replace(grounds, rows=rows)


def disagreement_said(before: Answer, after: Answer) -> str:
    """That sources differ more with the cohorts, where that lowers the answer's own probability.

    Examples
    --------
    >>> without = Answer("x", prob_direction=0.96, tau=0.05)
    >>> disagreement_said(without, Answer("x", prob_direction=0.91, tau=0.2))[:58]
    'sources disagree more with your data: tau 0.05 before and '
    >>> disagreement_said(without, Answer("x", prob_direction=0.97, tau=0.2))
    ''
    """
    was, now = before.prob_direction, after.prob_direction
    if was < 0.5:
        was, now = 1 - was, 1 - now
    if not (was - now > _SEEN and after.tau > before.tau):  # NaN: nothing to compare
        return ""
    return (
        f"sources disagree more with your data: tau {before.tau:.2g} before and {after.tau:.2g} "
        f"after, which takes the probability from {percent(was)} to {percent(now)}"
    )


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
