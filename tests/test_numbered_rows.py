"""Rows numbered, counted and put together in the fast ways: as pandas does it, to the bit."""

from __future__ import annotations

from itertools import pairwise, permutations

import numpy as np
import pandas as pd
import pytest
from doors.common import floats_of, unset_array
from doors.io import arrow_frame, distinct, numbering, passes
from hypothesis import given
from hypothesis import strategies as st

#: Bits that are one value to people: both zeros, and NaN of any payload.
ODD = [0.0, -0.0, np.nan, -np.nan, np.inf, -np.inf, 5e-324]


@st.composite
def columns(draw: st.DrawFn) -> np.ndarray:
    """Numbers sorted or not, few or many, whole or not, with gaps and odd ones."""
    n, many = draw(st.integers(1, 300)), draw(st.sampled_from([1, 3, 40, 10**9]))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    values = rng.integers(-many, many, n)
    values = np.sort(values) if draw(st.booleans()) else values
    if draw(st.booleans()):
        return values
    found = values / draw(st.sampled_from([1, 7]))
    found[rng.random(n) < draw(st.sampled_from([0.0, 0.2, 1.0]))] = draw(st.sampled_from(ODD))
    return found


@given(columns(), st.sampled_from([7, 64]), st.sampled_from([2, 256]))
def test_rows_are_numbered_as_pandas_numbers_them(values, block, few) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "BLOCK", block)
        patch.setattr(numbering, "FEW", few)
        codes, known = numbering.numbered(values)
    wanted, same = pd.factorize(values, use_na_sentinel=True)
    assert codes.tolist() == wanted.tolist()
    assert known.dtype == same.dtype
    assert known.tobytes() == same.tobytes()  # of two zeros the first


@pytest.mark.parametrize("way", ["_by_runs", "_by_bits"])
def test_each_fast_way_is_taken_where_it_is_meant(way, monkeypatch) -> None:
    taken = []
    for name in ("_by_runs", "_by_bits"):
        real = getattr(numbering, name)

        def noted(values, real=real, name=name):
            found = real(values)
            taken.append((name, found is not None))
            return found

        monkeypatch.setattr(numbering, name, noted)
    rows = np.arange(2 * numbering.BLOCK)
    values = rows // 100 if way == "_by_runs" else rows % 50 / 7
    numbering.numbered(values)
    assert taken[-1] == (way, True)


def test_values_whose_bits_fall_together_are_left_to_pandas(monkeypatch) -> None:
    monkeypatch.setattr(numbering, "MULTIPLIERS", (1 << 63,))  # sends all odd bits to one place
    values = np.tile(np.array([1, 3, 5]), numbering.BLOCK)
    assert numbering._by_bits(values) is None
    assert numbering.numbered(values)[0][:4].tolist() == [0, 1, 2, 0]


@st.composite
def words(draw: st.DrawFn) -> pd.DataFrame:
    """Three columns of few words with gaps."""
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return pd.DataFrame({name: rng.choice([*"xyz", None], n) for name in "abc"}, dtype="category")


@given(words())
def test_what_rows_hold_of_fewer_columns_follows_from_what_they_hold_of_more(frame) -> None:
    together = distinct.CodedColumns(frame)
    together.count_together(["a", "b", "c", "not there"])
    for count in (1, 2, 3):
        for names in permutations("abc", count):
            alone = distinct.CodedColumns(frame).cells(names)
            assert together.cells(names).tolist() == alone.tolist()


@given(columns(), st.booleans())
def test_gaps_are_those_of_pandas(values, category) -> None:
    column = pd.Series(values, dtype="category" if category else values.dtype)
    gaps = passes.gaps_of(column)
    assert (np.zeros(len(column), bool) if gaps is None else gaps).tolist() == (
        column.isna().tolist()
    )
    assert (gaps is None) == (not column.hasnans)
    assert passes.holds_any(column) == column.notna().any()
    assert set(distinct.values_held(column)) == set(column.dropna())


def test_something_far_below_the_first_rows_is_held() -> None:
    column = pd.Series(np.full(3 * numbering.BLOCK, np.nan))
    assert not passes.holds_any(column)
    column.iat[-1] = 1.0
    assert passes.holds_any(column)
    assert np.flatnonzero(passes.gaps_of(column) == 0).tolist() == [len(column) - 1]


def test_the_ends_of_blocks_are_those_of_all() -> None:
    values = np.full(3 * numbering.BLOCK, np.nan)
    assert np.isnan(passes.ends(values)).all()
    values[[5, -1]] = 3.0, -2.0
    assert passes.ends(values) == (-2.0, 3.0)


def test_a_long_array_can_be_written_and_outlives_what_made_it() -> None:
    for count in (3, 2**20):
        array = unset_array(count, np.float64)
        array[:] = np.arange(count)
        assert (array[-1], array.dtype, array.flags.writeable) == (count - 1, np.float64, True)
    whole = pd.Series(range(2**20))
    assert floats_of(whole).dtype == np.float64
    assert floats_of(whole)[-1] == whole.iat[-1]
    assert floats_of(pd.Series([True, False], dtype="boolean")).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("cuts", [(), (3,), (0, 2, 2)])
def test_a_frame_of_arrow_columns_is_that_of_pandas(cuts) -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table(
        {
            "whole": pa.array([1, 2, 3, 4, 5], pa.int16()),
            "real": [1.5, -0.0, float("nan"), 2.5, 3.5],
            "gaps": pa.array([1, None, 3, None, 5]),
            "truth": [True, False, None, True, True],
            "word": pa.array(["a", "b", None, "a", "c"]).dictionary_encode(),
        }
    )
    at = [0, *cuts, len(table)]
    parts = [table.slice(i, j - i) for i, j in pairwise(at)]
    cut = pa.concat_tables(parts)
    frame = arrow_frame.frame_of(cut.columns)
    pd.testing.assert_frame_equal(frame.set_axis(table.column_names, axis=1), table.to_pandas())


def test_words_are_spelled_out_with_and_without_gaps() -> None:
    for said in (["a", "b", "a"], ["a", None, "b"], [None, None]):
        column = pd.Series(said, dtype="str").astype("category")
        spelled = distinct.spelled_out(column)
        pd.testing.assert_series_equal(spelled, pd.Series(said, dtype="str"))
