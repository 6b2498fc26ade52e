"""One piece of the rows: its columns, its design, and what of it enters the sums."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import (
    Column,
    Factor,
    FloatArray,
    IntArray,
    refuse_extremes,
)
from retrostats.models.linear.formula.design import (
    fixed_design,
    model_blocks,
    model_matrix,
    offset_values,
)
from retrostats.models.linear.formula.expressions import (
    FUNCTIONS,
    columns_of,
    evaluate,
    is_categorical_call,
)
from retrostats.models.linear.formula.formula import Formula, all_terms
from retrostats.models.linear.streamed.source import Source

_MOST_LEVELS = 1000


@dataclass(frozen=True, slots=True)
class Needs:
    """Columns of a source that a formula uses.

    Attributes
    ----------
    outcome, numbers, factors : tuple of str
        Columns of the outcome; numeric and categorical columns of the effects.
    groups : tuple of str
        The columns that name the subjects, or the levels of nested and crossed groups.
    weight : str or None
        The column of weights.
    residual : tuple of str
        The columns (categorical, so among `factors`) whose levels are the residual strata.
    """

    outcome: tuple[str, ...]
    numbers: tuple[str, ...]
    factors: tuple[str, ...]
    groups: tuple[str, ...]
    weight: str | None = None
    residual: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """Each once."""
        weight = [] if self.weight is None else [self.weight]
        used = [*self.outcome, *self.numbers, *self.factors, *self.groups, *weight]
        return tuple(dict.fromkeys(used))


def needs_of(
    formula: Formula, source: Source, weight: str | None = None, residual: tuple[str, ...] = ()
) -> Needs:
    """What a formula reads from a source.

    Raises
    ------
    InputError
        A column is missing or of a kind no model takes, or a function needs all rows at once.
    """
    if re.search(r"\b(center|scale|poly|bs|ns)\(", formula.text):
        raise InputError(
            f"formula {formula.text!r}: center(), scale(), poly(), bs() and ns() need all rows at "
            "once; write numbers you know, as I(x - 40)"
        )
    outcome = columns_of(formula.outcome)
    terms = [c for term in all_terms(formula) for c in term]
    named = {name for c in terms if (name := is_categorical_call(c))}
    apart = tuple(dict.fromkeys(n for o in formula.offsets for n in columns_of(o)))
    effects = {n for c in terms for n in columns_of(c)}
    used = tuple(dict.fromkeys([*(n for c in terms for n in columns_of(c)), *apart, *residual]))
    groups = formula.grouping_columns
    for name in (*outcome, *used, *groups, *([] if weight is None else [weight])):
        _check(name, source, formula)
    for name in residual:
        if name in effects - named and not _is_categorical(source.types[name]):
            raise InputError(
                f"residual={name!r}: the column is a number in the formula; write C({name}) there, "
                "or give strata as text"
            )
    named |= set(residual)
    factors = tuple(n for n in used if n in named or _is_categorical(source.types[n]))
    numeric = [(n, "the outcome") for n in outcome] + [(n, "an offset") for n in apart]
    numeric += [] if weight is None else [(weight, "the weights")]
    for name, what in numeric:
        if _is_categorical(source.types[name]):
            raise InputError(f"column {name!r}, {what}, is not numeric")
    for group in groups:
        if group in effects and group not in residual:
            raise InputError(f"column {group!r} is the group and an effect as well; copy it")
    return Needs(
        outcome, tuple(n for n in used if n not in factors), factors, groups, weight, residual
    )


def _check(name: str, source: Source, formula: Formula) -> None:
    if name not in source.types:
        hint = " (a function it may call needs brackets)" if name in FUNCTIONS else ""
        found = ", ".join(list(source.types)[:30])
        raise InputError(f"no column {name!r}{hint}; {source.name} has: {found}")
    kind = str(source.types[name])
    if re.match(r"date|time|timestamp|duration|month", kind):
        raise InputError(f"column {name!r} holds dates or durations; convert it to a number first")
    if re.match(r"(large_)?(list|struct|map|binary)|fixed_size|union", kind):
        raise InputError(f"column {name!r} is of type {kind}; numbers and text are allowed")


def _is_categorical(kind: Any) -> bool:
    return bool(re.match(r"(large_)?string|utf8|dictionary|bool", str(kind)))


def find_levels(needs: Needs, source: Source) -> dict[str, tuple[Any, ...]]:
    """Levels of each categorical column: a first pass over these columns alone.

    Text is sorted, truth is FALSE before TRUE, an Arrow dictionary keeps its order.
    """
    if not needs.factors:
        return {}
    found: dict[str, dict[Any, None]] = {n: {} for n in needs.factors}
    for piece in source.pieces(needs.factors):
        for name in needs.factors:
            add_levels(found[name], piece.column(name), name)
    return ordered_levels(found, source.types)


def ordered_levels(
    found: dict[str, dict[Any, None]], types: dict[str, Any]
) -> dict[str, tuple[Any, ...]]:
    """Levels in the order of the design.

    Raises
    ------
    InputError
        A column has no value at all.
    """
    for name, values in found.items():
        if not values:
            raise InputError(f"column {name!r} has no value in any row, or the data have no rows")
    return {name: _ordered(values, types[name]) for name, values in found.items()}


def add_levels(known: dict[Any, None], column: Any, name: str) -> None:
    """Levels of one piece added to those known, in the order of a dictionary or of appearance."""
    kind = str(column.type)
    if kind == "bool":
        known.update(dict.fromkeys((False, True)))
        return
    parts = [c.dictionary for c in column.chunks] if kind.startswith("dictionary") else [column]
    for part in parts:
        values = part.unique().to_pylist()
        known.update(dict.fromkeys(v for v in values if v is not None and v == v))
    if len(known) > _MOST_LEVELS:
        raise InputError(
            f"column {name!r} has more than {_MOST_LEVELS} levels; as a fixed effect it would need "
            "as many columns. Make it a group, (1 | ...), or merge levels"
        )


def _ordered(values: dict[Any, None], kind: Any) -> tuple[Any, ...]:
    if str(kind).startswith("dictionary"):
        return tuple(values)
    if str(kind) == "bool":
        return ("FALSE", "TRUE")
    return tuple(sorted(values))


@dataclass(frozen=True, slots=True)
class Design:
    """What is computed of each row.

    Attributes
    ----------
    formula : Formula
    needs : Needs
    levels : dict of str to tuple
        Of each categorical column.
    fixed, effects : tuple of str
        Names of the columns of X, and of Z over all random terms, each once.
    strict : bool
        Whether a value that is no level is an error; else only incomplete rows have such.
    """

    formula: Formula
    needs: Needs
    levels: dict[str, tuple[Any, ...]]
    fixed: tuple[str, ...]
    effects: tuple[str, ...]
    strict: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Columns of Z, then those of X that are not among them."""
        return tuple(dict.fromkeys([*self.effects, *self.fixed]))

    @property
    def strata(self) -> int:
        """Combinations of levels of the residual columns."""
        return int(np.prod([len(self.levels[n]) for n in self.needs.residual]))

    @property
    def of_fixed(self) -> list[int]:
        """Where the columns of X are among these."""
        return [self.names.index(name) for name in self.fixed]


