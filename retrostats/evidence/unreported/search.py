"""A search as a generator: it yields the points that it wants looked at and is sent their values.

What looks at them is nobody's business here, so that two searches of one function share its calls:
a call costs about as much for the points of both as for those of one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Generic, TypeVar

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
    waiting = _Waiting(searches)
    while waiting.asked:
        waiting.answer(objectives(waiting.points), own=True)
    return waiting.results()


def together(searches: Sequence[Search[T]]) -> Search[list[T]]:
    """Searches on one function as one search: what all of them wait for is asked at once."""
    waiting = _Waiting(searches)
    while waiting.asked:
        waiting.answer((yield waiting.points))
    return waiting.results()


class _Waiting(Generic[T]):
    """Searches under way, and the points that each of them waits for."""

    def __init__(self, searches: Sequence[Search[T]]) -> None:
        self._searches = searches
        self._found: dict[int, T] = {}
        self.asked: dict[int, Array] = {}
        for number in range(len(searches)):
            self._go_on(number, None)

    @property
    def points(self) -> Array:
        """The points of all of them (n, d)."""
        return np.vstack(list(self.asked.values()))

    def answer(self, values: Array, *, own: bool = False) -> None:
        """Let each go on with its part of the values, in its `own` column of them if asked for."""
        sizes = np.cumsum([len(points) for points in self.asked.values()])
        parts = np.split(values, sizes[:-1])
        for number, part in zip(list(self.asked), parts, strict=True):
            self._go_on(number, part[:, number] if own else part)

    def results(self) -> list[T]:
        """What each found, in order."""
        return [self._found[number] for number in range(len(self._searches))]

    def _go_on(self, number: int, values: Array | None) -> None:
        search = self._searches[number]
        try:
            self.asked[number] = next(search) if values is None else search.send(values)
        except StopIteration as end:
            self._found[number] = end.value
            self.asked.pop(number, None)


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
