"""Cells of a column to numbers, directions and words; what is not one is listed by row."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.errors import InputError
from retrostats.read import cells as cell
from retrostats.read.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

LARGEST = 1e15
#: Longest name of a person, arm or time.
MAX_NAME = 500
#: Cells of a column that are listed one by one; the others are counted.
LISTED = 50
DIRECTIONS = {
    "forward": ("forward", "forwards", "fw", "fwd", "f", "fr", "vorwarts", "vw", "vor", "avant",
                "en avant", "avanti", "adelante", "hacia adelante"),
    "backward": ("backward", "backwards", "bw", "bwd", "b", "br", "retro", "ruckwarts", "rw",
                 "ruck",
                 "arriere", "en arriere", "indietro", "all indietro", "atras", "hacia atras"),
}  # fmt: skip

GAITS = {
    "run": ("run", "running", "jog", "jogging", "laufen", "lauf", "course", "courir", "corsa",
            "correre", "carrera", "correr"),
    "walk": ("walk", "walking", "gehen", "gang", "marche", "marcher", "cammino", "camminare",
             "caminar", "caminata"),
}  # fmt: skip
CONTROL = ("control", "controls", "con", "ctrl", "cg", "kg", "kontrolle", "kontrollgruppe",
           "controle", "controllo", "no training", "usual activity")  # fmt: skip
CODES = {"direction": DIRECTIONS, "gait": GAITS}


@dataclass(frozen=True, slots=True)
class Rules:
    """How the cells of a table are read.

    `decimal` is the mark that a spec states (found by the cells if empty), `missing` the texts
    that it calls no value, such as "999", `delimiter` what separates the columns.
    """

    decimal: str = ""
    missing: tuple[str, ...] = ()
    delimiter: str = ""


def numbers(
    column: pd.Series,
    name: str,
    file: str,
    problems: list[Problem],
    rules: Rules | None = None,
    clock: bool = False,
) -> Numbers:
    """Finite numbers, NaN where there is no value; anything else is an error.

    Parameters
    ----------
    column
        Numbers or text, row numbers as index.
    rules
        What the spec and the file say of all cells.
    clock
        Whether m:ss is minutes and seconds, as pace is written.
    """
    import pandas as pd

    rules = rules or Rules()
    missing = rules.missing
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        coded_missing = [v for v in map(cell.number, missing) if v is not None]
        values = np.where(np.isin(values, coded_missing), np.nan, values)
        with np.errstate(invalid="ignore"):
            bad = np.isinf(values) | (np.abs(values) >= LARGEST)
        found = [f"{v:g}" for v in values[bad][:LISTED]]
        _list(column.index[bad], found, name, file, problems)
        return np.where(bad, np.nan, values)
    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    texts = [c if isinstance(c, str | int | float) else str(c) for c in uniques]
    gone = [cell.is_missing(c) or str(_word(c)) in missing for c in texts]
    mark = cell.Mark(rules.decimal) if rules.decimal else cell.decimal_mark(texts)
    if mark.guessed and rules.delimiter == ",":
        mark = cell.Mark(".", doubt="numbers such as 1,234 in a table separated by commas")
    _report_mark(mark, name, file, problems)
    read = [None if g else _number(c, mark, clock) for c, g in zip(texts, gone, strict=True)]
    odd = np.array([(v is None and not g) or (v is not None and abs(v) >= LARGEST)
                    for v, g in zip(read, gone, strict=True)] + [False])  # fmt: skip
    bad = odd[codes]
    at = np.flatnonzero(bad)[:LISTED]
    _list(column.index[bad], [repr(str(texts[codes[i]])[:40]) for i in at], name, file, problems)
    known = [np.nan if v is None or o else v for v, o in zip(read, odd[:-1], strict=True)]
    return np.array([*known, np.nan])[codes]


def as_numbers(column: pd.Series) -> pd.Series:
    """A column of no known meaning: numbers if every cell is one, else as it is."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    mark = cell.decimal_mark(uniques)
    read = [np.nan if cell.is_missing(c) else mark.value(c) for c in uniques]
    if mark.doubt or not read or any(value is None for value in read):
        return column
    return pd.Series(np.array([*read, np.nan], dtype=float)[codes], index=column.index)


