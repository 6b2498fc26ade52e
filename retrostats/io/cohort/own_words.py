"""The audit's own outcomes: while a table is read for it, their names mean nothing else.

A lab's vocabulary takes `time_s` for a time and `speed` for a speed. In an audit whose outcome has
that name it is the outcome, in every step of reading.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

from retrostats.common.errors import InputError
from retrostats.common.units import parse_unit
from retrostats.common.vocabulary import Topic
from retrostats.io.tables.words import letters
from retrostats.io.validation.problem import Problem

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


def is_role(header: str) -> None:
    """A header is what a lab calls it and no outcome, until the block of `own_words` ends.

    Examples
    --------
    >>> with own_words({"t": Topic("t", "t", outcomes=("time_s",), own=True)}):
    ...     is_role("Time")
    ...     own_column("time"), own_column("time_s")
    ('', 'time_s')
    """
    _NOW.set({word: column for word, column in _NOW.get().items() if word != letters(header)})


def in_audit_words(problem: Problem, topics: Mapping[str, Topic]) -> Problem:
    """A finding without names of columns that only the package has, where an audit names its own.

    Examples
    --------
    >>> found = Problem("error", "a.csv", "", "direction", "no b row", "both directions", "add b")
    >>> str(in_audit_words(found, {"t": Topic("t", "t", outcomes=("time_s",), own=True)}))
    'a.csv, condition: found no b row; allowed both conditions; add b'
    """
    if not any(topic.own for topic in topics.values()):
        return problem
    named = (t.headers["exposure_h"][0] for t in topics.values() if "exposure_h" in t.headers)
    exposure = next(named, "exposure")

    def said(text: str) -> str:
        text = re.sub(r"\bdirection(s?)\b", r"condition\1", text)
        text = re.sub(r"\bexposure_h\b", lambda _: exposure, text)
        return re.sub(r"\boutcome_(?=[a-z])", "", text)

    return replace(
        problem, column=said(problem.column), found=said(problem.found),
        allowed=said(problem.allowed), action=said(problem.action),
    )  # fmt: skip


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
