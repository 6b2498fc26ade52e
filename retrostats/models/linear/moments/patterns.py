"""Patterns: design, count, mean and scatter of blocks measured alike, and how they merge."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.columns import FloatArray

Levels = tuple[tuple[Any, ...] | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """Blocks that share a design.

    Attributes
    ----------
    design : (m, c) array
        Values of the c design columns in the m rows; categorical ones as positions in their levels.
    n : float
        Blocks (subjects).
    mean : (m,) array
        Mean outcome of each row.
    scatter : (m, m) array or None
        Sum over blocks of (y - mean)(y - mean)'; None for one raw block, whose scatter is zero.
    parts : tuple of Pattern
        Those it is the sum of, where moments were added: the next sum is taken of all of them in an
        order of their own, so that no digit depends on the order in which moments were added.
    """

    design: FloatArray
    n: float
    mean: FloatArray
    scatter: FloatArray | None
    parts: tuple[Pattern, ...] = ()


class Described(Protocol):
    """What says which columns the designs of patterns have."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names."""

    @property
    def levels(self) -> Levels:
        """Levels of each; None for a number."""

    @property
    def ordered(self) -> tuple[bool, ...]:
        """Whether the order of the levels was given."""


def merge_patterns(patterns: list[Pattern], *, added: bool = False) -> tuple[Pattern, ...]:
    """Patterns of equal design merged, in the order of their designs.

    With `added` they are of moments that are added, and known as such afterwards.
    """
    families: dict[tuple[int, bytes], list[Pattern]] = {}
    for pattern in patterns:
        key = (len(pattern.design), np.ascontiguousarray(pattern.design + 0.0).tobytes())
        families.setdefault(key, []).append(pattern)
    merged = [(_added if added else _merge_all)(family) for family in families.values()]
    return tuple(sorted(merged, key=lambda p: (len(p.mean), p.design.tolist())))


def _added(family: list[Pattern]) -> Pattern:
    """The sum of all that each is the sum of, in the order of their bytes."""
    parts = [part for pattern in family for part in pattern.parts or (pattern,)]
    if len(parts) == 1:
        return family[0]
    found = _merge_all(sorted(parts, key=_bytes))
    return replace(found, design=family[0].design, parts=tuple(parts))


def _bytes(pattern: Pattern) -> tuple[float, bytes, bytes]:
    scatter = b"" if pattern.scatter is None else pattern.scatter.tobytes()
    return pattern.n, pattern.mean.tobytes(), scatter


def _merge_all(family: list[Pattern]) -> Pattern:
    """The pairwise update for any number of patterns: no raw sums of squares."""
    if len(family) == 1:
        return family[0]
    n = np.array([p.n for p in family])
    means = np.stack([p.mean for p in family])
    # eq. 1b, about one of the means so that nothing cancels
    base = means[0]
    mean = base + (n @ (means - base)) / n.sum()
    away = means - mean
    scatter = away.T @ (n[:, None] * away)
    scatter += sum(p.scatter for p in family if p.scatter is not None)
    return Pattern(family[0].design, float(n.sum()), mean, scatter)


def common_levels(a: Described, b: Described) -> Levels:
    """Levels of each column of two moments together, sorted unless their order was given."""
    out: list[tuple[Any, ...] | None] = []
    for name, mine, theirs, given in zip(
        a.columns, a.levels, b.levels, np.logical_or(a.ordered, b.ordered), strict=True
    ):
        if mine == theirs:
            out.append(mine)
        elif mine is None or theirs is None or given:
            raise InputError(
                f"cannot merge: column {name!r} has levels {_show(mine)} in one and "
                f"{_show(theirs)} in the other; give both the same levels in the same order"
            )
        else:
            out.append(tuple(sorted({*mine, *theirs}, key=_sortable)))
    return tuple(out)


def _sortable(level: Any) -> tuple[bool, Any]:
    """Numbers before text, so that labels of both kinds have an order."""
    number = isinstance(level, int | float)
    return (not number, level if number else str(level))


def _show(levels: tuple[Any, ...] | None) -> str:
    return "numbers" if levels is None else ", ".join(map(str, levels))


def recoded(patterns: Iterable[Pattern], old: Levels, new: Levels) -> list[Pattern]:
    """Patterns with codes that are positions in other levels."""
    if old == new:
        return list(patterns)
    out = []
    for pattern in patterns:
        design = pattern.design.copy()
        for c, (mine, theirs) in enumerate(zip(old, new, strict=True)):
            if mine is not None and theirs is not None and mine != theirs:
                place = np.array([theirs.index(level) for level in mine], dtype=float)
                design[:, c] = place[design[:, c].astype(np.intp)]
        out.append(replace(pattern, design=design))
    return out