def _number(text: Any, mark: cell.Mark, clock: bool) -> float | None:
    pace = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text.strip()) if isinstance(text, str) else None
    return int(pace[1]) + int(pace[2]) / 60 if pace and clock else mark.value(text)


def _report_mark(mark: cell.Mark, name: str, file: str, problems: list[Problem]) -> None:
    if mark.doubt:
        problems.append(
            Problem("error", file, "", name, mark.doubt, "one decimal mark",
                    'thousands or decimals? write decimal = "." or "," under [file] in a spec')
        )  # fmt: skip
    elif mark.mark != ".":
        level = "guess" if mark.guessed else "repair"
        found = "decimal commas" if mark.mark == "," else "decimal commas and points"
        problems.append(Problem(level, file, "", name, found, "decimal points", "replaced"))


def words(column: pd.Series, where: str = "") -> pd.Series:
    """Text without outer blanks, None where there is no value; whole numbers without a point."""
    import pandas as pd

    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    texts = [_short(_word(u), where) for u in uniques]
    return pd.Series(np.array([*texts, None], dtype=object)[codes], index=column.index)


def coded(
    column: pd.Series, name: str, levels: Mapping[str, str], file: str, problems: list[Problem]
) -> pd.Series:
    """Direction or gait by the words of five languages and the levels of a spec."""
    import pandas as pd

    given = {k.strip().lower(): v for k, v in levels.items()}
    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    texts = [str(_word(u) or "") for u in uniques]
    read = [_code(given.get(t.lower(), t), CODES[name]) for t in texts]
    odd = np.array([r is None and bool(t) for r, t in zip(read, texts, strict=True)] + [False])
    bad = odd[codes]
    at = np.flatnonzero(bad)[:LISTED]
    rows = column.index[bad]
    for row, i in zip(rows[: len(at)], at, strict=True):
        problems.append(
            Problem("error", file, str(row), name, repr(texts[codes[i]][:40]),
                    " or ".join(CODES[name]), "correct it, or map it under [levels] in a spec")
        )  # fmt: skip
    _rest(rows, name, file, problems)
    return pd.Series(np.array([*read, None], dtype=object)[codes], index=column.index)


def direction_word(text: str) -> str | None:
    """The direction that a word stands for, None if it is none.

    Examples
    --------
    >>> direction_word("Rückwärts"), direction_word("sideways")
    ('backward', None)
    """
    return _code(text, DIRECTIONS)


def arm_word(text: str) -> str | None:
    """Whether an arm trained backward, forward, or was the control; None if its name says none.

    Examples
    --------
    >>> arm_word("BR"), arm_word("Kontrollgruppe"), arm_word("forward and backward")
    ('backward', 'control', None)
    """
    plain = text.strip().lower()
    if plain in CONTROL or "control" in plain.split():
        return "control"
    return direction_word(text)


def _code(text: str, known: Mapping[str, Sequence[str]]) -> str | None:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    plain = " ".join(plain.replace("'", " ").split())
    exact = next((code for code, words in known.items() if plain in words), None)
    # a phrase such as "forward walking" names what exactly one of its words names
    among = {code for code, words in known.items() if set(plain.split()) & set(words)}
    return exact or (among.pop() if len(among) == 1 else None)


def _short(text: str | None, where: str) -> str | None:
    """Names are short; a long text in millions of rows is more than memory."""
    if text is not None and len(text) > MAX_NAME:
        raise InputError(
            f"{where}: found a text of {len(text)} characters ({text[:20]!r}...) where a name is "
            f"expected; allowed are {MAX_NAME} characters"
        )
    return text


def _word(value: object) -> str | None:
    if cell.is_missing(value):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return str(int(value))
    return str(value).strip()


def _list(rows: Any, found: Sequence[str], name: str, file: str, problems: list[Problem]) -> None:
    for row, text in zip(rows[: len(found)], found, strict=True):
        problems.append(
            Problem("error", file, str(row), name, text, "a number",
                    "write the number alone; dates, notes and formulas are none")
        )  # fmt: skip
    _rest(rows, name, file, problems)


def _rest(rows: Any, name: str, file: str, problems: list[Problem]) -> None:
    if len(rows) > LISTED:
        problems.append(
            Problem("error", file, f"{rows[LISTED]} and below", name,
                    f"{len(rows) - LISTED} more such cells", "as above", "correct them all")
        )  # fmt: skip
