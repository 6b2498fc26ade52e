"""Rows that are read in pieces give what the same rows give in memory."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.models import build_crossed
from doors.models import evaluate_crossed as evaluate
from doors.models import source as pieces
from numpy.testing import assert_allclose
from streamed_rows import FORMULA, SAME, rows, same, same_numbers

import retrostats as rs
from retrostats import InputError, NotIdentified

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
duckdb = pytest.importorskip("duckdb")

ENGINES = 1e-7  # two optimisers, each to its own end, some at a singular fit


@pytest.fixture(autouse=True)
def many_pieces(monkeypatch):
    """Pieces so small that every source has dozens."""
    monkeypatch.setattr(pieces, "ROWS", 53)


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


def test_every_source_gives_the_fit_of_the_frame(tmp_path) -> None:
    frame = rows()
    whole = rs.lmm(FORMULA, frame)
    for name, data in _sources(frame, tmp_path):
        streamed = rs.lmm(FORMULA, data)
        same(streamed, whole)
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
    frame = rows(mean=1e3)
    same(rs.lmm(formula, pa.Table.from_pandas(frame)), rs.lmm(formula, frame))


def test_moments_fit_what_lies_within_their_formula() -> None:
    frame = rows()
    moments = rs.moments(FORMULA, pa.Table.from_pandas(frame))
    assert (moments.n_subjects, moments.n_obs) == (60, 1_497)
    complete = frame.dropna()
    for formula in ("y ~ arm + x + (1 | subject)", "y ~ x + (0 + x | subject)"):
        same_numbers(rs.lmm(formula, moments), rs.lmm(formula, complete))
    with pytest.raises(NotIdentified, match="taken without late"):
        rs.lmm("y ~ late + (1 | subject)", moments)
    with pytest.raises(NotIdentified, match=r"taken without I\(x\^2\)"):
        rs.lmm("y ~ I(x ** 2) + (1 | subject)", moments)
    with pytest.raises(InputError, match="reduce the rows again"):
        rs.lmm("x ~ arm + (1 | subject)", moments)


def test_marginal_means_of_streamed_rows() -> None:
    frame = rows()
    means = [rs.lmm(FORMULA, d).emmeans("arm").table for d in (pa.Table.from_pandas(frame), frame)]
    assert_allclose(means[0]["estimate"], means[1]["estimate"], rtol=SAME)
    assert_allclose(means[0]["std_error"], means[1]["std_error"], rtol=1e-6)


def test_a_level_that_no_complete_row_has_is_left_out() -> None:
    frame = rows()
    frame.loc[frame["arm"] == "a", "y"] = np.nan
    same(rs.lmm("y ~ arm + (1 | subject)", pa.Table.from_pandas(frame)),
          rs.lmm("y ~ arm + (1 | subject)", frame))  # fmt: skip


def test_truth_of_which_one_value_is_left() -> None:
    frame = rows()
    frame.loc[~frame["late"], "y"] = np.nan
    with pytest.raises(InputError, match=r"one level only \('?TRUE'?\)"):
        rs.lmm("y ~ late + (1 | subject)", pa.Table.from_pandas(frame))
    same(rs.lmm("y ~ 0 + late + (1 | subject)", pa.Table.from_pandas(frame)),
          rs.lmm("y ~ 0 + late + (1 | subject)", frame))  # fmt: skip


def test_text_subjects_and_sorted_files(tmp_path) -> None:
    frame = rows().sort_values("arm", kind="stable")  # the first piece knows one arm only
    frame["subject"] = "s" + frame["subject"].astype(str)
    frame.to_parquet(tmp_path / "a.parquet")
    same(rs.lmm(FORMULA, tmp_path / "a.parquet"), rs.lmm(FORMULA, frame))


def test_the_order_of_rows_moves_rounding_only() -> None:
    frame = rows()
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
    frame = rows().assign(day=pd.Timestamp("2024-01-01"))
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
    frame = rows(mean=1e4).assign(item=rng.integers(0, 12, 1_500) * 10**12)
    frame["site"] = "s" + (frame["subject"] % 7).astype(str)
    frame["subject"] %= 5
    frame["y"] += rng.normal(size=7)[frame["site"].str[1:].astype(int)]
    frame.loc[11, "site"] = None
    for i in range(2):
        frame.iloc[i::2].to_parquet(tmp_path / f"{i}.parquet")
    again, whole = rs.lmm(formula, str(tmp_path / "*.parquet")), rs.lmm(formula, frame)
    same(again, whole, ENGINES)
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
        same_numbers(fewer, rs.lmm("y ~ x + (1 | site)", used))


STRATA = [
    ("y ~ x * arm + (x | subject)", "arm"),
    ("y ~ x + (1 | subject)", "arm:late"),
    ("y ~ x + arm + (1 | site:subject)", "kind"),
    ("y ~ x + arm", "arm"),
    ("y ~ x + arm + (1 | site/subject)", "arm"),
    ("y ~ x + (x | site) + (1 | site:subject)", "arm:late"),
    ("y ~ x + (x | subject) + (1 | kind)", "late"),
]


@pytest.mark.parametrize(
    ("formula", "residual", "weights"),
    [
        *((*strata, None) for strata in STRATA),
        (*STRATA[0], "w"),
        *(pytest.param(*strata, "w", marks=pytest.mark.thorough) for strata in STRATA[1:]),
    ],
)
def test_residual_strata(tmp_path, formula, residual, weights) -> None:
    """A number may name strata too; combinations that do not meet are none."""
    rng = np.random.default_rng(2)
    frame = rows(mean=1e3).assign(kind=rng.integers(3, 6, 1_500), site=lambda f: f["x"] > 20)
    frame["y"] += rng.normal(size=1_500) * (frame["arm"] == "c") * 3
    frame = frame[(frame["arm"] != "a") | frame["late"]].reset_index(drop=True)
    frame["w"] = 0.5 + frame.index % 4
    whole = rs.lmm(formula, frame, residual=residual, weights=weights)
    for i in range(2):
        frame.iloc[i::2].to_parquet(tmp_path / f"{i}.parquet")
    for data in (pa.Table.from_pandas(frame), str(tmp_path / "*.parquet")):
        fit = rs.lmm(formula, data, residual=residual, weights=weights)
        same(fit, whole, ENGINES)
        pd.testing.assert_series_equal(fit.residual_sd, whole.residual_sd, rtol=1e-6)
    if weights or "(1 | kind)" in formula or "site" in formula:
        return
    complete = frame.dropna(subset=residual.split(":"))
    plain = rs.lmm("y ~ x + (1 | subject)", fit.moments) if "(1 | subject)" in formula else None
    if plain is not None:
        same_numbers(plain, rs.lmm("y ~ x + (1 | subject)", complete))
        with pytest.raises(NotIdentified, match="taken with residual='arm:late'"):
            rs.lmm(formula, fit.moments, residual="late")


def test_moments_that_keep_strata() -> None:
    table = pa.Table.from_pandas(rows())
    moments = rs.moments("y ~ x + (1 | subject)", table, residual="arm:late")
    again = rs.lmm("y ~ x + (1 | subject)", moments, residual="arm:late")
    whole = rs.lmm("y ~ x + (1 | subject)", table, residual="arm:late")
    assert np.array_equal(again.beta, whole.beta)
    assert again.residual_sd.tolist() == whole.residual_sd.tolist()


def test_residual_strata_that_cannot_be(tmp_path) -> None:
    frame = rows()
    table = pa.Table.from_pandas(frame)
    with pytest.raises(InputError, match=r"write C\(x\) there"):
        rs.lmm("y ~ x + (1 | subject)", table, residual="x")
    with pytest.raises(InputError, match="one level only"):
        rs.lmm("y ~ x + (1 | subject)", pa.Table.from_pandas(frame.assign(one="a")), residual="one")
    flat = frame.assign(y=lambda f: f["y"].where(f["arm"] != "a", 7.0))
    with pytest.raises(NotIdentified, match="does not vary there"):
        rs.lmm("y ~ arm + (1 | subject)", pa.Table.from_pandas(flat), residual="arm")


def test_weights_and_offsets(tmp_path) -> None:
    frame = rows(mean=1e3).assign(w=lambda f: 0.5 + np.arange(len(f)) % 4)
    frame.loc[12, "w"] = np.nan
    formula = "y ~ x + offset(2 * w) + offset(x) + arm + (x | subject)"
    table = pa.Table.from_pandas(frame)
    same(rs.lmm(formula, table), rs.lmm(formula, frame))
    formula = "y ~ x + offset(x) + arm + (x | subject)"
    streamed, whole = rs.lmm(formula, table, weights="w"), rs.lmm(formula, frame, weights="w")
    same(streamed, whole)
    means = [fit.emmeans("arm").table["estimate"] for fit in (streamed, whole)]
    assert_allclose(means[0], means[1], rtol=1e-7)
    assert_allclose(rs.lmm(formula, streamed.moments).loglik, streamed.loglik, rtol=SAME)
    nested = "y ~ x + (1 | arm/subject)"
    same(rs.lmm(nested, table, weights="w"), rs.lmm(nested, frame, weights="w"), ENGINES)
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
    frame = rows(800, 20).assign(item=rng.integers(0, 15, 800))
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
