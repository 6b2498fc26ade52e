"""The first screen: one card a core claim, written from the results by rules."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from markupsafe import Markup

from retrostats.audit.answer import NO_COMPARISON
from retrostats.audit.claims import null_words
from retrostats.audit.plain_words import NO_WORDS, PlainWords
from retrostats.report.page import format as fmt
from retrostats.report.page.amounts import RATIOS, ends_of, missing
from retrostats.report.page.bands import NO_STUDIES, NullLine, Studies, band, claimed_zone
from retrostats.report.page.behind import behind_words, studies_behind, study_estimates
from retrostats.report.page.sentences import Answer, Row, answer, number_words, worst_words
from retrostats.report.page.verdict_words import chance_words, verdict_words

#: The study that would make up for what a domain of certainty costs.
BETTER = {
    "design": "a study that compares both by lot or in the same people",
    "imprecision": "more people",
    "inconsistency": "studies that agree",
    "indirectness": "a study of the very comparison claimed",
    "what was not printed": "the numbers that were not printed",
}
#: The question that a claimed side answers, by the side of no difference that is claimed.
WHICH = {"above": "More?", "below": "Less?"}
#: Where nothing measures the claim.
NO_RESULT = "a study that measures this under both conditions"


@dataclass(frozen=True, slots=True)
class Cause:
    """What is known of the cause of what a claim says was seen: a question and its answer."""

    verdict: Row
    asks: str
    holds: str
    said: str


@dataclass(frozen=True, slots=True)
class Card:
    """One claim as the first screen shows it.

    Attributes
    ----------
    number
        By which the overview names it.
    verdict
        Its row of the verdicts frame.
    words
        What the audit says of it in plain words; the title is its statement without.
    asks
        The question that the claimed side answers.
    answer
        Its sentences, and the readings that disagree.
    means
        What the claimed size means: the range that would make it true; empty without one.
    bands
        A picture of each estimate told: interval, a dot a study, claimed range.
    behind
        Studies and people behind the estimate; empty where neither is known.
    overturn
        What could overturn the answer, a sentence each.
    causes
        Causal claims on the same numbers.
    source
        A question about the cited source and its answer; empty if nothing is known of it.
    line
        What the broken line of a picture is; empty where there is none.
    """

    number: int
    verdict: Row
    words: PlainWords
    asks: str
    answer: Answer
    means: str
    bands: tuple[Markup, ...]
    behind: str
    overturn: tuple[str, ...]
    causes: tuple[Cause, ...]
    source: tuple[str, ...] = ()
    line: str = ""


def cards_of(
    records: Mapping[str, Sequence[Row]],
    words: Mapping[str, PlainWords] = MappingProxyType({}),
    sources: Mapping[str, Sequence[Collection[str]]] = MappingProxyType({}),
) -> list[Card]:
    """A card for every core claim.

    Parameters
    ----------
    records
        Rows of the frames of a replication by name: verdicts, answers, estimates, explorations,
        certainty, claims, fidelity, sources.
    words
        Plain words by `claim_id`.
    sources
        By `claim_id`, the `row_id` of each source of its answer.
    """
    claims = {row["claim_id"]: row for row in records["claims"]}
    core = [verdict for verdict in records["verdicts"] if verdict["role"] == "core"]
    return [
        _card(number, verdict, claims, records, words, sources)
        for number, verdict in enumerate(core, 1)
    ]


def answers(
    records: Mapping[str, Sequence[Row]], words: Mapping[str, PlainWords] = MappingProxyType({})
) -> dict[str, str]:
    """The answer to every claim in words, core or not, readings that disagree included."""
    claims = {row["claim_id"]: row for row in records["claims"]}
    found = {}
    for verdict in records["verdicts"]:
        key = verdict["claim_id"]
        plain = words.get(key, NO_WORDS)
        answered = answer(verdict, records["estimates"], claims.get(key, {}), plain)
        found[key] = " ".join((answered.sentence, *answered.readings))
    return found


def _outer_bounds(verdict: Row, records: Mapping[str, Sequence[Row]]) -> Row:
    """The outermost limits of the measure that judges a claim; empty without them."""
    key = (verdict["claim_id"], verdict.get("estimate_id"))
    rows = records["explorations"]
    return next((r for r in rows if (r["claim_id"], r["estimate_id"]) == key), {})


def _card(
    number: int,
    verdict: Row,
    claims: Mapping[str, Row],
    records: Mapping[str, Sequence[Row]],
    every_word: Mapping[str, PlainWords],
    sources: Mapping[str, Sequence[Collection[str]]],
) -> Card:
    key = verdict["claim_id"]
    claim, words = claims.get(key, {}), every_word.get(key, NO_WORDS)
    answered = answer(verdict, records["estimates"], claim, words)
    judged = answered.shown[0] if answered.shown else {"claim_id": key}
    printed = study_estimates(judged, records["estimates"], sources.get(key, ()))
    dots = Studies(printed, studies_behind(verdict, answered.shown, records)[0])
    causes = causes_of(claim, claims, records["verdicts"])
    return Card(
        number=number,
        verdict=verdict,
        words=words,
        asks=words.asks or WHICH.get(fmt.text(claim.get("claimed_direction")), "That way?"),
        answer=answered,
        means=means_words(verdict, words),
        line=null_words(claim.get("null_value"), fmt.text(claim.get("scale")), claim.get("unit")),
        bands=tuple(
            _band(row, verdict, claim, NO_STUDIES, "")
            if answered.readings
            else _band(_graded(row, verdict), verdict, claim, dots, words.unit)
            for row in answered.shown
        ),
        behind=behind_words(verdict, answered.shown, records, words.people or "people"),
        overturn=overturn_words(verdict, _outer_bounds(verdict, records), records, words),
        causes=tuple(_cause(row, every_word.get(row["claim_id"], NO_WORDS)) for row in causes),
        source=_asked_and_said(words.source or source_words(verdict, records["fidelity"])),
    )


def means_words(verdict: Row, words: PlainWords) -> str:
    """What a claimed figure was taken to mean before any result; empty without a closed range.

    Examples
    --------
    >>> row = {"scale": "ratio", "range_low": 1.25, "range_high": 1.35}
    >>> means_words(row, PlainWords(figure="30% more", more="more"))
    '“30% more” is read as 25% to 35% more, fixed before any result was computed.'
    """
    low, high = verdict.get("range_low"), verdict.get("range_high")
    if not words.figure or missing(low) or missing(high):
        return ""
    row = {"estimate": low, "conf_low": low, "conf_high": high}
    _, wanted = number_words(row, {**verdict, "null_value": None}, words)
    return f"“{words.figure}” is read as {wanted}, fixed before any result was computed."


def overturn_words(
    verdict: Row,
    limits: Row,
    records: Mapping[str, Sequence[Row]],
    words: PlainWords = NO_WORDS,
) -> tuple[str, ...]:
    """What could overturn an answer: the study missing, one choice or source, the worst case."""
    found = [words.left_open] if words.left_open else []
    if moved := fmt.text(verdict.get("overturned_by")):
        found.append(f"What moves the chance most: {moved}.")
    if wanted := changes(verdict, records["certainty"]):
        found.append(f"What would change it: {wanted}.")
    if worst := worst_words(verdict, limits, words):
        found.append(worst)
    return tuple(found)


def _graded(row: Row, verdict: Row) -> Row:
    """A row with the estimate and interval of the answer, where it has one."""
    names = ("estimate", "conf_low", "conf_high")
    known = verdict.get("estimate") == verdict.get("estimate")
    return {**row, **{n: verdict[n] for n in names}} if known else row


def _cause(verdict: Row, words: PlainWords) -> Cause:
    asks = words.asks or f"And the cause? “{fmt.text(verdict['statement'])}”"
    return Cause(verdict, asks, words.holds, cause_words(verdict, words.missing))


def cause_words(verdict: Row, lacking: str = "") -> str:
    """Whether something was the cause, and why that is not known, in a sentence.

    Examples
    --------
    >>> cause_words({"direction": "open", "direction_reason": f"A: open ({NO_COMPARISON}); B: x"})
    'Not known: no comparison was ever printed.'
    >>> cause_words({"direction": "open", "direction_reason": NO_COMPARISON}, "b was never printed")
    'Not known: b was never printed.'
    """
    reason = fmt.text(verdict.get("direction_reason"))
    if NO_COMPARISON in reason:
        return f"Not known: {lacking or 'no comparison was ever printed'}."
    chance = chance_words(verdict)
    said = verdict_words(verdict)
    return f"{said} ({chance})." if chance else f"{said}: {reason}." if reason else f"{said}."


#: What is asked of a source that the audit has no words for.
SAYS_SO = "Does the cited source say so?"
#: How the answer begins, by what was found.
SAYS = {
    "faithful": ("yes", "Yes"),
    "drifted": ("no", "No"),
    "not measured by the source": ("not measured", "It did not measure it"),
    "unverified": ("unknown", "Not known"),
}


def source_words(verdict: Row, elements: Sequence[Row]) -> str:
    """What the cited source says of the claim, from the first element that decides its fidelity.

    Examples
    --------
    >>> element = {"claim_id": "c", "agrees": "no", "source_says": "three times a week"}
    >>> source_words({"claim_id": "c", "fidelity": "drifted"}, [element])
    'No: three times a week.'
    """
    finding, start = SAYS.get(verdict["fidelity"], ("", ""))
    mine = [e for e in elements if e["claim_id"] == verdict["claim_id"] and e["agrees"] == finding]
    said = fmt.text(mine[0]["source_says"]) if mine else ""
    return f"{start}: {said}." if said else ""


def _asked_and_said(words: str) -> tuple[str, ...]:
    """A question and its answer, from one text; the question by rule where the text has none."""
    if not words:
        return ()
    asks, mark, said = words.partition("? ")
    return (f"{asks}?", said) if mark else (SAYS_SO, words)


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


def _band(row: Row, verdict: Row, claim: Row, studies: Studies, unit: str) -> Markup:
    """The picture of one estimate; its worst case stands in words beside it."""
    merged = {**claim, **verdict}
    null = merged.get("null_value")
    claimed = (merged.get("range_low"), merged.get("range_high"))
    ratio = merged.get("scale") in RATIOS
    return band(
        row["estimate"],
        (row.get("conf_low"), row.get("conf_high")),
        claimed_zone(claimed, null, fmt.text(merged.get("claimed_direction"))),
        null=NullLine(null, null_words(null, fmt.text(merged.get("scale")), merged.get("unit"))),
        log=ratio,
        label="" if ratio else unit or fmt.text(row.get("unit")),
        bounds=ends_of(merged),
        studies=studies,
    )
