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
from doors.models import Bordered, Order, components, find_components, surrogate_rows

import retrostats as rs
from retrostats import InputError, NotIdentified

REFERENCE = Path(__file__).parent / "reference"
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


@pytest.mark.parametrize("row", json.loads((REFERENCE / "onestage.json").read_text()))
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


def _arms_of_many(k: int) -> pd.DataFrame:
    """Two printed arms of each of k studies."""
    rng = np.random.default_rng(6)
    arm = np.tile([0, 1], k)
    return pd.DataFrame({
        "study": np.repeat([f"s{i:02d}" for i in range(k)], 2), "arm": arm,
        "n": rng.integers(6, 30, 2 * k), "sd": rng.uniform(0.8, 1.4, 2 * k),
        "mean": 5 + 0.4 * arm + np.repeat(rng.normal(0, 0.5, k), 2) * arm + rng.normal(size=2 * k),
    })  # fmt: skip


@pytest.mark.parametrize("residual", ["study", "study:arm"])
@pytest.mark.parametrize("ddf", ["kenward-roger", "satterthwaite"])
def test_rows_of_strata_equal_their_products(monkeypatch, residual: str, ddf: str) -> None:
    """The few rows behind a stratum are used where that is shorter; both ways are one model."""
    formula, data = "y ~ arm + study + (0 + arm | study)", rs.moments_arms(_arms_of_many(12))
    fits = []
    for rows in (True, False):
        if not rows:
            monkeypatch.setattr(
                "retrostats.models.linear.heteroscedastic.blocks.few_enough", lambda *_: False
            )
        fits.append(rs.lmm(formula, data, residual=residual, ddf=ddf))
    held = [fit.engine.strata.data.design is not None for fit in fits]
    assert held == [True, False]
    _same(*fits)
    tests = [fit.anova().select_dtypes("number") for fit in fits]
    np.testing.assert_allclose(tests[0], tests[1], rtol=SAME_RTOL)


def test_repeated_rows_of_a_stratum_stand_as_one(monkeypatch) -> None:
    rows = surrogate_rows(rs.moments_arms(_arms_of_many(10)), np.random.default_rng(1))
    fits = [rs.lmm("y ~ arm + study + (0 + arm | study)", rows, residual="study:arm")]
    design = fits[0].engine.strata.data.design
    assert design is not None
    assert sum(len(d.x) for d in design) == 20  # of arms, not of people
    monkeypatch.setattr(
        "retrostats.models.linear.heteroscedastic.blocks.few_enough", lambda *_: False
    )
    fits.append(rs.lmm("y ~ arm + study + (0 + arm | study)", rows, residual="study:arm"))
    _same(*fits)


#: Searches that end a little apart where the deviance is nearly flat.
SEARCH_RTOL = 2e-8
#: Inverses of random matrices of condition 100.
SOLVED_RTOL = 1e-9


def _with_and_without(monkeypatch, formula: str, data: object, **options) -> list[rs.LmmFit]:
    """A fit by study, and one with products of all columns."""
    fits = []
    for least in (0, 10**9):
        monkeypatch.setattr(components, "_FEWEST", least)
        fits.append(rs.lmm(formula, data, **options))
    names = [type(fit.engine).__name__ for fit in fits]
    assert names == ["OfStudies", "Heteroscedastic"]
    return fits


def _agree(a: rs.LmmFit, b: rs.LmmFit) -> None:
    assert a.terms == b.terms
    assert a.singular == b.singular
    assert a.loglik == pytest.approx(b.loglik, rel=SAME_RTOL)
    numbers = a.coefficients.columns[1:]
    for x, y in (
        (a.coefficients[numbers], b.coefficients[numbers]),
        (a.residual_sd, b.residual_sd),
        (a.variance_components["vcov"], b.variance_components["vcov"]),
    ):
        np.testing.assert_allclose(x, y, rtol=SEARCH_RTOL, atol=SEARCH_RTOL)
    for x, y in ((a.cov_beta, b.cov_beta), (a.cov_unadjusted, b.cov_unadjusted)):
        unit = np.sqrt(np.diag(y))
        np.testing.assert_allclose(x / unit / unit[:, None], y / unit / unit[:, None],
                                   atol=SEARCH_RTOL)  # fmt: skip


