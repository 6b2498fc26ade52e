"""Labels and words from probabilities: pure functions, design.md section 4.

A probability stands with its lowest and highest over the declared choices. Supported and
contradicted ask all of them, every other label the main one; the number stands beside the word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import one_of, single
from retrostats.common.errors import InputError
from retrostats.evidence.printed.answer import ADVERBS
from retrostats.evidence.printed.printed_choices import sign_test

DirectionLabel = Literal[
    "supported", "very likely", "likely", "leaning", "open",
    "leaning against", "unlikely", "very unlikely", "contradicted", "mixed", "no evidence",
]  # fmt: skip
SizeLabel = Literal["supported", "compatible", "open", "unlikely", "contradicted", "no evidence"]
Array = NDArray[np.float64]
Ground = Literal["description", "same people", "by lot", "not by lot", "no comparison"]

#: Least probability over all choices of a direction that is supported, of a size that is.
DIRECTION_SUPPORTED, SIZE_SUPPORTED = 0.975, 0.95
#: Main probability from which a direction is so.
VERY_LIKELY, LIKELY, LEANING = 0.95, 0.8, 0.65
#: Main probability outside on one side from which a size is unlikely, inside from which compatible.
SIZE_UNLIKELY, SIZE_COMPATIBLE = 0.8, 0.3
#: What a lowest probability may lie above the main one: two roundings.
_ROUNDED = 1e-9
#: From the claimed side to the other; open is the middle.
DIRECTION_ORDER: tuple[DirectionLabel, ...] = (
    "supported", "very likely", "likely", "leaning", "open",
    "leaning against", "unlikely", "very unlikely", "contradicted",
)  # fmt: skip
_OPEN = DIRECTION_ORDER.index("open")
_LIKELY = DIRECTION_ORDER.index("likely")
#: Grounds on which a probability is one of the claim; on the others a cause stays open.
_BEARING: tuple[Ground, ...] = ("description", "same people", "by lot")


@dataclass(frozen=True, slots=True)
class Probability:
    """A probability with its lowest and highest over the declared choices.

    Raises
    ------
    InputError
        A number outside 0 to 1, or a main one outside lowest to highest.

    Examples
    --------
    >>> Probability(0.986, 0.953, 0.999)
    Probability(main=0.986, lowest=0.953, highest=0.999)
    """

    main: float
    lowest: float
    highest: float

    def __post_init__(self) -> None:
        for name in ("main", "lowest", "highest"):
            value = single(getattr(self, name), f"Probability, {name}")
            if not 0 <= value <= 1:
                raise InputError(f"Probability: {name} is {value!r}; allowed is 0 to 1")
        if not self.lowest - _ROUNDED <= self.main <= self.highest + _ROUNDED:
            raise InputError(
                f"Probability: main {self.main!r} is not from lowest {self.lowest!r} to highest "
                f"{self.highest!r}; the main choice is one of the declared ones"
            )

    def each(self) -> Probabilities:
        """The same as one of several (1,)."""
        return Probabilities(*np.array([[self.main], [self.lowest], [self.highest]]))


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """n probabilities with their lowest and highest (n,); a main one is NaN where none is known."""

    main: Array
    lowest: Array
    highest: Array


def direction_label(
    claimed: Probability | None, *, one_study: bool = False, ground: Ground = "description"
) -> DirectionLabel:
    """The label of a claimed direction from the probability of the claimed side.

    Parameters
    ----------
    claimed
        None where no source prints an effect that can be bounded.
    one_study
        A general claim with a single source: at most "likely", on either side.
    ground
        What a causal claim rests on; a claim that describes rests on "description". A cause stays
        open without a printed comparison, and between people who were not allocated by lot.

    Raises
    ------
    InputError
        An unknown ground.

    Examples
    --------
    >>> direction_label(Probability(0.99, 0.98, 0.999)), direction_label(Probability(0.99, 0.9, 1))
    ('supported', 'very likely')
    >>> direction_label(Probability(0.99, 0.98, 0.999), one_study=True)
    'likely'
    >>> direction_label(Probability(0.99, 0.98, 0.999), ground="not by lot")
    'open'
    """
    one_of(ground, "ground", get_args(Ground))
    if claimed is None:
        return "no evidence"
    if ground not in _BEARING:
        return "open"
    return direction_labels(claimed.each(), one_study=one_study)[0]


def direction_labels(claimed: Probabilities, *, one_study: bool = False) -> list[DirectionLabel]:
    """`direction_label` of n claimed directions at once.

    Examples
    --------
    >>> main = np.array([0.99, 0.3, np.nan])
    >>> direction_labels(Probabilities(main, main - 0.01, main + 0.01))
    ['supported', 'leaning against', 'no evidence']
    """
    p, last = claimed.main, len(DIRECTION_ORDER) - 1
    rules = [(claimed.lowest >= DIRECTION_SUPPORTED, 0)]
    rules += [(1 - claimed.highest >= DIRECTION_SUPPORTED, last)]
    for i, least in enumerate((VERY_LIKELY, LIKELY, LEANING), start=1):
        rules += [(p >= least, i), (1 - p >= least, last - i)]
    held, places = zip(*rules, strict=True)
    place = np.select(held, places, _OPEN)
    if one_study:
        place = np.clip(place, _LIKELY, last - _LIKELY)
    return [
        "no evidence" if unknown else DIRECTION_ORDER[i]
        for i, unknown in zip(place.tolist(), np.isnan(p).tolist(), strict=True)
    ]


def size_label(
    inside: Probability | None,
    below: Probability | None = None,
    above: Probability | None = None,
    *,
    one_study: bool = False,
    ground: Ground = "description",
) -> SizeLabel:
    """The label of a claimed range from the probabilities inside, below and above it.

    Without `below` or `above` the range is open on that side. Other arguments as for
    `direction_label`; one study over studies is at most "compatible" or "unlikely".

    Raises
    ------
    InputError
        An unknown ground, or main probabilities that do not add up to 1.

    Examples
    --------
    >>> size_label(Probability(0.4, 0.2, 0.5), Probability(0.35, 0.2, 0.6),
    ...            Probability(0.25, 0.1, 0.3))
    'compatible'
    >>> size_label(Probability(0.02, 0.0, 0.1), Probability(0.98, 0.96, 1.0))
    'contradicted'
    """
    one_of(ground, "ground", get_args(Ground))
    if inside is None:
        return "no evidence"
    outside = [side.each() for side in (below, above) if side is not None]
    label = size_labels(inside.each(), outside, one_study=one_study)[0]
    return label if ground in _BEARING else "open"


def size_labels(
    inside: Probabilities, outside: Sequence[Probabilities], *, one_study: bool = False
) -> list[SizeLabel]:
    """`size_label` of n claimed ranges at once, with each side on which they are not open.

    Raises
    ------
    InputError
        Main probabilities that do not add up to 1.

    Examples
    --------
    >>> p = np.array([0.97, 0.02])
    >>> size_labels(Probabilities(p, p, p), [Probabilities(1 - p, 1 - p, 1 - p)])
    ['supported', 'contradicted']
    """
    total = inside.main + sum(side.main for side in outside)
    if (apart := np.abs(total - 1) > 1e-3).any():
        raise InputError(
            f"size_label: the main probabilities add up to {total[apart][0]:.4g}; give those "
            "inside, below and above of one posterior"
        )
    none = np.zeros(len(total), dtype=bool)
    against = np.logical_or.reduce([none, *(s.lowest >= SIZE_SUPPORTED for s in outside)])
    far = np.logical_or.reduce([none, *(s.main >= SIZE_UNLIKELY for s in outside)])
    behind = np.logical_or.reduce([none, *(s.main > inside.main for s in outside)])
    rules: list[tuple[NDArray[np.bool_], SizeLabel]] = [
        (np.isnan(inside.main), "no evidence"),
        (inside.lowest >= SIZE_SUPPORTED, "compatible" if one_study else "supported"),
        (against, "unlikely" if one_study else "contradicted"),
        (far, "unlikely"),
        ((inside.main >= SIZE_COMPATIBLE) & ~behind, "compatible"),
    ]
    first = np.select([held for held, _ in rules], range(len(rules)), len(rules)).tolist()
    words: list[SizeLabel] = [*(word for _, word in rules), "open"]
    return [words[i] for i in first]


def over_measures(labels: Sequence[DirectionLabel]) -> DirectionLabel:
    """One label of a claim's several measures.

    "mixed" where two are likely or more on opposite sides; else the one nearest to open, and open
    where they lean to different sides. Measures without evidence say nothing.

    Examples
    --------
    >>> over_measures(["supported", "likely"]), over_measures(["very likely", "unlikely"])
    ('likely', 'mixed')
    >>> over_measures(["very likely", "leaning against"]), over_measures(["no evidence"])
    ('open', 'no evidence')
    """
    for label in labels:
        one_of(label, "label of a measure", get_args(DirectionLabel))
    if "mixed" in labels:
        return "mixed"
    places = [DIRECTION_ORDER.index(label) for label in labels if label in DIRECTION_ORDER]
    if not places:
        return "no evidence"
    first, last = min(places), max(places)
    if first <= _LIKELY and last >= 2 * _OPEN - _LIKELY:
        return "mixed"
    if first < _OPEN < last:
        return "open"
    return DIRECTION_ORDER[min(places, key=lambda place: abs(place - _OPEN))]


def adverb(p: float, *, one_study: bool = False) -> str:
    """How sure a probability is, in words; one study says at most "likely" of others.

    Examples
    --------
    >>> [adverb(p) for p in (0.995, 0.96, 0.9, 0.7, 0.5)]
    ['almost certainly', 'very likely', 'likely', 'perhaps', 'a coin toss']
    >>> adverb(0.03), adverb(0.003, one_study=True)
    ('very likely not', 'likely not')
    """
    p = single(p, "adverb, p")
    if not 0 <= p <= 1:
        raise InputError(f"adverb: p is {p!r}; allowed is 0 to 1")
    sure = max(p, 1 - p)
    words = [
        word for least, word in ADVERBS if sure >= least and (least <= LIKELY or not one_study)
    ]
    if not words:
        return "a coin toss"
    return words[0] if p > 0.5 else f"{words[0]} not"


def answer(label: DirectionLabel, p: float | None = None, *, one_study: bool = False) -> str:
    """Yes, no, open or nobody measured it, with the adverb of the probability.

    Examples
    --------
    >>> answer("supported", 0.998), answer("unlikely", 0.11), answer("leaning", 0.7)
    ('Yes, almost certainly', 'No, likely not', 'Perhaps')
    >>> answer("open", 0.6), answer("no evidence"), answer("mixed")
    ('Open, a coin toss', 'Nobody measured it', 'Open, measures disagree')
    """
    one_of(label, "label", get_args(DirectionLabel))
    if label == "no evidence":
        return "Nobody measured it"
    if label == "mixed":
        return "Open, measures disagree"
    if p is None:
        raise InputError(f"answer: p is missing; a label {label!r} needs its probability")
    word = adverb(p, one_study=one_study)
    if label == "open":
        return "Open, a coin toss" if word == "a coin toss" else "Open"
    if word.startswith("perhaps"):
        return word.capitalize()
    return f"{'Yes' if DIRECTION_ORDER.index(label) < _OPEN else 'No'}, {word}"


def sign_grade(agree: int, against: int) -> DirectionLabel:
    """How far signs alone go: the one-sided sign test of the side with more, at most likely.

    Parameters
    ----------
    agree, against
        Independent results on the claimed side of no effect and on the other.

    Raises
    ------
    InputError
        Counts that are not whole numbers of 0 or more.

    Examples
    --------
    >>> sign_grade(7, 1), sign_grade(2, 0), sign_grade(1, 6), sign_grade(2, 1)
    ('likely', 'leaning', 'unlikely', 'open')
    """
    for name, count in (("agree", agree), ("against", against)):
        if isinstance(count, bool) or not (isinstance(count, int) and count >= 0):
            raise InputError(f"sign_grade: {name} is {count!r}; allowed: whole numbers from 0")
    sure = 1 - sign_test(agree, against) / 2
    steps = 2 if sure >= LIKELY else 1 if sure >= LEANING else 0
    return DIRECTION_ORDER[_OPEN - steps if agree > against else _OPEN + steps]


def sign_line(agree: int, against: int) -> str:
    """The line on a claim of which only signs are known: a sign test, and no size.

    Raises
    ------
    InputError
        Counts that are not whole numbers of 0 or more.

    Examples
    --------
    >>> sign_line(7, 1)
    'likely by signs alone: 7 of 8 results point that way (sign test, two-sided p = 0.07); they \
say no size'
    >>> sign_line(0, 0)
    'no result has a sign'
    """
    grade = sign_grade(agree, against)
    if agree + against == 0:
        return "no result has a sign"
    p = sign_test(agree, against)
    shown = "< 0.001" if p < 0.001 else f"= {p:.2g}"
    return (
        f"{grade} by signs alone: {agree} of {agree + against} results point that way "
        f"(sign test, two-sided p {shown}); they say no size"
    )
