"""What is fuzzed: functions of bytes that give a result or one refusal, and nothing else.

The parsers of the child are called in this process, so that coverage sees into them.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from fuzz import fuzz_formulas, fuzz_readers

import retrostats as rs

HERE = Path(__file__).parent
#: Inputs that reached something new, kept small.
CORPUS = HERE / "corpus"


def readers(data: bytes) -> None:
    """Cohorts and carts; the first byte chooses reader and format."""
    formats = sorted({(kind, path.suffix) for kind, path in fuzz_readers.seeds()})
    kind, suffix = formats[data[0] % len(formats)]
    fuzz_readers.run(kind, data[1:], suffix, _folder())


def parsers(data: bytes) -> None:
    """Workbooks, SpreadsheetML and statistical packages; the first byte chooses."""
    from retrostats.io.bounded.parsers import parser

    kinds = _kinds()
    name, option = kinds[data[0] % len(kinds)]
    try:
        parser(name)("input", data[1:], option)
    except (rs.RetrostatsError, MemoryError, RecursionError):
        return  # the child answers the last two in words


def formulas(data: bytes) -> None:
    """Formulas: text as it is, or pieces of the language by number after a zero byte."""
    if data[0] == 0:
        pieces = fuzz_formulas.PIECES
        text = "".join(pieces[b % len(pieces)] for b in data[1:])
    else:
        text = data.decode("utf-8", "replace")
    fuzz_formulas.run(text, _rows())


def specs(data: bytes) -> None:
    """A spec beside a table."""
    from retrostats.io.cohort.spec import read_spec

    path = _folder() / "spec.toml"
    path.write_bytes(data)
    try:
        read_spec(path)
    except rs.RetrostatsError:
        return


def moments(data: bytes) -> None:
    """A file of moments."""
    path = _folder() / "moments.json"
    path.write_bytes(data)
    try:
        rs.lmm("y ~ x + (1 | g)", rs.load_moments(path)).coefficients  # noqa: B018
    except rs.RetrostatsError:
        return


def tables(data: bytes) -> None:
    """A table of printed comparisons, read and not pooled."""
    from doors.evidence import read_rows

    path = _folder() / "printed.csv"
    path.write_bytes(data)
    try:
        read_rows(path)
    except rs.RetrostatsError:
        return


def pages(data: bytes) -> None:
    """An audit of one page and one table: the page, a zero byte, the table."""
    page, _, table = data.partition(b"\0")
    (_folder() / "page.toml").write_bytes(page)
    (_folder() / "page.csv").write_bytes(table)
    try:
        rs.load_audit(_folder() / "page.toml")
    except rs.RetrostatsError:
        return


TARGETS: dict[str, Callable[[bytes], None]] = {
    function.__name__: function
    for function in (readers, parsers, formulas, specs, moments, tables, pages)
}
#: Pages and their tables that work, of the same name.
PAGES = sorted((HERE / "seeds" / "pages").glob("*.toml"))


def _kinds() -> list[tuple[str, str]]:
    from retrostats.io.tables.packages import PACKAGES

    return [("workbook", ""), ("spreadsheetml", ""), *(("package", s) for s in PACKAGES)]


def kind_of(suffix: str) -> int | None:
    """The parser that a file of this suffix is for, by its first byte."""
    wanted = {".xlsx": ("workbook", ""), ".xml": ("spreadsheetml", "")}
    kind = wanted.get(suffix, ("package", suffix))
    return _kinds().index(kind) if kind in _kinds() else None


def kept(name: str) -> list[Path]:
    """The corpus of a target."""
    return sorted((CORPUS / name).iterdir()) if (CORPUS / name).is_dir() else []


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix=f"fuzz-{os.getpid()}-"))


@cache
def _rows() -> object:
    return fuzz_formulas.rows()
