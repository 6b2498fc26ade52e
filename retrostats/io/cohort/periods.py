"""The period of each row of a crossover, from a column of periods or of sequences."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from retrostats.io.cohort.headers import LABS, PERIODS, SEQUENCES
from retrostats.io.cohort.values import condition_word
from retrostats.io.tables.words import letters
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Conditions

#: What is told of such a column, and how the table of columns says it.
_USES = {
    "the period enters the model": "enters the model",
    "the period enters no model": "enters no model",
    "cannot be told from that of the condition": "enters no model",
    "not needed beside": "not needed",
    "people are told apart": "tells people apart",
}
#: Columns that number what came after what, where each condition has one of its own.
SESSIONS = ("time", "session", "visit", "day", "test day")


def with_periods(
    frame: pd.DataFrame, conditions: Conditions, file: str, problems: list[Problem]
) -> pd.DataFrame:
    """The frame with a column `period` where its columns say one, and what is told of the order.

    A column of sequences (AB, "b-a") gives the period of each condition; one that says
    the order of the rows within a person is the period itself.
    """
    if not {"subject", "direction"} <= set(frame):
        return frame
    named = {letters(str(c)): c for c in frame}
    column = next((named[n] for n in PERIODS if n in named), None)
    other = next((named[n] for n in SEQUENCES if n in named), None)
    if column is None and other is not None and not _of_people(frame, other):
        column = other
    if column is None and other is None:
        column = next(
            (named[n] for n in SESSIONS if n in named and _one_each(frame, named[n])), None
        )
    if column is not None:
        period = frame[column].astype("object")
    elif other is not None:
        ways = frame["direction"].astype(str)
        period = frame[other].astype("object").where(frame[other].notna(), "")
        period = period.combine(ways, lambda said, way: _place(str(said), way, conditions))
        column = other
    else:
        return frame
    used = (str(column), str(other))
    problems[:] = [p for p in problems if p.column not in used or not p.of_columns]
    missing = int(period.isna().sum())
    if missing:
        problems.append(
            Problem("warning", file, "", str(column), f"{missing} rows whose period is not said",
                    "a period, or an order of both conditions by name or first letter",
                    "the period enters no model; write a column period with 1 and 2")
        )  # fmt: skip
        return frame
    if other is not None and other != column:
        problems.append(
            Problem("guess", file, "", str(other), "an order of the conditions", "",
                    f"not needed beside {str(column)!r}")
        )  # fmt: skip
    problems += _order_problems(frame.assign(period=period), str(column), file)
    return frame.assign(period=[_spelled(p) for p in period])


def _spelled(value: object) -> str:
    """A cell as text, a whole number without a point."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def factor_rows(
    frame: pd.DataFrame, known: Collection[str], problems: Collection[Problem]
) -> list[dict[str, str]]:
    """Rows of the table of columns for factors of a design: period, order, lab, and their use.

    Parameters
    ----------
    known
        Columns and headers that have a row already.
    """
    rows = []
    kinds = (("period", PERIODS), ("order of the conditions", SEQUENCES), ("lab", LABS))
    for column in (str(c) for c in frame if str(c) not in known):
        kind = next((kind for kind, words in kinds if letters(column) in words), "")
        said = frame[column].dropna() if kind else frame[column].head(0)
        if not len(said):
            continue
        uses = [u for u in _USES if any(p.column == column and u in p.action for p in problems)]
        basis = f"stated; {_USES[uses[0]] if uses else 'not used'}"
        cells = (column, kind, "", _spelled(said.iloc[0]), basis)
        rows.append(dict(zip(("header", "meaning", "unit", "first", "basis"), cells, strict=True)))
    return rows


def _one_each(frame: pd.DataFrame, column: Any) -> bool:
    """Whether a column numbers the conditions of each person, one number a condition."""
    said = frame[column].astype("object")
    numbers = said.map(lambda text: re.sub(r"^[^\W\d_]*[\s_-]*", "", str(text)))
    if not numbers.str.fullmatch(r"\d(\.0)?").all():
        return False
    cells = frame[["subject", "direction"]].astype(str).assign(number=numbers)
    if (cells.groupby(["subject", "direction"])["number"].nunique() != 1).any():
        return False
    people = cells.groupby("subject")
    return bool((people["number"].nunique() == people["direction"].nunique()).all()
                and (people["number"].nunique() > 1).any())  # fmt: skip


def _of_people(frame: pd.DataFrame, column: Any) -> bool:
    """Whether a column says one thing of each person."""
    return bool((frame.groupby("subject", observed=True)[column].nunique() <= 1).all())


def _place(sequence: str, way: str, conditions: Conditions) -> float | None:
    """Place of a condition in a sequence of words or first letters.

    Examples
    --------
    >>> from retrostats.common.vocabulary import Conditions
    >>> sides = Conditions("left", "right", "rest")
    >>> _place("RL", "left", sides), _place("left-right", "left", sides)
    (2.0, 1.0)
    >>> _place("AB", "left", sides)
    """
    initials = {name[0].lower(): name for name in conditions.compared}
    said = [condition_word(w, conditions) for w in re.findall(r"[^\W\d_]+", sequence)]
    order = [name for name in said if name is not None]
    bare = re.sub(r"[\W_]+", "", sequence.lower())
    if len(initials) > 1 and bare and set(bare) <= set(initials):
        order = [initials[c] for c in bare]
    if len(order) == 1 and "first" in sequence.lower():
        order += [name for name in conditions.compared if name not in order]
    return float(order.index(way) + 1) if order.count(way) == 1 and len(order) > 1 else None


def _order_problems(frame: pd.DataFrame, column: str, file: str) -> list[Problem]:
    """How many people began with each condition."""
    first = frame.sort_values("period", kind="stable", key=lambda p: p.astype(str))
    first = first.drop_duplicates("subject")
    counts = first["direction"].astype(str).value_counts()
    shown = ", ".join(f"{n} people began with {way}" for way, n in counts.items())
    periods = frame.groupby(["subject", "direction"], observed=True)["period"].nunique()
    if (periods > 1).any():
        action = "several periods for a person and condition: the period enters no model"
    elif len(first) <= frame["period"].nunique():
        action = "too few people: the period enters no model"
    elif len(counts) < 2:
        action = "the effect of the period cannot be told from that of the condition"
    else:
        uneven = ", the orders are not balanced" if counts.nunique() > 1 else ""
        return [
            Problem("guess", file, "", column, shown, "", f"the period enters the model{uneven}")
        ]
    return [Problem("warning", file, "", column, shown, "", action)]
