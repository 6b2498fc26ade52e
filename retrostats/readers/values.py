"""Cells of a column to numbers, directions and words; what is not one is listed by row."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.readers import cells as cell
from retrostats.validation.checks import Problem

if TYPE_CHECKING:
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

LARGEST = 1e15
#: Cells of a column that are listed one by one; the others are counted.
LISTED = 50
DIRECTIONS = {
    "forward": ("forward", "forwards", "fw", "fwd", "f", "vorwarts", "vw", "vor", "avant",
                "en avant", "avanti", "adelante", "hacia adelante"),
    "backward": ("backward", "backwards", "bw", "bwd", "b", "retro", "ruckwarts", "rw", "ruck",
                 "arriere", "en arriere", "indietro", "all indietro", "atras", "hacia atras"),
}  # fmt: skip

GAITS = {
    "run": ("run", "running", "jog", "jogging", "laufen", "lauf", "course", "courir", "corsa",
            "correre", "carrera", "correr"),
    "walk": ("walk", "walking", "gehen", "gang", "marche", "marcher", "cammino", "camminare",
             "caminar", "caminata"),
}  # fmt: skip
CODES = {"direction": DIRECTIONS, "gait": GAITS}


def numbers(
    column: pd.Series, name: str, file: str, problems: list[Problem], decimal: str = ""
) -> Numbers:
    """Finite numbers, NaN where there is no value; anything else is an error.

    Parameters
    ----------
    column
        Numbers or text, row numbers as index.
    decimal
        Mark that the spec states; found by the cells if empty.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
        values = column.to_numpy(dtype=float, na_value=np.nan)
        with np.errstate(invalid="ignore"):
            bad = np.isinf(values) | (np.abs(values) >= LARGEST)
        found = [f"{v:g}" for v in values[bad][:LISTED]]
        _list(column.index[bad], found, name, file, problems)
        return np.where(bad, np.nan, values)
    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    texts = [c if isinstance(c, str | int | float) else str(c) for c in uniques]
    comma, guessed = cell.decimal_comma(texts) if not decimal else (decimal == ",", False)
    if comma:
        level = "guess" if guessed else "repair"
        problems.append(
            Problem(level, file, "", name, "decimal commas", "decimal points", "replaced")
        )
    read = [None if cell.is_missing(c) else cell.number(c, comma) for c in texts]
    odd = np.array([(v is None and not cell.is_missing(c)) or (v is not None and abs(v) >= LARGEST)
                    for v, c in zip(read, texts, strict=True)] + [False])  # fmt: skip
    bad = odd[codes]
    at = np.flatnonzero(bad)[:LISTED]
    _list(column.index[bad], [repr(str(texts[codes[i]])[:40]) for i in at], name, file, problems)
    known = [np.nan if v is None or o else v for v, o in zip(read, odd[:-1], strict=True)]
    return np.array([*known, np.nan])[codes]


def words(column: pd.Series) -> pd.Series:
    """Text without outer blanks, None where there is no value; whole numbers without a point."""
    import pandas as pd

    codes, uniques = pd.factorize(column, use_na_sentinel=True)
    texts = [_word(u) for u in uniques]
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


def _code(text: str, known: Mapping[str, Sequence[str]]) -> str | None:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    plain = " ".join(plain.replace("'", " ").split())
    return next((code for code, words in known.items() if plain in words), None)


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
                    "correct the cell; a formula or a date is not a number")
        )  # fmt: skip
    _rest(rows, name, file, problems)


def _rest(rows: Any, name: str, file: str, problems: list[Problem]) -> None:
    if len(rows) > LISTED:
        problems.append(
            Problem("error", file, f"{rows[LISTED]} and below", name,
                    f"{len(rows) - LISTED} more such cells", "as above", "correct them all")
        )  # fmt: skip
