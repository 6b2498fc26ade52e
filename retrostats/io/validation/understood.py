"""What a file was understood to be: a row a column, then who was compared, when and how often."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.io.cohort.headers import Meaning, column_words
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.values import arm_word
from retrostats.io.tables import cells as cell
from retrostats.io.tables.distinct import (
    CodedColumns,
    coded_rows,
    first_rows,
    rows_each,
    values_of_each,
)
from retrostats.io.validation.account import rows_text
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Conditions, Topic

#: Columns of the table, in order.
COLUMNS = ("header", "meaning", "unit", "first", "basis")
#: Letters of a cell of it, and words of one condition that are named.
WIDTH, NAMED = 32, 6
#: Runs of rows that are named, of so many of the first ones; cells looked at for the first value.
NAMED_ROWS, LISTED = 5, 1000


def with_values(meaning: Meaning, table: Table, frame: pd.DataFrame) -> Meaning:
    """A meaning with its first value and, of a column of codes, the words of each code.

    Parameters
    ----------
    table, frame
        The same rows as written and as read.
    """
    written, read = table.columns[meaning.header], frame[meaning.column]
    at = _first_value(written)
    first = _first(written.iloc[at], read.iloc[at], meaning) if at >= 0 else ""
    words: list[tuple[str, str]] = []
    if meaning.column in ("direction", "gait", "arm"):
        codes, texts = coded_rows(written)
        words = [
            (str(texts[code]).strip(), str(read.iloc[place]))
            for code, place in first_rows(codes, len(texts))
        ]
    shown = table.origins.get(meaning.header, meaning.header)
    return replace(meaning, shown=shown, first=first, words=tuple(words))


def _first_value(written: pd.Series) -> int:
    """Place of the first cell that says a value, -1 if none does."""
    for start in range(0, len(written), LISTED):  # a column of codes is spelled out no further
        for i, text in enumerate(written.iloc[start : start + LISTED], start):
            if not cell.is_missing(text):
                return i
    return -1


def _first(written: Any, read: Any, meaning: Meaning) -> str:
    """The first value as it stands in the file, and as it was converted."""
    said = str(written).strip()
    said = f"{written:g}" if isinstance(written, float | np.floating) else said
    if meaning.unit is None or meaning.unit.symbol == meaning.to:
        return said
    return f"{said} -> {float(read):.4g}"


def column_rows(
    meanings: Iterable[Meaning], problems: Iterable[Problem], unused: Collection[str] = ()
) -> list[dict[str, str]]:
    """One row a column of the file: header, meaning, unit, first value, stated or guessed.

    Parameters
    ----------
    unused
        Columns, or their headers, that were understood and enter nothing.
    """
    inferred = {p.column for p in problems if p.found == "no unit" and p.level == "guess"}
    rows = []
    for m in meanings:
        basis = "guess: unit by the other columns" if m.header in inferred else "stated"
        basis = f"guess: {m.guessed}" if m.guessed else basis
        same = m.unit is None or m.unit.symbol == m.to
        unit = "" if m.unit is None else m.unit.symbol if same else f"{m.unit.symbol} to {m.to}"
        name = column_words(m.column).split(" (")[0]
        basis += "; not used" if {m.column, m.header} & set(unused) else ""
        rows.append(dict(zip(COLUMNS, (m.shown or m.header, name, unit, m.first, basis),
                             strict=True)))  # fmt: skip
    return rows


def design_lines(
    coded: CodedColumns,
    topic: Topic | None,
    conditions: Conditions,
    meanings: Sequence[Meaning],
    explained: Mapping[str, Sequence[int]],
) -> list[str]:
    """Who is compared, by which words; the times in their order; repeats; what was left out."""
    lines = []
    if topic and "direction" in coded.frame:
        lines.append(_directions(coded, topic, conditions, meanings))
    if topic and topic.compares == "arm":
        lines.append(_arms_and_times(coded, conditions))
    left = [f"{reason} ({counted_rows(rows)})" for reason, rows in explained.items()]
    return lines + ([f"left out or joined: {'; '.join(left)}"] if left else [])


def counted_rows(rows: Sequence[int]) -> str:
    """How many rows, and the first of them, runs shortened.

    Examples
    --------
    >>> counted_rows([5]), counted_rows([2, 3, 4]), counted_rows(range(2, 40, 2))
    ('1 row: 5', '3 rows: 2 to 4', '19 rows: 2, 4, 6, 8, 10 ...')
    """
    runs = rows_text(map(str, sorted(rows)[:LISTED])).split(", ")
    more = " ..." if len(runs) > NAMED_ROWS or len(rows) > LISTED else ""
    shown = ", ".join(runs[:NAMED_ROWS])
    return f"{len(rows)} row{'s' * (len(rows) != 1)}: {shown}{more}"


def _directions(
    coded: CodedColumns, topic: Topic, conditions: Conditions, meanings: Sequence[Meaning]
) -> str:
    words: dict[str, list[str]] = {code: [] for code in conditions.compared}
    for m in meanings:
        for word, code in m.words if m.column == "direction" else ():
            if code in words and word not in (code, *words[code]):
                words[code].append(word)
    _, ways = values_of_each(coded, "direction", by="subject")
    people = f"{int((ways > 1).sum())} of {len(ways)} people in both"
    if not topic.paired:
        counts = dict(zip(*values_of_each(coded, "subject", by="direction"), strict=True))
        held = (way for way in conditions.compared if way in counts)
        people = ", ".join(f"{counts[way]} people {way}" for way in held)
    both = [_named(conditions.first, words), _named(conditions.second, words)]
    frame = coded.frame
    gait = "; taken as running" if topic.gait and "gait" not in frame else ""
    speeds = len(coded.held("nominal_speed_m_s")) if "nominal_speed_m_s" in frame else 0
    at = f", {speeds} speed{'s' * (speeds > 1)}" if speeds else ""
    keys = ["subject", "direction", *(k for k in ("gait", "nominal_speed_m_s", "gradient_pct")
                                      if k in frame)]  # fmt: skip
    return f"compared: {both[0]} with {both[1]}; {people}{at}, {_each(coded, keys)}{gait}"


def _named(name: str, words: Mapping[str, Sequence[str]]) -> str:
    """A condition with what else the file calls it."""
    other = ", ".join(map(repr, words[name][:NAMED]))
    return f"{name} ({other})" if other else name


def _each(coded: CodedColumns, keys: Sequence[str]) -> str:
    """How many rows each person has in each cell."""
    low, high = rows_each(coded, keys)
    return f"{low} row{'s' * (low > 1)} each" if low == high else f"{low} to {high} rows each"


def _arms_and_times(coded: CodedColumns, conditions: Conditions) -> str:
    frame = coded.frame
    times = " < ".join(frame["time"].astype(str).unique())
    rows = _each(coded, ["subject", "time"])
    if "arm" not in frame or frame["arm"].isna().all():
        everybody = f"{len(coded.held('subject'))} people"
        return f"arms: everybody {conditions.first}; times: {times}; {everybody}, {rows}"
    people = dict(zip(*values_of_each(coded, "subject", by="arm"), strict=True))
    said = []
    for arm, count in sorted(people.items()):
        kind = arm_word(str(arm), conditions) or "none of them"
        taken = "" if str(arm).lower() == kind else f" taken as {kind}"
        said.append(f"{arm}{taken} ({count} people)")
    return f"arms: {', '.join(said)}; times: {times}; {rows}"


def understood_lines(provenance: Mapping[str, Any]) -> list[str]:
    """The table in aligned columns, then the lines on the design.

    Examples
    --------
    >>> row = dict(zip(COLUMNS, ("ID", "subject", "", "p1", "stated")))
    >>> understood_lines({"columns": [row], "design": ["times: pre < post"]})
    ['ID  subject    p1  stated', 'times: pre < post']
    """
    cells = [[_short(row[name]) for name in COLUMNS[:-1]] for row in provenance.get("columns", ())]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    table = [
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=True)), said["basis"]])
        for row, said in zip(cells, provenance.get("columns", ()), strict=True)
    ]
    return [*table, *provenance.get("design", ())]


def account_lines(provenance: Mapping[str, Any]) -> list[str]:
    """All that is said of a file: the table, the lines on the design, what else was found.

    The same lines in `validate`, on the terminal of `replicate` and, as a table, on its page.
    """
    return [*understood_lines(provenance), *provenance.get("reading", ())]


def _short(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 3]}..."


def not_shown(problems: Iterable[Problem]) -> list[Problem]:
    """The findings that the table and the lines on the design do not say already."""
    return [p for p in problems if not (p.level == "guess" and _is_shown(p))]


def _is_shown(problem: Problem) -> bool:
    orders = ("order by its words;", "order by date", "order by number;")
    return (
        problem.names_itself
        or problem.found == "describes people or the test"
        or (problem.column == "gait" and problem.action == "taken as running")
        or (problem.column == "time" and problem.action.startswith(orders))
        or (problem.column == "arm" and problem.action.startswith("taken as ")
            and not problem.action.endswith("none of them"))
    )  # fmt: skip
