"""Columns, not rows: the fast ways give what the careful ones give, and ask of distinct values."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from doors.common import Conditions
from doors.io import (
    arrow_text,
    cells,
    delimited,
    distinct,
    examples,
    is_wide,
    may_name_levels,
    names_levels,
    numbering,
    people,
    plausible,
    possible,
    sums,
    values,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

import retrostats as rs
from retrostats import InputError

#: Of a property whose examples take long: the others look at all of the profile's.
FEW = settings(max_examples=settings.default.max_examples // 3)
HEADER = "subject,direction,speed (km/h),VO2 (ml/kg/min),HR (bpm),remark"
#: What people write into cells, right and wrong; by column.
PLANTED = {
    0: ["p1", "P01", "p 1", "mean", "EXAMPLE-1", "", "NA", "7", "07", "7.0", "ｐ1", "SD"],
    1: ["fwd", "Backward", "sideways", "", "NA", " forward", "forward ", "run backward"],
    2: ["8", "8.0", "0x8", "8,0", "+8", "1e1", "", "-", "8 ", "900", "8.04", "\t8", "1_0"],
    3: ["35.5", "1.200", "950", "NA", "nan", "NaN", "inf", "1e400", "-3", "x", "2020-01-02",
        "1.2.3", "true", "35.1234567890123456", "--", "0.5", "10:30", ".", "5."],
    4: ["150", "1200", "150.5", "", "n/a", "4:10", "TRUE", "99999999999999999999"],
    5: ["", "ok", "2020-01-02", "12", "1.5", "true", "a b", "0", "=1+1"],
}  # fmt: skip


def rows_of(draw: st.DrawFn) -> list[list[str]]:
    """A table of a few people, with defects planted in it."""
    n = draw(st.integers(2, 12))
    rows = [
        [f"p{i % 4 + 1}", ("forward", "backward")[i % 2], str(8 + i // 8), f"{30 + i}.5",
         str(140 + i), ""]
        for i in range(n)
    ]  # fmt: skip
    for _ in range(draw(st.integers(0, 5))):
        column = draw(st.integers(0, 5))
        rows[draw(st.integers(0, n - 1))][column] = draw(st.sampled_from(PLANTED[column]))
    return rows


@st.composite
def texts_of_tables(draw: st.DrawFn) -> str:
    """A delimited text, now and then with a line that breaks it."""
    lines = [",".join(row) for row in rows_of(draw)]
    for broken in draw(st.lists(st.sampled_from(["", ",,,,,", "p1,forward", "a note", '"p1",b',
                                                 "p,b,8,1,2,3,4", " "]), max_size=1)):  # fmt: skip
        lines.insert(draw(st.integers(0, len(lines))), broken)
    end = draw(st.sampled_from(["\n", "\r\n"]))
    return end.join([HEADER, *lines]) + draw(st.sampled_from(["", end, end * 2]))


def outcome_of(source: object) -> object:
    """What a table gives: its cohort, or its message."""
    try:
        return rs.load_cohort(source)
    except InputError as error:
        return str(error)


def assert_same(one: object, other: object) -> None:
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    pd.testing.assert_frame_equal(one.frame, other.frame, rtol=1e-15)
    pd.testing.assert_frame_equal(one.problems, other.problems)
    assert {**one.provenance} == {**other.provenance}
    assert (one.spec, one.analysis) == (other.spec, other.analysis)


@pytest.mark.parametrize(
    "as_text",
    [pytest.param(2**25, marks=pytest.mark.thorough, id="all cells as text"),
     pytest.param(0, id="numbers inferred")],
)  # fmt: skip
@FEW
@given(text=texts_of_tables())
def test_threads_and_the_careful_reader_give_the_same(as_text, text, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("same") / "lab.csv"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(delimited, "AS_TEXT", as_text)
        patch.setattr(delimited, "PLAIN_FROM", 2**40)
        careful = outcome_of(path)
        patch.setattr(delimited, "PLAIN_FROM", 0)
        fast = outcome_of(path)
    assert_same(fast, careful)


@pytest.mark.parametrize(
    ("as_text", "everywhere", "step"),
    [(2**25, False, 2), *(pytest.param(as_text, everywhere, 1, marks=pytest.mark.thorough)
                          for as_text in (2**25, 0) for everywhere in (False, True))],
)  # fmt: skip
def test_each_defect_alone_is_read_the_same(
    as_text, everywhere, step, tmp_path, monkeypatch
) -> None:
    """Every other defect first; `make thorough` has each."""
    monkeypatch.setattr(delimited, "AS_TEXT", as_text)
    path = tmp_path / "lab.csv"
    for column, planted in PLANTED.items():
        for cell in planted[::step]:
            rows = [[f"p{i // 2}", ("forward", "backward")[i % 2], "8", f"{30 + i}.5", "140", "a"]
                    for i in range(6)]  # fmt: skip
            for row in rows if everywhere else rows[:1]:
                row[column] = cell
            path.write_text("\n".join([HEADER, *map(",".join, rows)]), encoding="utf-8")
            both = []
            for size in (2**40, 0):
                monkeypatch.setattr(delimited, "PLAIN_FROM", size)
                both.append(outcome_of(path))
            assert_same(*both)


@FEW
@given(text=texts_of_tables())
def test_numbers_read_at_once_are_those_read_one_by_one(text, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("same") / "lab.csv"
    path.write_bytes(text.encode())
    fast = outcome_of(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, "plain_numbers", lambda texts: None)
        careful = outcome_of(path)
    assert_same(fast, careful)


NUMBERS = st.one_of(
    st.from_regex(r"\A-?\d{0,4}\.?\d{0,4}\Z"),
    st.sampled_from(["1.200", "950", "1.5", "0.125", "12.000", "1234.567", ".500", "5.", "-1.200"]),
)


@given(st.lists(NUMBERS, min_size=1, max_size=6))
def test_plain_numbers_know_when_a_point_is_in_doubt(texts) -> None:
    read = values.plain_numbers(texts)
    if read is not None:
        mark = cells.decimal_mark(texts)
        assert (mark.mark, mark.guessed, mark.doubt) == (".", False, "")
        assert read.tolist() == [mark.value(text) for text in texts]


@given(st.lists(st.text("aA10 _.-\tｐА\n", max_size=5), min_size=1, max_size=8))
def test_codes_compared_at_once_are_those_compared_one_by_one(codes) -> None:
    assert people.plain_codes(codes) == [people._plain(code) for code in codes]


@given(st.lists(st.text("mean sdEXAMPLE-1p\n=3", max_size=9), min_size=1, max_size=6))
def test_a_pattern_asked_of_all_texts_misses_none(texts) -> None:
    if any(examples.is_example(text) for text in texts):
        assert distinct.any_matches(examples._IN_LINES, texts)
    if any(sums._ALWAYS.fullmatch(text.strip()) for text in texts):
        assert distinct.any_matches(sums._ALWAYS_IN_LINES, [text.strip() for text in texts])


@st.composite
def measured(draw: st.DrawFn) -> pd.DataFrame:
    """Values with gaps and outliers, by person, direction and speed."""
    n = draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    value = rng.normal(35, draw(st.sampled_from([0.0, 0.2, 5.0])), n).round(1)
    value[rng.random(n) < draw(st.sampled_from([0.0, 0.3, 1.0]))] = np.nan
    value[rng.random(n) < 0.1] = draw(st.sampled_from([60.0, 500.0, -4.0, 101.0]))
    frame = pd.DataFrame(
        {
            "subject": rng.choice(["a", "b", "c", None], n),
            "direction": rng.choice(["forward", "backward", None], n),
            "speed_m_s": rng.choice([2.0, 3.0, np.nan, 14.0], n),
            "vo2_ml_kg_min": value,
            "source_file": "lab.csv",
            "source_row": np.arange(n) + 2,
        }
    )
    category = draw(st.booleans())
    return frame.astype({"subject": "category", "direction": "category"}) if category else frame


@given(measured(), st.booleans())
def test_checks_on_codes_are_those_of_pandas(frame, small) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "SMALL_TABLE", 10**6 if small else -(10**6))
        coded = distinct.CodedColumns(frame)
        for keys in (["subject", "direction"], ["subject", "direction", "speed_m_s"],
                     ["speed_m_s", "vo2_ml_kg_min"]):  # fmt: skip
            assert distinct.repeats(coded, keys).tolist() == frame.duplicated(keys).tolist()
        for by in ("subject", "speed_m_s"):
            names, counts = distinct.values_of_each(coded, "direction", by)
            wanted = frame.groupby(by, observed=True)["direction"].nunique()
            assert dict(zip(names, counts, strict=True)) == wanted.to_dict()


@given(measured(), st.booleans(), st.sampled_from([3, 2**16]))
def test_cells_counted_by_codes_are_those_of_pandas(frame, small, block) -> None:
    keys = ["subject", "speed_m_s"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "SMALL_TABLE", 10**6 if small else -(10**6))
        for module in (distinct, numbering):
            patch.setattr(module, "BLOCK", block)
        coded = distinct.CodedColumns(frame)
        cells = frame.groupby(keys, observed=True, dropna=False)
        assert distinct.rows_each(coded, keys) == (cells.size().min(), cells.size().max())
        assert distinct.most_values(coded, "direction", keys) == cells["direction"].nunique().max()
        for name in ("subject", "direction", "speed_m_s"):
            assert sorted(coded.held(name)) == sorted(frame[name].dropna().unique())
            codes, values = coded[name]
            counts = frame[name].value_counts()
            assert distinct.rows_of_each(coded, name).tolist() == [counts.get(v, 0) for v in values]
            firsts = distinct.first_rows(codes, len(values))
            assert {values[code]: row for code, row in firsts} == {
                value: int(np.argmax(frame[name] == value)) for value in frame[name].dropna()
            }


@given(
    st.lists(st.sampled_from(["p1", " NA", "-", "a b", "", "\n", "Ü", "7", " ", "x\ty", "p\n1"]))
)
def test_words_asked_for_at_once_are_those_asked_for_one_by_one(texts) -> None:
    wanted = [values._word(text) for text in texts]
    assert (values._bare_words(texts) or wanted) == wanted
    assert distinct.missing_values(texts).tolist() == list(map(cells.is_missing, texts))


SIDES = Conditions("left", "right")
#: Conditions that a header may name without a letter.
NUMBERED = Conditions("left", "right", synonyms={"left": ("1", "-1 °")})


@given(st.text("0123456789.,:-+ ()[]/%_~'*#½²°", max_size=12), st.sampled_from([SIDES, NUMBERED]))
@example("VO2 1", NUMBERED)
@example("1", NUMBERED)
def test_no_header_that_names_a_level_is_passed_over(header, conditions) -> None:
    if is_wide(header, conditions) or names_levels(header, conditions):
        assert may_name_levels(header, conditions)


@given(st.integers(0, 10**6), st.sampled_from([0.2, 5.0]), st.booleans())
def test_counting_proves_only_what_is_so(seed, spread, outliers) -> None:
    rng = np.random.default_rng(seed)
    way = rng.choice(["forward", "backward"], 300)
    value = rng.normal(35, spread, 300).round(int(rng.integers(0, 3)))
    value[rng.random(300) < 0.1] = np.nan
    if outliers:
        value[rng.integers(0, 300, 2)] = 35 + spread * rng.choice([-12, 5, 9, 20, 90])
    frame = pd.DataFrame({"direction": way, "vo2_ml_kg_min": value, "source_row": range(300)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plausible, "_nothing_far", lambda *_: False)
        wanted = plausible._far(frame, "vo2_ml_kg_min", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plausible, "ENOUGH", 1)
        patch.setattr(plausible, "SAMPLED", 100)
        assert plausible._far(frame, "vo2_ml_kg_min", "") == wanted


def test_most_tables_need_no_second_look() -> None:
    value = np.random.default_rng(1).normal(35, 5, 20_000).round(2)
    ways = np.arange(20_000) % 2
    assert plausible._nothing_far(value, ways, 0, (-400.0, 400.0))  # of another group: told apart
    far = np.append(value, 500.0)
    assert plausible._nothing_far(far, np.append(ways, 1), 0, (value.min(), 500.0))
    assert not plausible._nothing_far(far, np.append(ways, 0), 0, (value.min(), 500.0))


@FEW
@given(measured())
def test_values_are_judged_as_all_of_them_would_be(frame) -> None:
    found = possible.impossible_values(frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(possible, "_within", lambda column, name: False)
        assert found == possible.impossible_values(frame)

    outcome = frame["vo2_ml_kg_min"]
    keys = frame["direction"].astype(object).fillna("nan")
    centre = outcome.groupby(keys).transform("median")
    away = (outcome - centre).abs()
    spread = 1.4826 * away.groupby(keys).transform("median")
    rows = frame["source_row"][(away > plausible.FAR * spread) & (spread > 0)]
    far = [p for p in plausible._far(frame, "vo2_ml_kg_min", "") if p.action.startswith("kept")]
    assert [p.row for p in far] == list(map(str, rows[: plausible.LISTED]))

    problems = plausible.doubtful_values(frame, "", "lab.csv")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plausible, "median_within", lambda values, low, high: False)
        assert problems == plausible.doubtful_values(frame, "", "lab.csv")


def large_table(people: int = 60, each: int = 400) -> pd.DataFrame:
    """More than a mebibyte of text, with few people and few different numbers."""
    rng = np.random.default_rng(2)
    at = np.arange(people * each)
    return pd.DataFrame(
        {
            "subject": [f"runner-{i:03d}" for i in at // each],
            "direction": np.where(at % 2, "backward", "forward"),
            "speed (km/h)": 5 + 0.1 * ((at // 2) % (each // 2)),
            "VO2 (ml/kg/min)": rng.normal(35, 5, len(at)).round(1).clip(10, 80),
            "remark": np.where(at % 3, "well rested and well fed", "tired"),
        }
    )


@pytest.mark.parametrize("kind", ["csv", "parquet", "frame"])
def test_work_grows_with_distinct_values_not_with_rows(kind, tmp_path, monkeypatch) -> None:
    table = large_table()
    most = sum(table[name].nunique() for name in table)
    source: object = table
    if kind != "frame":
        source = tmp_path / f"lab.{kind}"
        getattr(table, f"to_{kind}")(source, index=False)
    calls: Counter[str] = Counter()

    def counted(module, name):
        real = getattr(module, name)

        def count(*args, **options):
            calls[name] += 1
            return real(*args, **options)

        monkeypatch.setattr(module, name, count)

    for module, name in ((values, "_word"), (cells, "number"), (cells, "is_missing"),
                         (values, "named"), (people, "_plain"), (examples, "is_example"),
                         (possible, "_outside"), (delimited, "scan")):  # fmt: skip
        counted(module, name)
    frame = rs.load_cohort(source).frame
    assert len(frame) == len(table) > 10 * most
    assert calls["_word"] <= 2 * most
    looked = {"number": 3000, "is_missing": 8000, "named": 1000}  # the layout looks at a sample
    assert all(calls[name] < limit for name, limit in looked.items()), calls
    asked = ("_plain", "is_example", "_outside", "scan")
    assert not any(calls[name] for name in asked), "a clean table needs no closer look"


def test_a_long_plain_text_is_read_by_pyarrow_and_kept_as_codes(tmp_path, monkeypatch) -> None:
    path = tmp_path / "lab.csv"
    large_table().to_csv(path, index=False)
    kept = []
    real = arrow_text.plain_columns
    monkeypatch.setattr(
        delimited, "plain_columns", lambda *args: kept.append(real(*args)) or kept[-1]
    )
    cohort = rs.load_cohort(path)
    assert [str(dtype) for dtype in kept[0].dtypes] == ["category"] * 5
    assert cohort.frame["source_row"].tolist() == list(range(2, len(cohort.frame) + 2))


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ("mood cafeine,mood placebo", "mood cafeine .did you mean 'mood caffeine'"),
        ("mood_caffeine,mood_plcebo", "mood_plcebo .did you mean 'mood placebo'"),
        ("moood caffeine,moood placebo", "moood placebo .did you mean 'mood placebo'"),
        ("caffeine,plcebo", "plcebo .did you mean 'placebo'"),
    ],
)
def test_a_slip_in_a_header_of_a_wide_table_names_what_was_meant(tmp_path, headers, says) -> None:
    (tmp_path / "cup.toml").write_text(
        'title = "Cup"\ncompared = ["caffeine", "placebo"]\n[claims.better]\nsays = "it lifts"\n'
        'cause = true\nmeasure = "mean difference"\ntrue_if = "above 0"\nbecause = "said"\n'
        'cohort = { outcome = "mood" }\n'
    )
    (tmp_path / "cup.csv").write_text(
        "study,design,n,first,second\nA,crossover,14,61 SD 9,58 SD 8\n"
        "B,crossover,9,60 SD 8,58 SD 8\n"
    )
    rows = "".join(f"p{i},{55 + 3 * i},{50 + 4 * i}\n" for i in range(6))
    (tmp_path / "own.csv").write_text(f"subject,{headers}\n{rows}")
    with pytest.raises(InputError, match=says):
        rs.load_cohort(tmp_path / "own.csv", audit=tmp_path / "cup.toml")
