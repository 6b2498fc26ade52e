"""Cells of a column to numbers, codes and texts; what is not one is listed by row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.arrays import floats_of
from retrostats.common.errors import InputError
from retrostats.common.nearest import nearest
from retrostats.common.vocabulary import Conditions
from retrostats.io.tables import cells as cell
from retrostats.io.tables.distinct import coded_rows, spelled_out, values_held, words_of
from retrostats.io.tables.passes import ends
from retrostats.io.tables.words import GAITS, named, plain
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

LARGEST = 1e15
#: Longest name of a person, arm or time.
MAX_NAME = 500
#: Longest number that is read without a closer look.
MAX_DIGITS = 40
#: Cells of a column that are listed one by one; the others are counted.
LISTED = 50
#: Words for the way that people usually go.
USUAL_WAY = frozenset({"normal", "normally", "usual", "regular", "standard", "conventional"})


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
        Whether m:ss is minutes and seconds, as pace is written; h:mm:ss too.
    """
    import pandas as pd

    rules = rules or Rules()
    missing = rules.missing
    if pd.api.types.is_numeric_dtype(column.dtype) and column.dtype != bool:
        values = floats_of(column)
        coded_missing = [v for v in map(cell.number, missing) if v is not None]
        if coded_missing:
            values = np.where(np.isin(values, coded_missing), np.nan, values)
        low, high = ends(values)
        if not (low <= -LARGEST or high >= LARGEST):
            return values
        with np.errstate(invalid="ignore"):
            bad = np.isinf(values) | (np.abs(values) >= LARGEST)
        found = [f"{v:g}" for v in values[bad][:LISTED]]
        _list(column.index[bad], found, name, file, problems)
        return np.where(bad, np.nan, values)
    codes, uniques = coded_rows(column)
    simple = None if missing or rules.decimal == "," else plain_numbers(list(uniques))
    if simple is not None:
        return np.append(simple, np.nan)[codes]
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


def plain_numbers(texts: Sequence[Any]) -> Numbers | None:
    """Numbers of texts that are digits with a point or none, read all at once.

    None where one is anything else, or where no text proves that the point is decimal.

    Examples
    --------
    >>> plain_numbers(["1.5", "-20"]), plain_numbers(["1.200"]), plain_numbers(["1,5"])
    (array([  1.5, -20. ]), None, None)
    """
    if not len(texts) or not all(type(text) is str for text in texts):
        return None
    together = "\n".join(texts)
    if _NOT_PLAIN.search(together) or max(map(len, texts)) > MAX_DIGITS:
        return None
    if "." in together and not _DECIMAL.search(together):
        return None
    try:
        values = np.array([float(text) for text in texts])
    except ValueError:
        return None
    low, high = ends(values)
    return None if low <= -LARGEST or high >= LARGEST else values


_NOT_PLAIN = re.compile(r"[^0-9.\-\n]")
#: A point that is not before exactly three digits that thousands would have.
_DECIMAL = re.compile(r"^-?(?:(?:0\d*|\d{4,})?\.\d+|\d+\.(?:\d{0,2}|\d{4,}))$", re.MULTILINE)


