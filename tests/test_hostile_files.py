"""Files that are small on disk and immense in memory: refused before they unfold."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from doors.io import read_workbook

from retrostats import InputError, load_cohort

LONG = "x" * 1_000_000


def workbook(**parts: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name.replace("__", "/") + ".xml", text)
    return buffer.getvalue()


def test_a_text_that_a_million_cells_share() -> None:
    cells = "".join(f'<row r="{i}"><c r="A{i}" t="s"><v>0</v></c></row>' for i in range(1, 20_000))
    data = workbook(
        xl__sharedStrings=f"<sst><si><t>{LONG}</t></si></sst>",
        xl__worksheets__sheet1=f"<worksheet><sheetData>{cells}</sheetData></worksheet>",
    )
    with pytest.raises(InputError, match="cells share texts"):
        read_workbook("lab.xlsx", data)


def test_one_far_cell(tmp_path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "subject", 1
    book.save(tmp_path / "lab.xlsx")
    with pytest.raises(InputError, match="1048576 rows by 16384 columns"):
        load_cohort(tmp_path / "lab.xlsx")


def test_a_long_text_in_every_row_of_parquet(tmp_path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = 100_000
    table = pa.table(
        {
            "subject": pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, int)), [LONG]),
            "direction": pa.DictionaryArray.from_arrays(
                pa.array(np.arange(rows) % 2), ["forward", "backward"]
            ),
            "vo2_ml_kg_min": np.linspace(20, 40, rows),
        }
    )
    parquet.write_table(table, tmp_path / "lab.parquet")
    with pytest.raises(InputError, match="subject: found a text of 1000000"):
        load_cohort(tmp_path / "lab.parquet")


def test_wide_texts_of_a_statistical_package() -> None:
    from doors.io import _refuse_wide_texts

    _refuse_wide_texts("lab.sav", 1000, {"a": 8, "b": 255})
    with pytest.raises(InputError, match="unpacks to"):
        _refuse_wide_texts("lab.sav", 1_000_000, {"a": 32767})
