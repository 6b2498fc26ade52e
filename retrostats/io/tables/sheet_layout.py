"""The rows and cells of a worksheet as it is written, where it is written in the common way.

A sheet of a million cells is some forty million bytes: they are looked at a few times, by arrays of
the places of its tags, never tag by tag.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.files import MAX_COLUMNS, MAX_GRID_CELLS
from retrostats.io.tables.grid import column_number

#: Texts that are empty, escaped (_x000D_), or with readings beside them (<rPh>).
_TEXTS = (b"<si/>", b"<si></si>", b"<t></t>", b'preserve"></t>', b"<rPh", b"_x")
_KEPT = b'<t xml:space="preserve">'
#: calamine takes blanks away that nobody asked to keep.
_BLANKS = re.compile(rb"<t>(?:\s|[^<]*\s</t>)")
#: Types of cells that both read alike, and of formulas, whose attribute has the same name.
_TYPES = (b"s", b"n", b"b", b"str", b"shared", b"array", b"dataTable")
#: Those of one letter, which stand last in most tags of cells.
_LETTERS = frozenset(b"snb")
#: openpyxl tells 5 from 5.0, and whole numbers beyond those of a float, by how they are written.
_EXPONENT = re.compile(rb"<v>([-+.\d]+[eE][-+]?\d+)</v>")
_LONG = 16
_ERROR = re.compile(
    rb'<c r="([A-Z]{1,3})(\d{1,7})"(?: s="\d+")? t="e">'
    rb"(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([#A-Z/0!?]+)</v></c>"
)
#: Places in a text, or numbers.
Places = NDArray[Any]
_NONE: Places = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class PlainSheet:
    """Number and width of each row, cells without a value counted; errors by row and column."""

    numbers: Places = field(default_factory=_NONE.copy)
    widths: Places = field(default_factory=_NONE.copy)
    errors: tuple[tuple[int, int, str], ...] = ()


class _Tags:
    """The text of the rows of a sheet, and where its tags begin, by their first letters."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        # past the last one there is room
        self.text = np.frombuffer(body + b" " * 16, dtype=np.uint8)
        self.starts = np.flatnonzero(self.text == ord("<"))
        self.first = self.text[self.starts + 1]
        self.second = self.text[self.starts + 2]

    def places(self, letters: bytes) -> Places:
        """Where tags begin with one or two letters."""
        found = self.first == letters[0]
        if letters[1:]:
            found &= self.second == letters[1]
        places: Places = self.starts[found]
        return places


def sheet_layout(sheet: bytes) -> PlainSheet | None:
    """Layout of a sheet; None where it is not written in the common way."""
    start, end = sheet.find(b"<sheetData>"), sheet.rfind(b"</sheetData>")
    if start < 0 or end < 0:
        alone = sheet.count(b"<sheetData") == sheet.count(b"<sheetData/>") == 1
        return PlainSheet() if alone else None
    tags = _Tags(sheet[start + 11 : end])
    prefixed = b":" in tags.body and b":sheet" in tags.body
    if prefixed or len(tags.places(b"sh")) or len(tags.places(b"/s")):
        return None
    errors = _typed(tags)
    if errors is None or not _plain_numbers(tags):
        return None
    rows = _rows(tags)
    return None if rows is None else PlainSheet(*rows, errors)


def _typed(tags: _Tags) -> tuple[tuple[int, int, str], ...] | None:
    """Cells that hold errors; None where one is of a kind, or holds a text, that is read apart."""
    body, text = tags.body, tags.text
    every = body.count(b' t="')
    cells = np.flatnonzero(tags.first == ord("c"))
    ends = tags.starts[np.minimum(cells + 1, len(tags.starts) - 1)]
    one = _begin(text, ends - 2, b'">') & _begin(text, ends - 7, b' t="')
    one &= np.isin(text[ends - 3], list(_LETTERS))
    kinds = (b"inlineStr", b"str")
    rest = ends[~one]
    inline, words = (_begin(text, rest - len(end), end).sum()
                     for end in (b' t="%s">' % kind for kind in kinds))  # fmt: skip
    if one.sum() + inline + words == every:
        return () if not inline or _plain_inline(tags) else None
    errors = tuple(
        (int(row), column_number(letters.decode()), found.decode())
        for letters, row, found in _ERROR.findall(body)
    )
    types = sum(body.count(b' t="%s"' % kind) for kind in _TYPES)
    inline = body.count(b' t="inlineStr"')
    known = every == types + inline + len(errors) and (not inline or plain_strings(body))
    return errors if known else None


def _plain_inline(tags: _Tags) -> bool:
    """Whether both read the same texts in cells: at once where none is escaped or has blanks."""
    at = np.flatnonzero(tags.first == ord("t"))
    starts = tags.starts[at] + len(b"<t>")
    ends = tags.starts[np.minimum(at + 1, len(tags.starts) - 1)]
    edges = np.concatenate([tags.text[starts], tags.text[ends - 1]])
    plain = _begin(tags.text, starts - 3, b"<t>").all() and bool((starts < ends).all())
    if plain and not np.isin(edges, list(b" \t\n\r\f\v")).any() and b"_" not in tags.body:
        return not len(tags.places(b"rP"))
    return plain_strings(tags.body)


