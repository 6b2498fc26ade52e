"""Formulas as untrusted text, coding as R's, and bad data refused with a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from doors.models import parse_formula

import retrostats as rs
from retrostats import InputError, NotIdentified, RetrostatsError

ATTACKS = [
    "y ~ __import__('os').system('true') + (1 | subject)",
    "y ~ eval(x) + (1 | subject)",
    "y ~ exec(x) + (1 | subject)",
    "y ~ open(x) + (1 | subject)",
    "y ~ x.__class__ + (1 | subject)",
    "y ~ I(x.__class__) + (1 | subject)",
    "y ~ log(log.__globals__) + (1 | subject)",
    "y ~ np.log(x) + (1 | subject)",
    "y ~ I([c for c in x]) + (1 | subject)",
    "y ~ I(lambda: x) + (1 | subject)",
    "y ~ {x} + (1 | subject)",
    "y ~ `x + (1 | subject)",
    "y ~ `` + (1 | subject)",
    "y ~ `__import__('os').system('true')` + (1 | subject)",
    "y ~ x[0] + (1 | subject)",
    "y ~ x; x + (1 | subject)",
    "y ~ I(x ** 99999999) + (1 | subject)",
    "y ~ I(x ** 2 ** 3 ** 3) + (1 | subject)",
    "y ~ (x + arm) ** 9 + (1 | subject)",
    "y ~ log(x, x) + (1 | subject)",
    "y ~ log(x=1) + (1 | subject)",
    "y ~ x + (1 | eval(subject))",
    "y ~ x + (1 | subject",
    "y ~ x + 1 | subject)",
    "y ~ x + (1 || )",
    "y ~ x + ( | subject)",
    "y ~ x - (1 | subject)",
    "y ~ x ~ (1 | subject)",
    "y ~ 'x' + (1 | subject)",
    "y ~ x @ x + (1 | subject)",
    "y ~ 3 + (1 | subject)",
    "y ~ \x00x + (1 | subject)",
    "=cmd() ~ x + (1 | subject)",
    "~ x + (1 | subject)",
    "y ~ x",
    "y",
    "",
    "y ~ " + "(" * 500 + "x" + ")" * 500 + " + (1 | subject)",
    "y ~ " + "*".join("abcdefghijklmnop") + " + (1 | subject)",
    "y ~ x" + " + x" * 1000,
    "y + x ~ x + (1 | subject)",
    "y ~ x + (1 | subject) (1 | arm)",
]


def _data() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    frame = pd.DataFrame(
        {
            "subject": np.repeat(list("abcdefgh"), 4),
            "arm": np.repeat(["u", "v"], 16),
            "time": np.tile(["t1", "t2", "t3", "t4"], 8),
            "x": rng.normal(size=32) + 5,
        }
    )
    return frame.assign(y=rng.normal(size=32) + np.repeat(rng.normal(size=8), 4) + 10)


@pytest.mark.parametrize("formula", ATTACKS)
def test_formula_attacks_are_refused(formula: str) -> None:
    with pytest.raises(RetrostatsError):
        rs.lmm(formula, _data())


def test_a_formula_never_reaches_the_callers_names() -> None:
    secret = np.ones(32)
    assert secret.sum() == 32
    with pytest.raises(InputError, match="no column 'secret'"):
        rs.lmm("y ~ secret + (1 | subject)", _data())


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        (
            "y ~ arm * time",
            "(Intercept) armv timet2 timet3 timet4 armv:timet2 armv:timet3 armv:timet4",
        ),
        ("y ~ 0 + arm + time", "armu armv timet2 timet3 timet4"),
        ("y ~ arm - 1", "armu armv"),
        ("y ~ arm / x", "(Intercept) armv armu:x armv:x"),
        ("y ~ x:arm + x", "(Intercept) x x:armv"),
        ("y ~ I(x ** 2) + log(x)", "(Intercept) I(x^2) log(x)"),
        ("y ~ x + I(x^2)", "(Intercept) x I(x^2)"),
        ("y ~ (arm + time)^2 - arm:time", "(Intercept) armv timet2 timet3 timet4"),
        ("y ~ factor(level)", "(Intercept) factor(level)2 factor(level)3"),
        ("y ~ x + arm:x", "(Intercept) x x:armv"),
        ("y ~ 1", "(Intercept)"),
        ("log(y) ~ (arm + x) ** 2", "(Intercept) armv x armv:x"),
        ("y ~ C(level)", "(Intercept) C(level)2 C(level)3"),
    ],
)
def test_coding_and_names_are_those_of_r(formula: str, terms: str) -> None:
    data = _data().assign(level=np.tile([1, 2, 3, 3], 8))
    fit = rs.lmm(f"{formula} + (1 | subject)", data)
    assert list(fit.terms) == terms.split()


def test_categories_keep_their_order_and_unused_ones_go() -> None:
    data = _data()
    data["arm"] = pd.Categorical(data["arm"], ["v", "empty", "u"])
    assert rs.lmm("y ~ arm + (1 | subject)", data).terms == ("(Intercept)", "armu")
    data["flag"] = data["x"] > 5
    assert rs.lmm("y ~ flag + (1 | subject)", data).terms == ("(Intercept)", "flagTRUE")


def test_random_terms_are_lme4s() -> None:
    def groups(formula: str) -> list[tuple[str, int]]:
        return [(r.group, len(r.terms)) for r in parse_formula(formula).random]

    assert groups("y ~ 1 + (x | g)") == [("g", 2)]
    assert groups("y ~ 1 + (x || g)") == [("g", 1), ("g", 1)]
    assert groups("y ~ 1 + (0 + x | g)") == [("g", 1)]
    assert groups("y ~ 1 + (1 | a / b)") == [("b:a", 1), ("a", 1)]
    assert groups("y ~ 1 + (a + b || g)") == [("g", 1), ("g", 1), ("g", 1)]
    assert groups("y ~ 1 + (1 | a:b) + (x | c)") == [("a:b", 1), ("c", 2)]


BAD = [
    ("no column", lambda d: d.drop(columns="x")),
    ("appears 2 times", lambda d: pd.concat([d, d[["x"]]], axis=1)),
    ("too large", lambda d: d.assign(x=np.where(d.index == 3, np.inf, d["x"]))),
    ("too large", lambda d: d.assign(y=np.where(d.index == 3, 1e300, d["y"]))),
    ("dates", lambda d: d.assign(x=pd.Timestamp("2020-01-01"))),
    ("not numeric", lambda d: d.assign(y=d["arm"])),
    ("does not vary", lambda d: d.assign(y=1.0)),
    ("does not vary", lambda d: d.assign(y=0.0)),
    ("no row has", lambda d: d.assign(y=np.nan)),
    ("no rows", lambda d: d.iloc[:0]),
    ("mixes numbers and text", lambda d: d.assign(subject=[1, "b"] * 16)),
]


@pytest.mark.parametrize(
    ("message", "spoil"), BAD, ids=[f"{m}-{i}" for i, (m, _) in enumerate(BAD)]
)
def test_bad_data_are_refused_with_a_reason(message: str, spoil: object) -> None:
    with pytest.raises(InputError, match=message):
        rs.lmm("y ~ x + (1 | subject)", spoil(_data()))  # type: ignore[operator]


def test_what_is_not_identified_is_named() -> None:
    data = _data()
    with pytest.raises(NotIdentified, match="one level only"):
        rs.lmm("y ~ x + (1 | subject)", data.assign(subject="a"))
    with pytest.raises(NotIdentified, match="residual variance"):
        rs.lmm("y ~ x + (1 | subject)", data.assign(subject=range(32)))
    with pytest.raises(NotIdentified, match="twin"):
        rs.lmm("y ~ x + twin + (1 | subject)", data.assign(twin=2 * data["x"] + 1))
    with pytest.raises(InputError, match="one level only"):
        rs.lmm("y ~ arm + (1 | subject)", data.assign(arm="u"))
    with pytest.raises(NotIdentified, match="follow from the others"):
        rs.lmm("y ~ arm * time + (1 | subject)", data.query("arm == 'u' or time != 't2'"))
    with pytest.raises(InputError, match="no random term"):
        rs.lmm("y ~ x", data)
    with pytest.raises(InputError, match="ddf="):
        rs.lmm("y ~ x + (1 | subject)", data, ddf="wald")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="exactly one random term"):
        rs.lmm("y ~ x + (x | subject)", data, covariance="signed-cs")
    with pytest.raises(InputError, match="list"):
        rs.lmm("y ~ x + (1 | subject)", [1, 2, 3])


def test_perfect_fit_by_the_groups_is_said() -> None:
    data = _data()
    data["y"] = data["subject"].map(dict(zip("abcdefgh", range(8), strict=True))).astype(float)
    with pytest.raises(RetrostatsError):
        rs.lmm("y ~ 1 + (1 | subject)", data)


def test_a_cohort_is_its_frame() -> None:
    class Holder:
        frame = _data()

    a, b = (rs.lmm("y ~ x + (1 | subject)", d) for d in (Holder(), _data()))
    np.testing.assert_array_equal(a.beta, b.beta)


@pytest.mark.parametrize("power", ["x^2", "x**2", "x + arm:time^3", "log(x)^2"])
def test_a_power_of_one_column_is_refused_without_the_library_s_advice(
    power: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=r"a power of one column is written I\(x\^2\)"):
        rs.lmm(f"y ~ {power} + (1 | subject)", _data())
    assert capsys.readouterr().err == ""


def test_a_group_that_is_fixed_and_random() -> None:
    with pytest.raises(RetrostatsError, match="nothing is left of it to be random"):
        rs.lmm("y ~ subject + (1 | subject)", _data())


@pytest.mark.parametrize("outcome", ["log(1)", "I(2)"])
def test_an_outcome_without_a_column(outcome: str) -> None:
    for fit in (rs.lmm, rs.glmm):
        with pytest.raises(InputError, match="the outcome must be one column"):
            fit(f"{outcome} ~ x + (1 | subject)", _data())


@pytest.mark.parametrize("cells", [[[1, 2]] * 32, [{"a": 1}] * 32, [10**400] * 32])
def test_cells_that_are_no_numbers(cells: list[object]) -> None:
    data = _data().assign(odd=pd.Series(cells, dtype=object))
    for formula in ("y ~ odd + (1 | subject)", "odd ~ x + (1 | subject)"):
        with pytest.raises(InputError, match="odd"):
            rs.lmm(formula, data)


def test_a_factor_with_a_column_a_row() -> None:
    n = 6000
    many = pd.DataFrame({"g": np.arange(n) % 30, "f": [f"a{i}" for i in range(n)], "y": 1.0})
    with pytest.raises(InputError, match="'f' has 6000 levels, each a column"):
        rs.lmm("y ~ f + (1 | g)", many)


@pytest.mark.parametrize("power", [-69, -30, 30, 73])
@pytest.mark.parametrize("column", ["x", "y"])
def test_units_change_no_test(column: str, power: int) -> None:
    data = _data()
    plain = rs.lmm("y ~ x + (1 | subject)", data)
    scaled = rs.lmm("y ~ x + (1 | subject)", data.assign(**{column: data[column] * 10.0**power}))
    np.testing.assert_allclose(
        scaled.coefficients["statistic"], plain.coefficients["statistic"], rtol=1e-6
    )


@pytest.mark.parametrize("power", [-160, -80, 80, 160])
def test_units_beyond_arithmetic_are_refused(power: int) -> None:
    data = _data()
    for column in ("x", "y"):
        with pytest.raises(InputError, match=f"column '{column}'"):
            rs.lmm("y ~ x + (1 | subject)", data.assign(**{column: data[column] * 10.0**power}))


def test_an_interaction_of_groups_beyond_64_bits_merges_no_levels() -> None:
    n = 70_000
    wide = np.arange(n) * 3
    rng = np.random.default_rng(1)
    some = rng.permutation(n)
    frame = pd.DataFrame({"a": wide, "b": wide[some], "c": wide, "d": wide[::-1], "e": wide})
    twice = pd.concat([frame, frame], ignore_index=True).assign(y=rng.normal(size=2 * n))
    fit = rs.lmm("y ~ 1 + (1 | a:b:c:d:e)", twice, ddf="normal")
    assert fit.n_groups == {"a:b:c:d:e": n}