def _people_of_many(k: int, visits: int) -> pd.DataFrame:
    """Rows of the people of k studies."""
    rng = np.random.default_rng(8)
    parts = []
    for i in range(k):
        n = int(rng.integers(6, 14))
        person = np.repeat(np.arange(n), visits)
        arm, age = person % 2, rng.normal(40, 10, n)[person]
        y = 0.01 * age + 0.1 * i + rng.normal(0.2, 0.3) * arm + rng.normal(0, 0.5, n)[person]
        y += rng.normal(0, 1.0 + 0.2 * (i % 3), len(y))
        parts.append(pd.DataFrame({
            "study": f"s{i:02d}", "person": [f"{i}-{p}" for p in person], "arm": arm, "age": age,
            "visit": np.tile(np.arange(visits), n), "y": y,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


MANY = [
    ("y ~ arm + study + (0 + arm | study)", "arms", "study:arm"),
    ("y ~ arm + study + (0 + arm | study)", "arms", "arm"),
    ("y ~ arm + (1 | study) + (0 + arm | study)", "arms", "study"),
    ("y ~ arm + study + age:study + (0 + arm | study)", "people", "study"),
    ("y ~ arm + study + visit + (1 | person) + (0 + arm | study)", "visits", "study:arm"),
]


@pytest.mark.parametrize(("formula", "of", "residual"), MANY)
@pytest.mark.parametrize(
    ("reml", "ddf"), [(True, "kenward-roger"), (True, "satterthwaite"), (False, "satterthwaite")]
)
def test_many_studies_by_what_each_adds(
    monkeypatch, formula: str, of: str, residual: str, reml: bool, ddf: str
) -> None:
    data = {
        "arms": lambda: rs.moments_arms(_arms_of_many(20)),
        "people": lambda: _people_of_many(16, 1),
        "visits": lambda: _people_of_many(16, 3),
    }[of]()
    fits = _with_and_without(monkeypatch, formula, data, residual=residual, reml=reml, ddf=ddf)
    _agree(*fits)
    contrast = np.zeros((2, len(fits[0].terms)))
    contrast[0, 1], contrast[1, -1], contrast[1, 0] = 1.0, 1.0, 0.3
    for rows in (contrast, contrast[1:]):
        found = [fit.df_of(rows) for fit in fits]
        np.testing.assert_allclose(*found, rtol=SEARCH_RTOL)


@pytest.mark.parametrize("row", json.loads((REFERENCE / "onestage.json").read_text()))
def test_nlme_by_what_each_study_adds(monkeypatch, row: dict) -> None:
    if row["residual"] == "one":
        return
    monkeypatch.setattr(components, "_FEWEST", 0)
    test_nlme_on_rows_with_the_printed_moments(row)


def test_many_studies_are_not_multiplied_by_one_another() -> None:
    fit = rs.lmm("y ~ arm + study + (0 + arm | study)", rs.moments_arms(_arms_of_many(60)),
                 residual="study:arm")  # fmt: skip
    assert len(fit.coefficients) == 61
    assert np.isfinite(fit.contrast({"arm": 1.0})["df"]).all()
    assert "dense" not in vars(fit.model.strata)
    fit.anova()  # study has 59 rows, for which all columns are multiplied
    assert "dense" in vars(fit.model.strata)


def test_what_studies_share() -> None:
    k = 40
    study, arm = np.divmod(np.arange(2 * k), 2)
    x = np.column_stack([np.ones(2 * k), arm, study[:, None] == np.arange(1, k)]).astype(float)
    found = find_components(x, study, 2 * study + arm, 2 * k)
    assert found is not None
    assert found.common.tolist() == [0, 1]
    assert found.own[:, 0].tolist() == [-1, *range(2, k + 1)]
    assert found.stratum.tolist() == [[2 * i, 2 * i + 1] for i in range(k)]
    by_arm = find_components(x[:, :2], study, np.where(study < 30, study, 30 + arm), 32)
    assert by_arm is None  # too few columns and strata
    crossed = np.column_stack([x, (study % 20)[:, None] == np.arange(19)]).astype(float)
    assert find_components(crossed, study, 2 * study + arm, 2 * k) is None  # too many in common


def test_a_stratum_that_studies_share_stands_in_the_border() -> None:
    k = 60
    study, arm = np.divmod(np.arange(2 * k), 2)
    x = np.column_stack([np.ones(2 * k), study[:, None] == np.arange(1, k)]).astype(float)
    found = find_components(x, study, np.where(arm == 1, k, study), k + 1)
    assert found is not None
    assert found.shared.tolist() == [k]
    assert found.stratum[:, 0].tolist() == list(range(k))


def _whole(order: Order, parts: np.ndarray, products: np.ndarray, sign: float) -> np.ndarray:
    """The matrix that `Bordered` does not write out."""
    found, f = np.zeros((order.size,) * 2), np.zeros((order.size, 2))
    for own, part, product in zip(order.own, parts, products, strict=True):
        at = np.concatenate([order.border, own[own >= 0]])
        found[np.ix_(at, at)] += part[: len(at), : len(at)]
        f[at] += product[: len(at)]
    return found + sign * f @ f.T


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_bordered_matrices(sign: float) -> None:
    rng = np.random.default_rng(3)
    order = Order(np.array([0, 4]), np.array([[1, 2], [3, -1], [6, 5]]), 7)
    parts = np.array([a @ a.T + 2.0 * np.eye(4) for a in rng.normal(size=(3, 4, 4))])
    parts[1, 3], parts[1, :, 3] = 0.0, 0.0
    products = 0.3 * rng.normal(size=(3, 4, 2))
    products[1, 3] = 0.0
    h = Bordered(order, parts, products, sign)
    whole = _whole(order, parts, products, sign)
    np.testing.assert_allclose(np.diag(whole), h.diagonal, rtol=SOLVED_RTOL)
    vector = rng.normal(size=7)
    np.testing.assert_allclose(whole @ h.solve(vector), vector, rtol=SOLVED_RTOL)
    inverse = np.linalg.inv(whole)
    for u, own in enumerate(order.own):
        at = np.concatenate([order.border, own[own >= 0]])
        found = h.inverse_parts()[u][: len(at), : len(at)]
        np.testing.assert_allclose(found, inverse[np.ix_(at, at)], atol=SOLVED_RTOL)
    unit = 1.0 / np.sqrt(np.diag(whole))
    least = np.linalg.eigvalsh(whole * np.outer(unit, unit))[0]
    assert h.positive(0.99 * least)
    assert not h.positive(1.01 * least)
    if sign < 0:
        np.testing.assert_allclose(h.upward(vector), h.solve(vector), rtol=SOLVED_RTOL)


def test_a_step_goes_downhill_where_the_deviance_curves_down() -> None:
    rng = np.random.default_rng(4)
    order = Order(np.array([0]), np.array([[1], [2], [3]]), 4)
    for _ in range(50):
        a = rng.normal(size=(3, 2, 2))
        h = Bordered(order, a + np.swapaxes(a, 1, 2), rng.normal(size=(3, 2, 1)), -1.0)
        gradient = rng.normal(size=4)
        assert gradient @ h.upward(gradient) > 0.0


def test_many_studies_are_refused_by_name() -> None:
    table = _arms_of_many(60)
    formula = "y ~ arm + study + (0 + arm | study)"
    flat = rs.moments_arms(table.assign(sd=table["sd"].where(table.index != 15, 0.0)))
    with pytest.raises(NotIdentified, match="residual variance of study:arm s07:1"):
        rs.lmm(formula, flat, residual="study:arm")
    twice = rs.moments_arms(table.assign(two=2 * table["arm"]))
    with pytest.raises(NotIdentified, match="follow from the others"):
        rs.lmm("y ~ arm + two + study + (0 + arm | study)", twice, residual="study:arm")
