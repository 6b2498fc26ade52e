"""A table of text from a file that may come from a stranger: read, never executed, with limits."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 512 * 2**20
MAX_CELLS = 50_000_000
#: A spreadsheet is a zip archive; one that unpacks to more than this is not a lab's table.
MAX_UNPACKED_BYTES = 512 * 2**20
ENCODINGS = ("utf-8-sig", "utf-16", "cp1252")
DELIMITERS = ",;\t|"

#: Row number in the file, counted from 1, and the cells of the row.
Rows = list[tuple[int, list[str]]]


def read_table(path: Path) -> pd.DataFrame:
    """Every cell as text, header row as columns, the row number in the file as index.

    Parameters
    ----------
    path
        .csv, .tsv, .txt, .xlsx or .parquet.

    Raises
    ------
    InputError
        Missing, empty, too large, not text, no table, or repeated column names.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the path")
    size = path.stat().st_size
    if size == 0:
        raise InputError(f"{path.name}: the file is empty; it needs a header and rows")
    if size > MAX_BYTES:
        raise InputError(f"{path.name}: {size} bytes; at most {MAX_BYTES} are read")
    readers = {".xlsx": _excel, ".parquet": _parquet}
    rows = readers.get(path.suffix.lower(), _text)(path)
    return _as_frame(path.name, rows)


def _text(path: Path) -> Rows:
    text = _decode(path.name, path.read_bytes())
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(DELIMITERS, key=first.count)
    if ";" in first and delimiter == ",":
        delimiter = ";"  # decimal commas inflate the count of commas
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [(number, row) for number, row in enumerate(reader, start=1)]
    except csv.Error as error:
        raise InputError(f"{path.name}: not a delimited table ({error}); save it as CSV") from None


def _decode(name: str, raw: bytes) -> str:
    for encoding in ENCODINGS:
        if encoding == "utf-16" and not raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            continue
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise InputError(f"{name}: this is not a text table; save it as CSV in UTF-8")


def _excel(path: Path) -> Rows:
    try:
        import openpyxl
    except ImportError:
        raise InputError(
            f"{path.name}: spreadsheets need openpyxl; pip install 'retrostats[io]'"
        ) from None
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > MAX_UNPACKED_BYTES:
            raise InputError(f"{path.name}: unpacks to {unpacked} bytes; refused as unsafe")
        book = openpyxl.load_workbook(path, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        if sheet.merged_cells.ranges:
            where = ", ".join(str(r) for r in list(sheet.merged_cells.ranges)[:3])
            raise InputError(
                f"{path.name}, sheet {sheet.title!r}: merged cells at {where}; unmerge them, one "
                "value a cell"
            )
        rows = [
            (number, ["" if cell is None else str(cell) for cell in row])
            for number, row in enumerate(sheet.iter_rows(values_only=True), start=1)
        ]
    except InputError:
        raise
    except Exception as error:  # a hostile archive can fail anywhere inside the library
        raise InputError(f"{path.name}: not a readable spreadsheet ({error})") from None
    return rows


def _parquet(path: Path) -> Rows:
    import pandas as pd

    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise InputError(
            f"{path.name}: Parquet needs pyarrow; pip install 'retrostats[io]'"
        ) from None
    except Exception as error:  # a damaged file can fail anywhere inside the library
        raise InputError(f"{path.name}: not a readable Parquet file ({error})") from None
    text = frame.astype(object).where(frame.notna(), "").astype(str)
    return list(enumerate([list(map(str, frame.columns)), *text.to_numpy().tolist()], start=1))


def _as_frame(name: str, numbered: Rows) -> pd.DataFrame:
    """The table; blank rows are skipped and leave a gap in the row numbers."""
    import pandas as pd

    kept = [(number, row) for number, row in numbered if any(cell.strip() for cell in row)]
    rows = [row for _, row in kept]
    if len(rows) < 2:
        raise InputError(f"{name}: {len(rows)} row(s); it needs a header and at least one row")
    header = [cell.strip() for cell in rows[0]]
    if len(header) < 2:
        raise InputError(
            f"{name}: one column only ({header[0][:40]!r}); separate columns by comma, semicolon "
            "or tab"
        )
    if len(rows) * len(header) > MAX_CELLS:
        raise InputError(f"{name}: {len(rows) * len(header)} cells; at most {MAX_CELLS} are read")
    twice = sorted({h for h in header if header.count(h) > 1})
    if twice:
        raise InputError(f"{name}: column {twice[0]!r} occurs twice; rename one of them")
    for number, row in kept[1:]:
        if len(row) != len(header):
            raise InputError(
                f"{name}, row {number}: {len(row)} cells, the header has {len(header)}; "
                "check the delimiter and quotes of that row"
            )
    numbers = pd.Index([number for number, _ in kept[1:]])
    return pd.DataFrame(rows[1:], columns=header, index=numbers, dtype=object)
