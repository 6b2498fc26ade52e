"""The child that parses files, on a system without /proc and without a limit of memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from doors.io import PARSERS, parent, read_workbook
from fuzz.fuzz_readers import SEEDS
from test_bounded import HANGS, UNIX, book, hasten, sheet_of
from test_recordings import fit, tcx

from retrostats import InputError

pytest.importorskip("openpyxl")
#: What a child does where the system has neither /proc nor a limit of memory, as on macOS.
ELSEWHERE = """
import builtins, sys, sysconfig
import resource

sysconfig.get_config_vars()  # libraries ask for those of the system they stand on
real_open, real_limit = builtins.open, resource.setrlimit
tried = []


def no_proc(path, *args, **kwargs):
    if str(path).startswith("/proc"):
        tried.append("proc")
        raise FileNotFoundError(2, "No such file or directory", path)
    return real_open(path, *args, **kwargs)


def no_memory_limit(which, limits):
    if which == resource.RLIMIT_AS:
        tried.append("memory")
        raise ValueError("current limit exceeds maximum limit")
    return real_limit(which, limits)


builtins.open, resource.setrlimit, sys.platform = no_proc, no_memory_limit, "darwin"
"""


@UNIX
def test_without_proc_and_without_a_limit_of_memory_files_are_read_and_time_still_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        parent, "_START", f"{ELSEWHERE}\n{parent._START}\n"
        "real_open(sys.argv[-1], 'w').write(' '.join(tried))",
    )  # fmt: skip
    seen = tmp_path / "seen"
    monkeypatch.setattr(parent.sys, "path", [*sys.path, str(seen)])
    hasten(monkeypatch)
    try:
        data = book(sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>'))
        assert read_workbook("lab.xlsx", data).sheets[0].rows[0].cells == (1,)
        child = parent._HELD.child
        assert child is not None
        assert child.stdin is not None
        child.stdin.close()  # the child ends and says what it met
        child.wait(timeout=HANGS)
        assert set(seen.read_text().split()) == {"proc", "memory"}
        far = '<row r="1000000000"><c r="A1000000000"><v>1</v></c></row>'
        with pytest.raises(InputError, match=r"far.xlsx: takes more than \d+ s to read"):
            read_workbook("far.xlsx", book(sheet_of(f"{far}<!-- elsewhere -->")))
    finally:
        parent.end_child()


SPREADSHEETML = (
    '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="a"><Table><Row>'
    '<Cell><Data ss:Type="Number">1</Data></Cell></Row></Table></Worksheet></Workbook>'
)
#: A file of each parser of the child, and its option.
ONE_OF_EACH = {
    "workbook": lambda: (book(sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>')), ""),
    "spreadsheetml": lambda: (SPREADSHEETML.encode(), ""),
    "tcx": lambda: (tcx("<ns3:VO2>{vo2}</ns3:VO2>").encode(), ""),
    "fit": lambda: (fit(), ""),
    "parquet": lambda: ((SEEDS / "metabolic-cost.parquet").read_bytes(), ""),
    "package": lambda: ((SEEDS / "metabolic-cost.sav").read_bytes(), ".sav"),
}


def shown(found: object) -> str:
    """What a parser gave, its parts as their bytes."""
    return repr([bytes(part) for part in found] if isinstance(found, list) else found)


def test_every_parser_of_the_child_is_tried_elsewhere() -> None:
    assert ONE_OF_EACH.keys() == PARSERS.keys()


@UNIX
@pytest.mark.parametrize(
    "name",
    [name if name in ("workbook", "parquet", "package")
     else pytest.param(name, marks=pytest.mark.thorough) for name in PARSERS],
)  # fmt: skip
def test_every_parser_reads_the_same_without_proc_and_without_a_limit_of_memory(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in PARSERS[name][2]:
        pytest.importorskip(library)
    data, option = ONE_OF_EACH[name]()
    usual = shown(parent.parse_bounded(name, "lab", data, option))
    parent.end_child()
    monkeypatch.setattr(parent, "_START", f"{ELSEWHERE}\n{parent._START}")
    try:
        assert shown(parent.parse_bounded(name, "lab", data, option)) == usual
        with pytest.raises(InputError, match="lab"):  # and refuses in words what is damaged
            parent.parse_bounded(name, "lab", data[: len(data) // 3], option)
    finally:
        parent.end_child()