def design_of(
    formula: Formula, needs: Needs, levels: dict[str, tuple[Any, ...]], *, strict: bool
) -> Design:
    """The design of a formula, once the levels are known."""
    row = one_row((*needs.outcome, *needs.numbers), levels)
    fixed = fixed_design(formula, row, 1)[1]
    effects = tuple(dict.fromkeys(n for t in random_names(formula, row) for n in t))
    return Design(formula, needs, levels, fixed, effects, strict)


def random_names(formula: Formula, row: dict[str, Column]) -> tuple[tuple[str, ...], ...]:
    """Names of the effects of each random term."""
    return tuple(model_matrix(term.terms, row, 1)[1] for term in formula.random)


def one_row(numbers: tuple[str, ...], levels: dict[str, tuple[Any, ...]]) -> dict[str, Column]:
    """A row of ones and of the first levels: enough to name the columns of a design."""
    columns: dict[str, Column] = {n: np.ones(1) for n in numbers}
    columns.update({n: Factor(np.zeros(1, dtype=np.intp), v) for n, v in levels.items()})
    return columns


@dataclass(frozen=True, slots=True)
class Piece:
    """What of one piece enters the sums, complete rows only.

    Attributes
    ----------
    w : (P, n) array
        The columns `Design.names`, a row each.
    y : (n,) array
    group : tuple of pyarrow ChunkedArrays of n
        Labels of the subjects, a grouping column each.
    totals : dict of str to float
        Sum of each numeric column of the effects.
    used : dict of str to (L,) bool array
        Which levels of each categorical column occur.
    n_dropped : int
    log_weight : float
        Sum of the logarithms of the weights, by whose roots w and y are multiplied.
    stratum : (n,) int array or None
        The combination of levels of the residual columns.
    """

    w: FloatArray
    y: FloatArray
    group: tuple[Any, ...]
    totals: dict[str, float]
    used: dict[str, np.ndarray]
    n_dropped: int
    log_weight: float
    stratum: IntArray | None = None


