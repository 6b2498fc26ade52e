"""The pages for users of R, statsmodels and pingouin are true, row by row.

Every call of ours on the page for R users is run as it stands there and compared with what R gave
for the call beside it (`reference/coming_from.R`); on the page for Python users both are run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
R_PAGE = (ROOT / "docs" / "coming_from_r.md").read_text(encoding="utf-8")
PINNED: dict[str, Any] = json.loads(
    (ROOT / "tests" / "reference" / "coming_from.json").read_text(encoding="utf-8")
)

#: lme4, metafor and nlme stop near the maximum: what rests on variances is as far off as those.
RTOL = 2e-4
#: Of numbers near 0, residuals of counts by another road among them, beside others of about 1.
ATOL = 2e-4
#: R prints 15 digits.
DIGITS = 1e-13
#: lme4 interpolates its profiles.
PROFILE = 3e-3
#: Lines between points of two profiles, 20 there and 41 here, of a bent curve.
LINES = 1e-2
LOOSE = {
    "profile(pooled)": LINES,
    'confint(fit, "theta_")': PROFILE,
    'confint(fit, "beta_")': PROFILE,
    "confint(counts)": PROFILE,
}


def rows_of(page: str, section: str) -> list[tuple[str, str, str]]:
    """The first code of both cells of each row, and the second cell."""
    text = page[page.index(f"\n## {section}\n") + 4 :]
    text = text.split("\n## ")[0]
    found = []
    for line in text.splitlines():
        cells = [c.replace("\\|", "|").strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 2 and cells[0].startswith("`"):
            there, here = (re.match(r"`([^`]+)`", cell) for cell in cells)
            assert there is not None, line
            assert here is not None, line
            found.append((there[1], here[1], cells[1]))
    return found


COMPARED = [
    row
    for section in (
        "lme4, lmerTest and what goes with them", "nlme, mmrm, afex", "glmer", "emmeans", "metafor"
    )
    for row in rows_of(R_PAGE, section)
]  # fmt: skip
WITHOUT = rows_of(R_PAGE, "Without numbers to compare")


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """What the block of the page makes."""
    block = re.search(r"^```python\n(.*?)^```", R_PAGE, re.MULTILINE | re.DOTALL)
    assert block
    made: dict[str, Any] = {}
    exec(compile(block[1], "<page>", "exec"), made)  # noqa: S102
    return made


def _columns(*wanted: str) -> Callable[[Any], list[float]]:
    def take(found: Any) -> list[float]:
        table = getattr(found, "table", found)
        return [float(v) for name in wanted for v in table[name]]

    return take


def _model(fit: Any) -> list[float]:
    return [*fit.beta, fit.loglik]


def _compared(table: pd.DataFrame) -> list[float]:
    return [*table["loglik"], *table[["statistic", "p_value"]].iloc[1]]


def _spreads_first(table: pd.DataFrame) -> list[float]:
    """Limits, low ones first, as `confint` of R orders them."""
    spread = table["term"].str.startswith(("sd_", "sigma"))
    ordered = pd.concat([table[spread], table[~spread]])
    return [*ordered["conf_low"], *ordered["conf_high"]]


def _effect(pool: Any) -> list[float]:
    return _columns("estimate", "std_error", "p_value", "conf_low", "conf_high")(pool.coefficients)


def _joint(table: pd.DataFrame) -> list[float]:
    return [float(table["statistic"].iloc[0]), float(table["p_value"].iloc[0])]


MEANS = _columns("estimate", "std_error", "conf_low", "conf_high")
TESTS = _columns("estimate", "std_error", "p_value")
TERMS = _columns("num_df", "den_df", "statistic", "p_value")
ARRAY = np.ravel
#: Of calls here that do not give plain numbers: what of the answer R's numbers are.
TAKE: dict[str, Callable[[Any], Any]] = {
    'summary(fit, ddf = "Kenward-Roger")': _columns(
        "estimate", "std_error", "df", "statistic", "p_value"
    ),
    "VarCorr(fit)": _columns("vcov"),
    "ranef(fit)": _columns("estimate", "std_error"),
    "ranef(counts)": _columns("estimate"),
    "predict(fit, new)": _columns("estimate"),
    "predict(fit, new, re.form = NA)": _columns("estimate"),
    "predict(fit, strangers, allow.new.levels = TRUE)": _columns("estimate"),
    'predict(counts, new, re.form = NA, type = "response")': _columns("estimate"),
    'anova(fit, type = 2, ddf = "Kenward-Roger")': TERMS,
    'anova(fit, type = 3, ddf = "Kenward-Roger")': TERMS,
    "anova(fit, smaller)": _compared,
    "anova(counts, fewer)": _compared,
    'confint(fit, "theta_")': _spreads_first,
    'confint(fit, "beta_")': _columns("conf_low", "conf_high"),
    "confint(counts)": _spreads_first,
    "nobs(fit)": lambda n: np.full(36, n),  # of a REML fit lme4 counts alike, as a row each
    "ngrps(fit)": lambda n: list(n.values()),
    "performance::icc(fit)": lambda found: found.estimate,
    "performance::check_collinearity(smaller)": lambda found: found.table.set_index("check").loc[
        "collinearity", "value"
    ],
    'summary(aov_ez("subject", "y", rows, between = "arm", within = "visit"))': _columns(
        "statistic", "mauchly_w", "greenhouse_geisser", "p_greenhouse_geisser", "p_huynh_feldt"
    ),
    "summary(counts)": _columns("estimate", "std_error", "statistic", "p_value"),
    "Anova(counts, type = 2)": _columns("df", "statistic", "p_value"),
    "rma.mv(yi, vi, random = ~ 1 | district/study, data = studies)": lambda pool: [
        pool.estimate, *pool.sigma2, pool.loglik
    ],
    "hc(pooled)": lambda pool: [pool.estimate, pool.conf_low, pool.conf_high],
    "confint(pooled)": _columns("conf_low", "conf_high"),
    "profile(pooled)": lambda table: np.interp(
        [0.03, 0.06, 0.12], table["value"], table["loglik"]
    ),
    "anova(dosed)": _joint,
    "predict(pooled)": MEANS,
    "predict(dosed, newmods = c(1, 2))": MEANS,
    "leave1out(pooled)": _columns("estimate", "conf_low", "conf_high", "tau2"),
    "influence(rma(yi, vi, data = studies))": _columns("rstudent", "cook", "hat"),
    "cumul(pooled, order = year)": lambda table: _columns("estimate", "tau2")(table.iloc[1:]),
    'regtest(pooled, model = "lm")': _columns("statistic", "p_value"),
    "regtest(pooled)": _columns("statistic", "p_value"),
    "ranktest(pooled)": _columns("tau", "p_value"),
    "trimfill(pooled)": lambda found: [found.missing, found.estimate],
    "radial(pooled)": _columns("precision", "standardised"),
    "funnel(pooled)": _columns("estimate", "std_error"),
    "permutest(dosed, exact = FALSE, iter = 1000)": lambda table: table["statistic"].iloc[:2],
}  # fmt: skip


def _taker(call: str) -> Callable[[Any], Any]:
    if call in TAKE:
        return TAKE[call]
    if call.startswith(("lmer(", "glmer(", "lme(", "gls(")):
        return _model
    if call.startswith("rma("):
        return _effect
    if call.startswith(("pairs(", "contrast(")):
        return TESTS
    if call.startswith(("emmeans(", "emtrends(")):
        return MEANS
    return ARRAY


def test_every_row_of_the_page_has_an_answer_of_r_and_none_is_left_over() -> None:
    calls = [call for call, _, _ in COMPARED]
    assert len(set(calls)) == len(calls)
    assert set(calls) == set(PINNED["answers"])
    assert set(TAKE) <= set(calls)


def test_the_rows_of_the_page_are_those_r_had(names: dict[str, Any]) -> None:
    for table in ("rows", "studies"):
        for column, values in PINNED[table].items():
            ours = names[table][column].tolist()
            same = (
                ours == values if isinstance(values[0], str) else np.allclose(ours, values, DIGITS)
            )
            assert same, column
        assert set(names[table]) == set(PINNED[table])


@pytest.mark.parametrize(("call", "here", "cell"), COMPARED, ids=[row[0] for row in COMPARED])
def test_what_stands_beside_an_r_call_gives_its_numbers(
    names: dict[str, Any], call: str, here: str, cell: str
) -> None:
    found = np.ravel(np.asarray(_taker(call)(eval(here, names)), dtype=float))  # noqa: S307
    wanted = np.ravel(np.asarray(PINNED["answers"][call], dtype=float))
    wanted = np.full(found.shape, wanted) if wanted.size == 1 else wanted
    rtol = LOOSE.get(call, RTOL)
    np.testing.assert_allclose(found, wanted, rtol=rtol, atol=max(ATOL, rtol), err_msg=cell)


@pytest.mark.parametrize(("call", "here", "cell"), WITHOUT, ids=[row[0] for row in WITHOUT])
def test_what_has_no_number_beside_it_runs(
    names: dict[str, Any], call: str, here: str, cell: str
) -> None:
    assert eval(here, names) is not None, (call, cell)  # noqa: S307


def test_calls_in_remarks_run(names: dict[str, Any]) -> None:
    said = [
        code
        for _, here, cell in (*COMPARED, *WITHOUT)
        for code in re.findall(r"`((?:fit|visits|counts|pooled|dosed|rs)\.[^`]+)`", cell)
        if code != here
    ]
    assert len(said) > 5
    for code in said:
        eval(code, names)  # noqa: S307


# The page for users of statsmodels and pingouin, where both sides run

PYTHON_PAGE = (ROOT / "docs" / "coming_from_python.md").read_text(encoding="utf-8")
#: statsmodels' optimiser stops where its gradient is 1e-5; closed forms agree to more.
STATSMODELS = 2e-4
BOTH = [row for section in ("statsmodels", "pingouin") for row in rows_of(PYTHON_PAGE, section)]


@pytest.fixture(scope="module")
def python_names() -> dict[str, Any]:
    block = re.search(r"^```python\n(.*?)^```", PYTHON_PAGE, re.MULTILINE | re.DOTALL)
    assert block
    made: dict[str, Any] = {}
    exec(compile(block[1], "<page>", "exec"), made)  # noqa: S102
    return made


@pytest.mark.filterwarnings("ignore")  # pingouin's and statsmodels' calls of pandas
@pytest.mark.parametrize(("there", "here", "cell"), BOTH, ids=[row[0][:60] for row in BOTH])
def test_both_sides_give_the_same(
    python_names: dict[str, Any], there: str, here: str, cell: str
) -> None:
    wanted, found = (
        np.ravel(np.asarray(eval(code, python_names), dtype=float))  # noqa: S307
        for code in (there, here)
    )
    np.testing.assert_allclose(found, wanted, rtol=STATSMODELS, atol=STATSMODELS, err_msg=cell)
