"""A list with one row an event and a table of exposures: counts of events for every exposure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrostats.common.vocabulary import Topic
from retrostats.io.cohort.normalise import Part
from retrostats.io.tables.words import plain
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

EXPOSURE = "exposure_h"
KEYS = ["subject", "direction"]
#: Reason under which the rows of an event list are accounted for.
COUNTED = "an event, counted"


def counted(
    parts: Sequence[Part], topics: Mapping[str, Topic], name: str, problems: list[Problem]
) -> list[Part]:
    """The parts with every list of events turned into counts beside the exposures of another part.

    Each row of such a list is one event of a person in a direction; a column whose words name
    kinds of events (`Topic.events`) is counted by kind as well. Without one the parts are as they
    were.
    """
    topic = next((t for t in topics.values() if t.counted and t.outcomes), None)
    if topic is None:
        return list(parts)
    lists = [part for part in parts if _is_list(part.frame, topic)]
    tables = [part for part in parts if _is_table(part.frame, topic)]
    if len(lists) != 1 or len(tables) != 1:
        return list(parts)
    events, table = lists[0], tables[0]
    frame = _with_counts(table.frame, events.frame, topic, name, problems)
    rows = tuple(int(row) for row in events.frame["source_row"])
    joined = Part(
        frame,
        [*table.meanings, *(m for m in events.meanings if m.column not in KEYS)],
        table.rows_in + events.rows_in,
        {**table.explained, **events.explained, COUNTED: rows},
    )
    return [joined, *(part for part in parts if part is not events and part is not table)]


def _is_list(frame: pd.DataFrame, topic: Topic) -> bool:
    counts = {EXPOSURE, *topic.outcomes}
    return set(KEYS) <= set(frame) and not counts & set(frame) and len(frame.columns) > 4


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
        named |= events[text].map(lambda said: bool(known & set(plain(str(said)).split())))
    found = sorted({str(v) for text in texts for v in events[named][text].dropna()
                    if known & set(plain(str(v)).split())})  # fmt: skip
    used = [t for t in texts if any(str(v) in found for v in events[named][t])]
    problems[:] = [p for p in problems if p.column not in used or not p.of_columns]
    by = f" by {', '.join(map(str, used))}" if used else ""
    problems.append(
        Problem("guess", name, "", column, f"{int(named.sum())} events ({', '.join(found)[:120]})",
                "words of this kind", f"counted as {column}{by}; all others are not")
    )  # fmt: skip
    return named


def _is_number(column: pd.Series) -> bool:
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(column))
