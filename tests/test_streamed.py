"""Rows that are read in pieces give what the same rows give in memory."""

from __future__ import annotations

import threading
import time

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

import retrostats as rs
from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.crossed.criterion import evaluate
from retrostats.models.linear.crossed.layout import build_crossed
from retrostats.models.linear.streamed import source as pieces
from retrostats.models.linear.streamed.labels import Coder, Keys
from retrostats.models.linear.streamed.prefetch import prefetched

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
duckdb = pytest.importorskip("duckdb")

ENGINES = 1e-7  # two optimisers, each to its own end, some at a singular fit
SAME = 1e-9  # one pass and all rows at once are to differ by rounding alone
FORMULA = "y ~ x * arm + (x | subject)"


@pytest.fixture(autouse=True)
def many_pieces(monkeypatch):
    """Pieces so small that every source has dozens."""
    monkeypatch.setattr(pieces, "ROWS", 53)


def _rows(n=1_500, subjects=60, seed=1, mean=1e5) -> pd.DataFrame:
    """Subjects anywhere in the table, years far from zero, missing values."""
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(subjects, 2))
    who = rng.integers(0, subjects, n)
    frame = pd.DataFrame(
        {
            "subject": who * 1_000_003 - 5,
            "x": rng.normal(20.0, 2.0, n),
            "arm": rng.choice(["a", "b", "c"], n),
            "late": rng.choice([True, False], n),
        }
    )
    slope = 0.3 + 0.2 * u[who, 1]
    frame["y"] = mean + slope * frame["x"] + (frame["arm"] == "b") + u[who, 0] + rng.normal(size=n)
    frame.loc[[5, 700], "y"] = np.nan
    frame.loc[7, "arm"] = None
    return frame


def _sources(frame: pd.DataFrame, folder):
    """The same rows in every shape that is read in pieces."""
    for i in range(3):
        frame.iloc[i::3].to_parquet(folder / f"part{i}.parquet", index=False)
    frame.to_csv(folder / "rows.csv", index=False)
    table = pa.Table.from_pandas(frame.iloc[::-1], preserve_index=False)
    coded = table.set_column(2, "arm", pa.array(pd.Categorical(table["arm"].to_pandas())))
    yield "glob", str(folder / "part*.parquet")
    yield "path", folder / "rows.csv"
    yield "folder", dataset.dataset([folder / f"part{i}.parquet" for i in range(3)])
    yield "table", table
    yield "reader", pa.RecordBatchReader.from_batches(coded.schema, coded.to_batches(40))
    con = duckdb.connect()
    yield "relation", con.sql(f"select * from '{folder}/part*.parquet' order by x")


def _same(streamed, whole, fitted=SAME) -> None:
    assert streamed.terms == whole.terms
    assert (streamed.n_obs, streamed.n_dropped) == (whole.n_obs, whole.n_dropped)
    assert streamed.n_groups == whole.n_groups
    assert_allclose(streamed.loglik, whole.loglik, rtol=SAME)
    assert_allclose(streamed.theta, whole.theta, rtol=1e3 * fitted)  # flat at its optimum
    columns = ["estimate", "std_error", "df", "statistic"]
    assert_allclose(streamed.coefficients[columns], whole.coefficients[columns], rtol=1e2 * fitted)
    assert_allclose(streamed.beta, whole.beta, rtol=fitted)


def test_every_source_gives_the_fit_of_the_frame(tmp_path) -> None:
    frame = _rows()
    whole = rs.lmm(FORMULA, frame)
    for name, data in _sources(frame, tmp_path):
        streamed = rs.lmm(FORMULA, data)
        _same(streamed, whole)
        assert streamed.variance_components["group"].tolist() == ["subject"] * 3 + ["Residual"], (
            name
        )


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + (1 | subject)",
        "y ~ 0 + arm + late + (1 | subject)",
        "log(y) ~ x + I(x ** 2) + (1 + x || subject)",
        "y ~ arm + (arm | subject)",
        "y ~ 1 + (0 + late | subject)",
    ],
)
def test_designs(tmp_path, formula) -> None:
    frame = _rows(mean=1e3)
    _same(rs.lmm(formula, pa.Table.from_pandas(frame)), rs.lmm(formula, frame))


