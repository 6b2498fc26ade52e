"""The words of an audit that readers, analyses and reports share: what is compared, on what topics.

The package knows no subject of its own; what it must know of one stands in an audit's `audit.toml`
and reaches a function as one of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

#: What separates the two conditions of a cohort.
COMPARES = ("direction", "arm")


@dataclass(frozen=True, slots=True)
class Topic:
    """One table of printed numbers, its analysis, and what a reader's own cohort needs for it.

    Attributes
    ----------
    name, analysis
        Table in `published/`; name of the analysis on the command line.
    compares
        "direction": a column that every row has; "arm": people in groups, at several times.
    paired, gait
        Whether people are measured in both conditions; whether running and walking are told apart.
    needs, outcomes
        Columns that every row needs; outcomes by preference, the first one present is used. Without
        outcomes the topic takes no cohorts.
    outcome_words
        What an outcome is, in words.
    template
        A CSV with invented people, whose codes (EXAMPLE-1) keep them out of every cohort.
    headers
        What else a table may call a column of the topic.
    events
        Of a list with one row an event: words of its kind, by the column that counts those.
    own
        Whether its outcomes are the audit's own words, which nothing else is called by.
    otherwise
        The same topic for a table of another shape: arms before and after, not once.
    both_arms
        Whether printed rows set one arm against the other, so that a cohort needs both: the change
        of one arm is no comparison.
    """

    name: str
    analysis: str
    compares: str = "direction"
    paired: bool = False
    gait: bool = False
    needs: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    outcome_words: str = ""
    template: str = ""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    own: bool = False
    otherwise: Topic | None = None
    both_arms: bool = False

    def fitting(self, columns: Iterable[str]) -> Topic:
        """This topic, or the one for a table of another shape where only that has its columns.

        Examples
        --------
        >>> arms = Topic("grip", "grip", "arm", needs=("subject", "arm", "time"))
        >>> once = Topic("grip", "grip", needs=("subject", "direction"), otherwise=arms)
        >>> once.fitting(["subject", "arm", "time", "kg"]) is arms
        True
        """
        there = set(columns)
        other = self.otherwise
        if other is not None and set(other.needs) <= there and not set(self.needs) <= there:
            return other
        return self

    @property
    def counted(self) -> bool:
        """Whether the outcome counts events over an exposure: several rows of a person add up."""
        return "exposure_h" in self.needs


@dataclass(frozen=True, slots=True)
class Conditions:
    """The two conditions compared (first against second), the untrained arm, and their words.

    Examples
    --------
    >>> conditions = Conditions("left", "right", synonyms={"left": ("links",)})
    >>> conditions.compared
    ('right', 'left')
    >>> conditions.words("left")
    ('left', 'links')
    """

    first: str = ""
    second: str = ""
    control: str = "control"
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def compared(self) -> tuple[str, ...]:
        """Both conditions, the reference (second) first, as a model's factor orders them."""
        return (self.second, self.first) if self.first else ()

    @property
    def arms(self) -> tuple[str, ...]:
        """What an arm can be: both conditions, then the control where it is neither."""
        named = (self.first, self.second, self.control) if self.first else (self.control,)
        return tuple(dict.fromkeys(named))

    def words(self, name: str) -> tuple[str, ...]:
        """A condition's or the control's own name, then what else a table may call it."""
        return (name, *self.synonyms.get(name, ()))


@dataclass(frozen=True, slots=True)
class Post:
    """The text whose claims are checked; empty where a fact about it is not known.

    Attributes
    ----------
    name, date, address
        As a reader finds it.
    kind
        What it is, in a word that follows "the": a post, a synthesis, a leaflet.
    retells
        `study_id` of the text that it retells.
    """

    name: str = ""
    date: str = ""
    address: str = ""
    kind: str = "post"
    retells: str = ""


class Vocabulary(Protocol):
    """What readers of cohorts ask of an audit; `Audit` is one."""

    @property
    def conditions(self) -> Conditions:
        """What is compared."""
        ...

    @property
    def topics(self) -> Mapping[str, Topic]:
        """Topics by name."""
        ...
