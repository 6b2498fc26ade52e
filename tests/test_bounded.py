"""The child that parses strangers' files: its limits, what it may answer, and that it ends."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors.io import (
    Row,
    Sheet,
    classes,
    decode,
    encode,
    limits,
    packed_sheet,
    parent,
    parse,
    read_workbook,
)

from retrostats import InputError, load_cohort

openpyxl = pytest.importorskip("openpyxl")
NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
#: Seconds on the clock after which what has not ended counts as hanging, however busy the machine.
HANGS = 300
UNIX = pytest.mark.skipif(sys.platform == "win32", reason="no limits of memory on this system")


def book(sheet: str) -> bytes:
    """A workbook of one worksheet, its XML as given."""
    made = openpyxl.Workbook()
    made.active["A1"] = "subject"
    plain = io.BytesIO()
    made.save(plain)
    out = io.BytesIO()
    with zipfile.ZipFile(plain) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for item in old.infolist():
            text = sheet if item.filename == "xl/worksheets/sheet1.xml" else old.read(item)
            new.writestr(item.filename, text)
    return out.getvalue()


def sheet_of(rows: str, after: str = "") -> str:
    return f"<worksheet {NS}><sheetData>{rows}</sheetData>{after}</worksheet>"


@UNIX
def test_one_merged_range_over_a_whole_sheet_is_refused_for_its_memory() -> None:
    merged = '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells>'
    started = time.process_time()
    with pytest.raises(InputError, match=r"lab.xlsx: takes more than \d+ (MB|s) .* refused"):
        read_workbook("lab.xlsx", book(sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>', merged)))
    assert time.process_time() - started < 1.0  # the work was done elsewhere


def hasten(patch: pytest.MonkeyPatch) -> None:
    """A second of processor for a small file in place of four, here and in the child begun next."""
    begin = "from retrostats.io.bounded import limits; limits.SECONDS = 1\n"
    serve = "from retrostats.io.bounded.child import serve"
    assert serve in parent._START
    patch.setattr(parent, "_START", parent._START.replace(serve, begin + serve))
    patch.setattr(limits, "SECONDS", 1)
    parent.end_child()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    hasten(monkeypatch)
    yield
    parent.end_child()


@UNIX
@pytest.mark.usefixtures("hasty")
def test_a_row_number_with_ten_digits_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    far = '<row r="1000000000"><c r="A1000000000"><v>1</v></c></row>'
    data = book(sheet_of(far))
    with pytest.raises(InputError, match=r"takes more than \d+ s to read"):
        read_workbook("lab.xlsx", data)
    monkeypatch.setattr(parent, "_ask", lambda *_: pytest.fail("the child was asked again"))
    with pytest.raises(InputError, match=r"other.xlsx: takes more than"):
        read_workbook("other.xlsx", data)  # refused once, refused at once


@pytest.mark.parametrize(
    "far",
    [
        "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
        '<row\nr="1048576"><c\nr="XFD1048576"><v>1</v></c></row>',
    ],
    ids=["single quotes", "newline in a tag"],
)
def test_however_a_far_cell_is_written_it_is_refused(far: str) -> None:
    with pytest.raises(InputError, match="more than 10000000 cells"):
        read_workbook("lab.xlsx", book(sheet_of(far)))


def test_rows_in_rows_take_linear_time() -> None:
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    nested = "<Row>" * 30_000 + "</Row>" * 30_000
    text = (
        f'<?xml version="1.0"?><Workbook xmlns="{space}" xmlns:ss="{space}">'
        f'<Worksheet ss:Name="a"><Table>{nested}</Table></Worksheet></Workbook>'
    )
    assert parse("cart.xml", text.encode()).sheets[0].rows == ()


def test_a_child_that_was_ended_is_replaced(tmp_path: Path) -> None:
    data = book(sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>'))
    assert read_workbook("lab.xlsx", data).sheets[0].rows[0].cells == (1,)
    child = parent._HELD.child
    assert child is not None
    child.kill()
    child.wait()
    assert read_workbook("lab.xlsx", data).sheets[0].rows[0].cells == (1,)
    assert parent._HELD.child is not child


def test_a_file_that_a_busy_machine_did_not_read_in_time_may_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Found by reading an honest table of 31,248 rows while others used the processor."""
    data = book(sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>'))
    parent.end_child()
    with monkeypatch.context() as busy:
        busy.setattr(parent, "PATIENCE", 0)
        with pytest.raises(InputError, match=r"busy.xlsx: was not read within 0 s on the clock"):
            read_workbook("busy.xlsx", data)
    assert read_workbook("busy.xlsx", data).sheets[0].rows[0].cells == (1,)


@pytest.mark.skipif(sys.platform != "linux", reason="the promise is Linux's")
def test_the_child_ends_with_a_killed_parent(tmp_path: Path) -> None:
    (tmp_path / "lab.xlsx").write_bytes(book(sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>')))
    code = (
        "import sys, time; from retrostats.io.tables.workbook import read_workbook as r; "
        "from retrostats.io.bounded import parent; from pathlib import Path; "
        "r('lab.xlsx', Path(sys.argv[1]).read_bytes()); "
        f"print(parent._HELD.child.pid, flush=True); time.sleep({10 * HANGS})"
    )
    outer = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lab.xlsx")], stdout=subprocess.PIPE
    )
    assert outer.stdout is not None
    inner = int(outer.stdout.readline())
    outer.kill()
    outer.wait()
    outer.stdout.close()
    begun = time.monotonic()
    while _lives(inner):
        assert time.monotonic() - begun < HANGS, "the child lives on"
        time.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="the promise is Linux's")
def test_the_child_of_a_parent_that_was_killed_at_once_ends_before_it_reads() -> None:
    """Found by killing a run the moment its child began: it went on to parse for its orphan."""
    nobody = str(os.getpid() + 1)
    orphan = subprocess.Popen(
        [sys.executable, "-I", "-c", parent._START, nobody, *map(os.path.abspath, sys.path)],
        stdin=subprocess.PIPE,
    )
    try:
        assert orphan.wait(timeout=HANGS) == 0  # though its questions have not ended
    finally:
        orphan.kill()
        orphan.communicate()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="the promise is Linux's")
