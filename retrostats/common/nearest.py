"""The word that was probably meant: one helper for every "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

#: Letters of a word for each slip of the pen that is allowed in it.
LETTERS_A_SLIP = 4
#: Slips allowed in the longest words.
MOST_SLIPS = 3


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that a word is nearly, None if none is near or two are equally near.

    In a mapping of words to what they mean, near words of one meaning are no tie.

    Examples
    --------
    >>> nearest("bacward", ["forward", "backward"]), nearest("lefd", ["left", "lefs"])
    ('backward', None)
    >>> nearest("sideways", ["forward", "backward"]) is None
    True
    """
    said = word.strip().lower()
    most = min(MOST_SLIPS, len(said) // LETTERS_A_SLIP)
    steps = {
        other: edit_distance(said, other.lower())
        for other in allowed
        if abs(len(other) - len(said)) <= most
    }
    near = min(steps.values(), default=most + 1)
    found = [other for other, count in steps.items() if count == near]
    meant = {allowed[other] for other in found} if isinstance(allowed, Mapping) else set(found)
    return found[0] if near <= most and len(meant) == 1 else None


def suggestion(word: str, allowed: Iterable[str]) -> str:
    """ " (did you mean ...?)" for the nearest allowed word, or nothing.

    Examples
    --------
    >>> suggestion("subjet", ["subject", "sex"])
    " (did you mean 'subject'?)"
    """
    near = nearest(word, allowed)
    return f" (did you mean {near!r}?)" if near else ""


def edit_distance(one: str, other: str) -> int:
    """Fewest letters added, dropped, changed or swapped with their neighbour.

    Examples
    --------
    >>> edit_distance("bacward", "backward"), edit_distance("forwrad", "forward")
    (1, 1)
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before_last, before = row, before, row
        row = [i]
        for j, wanted in enumerate(other, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            swapped = i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted
            row.append(min(cost, before_last[j - 2] + 1) if swapped else cost)
    return row[-1]