def test_moments_fit_what_lies_within_their_formula() -> None:
    frame = _rows()
    moments = rs.moments(FORMULA, pa.Table.from_pandas(frame))
    assert (moments.n_subjects, moments.n_obs) == (60, 1_497)
    complete = frame.dropna()
    for formula in ("y ~ arm + x + (1 | subject)", "y ~ x + (0 + x | subject)"):
        _same_numbers(rs.lmm(formula, moments), rs.lmm(formula, complete))
    with pytest.raises(NotIdentified, match="taken without late"):
        rs.lmm("y ~ late + (1 | subject)", moments)
    with pytest.raises(NotIdentified, match=r"taken without I\(x\^2\)"):
        rs.lmm("y ~ I(x ** 2) + (1 | subject)", moments)
    with pytest.raises(InputError, match="reduce the rows again"):
        rs.lmm("x ~ arm + (1 | subject)", moments)


def _same_numbers(streamed, whole) -> None:
    assert streamed.terms == whole.terms
    assert_allclose(streamed.beta, whole.beta, rtol=1e-8)
    assert_allclose(streamed.loglik, whole.loglik, rtol=SAME)


def test_marginal_means_of_streamed_rows() -> None:
    frame = _rows()
    means = [rs.lmm(FORMULA, d).emmeans("arm").table for d in (pa.Table.from_pandas(frame), frame)]
    assert_allclose(means[0]["estimate"], means[1]["estimate"], rtol=SAME)
    assert_allclose(means[0]["std_error"], means[1]["std_error"], rtol=1e-6)


def test_a_level_that_no_complete_row_has_is_left_out() -> None:
    frame = _rows()
    frame.loc[frame["arm"] == "a", "y"] = np.nan
    _same(rs.lmm("y ~ arm + (1 | subject)", pa.Table.from_pandas(frame)),
          rs.lmm("y ~ arm + (1 | subject)", frame))  # fmt: skip


def test_truth_of_which_one_value_is_left() -> None:
    frame = _rows()
    frame.loc[~frame["late"], "y"] = np.nan
    with pytest.raises(InputError, match=r"one level only \('?TRUE'?\)"):
        rs.lmm("y ~ late + (1 | subject)", pa.Table.from_pandas(frame))
    _same(rs.lmm("y ~ 0 + late + (1 | subject)", pa.Table.from_pandas(frame)),
          rs.lmm("y ~ 0 + late + (1 | subject)", frame))  # fmt: skip


def test_text_subjects_and_sorted_files(tmp_path) -> None:
    frame = _rows().sort_values("arm", kind="stable")  # the first piece knows one arm only
    frame["subject"] = "s" + frame["subject"].astype(str)
    frame.to_parquet(tmp_path / "a.parquet")
    _same(rs.lmm(FORMULA, tmp_path / "a.parquet"), rs.lmm(FORMULA, frame))


def test_the_order_of_rows_moves_rounding_only() -> None:
    frame = _rows()
    fits = [rs.lmm(FORMULA, pa.Table.from_pandas(f)) for f in (frame, frame.iloc[::-1])]
    assert_allclose(fits[0].beta, fits[1].beta, rtol=SAME)
    again = rs.lmm(FORMULA, pa.Table.from_pandas(frame))
    assert np.array_equal(again.beta, fits[0].beta)