def test_the_child_knows_no_secret_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    parent.end_child()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    read_workbook("lab.xlsx", book(sheet_of('<row r="1"><c r="A1"><v>1</v></c></row>')))
    child = parent._HELD.child
    assert child is not None
    environment = Path(f"/proc/{child.pid}/environ").read_bytes()
    assert b"SECRET" not in environment
    own = os.readlink("/proc/self/ns/net")
    if os.geteuid() == 0:  # others may lack the right to a network of their own
        assert os.readlink(f"/proc/{child.pid}/ns/net") != own


#: Each line is tried in an interpreter of its own, since a hook cannot be taken away.
NOT_FOR_PARSERS = (
    "import socket; socket.socket().connect(('127.0.0.1', 9))",
    "import socket; socket.getaddrinfo('localhost', 80)",
    "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
    "import subprocess; subprocess.run(['true'])",
    "import os; os.system('true')",
    "import os; os.fork()",
    "import os; os.execv('/bin/true', ['true'])",
    "import os; os.kill(os.getppid(), 0)",
    "open('/etc/passwd').read()",
    "import os; os.open('/etc/passwd', os.O_RDONLY)",
    "open('written.txt', 'w')",
    "import pathlib; pathlib.Path('kept.txt').unlink()",
    "import os; os.rename('kept.txt', 'gone.txt')",
    "import os, tempfile; os.symlink('/etc/passwd', 'link')",
)


