"""Reading in pieces: files, labels, pieces ahead, and what cannot be read."""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
import pytest
from doors.models import Coder, Keys, prefetched
from doors.models import source as pieces
from streamed_rows import FORMULA, rows, same_numbers

import retrostats as rs
from retrostats import InputError

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
duckdb = pytest.importorskip("duckdb")


@pytest.fixture(autouse=True)
def many_pieces(monkeypatch):
    """Pieces so small that every source has dozens."""
    monkeypatch.setattr(pieces, "ROWS", 53)


def test_a_fraction_after_a_megabyte_of_whole_numbers(tmp_path, monkeypatch) -> None:
    """Blocks of CSV are small, because dozens are read ahead; types are told by more of it."""
    monkeypatch.setattr(pieces, "ROWS", 50_000)
    n = 60_000
    frame = pd.DataFrame({"subject": np.arange(n) % 50, "pad": "x" * 20, "x": np.arange(n) % 7})
    frame["x"] = frame["x"].astype(object)
    frame.loc[n - 50 :, "x"] = 2.5
    frame["y"] = np.random.default_rng(1).normal(size=n).round(3) + frame["subject"] / 10
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    text = path.read_text()
    assert len(text[: text.index("2.5,")]) > 2 * pieces._BLOCK - 2**17
    made = pieces._format("csv", "rows.csv")
    assert made.default_fragment_scan_options.read_options.block_size == 1 << 20
    streamed = rs.lmm("y ~ x + (1 | subject)", path)
    same_numbers(
        streamed, rs.lmm("y ~ x + (1 | subject)", frame.assign(x=frame["x"].astype(float)))
    )


def test_unusable_files_and_objects(tmp_path) -> None:
    with pytest.raises(InputError, match="no such file"):
        rs.lmm(FORMULA, tmp_path / "none*.parquet")
    (tmp_path / "a.parquet").write_bytes(b"not parquet")
    with pytest.raises(InputError, match="cannot be read"):
        rs.lmm(FORMULA, tmp_path / "a.parquet")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(InputError, match="neither all Parquet nor all CSV"):
        rs.lmm(FORMULA, tmp_path / "a.txt")
    with pytest.raises(InputError, match="a relation"):
        rs.lmm(FORMULA, duckdb.connect())
    table = pa.Table.from_pandas(rows())
    reader = pa.RecordBatchReader.from_batches(table.schema, table.to_batches(40))
    with pytest.raises(InputError, match="read only once"):
        rs.lmm(FORMULA, reader)
    with pytest.raises(InputError, match="have no rows"):
        rs.lmm(FORMULA, table.slice(0, 0))
    with pytest.raises(InputError, match="each single subject"):
        rs.moments(FORMULA, table).save(tmp_path / "m.json")
    coded = [pa.record_batch({"arm": pa.array(list(v)).dictionary_encode(), "subject": [1, 1],
                              "x": [1, 2], "y": [1, 2]}) for v in ("ab", "ac")]  # fmt: skip
    late = pa.RecordBatchReader.from_batches(coded[0].schema, coded[:1] * 30 + coded[1:] * 30)
    with pytest.raises(InputError, match="not among the levels of the first rows"):
        rs.lmm("y ~ arm + (1 | subject)", late)


@pytest.mark.parametrize("kind", ["near", "below", "huge", "far", "text", "then far"])
def test_labels_get_numbers_by_first_appearance(kind) -> None:
    rng = np.random.default_rng(3)
    parts = [rng.integers(0, 40, 25) for _ in range(6)]
    if kind == "below":
        parts = [p - 7 * i for i, p in enumerate(parts)]
    if kind == "huge":
        parts = [p.astype(np.uint64) + np.uint64((1 << 64) - 50) for p in parts]
    if kind == "far":
        parts = [p * (1 << 40) for p in parts]
    if kind == "then far":
        parts[3:] = [p * (1 << 40) for p in parts[3:]]
    if kind == "text":
        parts = [pa.chunked_array([[f"s{v}" for v in p]]) for p in parts]
    coder = Coder()
    codes = np.concatenate([coder.codes(p) for p in parts])
    values = np.concatenate([np.asarray(p) for p in parts])
    expected, labels = pd.factorize(values)
    assert codes.tolist() == expected.tolist()
    assert coder.labels.tolist() == labels.tolist()


