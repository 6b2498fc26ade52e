"""Components of a formula, evaluated on columns by a short list of functions and nothing else."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.bases import ARGUMENTS, basis
from retrostats.models.linear.formula.quoted import hidden, name_of, shown

_NAME = re.compile(r"[^\W\d_][\w.]*")  # a column, even one called like a Python keyword


def _center(at: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(at - x.mean())


def _scale(at: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
    spread = x.std(ddof=1)
    return np.asarray((at - x.mean()) / (spread if spread > 0 else 1.0))


FUNCTIONS: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "exp": np.exp,
    "sqrt": np.sqrt,
    "I": np.asarray,
}
#: Functions of a point and of all data of the fit.
RELATIVE: dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "center": _center,
    "scale": _scale,
}
CALLS = (*FUNCTIONS, *RELATIVE, *ARGUMENTS, "C", "factor", "offset")
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
            coded = ast.unparse(node.func) in ("C", "factor")
            for argument in node.args[:1] if coded else node.args:
                visit(argument)
            return
        if isinstance(node, ast.Name | ast.Attribute):
            names.append(name_of(ast.unparse(node)))
            return
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(_tree(expression))
    return tuple(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Coding:
    """How the levels of a factor become columns: "treatment", "sum" or "helmert".

    `reference` is the label of the level that treatment coding leaves out; None for the first.
    """

    column: str
    kind: str = "treatment"
    reference: str | float | None = None


_CODINGS = {
    "Treatment": "treatment", "contr.treatment": "treatment", "Sum": "sum", "contr.sum": "sum",
    "Helmert": "helmert", "contr.helmert": "helmert",
}  # fmt: skip


def coding_of(expression: str) -> Coding | None:
    """The column and coding of ``C(column, Sum)`` or ``factor(column)``; None for other things.

    Raises
    ------
    InputError
        Anything but one column and one of Treatment, Sum and Helmert.

    Examples
    --------
    >>> coding_of("C(arm, Treatment('placebo'))")
    Coding(column='arm', kind='treatment', reference='placebo')
    """
    if _NAME.fullmatch(expression):
        return None
    tree = _tree(expression)
    if not (isinstance(tree, ast.Call) and ast.unparse(tree.func) in ("C", "factor")):
        return None
    wrong = InputError(
        f"{expression}: C() takes one column, and then Treatment, Treatment('level'), Sum or "
        "Helmert; factor() takes one column"
    )
    most = 2 if ast.unparse(tree.func) == "C" else 1
    if not 1 <= len(tree.args) <= most or not isinstance(tree.args[0], ast.Name) or tree.keywords:
        raise wrong
    column = name_of(tree.args[0].id)
    if len(tree.args) == 1:
        return Coding(column)
    kind, reference = tree.args[1], None
    if isinstance(kind, ast.Call):
        given = [*kind.args, *(k.value for k in kind.keywords)]
        if len(given) != 1 or not isinstance(given[0], ast.Constant):
            raise wrong
        reference = given[0].value
        kind = kind.func
    name = ast.unparse(kind)
    if name not in _CODINGS or (reference is not None and _CODINGS[name] != "treatment"):
        raise wrong
    if reference is not None and not isinstance(reference, str | int | float):
        raise wrong
    return Coding(column, _CODINGS[name], reference)


def is_categorical_call(expression: str) -> str | None:
    """The column inside ``C(column)`` or ``factor(column)``, or None."""
    coding = coding_of(expression)
    return None if coding is None else coding.column


def offset_of(expression: str) -> str | None:
    """What stands in ``offset(...)``, or None.

    Examples
    --------
    >>> offset_of("offset(log(hours))")
    'log(hours)'
    """
    if not expression.startswith("offset"):
        return None
    tree = _tree(expression)
    if not (isinstance(tree, ast.Call) and ast.unparse(tree.func) == "offset"):
        return None
    if len(tree.args) != 1 or tree.keywords:
        raise InputError(f"{expression}: offset() takes one column or one expression of columns")
    return shown(ast.unparse(tree.args[0]))


def evaluate(
    expression: str,
    columns: Mapping[str, NDArray[Any]],
    reference: Mapping[str, NDArray[Any]] | None = None,
) -> NDArray[Any]:
    """Value of a numeric expression, row by row.

    Parameters
    ----------
    expression : str
        A column name, or a call of one of `FUNCTIONS` on arithmetic of columns.
    columns : mapping of str to (N,) float arrays
    reference : mapping of str to (n,) float arrays, optional
        Data of the fit, whose mean and spread center() and scale() take; `columns` if not given.

    Returns
    -------
    (N,) array, or (N, k) for poly(), bs() and ns()

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
    tree = _tree(expression)
    with np.errstate(all="ignore"):
        found = _basis(tree, columns, reference, expression)
        if found is None:
            found = _value(tree, columns, reference, expression)
        value = np.asarray(found, dtype=float)
    finite = np.isfinite(value) if value.ndim < 2 else np.isfinite(value).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0]) if finite.ndim else 0
        raise InputError(f"{expression} is not finite in data row {row}; check its argument")
    return value


@lru_cache(maxsize=1024)
def _tree(expression: str) -> ast.expr:
    try:
        return ast.parse(hidden(expression.strip()), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"cannot read {expression!r} in the formula") from None


def _basis(
    node: ast.expr,
    columns: Mapping[str, NDArray[Any]],
    reference: Mapping[str, NDArray[Any]] | None,
    text: str,
) -> NDArray[Any] | None:
    """Columns of poly(), bs() or ns(); None for other calls."""
    if not (isinstance(node, ast.Call) and ast.unparse(node.func) in ARGUMENTS and node.args):
        return None
    name = ast.unparse(node.func)
    allowed = ARGUMENTS[name]
    given = dict(zip(allowed, node.args[1:], strict=False))
    given |= {str(k.arg): k.value for k in node.keywords}
    if len(node.args) > 1 + len(allowed) or not set(given) <= set(allowed):
        raise InputError(f"{text}: {name}() takes a column and then {', '.join(allowed)}")
    at = np.asarray(_value(node.args[0], columns, reference, text), dtype=float)
    x = at if reference is None else _value(node.args[0], reference, None, text)
    values = {}
    for key, value in given.items():
        if not isinstance(value, ast.Constant) or not isinstance(value.value, int):
            raise InputError(f"{text}: {key} must be a whole number (raw: True or False)")
        values[key] = bool(value.value) if key == "raw" else value.value
    return basis(name, np.asarray(x, dtype=float), at, values)


def _value(
    node: ast.expr,
    columns: Mapping[str, NDArray[Any]],
    reference: Mapping[str, NDArray[Any]] | None,
    text: str,
) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.Name | ast.Attribute):
        name = name_of(ast.unparse(node))
        if name not in columns:
            raise InputError(f"{text}: no numeric column {name!r}")
        return np.asarray(columns[name], dtype=float)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left = _value(node.left, columns, reference, text)
        right = _value(node.right, columns, reference, text)
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _value(node.operand, columns, reference, text)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
        name = ast.unparse(node.func)
        if name in FUNCTIONS:
            inner = _value(node.args[0], columns, reference, text)
            return FUNCTIONS[name](np.asarray(inner, dtype=float))
        if name in RELATIVE:
            inner = np.asarray(_value(node.args[0], columns, reference, text), dtype=float)
            base = inner if reference is None else _value(node.args[0], reference, None, text)
            return RELATIVE[name](inner, np.asarray(base, dtype=float))
        raise InputError(
            f"{text}: {name!r} is not a function a formula may call there ({', '.join(CALLS)})"
        )
    raise InputError(f"{text}: not allowed in a formula")
