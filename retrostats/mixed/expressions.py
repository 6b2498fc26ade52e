"""Components of a formula, evaluated on columns by a short list of functions and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.errors import InputError

_NAME = re.compile(r"[^\W\d_][\w.]*")  # a column, even one called like a Python keyword


def _center(x: NDArray[Any]) -> NDArray[Any]:
    return x - x.mean()


def _scale(x: NDArray[Any]) -> NDArray[Any]:
    spread = x.std(ddof=1)
    return (x - x.mean()) / (spread if spread > 0 else 1.0)


FUNCTIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "center": _center,
    "scale": _scale,
    "I": np.asarray,
}
_OPERATORS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}


@lru_cache(maxsize=1024)
def columns_of(expression: str) -> tuple[str, ...]:
    """Names of the columns an expression uses; the expression is only parsed."""
    if _NAME.fullmatch(expression):
        return (expression,)
    names: list[str] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.Call):
            for argument in node.args:
                visit(argument)
            return
        if isinstance(node, ast.Name | ast.Attribute):
            names.append(ast.unparse(node))
            return
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(_tree(expression))
    return tuple(dict.fromkeys(names))


def is_categorical_call(expression: str) -> str | None:
    """The column inside ``C(column)`` or ``factor(column)``, or None."""
    if _NAME.fullmatch(expression):
        return None
    tree = _tree(expression)
    if isinstance(tree, ast.Call) and ast.unparse(tree.func) in ("C", "factor"):
        if len(tree.args) != 1 or not isinstance(tree.args[0], ast.Name):
            raise InputError(f"{expression}: C() and factor() take one column")
        return tree.args[0].id
    return None


def evaluate(expression: str, columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Value of a numeric expression, row by row.

    Parameters
    ----------
    expression : str
        A column name, or a call of one of `FUNCTIONS` on arithmetic of columns.
    columns : mapping of str to (N,) float arrays

    Raises
    ------
    InputError
        Anything but columns, numbers, + - * / ** and the listed functions; or a result that is
        not finite, as the logarithm of zero.

    Examples
    --------
    >>> import numpy as np
    >>> evaluate("log(x)", {"x": np.array([1.0, np.e])})
    array([0., 1.])
    """
    if expression in columns:
        return np.asarray(columns[expression], dtype=float)
    with np.errstate(all="ignore"):
        value = np.asarray(_value(_tree(expression), columns, expression), dtype=float)
    if not np.isfinite(value).all():
        row = int(np.flatnonzero(~np.isfinite(value))[0])
        raise InputError(f"{expression} is not finite in data row {row}; check its argument")
    return value


@lru_cache(maxsize=1024)
def _tree(expression: str) -> ast.expr:
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"cannot read {expression!r} in the formula") from None


def _value(node: ast.expr, columns: Mapping[str, NDArray[Any]], text: str) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name | ast.Attribute):
        name = ast.unparse(node)
        if name not in columns:
            raise InputError(f"{text}: no numeric column {name!r}")
        return np.asarray(columns[name], dtype=float)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left, columns, text), _value(node.right, columns, text)
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _value(node.operand, columns, text)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
        name = ast.unparse(node.func)
        if name in FUNCTIONS:
            return FUNCTIONS[name](np.asarray(_value(node.args[0], columns, text), dtype=float))
        allowed = ", ".join([*FUNCTIONS, "C", "factor"])
        raise InputError(f"{text}: {name!r} is not a function a formula may call ({allowed})")
    raise InputError(f"{text}: not allowed in a formula")
