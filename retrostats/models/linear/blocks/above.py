"""Groups above the subjects of a table: people of one study, centre or arm share an effect.

The n subjects of a pattern are rotated: the first of the rotated subjects is the mean times the
root of n and carries all of X and of the effects above subjects; the other n - 1 carry the scatter,
see neither, and stay independent of one another and of the first (docs/mathematics.md, section 15).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.models.linear.blocks.rows import Rows
from retrostats.models.linear.formula.design import RandomDesign, fixed_design, random_design

if TYPE_CHECKING:
    from retrostats.models.linear.formula.columns import Column, FloatArray, IntArray
    from retrostats.models.linear.formula.formula import Formula
    from retrostats.models.linear.moments.moments import Moments


def groups_above(moments: Moments, formula: Formula) -> bool:
    """Whether the formula has a group that is a design column, not the subject or within it."""
    inside = {moments.subject, *moments.groups}
    return any(name not in inside for name in formula.grouping_columns)


@dataclass(frozen=True, slots=True)
class SubjectRows:
    """What a formula with groups above subjects makes of patterns.

    Attributes
    ----------
    rows : Rows
    columns : dict
        Design columns of the patterns' rows.
    origin : (R,) int array
        Row of `columns` that each of `rows` comes from.
    n : (N,) array
        Subjects behind each row of `columns`.
    """

    rows: Rows
    columns: dict[str, Column]
    origin: IntArray
    n: FloatArray


def subject_rows(moments: Moments, formula: Formula, block: Any) -> SubjectRows:
    """Rows of patterns whose subjects share effects; `block` finds independent blocks of rows."""
    columns, y, pattern, n, scatter = moments._rows(formula)
    x, names = fixed_design(formula, columns, len(y))
    random = tuple(random_design(term, columns, len(y)) for term in formula.random)
    first, n_first = block(formula, columns, len(y))
    people = n[pattern]
    repeated = np.flatnonzero(n > 1)
    again = np.flatnonzero(people > 1)
    root = np.sqrt(people)
    position = np.zeros(len(n), dtype=np.intp)
    position[repeated] = n_first + np.arange(len(repeated))
    inside = {moments.subject, *moments.groups}
    designs = tuple(
        _rotated(term, again, root, pattern, people, within=bool(inside & set(term.factors)))
        for term in random
    )
    rows = Rows(
        np.vstack([root[:, None] * x, np.zeros((len(again), x.shape[1]))]),
        names,
        np.concatenate([root * y, np.zeros(len(again))]),
        designs,
        np.concatenate([first, position[pattern[again]]]),
        np.concatenate([np.ones(n_first), n[repeated] - 1.0]),
        {int(position[p]): s for p, s in scatter.items() if n[p] > 1},
        rotated=np.concatenate([root, np.zeros(len(again))]),
    )
    return SubjectRows(rows, columns, np.concatenate([np.arange(len(y)), again]), people)


def _rotated(
    term: RandomDesign,
    again: IntArray,
    root: FloatArray,
    pattern: IntArray,
    people: FloatArray,
    *,
    within: bool,
) -> RandomDesign:
    """One term: effects of subjects are the same in every rotated subject, others in the first."""
    if within:
        values = np.vstack([term.values, term.values[again]])
        other = term.n_levels + term.levels[again]
        _, one = np.unique(term.levels, return_index=True)
        count = round(float(people[one].sum()))
    else:
        zeros = np.zeros((len(again), term.values.shape[1]))
        values = np.vstack([root[:, None] * term.values, zeros])
        other = term.n_levels + pattern[again]
        count = len(np.unique(term.levels))
    levels = np.concatenate([term.levels, other])
    return replace(term, values=values, levels=levels, n_levels=int(levels.max()) + 1, count=count)
