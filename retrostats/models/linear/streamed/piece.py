"""One piece of the rows: its columns, its design, and what of it enters the sums."""

from __future__ import annotations

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
    evaluate,
)
from retrostats.models.linear.formula.formula import Formula
from retrostats.models.linear.streamed.needs import Needs


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
