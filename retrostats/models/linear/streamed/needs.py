"""What a formula needs of streamed rows: their columns, and the levels of factors."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.expressions import (
    FUNCTIONS,
    columns_of,
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
