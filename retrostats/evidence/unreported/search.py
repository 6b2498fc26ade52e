"""A search as a generator: it yields the points that it wants looked at and is sent their values.

What looks at them is nobody's business here, so that two searches of one function share its calls:
a call costs about as much for the points of both as for those of one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
T = TypeVar("T")
#: Yields points (n, d) of the unit box, is sent values (n,), and returns what it found.
Search = Generator[Array, Array, T]


def run(search: Search[T], objective: Callable[[Array], Array]) -> T:
    """What a search finds on a function of points (n, d), values (n,)."""
    (found,) = run_together([search], lambda points: objective(points)[:, None])
    return found


def run_together(searches: Sequence[Search[T]], objectives: Callable[[Array], Array]) -> list[T]:
    """What each search finds on its own column of a function of points (n, d), values (n, m).

    The points that all of them wait for are looked at in one call.
    """
    found: dict[int, T] = {}
    asked: dict[int, Array] = {}

    def go_on(number: int, values: Array | None) -> None:
        try:
            search = searches[number]
            asked[number] = next(search) if values is None else search.send(values)
        except StopIteration as end:
            found[number] = end.value
            asked.pop(number, None)

    for number in range(len(searches)):
        go_on(number, None)
    while asked:
        sizes = np.cumsum([len(points) for points in asked.values()])
        values = np.split(objectives(np.vstack(list(asked.values()))), sizes[:-1])
        for number, part in zip(list(asked), values, strict=True):
            go_on(number, part[:, number])
    return [found[number] for number in range(len(searches))]


def through(
    search: Search[T],
    points: Callable[[Array], Array] = lambda points: points,
    values: Callable[[Array], Array] = lambda values: values,
) -> Search[T]:
    """The same search on points and values that are changed on their way."""
    try:
        asked = next(search)
        while True:
            asked = search.send(values((yield points(asked))))
    except StopIteration as end:
        found: T = end.value
        return found
