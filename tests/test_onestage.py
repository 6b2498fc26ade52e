"""One model of several studies: printed tables, residual variances by stratum, merged rows, files.

Pinned answers (tests/reference/onestage.json, data/apnea_printed.csv): R nlme on rows with exactly
the printed moments of eight sleep-apnea trials.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from doors.models import components, surrogate_rows

import retrostats as rs
from retrostats import InputError, NotIdentified

REFERENCE = Path(__file__).parent / "reference"
ROWS = json.loads((REFERENCE / "onestage.json").read_text())
NLME_RTOL = 1e-5  # nlme stops at about this relative accuracy
NLME_ZERO = 1e-5  # it works on the log of a standard deviation, which cannot reach zero
SAME_RTOL = 1e-9  # the same numbers summed in another order
DENSE_RTOL = 1e-8  # inverses of matrices of some fifty rows
NUMERIC_RTOL = 1e-5  # central differences of a Hessian
FULL = "post ~ pre_c + arm + study + pre_c:study + (0 + arm | study)"


def _apnea() -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / "apnea_printed.csv")


def _same(a: rs.LmmFit, b: rs.LmmFit) -> None:
    assert a.terms == b.terms
    assert a.n_obs == b.n_obs
    np.testing.assert_allclose(a.loglik, b.loglik, rtol=SAME_RTOL)
    numbers = a.coefficients.columns[1:]
    np.testing.assert_allclose(a.coefficients[numbers], b.coefficients[numbers], rtol=SAME_RTOL)
    np.testing.assert_allclose(
        a.variance_components["vcov"], b.variance_components["vcov"], rtol=SAME_RTOL
    )


def _lab(name: str, n: int, rng: np.random.Generator) -> pd.DataFrame:
    arm = np.arange(n) % 2
    pre = rng.normal(50, 10, n)
    post = 20 + 0.5 * pre - 4 * arm + rng.normal() * arm + rng.normal(0, 3 + arm, n)
    frame = pd.DataFrame({"study": name, "arm": arm, "pre": pre, "post": post})
    return frame.assign(pre_c=pre - pre.mean(), arm_c=arm - 0.5)


@pytest.fixture(scope="module")
def labs() -> list[pd.DataFrame]:
    rng = np.random.default_rng(5)
    return [_lab(s, n, rng) for s, n in zip("ABCDE", (30, 41, 25, 60, 22), strict=True)]


def _table(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.groupby(["study", "arm"])
    table = groups.agg(
        n=("post", "size"), mean_pre=("pre", "mean"), sd_pre=("pre", "std"),
        mean_post=("post", "mean"), sd_post=("post", "std"),
    ).reset_index()  # fmt: skip
    return table.assign(correlation=[d["pre"].corr(d["post"]) for _, d in groups])


@pytest.mark.parametrize("row", ROWS)
def test_nlme_on_rows_with_the_printed_moments(row: dict) -> None:
    residual = None if row["residual"] == "one" else row["residual"]
    formula = row["model"]
    fit = rs.lmm(formula, rs.moments_prepost(_apnea()), residual=residual, ddf="satterthwaite")
    arm = fit.coefficients.set_index("term").loc[row["term"]]
    assert fit.converged
    assert arm["estimate"] == pytest.approx(row["estimate"], rel=NLME_RTOL)
    assert arm["std_error"] == pytest.approx(row["std_error"], rel=NLME_RTOL)
    if "arm | study" in formula or "arm_c | study" in formula:  # eight studies, not 294 people
        assert arm["df"] < (8 if row["tau2"] > 1 else 25)
    components = fit.variance_components
    assert components["vcov"][0] == pytest.approx(row["tau2"], rel=NLME_RTOL, abs=NLME_ZERO)
    assert fit.loglik == pytest.approx(row["loglik_reml"], rel=SAME_RTOL)
    if residual is not None:
        expected = [row["sigma"][label.replace(":", " ")] for label in fit.residual_sd.index]
        np.testing.assert_allclose(fit.residual_sd, expected, rtol=NLME_RTOL)


@pytest.mark.parametrize("row", [row for row in ROWS if row["residual"] != "one"])
def test_nlme_by_what_each_study_adds(monkeypatch, row: dict) -> None:
    monkeypatch.setattr(components, "_FEWEST", 0)
    test_nlme_on_rows_with_the_printed_moments(row)


@pytest.mark.parametrize("residual", [None, "arm", "study:arm"])
@pytest.mark.parametrize(
    "formula",
    [
        FULL,
        "post ~ pre_c*arm + (1 + pre_c | study)",
        "post ~ pre + arm_c + (1 | study) + (0 + arm_c | study)",
        "I(post - pre) ~ arm + (1 | study)",
    ],
)
def test_a_printed_table_is_its_rows(
    labs: list[pd.DataFrame], formula: str, residual: str | None
) -> None:
    rows = pd.concat(labs, ignore_index=True)
    printed = rs.moments_prepost(_table(rows))
    _same(rs.lmm(formula, printed, residual=residual), rs.lmm(formula, rows, residual=residual))


@pytest.mark.parametrize("formula", ["post ~ pre_c + arm + (0 + arm | study)",
                                     "post ~ pre + arm_c + (1 | study)"])  # fmt: skip
def test_raw_rows_and_printed_tables_are_one_model(labs: list[pd.DataFrame], formula: str) -> None:
    rows = pd.concat(labs, ignore_index=True)
    raw = rs.moments(formula, labs[0])
    printed = rs.moments_prepost(_table(pd.concat(labs[1:])))
    for merged in (raw + printed, printed + raw):
        _same(rs.lmm(formula, merged), rs.lmm(formula, rows))


def test_arms_alone(labs: list[pd.DataFrame]) -> None:
    rows = pd.concat(labs, ignore_index=True).rename(columns={"post": "y"})
    table = rows.groupby(["study", "arm"])["y"].agg(n="size", mean="mean", sd="std").reset_index()
    formula = "y ~ arm + study + (0 + arm_c | study)"
    _same(
        rs.lmm(formula, rs.moments_arms(table), residual="arm"),
        rs.lmm(formula, rows, residual="arm"),
    )


def test_files_of_laboratories_equal_pooled_rows(labs: list[pd.DataFrame], tmp_path: Path) -> None:
    formula = "post ~ pre_c + arm + (0 + arm | study)"
    parts = []
    for i, rows in enumerate(labs):
        rs.moments(formula, rows).save(tmp_path / f"{i}.json")
        parts.append(rs.load_moments(tmp_path / f"{i}.json"))
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    pooled = pd.concat(labs, ignore_index=True)
    for residual in (None, "study:arm"):
        _same(rs.lmm(FULL, total, residual=residual), rs.lmm(FULL, pooled, residual=residual))


def test_the_listing_is_what_the_file_holds(labs: list[pd.DataFrame], tmp_path: Path) -> None:
    reduced = rs.moments("post ~ pre_c + arm + (0 + arm | study)", labs[0])
    reduced.save(tmp_path / "a.json")
    listed = reduced.disclosure()
    stored = json.loads((tmp_path / "a.json").read_text())["patterns"]
    numbers = [p["n"] for p in stored]
    numbers += [v for p in stored for v in p["mean"]]
    numbers += [p["scatter"][a][b] for p in stored for a in range(2) for b in range(a + 1)]
    assert sorted(listed["value"]) == sorted(numbers)
    assert not set(labs[0]["post"]) & set(listed["value"])


def test_small_cells_leave_only_when_asked(labs: list[pd.DataFrame], tmp_path: Path) -> None:
    reduced = rs.moments("post ~ arm + (1 | study)", labs[0].head(6))
    with pytest.raises(InputError, match="fewer than 5 subjects"):
        reduced.save(tmp_path / "a.json")
    assert not list(tmp_path.iterdir())
    reduced.save(tmp_path / "a.json", min_cell=3)
    assert rs.load_moments(tmp_path / "a.json").n_obs == 6


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(version=2),
        lambda d: d.update(format="other"),
        lambda d: d.update(kind="rows"),
        lambda d: d.update(columns=["study", "study"]),
        lambda d: d.update(levels=[["A"]]),
        lambda d: d.update(patterns=[]),
        lambda d: d["patterns"][0].update(n=-3),
        lambda d: d["patterns"][0].update(n=2.5),
        lambda d: d["patterns"][0].update(mean=["x", 1]),
        lambda d: d["patterns"][0].update(mean=[1e308, 1]),
        lambda d: d["patterns"][0].update(scatter=[[1, 9], [9, 1]]),
        lambda d: d["patterns"][0].update(scatter=None),
        lambda d: d["patterns"][0].update(design=[[7, 0]]),
        lambda d: d["patterns"][0].update(design=[[[[]]]]),
        lambda d: d.update(patterns=d["patterns"] + d["patterns"][:1]),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change) -> None:
    path = tmp_path / "a.json"
    rs.moments_prepost(_apnea()).save(path)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=re.escape(str(path))):
        rs.load_moments(path)


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"[" * 100_000, b'{"n": NaN}', b"PK\x03\x04"]
)
def test_what_is_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    for path in (tmp_path / "a", tmp_path, tmp_path / "none"):
        with pytest.raises(InputError):
            rs.load_moments(path)


def test_study_is_a_group_above_subjects() -> None:
    rng = np.random.default_rng(0)
    cells = pd.DataFrame(
        [
            (s, g, t, 8 + i, 20 + rng.normal() * 2 + (t == "post"), 3 + rng.random())
            for i, s in enumerate("ABCD") for g in ("ctl", "trt") for t in ("post", "pre")
        ],
        columns=["study", "group", "time", "n", "mean", "sd"],
    )  # fmt: skip
    printed = rs.moments_from_summary(cells, correlation=0.6, between=["study", "group"])
    rows = surrogate_rows(printed, np.random.default_rng(1))
    for formula, residual in (
        ("y ~ group*time + (1 | study) + (1 | subject)", None),
        ("y ~ group*time + (1 | study)", None),
        ("y ~ group*time + (1 | study/subject)", "group:time"),
    ):
        a, b = (rs.lmm(formula, data, residual=residual) for data in (printed, rows))
        _same(a, b)
        assert a.n_groups == b.n_groups


def _dense(x, y, parts, values, reml):
    v = sum(g * s for g, s in zip(parts, values, strict=True))
    vi = np.linalg.inv(v)
    c = np.linalg.inv(x.T @ vi @ x)
    b = c @ x.T @ vi @ y
    r = y - x @ b
    n, p = x.shape
    d = np.linalg.slogdet(v)[1] + r @ vi @ r + (n - p if reml else n) * np.log(2 * np.pi)
    return d - (np.linalg.slogdet(c)[1] if reml else 0.0), b, c, vi


@pytest.mark.parametrize("crossed", [False, True])
def test_criterion_and_inference_against_dense_matrices(crossed: bool) -> None:
    """Likelihood, stationarity, Kenward-Roger and Satterthwaite from n x n matrices."""
    rng = np.random.default_rng(3)
    g, t = np.repeat(np.arange(10), 6), np.tile(np.arange(6) % 3, 10)
    h, x1 = np.arange(60) % 5, rng.normal(size=60)
    y = (
        10
        + x1 / 2
        + rng.normal(size=10)[g] * 1.2
        + rng.normal(size=5)[h]
        + rng.normal(size=60) * (0.5 + 0.7 * t)
    )
    frame = pd.DataFrame({"g": g, "h": h, "t": t, "x": x1, "y": y}).drop(index=[3, 17, 40])
    frame["t"] = frame["t"].map({0: "a", 1: "b", 2: "c"})
    formula = "y ~ x + t + (1 | g)" + (" + (1 | h)" if crossed else "")
    parts = [np.equal.outer(*[frame[k].to_numpy()] * 2) * 1.0 for k in ("g", "h")][: 1 + crossed]
    parts += [np.diag((frame["t"] == s).to_numpy() * 1.0) for s in "abc"]
    outcome = frame["y"].to_numpy()
    for reml in (True, False):
        fit = rs.lmm(formula, frame, residual="t", reml=reml)
        design, values = fit.model.rows.x, fit.variance_components["vcov"].to_numpy()
        d, b, c, vi = _dense(design, outcome, parts, values, reml)
        assert -2 * fit.loglik == pytest.approx(d, rel=SAME_RTOL)
        np.testing.assert_allclose(fit.beta, b, rtol=DENSE_RTOL)
        for e in np.eye(len(values)):
            low, high = (
                _dense(design, outcome, parts, values * (1 + s * 1e-4 * e), reml)[0]
                for s in (-1, 1)
            )
            assert abs(high - low) < 1e-8  # a stationary point: the first difference vanishes
    fit = rs.lmm(formula, frame, residual="t")
    design, values = fit.model.rows.x, fit.variance_components["vcov"].to_numpy()
    _, _, c, vi = _dense(design, outcome, parts, values, True)
    p = [-design.T @ vi @ a @ vi @ design for a in parts]
    q = [[design.T @ vi @ a @ vi @ b @ vi @ design for b in parts] for a in parts]
    k = range(len(parts))
    information = np.array([
        [np.trace(vi @ parts[i] @ vi @ parts[j]) - 2 * np.trace(c @ q[i][j])
         + np.trace(c @ p[i] @ c @ p[j]) for j in k] for i in k
    ])  # fmt: skip
    w = 2 * np.linalg.inv(information)
    inner = sum(w[i, j] * (q[i][j] - p[i] @ c @ p[j]) for i in k for j in k)
    np.testing.assert_allclose(fit.cov_beta, c + 2 * c @ inner @ c, rtol=DENSE_RTOL, atol=1e-12)
    slope = np.array([np.diag(c @ a @ c) for a in p]) / np.diag(c)
    df = 2 / np.einsum("il,ij,jl->l", slope, w, slope)
    np.testing.assert_allclose(fit.coefficients["df"], df, rtol=DENSE_RTOL)
    step = np.diag(1e-4 * values)
    f = lambda s: _dense(design, outcome, parts, values + s, True)[0]  # noqa: E731
    hessian = np.array([
        [(f(a + b) - f(a - b) - f(b - a) + f(-a - b)) / (4 * a.max() * b.max()) for b in step]
        for a in step
    ])  # fmt: skip
    a = 2 * np.linalg.inv(hessian)
    gradient = -np.array([np.diag(c @ m @ c) for m in p])
    df = 2 * np.diag(c) ** 2 / np.einsum("il,ij,jl->l", gradient, a, gradient)
    other = rs.lmm(formula, frame, residual="t", ddf="satterthwaite")
    np.testing.assert_allclose(other.coefficients["df"], df, rtol=NUMERIC_RTOL)


def test_patterns_with_scatter_equal_their_rows() -> None:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"s": np.repeat(np.arange(60), 4), "time": np.tile(list("abcd"), 60)})
    rows["y"] = rng.normal(size=60)[rows["s"]] + rng.normal(size=240) * rows["time"].map(
        {"a": 1, "b": 2, "c": 1.5, "d": 0.5}
    )
    formula = "y ~ time + (1 | s)"
    reduced = rs.moments(formula, rows)
    assert len(reduced.patterns) == 1
    _same(rs.lmm(formula, reduced, residual="time"), rs.lmm(formula, rows, residual="time"))


def test_a_boundary_fit_is_one() -> None:
    table = _apnea().query("study < 5").assign(mean_post=lambda t: 30.0 - 5.0 * t["arm"])
    fit = rs.lmm("post ~ arm + (0 + arm | study)", rs.moments_prepost(table), residual="arm")
    assert fit.converged
    assert fit.singular
    assert fit.variance_components["vcov"][0] == 0.0
    assert np.isfinite(fit.coefficients["df"]).all()


@pytest.mark.parametrize(
    ("column", "value", "kind", "match"),
    [
        ("correlation", np.nan, NotIdentified, "study 1, arm 1: correlation"),
        ("correlation", 1.2, InputError, "-1 to 1"),
        ("n", 0, InputError, "n is 0"),
        ("sd_pre", -1.0, InputError, "zero or more"),
        ("mean_post", np.inf, NotIdentified, "mean_post"),
    ],
)
def test_impossible_numbers_are_named(column: str, value: float, kind: type, match: str) -> None:
    table = _apnea()
    table[column] = table[column].astype(float)
    table.loc[0, column] = value
    with pytest.raises(kind, match=match):
        rs.moments_prepost(table)


@pytest.mark.parametrize(
    ("formula", "residual", "match"),
    [
        ("post ~ I(pre**2) + arm + (1 | study)", None, "not linear"),
        ("post ~ pre:pre_c + arm + (1 | study)", None, "not linear"),
        ("post ~ log(pre) + arm + (1 | study)", None, "transform the rows"),
        ("post ~ age + arm + (1 | study)", None, "missing: age"),
        ("post ~ arm + (1 | study)", "site", "site"),
    ],
)
def test_what_print_does_not_determine_is_named(
    formula: str, residual: str | None, match: str
) -> None:
    with pytest.raises(NotIdentified, match=match):
        rs.lmm(formula, rs.moments_prepost(_apnea()), residual=residual)


def test_a_stratum_without_spread_is_named() -> None:
    table = _apnea().rename(columns={"mean_post": "mean", "sd_post": "sd"})
    table.loc[0, "sd"] = 0.0
    with pytest.raises(NotIdentified, match="study:arm 1:1"):
        rs.lmm("y ~ arm + study", rs.moments_arms(table), residual="study:arm")
    with pytest.raises(InputError, match="study 1, arm 1: sd_post is 0"):
        rs.moments_prepost(_apnea().assign(sd_post=0.0))


def test_fits_and_moments_are_shown_shortly() -> None:
    printed = rs.moments_prepost(_apnea())
    fit = rs.lmm(FULL, printed, residual="study:arm")
    assert len(repr(fit)) < 3000
    assert "more in .summary()" in repr(fit)
    assert "residual" not in printed._repr_html_()
    assert "<table" in fit._repr_html_()
    assert "311 people" in printed._repr_html_()