@pytest.mark.parametrize("span", [1 << 25, 64, 0], ids=["table", "table, then hash", "hash"])
def test_combinations_of_labels(span, monkeypatch) -> None:
    """Numbers by first appearance, and each finds its labels again, however it is looked up."""
    monkeypatch.setattr("retrostats.models.linear.streamed.labels._SPAN", span)
    rng = np.random.default_rng(3)
    wider = np.arange(900) // 30  # pieces to come hold labels that no piece before them has
    columns = (
        rng.integers(0, 5 + wider) * 10**12, rng.choice(list("abc"), 900),
        rng.integers(0, 4 + 2 * wider),
    )  # fmt: skip
    keys = Keys(3)
    pieces = [tuple(c[i : i + 30] for c in columns) for i in range(0, 900, 30)]
    codes = np.concatenate([keys.codes(piece) for piece in pieces])
    expected = pd.factorize(pd.MultiIndex.from_arrays(columns))[0]
    assert codes.tolist() == expected.tolist()
    for column, labels in zip(columns, keys.labels, strict=True):
        assert labels[codes].tolist() == column.tolist()


def test_labels_are_put_into_few_hash_tables(monkeypatch) -> None:
    """Each a few times, however many pieces bring new ones: not once a piece."""
    asked: dict[int, pd.Index] = {}
    index = pd.Index.get_indexer

    def noted(self, target):
        asked[id(self)] = self  # kept, so that no other one gets its place
        return index(self, target)

    monkeypatch.setattr(pd.Index, "get_indexer", noted)
    coder, pieces = Coder(), 64
    for i in range(pieces):
        codes = coder.codes(np.arange(100 * i, 100 * (i + 1)) * float(1 << 40))
        assert codes.tolist() == list(range(100 * i, 100 * (i + 1)))
    assert sum(map(len, asked.values())) <= 8 * 100 * pieces  # one a piece would take 32 times


def test_a_table_of_labels_does_not_grow_with_each_lower_one() -> None:
    coder, tables = Coder(), []
    for low in range(1_000, 0, -1):
        coder.codes(np.arange(low, 1_001))
        if not tables or tables[-1] is not coder._table:
            tables.append(coder._table)
    assert coder.count == 1_000
    assert len(tables[-1]) <= 4_000
    assert len(tables) <= 25


def _counted(read: list[int], fails_at: int = 10**9):
    for i in range(100):
        if i == fails_at:
            raise ValueError("broken there")
        read.append(i)
        yield i


def test_few_pieces_are_read_ahead_and_none_after_the_end() -> None:
    """Memory does not grow with the rows: the reader waits for whoever adds the pieces up."""
    read: list[int] = []
    pieces_of = prefetched(lambda: _counted(read))
    assert next(pieces_of) == 0
    time.sleep(0.3)
    assert len(read) <= 3
    before = threading.active_count()
    pieces_of.close()
    assert threading.active_count() < before
    assert len(read) <= 6
    assert list(prefetched(lambda: _counted([]))) == list(range(100))
    with pytest.raises(ValueError, match="broken there"):
        list(prefetched(lambda: _counted([], 5)))


def test_a_pass_holds_no_file_and_one_thread_of_linear_algebra(tmp_path, monkeypatch) -> None:
    """Pre-buffered Parquet stays in memory until its end; two threads wait for one another."""
    from doors.models import reading
    from threadpoolctl import threadpool_info

    frame = rows()
    frame.to_parquet(tmp_path / "a.parquet")
    made = dataset.dataset([tmp_path / "a.parquet"], format=pieces._format("parquet", ""))
    assert not made.format.default_fragment_scan_options.pre_buffer
    threads, read = [], reading.read_piece

    def seen(*arguments):
        threads.extend(t["num_threads"] for t in threadpool_info() if t["user_api"] == "blas")
        return read(*arguments)

    monkeypatch.setattr(reading, "read_piece", seen)
    rs.moments(FORMULA, tmp_path / "a.parquet")
    assert threads
    assert set(threads) == {1}