@pytest.mark.parametrize(
    ("formula", "error", "says"),
    [
        ("y ~ center(x) + (1 | subject)", InputError, "need all rows at once"),
        ("y ~ z + (1 | subject)", InputError, "no column 'z'"),
        ("arm ~ x + (1 | subject)", InputError, "the outcome, is not numeric"),
        ("y ~ x + I(2 * x) + (1 | subject)", NotIdentified, "follow from the others"),
        ("y ~ x + offset(arm) + (1 | subject)", InputError, "not numeric"),
        ("y ~ day + (1 | subject)", InputError, "dates"),
    ],
)
def test_refusals(formula, error, says) -> None:
    frame = _rows().assign(day=pd.Timestamp("2024-01-01"))
    with pytest.raises(error, match=says.replace("(", r"\(")):
        rs.lmm(formula, pa.Table.from_pandas(frame))


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x + arm + (1 | site/subject)",
        "y ~ x + (1 + x | site) + (1 | site:subject)",
        "y ~ x + (1 + x | subject) + (1 | item)",
        "y ~ x + (1 | site/subject) + (0 + x | item)",
        "y ~ x + (x | item:site)",
    ],
)
def test_nested_and_crossed_groups(tmp_path, formula) -> None:
    """Combinations of levels are keyed: files in any order, labels of any kind."""
    rng = np.random.default_rng(8)
    frame = _rows(mean=1e4).assign(item=rng.integers(0, 12, 1_500) * 10**12)
    frame["site"] = "s" + (frame["subject"] % 7).astype(str)
    frame["subject"] %= 5
    frame["y"] += rng.normal(size=7)[frame["site"].str[1:].astype(int)]
    frame.loc[11, "site"] = None
    for i in range(2):
        frame.iloc[i::2].to_parquet(tmp_path / f"{i}.parquet")
    again, whole = rs.lmm(formula, str(tmp_path / "*.parquet")), rs.lmm(formula, frame)
    _same(again, whole, ENGINES)
    if again.model.crossed is not None:  # the sums themselves, at one theta
        theta = np.linspace(0.3, 0.9, len(again.theta))
        one, two = (
            evaluate(c, theta, reml=True) for c in (again.model.crossed,
                                                    build_crossed(whole.model.rows))
        )  # fmt: skip
        assert_allclose([one.deviance, one.rss], [two.deviance, two.rss], rtol=SAME)
        assert_allclose(one.gradient, two.gradient, rtol=1e3 * SAME)
    if "/" in formula:
        assert again.bootstrap(8, 1)["converged"].all()
        with pytest.raises(NotIdentified, match="taken without item"):
            rs.lmm("y ~ x + (1 | item)", rs.moments("y ~ x + (1 | site/subject)", tmp_path))
        fewer = rs.lmm("y ~ x + (1 | site)", again.moments)
        used = frame.dropna(subset=["arm"]) if "arm" in formula else frame
        _same_numbers(fewer, rs.lmm("y ~ x + (1 | site)", used))


@pytest.mark.parametrize(
    ("formula", "residual"),
    [
        ("y ~ x * arm + (x | subject)", "arm"),
        ("y ~ x + (1 | subject)", "arm:late"),
        ("y ~ x + arm + (1 | site:subject)", "kind"),
        ("y ~ x + arm", "arm"),
        ("y ~ x + arm + (1 | site/subject)", "arm"),
        ("y ~ x + (x | site) + (1 | site:subject)", "arm:late"),
        ("y ~ x + (x | subject) + (1 | kind)", "late"),
    ],
)
@pytest.mark.parametrize("weights", [None, "w"])
def test_residual_strata(tmp_path, formula, residual, weights) -> None:
    """A number may name strata too; combinations that do not meet are none."""
    rng = np.random.default_rng(2)
    frame = _rows(mean=1e3).assign(kind=rng.integers(3, 6, 1_500), site=lambda f: f["x"] > 20)
    frame["y"] += rng.normal(size=1_500) * (frame["arm"] == "c") * 3
    frame = frame[(frame["arm"] != "a") | frame["late"]].reset_index(drop=True)
    frame["w"] = 0.5 + frame.index % 4
    whole = rs.lmm(formula, frame, residual=residual, weights=weights)
    for i in range(2):
        frame.iloc[i::2].to_parquet(tmp_path / f"{i}.parquet")
    for data in (pa.Table.from_pandas(frame), str(tmp_path / "*.parquet")):
        fit = rs.lmm(formula, data, residual=residual, weights=weights)
        _same(fit, whole, ENGINES)
        pd.testing.assert_series_equal(fit.residual_sd, whole.residual_sd, rtol=1e-6)
    if weights or "(1 | kind)" in formula or "site" in formula:
        return
    complete = frame.dropna(subset=residual.split(":"))
    plain = rs.lmm("y ~ x + (1 | subject)", fit.moments) if "(1 | subject)" in formula else None
    if plain is not None:
        _same_numbers(plain, rs.lmm("y ~ x + (1 | subject)", complete))
        with pytest.raises(NotIdentified, match="taken with residual='arm:late'"):
            rs.lmm(formula, fit.moments, residual="late")


