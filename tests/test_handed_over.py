"""What the child hands over: whole, in memory that nobody else can change, or through the pipe."""

from __future__ import annotations

import io
import mmap
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
from doors.io import child, packed, parent, parsers, sealed_memory
from fuzz.fuzz_readers import SEEDS

from retrostats import InputError, load_cohort


def many_kinds(rows: int) -> object:
    """A table of texts, numbers with and without gaps, truths, times, and none at all."""
    pa = pytest.importorskip("pyarrow")
    gaps = [None if i % 3 else i for i in range(rows)]
    return pa.table(
        {
            "subject": [f"p{i % 7}" for i in range(rows)],
            "v.o2": pa.array(range(rows), pa.float32()),
            "gaps": pa.array(gaps, pa.int16()),
            "text with gaps": [None if i % 5 else "x" for i in range(rows)],
            "true": pa.array([i % 2 == 0 for i in range(rows)]),
            "day": pa.array(gaps, pa.timestamp("ms")),
            "none": pa.array([None] * rows, pa.int64()),
            "": pa.array(range(rows), pa.uint8()),
        }
    )


def parquet(table: object, **options: object) -> bytes:
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


@pytest.mark.parametrize("through", ["memory", "pipe"])
@pytest.mark.parametrize("rows", [100, 0])
def test_what_is_handed_over_is_whole_in_memory_and_through_the_pipe(
    rows: int, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small blocks and row groups, so that each column comes in several."""
    table = many_kinds(rows)
    data = parquet(table, row_group_size=30)
    parent.end_child()
    smaller = "from retrostats.io.tables import packed; packed.NUMBERS_A_BLOCK = 12; " \
        "packed.CELLS_A_PART = 40"  # fmt: skip
    serve = "from retrostats.io.bounded.child import serve"
    monkeypatch.setattr(parent, "_START", parent._START.replace(serve, f"{smaller}\n{serve}"))
    if through == "pipe":
        monkeypatch.setattr(parent, "new_memory", lambda size: None)
    mapped: list[int] = []
    real = parent.sealed
    monkeypatch.setattr(parent, "sealed", lambda m, n: mapped.append(sum(n)) or real(m, n))
    try:
        parts = parent.parse_bounded("parquet", "lab.parquet", data)
        assert packed.joined(parts).to_pydict() == table.to_pydict()
        assert len(parts) > 20 or not rows
        assert bool(mapped) == (through == "memory" and sys.platform == "linux")
    finally:
        parent.end_child()


@pytest.mark.parametrize("names", [["a", "a"], ["a", "a.b"]], ids=["twice", "begun by another"])
def test_columns_of_one_name_come_together_and_a_point_in_a_name_is_none(names: list[str]) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.Table.from_arrays([pa.array(["x", None]), pa.array([1, 2])], names=names)
    found = packed.joined(parent.parse_bounded("parquet", "a.parquet", parquet(table)))
    assert found.column_names == names
    assert [column.to_pylist() for column in found.columns] == [["x", None], [1, 2]]


def test_more_than_a_file_may_take_is_refused_however_it_is_handed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "lab.parquet").write_bytes(parquet(many_kinds(100)))
    monkeypatch.setattr(parent, "memory_for", lambda size: 2000)  # of the parent alone
    for memory in (parent.new_memory, lambda size: None):
        monkeypatch.setattr(parent, "new_memory", memory)
        parent._REFUSED.clear()
        with pytest.raises(InputError, match=r"lab.parquet: takes more than 0 MB of memory"):
            load_cohort(tmp_path / "lab.parquet")
    parent._REFUSED.clear()


@pytest.fixture
def memory() -> Iterator[int]:
    """Some memory that can be sealed."""
    if sys.platform != "linux":
        pytest.skip("memory that can be sealed is Linux's")
    found = sealed_memory.new_memory(4096)
    assert found is not None
    yield found
    sealed_memory.close(found)


def test_memory_that_was_handed_over_cannot_be_changed_any_more(memory) -> None:
    with pytest.raises(OSError, match="not permitted"):
        os.pwrite(memory, b"beyond", 4096)  # nor can it grow
    sealed_memory.write(memory, memoryview(b"first"), 0)
    sealed_memory.write(memory, memoryview(b"second"), sealed_memory.aligned(5))
    parts = sealed_memory.sealed(memory, [5, 6])
    assert [bytes(part) for part in parts] == [b"first", b"second"]
    with pytest.raises(OSError, match="not permitted"):
        os.pwrite(memory, b"other", 0)
    parts[0][:1] = b"F"  # in this process alone
    assert os.pread(memory, 5, 0) == b"first"


def test_whoever_keeps_a_way_to_write_is_found_out(memory) -> None:
    writable = mmap.mmap(memory, 4096)
    with pytest.raises(OSError, match="busy"):
        sealed_memory.sealed(memory, [4096])
    writable.close()


def test_lengths_beyond_the_memory_are_no_parts(memory) -> None:
    with pytest.raises(OSError, match="beyond"):
        sealed_memory.sealed(memory, [4000, 100])


def test_the_child_of_parquet_does_without_numpy() -> None:
    """More than half of its start would be numpy's."""
    pa = pytest.importorskip("pyarrow")
    if int(pa.__version__.split(".")[0]) < 18:
        pytest.skip("a pyarrow that needs numpy")
    code = (
        "import sys\nfrom retrostats.io.bounded.parsers import parser\n"
        "read = parser('parquet')\nlist(read('a', sys.stdin.buffer.read(), ''))\n"
        "assert not any(sys.modules.get(name) for name in ('numpy', 'pandas'))\n"
    )
    table = many_kinds(100).append_column("bytes", pa.array([b"x"] * 100))
    subprocess.run(
        [sys.executable, "-c", code], input=parquet(table), check=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1]), parsers.BARE: "1"},
    )  # fmt: skip


def test_a_child_without_numpy_serves_no_parser_that_may_need_it() -> None:
    """Found by reading a file of SPSS after one of Parquet: the process ended in machine code."""
    pytest.importorskip("pyreadstat")
    tables = {
        "parquet": parquet(many_kinds(10)),
        "package": (SEEDS / "metabolic-cost.sav").read_bytes(),
    }
    options = {"parquet": "", "package": ".sav"}
    parent.end_child()
    children = []
    for name in ("parquet", "parquet", "package", "parquet", "package"):
        assert parent.parse_bounded(name, f"lab.{name}", tables[name], options[name])
        children.append(parent._HELD.child)
    assert children[0] is children[1]
    assert children[2] is children[3] is children[4]  # one that has numpy reads all that comes
    parent.end_child()


def test_what_goes_wrong_after_the_first_part_is_still_said(monkeypatch) -> None:
    def half(file: str, data: bytes, option: str) -> Iterator[bytes]:
        yield data
        raise InputError(f"{file}: cut short")

    monkeypatch.setattr(child, "parser", lambda name: half)
    monkeypatch.setattr(child, "bound", lambda size: None)  # these are the child's alone
    monkeypatch.setattr(child, "guarded", nullcontext)
    found = list(child._answers("any", "lab.parquet", "", b"rows"))
    assert found == [("part", b"rows"), ("no", b"lab.parquet: cut short")]
