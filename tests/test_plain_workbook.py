"""calamine reads a workbook only where every cell is what openpyxl gives."""

from __future__ import annotations

import datetime as dt
import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from doors.io import workbook

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("python_calamine")
ROOT = Path(__file__).resolve().parents[1]
FILES = sorted([*(ROOT / "tests").rglob("*.xlsx"), *(ROOT.parent / "shared").rglob("*.xlsx")])
CELLS = [1, 2.5, None, "a", True, False, "=1/0", 12345678901234, 1e-5, -0.0, "&<>", 0.1 + 0.2, "12"]
TIMES = ["yyyy-mm-dd", "h:mm", "yyyy\\-mm\\-dd", "[h]:mm:ss", "d/m/yy;@", "m/d/yy h:mm", "AM/PM"]
NUMBERS = ["0.00", "#,##0", "0.0_);(0.0)", "General", "@", "0.00E+00"]


def made(cells: list, formats: list[str] | None = None, old: str = "", new: str = "") -> bytes:
    """A workbook of three sheets, one of them empty; `old` replaced by `new` in the XML."""
    book = openpyxl.Workbook()
    for i, value in enumerate(cells):
        cell = book.active.cell(3 + i % 5, i + 2, value)
        if formats:
            cell.number_format = formats[i % len(formats)]
    book.create_sheet("two")["C4"] = 5
    book.create_sheet("empty")
    plain, out = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(out, "w") as target:
        for item in source.infolist():
            target.writestr(item, source.read(item).replace(old.encode(), new.encode()))
    return out.getvalue()


def by_both(data: bytes, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether calamine read it; fails unless openpyxl gives the same, types and all."""
    used: list[bool] = []

    def watched(*args: object, read: Callable = workbook._plain) -> object:
        found = read(*args)
        used.append(found is not None)
        return found

    monkeypatch.setattr(workbook, "_plain", watched)
    found = repr(_answer(data))
    monkeypatch.setattr(workbook, "_plain", lambda *_: None)
    assert found == repr(_answer(data))
    monkeypatch.undo()
    return used == [True]


def _answer(data: bytes) -> object:
    try:
        return workbook.parse_workbook("lab.xlsx", data)
    except workbook.InputError as error:
        return str(error)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_real_file_has_the_same_cells(file: Path, monkeypatch) -> None:
    by_both(file.read_bytes(), monkeypatch)


V2, TEXT = "<v>2</v>", "<is><t>two</t></is>"


@pytest.mark.parametrize(
    ("cells", "formats", "old", "new"),
    [
        (CELLS, None, "", ""),
        ([1, 2, 45000.5], NUMBERS, "", ""),
        ([dt.datetime(2020, 1, 2, 3, 4, 5), dt.date(2020, 1, 3), dt.time(3, 4, 5)], None, "", ""),
        ([random.Random(1).randrange(61, 60000) + i / 86400 for i in range(500)], TIMES, "", ""),
        ([1, 2, 3], None, V2, "<f>1+1</f>"),
        ([1, 2, 3], None, V2, "<f>1+1</f><v>7</v>"),
        ([1, 2, 3], None, 't="n"><v>2</v>', 't="str"><f>A1</f><v>two </v>'),
        ([1, 2, 3], None, 't="n"><v>2</v>', 't="e"><f>1/0</f><v>#DIV/0!</v>'),
        ([1, 2, 3], None, '<row r="4"', '<row r="4" hidden="1"'),
        ([1, 2, 3], None, '<c r="C4"', '<c r="C4" s="0"'),
        ([1, 2, 3], None, "</row>", '<c r="Z9"/></row>'),
    ],
    ids=["mixed", "numbers", "times", "formats", "no value", "value", "text", "error", "hidden",
         "style", "astray"],
)  # fmt: skip
def test_what_calamine_reads_is_the_same(cells, formats, old, new, monkeypatch) -> None:
    data = made(cells, formats, old, new)
    assert by_both(data, monkeypatch) == ("Z9" not in new)


@pytest.mark.parametrize(
    ("cells", "formats", "old", "new"),
    [
        (["_x0041_"], None, "", ""),
        ([1.5e20], None, "", ""),
        ([1, 2], None, V2, "<v>2.0</v>"),
        ([1, 2], None, V2, "<v>12345678901234567</v>"),
        ([1, 2], None, V2, "<v>nan</v>"),
        ([1, 2], None, V2, "<!-- 3 --><v>2</v>"),
        ([1, 2], None, 't="n"><v>2</v>', f't="inlineStr">{TEXT.replace("two", " two")}'),
        ([1, 2], None, 't="n"><v>2</v>', f't="inlineStr">{TEXT.replace("two", "")}'),
        ([0.05, 1], ["0%"], "", ""),
        ([1, 2], ['0" h"'], "", ""),
        ([-5, -0.5], ["h:mm"], "", ""),
        ([1e7], ["yyyy-mm-dd"], "", ""),
        ([5], ["yyyy-mm-dd"], "", ""),
        ([52780.29388278356], ["yyyy-mm-dd"], "", ""),
        ([45000.5], ["yyyy-mm-dd"], "<workbookPr", '<workbookPr date1904="1"'),
    ],
    ids=["escape", "exponent", "2.0", "long", "nan", "comment", "blank", "empty", "percent",
         "literal", "below zero", "late", "early", "split second", "1904"],
)  # fmt: skip
def test_what_the_two_read_apart_is_left_to_openpyxl(cells, formats, old, new, monkeypatch) -> None:
    assert not by_both(made(cells, formats, old, new), monkeypatch)


def test_merged_cells_are_left_to_openpyxl() -> None:
    book = openpyxl.Workbook()
    book.active.append([1, 2, 3])
    book.active.merge_cells("A1:B1")
    out = io.BytesIO()
    book.save(out)
    found = workbook.parse_workbook("lab.xlsx", out.getvalue())
    assert found.merged == {"Sheet": ("A1:B1",)}
    assert found.sheets[0].rows[0].cells == (1, None, 3)
