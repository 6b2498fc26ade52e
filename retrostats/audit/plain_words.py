"""What the first screen says of a claim in a layman's words, and the story of a number: data.

Both are tables of the audit, `plain_words.csv` and `story.csv`, and neither is needed: without them
a claim is told by its statement and its scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from retrostats.common.arrays import records_of
from retrostats.common.errors import InputError

PLAIN_WORDS, STORY = "plain_words", "story"


@dataclass(frozen=True, slots=True)
class PlainWords:
    """One claim in plain words; what is empty is told by rule.

    Attributes
    ----------
    title
        The claim in a short sentence, as it is heard.
    asks
        The question that the claimed side answers: "More energy?".
    holds
        What holds if the claim does, in a clause without a capital.
    otherwise
        What holds if it does not, in a clause.
    figure
        The claimed size as it is heard: "30%".
    of_what
        What it is a size of, behind it: "more energy".
    more, less
        What an amount above and below no effect is called.
    where
        Under which circumstances the amount holds.
    unit
        Of a difference.
    people
        Who was measured.
    depends
        On what an open answer depends, in a clause.
    missing
        What nobody measured or printed, in a clause; said where there is no evidence and where a
        cause has no comparison.
    source
        What the cited source says, in a sentence.
    not_there
        What is claimed in its name and could not be found in it.
    left_open
        What the printed number leaves open, in a sentence.

    Examples
    --------
    >>> PlainWords(more="more").amounts
    ('more', 'lower')
    """

    title: str = ""
    asks: str = ""
    holds: str = ""
    otherwise: str = ""
    figure: str = ""
    of_what: str = ""
    more: str = ""
    less: str = ""
    where: str = ""
    unit: str = ""
    people: str = ""
    depends: str = ""
    missing: str = ""
    source: str = ""
    not_there: str = ""
    left_open: str = ""

    @property
    def amounts(self) -> tuple[str, str]:
        """What amounts above and below no effect are called."""
        return self.more or "higher", self.less or "lower"


@dataclass(frozen=True, slots=True)
class StoryStep:
    """One step of how a number came into the world: when, who, what they said, printed rows.

    A step without `who` sums the others up.
    """

    claim_id: str
    when: str
    who: str
    said: str
    source_rows: str


NO_WORDS = PlainWords()


def plain_words_of(audit: Any) -> dict[str, PlainWords]:
    """Plain words by `claim_id`; empty for an audit without the table.

    Examples
    --------
    >>> from retrostats.audit.audit import load_audit
    >>> all(words.title for words in plain_words_of(load_audit()).values())
    True
    """
    names = [f.name for f in fields(PlainWords)]
    return {
        row["claim_id"]: PlainWords(**{name: row[name] for name in names})
        for row in _rows(audit, PLAIN_WORDS, ["claim_id", *names])
    }


def story_of(audit: Any) -> list[StoryStep]:
    """The story of a number, in order; empty for an audit without the table."""
    names = [f.name for f in fields(StoryStep)]
    return [StoryStep(**{n: row[n] for n in names}) for row in _rows(audit, STORY, names)]


def _rows(audit: Any, name: str, columns: list[str]) -> list[Mapping[str, str]]:
    """Rows of an optional table as text; of an audit that has no tables, none."""
    if not hasattr(audit, "has_table") or not audit.has_table(name):
        return []
    table = audit.table(name)
    missing = [column for column in columns if column not in table]
    if missing:
        raise InputError(
            f"{name}.csv: no column {', '.join(missing)}; allowed are {', '.join(columns)}, each "
            "may be empty"
        )
    return [
        {c: "" if row[c] != row[c] else str(row[c]) for c in columns} for row in records_of(table)
    ]
