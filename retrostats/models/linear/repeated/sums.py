"""Which level each measurement of a subject is, and the crossproducts by pairs of levels.

The covariance of a subject's residuals depends only on which levels the subject has. All that the
likelihood needs of the subjects with the same levels is the sum of x_a x_b' over them, x a row of
[X y], for each pair of levels a and b.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.rows import Reduced, reduce_rows
from retrostats.models.linear.formula.columns import Factor, FloatArray, IntArray
from retrostats.models.linear.formula.design import combine, factorised, shown_level
from retrostats.models.linear.formula.expressions import columns_of
from retrostats.models.linear.model import Model

MOST_LEVELS = 40  # of a repeated factor: 820 variances and covariances


@dataclass(frozen=True, eq=False)
class Levels:
    """The repeated factor of a model.

    Attributes
    ----------
    name : str
        Its column, or columns joined by ":".
    labels : tuple of str
    codes : (R,) int array
        Of the model's rows.
    """

    name: str
    labels: tuple[str, ...]
    codes: IntArray


@dataclass(frozen=True, eq=False)
class Seen:
    """Subjects with the same levels.

    Attributes
    ----------
    levels : (k,) int array
    count : float
        Subjects.
    cross : (k, k, p + 1, p + 1) array
        Sums over them of x_a x_b', y last, X in the orthonormal basis and y as its residual.
    """

    levels: IntArray
    count: float
    cross: FloatArray


@dataclass(frozen=True, eq=False)
class Repeated:
    """Crossproducts of all subjects.

    Attributes
    ----------
    levels : Levels
    seen : tuple of Seen
    reduced : Reduced
        Least squares, whose basis X stands in.
    scale : float
        y is divided by this.
    subject : str
    """

    levels: Levels
    seen: tuple[Seen, ...]
    reduced: Reduced
    scale: float
    subject: str

    @property
    def subjects(self) -> float:
        """How many there are."""
        return float(sum(s.count for s in self.seen))

    def moments(self) -> FloatArray:
        """Crude covariances (m, m) of the residuals of least squares, where pairs are seen.

        Raises
        ------
        NotIdentified
            No subject has a pair of levels.
        """
        m = len(self.levels.labels)
        total, count = np.zeros((m, m)), np.zeros((m, m))
        for s in self.seen:
            at = np.ix_(s.levels, s.levels)
            total[at] += s.cross[:, :, -1, -1]
            count[at] += s.count
        missing = np.argwhere(np.tril(count == 0))
        if len(missing):
            a, b = (self.levels.labels[i] for i in missing[0])
            raise NotIdentified(
                f"no {self.subject} has both {self.levels.name} {b} and {a}, so that their "
                "covariance is not identified; take a structure with one correlation "
                "(covariance='ar1' or 'compound-symmetry')"
            )
        return np.asarray(total / count)


def repeated_levels(model: Model, named: tuple[str, ...]) -> Levels:
    """The repeated factor: the columns named, or those of the fixed effects that tell it.

    Raises
    ------
    InputError
        A subject has a level twice, or the factor is not told.
    """
    if named:
        levels = _levels(model, named)
        twice = _repeats(model, levels)
        if twice is not None:
            raise InputError(
                f"a subject has {levels.name} {levels.labels[twice]} more than once; the repeated "
                "factor tells a subject's measurements apart"
            )
        return levels
    within = [name for name in _fixed_columns(model) if _varies(model, name)]
    factors = [name for name in within if isinstance(model.columns[name], Factor)]
    tries = [(name,) for name in factors] + ([tuple(factors)] if len(factors) > 1 else [])
    tries += [(name,) for name in within if name not in factors]
    for names in tries:
        if _count(model, names) <= MOST_LEVELS:
            levels = _levels(model, names)
            if _repeats(model, levels) is None:
                return levels
    subject = model.groups[0][0]
    raise InputError(
        f"which column tells the repeated measurements of a {subject} apart? Name it in the random "
        f"term, as (0 + visit | {subject}); found within {subject}: {', '.join(within) or 'none'}"
    )


def repeated_sums(model: Model, levels: Levels) -> Repeated:
    """Crossproducts by pairs of levels; see the head of this file."""
    rows = model.rows
    reduced = reduce_rows(rows)
    scale = float(np.sqrt(reduced.yy / reduced.n_obs))
    both = np.column_stack([reduced.q, reduced.residual / scale])
    order = np.lexsort((levels.codes, rows.block))
    ends = np.cumsum(np.bincount(rows.block, minlength=len(rows.n)))[:-1]
    by_levels: dict[tuple[int, ...], list[IntArray]] = {}
    for at in np.split(order, ends):
        by_levels.setdefault(tuple(levels.codes[at].tolist()), []).append(at)
    seen = []
    for held, members in by_levels.items():
        at = np.array(members)
        weight = rows.n[rows.block[at[:, 0]]]
        x = both[at]
        cross = np.einsum("s,sap,sbq->abpq", weight, x, x, optimize=True)
        for place in members:
            scatter = rows.scatter.get(int(rows.block[place[0]]))
            if scatter is not None:
                # the scatter's rows are those of the block in the order of the data
                inner = np.argsort(np.argsort(place, kind="stable"), kind="stable")
                cross[:, :, -1, -1] += scatter[np.ix_(inner, inner)] / scale**2
        seen.append(Seen(np.array(held, dtype=np.intp), float(weight.sum()), cross))
    return Repeated(levels, tuple(seen), reduced, scale, model.groups[0][0])


def _fixed_columns(model: Model) -> list[str]:
    names = (name for term in model.formula.fixed for c in term for name in columns_of(c))
    return [name for name in dict.fromkeys(names) if name in model.columns]


def _factor(model: Model, name: str) -> Factor:
    column = model.columns[name]
    return column if isinstance(column, Factor) else factorised(column)


def _count(model: Model, names: tuple[str, ...]) -> int:
    return int(np.prod([len(_factor(model, name).levels) for name in names]))


def _varies(model: Model, name: str) -> bool:
    """Whether a column has several values in one subject."""
    codes, block = _factor(model, name).codes, model.rows.block
    first = np.zeros(int(block.max()) + 1, dtype=np.intp)
    first[block] = codes
    return bool((codes != first[block]).any())


def _levels(model: Model, names: tuple[str, ...]) -> Levels:
    factors = [_factor(model, name) for name in names]
    if _count(model, names) > MOST_LEVELS:
        raise InputError(
            f"{':'.join(names)} has {_count(model, names)} levels; a repeated factor has at most "
            f"{MOST_LEVELS}"
        )
    _, first, codes = np.unique(combine(list(factors))[0], return_index=True, return_inverse=True)
    labels = tuple(
        ":".join(shown_level(f.levels[f.codes[i]]) for f in factors) for i in first.tolist()
    )
    return Levels(":".join(names), labels, np.asarray(codes.ravel(), dtype=np.intp))


def _repeats(model: Model, levels: Levels) -> int | None:
    """A level that one subject has twice."""
    key = model.rows.block * len(levels.labels) + levels.codes
    found, count = np.unique(key, return_counts=True)
    twice = found[count > 1]
    return int(twice[0] % len(levels.labels)) if len(twice) else None