@pytest.mark.skipif(sys.platform == "win32", reason="paths of POSIX")
def test_a_parser_opens_no_connection_starts_no_process_and_touches_no_file(tmp_path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "kept.txt").write_text("kept")
    script = (
        "import os, sys, socket, subprocess, tempfile, pathlib, urllib.request\n"
        "from retrostats.io.bounded.guard import Guarded, guarded\n"
        "tempfile.tempdir = sys.argv[1]\n"
        "for line in sys.stdin.read().splitlines():\n"
        "    try:\n"
        "        with guarded():\n"
        "            exec(line)\n"
        "    except Guarded:\n"
        "        continue\n"
        "    except BaseException as error:\n"
        "        print(line, type(error))\n"
        "        continue\n"
        "    print(line)\n"
        "with guarded():\n"
        "    open(os.path.join(sys.argv[1], 'mine'), 'w').close()\n"
        "open('/etc/passwd').close()  # and freely again outside\n"
    )
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "tmp")], cwd=work, text=True,
        input="\n".join(NOT_FOR_PARSERS), capture_output=True, check=False,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [p.name for p in work.iterdir()] == ["kept.txt"]


def test_the_child_for_parquet_loads_no_pickles_of_code_and_nothing_of_the_network() -> None:
    pyarrow = pytest.importorskip("pyarrow", "18")
    script = (
        "import sys; from retrostats.io.bounded.parsers import parser; parser('parquet'); "
        "import pyarrow.fs; print(sorted(k for k, m in sys.modules.items() if m is not None and "
        "(k in ('numpy', 'cloudpickle') or k.startswith('pyarrow._') and k.endswith('fs'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], text=True, capture_output=True, check=False,
        env=os.environ
        | {"PYTHONPATH": str(Path(__file__).parents[1]), "RETROSTATS_WITHOUT_NUMPY": "1"},
    )  # fmt: skip
    assert done.stderr == "", pyarrow.__version__
    assert done.stdout.strip() == "['pyarrow._fs']"


def test_what_passes_is_data() -> None:
    sheet = Sheet("$", (Row(1, (1, 2.5, "x", None, True)),))
    assert decode(encode({"$": (sheet,)}), classes()) == {"$": (sheet,)}
    cells = [("x", 2.0, "$", None), (None, 0.5, 1e-300, None), (True, None, None, None)]
    by_column = packed_sheet("$", [1, 2, 5, 7], [3, 3, 4, 3], iter(cells))
    rows = Row(1, ("x", None, True)), Row(2, (2, 0.5, None)), Row(5, ("$", 1e-300, None, None))
    assert repr(by_column) == repr(Sheet("$", rows))
    assert repr(decode(encode(by_column), classes())) == repr(by_column)
    with pytest.raises(ValueError, match="no class 'Popen'"):
        decode(b'{"$": "Popen", "args": ["true"]}', classes())


@pytest.mark.parametrize("mark", ["(", "_", "[", " "])
def test_a_header_of_fifty_thousand_marks(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(f"subject,a{mark * 50_000}b,vo2\n1,2,3\n", encoding="utf-8")
    started = time.process_time()
    with pytest.raises(InputError) as refused:
        load_cohort(path)
    assert time.process_time() - started < 3.0
    assert len(str(refused.value)) < 2000


def test_blank_lines_below_a_table_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "lab.csv"
    path.write_bytes(b"subject,vo2\n1,2\n" + b"\n" * 30_000_000)
    started = time.process_time()
    with pytest.raises(InputError):
        load_cohort(path)
    assert time.process_time() - started < 3.0


def test_lists_in_parquet_are_refused_before_they_unfold(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"subject": [1], "l": [[0] * 2_000_000]}), tmp_path / "lab.parquet")
    with pytest.raises(InputError, match="column 'l' holds lists or records"):
        load_cohort(tmp_path / "lab.parquet")
    many = pa.array([1] * 21_000_000, pa.int8())
    pq.write_table(pa.table({"subject": many, "v": many}), tmp_path / "lab.parquet")
    with pytest.raises(InputError, match="42000000 cells; at most 40000000"):
        load_cohort(tmp_path / "lab.parquet")
