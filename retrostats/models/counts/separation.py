"""Fixed effects without a finite estimate: directions in which the likelihood only ever grows.

A direction d does so if X d is 0 for rows with interior counts, not above 0 for rows without
events and not below 0 for rows of nothing but events (Albert and Anderson 1984, Biometrika 71:1;
Santos Silva and Tenreyro 2010, Economics Letters 107:310). A linear program finds it, unless
weights above 0 prove at once that there is none. Rows it moves have likelihood 1 in the limit and
leave the model (Geyer 2009, Electronic Journal of Statistics 3:259). Random effects change nothing
in this: the rule holds at each of their values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.common.lower_factor import lower_factor
from retrostats.models.counts.family import Array, Family, Mask

_RANK = 1e-9
#: Newton steps in which a proof of overlap is found, or left to the linear program.
_STEPS = 12
_MOVES = 1e-7


@dataclass(frozen=True, slots=True)
class Separation:
    """Rows (N,) that stay in the limit, and the direction (p,) in which estimates diverge."""

    keep: Mask
    direction: Array

    @property
    def present(self) -> bool:
        """Whether any row leaves."""
        return not bool(self.keep.all())


def separation(family: Family, x: Array) -> Separation:
    """Which rows and fixed effects of x (N, p) run off to infinity."""
    low, high = family.ends()
    n, p = x.shape
    direction = np.zeros(p)
    keep = np.ones(n, bool)
    interior = ~(low | high)
    size = np.abs(x).max(axis=0, initial=0.0)
    scaled = x / np.where(size > 0, size, 1.0)
    null = _null(scaled[interior], p)
    # Rows that can only ever be what they are say nothing and hinder nothing.
    sign = np.where(low & high, 0.0, np.where(high, 1.0, np.where(low, -1.0, 0.0)))
    while null.shape[1]:
        moved = sign[:, None] * (scaled @ null)
        moved = moved[keep & (sign != 0)]
        step = _program(moved)
        if step is None:
            break
        found = null @ step
        gain = sign * (scaled @ found)
        leaving = keep & (gain > _MOVES)
        direction += found * (0.5 ** (n + 1 - keep.sum()))  # what was found first dominates
        keep &= ~leaving
    direction[np.abs(direction) < _MOVES * np.abs(direction).max(initial=0.0)] = 0.0
    return Separation(keep, direction / np.where(size > 0, size, 1.0))


def overlap_is_proved(moved: Array) -> bool:
    """Whether weights w > 0 with moved' w = 0 were found, so that no direction moves all one way.

    With an orthonormal basis Q of what `moved` (M, d) spans, Q c >= 0 gives
    min(w) |c| <= w'Q c <= |Q'w| |c|, so that |Q'w| < min(w) leaves c = 0 alone (Stiemke's lemma,
    with rounding). The weights are those of a logistic regression on `moved`: its score equations.
    """
    from scipy.special import expit

    q, values, _ = np.linalg.svd(moved, full_matrices=False)
    q = q[:, values > _RANK * values.max(initial=0.0)]
    at = np.zeros(q.shape[1])
    for _ in range(_STEPS):
        w = expit(-(q @ at))
        slack = w @ q
        if np.sqrt(slack @ slack) < 0.5 * w.min():
            return True
        try:
            at += np.linalg.solve((q * (w * (1 - w))[:, None]).T @ q, slack)
        except np.linalg.LinAlgError:
            return False
        if np.abs(q @ at).max() > 30:  # on its way to infinity
            return False
    return False


def row_space(x: Array) -> Array:
    """Orthonormal basis (p, r) of what the rows of x determine."""
    if not len(x):
        return np.zeros((x.shape[1], 0))
    _, values, right = np.linalg.svd(x, full_matrices=False)
    return np.asarray(right[values > _RANK * max(values.max(initial=0.0), 1e-300)].T)


def _null(x: Array, p: int) -> Array:
    """Basis (p, p - r) of directions that leave every row as it is."""
    if not len(x) or not p:
        return np.eye(p)
    values, vectors = np.linalg.eigh(x.T @ x)
    null = vectors[:, values < _RANK * max(float(values.max()), 1e-300)]
    # the basis is the kernel's choice, what it spans is not: the root of a projection is a basis
    root, some = lower_factor((null @ null.T)[None], least=_RANK)
    return np.asarray(root[0][:, some[0]])


def _program(moved: Array) -> Array | None:
    """A direction with moved @ d >= 0 and not all 0; None if there is none."""
    if not len(moved) or overlap_is_proved(moved):
        return None
    from scipy.optimize import linprog

    unique = np.unique(np.round(moved, 12), axis=0)
    answer = linprog(
        -unique.sum(axis=0), A_ub=-unique, b_ub=np.zeros(len(unique)), bounds=(-1, 1),
        method="highs",
    )  # fmt: skip
    if answer.status != 0 or float((unique @ answer.x).max(initial=0.0)) < _MOVES:
        return None
    return np.asarray(answer.x)