def as_numbers(column: pd.Series) -> pd.Series:
    """A column of no known meaning: numbers if every cell is one, else as it is."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    codes, uniques = coded_rows(column)
    simple = plain_numbers(list(uniques))
    if simple is not None:
        return pd.Series(np.append(simple, np.nan)[codes], index=column.index)
    mark = cell.decimal_mark(uniques)
    read = [np.nan if cell.is_missing(c) else mark.value(c) for c in uniques]
    if mark.doubt or not read or any(value is None for value in read):
        return column
    return pd.Series(np.array([*read, np.nan], dtype=float)[codes], index=column.index)


def _number(text: Any, mark: cell.Mark, clock: bool) -> float | None:
    found = _CLOCK.fullmatch(text.strip()) if clock and isinstance(text, str) else None
    if not found:
        return mark.value(text)
    first, second, third = (int(part or 0) for part in found.groups())
    if found[3] is None or (first and not third):  # m:ss, also as a spreadsheet keeps what is typed
        return first + second / 60
    return 60 * first + second + third / 60


_CLOCK = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d)(?:\.0+)?)?")


def is_clock(column: pd.Series) -> bool:
    """Whether every text of a column is a time of the day.

    Examples
    --------
    >>> import pandas as pd
    >>> is_clock(pd.Series(["9:00", "14:30:05"])), is_clock(pd.Series(["pre", "post"]))
    (True, False)
    """
    said = [str(text).strip() for text in column.dropna().unique()]
    return bool(said) and all(
        (found := _CLOCK.fullmatch(text)) is not None and int(found[1]) < 24 for text in said
    )


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


def texts(column: pd.Series, where: str = "") -> pd.Series:
    """Text without outer blanks, None where there is no value; whole numbers without a point."""

    return spelled_out(named_rows(column, where))


def named_rows(column: pd.Series, where: str = "") -> pd.Series:
    """As `texts`, as a categorical."""
    import pandas as pd

    codes, uniques = coded_rows(column)
    bare = _bare_words(list(uniques))
    if bare:  # each its own word
        words = pd.Categorical.from_codes(codes, pd.Index(bare, dtype=str), validate=False)
    else:
        words = words_of(codes, [_short(_word(u), where) for u in uniques])
    return pd.Series(words, index=column.index, copy=False)


def _bare_words(values: Sequence[Any]) -> list[str] | None:
    """The words of values that are short names or whole numbers already; None if one is not.

    Asked of all in one text: no blank, no word of no value, one a line.

    Examples
    --------
    >>> _bare_words(["p1", "p2"]), _bare_words([7, 8]), _bare_words(["p1", " p2"])
    (['p1', 'p2'], ['7', '8'], None)
    >>> _bare_words(["p1", "NA"]) is None
    True
    """
    if not values or len(set(map(type, values))) > 1 or type(values[0]) not in (str, int):
        return None
    words = list(map(str, values))
    together = "\n".join(words)
    if not together.isascii() or together.split() != words:
        return None
    missing = not cell.MISSING.isdisjoint(together.lower().split("\n"))
    return None if missing or max(map(len, words)) > MAX_NAME else words


def codes_of(column: str, conditions: Conditions) -> dict[str, tuple[str, ...]] | None:
    """What a column of codes may hold, each with its words; None for a column of other things."""
    if column == "gait":
        return GAITS
    if column == "direction":
        return {name: conditions.words(name) for name in conditions.compared}
    return None


def coded(
    column: pd.Series,
    name: str,
    known: Mapping[str, Sequence[str]],
    levels: Mapping[str, str],
    file: str,
    problems: list[Problem],
) -> pd.Series:
    """The codes of a column, by the words of each (`known`) and the levels of a spec."""
    import pandas as pd

    given = {k.strip().lower(): v for k, v in levels.items()}
    codes, uniques = coded_rows(column)
    said = [str(_word(u) or "") for u in uniques]
    read = [named(given.get(t.lower(), t), known) for t in said]
    if name == "direction":
        read = _with_usual(said, read, known, file, problems)
    odd = np.array([r is None and bool(t) for r, t in zip(read, said, strict=True)] + [False])
    parsed = pd.Series(words_of(codes, read), index=column.index, copy=False)
    if not odd.any():
        return parsed
    bad = odd[codes]
    at = np.flatnonzero(bad)[:LISTED]
    rows = column.index[bad]
    strange = {t for t, r in zip(said, read, strict=True) if t and r is None}
    missing = [code for code in known if code not in read]
    only = missing if name == "direction" and len(strange) == len(missing) == 1 else None
    for row, i in zip(rows[: len(at)], at, strict=True):
        problems.append(
            Problem("error", file, str(row), name, repr(said[codes[i]][:40]),
                    " or ".join(known), "correct it, or say under [levels] in a spec what it is: "
                    + _lines(said[codes[i]], known, only))
        )  # fmt: skip
    _rest(rows, name, file, problems)
    return parsed


def _with_usual(
    said: Sequence[str],
    read: Sequence[str | None],
    known: Mapping[str, Sequence[str]],
    file: str,
    problems: list[Problem],
) -> list[str | None]:
    """The codes of the words, "normal" as the reference where it alone is missing."""
    strange = {t for t, r in zip(said, read, strict=True) if t and r is None}
    reference, *others = known
    if not (len(strange) == 1 and plain(next(iter(strange))) in USUAL_WAY):
        return list(read)
    if reference in read or not set(others) <= set(read):
        return list(read)
    word = next(iter(strange))
    problems.append(
        Problem("guess", file, "", "direction", repr(word), "", f"read as {reference}, the way "
                "that is usual; say under [levels] in a spec if it is another")
    )  # fmt: skip
    return [reference if t == word else r for t, r in zip(said, read, strict=True)]


def several_phrases(column: pd.Series, known: Mapping[str, Sequence[str]]) -> bool:
    """Whether two phrases of a column name one code and say more, as "left high", "left low".

    Examples
    --------
    >>> import pandas as pd
    >>> sides = {"left": ("left", "links"), "right": ("right",)}
    >>> several_phrases(pd.Series(["left", "Links", "right"]), sides)
    False
    >>> several_phrases(pd.Series(["left low", "left high", "right"]), sides)
    True
    """
    more: dict[str, set[frozenset[str]]] = {}
    for text in values_held(column):
        code = named(str(text), known)
        if code:
            of = {word for said in (code, *known[code]) for word in plain(said).split()}
            more.setdefault(code, set()).add(frozenset(plain(str(text)).split()) - of)
    return any(len(phrases) > 1 for phrases in more.values())


def _lines(
    word: str, known: Mapping[str, Sequence[str]], missing: Sequence[str] | None = None
) -> str:
    """The line of a spec for the code that a word nearly names; one for each where none is near.

    Where one code is `missing` and one word strange, it is the code for the word.
    """
    of = {plain(said): name for name, words in known.items() for said in (name, *words)}
    near = nearest(plain(word), of)
    names = [of[near]] if near else list(missing or known)
    return " or ".join(f'"{word[:40]}" = "{name}"' for name in names)


def condition_word(text: str, conditions: Conditions) -> str | None:
    """The condition that a word stands for, None if it is none.

    Examples
    --------
    >>> sides = Conditions("left", "right", synonyms={"left": ("links", "izquierda")})
    >>> condition_word("Links", sides), condition_word("right leg", sides)
    ('left', 'right')
    >>> condition_word("upwards", sides) is None
    True
    """
    return named(text, {name: conditions.words(name) for name in conditions.compared})


def arm_word(text: str, conditions: Conditions) -> str | None:
    """The condition that an arm was given, or the control; None if its name says none.

    Examples
    --------
    >>> sides = Conditions("left", "right", "rest", {"rest": ("pause",)})
    >>> arm_word("Right", sides), arm_word("rest group", sides), arm_word("left and right", sides)
    ('right', 'rest', None)
    """
    said, control = plain(text), conditions.control
    if control in conditions.compared:  # one of the two, a word like the other
        return condition_word(text, conditions)
    if said in map(plain, conditions.words(control)) or plain(control) in said.split():
        return control
    return condition_word(text, conditions)


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