def plain_strings(part: bytes) -> bool:
    """Whether both read the same texts."""
    if part.count(b"<t") != part.count(b"<t>") + part.count(_KEPT) + part.count(b"<tableParts"):
        return False
    if any(mark in part for mark in _TEXTS):
        return False
    edges = [b"<t>%c" % c for c in b" \t\n"] + [b"%c</t>" % c for c in b" \t\n"]
    return not any(edge in part for edge in edges) or not _BLANKS.search(part)


def _plain_numbers(tags: _Tags) -> bool:
    """Whether whole numbers are written as such, and no others."""
    text, starts = tags.text, tags.places(b"v>") + len(b"<v>")
    ends = tags.places(b"/v")
    if len(tags.places(b"v")) != len(starts) or len(starts) != len(ends) or (starts > ends).any():
        return False
    if _no_digits(text, starts, ends) or _zeros_after_point(text, ends):
        return False
    marks = np.flatnonzero((text | 32) == ord("e"))  # of either case
    before = text[marks - 1]
    if not (((before >= ord("0")) & (before <= ord("9"))) | (before == ord("."))).any():
        return True
    return not any(float(number).is_integer() for number in _EXPONENT.findall(tags.body))


def _no_digits(text: Places, starts: Places, ends: Places) -> bool:
    """Whether a value begins as nan or inf does, or with more digits than a float tells apart."""
    sign = np.isin(text[starts], list(b"+-"))
    if np.isin(text[starts + sign] | 32, list(b"ni")).any():
        return True
    at = (starts + (text[starts] == ord("-")))[ends - starts >= _LONG]
    for _ in range(_LONG):
        digits = (text[at] >= ord("0")) & (text[at] <= ord("9"))
        at = at[digits] + 1
    return bool(len(at))


def _zeros_after_point(text: Places, ends: Places) -> bool:
    """Whether a value ends with a point and no other digit than zeros after it."""
    at = ends - 1
    while len(at):
        if (text[at] == ord(".")).any():
            return True
        at = at[text[at] == ord("0")] - 1
    return False


def _rows(tags: _Tags) -> tuple[Places, Places] | None:
    """Number and width of each row, where they and their cells stand in order.

    Every cell and every row has to begin as `<c r="` and `<row r="`.
    """
    text, rows, cells = tags.text, tags.places(b"ro"), tags.places(b"c")
    if not (_begin(text, rows, b'<row r="').all() and _begin(text, cells, b'<c r="').all()):
        return None
    numbers, ends = _digits(text, rows + len(b'<row r="'))
    columns, after = _letters(text, cells + len(b'<c r="'))
    of_row, ends_of_cells = _digits(text, after)
    row = np.searchsorted(rows, cells) - 1
    if not len(rows) or (len(row) and row[0] < 0):
        return None if len(cells) else (numbers, numbers)
    ordered = (np.diff(numbers) > 0).all() and (np.diff(columns)[np.diff(row) == 0] > 0).all()
    whole = all((text[end] == ord('"')).all() for end in (ends, ends_of_cells))
    if not (ordered and whole and (numbers > 0).all() and (columns > 0).all()
            and (of_row == numbers[row]).all()):  # fmt: skip
        return None
    widths = np.zeros(len(rows), dtype=np.int64)
    last = np.flatnonzero(np.diff(row, append=-1))  # of each row the last cell
    widths[row[last]] = columns[last]
    widest = int(widths.max())
    if widest > MAX_COLUMNS or int(numbers[-1]) * widest > MAX_GRID_CELLS:
        return None
    return numbers, widths


def _begin(text: Places, places: Places, letters: bytes) -> NDArray[np.bool_]:
    """At which places these letters stand."""
    found = np.ones(len(places), dtype=bool)
    for i, letter in enumerate(letters):
        found &= text[places + i] == letter
    return found


def _digits(text: Places, at: Places) -> tuple[Places, Places]:
    """The numbers of up to seven digits that begin at some places, and where each ends.

    0 where none begins there, or with a zero.
    """
    value, at = np.zeros(len(at), dtype=np.int32), at.copy()
    for _ in range(7):
        digit = text[at] - np.uint8(ord("0"))  # what stands before 0 wraps round to above 9
        is_digit = (digit <= 9) & ((value > 0) | (digit > 0))
        if not is_digit.any():
            break
        value = np.where(is_digit, 10 * value + digit, value)
        at += is_digit
    return value, at


def _letters(text: Places, at: Places) -> tuple[Places, Places]:
    """Numbers of the columns whose up to three letters begin at some places, and where they end."""
    value, at = np.zeros(len(at), dtype=np.int32), at.copy()
    for _ in range(3):
        letter = text[at] - np.uint8(ord("A"))  # what stands before A wraps round to above Z
        is_letter = letter < 26
        if not is_letter.any():
            break
        value = np.where(is_letter, 26 * value + letter + 1, value)
        at += is_letter
    return value, at
