"""The first screen: one card a core claim, written from the results by rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from retrostats.audit.answer import NO_COMPARISON
from retrostats.audit.summary import user_cohort_count
from retrostats.report.page import format as fmt
from retrostats.report.page.bands import band, claimed_zone
from retrostats.report.page.effect_words import RATIOS, claimed, ends_of
from retrostats.report.page.sentences import Answer, Row, answer

#: The study that would make up for what a domain of certainty costs.
BETTER = {
    "design": "a study that compares both by lot or in the same people",
    "imprecision": "more people",
    "inconsistency": "studies that agree",
    "indirectness": "a study of the very comparison claimed",
    "what was not printed": "the numbers that were not printed",
}
#: The question that a direction answers, by the side of no difference that is claimed.
WHICH = {"above": "More at all?", "below": "Less at all?"}
#: Where nothing measures the claim.
NO_RESULT = "a study that measures this under both conditions"


@dataclass(frozen=True, slots=True)
class Card:
    """One claim as the first screen shows it.

    Attributes
    ----------
    verdict
        Its row of the verdicts frame.
    which, how_much
        The questions its direction and its size answer.
    answer
        Its sentence, and the readings that disagree.
    claimed
        The range that would make it true; empty without one.
    bands
        A picture of each estimate told: interval, range over what was not printed, claimed range.
    people, studies, own
        Behind the estimate, own cohorts apart; 0 where none is known.
    changes
        What would change the answer.
    causes
        Causal claims on the same numbers, by their rows of the verdicts frame.
    source
        What the cited source says instead, or that it says so, in a sentence; empty if not known.
    """

    verdict: Row
    which: str
    how_much: str
    answer: Answer
    claimed: str
    bands: tuple[Markup, ...]
    people: str
    studies: int
    user_cohorts: int
    changes: str
    causes: tuple[Row, ...]
    source: str = ""


def cards_of(records: Mapping[str, Sequence[Row]]) -> list[Card]:
    """A card for every core claim.

    Parameters
    ----------
    records
        Rows of the frames of a replication by name: verdicts, answers, estimates, explorations,
        certainty, claims, fidelity, sources.
    """
    claims = {row["claim_id"]: row for row in records["claims"]}
    study = {row["row_id"]: row["study_id"] for row in records["sources"]}
    return [
        _card(verdict, claims, study, records)
        for verdict in records["verdicts"]
        if verdict["role"] == "core"
    ]


def answers(records: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """The answer to every claim in words, core or not, readings that disagree included."""
    claims = {row["claim_id"]: row for row in records["claims"]}
    found = {}
    for verdict in records["verdicts"]:
        key = verdict["claim_id"]
        answered = answer(
            verdict, records["estimates"], claims.get(key, {}), _outer_bounds(verdict, records)
        )
        found[key] = " ".join((answered.sentence, *answered.readings))
    return found


def _outer_bounds(verdict: Row, records: Mapping[str, Sequence[Row]]) -> Row | None:
    """The outermost limits of the measure that judges a claim."""
    key = (verdict["claim_id"], verdict.get("estimate_id"))
    rows = records["explorations"]
    return next((r for r in rows if (r["claim_id"], r["estimate_id"]) == key), None)


def _card(
    verdict: Row,
    claims: Mapping[str, Row],
    study: Mapping[str, str],
    records: Mapping[str, Sequence[Row]],
) -> Card:
    claim = claims.get(verdict["claim_id"], {})
    outer_bounds = _outer_bounds(verdict, records)
    answered = answer(verdict, records["estimates"], claim, outer_bounds)
    used = {
        study[row]
        for shown in answered.shown
        for row in fmt.split(shown.get("source_rows"))
        if row in study
    }
    judged: Row = answered.shown[0] if answered.shown else {}
    counted = _counted(verdict, records)
    wanted = claimed({**verdict, "unit": claim.get("unit", verdict.get("unit"))})
    return Card(
        verdict=verdict,
        which=WHICH.get(fmt.text(claim.get("claimed_direction")), "That way?"),
        how_much=f"{wanted}?" if wanted and fmt.text(verdict["scale"]) in RATIOS else "That much?",
        answer=answered,
        claimed=wanted,
        bands=tuple(
            _band(row, verdict, claim, None)
            if answered.readings
            else _band(_graded(row, verdict), verdict, claim, outer_bounds)
            for row in answered.shown
        ),
        people=fmt.number(judged.get("n"), 0) if counted in (0, len(used)) else "",
        studies=counted or len(used),
        user_cohorts=user_cohort_count(records["estimates"], verdict["claim_id"]),
        changes=changes(verdict, records["certainty"]),
        causes=causes_of(claim, claims, records["verdicts"]),
        source=source_words(verdict, records["fidelity"]),
    )


def _counted(verdict: Row, records: Mapping[str, Sequence[Row]]) -> int:
    """Sources behind the probability; 0 where there is none."""
    key = (verdict["claim_id"], verdict.get("estimate_id"))
    mine = [r for r in records["answers"] if (r["claim_id"], r["estimate_id"]) == key]
    return int(mine[0]["studies"]) if mine else 0


def _graded(row: Row, verdict: Row) -> Row:
    """A row with the estimate and interval of the answer, where it has one."""
    names = ("estimate", "conf_low", "conf_high")
    known = verdict.get("estimate") == verdict.get("estimate")
    return {**row, **{n: verdict[n] for n in names}} if known else row


def cause_words(verdict: Row) -> str:
    """Why a cause is open, in a sentence: without the rows that bear on it otherwise.

    Examples
    --------
    >>> cause_words({"direction": "open", "direction_reason": f"A: open ({NO_COMPARISON}); B: x"})
    'Not known: the results of a comparison group were never printed.'
    """
    reason = fmt.text(verdict.get("direction_reason"))
    if NO_COMPARISON in reason:
        return "Not known: the results of a comparison group were never printed."
    return f"{fmt.capital(reason)}." if reason else ""


#: How the sentence on the source begins, by what was found.
SAYS = {
    "faithful": ("yes", "Yes"),
    "drifted": ("no", "Not so"),
    "not measured by the source": ("not measured", "It did not measure it"),
    "unverified": ("unknown", "Not known"),
}


def source_words(verdict: Row, elements: Sequence[Row]) -> str:
    """What the cited source says of the claim, from the first element that decides its fidelity.

    Examples
    --------
    >>> element = {"claim_id": "c", "agrees": "no", "source_says": "three times a week"}
    >>> source_words({"claim_id": "c", "fidelity": "drifted"}, [element])
    'Not so: three times a week.'
    """
    finding, start = SAYS.get(verdict["fidelity"], ("", ""))
    mine = [e for e in elements if e["claim_id"] == verdict["claim_id"] and e["agrees"] == finding]
    said = fmt.text(mine[0]["source_says"]) if mine else ""
    return f"{start}: {said}." if said else ""


def causes_of(claim: Row, claims: Mapping[str, Row], verdicts: Sequence[Row]) -> tuple[Row, ...]:
    """Verdicts on the cause of what a descriptive claim says was seen.

    A causal claim belongs to it that names the same quantity of the same study and no core claim
    is: what was seen says nothing of what brought it about, so both stand on one card.
    """
    if claim.get("kind", "causal") != "descriptive":
        return ()
    same = ("analysis", "quantity", "cited_study")
    return tuple(
        row
        for row in verdicts
        if (other := claims.get(row["claim_id"], {})).get("kind") == "causal"
        and row["role"] != "core"
        and all(other.get(name) == claim.get(name) for name in same)
    )


def changes(verdict: Row, certainty: Sequence[Row]) -> str:
    """The study that would change the answer most: what its certainty lacks most.

    Examples
    --------
    >>> lost = [{"claim_id": "c", "domain": "imprecision", "levels": 2, "why": ""},
    ...         {"claim_id": "c", "domain": "design", "levels": 0, "why": ""}]
    >>> changes({"claim_id": "c", "direction": "likely"}, lost)
    'more people'
    >>> changes({"claim_id": "c", "direction": "no evidence"}, [])
    'a study that measures this under both conditions'
    """
    if verdict.get("direction") == "no evidence":
        return NO_RESULT
    mine = [r for r in certainty if r["claim_id"] == verdict["claim_id"] and r["levels"]]
    worst = max((r["levels"] for r in mine), default=0)
    better = [BETTER[r["domain"]] for r in mine if r["levels"] == worst and r["domain"] in BETTER]
    return "; ".join(dict.fromkeys(better))


def certainty_words(verdict: Row) -> str:
    """Certainty of each side that is claimed, in a clause.

    Examples
    --------
    >>> certainty_words({"certainty_direction": "moderate", "certainty_size": "very low"})
    'moderate; of how much, very low'
    >>> certainty_words({"certainty_direction": "", "certainty_size": ""})
    ''
    """
    direction, size = (fmt.text(verdict.get(f"certainty_{s}")) for s in ("direction", "size"))
    if direction and size and size != direction:
        return f"{direction}; of how much, {size}"
    return direction or size


def _band(row: Row, verdict: Row, claim: Row, outer_bounds: Row | None) -> Markup:
    merged = {**claim, **verdict}
    outer = outer_bounds or {"conf_low": row.get("sens_low"), "conf_high": row.get("sens_high")}
    null = merged.get("null_value")
    claimed = (merged.get("range_low"), merged.get("range_high"))
    return band(
        row["estimate"],
        (row.get("conf_low"), row.get("conf_high")),
        (outer.get("conf_low"), outer.get("conf_high")),
        claimed_zone(claimed, null, fmt.text(merged.get("claimed_direction"))),
        null=null,
        log=fmt.text(verdict["scale"]) in RATIOS,
        label=fmt.text(row.get("unit")) if merged.get("scale") not in RATIOS else "",
        bounds=ends_of(merged),
    )
