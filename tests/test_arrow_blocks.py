"""A long text cut block by block gives what the whole gives, or says that it takes the whole."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from doors.io import arrow_blocks, arrow_text
from hypothesis import given
from hypothesis import strategies as st

MISSING = ["NA", ""]
CUT = arrow_blocks.Cut(3, ",", MISSING)
#: Cells of a column, by what most of them look like.
KINDS = {
    "whole numbers": ["1", "20", "-3", "0"],
    "numbers": ["1.5", "2", "-0.25", "1e3"],
    "words": ["p1", "p2", "p10", "01"],
    "dates": ["2020-01-02", "2021-12-31"],
    "truth values": ["true", "false"],
    "nothing": ["NA"],
}
ODD = ["NA", "", "7", "7.5", "x", "99999999999999999999"]


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, int]:
    """Lines of three columns, the first of words, and how many; some cells are of other kinds."""
    rows = draw(st.integers(1, 120))
    columns = []
    for _ in range(3):
        usual = KINDS[draw(st.sampled_from(sorted(KINDS)))]
        column = draw(st.lists(st.sampled_from(usual), min_size=rows, max_size=rows))
        for _ in range(draw(st.integers(0, 2))):
            column[draw(st.integers(0, rows - 1))] = draw(st.sampled_from(ODD))
        columns.append(column)
    lines = "\n".join(map(",".join, zip(*columns, strict=True)))
    return lines.encode() + draw(st.sampled_from([b"", b"\n"])), rows


def in_blocks(data: bytes, rows: int) -> pd.DataFrame | None:
    """The frame of a text that takes many blocks and whose samples are a few lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arrow_blocks, "BLOCK", 64)
        patch.setattr(arrow_blocks, "SAMPLE", 60)
        return arrow_text._in_blocks(data, 0, rows, CUT, [0])


@given(texts())
def test_blocks_give_what_the_whole_gives(text) -> None:
    data, rows = text
    found = in_blocks(data, rows)
    if found is not None:
        wanted = arrow_text._as_one(data, 0, rows, CUT, [0])
        pd.testing.assert_frame_equal(found, wanted, check_exact=True)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (["1"] * 50, "int64"),
        (["1"] * 25 + ["NA"] + ["1"] * 24, "float64"),
        (["1", *["2.5"] * 48, "3"], "float64"),
        (["NA"] * 50, "float64"),
        (["1.5"] * 25 + ["x"] * 25, "str"),
    ],
)
def test_three_places_say_what_a_column_holds(column, kind) -> None:
    data = "".join(f"p{i},{cell},{cell}\n" for i, cell in enumerate(column)).encode()
    frame = in_blocks(data, len(column))
    assert frame is not None, "no second reading was needed"
    assert [str(dtype) for dtype in frame.dtypes] == ["category", kind, kind]


@pytest.mark.parametrize("cell", ["2.5", "x"])
def test_what_no_place_tells_takes_the_whole(cell) -> None:
    lines = [f"p{i % 7},1,2" for i in range(200)]
    lines[50] = f"p0,1,{cell}"
    data = "\n".join(lines).encode()
    assert in_blocks(data, 200) is None
    frame = arrow_text.plain_columns(data, 0, 200, 3, [0], ",", MISSING)
    assert frame is not None
    assert str(frame[2].iloc[50]) == cell


def test_words_of_many_blocks_are_kept_once_and_in_their_order() -> None:
    words = [f"p{i % 90:02d}" for i in range(300)]
    words[120] = "NA"
    frame = in_blocks("".join(f"{word},1,2\n" for word in words).encode(), 300)
    assert frame is not None
    assert list(frame[0].cat.categories) == [f"p{i:02d}" for i in range(90)]
    assert [*frame[0].iloc[:120], *frame[0].iloc[121:]] == words[:120] + words[121:]
    assert pd.isna(frame[0].iloc[120])


def test_other_rows_than_were_counted_take_the_whole() -> None:
    assert in_blocks(b"a,1,2\nb,1,2\n", 1) is None
    assert in_blocks(b"a,1,2\nb,1,2\n", 3) is None
    with pytest.raises(pa.ArrowException):
        arrow_blocks.columns_in_blocks(b"a,1,2\nb,1\n", 0, 2, CUT, [0, 1, 2])


def test_a_gap_that_no_place_shows_makes_whole_numbers_floating() -> None:
    cells = [str(i) for i in range(200)]
    cells[50] = "NA"
    data = "".join(f"p1,{cell},1\n" for cell in cells).encode()
    frame = in_blocks(data, 200)
    assert frame is not None
    assert [*frame[1].iloc[:50], *frame[1].iloc[51:]] == [*range(50), *range(51, 200)]
    assert pd.isna(frame[1].iloc[50])


def test_a_header_says_nothing_of_what_its_columns_hold() -> None:
    data = b"name,a,b\np1,1,2"  # no line ends after the header
    assert arrow_blocks.columns_in_blocks(data, data.index(b"p1"), 1, CUT, [0]) is None
    data += b"\n"
    found = arrow_blocks.columns_in_blocks(data, data.index(b"p1"), 1, CUT, [0])
    assert found is not None
    assert [found[1].tolist(), found[2].tolist()] == [[1], [2]]