def read_piece(table: Any, design: Design, name: str) -> Piece | None:
    """A pyarrow Table as rows of a design; None where no row is complete."""
    needs = design.needs
    columns, group, dropped = _complete(table, design, name)
    n = table.num_rows - dropped
    if not n:
        return None
    numbers = {k: c for k, c in columns.items() if not isinstance(c, Factor)}
    for column, values in numbers.items():
        refuse_extremes(column, values)
    w = np.empty((len(design.names), n))
    _lay(w, design, model_blocks(design.formula.fixed, columns, n))
    if not set(design.effects) <= set(design.fixed):
        for term in design.formula.random:
            _lay(w, design, model_blocks(term.terms, columns, n))
    used = {
        k: np.bincount(c.codes, minlength=len(c.levels)) > 0
        for k, c in columns.items()
        if isinstance(c, Factor)
    }
    y = evaluate(design.formula.outcome, numbers)
    offset = offset_values(design.formula, numbers, n)
    y = y if offset is None else y - offset
    totals = {k: float(numbers[k].sum()) for k in needs.numbers}
    stratum, log_weight = None, 0.0
    if needs.residual:
        stratum = _strata(needs, columns, n)
        group = (*group, stratum)
    if needs.weight is not None:
        weight = numbers[needs.weight]
        if not (weight > 0).all():
            raise InputError(
                f"weights={needs.weight!r}: {weight[~(weight > 0)][0]:g} in {name}; a weight is "
                "above 0 (leave out rows that should not count)"
            )
        root = np.sqrt(weight)
        w, y, log_weight = w * root, y * root, float(np.log(weight).sum())
    return Piece(w, y, group, totals, used, dropped, log_weight, stratum)


def _strata(needs: Needs, columns: dict[str, Column], n: int) -> IntArray:
    """The combination (n,) of levels of the residual columns."""
    stratum = np.zeros(n, dtype=np.intp)
    for column in needs.residual:
        factor = columns[column]
        assert isinstance(factor, Factor)
        stratum = stratum * len(factor.levels) + factor.codes
    return stratum


def _lay(w: FloatArray, design: Design, blocks: list[tuple[FloatArray, list[str]]]) -> None:
    """Columns of a design put into the rows of `w` that have their names."""
    for block, names in blocks:
        for name, column in zip(names, block.T, strict=True):
            w[design.names.index(name)] = column


def _complete(
    table: Any, design: Design, name: str
) -> tuple[dict[str, Column], tuple[Any, ...], int]:
    """Columns and groups of the rows without a missing value, and how many others there are."""
    import pyarrow.compute as pc

    needs, levels = design.needs, design.levels
    missing = np.zeros(table.num_rows, dtype=bool)
    columns: dict[str, Column] = {}
    weight = [] if needs.weight is None else [needs.weight]
    for column in dict.fromkeys([*needs.outcome, *needs.numbers, *weight]):
        values = _numbers(table.column(column), column, name)
        if np.isnan(values.sum()):  # or infinite on both sides
            missing |= np.isnan(values)
        columns[column] = values
    for column in needs.factors:
        codes = _codes(table.column(column), levels[column])
        if design.strict:
            _refuse_strange(codes, table.column(column), levels[column], f"{name}: {column!r}")
        if codes.min(initial=0) < 0:
            missing |= codes < 0
        columns[column] = Factor(codes, levels[column])
    groups = []
    for column in needs.groups:
        group = table.column(column)
        if str(group.type).startswith("dictionary"):
            group = group.cast(group.type.value_type)
        if group.null_count or str(group.type) in ("float", "double"):
            missing |= pc.is_null(group, nan_is_null=True).to_numpy()
        groups.append(group)
    dropped = int(missing.sum())
    if dropped:
        keep = ~missing
        groups = [group.filter(keep) for group in groups]
        columns = {
            k: Factor(c.codes[keep], c.levels) if isinstance(c, Factor) else c[keep]
            for k, c in columns.items()
        }
    return columns, tuple(groups), dropped


def _numbers(column: Any, name: str, where: str) -> FloatArray:
    import pyarrow as pa

    try:
        return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=float)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(
            f"{where}: column {name!r} of type {column.type} cannot be read as numbers ({error})"
        ) from None


def _codes(column: Any, levels: tuple[Any, ...]) -> Any:
    """Positions in the levels, -1 where a value is missing or none of them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = str(column.type)
    if kind == "bool":
        column = pc.if_else(column, "TRUE", "FALSE")
    elif kind.startswith("dictionary"):
        column = column.cast(column.type.value_type)
    known = pa.array(list(levels), type=column.type)
    return pc.fill_null(pc.index_in(column, value_set=known), -1).to_numpy().astype(np.intp)


def _refuse_strange(codes: Any, column: Any, levels: tuple[Any, ...], where: str) -> None:
    strange = (codes < 0) & column.is_valid().to_numpy()
    if strange.any():
        value = column[int(np.flatnonzero(strange)[0])].as_py()
        raise InputError(
            f"{where} holds {value!r}, which is not among the levels of the first rows "
            f"({', '.join(map(str, levels[:10]))}); give the Dataset or the files instead of a "
            "reader that can be read only once"
        )
