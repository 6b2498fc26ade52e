"""A study not yet run: its design for n subjects, its effects and its spreads, all checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from retrostats.common.arrays import real_array, real_number
from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.design import refuse_offsets
from retrostats.models.linear.formula.expressions import columns_of
from retrostats.models.linear.formula.formula import Formula, parse_formula
from retrostats.models.linear.model import Model
from retrostats.models.linear.prepare import prepare

Spread = float | Sequence[Sequence[float]]


def planned_formula(formula: str, design: object) -> Formula:
    """The parsed formula of a plan, met with its design table.

    Raises
    ------
    InputError
        The design is not a table with rows, or the formula has not exactly one group.
    """
    parsed = parse_formula(formula)
    if not isinstance(design, pd.DataFrame) or design.empty:
        raise InputError(
            "the design of a planned study is a DataFrame: a row for each measurement of one "
            "subject (of one subject an arm, labelled in the group's column)"
        )
    refuse_offsets(parsed, "in a plan")
    groups = parsed.grouping_columns
    if len(groups) != 1:
        raise InputError(
            f"formula {formula!r} names {len(groups)} groups ({', '.join(groups) or 'none'}); "
            "planning takes exactly one, as (1 | subject)"
        )
    return parsed


def planned_model(formula: Formula, design: pd.DataFrame, n: int) -> Model:
    """The design repeated for n subjects of each kind.

    Rows with the same label in the group's column are one subject; without that column all rows
    are. The outcome is a placeholder that no result depends on.
    """
    group = formula.grouping_columns[0]
    rows, copies = len(design), np.repeat(np.arange(n), len(design))
    frame = pd.concat([design] * n, ignore_index=True)
    if group in design.columns:
        kind = pd.factorize(design[group])[0]
        if (kind < 0).any():
            raise InputError(
                f"the design's column {group!r} has a missing label in row "
                f"{int(np.argmin(kind))}; every row belongs to a subject"
            )
    else:
        kind = np.zeros(rows, dtype=np.intp)
    frame[group] = copies * (int(kind.max()) + 1) + np.tile(kind, n)
    placeholder = np.random.default_rng(0).uniform(1.0, 2.0, len(frame))
    for column in columns_of(formula.outcome):
        frame[column] = placeholder
    return prepare(formula.text, frame)


def planned_effects(model: Model, effects: Mapping[str, float]) -> FloatArray:
    """Coefficients (p,) in the order of the model's terms; terms not named are zero.

    Raises
    ------
    InputError
        A name is not a term of the model, or a value is not a finite number.
    """
    if not isinstance(effects, Mapping):
        raise InputError(f"effects: found {effects!r}; a mapping of terms to numbers is needed")
    unknown = [name for name in effects if name not in model.terms]
    if unknown:
        raise InputError(
            f"effects: no term {unknown[0]!r}; the design gives {', '.join(model.terms)}"
        )
    beta = np.zeros(len(model.terms))
    for name, value in effects.items():
        beta[model.terms.index(name)] = _number(f"effects[{name!r}]", value)
    return beta


def planned_term(model: Model, effects: Mapping[str, float], term: str | None) -> int:
    """Place of the term to be tested: as named, else the only effect that is not zero."""
    if term is None:
        tested = [k for k, v in effects.items() if v != 0 and k != "(Intercept)"]
        if len(tested) != 1:
            raise InputError(
                f"term: {len(tested)} effects are not zero; name the term to be tested, one of "
                f"{', '.join(model.terms)}"
            )
        term = tested[0]
    if term not in model.terms:
        raise InputError(f"term={term!r}; the design gives {', '.join(model.terms)}")
    return model.terms.index(term)


def planned_spread(model: Model, components: Mapping[str, Spread]) -> tuple[FloatArray, float]:
    """(theta, sigma) from variances: {"subject": variance or covariance matrix, "Residual": ...}.

    The matrix covers the group's effects in the order of the formula; effects the formula keeps
    uncorrelated need zeros between them.

    Raises
    ------
    InputError
        A group is missing or unknown, a matrix has another size or is not a covariance matrix, or
        the residual variance is not positive.
    """
    group = model.groups[0][0]
    names = [effect for _, effects in model.groups for effect in effects]
    wanted = {group, "Residual"}
    if not isinstance(components, Mapping) or set(components) != wanted:
        raise InputError(
            f"variance_components is {str(components)[:200]}; it needs "
            f"exactly {group!r} and 'Residual' (variances, not standard deviations)"
        )
    residual = _number("variance_components['Residual']", components["Residual"])
    if residual <= 0.0:
        raise InputError(
            f"variance_components['Residual']={residual}; a variance above 0 is needed"
        )
    where = f"variance_components[{group!r}]"
    matrix = np.atleast_2d(real_array(components[group], where))
    if matrix.shape != (len(names), len(names)):
        raise InputError(
            f"{where} has shape {matrix.shape}; the formula's effects {', '.join(names)} need "
            f"({len(names)}, {len(names)})"
        )
    if not np.isfinite(matrix).all() or not np.array_equal(matrix, matrix.T):
        raise InputError(f"{where} is not a symmetric matrix of finite numbers")
    if np.linalg.eigvalsh(matrix).min() < -1e-12 * max(np.abs(matrix).max(), 1e-300):
        raise InputError(
            f"{where} is not a covariance matrix: a variance is negative, or a covariance is "
            "larger than its variances allow"
        )
    theta, at = [], 0
    for _, effects in model.groups:
        stop = at + len(effects)
        if matrix[at:stop, stop:].any():
            raise InputError(
                f"{where}: the formula keeps {', '.join(names[at:stop])} uncorrelated with "
                f"{', '.join(names[stop:])}; put zeros there or join them in one term"
            )
        factor = _lower_factor(matrix[at:stop, at:stop] / residual)
        theta += [factor[i, j] for j in range(len(effects)) for i in range(j, len(effects))]
        at = stop
    return np.array(theta), float(np.sqrt(residual))


def _lower_factor(matrix: FloatArray) -> FloatArray:
    """Cholesky factor of a matrix that may be singular."""
    lower = np.zeros_like(matrix)
    tolerance = 1e-12 * max(float(matrix.max()), 1e-300)
    for j in range(len(matrix)):
        rest = matrix[j:, j] - lower[j:, :j] @ lower[j, :j]
        if rest[0] > tolerance:
            lower[j:, j] = rest / np.sqrt(rest[0])
    return lower


def _number(what: str, value: object) -> float:
    return real_number(value, what)
