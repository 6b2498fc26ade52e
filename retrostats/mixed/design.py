"""From columns to X and Z: R's treatment coding and R's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retrostats.errors import InputError
from retrostats.mixed.columns import Column, Factor, FloatArray, IntArray, numeric
from retrostats.mixed.expressions import evaluate, is_categorical_call
from retrostats.mixed.formula import Formula, RandomTerm, Term


@dataclass(frozen=True, slots=True)
class RandomDesign:
    """Random effects of one group.

    Attributes
    ----------
    group : str
        Name as lme4 prints it.
    factors : tuple of str
        Columns whose combination is the group.
    effects : tuple of str
        Names of the k effects.
    values : (N, k) array
        Each row's covariates.
    levels : (N,) int array
        Each row's level of the group.
    n_levels : int
    count : int or None
        How many levels there are in the data, where rows stand for several or for none.
    """

    group: str
    factors: tuple[str, ...]
    effects: tuple[str, ...]
    values: FloatArray
    levels: IntArray
    n_levels: int
    count: int | None = None


def fixed_design(
    formula: Formula, columns: Mapping[str, Column], n: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """Fixed-effects matrix (n, p) and its column names."""
    matrix, names = model_matrix(formula.fixed, columns, n)
    if not names:
        raise InputError(f"formula {formula.text!r} has no fixed effects; add 1 for an intercept")
    return matrix, names


def model_matrix(
    terms: tuple[Term, ...], columns: Mapping[str, Column], n: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """Model matrix of a set of terms, coded as R's ``model.matrix`` does.

    A factor in a term is coded by contrasts with its first level where the term without it is in
    the model too, else by one indicator a level; the empty term counts as present, except for the
    first main effect of a model without intercept.

    Returns
    -------
    matrix : (n, p) array
    names : tuple of str
    """
    present: set[frozenset[str]] = {frozenset(term) for term in terms} | {frozenset()}
    numbers = numeric(columns)
    full_term = _first_main_effect(terms, columns) if () not in terms else None
    blocks: list[FloatArray] = []
    names: list[str] = []
    for term in terms:
        block, labels = np.ones((n, 1)), [""]
        for component in term:
            factor = _factor(component, columns)
            if factor is None:
                coded, part = evaluate(component, numbers)[:, None], [_shown(component)]
            else:
                contrast = frozenset(term) - {component} in present and term != full_term
                coded, part = _indicators(factor, component, contrast=contrast)
            block = (coded[:, :, None] * block[:, None, :]).reshape(n, -1)
            labels = [f"{a}:{b}" if a else b for b in part for a in labels]
        blocks.append(block)
        names.extend(labels if term else ["(Intercept)"])
    matrix = blocks[0] if len(blocks) == 1 else np.hstack(blocks) if blocks else np.ones((n, 0))
    return matrix, tuple(names)


def _first_main_effect(terms: tuple[Term, ...], columns: Mapping[str, Column]) -> Term | None:
    for term in terms:
        if len(term) == 1 and _factor(term[0], columns) is not None:
            return term
    return None


def _factor(component: str, columns: Mapping[str, Column]) -> Factor | None:
    column = columns.get(is_categorical_call(component) or component)
    return column if isinstance(column, Factor) else None


def _indicators(factor: Factor, component: str, *, contrast: bool) -> tuple[FloatArray, list[str]]:
    first = 1 if contrast else 0
    if contrast and len(factor.levels) < 2:
        raise InputError(
            f"{component!r} has one level only ({factor.levels[0]!r}); take it out of the formula"
        )
    positions = np.arange(first, len(factor.levels))
    coded = (factor.codes[:, None] == positions).astype(float)
    return coded, [f"{component}{shown_level(factor.levels[i])}" for i in positions]


def _shown(component: str) -> str:
    """A component as R prints it."""
    return component.replace(" ** ", "^")


def shown_level(level: object) -> str:
    """A level as R prints it."""
    if isinstance(level, float) and level.is_integer():
        return str(int(level))
    return str(level)


def random_design(term: RandomTerm, columns: Mapping[str, Column], n: int) -> RandomDesign:
    """Random-effects covariates and group levels of one term."""
    values, names = model_matrix(term.terms, columns, n)
    levels, count = combine([columns[f] for f in term.factors])
    return RandomDesign(term.group, term.factors, names, values, levels, count)


def combine(factors: list[Column]) -> tuple[IntArray, int]:
    """Codes of the combinations of factors that occur, and how many do."""
    codes, count = np.zeros(1, dtype=np.intp), 1
    for column in factors:
        factor = column if isinstance(column, Factor) else factorised(column)
        codes = codes * len(factor.levels) + factor.codes
        count *= len(factor.levels)
    if len(factors) > 1:
        used, codes = np.unique(codes, return_inverse=True)
        count = len(used)
    return codes, count


def factorised(column: FloatArray) -> Factor:
    """A number as a group: its values are the levels."""
    values, codes = np.unique(column, return_inverse=True)
    return Factor(codes.ravel(), tuple(values.tolist()))
