"""From the scale of a transformed outcome back to that of the outcome."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Column, numeric
from retrostats.models.linear.formula.expressions import columns_of, evaluate
from retrostats.models.linear.formula.quoted import hidden, name_of, shown

_LOGS = {"log": 1.0, "log2": float(np.log(2.0)), "log10": float(np.log(10.0))}
_DONE = "log, log2, log10, exp, sqrt, powers and + - * / with constants, of one column"


@dataclass(frozen=True, slots=True)
class Step:
    """The way back through an operation: `inverse` and its `slope`, from `low` to `high`."""

    inverse: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, slots=True)
class Scale:
    """The outcome's transformation, undone step by step from the outermost.

    `back` says whether results are on the scale of the outcome itself. `unit` is what a difference
    is multiplied by to be that of natural logarithms of the outcome; None where differences are
    not those of its logarithms, as after log(y + 1).
    """

    back: bool
    unit: float | None = None
    steps: tuple[Step, ...] = ()

    @property
    def logarithm(self) -> bool:
        """Whether differences are logarithms of ratios of the outcome."""
        return self.unit is not None

    def inverse(self, value: Any) -> Any:
        """The outcome behind a fitted value; values out of range count as the end of the range."""
        return self._walk(value)[0]

    def slope(self, value: Any) -> Any:
        """The derivative of `inverse`."""
        return self._walk(value)[1]

    def _walk(self, value: Any) -> tuple[Any, Any]:
        at, slope = np.asarray(value, dtype=float), np.ones(np.shape(value))
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            for step in self.steps:
                at = np.minimum(np.maximum(at, step.low), step.high)
                at, slope = step.inverse(at), slope * step.slope(at)
        return at, slope

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Estimates and limits transformed back, errors by the delta method."""
        out = table.copy()
        out["std_error"] = np.abs(self.slope(table["estimate"])) * table["std_error"]
        for name in ("estimate", "conf_low", "conf_high"):
            out[name] = self.inverse(table[name])
        ends = out[["conf_low", "conf_high"]].to_numpy(dtype=float)  # a falling function turns them
        out["conf_low"], out["conf_high"] = ends.min(axis=1), ends.max(axis=1)
        return out

    def ratios(self, table: pd.DataFrame) -> pd.DataFrame:
        """Differences of logarithms as ratios of the outcome."""
        assert self.unit is not None
        return Scale(True, steps=(_exponential(self.unit),)).transform(table)


def scale_of_link(link: str, type: str) -> Scale:
    """The way back from a linear predictor, a logarithm or logit, to the mean of the outcome.

    Differences of both are logarithms of ratios: of rates, or of odds.

    Examples
    --------
    >>> float(scale_of_link("logit", "response").inverse(0.0))
    0.5
    """
    if type not in ("link", "response"):
        raise InputError(f"type={type!r}; allowed: link, response")
    step = _exponential(1.0) if link == "log" else Step(expit, _logistic_slope)
    return Scale(True, 1.0, (step,)) if type == "response" else Scale(False)


def _logistic_slope(eta: Any) -> Any:
    p = expit(eta)
    return p * (1 - p)


def scale_of(outcome: str, type: str, columns: Mapping[str, Column] | None = None) -> Scale:
    """The transformation an outcome's expression states, inverted as a whole.

    Parameters
    ----------
    outcome : str
    type : {"link", "response"}
    columns : mapping of str to column, optional
        The data of the fit, which say whether squares and reciprocals are of positive numbers.

    Raises
    ------
    InputError
        `type` is neither "link" nor "response", or there is no way back from the expression.

    Examples
    --------
    >>> float(scale_of("log2(y)", "response").inverse(3.0).round(9))
    8.0
    >>> float(scale_of("log(2 * y + 1)", "response").inverse(0.0))
    0.0
    """
    if type not in ("link", "response"):
        raise InputError(f"type={type!r}; allowed: link, response")
    if type == "link":
        return Scale(False)
    names = columns_of(outcome)
    if names == (name_of(outcome),):
        return Scale(False)
    tree = ast.parse(hidden(outcome), mode="eval").body
    leaves = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_column(n, tree)]
    if len(names) != 1 or len(leaves) != 1:
        raise _no_way(outcome, f"it uses {', '.join(names)} in {len(leaves)} places")
    values, done = numeric(columns or {}), []
    while not isinstance(tree, ast.Name | ast.Attribute):
        operation, tree = _outermost(tree, outcome, values)
        done.append(operation)
    steps = tuple(operation.step for operation in done if operation.step is not None)
    return Scale(True, _unit(done), steps)


def _no_way(outcome: str, reason: str) -> InputError:
    return InputError(
        f"the outcome {outcome!r} is not transformed back: {reason}; that is done for {_DONE}. "
        'Take type="link", or make the expression a column of its own'
    )


def _is_column(name: ast.Name, tree: ast.expr) -> bool:
    """Whether a word is a column and not the name of a function."""
    calls = (n.func for n in ast.walk(tree) if isinstance(n, ast.Call))
    return all(name is not function for function in calls)