def test_moments_that_keep_strata() -> None:
    table = pa.Table.from_pandas(_rows())
    moments = rs.moments("y ~ x + (1 | subject)", table, residual="arm:late")
    again = rs.lmm("y ~ x + (1 | subject)", moments, residual="arm:late")
    whole = rs.lmm("y ~ x + (1 | subject)", table, residual="arm:late")
    assert np.array_equal(again.beta, whole.beta)
    assert again.residual_sd.tolist() == whole.residual_sd.tolist()


def test_residual_strata_that_cannot_be(tmp_path) -> None:
    frame = _rows()
    table = pa.Table.from_pandas(frame)
    with pytest.raises(InputError, match=r"write C\(x\) there"):
        rs.lmm("y ~ x + (1 | subject)", table, residual="x")
    with pytest.raises(InputError, match="one level only"):
        rs.lmm("y ~ x + (1 | subject)", pa.Table.from_pandas(frame.assign(one="a")), residual="one")
    flat = frame.assign(y=lambda f: f["y"].where(f["arm"] != "a", 7.0))
    with pytest.raises(NotIdentified, match="does not vary there"):
        rs.lmm("y ~ arm + (1 | subject)", pa.Table.from_pandas(flat), residual="arm")


def test_weights_and_offsets(tmp_path) -> None:
    frame = _rows(mean=1e3).assign(w=lambda f: 0.5 + np.arange(len(f)) % 4)
    frame.loc[12, "w"] = np.nan
    formula = "y ~ x + offset(2 * w) + offset(x) + arm + (x | subject)"
    table = pa.Table.from_pandas(frame)
    _same(rs.lmm(formula, table), rs.lmm(formula, frame))
    formula = "y ~ x + offset(x) + arm + (x | subject)"
    streamed, whole = rs.lmm(formula, table, weights="w"), rs.lmm(formula, frame, weights="w")
    _same(streamed, whole)
    means = [fit.emmeans("arm").table["estimate"] for fit in (streamed, whole)]
    assert_allclose(means[0], means[1], rtol=1e-7)
    assert_allclose(rs.lmm(formula, streamed.moments).loglik, streamed.loglik, rtol=SAME)
    nested = "y ~ x + (1 | arm/subject)"
    _same(rs.lmm(nested, table, weights="w"), rs.lmm(nested, frame, weights="w"), ENGINES)
    with pytest.raises(InputError, match="reduce the rows again"):
        rs.lmm("y ~ x + arm + (x | subject)", streamed.moments)
    with pytest.raises(InputError, match="name of a column"):
        rs.lmm(formula, table, weights=np.ones(len(frame)))
    frame.loc[40, "w"] = 0.0
    with pytest.raises(InputError, match="0 in pyarrow Table; a weight is above 0"):
        rs.lmm(formula, pa.Table.from_pandas(frame), weights="w")


def test_outcomes_drawn_from_sums_have_the_law_of_those_of_rows() -> None:
    """Products with Z and X and the square: their covariance is that of rows of noise."""
    rng = np.random.default_rng(8)
    frame = _rows(800, 20).assign(item=rng.integers(0, 15, 800))
    formula = "y ~ x + arm + (x | subject) + (1 | item)"
    crossed = rs.lmm(formula, pa.Table.from_pandas(frame)).model.crossed
    design = crossed.cells
    cells, e, p = design.normals
    size, q = cells * e + p, len(crossed.zy)
    columns = np.zeros((q + p, size))
    explained = 0.0
    for i, unit in enumerate(np.eye(size)):
        with_z, with_x, square = design.noise(unit[: cells * e].reshape(cells, e), unit[-p:])
        columns[:, i] = np.concatenate([with_z, with_x])
        explained += square
    covariance = columns @ columns.T
    wanted = np.block([[crossed.c.toarray(), crossed.zx], [crossed.zx.T, np.eye(p)]])
    assert_allclose(covariance, wanted, atol=1e-8 * np.abs(wanted).max())
    assert design.free() == crossed.n_obs - round(explained)  # no number is counted twice


