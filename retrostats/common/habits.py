"""Calls as R and statsmodels have them: one message with the call that does the same here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from retrostats.common.errors import InputError

_P = ParamSpec("_P")
_T = TypeVar("_T")

#: Functions of lme4, metafor, emmeans, statsmodels and pingouin, and the call here.
FUNCTIONS: Mapping[str, str] = {
    "MixedLM": 'rs.lmm("y ~ arm + (1 | subject)", rows)',
    "allFit": 'rs.lmm("y ~ arm + (1 | subject)", rows), which needs no choice of optimiser',
    "anova": "fit.anova()",
    "confint": 'fit.conf_int(which="all")',
    "emmeans": 'fit.emmeans("arm")',
    "conv_fivenum": "rs.means_from_medians(table)",
    "conv_wald": "rs.escalc(table, measure=), columns estimate, low, high and level",
    "fixef": "fit.params",
    "gls": 'rs.lmm("y ~ arm", rows, residual="arm")',
    "glmer": 'rs.glmm("events ~ arm + (1 | team)", rows, family="poisson")',
    "glmmTMB": 'rs.glmm("events ~ arm + (1 | team)", rows, family="negative-binomial")',
    "lm": 'rs.lmm("y ~ arm + (1 | subject)", rows)',
    "lme": 'rs.lmm("y ~ arm + (1 | subject)", rows)',
    "lmer": 'rs.lmm("y ~ arm + (1 | subject)", rows)',
    "meta": "rs.pool(table)",
    "metabin": 'rs.pool_counts(table, measure="odds_ratio")',
    "metacont": 'rs.pool(rs.escalc(table, measure="MD"))',
    "metacor": 'rs.pool(rs.escalc(table, measure="ZCOR"))',
    "metagen": "rs.pool(effects, std_errors)",
    "metainc": 'rs.pool_counts(table, measure="rate_ratio")',
    "metaprop": 'rs.pool_counts(table, measure="proportion")',
    "metarate": 'rs.pool_counts(table, measure="rate")',
    "metareg": 'rs.pool(table, formula="~ year")',
    "mixed_anova": 'rs.lmm("y ~ arm * time + (1 | subject)", rows).anova()',
    "mixedlm": 'rs.lmm("y ~ arm + (1 | subject)", rows)',
    "predict": "fit.predict(rows)",
    "ranef": "fit.ranef()",
    "rma": "rs.pool(table), columns yi and vi or estimate and std_error",
    "rma_glmm": 'rs.pool_counts(table, measure="rate_ratio")',
    "rma_mv": 'rs.pool(table, random="(1 | district/study)", variance="vi")',
    "rma_uni": "rs.pool(table), columns yi and vi or estimate and std_error",
    "summary": "fit.summary()",
}

#: What metafor and meta do with a pool, and the call of `Pooled` (or what stands for it here).
REVIEWS: Mapping[str, str] = {
    "baujat": '.influence()[["rstudent", "dffits", "cook"]], for the plot is not offered',
    "blup": '.fit.ranef() of a pool with random="(1 | study)"',
    "bubble": ".predict(newdata) of a pool with formula=, for the plot is not offered",
    "cooks_distance": '.influence()["cook"]',
    "cumul": ".cumulative(order)",
    "fsn": ".trim_and_fill() or .egger(): a fail-safe number is left out on purpose, as it says "
           "nothing of size",
    "gosh": ".influence(), one left out at a time: pools of all subsets are not offered",
    "hatvalues": '.influence()["hat"]',
    "labbe": "nothing: the plot of events in both groups is not offered; rs.forest(pooled) is",
    "leave_one_out": ".influence()",
    "leave1out": ".influence()",
    "metabias": ".egger() or .rank_test()",
    "metacum": ".cumulative(order)",
    "metainf": ".influence()",
    "permutest": ".permutation_test()",
    "ranktest": ".rank_test()",
    "regtest": '.egger(), or .egger(model="random-effects") as metafor has it',
    "robust": 'rs.pool(table, cluster="district")',
    "rstudent": '.influence()["rstudent"]',
    "selmodel": ".trim_and_fill() and .egger(): selection models are not offered",
    "trimfill": ".trim_and_fill()",
}  # fmt: skip
#: A pool that has them, of the rows of one that has not.
ESCALC = "rs.pool(rs.escalc(table, measure=))"
#: Methods of `Pooled` that are functions elsewhere.
_VERBS = (
    "funnel", "radial", "influence", "egger", "cumulative", "profile", "rank_test",
    "trim_and_fill", "permutation_test",
)  # fmt: skip


def reviewed_by(pool: str, one_out: str = ".influence()") -> dict[str, str]:
    """The same of a result that has none of these verbs: each as a call of another pool.

    `one_out` is the result's own call that leaves one out, where it has one.
    """
    methods = {**REVIEWS, **{name: f".{name}()" for name in _VERBS}}
    own = one_out if one_out != ".influence()" else pool + one_out
    return {n: own if call == ".influence()" else _of_pool(call, pool)
            for n, call in methods.items()}  # fmt: skip


def _of_pool(call: str, pool: str) -> str:
    """A call of a pool, with the pool."""
    return f"{pool}{call}" if call.startswith(".") else call


#: Arguments by the same token; a function's own come before these.
MIXED: Mapping[str, str] = {
    "REML": "reml=True or reml=False",
    "contrasts": 'C(arm, Sum) in the formula, as "y ~ C(arm, Sum)"',
    "control": "nothing: no choice of optimiser is needed",
    "family": "rs.glmm(formula, rows, family=)",
    "groups": 'a random term in the formula, as "(1 | subject)"',
    "method": "reml=True, or reml=False for maximum likelihood",
    "random": 'a random term in the formula, as "(1 | subject)"',
    "re_formula": 'a random term in the formula, as "(1 + time | subject)"',
    "vc_formula": 'a random term in the formula, as "(1 | school/class)"',
}
POOLED: Mapping[str, str] = {
    "V": "variance=",
    "knha": 'test="knapp-hartung"',
    "mods": 'formula="~ year", or moderators= with columns of numbers',
    "sei": "std_errors=",
    "sigma2": "nothing: the variances are estimated",
    "vi": 'variance="vi" beside a table, or variance= with numbers',
    "yi": "data=, the effects or a table with the columns yi and vi",
}

_COLUMN = "a column of the table"
TABLED: Mapping[str, str] = {
    "data": "the table itself, first",
    "append": "nothing: yi and vi stand beside the table's columns",
    **{f"{name}{arm}i": f"{_COLUMN}, {word}_{arm} or {name}{arm}i" for arm in "12"
       for name, word in (("n", "n"), ("m", "mean"), ("sd", "sd"), ("x", "events"),
                          ("t", "total"))},
    "ai": f"{_COLUMN}, events_1 or ai",
    "bi": f"{_COLUMN}, total_1, or ai and bi",
    "ci": f"{_COLUMN}, events_2 or ci",
    "di": f"{_COLUMN}, total_2, or ci and di",
    "ri": f"{_COLUMN}, r or ri",
    "ni": f"{_COLUMN}, n or ni",
    "xi": f"{_COLUMN}, events or xi",
    "mi": f"{_COLUMN}, mean or mi",
    "sdi": f"{_COLUMN}, sd or sdi",
    "ti": f"{_COLUMN}, total or ti",
}  # fmt: skip


def absent(name: str) -> str:
    """Why the package has no such name, with the call that does it."""
    if name in FUNCTIONS:
        return f"retrostats has no {name}: use {FUNCTIONS[name]}"
    reviews = reviewed_by("rs.pool(table)")
    if name in reviews:
        return f"retrostats has no {name}: use {reviews[name]}"
    return f"module 'retrostats' has no attribute {name!r}"


def formula_first(
    call: str, arguments: Mapping[str, str] = MIXED
) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Let `function(formula, data)` answer data before formula, and arguments that R has."""

    def wrap(function: Callable[_P, _T]) -> Callable[_P, _T]:
        name = function.__name__

        @wraps(function)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            _refuse_names(name, kwargs, arguments)
            first: Any = args[0] if args else kwargs.get("formula", "")
            if not isinstance(first, str):
                raise InputError(
                    f"{name}: the formula comes first and is a text, found a "
                    f"{type(first).__name__}; write {call}"
                )
            if len(args) + ("formula" in kwargs) + ("data" in kwargs) < 2:
                raise InputError(f"{name} needs a formula and data; write {call}")
            return function(*args, **kwargs)

        return checked

    return wrap


def own_names(arguments: Mapping[str, str]) -> Callable[[Callable[_P, _T]], Callable[_P, _T]]:
    """Let a function answer arguments that others have under another name."""

    def wrap(function: Callable[_P, _T]) -> Callable[_P, _T]:
        @wraps(function)
        def checked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
            _refuse_names(function.__name__, kwargs, arguments)
            return function(*args, **kwargs)

        return checked

    return wrap


def _refuse_names(name: str, given: Mapping[str, Any], arguments: Mapping[str, str]) -> None:
    for argument in given:
        if argument in arguments:
            raise InputError(f"{name} has no {argument}=: use {arguments[argument]}")