@dataclass(frozen=True, slots=True)
class _Operation:
    """One operation on the outcome: what it is, its constant, and the way back."""

    kind: str
    number: float = 1.0
    step: Step | None = None


def _outermost(
    tree: ast.expr, outcome: str, values: Mapping[str, Any]
) -> tuple[_Operation, ast.expr]:
    """The outermost operation of an expression and what it is done to."""
    if isinstance(tree, ast.Call) and len(tree.args) == 1 and not tree.keywords:
        name = ast.unparse(tree.func)
        if name in _LOGS:
            return _Operation("log", _LOGS[name], _exponential(_LOGS[name])), tree.args[0]
        if name in _CALLS:
            return _Operation(name, step=_CALLS[name]), tree.args[0]
        raise _no_way(outcome, f"there is no way back from {name}()")
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub | ast.UAdd):
        return _linear("times", -1.0 if isinstance(tree.op, ast.USub) else 1.0), tree.operand
    if not isinstance(tree, ast.BinOp):
        raise _no_way(outcome, f"there is no way back from {shown(ast.unparse(tree))!r}")
    first = bool(columns_of(shown(ast.unparse(tree.left))))
    inner, other = (tree.left, tree.right) if first else (tree.right, tree.left)
    number = float(evaluate(ast.unparse(other), {}))
    if isinstance(tree.op, ast.Add | ast.Sub):
        sign = -1.0 if isinstance(tree.op, ast.Sub) else 1.0
        if first or sign > 0:
            return _linear("add", sign * number), inner
        return _Operation("from", number, _reflected(number)), inner
    if number == 0.0:
        raise _no_way(outcome, "a factor, divisor or power is 0")
    if isinstance(tree.op, ast.Mult) or (isinstance(tree.op, ast.Div) and first):
        return _linear("times", number if isinstance(tree.op, ast.Mult) else 1.0 / number), inner
    if isinstance(tree.op, ast.Div):
        sign = _sign(inner, outcome, values)
        return _Operation("power", -1.0, _reciprocal(number, sign * np.sign(number))), inner
    if not (isinstance(tree.op, ast.Pow) and first and number > 0 and number.is_integer()):
        raise _no_way(outcome, f"there is no way back from {shown(ast.unparse(tree))!r}")
    sign = 0.0 if number % 2 else _sign(inner, outcome, values)
    return _Operation("power", number, _root(number, sign)), inner


def _sign(inner: ast.expr, outcome: str, values: Mapping[str, Any]) -> float:
    """The one sign of what is squared or divided by, in the data."""
    text = shown(ast.unparse(inner))
    if not set(columns_of(text)) <= set(values):
        raise _no_way(outcome, f"the sign of {text} is not known, as the fit does not hold rows")
    at = evaluate(text, values)
    if (at >= 0).all():
        return 1.0
    if (at <= 0).all():
        return -1.0
    raise _no_way(outcome, f"{text} has both signs in the data")


def _unit(done: list[_Operation]) -> float | None:
    """By what a difference is multiplied to be one of natural logarithms of the column."""
    unit, logged = 1.0, False
    for operation in done:
        kind, number = operation.kind, operation.number
        if kind == "log" and not logged:
            unit, logged = unit * number, True
        elif kind == "times" and not logged:
            unit /= number
        elif kind == "from" and not logged:
            unit = -unit
        elif kind in ("power", "sqrt") and logged:
            unit /= 0.5 if kind == "sqrt" else number
        elif not (kind == "I" or (kind == "add" and not logged) or (kind == "times" and logged)):
            return None
    return unit if logged else None


def _exponential(unit: float) -> Step:
    return Step(partial(_exp, unit, 1.0), partial(_exp, unit, unit))


def _exp(unit: float, factor: float, value: Any) -> Any:
    return factor * np.exp(unit * value)


def _linear(kind: str, number: float) -> _Operation:
    if kind == "add":
        return _Operation(kind, number, Step(lambda v: v - number, np.ones_like))
    return _Operation(
        kind, number, Step(lambda v: v / number, lambda v: np.full_like(v, 1.0 / number))
    )


def _reflected(number: float) -> Step:
    return Step(lambda v: number - v, lambda v: -np.ones_like(v))


def _reciprocal(number: float, sign: float) -> Step:
    """Back from number / x, whose values have one sign."""
    low, high = (0.0, np.inf) if sign > 0 else (-np.inf, -0.0)
    return Step(lambda v: number / v, lambda v: -number / v**2, low, high)


def _root(power: float, sign: float) -> Step:
    """Back from a power: even ones of numbers of one sign, odd ones (sign 0) of any."""
    share = 1.0 / power
    if sign:
        return Step(lambda v: sign * v**share, lambda v: sign * share * v ** (share - 1.0), 0.0)
    return Step(
        lambda v: np.sign(v) * np.abs(v) ** share, lambda v: share * np.abs(v) ** (share - 1.0)
    )


_CALLS: dict[str, Step | None] = {
    "I": None,
    "exp": Step(np.log, lambda v: 1.0 / v, 0.0),
    "sqrt": Step(lambda v: v**2, lambda v: 2.0 * v, 0.0),
}