def test_bootstrap_of_streamed_crossed_groups_is_that_of_the_rows() -> None:
    """Two samples of refits of one law; the same bytes whoever refits."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"subject": rng.integers(0, 25, 500), "item": rng.integers(0, 18, 500)})
    frame["x"] = rng.normal(size=500)
    frame["y"] = 3 + frame["x"] + rng.normal(size=25)[frame["subject"]] + rng.normal(size=500)
    frame["y"] += rng.normal(size=18)[frame["item"]]
    formula = "y ~ x + (1 | subject) + (1 | item)"
    streamed, whole = rs.lmm(formula, pa.Table.from_pandas(frame)), rs.lmm(formula, frame)
    draws = streamed.bootstrap(240, 3, jobs=2)
    pd.testing.assert_frame_equal(draws, streamed.bootstrap(240, 3), check_exact=True)
    other = whole.bootstrap(240, 3)
    assert draws["converged"].all()
    for column in ("(Intercept)", "x", "sigma", "se_x"):
        a, b = draws[column], other[column]
        assert abs(a.mean() - b.mean()) < 4 * np.sqrt((a.var() + b.var()) / 240), column
        assert 0.8 < a.std() / b.std() < 1.25, column


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
    _same_numbers(
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
    table = pa.Table.from_pandas(_rows())
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


def test_combinations_of_labels() -> None:
    """Numbers by first appearance, and each finds its labels again."""
    rng = np.random.default_rng(3)
    columns = (rng.integers(0, 5, 90) * 10**12, rng.choice(list("abc"), 90), rng.integers(0, 4, 90))
    keys = Keys(3)
    codes = np.concatenate([keys.codes(tuple(c[i : i + 30] for c in columns)) for i in (0, 30, 60)])
    expected = pd.factorize(pd.MultiIndex.from_arrays(columns))[0]
    assert codes.tolist() == expected.tolist()
    for column, labels in zip(columns, keys.labels, strict=True):
        assert labels[codes].tolist() == column.tolist()


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


@pytest.mark.parametrize("seed", range(12))
def test_any_mean_spread_and_order(seed) -> None:
    """Far from zero, on any scale, sorted or not: the sums lose no digit that memory keeps."""
    rng = np.random.default_rng(seed)
    n, far = 900, 10 ** rng.uniform(0, 5.5, 2) * rng.choice([-1, 1], 2)
    who, scale, u = rng.integers(0, 40, n), 10 ** rng.uniform(-3, 3, 2), rng.normal(size=(2, 40))
    x = rng.normal(size=n) + u[0, who]
    y = far[1] + rng.normal(size=40)[who] + (1 + u[1, who]) * x + rng.normal(size=n)
    frame = pd.DataFrame({"subject": who, "arm": who % 3, "y": y * scale[1]})
    frame["x"] = (far[0] + x) * scale[0]
    if seed % 2:
        frame = frame.sort_values(["y", "x", "subject"][seed % 3])
    for formula in ("y ~ x + (1 | subject)", "y ~ x + C(arm) + (1 | subject)"):
        streamed, whole = rs.lmm(formula, pa.Table.from_pandas(frame)), rs.lmm(formula, frame)
        error = whole.coefficients["std_error"].to_numpy()
        assert np.abs((streamed.beta - whole.beta) / error).max() < SAME
        assert_allclose(streamed.loglik, whole.loglik, rtol=SAME)


def test_a_pass_holds_no_file_and_one_thread_of_linear_algebra(tmp_path, monkeypatch) -> None:
    """Pre-buffered Parquet stays in memory until its end; two threads wait for one another."""
    from threadpoolctl import threadpool_info

    from retrostats.models.linear.streamed import reading

    frame = _rows()
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
