"""A list with one row an event and a table of exposures: counts of events for every exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retrostats.common.vocabulary import Topic
from retrostats.io.cohort.normalise import Part
from retrostats.io.tables.words import letters, plain
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

EXPOSURE = "exposure_h"
KEYS = ["subject", "direction"]
#: Words of the headers of a list of events; of dates in it; of what was before a study.
_EVENT = """
injury injuries injured diagnosis mechanism verletzung verletzungen diagnose blessure blessures
infortunio infortuni lesion lesiones lesione diagnostic diagnosi diagnostico
"""
EVENT = frozenset(_EVENT.split())
DATED = frozenset({"date", "datum", "fecha", "data", "from", "onset", "day", "tag", "jour"})
BEFORE_STUDY = frozenset(
    {"previous", "history", "prior", "past", "earlier", "fruhere", "vorher", "anamnese"}
)
#: Words by which a text says that an event is none of a kind.
NONE_OF = frozenset(
    {"no", "non", "not", "without", "kein", "keine", "ohne", "sans", "senza", "sin"}
)
#: Reason under which the rows of an event list are accounted for.
COUNTED = "an event, counted"


def counted(
    parts: Sequence[Part], topics: Mapping[str, Topic], name: str, problems: list[Problem]
) -> list[Part]:
    """The parts with every list of events turned into counts beside the exposures of another part.

    Each row of such a list is one event of a person in a direction; a column whose words name
    kinds of events (`Topic.events`) is counted by kind as well. A list that names no direction has
    that of each person in the other table, where it is one. Without a list the parts are as they
    were.
    """
    topic = next((t for t in topics.values() if t.counted and t.outcomes), None)
    if topic is None:
        return list(parts)
    tables = [part for part in parts if _is_table(part.frame, topic)]
    if len(tables) != 1:
        return list(parts)
    table = tables[0]
    lists = [p for p in parts if p is not table and _is_list(p.frame, topic, table.frame)]
    if len(lists) != 1:
        return list(parts)
    events = _with_direction(lists[0], table.frame, problems)
    if events is None:  # asked: what follows from it is no finding
        counts = dict.fromkeys(topic.outcomes, 0.0)
        return [replace(table, frame=table.frame.assign(**counts))]
    frame = _with_counts(table.frame, events.frame, topic, name, problems)
    rows = tuple(int(row) for row in events.frame["source_row"])
    joined = Part(
        frame,
        [*table.meanings, *(m for m in events.meanings if m.column not in KEYS)],
        table.rows_in + events.rows_in,
        {**table.explained, **events.explained, COUNTED: rows},
    )
    return [joined, *(part for part in parts if part is not lists[0] and part is not table)]


def _is_list(frame: pd.DataFrame, topic: Topic, table: pd.DataFrame) -> bool:
    """Whether each row is an event: no counts, and something said of it beside who and which way.

    Without a direction its words must name events, and it is none about people: somebody is in it
    twice, somebody of the table not at all, or each row has a date.
    """
    counts = {EXPOSURE, *topic.outcomes}
    if "subject" not in frame or counts & set(frame) or len(frame.columns) < 4:
        return False
    if "direction" in frame:
        return len(frame.columns) > 4
    people = frame["subject"].dropna().astype(str)
    several = people.duplicated().any() or set(table["subject"].astype(str)) - set(people)
    said = {word for column in frame for word in letters(str(column)).split()}
    dated = bool(said & DATED)
    if said & BEFORE_STUDY or not (several or dated):
        return False
    kinds = {plain(word) for words in topic.events.values() for word in words}
    texts = (frame[c] for c in frame if c not in ("subject", "source_file"))
    named = any(_names(v, frozenset(kinds)) for t in texts for v in t.dropna().unique())
    return bool(said & EVENT) or named


def _with_direction(part: Part, table: pd.DataFrame, problems: list[Problem]) -> Part | None:
    """A list with the direction of each person; None, and a question, where people have two."""
    frame = part.frame
    if "direction" in frame:
        return part
    file = str(frame["source_file"].iloc[0])
    ways = table.dropna(subset=KEYS).groupby("subject", observed=True)["direction"]
    several = ways.nunique()
    here = set(frame["subject"].dropna().astype(str))
    both = [str(who) for who in several.index[several > 1] if str(who) in here]
    if both:
        problems.append(
            Problem("error", file, "", "direction", f"a list of events without a direction, and "
                    f"hours of {both[0]!r} in both", "the direction in which each happened",
                    "add a column direction to the list")
        )  # fmt: skip
        return None
    one = {str(who): way for who, way in ways.first().items()}
    absent = frame.loc[~frame["subject"].astype(str).isin(set(one)), ["subject", "source_row"]]
    for who, row in absent.itertuples(index=False):
        problems.append(
            Problem("error", file, str(row), "subject", f"an event of {str(who)!r}, who has no "
                    "hours in the other table", "people of the other table",
                    "add the hours of this person, or correct the name")
        )  # fmt: skip
    known = frame.drop(index=absent.index)
    ways_of = known["subject"].astype(str).map(one)
    problems.append(
        Problem("guess", file, "", "direction", "a list of events without a direction", "",
                "that of each person in the table of hours")
    )  # fmt: skip
    return replace(part, frame=known.assign(direction=ways_of))


def _is_table(frame: pd.DataFrame, topic: Topic) -> bool:
    return {*KEYS, EXPOSURE} <= set(frame) and not set(topic.outcomes) & set(frame)


def _with_counts(
    table: pd.DataFrame, events: pd.DataFrame, topic: Topic, name: str, problems: list[Problem]
) -> pd.DataFrame:
    """The exposures with the number of events on the first row of each person and direction."""
    unit = events[KEYS].astype(str).agg("\x1f".join, axis=1)
    place = table[KEYS].astype(str).agg("\x1f".join, axis=1)
    lost = events[~unit.isin(set(place))]
    for row in lost.itertuples():
        problems.append(
            Problem("error", str(row.source_file), str(row.source_row), EXPOSURE,
                    f"an event of {row.subject!r}, {row.direction}", "a row with the exposure",
                    "add the hours of this person and direction to the other table")
        )  # fmt: skip
    kinds = {topic.outcomes[-1]: events["subject"].notna()}
    for column, words in topic.events.items():
        kinds[column] = _of_kind(events, words, column, name, problems)
    first = ~place.duplicated()
    counts = {
        column: place.map(unit[is_one].value_counts()).fillna(0).where(first, 0.0)
        for column, is_one in kinds.items()
    }
    problems.append(
        Problem("guess", name, "", topic.outcomes[-1], f"{len(events)} events", "counts",
                "one row an event, counted by person and direction")
    )  # fmt: skip
    return table.assign(**counts)


def _of_kind(
    events: pd.DataFrame, words: Sequence[str], column: str, name: str, problems: list[Problem]
) -> pd.Series:
    """Whether the text of some column names an event of this kind."""
    import pandas as pd

    known = frozenset(map(plain, words))
    texts = [c for c in events if c not in (*KEYS, "source_file") and not _is_number(events[c])]
    named = pd.Series(False, index=events.index)
    for text in texts:
        named |= events[text].map(lambda said: _names(said, known))
    found = sorted({str(v) for text in texts for v in events[named][text].dropna()
                    if _names(v, known)})  # fmt: skip
    used = [t for t in texts if any(str(v) in found for v in events[named][t])]
    problems[:] = [p for p in problems if p.column not in used or not p.of_columns]
    by = f" by {', '.join(map(str, used))}" if used else ""
    problems.append(
        Problem("guess", name, "", column, f"{int(named.sum())} events ({', '.join(found)[:120]})",
                "words of this kind", f"counted as {column}{by}; all others are not")
    )  # fmt: skip
    return named


def _names(said: object, words: frozenset[str]) -> bool:
    """Whether a text names one of the words, and does not deny it ("no ACL injury")."""
    found = set(plain(str(said)).split())
    return bool(words & found) and not NONE_OF & found


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column))
