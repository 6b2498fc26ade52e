"""A verdict in a reader's words: yes or no, how sure, and whether it is as much as claimed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from retrostats.audit.answer import percent
from retrostats.audit.grades import DIRECTION_ORDER, adverb
from retrostats.audit.plain_words import NO_WORDS, PlainWords
from retrostats.report.page.amounts import claimed, claimed_between, missing

#: Places of two labels, from the claimed side to the other.
_LIKELY, _OPEN = DIRECTION_ORDER.index("likely"), DIRECTION_ORDER.index("open")
#: Symbol of each verdict; it says the same as its word and its shade.
SYMBOLS = {
    "supported": "\N{CHECK MARK}",
    "faithful": "\N{CHECK MARK}",
    "very likely": "\N{CHECK MARK}",
    "likely": "\N{CHECK MARK}",
    "compatible": "\N{ALMOST EQUAL TO}",
    "leaning": "?",
    "leaning against": "?",
    "unlikely": "\N{MULTIPLICATION SIGN}",
    "very unlikely": "\N{MULTIPLICATION SIGN}",
    "contradicted": "\N{MULTIPLICATION SIGN}",
    "drifted": "\N{MULTIPLICATION SIGN}",
    "not measured by the source": "\N{MULTIPLICATION SIGN}",
    "mixed": "\N{PLUS-MINUS SIGN}",
    "open": "?",
    "unverified": "?",
}
#: Answers without a probability.
WITHOUT = {
    "no evidence": "Nobody has measured it",
    "mixed": "Yes by some measures, no by others",
    "not claimed": "Not asked",
    "leaning": "Perhaps",
    "leaning against": "Perhaps not",
}
NO_CHANCE = ("no evidence", "mixed", "not claimed")
NOT_KNOWN = "Not known"


def stance_of(label: str) -> Literal["yes", "no", ""]:
    """Which side the label of a direction is on, from likely on.

    Examples
    --------
    >>> stance_of("likely"), stance_of("leaning"), stance_of("contradicted"), stance_of("mixed")
    ('yes', '', 'no', '')
    """
    if label not in DIRECTION_ORDER:
        return ""
    place = DIRECTION_ORDER.index(label)
    return "yes" if place <= _LIKELY else "no" if place >= 2 * _OPEN - _LIKELY else ""


def verdict_words(verdict: Mapping[str, Any]) -> str:
    """Yes, no, not known or never measured, and how sure.

    Examples
    --------
    >>> verdict_words({"direction": "likely", "prob_direction": 0.91})
    'Yes, likely'
    >>> verdict_words({"direction": "unlikely", "prob_direction": 0.13})
    'No, likely not'
    >>> verdict_words({"direction": "open", "prob_direction": 0.35})
    'Not known'
    """
    label = verdict["direction"]
    p: Any = verdict.get("prob_direction")
    word = stance_of(label)
    if not word or missing(p):
        return WITHOUT.get(label, NOT_KNOWN)
    # one study says no more of others
    sure = "likely" if label == "likely" else "likely not" if label == "unlikely" else adverb(p)
    return f"{word.capitalize()}, {sure}"


def chance_words(verdict: Mapping[str, Any], holds: str = "it is so", otherwise: str = "") -> str:
    """The probability of the claimed side; empty without one.

    Parameters
    ----------
    holds
        What holds if the claim does, a clause; said where the answer is not yes.
    otherwise
        What holds if it does not; with it, its chances are told too where the answer is neither
        yes nor no.

    Examples
    --------
    >>> chance_words({"direction": "supported", "prob_direction": 0.9993})
    '999 chances in 1,000'
    >>> chance_words({"direction": "open", "prob_direction": 0.35}, "it rains")
    '35 chances in 100 that it rains'
    >>> chance_words({"direction": "open", "prob_direction": 0.35}, "it rains", "it is dry")
    '35 chances in 100 that it rains, 65 that it is dry'
    """
    p: Any = verdict.get("prob_direction")
    if missing(p) or verdict["direction"] in NO_CHANCE:
        return ""
    side = stance_of(verdict["direction"])
    of = "" if side == "yes" else f" that {holds}"
    if otherwise and not side:
        of += f", {in_hundred(1 - p).partition(' ')[0]} that {otherwise}"
    count, _, whole = in_hundred(p).partition(" ")
    return f"{count} chance{'s' if count != '1' else ''} {whole}{of}"


def in_hundred(p: float) -> str:
    """A probability as a count, so that on a page of amounts in per cent no chance looks like one.

    Examples
    --------
    >>> in_hundred(0.48), in_hundred(0.9993), in_hundred(0.0004), in_hundred(0.01)
    ('48 in 100', '999 in 1,000', '1 in 1,000', '1 in 100')
    """
    number = percent(p).removesuffix("%")
    return (
        f"{number.replace('.', '').lstrip('0')} in 1,000" if "." in number else f"{number} in 100"
    )


#: Probabilities that are told as about even.
EVEN = (0.4, 0.6)
#: Whether it is as much as claimed.
SIZES = {
    "supported": "Yes",
    "compatible": "It may be",
    "open": NOT_KNOWN,
    "unlikely": "Unlikely",
    "contradicted": "No",
}


def size_question(verdict: Mapping[str, Any], words: PlainWords = NO_WORDS) -> str:
    """What is asked of a claimed size; empty where none is claimed or no chance is known.

    Examples
    --------
    >>> row = {"size": "open", "prob_size": 0.2, "scale": "ratio", "range_low": 1.25,
    ...        "range_high": 1.35}
    >>> size_question(row), size_question(row, PlainWords(figure="30%"))
    ('As much as claimed, 25% to 35% higher?', 'Is 30% right?')
    """
    if verdict.get("size") in (None, *NO_CHANCE) or missing(verdict.get("prob_size")):
        return ""
    if words.figure and claimed_between(verdict, words.unit):
        return f"Is {words.figure} right?"
    return f"As much as claimed, {claimed(verdict)}?"


def size_words(verdict: Mapping[str, Any], words: PlainWords = NO_WORDS) -> str:
    """Whether it is as much as claimed, with the probability; empty where nothing is asked.

    Parameters
    ----------
    words
        With the claimed size as it is heard, the range that makes it true is told beside the
        chance; without, it stands in the question.

    Examples
    --------
    >>> row = {"size": "unlikely", "prob_size": 0.1, "prob_below": 0.88, "prob_above": 0.02,
    ...        "scale": "ratio", "range_low": 1.25, "range_high": 1.35}
    >>> size_words(row)
    'Unlikely (10 chances in 100): below it is likelier (88 in 100).'
    >>> size_words({**row, "size": "compatible", "prob_size": 0.48}, PlainWords(figure="30%"))
    'It may be: even odds the truth is between 25% and 35%.'
    """
    if not size_question(verdict, words):
        return ""
    label = str(verdict["size"])
    inside = float(verdict["prob_size"])
    between = claimed_between(verdict, words.unit).replace(" to ", " and ") if words.figure else ""
    of = f" the truth is between {between}" if between else ""
    word = SIZES.get(label, NOT_KNOWN)
    if label == "compatible" and EVEN[0] <= inside <= EVEN[1]:
        return f"{word}: even odds{of}."
    that = f" that{of}" if of else ""
    count, _, whole = in_hundred(inside).partition(" ")
    said = f"{word} ({count} chance{'s' if count != '1' else ''} {whole}{that})"
    if label not in ("unlikely", "contradicted"):
        return f"{said}."
    below, above = (float(verdict.get(n) or 0.0) for n in ("prob_below", "prob_above"))
    side, share = ("below", below) if below >= above else ("above", above)
    return f"{said}: {side} it is likelier ({in_hundred(share)})."
