"""A line over all: what is true, what is not known, what nobody measured, what no source says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from retrostats.audit.grades import adverb
from retrostats.audit.plain_words import StoryStep
from retrostats.report.page.amounts import missing
from retrostats.report.page.cards import Card
from retrostats.report.page.sentences import Row
from retrostats.report.page.verdict_words import stance_of

UNKNOWN = "Not known"
UNMEASURED = "Never measured"
NOT_THERE = "Not found in what the post cites"
#: Labels of a size that leave it open, and those that deny it.
_OPEN_SIZES, _DENIED_SIZES = ("open", "compatible"), ("unlikely", "contradicted")


@dataclass(frozen=True, slots=True)
class Line:
    """One heading of the overview with its clauses."""

    heading: str
    clauses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """How a claimed number came into the world: what it comes to, and the steps in order."""

    figure: str
    sums_up: str
    steps: tuple[StoryStep, ...]


def overview_of(cards: Sequence[Card]) -> list[Line]:
    """What is true or false and how surely, then what is not known, never measured, not found.

    Only of claims that the audit has in plain words; none is told twice under one heading.
    """
    found: dict[str, list[str]] = {}
    for card in cards:
        for heading, clause in _clauses(card):
            found.setdefault(heading, []).append(clause)
    last = [UNKNOWN, UNMEASURED, NOT_THERE]
    order = [h for h in found if h not in last] + [h for h in last if h in found]
    return [Line(heading, tuple(dict.fromkeys(found[heading]))) for heading in order]


def _clauses(card: Card) -> Iterable[tuple[str, str]]:
    holds, verdict = card.words.holds, card.verdict
    if not holds:
        return
    yield _placed(verdict, holds)
    size = verdict["size"]
    figure = " ".join(filter(None, (card.words.figure, card.words.of_what)))
    if figure and size in _OPEN_SIZES:
        yield UNKNOWN, f"whether “{figure}” is about right"
    elif figure and size in _DENIED_SIZES:
        yield (
            f"{adverb(1 - verdict['prob_size']).capitalize()} not true",
            f"that “{figure}” is close",
        )
    for cause in card.causes:
        if cause.holds:
            yield _placed(cause.verdict, cause.holds)
    if card.words.not_there:
        yield NOT_THERE, card.words.not_there


def _placed(verdict: Row, holds: str) -> tuple[str, str]:
    """Heading and clause of one claimed side, by its label."""
    label = verdict["direction"]
    if label == "no evidence":
        return UNMEASURED, f"whether {holds}"
    side = stance_of(label)
    p: Any = verdict.get("prob_direction")
    if not side or missing(p):
        return UNKNOWN, f"whether {holds}"
    sure = label.removeprefix("un") if label in ("likely", "unlikely") else adverb(max(p, 1 - p))
    return f"{sure.capitalize()} {'true' if side == 'yes' else 'not true'}", holds


def stories_of(steps: Iterable[StoryStep], cards: Sequence[Card]) -> list[Story]:
    """A story for each core claim that has one, in the order of the claims."""
    every = list(steps)
    found = []
    for card in cards:
        mine = [s for s in every if s.claim_id == card.verdict["claim_id"]]
        retellings = tuple(s for s in mine if s.who)
        if retellings:
            sums_up = " ".join(s.said for s in mine if not s.who)
            found.append(Story(card.words.figure, sums_up, retellings))
    return found
