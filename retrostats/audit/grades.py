"""Labels and words that probabilities earn: docs/verdicts.md, "How an answer comes about".

A direction is supported where even the lowest probability over the declared choices is high; below
that the main probability grades it. A size is graded in the same way, by the probability of the
claimed range and of lying beyond it.
"""

from __future__ import annotations

import math
from typing import Literal

Direction = Literal[
    "supported", "very likely", "likely", "leaning", "open",
    "leaning against", "unlikely", "very unlikely", "contradicted",
]  # fmt: skip
Size = Literal["supported", "compatible", "open", "unlikely", "contradicted"]

#: The lowest probability of a direction that supports it; its complement contradicts.
SUPPORTED = 0.975
#: Main probabilities of the grades below it, from the surest.
VERY_LIKELY, LIKELY, LEANING = 0.95, 0.8, 0.65
#: Of a size: the lowest P(inside) that supports it, or P(beyond) that contradicts; P(beyond) that
#: makes it unlikely; P(inside) from which it is compatible, if neither side holds more.
SIZE_SUPPORTED, SIZE_UNLIKELY, SIZE_COMPATIBLE = 0.95, 0.8, 0.3
#: From the claim's side to the other.
DIRECTIONS: tuple[Direction, ...] = (
    "supported", "very likely", "likely", "leaning", "open",
    "leaning against", "unlikely", "very unlikely", "contradicted",
)  # fmt: skip
#: Those that count as a side of their own where measures of one claim disagree.
FOR = ("supported", "very likely", "likely")
AGAINST = ("contradicted", "very unlikely", "unlikely")


def direction_label(
    main: float, lowest: float, highest: float, *, one_study: bool = False
) -> Direction:
    """Label of a direction from its probability, and the lowest and highest over the choices.

    Parameters
    ----------
    main, lowest, highest
        Probabilities of the claimed direction; lowest <= main <= highest.
    one_study
        A single study that is asked about others: at most likely, or unlikely.

    Examples
    --------
    >>> direction_label(0.999, 0.989, 1.0), direction_label(0.97, 0.94, 0.99)
    ('supported', 'very likely')
    >>> direction_label(0.97, 0.97, 0.97, one_study=True), direction_label(0.1, 0.05, 0.2)
    ('likely', 'unlikely')
    """
    found: Direction
    if main < 0.5:
        mirrored = direction_label(1 - main, 1 - highest, 1 - lowest, one_study=one_study)
        found = DIRECTIONS[-1 - DIRECTIONS.index(mirrored)]
    elif lowest >= SUPPORTED and not one_study:
        found = "supported"
    elif main >= VERY_LIKELY and not one_study:
        found = "very likely"
    elif main >= LIKELY:
        found = "likely"
    else:
        found = "leaning" if main >= LEANING else "open"
    return found


def size_label(
    inside: tuple[float, float], below: tuple[float, float], above: tuple[float, float],
    *, one_study: bool = False,
) -> Size:  # fmt: skip
    """Label of a claimed range from main and lowest probabilities of lying in, below, above it.

    Examples
    --------
    >>> size_label((0.46, 0.40), (0.46, 0.1), (0.08, 0.05))
    'compatible'
    >>> size_label((0.02, 0.0), (0.98, 0.96), (0.0, 0.0))
    'contradicted'
    """
    beyond = max(below[0], above[0])
    if inside[1] >= SIZE_SUPPORTED and not one_study:
        return "supported"
    if max(below[1], above[1]) >= SIZE_SUPPORTED and not one_study:
        return "contradicted"
    if beyond >= SIZE_UNLIKELY:
        return "unlikely"
    return "compatible" if inside[0] >= SIZE_COMPATIBLE and beyond <= inside[0] else "open"


def adverb(probability: float) -> str:
    """What a probability is called, from "almost certainly" to "almost certainly not".

    Examples
    --------
    >>> adverb(0.997), adverb(0.7), adverb(0.5), adverb(0.04)
    ('almost certainly', 'perhaps', 'as likely as not', 'very likely not')
    """
    if math.isnan(probability):
        return ""
    if probability < 0.5:
        found = adverb(1 - probability)
        return found if found == "as likely as not" else f"{found} not"
    for least, word in ((0.99, "almost certainly"), (VERY_LIKELY, "very likely"),
                        (LIKELY, "likely"), (LEANING, "perhaps")):  # fmt: skip
        if probability >= least:
            return word
    return "as likely as not"


def yes_or_no(label: str) -> str:
    """The short word on a direction: yes, no, open, or that nobody measured it.

    Examples
    --------
    >>> yes_or_no("very likely"), yes_or_no("leaning"), yes_or_no("no evidence")
    ('yes', 'open', 'nobody measured it')
    """
    if label in FOR:
        return "yes"
    if label in AGAINST:
        return "no"
    return "nobody measured it" if label == "no evidence" else "open"
