"""Derivatives of Psi = Lambda Lambda': dense for small blocks, sparse for wide crossed ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from retrostats.models.linear.blocks.gram import Gram, Stack
from retrostats.models.linear.formula.columns import FloatArray

WIDE = 100  # random effects a block above which the factor is worth keeping sparse

Direction = Any
"""A (q, q) matrix: an array, or a scipy sparse array where q is above `WIDE`."""

Directions = list[list[Direction]]
"""Per stack, a matrix for each parameter: the derivative of Psi."""


def relative_factor(stack: Stack, theta: FloatArray) -> FloatArray:
    """Lambda (q, q) of one block."""
    q = stack.zz.shape[1]
    lam = np.zeros((q, q))
    lam[stack.rows, stack.cols] = theta[stack.theta]
    return lam


def scattered(stack: Stack, values: FloatArray, chosen: Any = slice(None)) -> Direction:
    """Values at the places of the chosen elements of the factor's template."""
    q = stack.zz.shape[1]
    rows, cols = stack.rows[chosen], stack.cols[chosen]
    if q > WIDE:
        return csr_array((values, (rows, cols)), shape=(q, q))
    out = np.zeros((q, q))
    out[rows, cols] = values
    return out


@dataclass(frozen=True, slots=True)
class Second:
    """Second derivatives of one stack's Psi: E_i E_j' + E_j E_i', E_i the derivative of Lambda.

    Attributes
    ----------
    stack : Stack
    count : int
        k parameters.
    constant : bool
        Psi is linear in its only parameter.
    """

    stack: Stack
    count: int
    constant: bool

    def inner(self, total: FloatArray) -> FloatArray:
        """Sums (k, k) of the elementwise products of a matrix (q, q) with every pair's."""
        s, k = self.stack, self.count
        if self.constant:
            return np.zeros((k, k))
        # E_rc E_sd' has one element, at (r, s), and that only where c = d
        one, other = np.nonzero(s.cols[:, None] == s.cols)
        r, t = s.rows[one], s.rows[other]
        pairs = k * s.theta[one] + s.theta[other]
        return np.bincount(pairs, total[r, t] + total[t, r], k * k).reshape(k, k).astype(float)


SecondDirections = list[Second]
"""Per stack."""


def theta_directions(gram: Gram, theta: FloatArray) -> tuple[Directions, SecondDirections]:
    """First and second derivatives of Psi with respect to theta."""
    first: Directions = []
    second: SecondDirections = []
    for s in gram.stacks:
        second.append(Second(s, len(theta), gram.signed))
        if gram.signed:
            first.append([scattered(s, np.ones(len(s.rows)))])
        elif s.zz.shape[1] > WIDE:
            lam = scattered(s, theta[s.theta])
            half = [unit @ lam.T for unit in _units(s, len(theta))]
            first.append([h + h.T for h in half])
        else:
            # E_i Lambda': row r of it is the column c of Lambda for each element (r, c) of E_i
            lam = relative_factor(s, theta)
            dense = np.zeros((len(theta), *lam.shape))
            dense[s.theta, s.rows] = lam.T[s.cols]
            first.append(list(dense + np.swapaxes(dense, 1, 2)))
    return first, second


def covariance_directions(gram: Gram) -> Directions:
    """Derivatives of Psi in each variance and covariance of each term: E_ab + E_ba."""
    return [
        [
            unit if on_diagonal else unit + unit.T
            for unit, on_diagonal in zip(_units(s, len(gram.diagonal)), gram.diagonal, strict=True)
        ]
        for s in gram.stacks
    ]


def _units(stack: Stack, count: int) -> list[Direction]:
    """Derivative of Lambda in each element of theta."""
    return [
        scattered(stack, np.ones(int(here.sum())), here)
        for here in (stack.theta == i for i in range(count))
    ]


def times(a: FloatArray, direction: Direction) -> FloatArray:
    """Products (B, q, q) of stacked matrices with a direction."""
    if issparse(direction):
        return np.stack([x @ direction for x in a])
    return np.asarray(a @ direction)


def applied(direction: Direction, a: FloatArray) -> FloatArray:
    """Products (B, q, p) of a direction with stacked matrices."""
    if issparse(direction):
        return np.stack([direction @ x for x in a])
    return np.asarray(direction @ a)


def inner(total: FloatArray, direction: Direction) -> float:
    """Sum of the elementwise product of two (q, q) matrices."""
    if issparse(direction):
        return float(direction.multiply(total).sum())
    return float(np.vdot(total, direction))
