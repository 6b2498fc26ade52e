"""The audit's own outcomes: while a table is read for it, their names mean nothing else.

A lab's vocabulary takes `time_s` for a time and `speed` for a speed. In an audit whose outcome has
that name it is the outcome, in every step of reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from retrostats.common.errors import InputError
from retrostats.common.units import parse_unit
from retrostats.common.vocabulary import Topic
from retrostats.io.tables.words import letters

_NOW: ContextVar[Mapping[str, str]] = ContextVar("own_words", default={})  # noqa: B039 (never changed in place)


def own_column(header: str) -> str:
    """The audit's outcome that a header names by itself; "" if none.

    Examples
    --------
    >>> with own_words({"t": Topic("t", "t", outcomes=("time_s",), own=True)}):
    ...     own_column("Time (s)"), own_column("time"), own_column("VO2")
    ('time_s', 'time_s', '')
    >>> own_column("time_s")
    ''
    """
    return _NOW.get().get(letters(header), "")


def own_columns() -> frozenset[str]:
    """Outcomes of the audit that is read for, where it names its own."""
    return frozenset(_NOW.get().values())


@contextmanager
def own_words(topics: Mapping[str, Topic]) -> Iterator[None]:
    """Names of the outcomes of these topics are theirs, until the block ends."""
    found: dict[str, str] = {}
    for topic in topics.values():
        for outcome in topic.outcomes if topic.own else ():
            for word in (*topic.headers.get(outcome, ()), outcome):
                for said in names_of(word):
                    found.setdefault(said, outcome)
    token = _NOW.set(found)
    try:
        yield
    finally:
        _NOW.reset(token)


def names_of(word: str) -> tuple[str, ...]:
    """A name as headers are compared, and the same without its unit.

    Examples
    --------
    >>> names_of("grip_kg"), names_of("hamstring_injuries"), names_of("time_to_run")
    (('grip kg', 'grip'), ('hamstring injuries',), ('time to run',))
    """
    said = letters(word)
    *first, last = said.split() or [""]
    try:
        known = bool(first) and bool(parse_unit(last))
    except InputError:
        known = False
    return (said, " ".join(first)) if known else (said,)
