"""Columns that tell repeated rows of a person apart: a factor is asked about, never averaged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from retrostats.io.cohort.headers import BY_UNIT, MEASURES, kind_of
from retrostats.io.tables.distinct import CodedColumns
from retrostats.io.tables.words import letters
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Topic

#: Words of a column that only counts repeats, in five languages.
_COUNTING = """
trial trials repeat repeats repetition rep reps replicate scan scans measurement measure
measurements no nr num number index order row line attempt bout lap test try run sample
interval breath minute min second sec set n count seq sequence stride step day date session
visit block duplicate take period sequence reading readings versuch durchgang durchlauf
wiederholung messung nummer lauf tag essai mesure numero repetition prova misura ripetizione
giorno ensayo intento medida medicion repeticion dia jour
"""
COUNTING = frozenset(_COUNTING.split())
#: Words of a column that names a factor, whatever its values.
_FACTORS = """
method methods device instrument machine analyser analyzer region site segment side leg limb
foot arm grade incline slope gradient condition phase training trained surface shoe shoes
footwear operator rater observer lab software mode protocol diet supplement stage level
methode gerat seite bein region phase bedingung appareil cote jambe condizione lato
dispositivo metodo lado pierna condicion
"""
FACTORS = frozenset(_FACTORS.split())
#: Ends the name of a column of codes that keeps what was written for them.
AS_WRITTEN = ", as written"
#: Repeated cells that are looked at, levels that a factor has at most, levels that are named.
CELLS, LEVELS, NAMED = 2000, 20, 6
#: Cells with the same levels that make a factor of a column of numbers.
SAME = 3


def factor_problems(
    coded: CodedColumns,
    keys: Sequence[str],
    topic: Topic,
    outcome: str,
    file: str,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> list[Problem]:
    """A question for each column outside the keys that tells repeated measurements apart.

    Parameters
    ----------
    keys
        Columns that tell two measurements of a person apart for the topic's analysis.
    topic, outcome
        What its analysis needs and explains is measured, and no factor.
    headers
        What the file calls a column.
    """
    frame = coded.frame.reset_index(drop=True)  # a row of a wide table stands in several
    known = {*keys, *topic.needs, *topic.outcomes, outcome, "nominal_speed_m_s", "arm"}
    known -= {"time"} - set(keys)
    if topic.compares != "arm":  # a condition beside the one compared
        known -= {"arm"}
    asked = [str(c) for c in frame if str(c) not in known and not str(c).startswith("source_")]
    cells = _repeated_cells(frame, keys) if asked else None
    if cells is None:
        return []
    found = []
    for column in asked:
        levels = _levels(frame[column], cells) if _may_be_factor(column) else []
        visits = column == "time" and levels == [str(i + 1) for i in range(len(levels))]
        if levels and not visits:  # numbered visits are repeats
            name = column.removesuffix(AS_WRITTEN)
            others = [] if name == column else _others(frame[column], levels)
            found.append(_question(file, headers.get(name, name), levels, others))
    return found


def _repeated_cells(frame: pd.DataFrame, keys: Sequence[str]) -> pd.Series | None:
    """The number of its cell for each row of the first cells with several rows; None without."""
    cell = frame.groupby(list(keys), observed=True, dropna=False, sort=False).ngroup()
    cell = cell[cell.duplicated(keep=False)]
    if cell.empty:
        return None
    first: pd.Series = cell[cell.isin(cell.unique()[:CELLS])]
    return first


def _may_be_factor(column: str) -> bool:
    """Whether a column is neither a measurement nor a number of the repeat."""
    measured = {name for known in BY_UNIT.values() for name, _ in known.values()}
    kind = kind_of(column)
    if column in measured or (kind in MEASURES and column != "gradient_pct"):
        return False
    words = set(letters(column).split()) - {"id", "of"}
    return not (words and not words & FACTORS and words & COUNTING)


def _levels(column: pd.Series, cells: pd.Series) -> list[str]:
    """Levels of a column that tells the rows of a cell apart; none where it is no factor."""
    values = column.loc[cells.index].dropna()
    spelled = [_text(v) for v in values]
    if not 2 <= len(set(spelled)) <= LEVELS or _counts_repeats(spelled):
        return []
    held: dict[int, list[str]] = {}
    for cell, text in zip(cells.loc[values.index], spelled, strict=True):
        held.setdefault(int(cell), []).append(text)
    apart = [frozenset(texts) for texts in held.values() if len(set(texts)) > 1]
    if not apart:
        return []
    several = len(apart) > len(held) / 2
    named = bool(set(letters(str(column.name)).split()) & FACTORS)
    most = Counter(apart).most_common(1)[0][1]
    same = most > len(apart) / 2 and most >= (1 if named else SAME)
    words = not all(_is_number(text) for text in set(spelled))
    once = sum(len(set(texts)) == len(texts) for texts in held.values()) >= 0.9 * len(held)
    crossed = words and once and len(set(spelled)) <= len(held) / 2
    return sorted(set(spelled)) if (several or named) and (same or named or crossed) else []


def _counts_repeats(texts: Sequence[str]) -> bool:
    """Whether every text is a counting word with a number: "trial 1", "scan_2"."""
    parts = {tuple(letters(text).rstrip("0123456789 ").split()) for text in set(texts)}
    return bool(parts) and all(part and set(part) <= COUNTING for part in parts)


def _text(value: object) -> str:
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _others(column: pd.Series, levels: Sequence[str]) -> list[str]:
    """What else a column of codes holds: the other condition, which is kept beside one level."""
    return [text for text in map(_text, column.dropna().unique()) if text not in levels]


def _question(file: str, column: str, levels: Sequence[str], others: Sequence[str]) -> Problem:
    shown = ", ".join(levels[:NAMED]) + (" ..." if len(levels) > NAMED else "")
    lines = " or ".join(f'"{column}" = {_kept(level, others)}' for level in levels[:3])
    return Problem(
        "error", file, "", column, f"repeated rows told apart by it: {shown}",
        "one of them, or mere repeats",
        f"which is meant? write under [filter] in a spec {lines}; they are not averaged. "
        "Where it only numbers repeats, call the column trial",
    )  # fmt: skip


def _kept(level: str, others: Sequence[str]) -> str:
    """The value of a filter that keeps one level, and the other condition beside it."""
    quoted = [f'"{text}"' for text in (*others, level)]
    return f"[{', '.join(quoted)}]" if others else quoted[0]
