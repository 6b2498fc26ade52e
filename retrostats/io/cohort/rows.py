"""Which rows of the files a cohort uses: those with a person and a value, each other one listed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.io.cohort.times import time_order
from retrostats.io.tables.distinct import CodedColumns, repeats
from retrostats.io.tables.numbering import blocks
from retrostats.io.tables.passes import gaps_of
from retrostats.io.validation.problem import Problem
from retrostats.io.validation.requirements import outcome_column

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Topic

#: Share of rows without a person at which a table is refused.
BLANK_PEOPLE = 0.2
#: Rows left out that are listed one by one.
LISTED = 1000


def rows_of(coded: CodedColumns) -> int:
    """Rows of the files that a frame holds; a row of a wide table gives several of its own."""
    frame = coded.frame
    if len(coded.held("source_file")) == 1 and _rise(frame["source_row"].to_numpy()):
        return len(frame)
    return int((~repeats(coded, ["source_file", "source_row"])).sum())


def _rise(rows: Any) -> bool:
    """Whether each number is larger than the one before."""
    return all((rows[1:][block] > rows[:-1][block]).all() for block in blocks(len(rows) - 1))


def rows_without_a_value(frame: pd.DataFrame, used: pd.DataFrame) -> tuple[int, ...]:
    """Rows of the files that gave no observation."""
    import pandas as pd

    if len(used) == len(frame):
        return ()
    place = ["source_file", "source_row"]
    lost = pd.MultiIndex.from_frame(frame[place].drop_duplicates()).difference(
        pd.MultiIndex.from_frame(used[place].drop_duplicates()), sort=False
    )
    return tuple(int(row) for _, row in lost)


def blank_people(frame: pd.DataFrame, file: str) -> list[Problem]:
    """An error where many rows lack the person: left out, they would leave half a table."""
    if "subject" not in frame:
        return []
    gaps = gaps_of(frame["subject"])
    if gaps is None:
        return []
    blank = frame.loc[gaps, "source_row"]
    if len(blank) <= BLANK_PEOPLE * len(frame):
        return []
    return [
        Problem("error", file, f"{blank.iloc[0]} and {len(blank) - 1} more", "subject", "no person",
                "a code in every row", "write it in each row; blanks are filled from above "
                "only where each code stands once and the rows below it differ")
    ]  # fmt: skip


def complete_rows(
    frame: pd.DataFrame, topic: Topic | None, problems: list[Problem], times: tuple[str, ...]
) -> pd.DataFrame:
    """Rows with everything the topic needs, in the order of time; each left out is listed."""
    if topic is None:
        return frame
    needed = list(dict.fromkeys([*topic.needs, outcome_column(frame, topic)]))
    gaps = {name: gap for name in needed if (gap := gaps_of(frame[name])) is not None}
    lacking = np.logical_or.reduce(list(gaps.values())) if gaps else np.zeros(0, dtype=bool)
    at = np.flatnonzero(lacking)
    for i in at[:LISTED]:
        missing = ", ".join(name for name, gap in gaps.items() if gap[i])
        file, row = frame["source_file"].iloc[i], str(frame["source_row"].iloc[i])
        problems.append(
            Problem("warning", file, row, missing, "no value", "a value", "row left out")
        )
    if len(at) > LISTED:
        problems.append(
            Problem("warning", "", "", "", f"{len(at) - LISTED} more rows without a value",
                    "a value", "rows left out")
        )  # fmt: skip
    used = frame[~lacking] if len(at) else frame
    if topic.compares == "arm":
        files = list(used["source_file"].dropna().unique())
        order, listed = time_order(used, times, str(files[0]) if len(files) == 1 else "")
        problems += listed
        place = {label: i for i, label in enumerate(order)}
        used = used.assign(time=used["time"].astype(str)).sort_values(
            ["time"], key=lambda t: t.map(place), kind="stable"
        )
    return used
