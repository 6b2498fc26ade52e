"""From columns to X and Z: R's treatment coding and R's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import Column, Factor, FloatArray, IntArray, numeric
from retrostats.models.linear.formula.expressions import Coding, coding_of, evaluate
from retrostats.models.linear.formula.formula import Formula, RandomTerm, Term
from retrostats.models.linear.formula.quoted import name_of

#: Levels of a factor in the fixed part: a column each.
MAX_FIXED_LEVELS = 2000
_MOST_CODES = 2**62


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


def offset_values(formula: Formula, columns: Mapping[str, Column], n: int) -> FloatArray | None:
    """Sum (n,) of a formula's offsets; None where it has none."""
    if not formula.offsets:
        return None
    numbers = numeric(columns)
    parts = [np.broadcast_to(evaluate(o, numbers), (n,)) for o in formula.offsets]
    return np.asarray(np.sum(parts, axis=0))


def refuse_offsets(formula: Formula, where: str) -> None:
    """An offset that would be left out without a word is an error."""
    if formula.offsets:
        raise InputError(f"formula {formula.text!r}: offset() is not taken {where}")


def model_matrix(
    terms: tuple[Term, ...],
    columns: Mapping[str, Column],
    n: int,
    reference: Mapping[str, Column] | None = None,
) -> tuple[FloatArray, tuple[str, ...]]:
    """Model matrix of a set of terms, coded as R's ``model.matrix`` does.

    A factor in a term is coded by contrasts with its first level where the term without it is in
    the model too, else by one indicator a level; the empty term counts as present, except for the
    first main effect of a model without intercept.

    Parameters
    ----------
    terms : tuple of Term
    columns : mapping of str to column of n rows
    n : int
    reference : mapping, optional
        Columns of the fit that centre, scale and lay the bases, where `columns` are other points.

    Returns
    -------
    matrix : (n, p) array
    names : tuple of str
    """
    blocks = model_blocks(terms, columns, n, reference)
    names = tuple(name for _, part in blocks for name in part)
    if len(blocks) == 1:
        return blocks[0][0].copy(), names  # it may be a column of the data itself
    return (np.hstack([block for block, _ in blocks]) if blocks else np.ones((n, 0))), names


def model_blocks(
    terms: tuple[Term, ...],
    columns: Mapping[str, Column],
    n: int,
    reference: Mapping[str, Column] | None = None,
    coding: str | None = None,
) -> list[tuple[FloatArray, list[str]]]:
    """The columns (n, k) of each term with their names; `coding` overrides that of every factor."""
    present: set[frozenset[str]] = {frozenset(term) for term in terms} | {frozenset()}
    numbers = numeric(columns)
    base = None if reference is None else numeric(reference)
    full_term = _first_main_effect(terms, columns) if () not in terms else None
    blocks: list[tuple[FloatArray, list[str]]] = []
    for term in terms:
        block: FloatArray | None = None
        labels = [""]
        for component in term:
            factor = _factor(component, columns)
            if factor is None:
                coded, part = _numbers(component, evaluate(component, numbers, base), n)
            else:
                contrast = frozenset(term) - {component} in present and term != full_term
                how = coding_of(component) or Coding(component)
                how = how if coding is None else Coding(how.column, coding)
                coded, part = _coded(factor, how, component, contrast=contrast)
            if block is None:
                block = coded
            else:
                block = (coded[:, :, None] * block[:, None, :]).reshape(n, -1)
            labels = [f"{a}:{b}" if a else b for b in part for a in labels]
        block = np.ones((n, 1)) if block is None else block
        blocks.append((block, labels if term else ["(Intercept)"]))
    return blocks


def is_factor(component: str, columns: Mapping[str, Column]) -> bool:
    """Whether a component of a term is a factor."""
    return _factor(component, columns) is not None


def _first_main_effect(terms: tuple[Term, ...], columns: Mapping[str, Column]) -> Term | None:
    for term in terms:
        if len(term) == 1 and _factor(term[0], columns) is not None:
            return term
    return None


def _factor(component: str, columns: Mapping[str, Column]) -> Factor | None:
    coding = coding_of(component)
    column = columns.get(name_of(component) if coding is None else coding.column)
    return column if isinstance(column, Factor) else None


def _numbers(component: str, value: FloatArray, n: int) -> tuple[FloatArray, list[str]]:
    """Columns (n, k) of a numeric component with their names; a constant is spread."""
    shown = _shown(component)
    if value.ndim < 2:
        return np.broadcast_to(value, (n,))[:, None], [shown]
    return value, [f"{shown}{i + 1}" for i in range(value.shape[1])]


def _coded(
    factor: Factor, coding: Coding, component: str, *, contrast: bool
) -> tuple[FloatArray, list[str]]:
    """Columns of a factor: contrasts of its levels, or one indicator a level."""
    count = len(factor.levels)
    if count > MAX_FIXED_LEVELS:
        raise InputError(
            f"{component!r} has {count} levels, each a column of the fixed effects (at most "
            f"{MAX_FIXED_LEVELS}); let it be random, as (1 | {coding.column}), or a number"
        )
    names = [shown_level(level) for level in factor.levels]
    if not contrast:
        table, labels = np.eye(count), names
    elif count < 2:
        raise InputError(
            f"{component!r} has one level only ({factor.levels[0]!r}); take it out of the formula"
        )
    elif coding.kind == "treatment":
        left_out = _place(factor, coding, component)
        table = np.delete(np.eye(count), left_out, axis=1)
        labels = [name for i, name in enumerate(names) if i != left_out]
    elif coding.kind == "sum":
        table = np.vstack([np.eye(count - 1), -np.ones((1, count - 1))])
        labels = [str(i) for i in range(1, count)]
    else:
        table = np.triu(np.full((count, count), -1.0))[:, 1:]
        table[np.arange(1, count), np.arange(count - 1)] = np.arange(1, count)
        labels = [str(i) for i in range(1, count)]
    return table[factor.codes], [f"{component}{label}" for label in labels]


def _place(factor: Factor, coding: Coding, component: str) -> int:
    """Position of the level that treatment coding leaves out."""
    if coding.reference is None:
        return 0
    shown = [shown_level(level) for level in factor.levels]
    wanted = shown_level(coding.reference)
    if wanted not in shown:
        raise InputError(
            f"{component}: no level {coding.reference!r}; {coding.column!r} has {', '.join(shown)}"
        )
    return shown.index(wanted)


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
        if count * len(factor.levels) > _MOST_CODES:  # 64 bits would overflow: other levels merge
            used, codes = np.unique(codes, return_inverse=True)
            count = len(used)
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
