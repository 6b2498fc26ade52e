"""The small files that once took gigabytes or never ended, written anew; and large honest ones."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "urn:schemas-microsoft-com:office:spreadsheet"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'


def _book(
    path: Path, rows: str = ONE, after: str = "", styles: str = "", sheets: int = 0, each: str = ""
) -> None:
    """A workbook whose worksheet, styles or number of sheets are as given.

    `sheets` names that many, all on one part, or on a part each that holds `each`.
    """
    import openpyxl

    plain = io.BytesIO()
    openpyxl.Workbook().save(plain)
    sheet = f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData>{after}</worksheet>'
    new = {"xl/worksheets/sheet1.xml": sheet}
    if styles:
        new["xl/styles.xml"] = (
            f'<styleSheet xmlns="{MAIN}"><cellXfs>{styles}</cellXfs></styleSheet>'
        )
    if sheets:
        names = "".join(
            f'<sheet name="s{i}" sheetId="{i}" r:id="rId{i if each else 1}"/>'
            for i in range(1, sheets + 1)
        )
        new["xl/workbook.xml"] = (
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{names}</sheets></workbook>'
        )
    if each:
        parts = "".join(
            f'<Relationship Id="rId{i}" Type="{RELATIONS}/worksheet" '
            f'Target="worksheets/sheet{i}.xml"/>'
            for i in range(1, sheets + 1)
        )
        space = "http://schemas.openxmlformats.org/package/2006/relationships"
        new["xl/_rels/workbook.xml.rels"] = (
            f'<Relationships xmlns="{space}">{parts}</Relationships>'
        )
        full = f'<worksheet xmlns="{MAIN}"><sheetData>{each}</sheetData></worksheet>'
        new |= {f"xl/worksheets/sheet{i}.xml": full for i in range(1, sheets + 1)}
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for item in old.infolist():
            if item.filename not in new:
                out.writestr(item.filename, old.read(item))
        for name, text in new.items():
            out.writestr(name, text)


def _cells(count: int, columns: int = 10) -> str:
    rows = ("".join("<c><v>7</v></c>" for _ in range(columns)) for _ in range(count // columns))
    return "".join(f"<row>{cells}</row>" for cells in rows)


def _nested_rows(path: Path) -> None:
    rows = "<Row>" * 300_000 + "</Row>" * 300_000
    path.write_text(
        f'<?xml version="1.0"?><Workbook xmlns="{OFFICE}" xmlns:ss="{OFFICE}">'
        f'<Worksheet ss:Name="a"><Table>{rows}</Table></Worksheet></Workbook>',
        encoding="ascii",
    )


def _long_list(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = pa.array(np.zeros(200_000_000, np.int8))
    lists = pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
    pq.write_table(pa.table({"subject": [1], "l": lists}), path)


def _many_rows(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = pa.array(np.zeros(66_000_000, np.int8))
    pq.write_table(pa.table({"subject": values, "vo2_ml_kg_min": values}), path)


def _nested_columns(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = {"subject": [1, 2], "vo2_ml_kg_min": [30.0, 31.0], "r": [{"a": [1]}, {"a": [2]}]}
    pq.write_table(pa.table(table), path)


def _newlines(path: Path) -> None:
    path.write_bytes(b"subject,vo2_ml_kg_min\n1,2\n" + b"\n" * 200_000_000)


def _header(mark: str, count: int) -> Callable[[Path], None]:
    text = "subject,a{}b,vo2\n1,2,3\n"
    return lambda path: path.write_text(text.format(mark * count), encoding="ascii") and None


FAR = "<row {r}='1048576'><c r='XFD1048576'><v>1</v></c></row>"
_MERGED = '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
_LINKED = '<hyperlinks><hyperlink ref="A1:XFD1048576" location="a"/></hyperlinks>'
_TEN = '<row r="1000000000"><c r="A1000000000"><v>1</v></c></row>'

#: What it is: what happened before, the file's ending, and who writes it.
SMALL: dict[str, tuple[str, str, Callable[[Path], None]]] = {
    "one merged range over a sheet": ("8 GB", "xlsx", lambda p: _book(p, after=_MERGED)),
    "a hyperlink over a sheet": ("8.9 GB", "xlsx", lambda p: _book(p, after=_LINKED)),
    "6 million empty styles": ("3.8 GB", "xlsx", lambda p: _book(p, styles="<xf/>" * 6_000_000)),
    "a row number with ten digits": ("no end", "xlsx", lambda p: _book(p, rows=_TEN)),
    "single-quoted attributes": ("no end", "xlsx", lambda p: _book(p, rows=FAR.format(r="r"))),
    "a newline in a tag": (
        "no end", "xlsx", lambda p: _book(p, rows=FAR.format(r="\nr").replace("<c ", "<c\n")),
    ),
    "100,000 sheets on one part": ("no end", "xlsx", lambda p: _book(p, sheets=100_000)),
    "1,000 sheets of 100,000 cells": (
        "no total limit", "xlsx", lambda p: _book(p, sheets=1000, each=_cells(100_000)),
    ),
    "SpreadsheetML, 300,000 nested rows": ("no end", "xml", _nested_rows),
    "Parquet, a list of 200 million": ("3.8 GB, traceback", "parquet", _long_list),
    "Parquet, 66 million rows": ("MemoryError", "parquet", _many_rows),
    "Parquet, nested columns": ("traceback", "parquet", _nested_columns),
    "200 MB of newlines after a table": (
        "8.4 GB", "csv", _newlines,
    ),
    "a header of 50 KB of brackets": ("quadratic", "csv", _header("(", 50_000)),
    "a header of 50 KB of underscores": ("quadratic", "csv", _header("_", 50_000)),
    "a run of 60 KB of blanks": ("quadratic", "csv", _header(" ", 60_000)),
}  # fmt: skip


def honest(people: int):
    """A plain crossover of so many people, two rows each."""
    import pandas as pd

    draws = np.random.default_rng(1).normal(30, 3, 2 * people).round(2)
    return pd.DataFrame(
        {
            "subject": np.repeat(np.arange(people), 2),
            "direction": np.tile(["forward", "backward"], people),
            "vo2_ml_kg_min": draws,
            "speed_m_s": 2.0,
        }
    )


def _honest_book(path: Path, people: int) -> None:
    table = honest(people)
    head = "".join(f'<c t="inlineStr"><is><t>{c}</t></is></c>' for c in table.columns)
    rows = "".join(
        f'<row><c><v>{s}</v></c><c t="inlineStr"><is><t>{d}</t></is></c><c><v>{v}</v></c>'
        f"<c><v>{m}</v></c></row>"
        for s, d, v, m in table.itertuples(index=False)
    )
    _book(path, rows=f"<row>{head}</row>{rows}")


def _honest_package(path: Path, people: int) -> None:
    import pyreadstat

    write = {".sav": pyreadstat.write_sav, ".dta": pyreadstat.write_dta}[path.suffix]
    write(honest(people), str(path))


#: Formats with who writes an honest table of so many people.
LARGE: dict[str, Callable[[Path, int], None]] = {
    "csv": lambda path, people: honest(people).to_csv(path, index=False),
    "parquet": lambda path, people: honest(people).to_parquet(path, index=False),
    "xlsx": _honest_book,
    "sav": _honest_package,
    "dta": _honest_package,
}
