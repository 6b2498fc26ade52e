"""A formula is read whole or refused: words that nothing joins, names in backticks, brackets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from doors.models import evaluate_expression as evaluate
from doors.models import hidden, numeric, parse_formula, quoted, read_columns, shown

import retrostats as rs
from retrostats import InputError

#: The same design and outcome under other names: nothing but the names differs.
SAME = {"rtol": 1e-9, "atol": 1e-12}

#: Right sides that say something no term can be read from; each once gave a model without a word.
BAD_RIGHT = [
    "1RM + a + x", "a x + b", "a, x", "a b", "a + x b", "a\tx", "2x", "a + 5km", "a + x 2",
    "a + 2 x", "a + log x", "log(x)(a)", "(a + x)(b)", "(a)(x)", "a + log(x b)", "a + I(x b)",
    "poly(x 2)", "poly(x, 2) b", "C(a Treatment('p'))", "a + (x", "a + x)", "a +", "a + + x",
    "a +* x", "a * * x", "a ** x", "a : ", ": a", "a = x", "a + raw=True", "a + 'x'", "()",
    "a + log()", "a + log(x,)", "a + I(x +)", "a - b", "a*x - a:b", "a - -1", "a + -x", "-x",
    "a; x", "a + `x", "a + ``", "a | g", "a + 1e3", "a + x.1.2 3", "a + I(x^2.5)", "a + (x, b)",
    "(a - b)*x", "a*(x - b)", "(a + x - b)^2", "a - log(x)",
]  # fmt: skip
BAD_LEFT = ["y z", "y, z", "y - 1", "y - b", "y + 1", "2*y", "-y", "1/y", "y:b", "log(y) - 1",
            "(y - b)", "y b + x", "1RM", "log(y) z", "`y", "y z -"]  # fmt: skip
BAD_RANDOM = ["(1, x | g)", "(1 x | g)", "(1 | g h)", "(1 | g, h)", "(1 | g + h)", "(1 | g)(1 | h)",
              "(x | g) b", "((1 | g))", "log((1 | g))", "(1 | 1RM)", "(1 + 1RM | g)", "(1 | g | h)",
              "(x - b | g)", "(1 | `g)", "(1 +| g)", "(1 | g/)"]  # fmt: skip
BAD = [
    *(f"y ~ {right} + (1 | g)" for right in BAD_RIGHT),
    *(f"{left} ~ x + (1 | g)" for left in BAD_LEFT),
    *(f"y ~ x + {random}" for random in BAD_RANDOM),
]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    rng, n = np.random.default_rng(3), 60
    frame = pd.DataFrame(
        {
            "g": np.repeat(np.arange(20), 3),
            "h": np.repeat(np.arange(5), 12),
            "a": np.repeat(rng.permutation(["p", "q"] * 10), 3),
            "x": rng.uniform(1, 3, n).round(2),
            "b": rng.uniform(1, 2, n).round(2),
            "w": rng.uniform(0.5, 2.0, n).round(2),
        }
    )
    level = rng.normal(size=20)[frame["g"]]
    frame["y"] = 5 + 0.3 * frame["x"] + (frame["a"] == "p") + level + 0.4 * rng.normal(size=n)
    frame["n"] = rng.poisson(4, n)
    frame["v"] = 0.1
    return frame


def _moments(formula: str, rows: pd.DataFrame) -> object:
    return rs.moments(formula, rows)


def _power(formula: str, rows: pd.DataFrame) -> object:
    spreads = {"g": 1.0, "Residual": 1.0}
    return rs.power(formula, rows.head(6), effects={"x": 1.0}, variance_components=spreads, n=4)


def _pool(formula: str, rows: pd.DataFrame) -> object:
    return rs.pool(rows, variance="v", formula=formula)


@pytest.mark.parametrize("formula", BAD)
@pytest.mark.parametrize("ask", [rs.lmm, rs.glmm, _moments, _power, _pool])
def test_what_is_not_read_whole_is_refused(
    ask: Callable[[str, pd.DataFrame], object], formula: str, rows: pd.DataFrame
) -> None:
    with pytest.raises(InputError):
        ask(formula, rows)
    with pytest.raises(InputError, match=r"(formula|random=)"):
        parse_formula(formula)


@pytest.mark.parametrize("right", BAD_RIGHT)
def test_a_pool_refuses_the_same_moderators(right: str, rows: pd.DataFrame) -> None:
    for formula in (f"y ~ {right}", f"~ {right}"):
        with pytest.raises(InputError):
            rs.pool(rows.rename(columns={"y": "yi", "v": "vi"}), formula=formula)


def test_the_message_names_the_place_and_the_backticks() -> None:
    with pytest.raises(InputError, match=r"cannot read 'RM' after '1'.*backticks, `1RM \(kg\)`"):
        parse_formula("y ~ 1RM + a + x + (1 | g)")
    with pytest.raises(InputError, match=r"'b' is taken away .* 'a'"):
        parse_formula("y ~ a - b + (1 | g)")
    with pytest.raises(InputError, match=r"found 'y - b'; arithmetic .* I\("):
        parse_formula("y - b ~ a + (1 | g)")


GOOD = {
    "y ~ a + x + (1|g)": [(), ("a",), ("x",)],
    "y ~ + a": [(), ("a",)],
    "y ~ 1 + a": [(), ("a",)],
    "y ~ a - 1": [("a",)],
    "y ~ -1 + a": [("a",)],
    "y ~ 0 + a": [("a",)],
    "y ~ a + 0": [("a",)],
    "y ~ a + -1": [("a",)],
    "y ~ a*x - a:x": [(), ("a",), ("x",)],
    "y ~ (a + x + b)^2 - a:b": [(), ("a",), ("x",), ("b",), ("a", "x"), ("x", "b")],
    "y ~ a/x": [(), ("a",), ("a", "x")],
    "y ~ a\n  + x": [(), ("a",), ("x",)],
    "y ~ log (x)": [(), ("log(x)",)],
    "y ~ log( x )+log(x)": [(), ("log(x)",)],
    "y ~ I(x*1e3)": [(), ("I(x * 1000)",)],
    "y ~ I(1E-3 * x)": [(), ("I(0.001 * x)",)],
    "y ~ I(x*.5)": [(), ("I(x * 0.5)",)],
    "y ~ I(-x)": [(), ("I(-x)",)],
    "y ~ I(x - -1)": [(), ("I(x - -1)",)],
    "y ~ I(1/(x+20))": [(), ("I(1 / (x + 20))",)],
    "y ~ log((x+1)*2)": [(), ("log((x + 1) * 2)",)],
    "y ~ poly(x, 2, raw=True)": [(), ("poly(x, 2, raw=True)",)],
    "y ~ bs(x, df=4)*a": [(), ("bs(x, df=4)",), ("a",), ("bs(x, df=4)", "a")],
    "y ~ C(a, Treatment('p q'))": [(), ("C(a, Treatment('p q'))",)],
    'y ~ C(a, Treatment(reference="p"))': [(), ('C(a, Treatment(reference="p"))',)],
    "y ~ a.b + log(a.b)": [(), ("a.b",), ("log(a.b)",)],
    "y ~ x.1 + log(x.1)": [(), ("x.1",), ("log(x.1)",)],
    "y ~ x2y + y2": [(), ("x2y",), ("y2",)],
    "y ~ class + log(class)": [(), ("class",), ("log(class)",)],
    "y ~ `1RM (kg)` * a": [(), ("`1RM (kg)`",), ("a",), ("`1RM (kg)`", "a")],
    "y ~ log(`1RM` + 1)": [(), ("log(`1RM` + 1)",)],
    "y ~ `x`": [(), ("x",)],
    "y ~ True + a": [(), ("True",), ("a",)],
    "y ~ µmol + log(µmol)": [(), ("µmol",), ("log(µmol)",)],
    "y ~ `a + b` + `a|b` + `a^2`": [(), ("`a + b`",), ("`a|b`",), ("`a^2`",)],
}


@pytest.mark.parametrize(("formula", "terms"), GOOD.items())
def test_what_is_read(formula: str, terms: list[tuple[str, ...]]) -> None:
    assert list(parse_formula(formula).fixed) == terms


@pytest.mark.parametrize(
    "text",
    ["1/(x+2)", "x*(b+1)", "x-(b-1)", "-(x+1)", "(x+1)^2", "x/(b*2)", "(x+1)*(b-3)", "2*(x-(b-1))"],
)
def test_brackets_inside_a_function_count(text: str, rows: pd.DataFrame) -> None:
    """The parser of terms prints calls without their inner brackets; that text was computed."""
    formula = parse_formula(f"I({text}) ~ I({text}) + exp({text}) + (1 | g)")
    columns = numeric(read_columns(rows.assign(y=1.0), parse_formula("y ~ x + b + (1|g)"))[0])
    right = eval(text.replace("^", "**"), {"x": rows["x"], "b": rows["b"]})  # noqa: S307
    for component in (formula.outcome, formula.fixed[1][0]):
        np.testing.assert_allclose(evaluate(component, columns), right, **SAME)
    np.testing.assert_allclose(evaluate(formula.fixed[2][0], columns), np.exp(right), **SAME)


NAMES = {"y": "y (kg)", "x": "1RM", "a": "arm of it", "g": "a person", "h": "lab/no", "w": "w, t",
         "b": "class", "n": "n ~ hurt", "v": "µ v"}  # fmt: skip


def _both(rows: pd.DataFrame) -> tuple[pd.DataFrame, Callable[[str], str]]:
    """The rows under names that need backticks, and a formula in those names."""

    def renamed(formula: str) -> str:
        words = formula.split(" ")
        return " ".join(f"`{NAMES[word]}`" if word in NAMES else word for word in words)

    return rows.rename(columns=NAMES), renamed


FITS = ["y ~ x * a + ( 1 | g )", "log( y ) ~ a + b + ( b | g )", "I( y - 1 ) ~ x + ( 1 | h / g )",
        "y ~ C( a , Treatment('q')) + poly( x , 2) + ( 1 | g ) + ( 1 | h )",
        "y ~ a + offset( x ) + ( 1 | g : h )",
        "sqrt( y ) ~ bs( x , df=4) : a + ( 0 + x || g )"]  # fmt: skip


@pytest.mark.parametrize("formula", FITS)
def test_backticks_fit_the_same_models(formula: str, rows: pd.DataFrame) -> None:
    strange, renamed = _both(rows)
    plain, quoted_ = rs.lmm(formula, rows), rs.lmm(renamed(formula), strange)
    np.testing.assert_allclose(quoted_.beta, plain.beta, **SAME)
    np.testing.assert_allclose(quoted_.theta, plain.theta, rtol=1e-6, atol=1e-6)
    for one, two in ((plain.predict(rows), quoted_.predict(strange)),
                     (plain.predict(), quoted_.predict())):  # fmt: skip
        np.testing.assert_allclose(one, two, **SAME)


def test_backticks_after_the_fit(rows: pd.DataFrame) -> None:
    strange, renamed = _both(rows)
    formula = "log( y ) ~ x + a + ( 1 | g )"
    plain = rs.lmm(formula, rows, weights="w")
    fit = rs.lmm(renamed(formula), strange, weights="w, t")
    assert fit.terms == ("(Intercept)", "`1RM`", "`arm of it`q")
    for name in ("arm of it", "`arm of it`"):
        one, two = (f.emmeans(n, type="response") for f, n in ((plain, "a"), (fit, name)))
        np.testing.assert_allclose(one.table["estimate"], two.table["estimate"], **SAME)
        assert two.pairs()["term"].item() == "p / q"
    value = fit.contrast({"`arm of it`q": 1.0})["estimate"].item()
    assert value == pytest.approx(plain.contrast({"aq": 1.0})["estimate"].item(), rel=1e-9)
    assert fit.anova()["term"].tolist() == ["`1RM`", "`arm of it`"]
    strata = rs.lmm(renamed("y ~ x + a + ( 1 | g )"), strange, residual="`arm of it`")
    other = rs.lmm("y ~ x + a + ( 1 | g )", rows, residual="a")
    np.testing.assert_allclose(strata.beta, other.beta, rtol=1e-7)


def test_backticks_in_moments_counts_and_plans(rows: pd.DataFrame) -> None:
    strange, renamed = _both(rows)
    formula = "y ~ x + a + ( 1 | g )"
    reduced = rs.moments(renamed(formula), strange)
    assert reduced.outcome == "y (kg)"
    fit = rs.lmm(renamed(formula), reduced)
    np.testing.assert_allclose(fit.beta, rs.lmm(formula, rows).beta, rtol=1e-8)
    counts = "n ~ a + ( 1 | h )"
    one = rs.glmm(counts, rows, exposure="b")
    two = rs.glmm(renamed(counts), strange, exposure="class")
    np.testing.assert_allclose(one.beta, two.beta, rtol=1e-7)
    size = {"trials": "the size"}
    three = rs.glmm("cbind(`n ~ hurt`, `the size` - `n ~ hurt`) ~ `arm of it` + (1 | `lab/no`)",
                    strange.assign(**{"the size": 20}), family="binomial")  # fmt: skip
    four = rs.glmm(renamed(counts), strange.assign(**{"the size": 20}), family="binomial", **size)
    np.testing.assert_allclose(three.beta, four.beta, rtol=1e-7)
    plan = {"variance_components": {"a person": 1.0, "Residual": 1.0}, "n": 4, "draws": 100}
    two_arms = rows.groupby("a").head(3).index
    table = rs.power(renamed(formula), strange.loc[two_arms], effects={"`1RM`": 1.0}, **plan)
    plain = {**plan, "variance_components": {"g": 1.0, "Residual": 1.0}}
    other = rs.power(formula, rows.loc[two_arms], effects={"x": 1.0}, **plain)
    np.testing.assert_allclose(table["power"], other["power"])


def test_printed_moments_of_an_outcome_in_backticks() -> None:
    table = pd.DataFrame(
        {
            "arm": ["a", "a", "b", "b"],
            "time": ["pre", "post"] * 2,
            "n": 12,
            "mean": [25.0, 24.0, 26.0, 25.8],
            "sd": [3.0, 3.1, 2.8, 3.3],
        }
    )
    half = {"correlation": 0.5}
    fits = [
        rs.lmm(f"{left} ~ arm * time + (1 | subject)", rs.moments_from_summary(table, **said))
        for left, said in (("y", half), ("`bench 1RM`", {**half, "outcome": "bench 1RM"}))
    ]
    np.testing.assert_allclose(fits[0].beta, fits[1].beta, **SAME)


def test_backticks_in_pools(rows: pd.DataFrame) -> None:
    strange, renamed = _both(rows)
    for random in (None, "(1 | g )"):
        strange_random = None if random is None else renamed("( 1 | g )")
        one = rs.pool(rows, variance="v", formula="y ~ x + a", random=random)
        two = rs.pool(strange, variance="µ v", formula=renamed("y ~ x + a"), random=strange_random)
        np.testing.assert_allclose(one.params, two.params, rtol=1e-8)


@pytest.mark.parametrize("name", ["1RM", "a b", "a`b"[:1], "µmol", "class", "x.1", "_x", "a:b"])
def test_a_name_comes_back_as_it_went(name: str) -> None:
    text = f"log({quoted(name)} + 1)"
    assert shown(hidden(text)) == text
