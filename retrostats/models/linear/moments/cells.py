"""People in cells: n, means and scatter of several variables in each cell of a design.

Each person is one row, and a predictor may vary between the people of a cell, as a baseline does.
A linear model sees a cell only through the crossproducts of (1, variables).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.moments.patterns import Levels, Pattern, common_levels, merge_patterns

if TYPE_CHECKING:
    from retrostats.models.linear.moments.moments import CellMoments, Moments


@dataclass(frozen=True, slots=True)
class People:
    """Rows of people reduced to cells.

    Attributes
    ----------
    columns, levels, ordered : tuples
        Of the columns that name the cells.
    variables : tuple of str
        What was measured, the outcome first.
    patterns : tuple of Pattern
        One a cell.
    """

    columns: tuple[str, ...]
    levels: Levels
    ordered: tuple[bool, ...]
    variables: tuple[str, ...]
    patterns: tuple[Pattern, ...]


def people(moments: Moments, known: Collection[str] | None) -> People:
    """The cells behind moments of rows; see `moments.CellMoments.of`."""
    if moments.raw is None or not moments.subject:
        raise InputError(
            f"{moments!r} cannot become cells of people: they were not taken from rows in which "
            "each person is one row of a study; use moments('y ~ ... + (1 | study)', rows)"
        )
    design = np.vstack([p.design for _, p in moments.raw])
    y = np.concatenate([p.mean for _, p in moments.raw])
    labels = tuple(dict.fromkeys(label for label, _ in moments.raw))
    place = {label: float(i) for i, label in enumerate(labels)}
    block = np.repeat(
        [place[label] for label, _ in moments.raw], [len(p.mean) for _, p in moments.raw]
    )
    keys, variables = [block], [y]
    columns, levels, ordered = [moments.subject], [labels], [False]
    names = [moments.outcome]
    for c, (name, given, order) in enumerate(
        zip(moments.columns, moments.levels, moments.ordered, strict=True)
    ):
        if name == moments.subject or name in moments.groups:
            continue
        many = given is None and (
            len(np.unique(design[:, c])) > 5 if known is None else name in known
        )
        if many:
            names.append(name)
            variables.append(design[:, c])
        else:
            columns.append(name)
            keys.append(design[:, c])
            levels.append(given)  # type: ignore[arg-type]
            ordered.append(order)
    patterns = _reduce(np.column_stack(keys), np.column_stack(variables))
    return People(
        tuple(columns), tuple(levels), tuple(ordered), tuple(names), merge_patterns(patterns)
    )


def _reduce(keys: FloatArray, values: FloatArray) -> list[Pattern]:
    """One cell for each combination of keys: two passes, never raw sums of squares."""
    cells, where = np.unique(keys, axis=0, return_inverse=True)
    where = where.ravel()
    order = np.argsort(where, kind="stable")
    ends = np.cumsum(np.bincount(where, minlength=len(cells)))[:-1]
    out = []
    for key, rows in zip(cells, np.split(values[order], ends), strict=True):
        mean = rows[0] + (rows - rows[0]).mean(axis=0)
        away = rows - mean
        out.append(Pattern(key[None], float(len(rows)), mean, away.T @ away))
    return out


def merged(a: CellMoments, b: CellMoments) -> CellMoments:
    """Both together, in what both hold."""
    if a.subject != b.subject:
        raise InputError(
            f"cannot merge: the studies are in column {a.subject!r} of one and {b.subject!r} of "
            "the other; give both the same name"
        )
    for name, _ in (*a.centred, *b.centred):
        if (name in a.variables) != (name in b.variables):
            a, b = _centred_as_variable(a, name, b), _centred_as_variable(b, name, a)
    for name, _ in (*a.coded, *b.coded):
        if (name in a.columns) != (name in b.columns):
            a, b = _coded_as_column(a, name), _coded_as_column(b, name)
    variables = tuple(v for v in a.variables if v in b.variables)
    if a.outcome not in variables or b.outcome not in variables:
        raise InputError(
            f"cannot merge moments of ({', '.join(a.names)}) with moments of "
            f"({', '.join(b.names)}): the outcome {a.outcome!r} is not in both"
        )
    columns = tuple(c for c in a.columns if c in b.columns)
    a, b = _narrowed(a, columns, variables), _narrowed(b, columns, variables)
    levels = common_levels(a, b)
    patterns = merge_patterns([*a.recoded(levels), *b.recoded(levels)], added=True)
    return replace(
        a,
        levels=levels,
        ordered=tuple(x or y for x, y in zip(a.ordered, b.ordered, strict=True)),
        patterns=patterns,
        n_dropped=a.n_dropped + b.n_dropped,
        centred=_derived(a.centred, b.centred, variables),
        coded=_derived(a.coded, b.coded, columns),
    )


def _derived(
    a: tuple[tuple[str, str], ...], b: tuple[tuple[str, str], ...], held: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    """Derived names whose source both hold, and which neither holds itself."""
    pairs = dict.fromkeys((*a, *b))
    return tuple(pair for pair in pairs if pair[1] in held and pair[0] not in held)


def _centred_as_variable(m: CellMoments, name: str, other: CellMoments) -> CellMoments:
    """The centred variable among the others, where the other moments have it as such."""
    source = dict(m.centred).get(name)
    if source is None or name in m.variables:
        return m
    both = _studies(m) & _studies(other)
    if both:
        raise InputError(
            f"cannot merge: {name!r} is centred at the mean of each study, and people of "
            f"{m.subject} {sorted(map(str, both))[0]} are in both; reduce the study whole, or "
            f"merge moments that hold {source!r}"
        )
    at = m.variables.index(source)
    shift = study_means(m, source)
    index = [*range(len(m.variables)), at]

    def wider(p: Pattern, s: float) -> Pattern:
        chosen = _of_variables(p, index)
        mean = np.append(p.mean, p.mean[at] - s)
        return replace(chosen, mean=mean, parts=tuple(wider(part, s) for part in p.parts))

    patterns = tuple(wider(p, s) for p, s in zip(m.patterns, shift, strict=True))
    centred = tuple(pair for pair in m.centred if pair[0] != name)
    return replace(m, variables=(*m.variables, name), patterns=patterns, centred=centred)


def _coded_as_column(m: CellMoments, name: str) -> CellMoments:
    source = dict(m.coded).get(name)
    if source is None or name in m.columns:
        return m
    at = m.columns.index(source)
    patterns = tuple(
        replace(p, design=np.hstack([p.design, p.design[:, [at]] - 0.5])) for p in m.patterns
    )
    return replace(
        m,
        columns=(*m.columns, name),
        levels=(*m.levels, None),
        ordered=(*m.ordered, False),
        patterns=patterns,
        coded=tuple(pair for pair in m.coded if pair[0] != name),
    )


def _narrowed(m: CellMoments, columns: tuple[str, ...], variables: tuple[str, ...]) -> CellMoments:
    """Only these columns and variables, in this order."""
    keep = [m.columns.index(c) for c in columns]
    index = [m.variables.index(v) for v in variables]
    chosen = [_of_variables(p, index) for p in m.patterns]
    patterns = merge_patterns([replace(p, design=p.design[:, keep]) for p in chosen], added=True)
    return replace(
        m,
        columns=columns,
        variables=variables,
        levels=tuple(m.levels[i] for i in keep),
        ordered=tuple(m.ordered[i] for i in keep),
        patterns=patterns,
        centred=tuple(pair for pair in m.centred if pair[1] in variables),
        coded=tuple(pair for pair in m.coded if pair[1] in columns),
    )


def _of_variables(p: Pattern, index: list[int]) -> Pattern:
    """A pattern of some of its variables, in this order."""
    scatter = None if p.scatter is None else p.scatter[np.ix_(index, index)]
    parts = tuple(_of_variables(part, index) for part in p.parts)
    return replace(p, mean=p.mean[index], scatter=scatter, parts=parts)


def _studies(m: CellMoments) -> set[Any]:
    at = m.columns.index(m.subject)
    levels = m.levels[at]
    assert levels is not None
    return {levels[int(p.design[0, at])] for p in m.patterns}


def study_means(m: CellMoments, variable: str) -> FloatArray:
    """Mean of a variable over all people of each cell's study (C,)."""
    at = m.columns.index(m.subject)
    study = np.array([p.design[0, at] for p in m.patterns]).astype(np.intp)
    n = np.array([p.n for p in m.patterns])
    mean = np.array([p.mean[m.variables.index(variable)] for p in m.patterns])
    base = mean[np.unique(study, return_index=True)[1]]
    base = base[np.unique(study, return_inverse=True)[1].ravel()]
    total = np.bincount(study, n * (mean - base)) / np.maximum(np.bincount(study, n), 1.0)
    return np.asarray(base + total[study])
