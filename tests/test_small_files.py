"""Small files that stand for a lot: refused with one message before they take memory or time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import retrostats as rs
from retrostats import InputError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

#: Refused within the child's 512 MiB or before; the parent needs some hundred for its libraries.
MOST_MIB = 900
LONG = 1_000_000  # letters of one text


def _peak_of(code: str, path: Path) -> tuple[str, int]:
    """What a process of its own prints, and the most memory it took, in MiB."""
    script = (
        "import sys\n"
        "import retrostats as rs\n"
        f"try:\n    {code}\n    print('read')\n"
        "except rs.InputError as error:\n    print(error)\n"
        "peak = next(x for x in open('/proc/self/status') if x.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) // 1024)\n"  # a forked child's maxrss begins at its parent's
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    *said, peak = done.stdout.splitlines()
    return "\n".join(said), int(peak)


def _repeated(value: bytes, kind: object, times: int) -> object:
    part = pa.array([value] * 40, pa.binary()).cast(kind)
    return pa.chunked_array([part] * (times // 40))


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read as on Linux")
@pytest.mark.parametrize(
    ("kind", "dictionary"),
    [(pa.string(), True), *(pytest.param(kind, how, marks=pytest.mark.thorough)
                            for kind, how in ((pa.string(), False), (pa.binary(), True),
                                              (pa.binary(), False), (pa.large_binary(), True),
                                              (pa.large_binary(), False)))],
)  # fmt: skip
def test_one_long_value_in_thousands_of_rows(
    kind: object, dictionary: bool, tmp_path: Path
) -> None:
    path = tmp_path / "lab.parquet"
    table = pa.table({"subject": _repeated(b"x" * LONG, kind, 4000)})  # 4 GB unpacked
    pq.write_table(table, path, compression="zstd", use_dictionary=dictionary)
    said, peak = _peak_of("rs.load_cohort(sys.argv[1])", path)
    assert "lab.parquet" in said
    assert peak < MOST_MIB


def test_bytes_that_are_texts_are_read_and_others_refused(tmp_path: Path) -> None:
    path = tmp_path / "lab.parquet"
    columns = {
        "subject": pa.array([b"a", b"a", b"b", b"b"], pa.binary()),
        "direction": pa.array([b"forward", b"backward"] * 2, pa.binary()),
        "vo2_ml_kg_min": [30.0, 40.0, 31.0, 41.0],
    }
    pq.write_table(pa.table(columns), path)
    assert rs.load_cohort(path).frame["subject"].tolist() == ["a", "a", "b", "b"]
    columns["direction"] = pa.array([b"\xff\xfe\x00"] * 4, pa.binary())
    pq.write_table(pa.table(columns), path)
    with pytest.raises(InputError, match="column 'direction' holds bytes that are no text"):
        rs.load_cohort(path)


def test_values_of_fixed_width_are_bounded_by_the_child(tmp_path: Path) -> None:
    path = tmp_path / "lab.parquet"
    wide = pa.array([b"x" * 1000] * 600_000, pa.binary(1000))
    pq.write_table(pa.table({"subject": wide}), path, compression="zstd")
    with pytest.raises(InputError, match=r"more than 5\d\d MB of memory"):
        rs.load_cohort(path)


def test_columns_of_parquet_are_limited_as_those_of_a_text(tmp_path: Path) -> None:
    path = tmp_path / "lab.parquet"
    pq.write_table(pa.table({f"c{i}": [1] for i in range(4097)}), path)
    with pytest.raises(InputError, match="4097 columns; at most 4096"):
        rs.load_cohort(path)


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is read as on Linux")
def test_long_group_names_of_streamed_rows_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    table = pa.table({"g": _repeated(b"x" * LONG, pa.string(), 4000), "y": np.zeros(4000)})
    pq.write_table(table, path, compression="zstd")
    said, peak = _peak_of("rs.lmm('y ~ 1 + (1 | g)', sys.argv[1])", path)
    assert "column 'g' holds texts of 1000000 bytes" in said
    assert peak < 2 * MOST_MIB  # one page of the file may be a quarter of the 4 GB


def test_a_dictionary_of_the_file_keeps_the_order_of_its_levels(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arm = pa.DictionaryArray.from_arrays(pa.array(np.arange(60) % 2), ["z", "a"])
    columns = {"g": [f"p{i // 4}" for i in range(60)], "arm": arm, "y": rng.normal(size=60)}
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path)
    assert rs.lmm("y ~ arm + (1 | g)", path).coefficients.iloc[:, 0].tolist() == [
        "(Intercept)",
        "arma",
    ]


@pytest.mark.parametrize("cell", ["x" * 5_000_000, '"' + "x\n" * 2_500_000 + '"'])
def test_a_cell_longer_than_a_record(cell: str, tmp_path: Path) -> None:
    path = tmp_path / "lab.csv"
    path.write_text(f"subject,direction,vo2_ml_kg_min\n1,forward,30\n1,backward,{cell}\n")
    with pytest.raises(InputError, match="row 3: more than 4194304 bytes"):
        rs.load_cohort(path)
    with pytest.raises(InputError, match=r"more than 4194304 bytes|not |no "):
        rs.read_cart(path)


def test_many_records_below_the_limit_are_read(tmp_path: Path) -> None:
    path = tmp_path / "lab.csv"
    note = "x" * 100_000
    rows = [f"{i // 2},{('forward', 'backward')[i % 2]},{30 + i % 7},{note}" for i in range(60)]
    path.write_text("subject,direction,vo2_ml_kg_min,note\n" + "\n".join(rows) + "\n")
    assert len(rs.load_cohort(path).frame) == 60


def test_a_workbook_behind_a_password_says_so(tmp_path: Path) -> None:
    path = tmp_path / "lab.xlsx"
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 1000
    path.write_bytes(head + "EncryptedPackage".encode("utf-16-le") + b"\x01" * 1000)
    for read in (rs.load_cohort, rs.read_cart):
        with pytest.raises(InputError, match=r"behind a password.*take the password away"):
            read(path)
    path.write_bytes(head + b"\x01" * 1000)
    with pytest.raises(InputError, match=r"an old \.xls workbook"):
        rs.load_cohort(path)


def test_a_workbook_that_names_one_sheet_many_times(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["subject", "direction", "vo2_ml_kg_min"])
    for i in range(2000):
        book.active.append([i // 2, ("forward", "backward")[i % 2], 30.0])
    book.save(tmp_path / "plain.xlsx")
    with (
        zipfile.ZipFile(tmp_path / "plain.xlsx") as old,
        zipfile.ZipFile(tmp_path / "lab.xlsx", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for item in old.infolist():
            part = old.read(item)
            if item.filename == "xl/workbook.xml":
                start = part.index(b"<sheet ")
                end = part.index(b"/>", start) + 2
                tag = part[start:end]
                names = (tag.replace(b"Sheet", b"Sheet%d" % i, 1) for i in range(1501))
                part = part[:start] + b"".join(names) + part[end:]
            new.writestr(item.filename, part)
    started = time.process_time()
    with pytest.raises(InputError, match="names 1501 sheets and holds 1"):
        rs.load_cohort(tmp_path / "lab.xlsx")
    assert time.process_time() - started < 5


COMMANDS = (
    ["-m", "retrostats.replicate", "--list"],
    ["-m", "retrostats", "replicate", "--list"],
    ["-c", "import sys; from retrostats.__main__ import main; sys.exit(main())", "--version"],
)


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on POSIX")
@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupt_while_the_command_is_imported(command: list[str], tmp_path: Path) -> None:
    """A module that stands in for numpy interrupts at once: no traceback, one line, code 130."""
    (tmp_path / "rich").mkdir()
    code = "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)\n"
    for name in ("numpy", "pandas", "argparse", "rich/__init__"):
        (tmp_path / f"{name}.py").write_text(code)
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, timeout=300,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{Path(__file__).parents[1]}"},
    )  # fmt: skip
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines() == ["retrostats: stopped before it began; nothing was written"]


def test_the_command_takes_interrupts_over_from_the_imports() -> None:
    from doors.common import ended, quit_on_interrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        quit_on_interrupt()
        assert ended(lambda: os.kill(os.getpid(), signal.SIGINT) or time.sleep(5) or 0) == 130
    finally:
        signal.signal(signal.SIGINT, before)
