"""Rows in memory reduced to moments; `reducing.moments` takes streamed ones as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import (
    Column,
    Factor,
    FloatArray,
    IntArray,
    numeric,
    read_columns,
)
from retrostats.models.linear.formula.expressions import columns_of, evaluate
from retrostats.models.linear.formula.formula import Formula, all_terms
from retrostats.models.linear.formula.linked import find_blocks
from retrostats.models.linear.heteroscedastic.factor import residual_columns
from retrostats.models.linear.moments.moments import Moments
from retrostats.models.linear.moments.patterns import Pattern, merge_patterns

_FEW = 3  # rows a block from which blocks may be studies, whose rows are kept


def require_subject(formula: Formula) -> None:
    """Moments are of subjects.

    Raises
    ------
    InputError
    """
    if not formula.random:
        raise InputError(f"formula {formula.text!r} names no subject; add a term as (1 | subject)")


def frame_moments(parsed: Formula, frame: pd.DataFrame, residual: str | None) -> Moments:
    """Moments of the rows of a table; parameters and errors as those of `reducing.moments`."""
    require_subject(parsed)
    extra = residual_columns(residual)
    columns, dropped = read_columns(frame, parsed, extra)
    y = evaluate(parsed.outcome, numeric(columns))
    block, count = find_blocks(parsed, columns, len(y))
    subject = _subject(parsed, columns, block, count)
    names = dict.fromkeys(n for term in all_terms(parsed) for c in term for n in columns_of(c))
    names.update(dict.fromkeys(n for o in parsed.offsets for n in columns_of(o)))
    names.update(dict.fromkeys(extra))
    groups = tuple(g for g in parsed.grouping_columns if g != subject and g not in extra)
    kept = [*(n for n in names if n not in groups), *groups]
    design = np.column_stack(
        [_values(columns[n], block if n in groups else None) for n in kept]
        or [np.empty((len(y), 0))]
    )
    factors = [columns[n] for n in kept]
    levels = tuple(
        () if n in groups else c.levels if isinstance(c, Factor) else None
        for n, c in zip(kept, factors, strict=True)
    )
    ordered = tuple(isinstance(c, Factor) and c.ordered for c in factors)
    blocks = _raw_patterns(design, y, block, count)
    patterns = merge_patterns(blocks)
    raw = _labelled(blocks, columns[subject], block) if subject and _FEW * count <= len(y) else None
    return Moments(
        outcome=parsed.outcome_name,
        subject=subject,
        columns=tuple(kept),
        levels=levels,
        ordered=ordered,
        groups=groups,
        patterns=patterns,
        n_dropped=dropped,
        raw=raw,
    )


def _labelled(
    blocks: list[Pattern], column: Column, block: IntArray
) -> tuple[tuple[Any, Pattern], ...]:
    """Each block with its label."""
    assert isinstance(column, Factor)
    _, first = np.unique(block, return_index=True)
    return tuple((column.levels[c], b) for c, b in zip(column.codes[first], blocks, strict=True))


def _subject(formula: Formula, columns: Mapping[str, Column], block: IntArray, count: int) -> str:
    """The grouping column whose levels are the blocks."""
    for name in formula.grouping_columns:
        column = columns[name]
        assert isinstance(column, Factor)
        if len(column.levels) == count and len(np.unique(block * count + column.codes)) == count:
            return name
    return ""


def _values(column: Column, block: IntArray | None) -> FloatArray:
    """A column as floats; a group's codes are numbered anew in each block."""
    if not isinstance(column, Factor):
        return column
    if block is None:
        return column.codes.astype(float)
    used, inverse = np.unique(block * len(column.levels) + column.codes, return_inverse=True)
    owner = used // len(column.levels)
    first = np.searchsorted(owner, owner)
    return np.asarray((np.arange(len(used)) - first)[inverse], dtype=float)


def _raw_patterns(design: FloatArray, y: FloatArray, block: IntArray, count: int) -> list[Pattern]:
    """One pattern a block, rows in the order of their design (and outcome, among equal rows)."""
    order = np.lexsort((y, *design.T[::-1], block))
    ends = np.cumsum(np.bincount(block, minlength=count))[:-1]
    return [
        Pattern(d, 1.0, v, None)
        for d, v in zip(np.split(design[order], ends), np.split(y[order], ends), strict=True)
    ]
