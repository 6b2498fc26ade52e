"""Random terms: covariates, levels and the relative covariance factor they share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from retrostats.models.counts.family import Array

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class RandomPart:
    """One random term: covariates (N, k) of its effects and the level (N,) of each row."""

    group: str
    effects: tuple[str, ...]
    values: Array
    levels: Index
    n_levels: int

    @property
    def n_theta(self) -> int:
        """Entries of the lower triangle of the relative covariance factor."""
        k = len(self.effects)
        return k * (k + 1) // 2

    @property
    def entries(self) -> tuple[Index, Index]:
        """Row and column in the factor of each entry of theta, by column as in lme4."""
        return _entries(len(self.effects))

    def factor(self, theta: Array) -> Array:
        """Lower triangle (k, k)."""
        k = len(self.effects)
        out = np.zeros((k, k))
        out[self.entries] = theta
        return out

    def take(self, rows: NDArray[np.bool_]) -> RandomPart:
        """The chosen rows, levels renumbered."""
        used, levels = np.unique(self.levels[rows], return_inverse=True)
        return RandomPart(self.group, self.effects, self.values[rows], levels, len(used))


@cache
def _entries(k: int) -> tuple[Index, Index]:
    column, row = np.triu_indices(k)
    return row, column


def split(theta: Array, parts: tuple[RandomPart, ...]) -> list[Array]:
    """Theta cut into the pieces of its terms."""
    if not parts:
        return []
    ends = np.cumsum([part.n_theta for part in parts])
    return np.split(theta, ends[:-1])


def on_diagonal(parts: tuple[RandomPart, ...]) -> NDArray[np.bool_]:
    """Which entries of theta lie on the diagonal of a factor."""
    flags = [np.equal(*part.entries) for part in parts]
    return np.concatenate(flags) if flags else np.zeros(0, bool)


def upright(theta: Array, parts: tuple[RandomPart, ...]) -> Array:
    """Theta with diagonals not negative: a column's sign changes no covariance."""
    out = []
    for part, piece in zip(parts, split(theta, parts), strict=True):
        factor = part.factor(piece)
        out.append((factor * np.where(np.diag(factor) < 0, -1.0, 1.0))[part.entries])
    return np.concatenate(out) if out else theta
