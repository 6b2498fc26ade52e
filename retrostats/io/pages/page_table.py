"""The table of an audit: one row a printed comparison, every cell text as printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from retrostats.common.errors import InputError
from retrostats.io.pages.judgements import DASHES, judgement
from retrostats.io.pages.page import (
    ALLOCATIONS,
    COLUMNS,
    CORRELATION,
    MODERATOR,
    RISK_OF_BIAS,
    Page,
    TableRow,
)
from retrostats.io.pages.page_toml import PageHead, read_page_toml
from retrostats.io.pages.problems import Problems, unknown_entry
from retrostats.io.tables.files import (
    comma_records,
    decode,
    read_bytes,
    refuse_long_lines,
    shown_name,
)
from retrostats.io.tables.words import without_accents
from retrostats.io.tables.workbook import read_workbook

#: Further columns that a row may have: numbers in cells of their own, priors of its SD.
FURTHER = (
    "mean_1", "sd_1", "mean_2", "sd_2", "sd_median", "sd_log_sd", "sd_low", "sd_high", "cv_high",
    "title", "unit",
)  # fmt: skip
SPREADSHEETS = (".xlsx", ".xlsm")
#: What a cell holds where a table writes that there is nothing.
_NOTHING = ("", *DASHES, "n/a", "na", "nan")
_MOST_CELL = 5000

Cells = list[tuple[int, list[str]]]


def read_page(file: Path) -> Page:
    """A page and the table beside it: NAME.toml with NAME.csv or NAME.xlsx.

    Raises
    ------
    InputError
        One message with everything that is wrong in both: file, row or entry, column, what was
        found, what is allowed, what to do next.
    """
    problems = Problems()
    head = read_page_toml(file, problems)
    table = table_beside(file)
    numbered = _cells(table)
    columns, rows = _rows(numbered, table, problems)
    page = Page(
        file=file, table=table, title=head.title, subject=head.subject or head.title,
        source=head.source, conditions=head.conditions, claims=head.claims, rows=tuple(rows),
        retold=head.retold, open=head.open, columns=columns,
    )  # fmt: skip
    _check_claims(page, problems)
    _check_open(page, head, problems)
    problems.refuse()
    return page


def table_beside(file: Path) -> Path:
    """The table of a page: the same name, CSV or a spreadsheet.

    Raises
    ------
    InputError
        None there, or two.
    """
    found = [p for s in (".csv", *SPREADSHEETS) if (p := file.with_suffix(s)).is_file()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise InputError(
            f"{file.name}: no table beside it; write {file.with_suffix('.csv').name} (or .xlsx) "
            f"in {file.parent}, one row a printed comparison"
        )
    both = " and ".join(path.name for path in found)
    raise InputError(f"{file.name}: found {both} beside it; keep one, so that it is clear which")


def _cells(table: Path) -> Cells:
    """Rows that hold anything, as text, with their numbers."""
    name, data = shown_name(table), read_bytes(table)
    if table.suffix.lower() in SPREADSHEETS:
        found = _of_spreadsheet(name, data)
    else:
        refuse_long_lines(name, data)
        found = _of_text(name, decode(name, data)[0])
    if not found:
        raise InputError(f"{name}: the table is empty; its first row names the columns")
    return found


def _of_text(name: str, text: str) -> Cells:
    first = text.lstrip().splitlines()[0] if text.strip() else ""
    for mark, word in ((";", "semicolons"), ("\t", "tabs")):
        if first.count(mark) > first.count(","):
            raise InputError(
                f"{name}, row 1: found {word} between the columns; allowed are commas: save it as "
                "CSV with commas (cells that hold commas in quotes), numbers with a decimal point"
            )
    return comma_records(name, text)


def _of_spreadsheet(name: str, data: bytes) -> Cells:
    """The sheet whose first row has a column study, each cell as it is shown."""
    book = read_workbook(name, data, printed=True)
    for sheet in book.sheets:
        rows = [(row.number, [str(c or "") for c in row.cells]) for row in sheet.rows]
        if rows and "study" in [_column(cell) for cell in rows[0][1]]:
            return rows
    sheets = ", ".join(repr(sheet.name) for sheet in book.sheets)
    raise InputError(
        f"{name}: no sheet whose first row has a column study (sheets: {sheets}); name the "
        "columns in the first row"
    )


def _column(text: str) -> str:
    return "_".join(text.strip().lower().split())


def _rows(
    numbered: Cells, table: Path, problems: Problems
) -> tuple[tuple[str, ...], list[TableRow]]:
    name = shown_name(table)
    (first, header), *body = numbered
    columns = [_column(cell) for cell in header]
    while columns and not columns[-1]:
        columns.pop()
    _check_columns(columns, f"{name}, row {first}", problems)
    if not body:
        problems.add(f"{name}: a header and no row; add one row a printed comparison")
    rows: list[TableRow] = []
    seen: dict[str, int] = {}
    for number, cells in body:
        values = [cell.strip() for cell in cells]
        if any(values[len(columns) :]) or len(values) < len(columns):
            problems.add(
                f"{name}, row {number}: {len(cells)} cells under {len(columns)} columns; put cells "
                "that hold commas in quotes, and leave empty cells empty"
            )
            continue
        filled = {
            column: value
            for column, value in zip(columns, values, strict=False)
            if column and not _is_nothing(column, value)
        }
        row = _row(filled, number, seen, name, problems)
        if row is not None:
            rows.append(row)
    return tuple(columns), rows


def _is_nothing(column: str, value: str) -> bool:
    """Whether a cell is empty; a dash among judgements may be the mark of a high risk."""
    dash = value in DASHES and column.startswith(RISK_OF_BIAS)
    return value.lower() in _NOTHING and not dash


def _check_columns(columns: Sequence[str], where: str, problems: Problems) -> None:
    allowed = (*COLUMNS, *FURTHER)
    for column in dict.fromkeys(columns):
        if columns.count(column) > 1:
            problems.add(f"{where}: column {column or '(empty)'!r} appears twice; keep one")
        if not column:
            problems.add(f"{where}: a column without a name; name it, or remove it")
        elif column in (MODERATOR, RISK_OF_BIAS):
            problems.add(f"{where}: column {column!r} names nothing; write as {column}age")
        elif column not in allowed and not column.startswith((MODERATOR, RISK_OF_BIAS)):
            message = unknown_entry(where, column, allowed).replace(
                "unknown entry", "unknown column"
            )
            problems.add(
                f"{message}. A moderator's name begins with {MODERATOR}, a domain of the risk of "
                f"bias with {RISK_OF_BIAS}"
            )
    if "study" not in columns:
        problems.add(f"{where}: no column study; found {', '.join(columns)}; name the studies")


def _row(
    filled: dict[str, str], number: int, seen: dict[str, int], name: str, problems: Problems
) -> TableRow | None:
    where = f"{name}, row {number}"
    study = filled.get("study", "")
    long = next((c for c, v in filled.items() if len(v) > _MOST_CELL), "")
    if long:
        problems.add(f"{where}, column {long}: more than {_MOST_CELL} characters; shorten it")
        return None
    if not study:
        problems.add(f"{where}, column study: empty; name the study, as 'Petersen 2011'")
        return None
    own = filled.get("id", "")
    base = row_name(own or study)
    if not base:
        problems.add(f"{where}, column {'id' if own else 'study'}: found {own or study!r}; "
                     "allowed is a name with letters or digits")  # fmt: skip
        return None
    if own and base in seen:
        problems.add(
            f"{where}, column id: {own!r} stands in row {seen[base]} too; give each row its own"
        )
    row_id, twin = base, 1
    while row_id in seen:
        twin += 1
        row_id = f"{base}-{twin}"
    seen[row_id] = number
    allocation = filled.get("allocation", "")
    if allocation and " ".join(allocation.lower().split()) not in ALLOCATIONS:
        problems.add(
            f"{where} ({study}), column allocation: found {allocation!r}; allowed: "
            f"{', '.join(ALLOCATIONS)}"
        )
    year = filled.get("year", "")
    if year and not re.fullmatch(r"\d{4}", year):
        problems.add(f"{where} ({study}), column year: found {year!r}; allowed is as 2011")
    for column in [c for c in filled if c.startswith(RISK_OF_BIAS)]:
        with problems.collected():
            filled[column] = judgement(filled[column], f"{where} ({study}), column {column}")
    return TableRow(number, row_id, study, filled)


def row_name(text: str) -> str:
    """A name of small letters, digits and single dashes.

    Examples
    --------
    >>> row_name("van der Horst 2015"), row_name("Årnason et al., 2008")
    ('van-der-horst-2015', 'arnason-et-al-2008')
    """
    return re.sub(r"[^a-z0-9]+", "-", without_accents(text).lower()).strip("-")


def _check_claims(page: Page, problems: Problems) -> None:
    """Every claim that a row names is on the page; with several, every row names one."""
    known = [claim.claim_id for claim in page.claims]
    for row in page.rows:
        for name in row.claims:
            if known and name not in known:
                message = unknown_entry(f"{page.place(row)}, column claim", name, tuple(known))
                problems.add(message.replace("unknown entry", "unknown claim"))
        if not row.claims and len(known) > 1:
            problems.add(
                f"{page.place(row)}, column claim: empty; the page has {', '.join(known)}: name "
                "the claim that the row bears on (several with a semicolon between them)"
            )
    for claim in page.claims:
        moderator = f"{MODERATOR}{claim.moderator}"
        if claim.moderator and moderator not in page.columns:
            problems.add(
                f"{page.file.name}, [claims.{claim.claim_id}]: moderator = {claim.moderator!r}, "
                f"and the table has no column {moderator}; add it, or correct the name"
            )
        for place, name in _named_rows(page, claim.claim_id):
            _known_row(page, name, f"{page.file.name}, {place}", problems)


def _named_rows(page: Page, claim_id: str) -> list[tuple[str, str]]:
    """Places where a claim names rows, with the names."""
    claim = next(c for c in page.claims if c.claim_id == claim_id)
    found = [
        (f"[claims.{claim_id}.fidelity], {element!r}, rows", name)
        for element, entry in claim.fidelity.items()
        for name in entry["rows"]
    ]
    found += [
        (f"[claims.{claim_id}.absolute], {outcome!r}, row", entry["row"])
        for outcome, entry in claim.absolute.items()
        if entry["row"]
    ]
    return found


def _known_row(page: Page, name: str, where: str, problems: Problems) -> None:
    if find_row(page.rows, name) is None and page.rows:
        names = tuple(dict.fromkeys(row.study for row in page.rows))
        problems.add(unknown_entry(where, name, names).replace("unknown entry", "no row"))


def find_row(rows: Sequence[TableRow], name: str) -> TableRow | None:
    """The row of an id or of a study; None where there is none."""
    wanted = row_name(name)
    by_id = next((row for row in rows if row.row_id == wanted), None)
    return by_id or next((row for row in rows if row_name(row.study) == wanted), None)


def _check_open(page: Page, head: PageHead, problems: Problems) -> None:
    for name in head.open:
        if name != CORRELATION:
            _known_row(page, name, f"{page.file.name}, [open.{name}]", problems)
