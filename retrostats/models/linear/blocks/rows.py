"""Rows under one another, and their ordinary least squares on which every criterion builds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from retrostats.common.errors import InputError, NotIdentified
from retrostats.models.linear.blocks.basis import least_squares, orthonormal
from retrostats.models.linear.formula.columns import FloatArray, IntArray
from retrostats.models.linear.formula.design import RandomDesign

_SPANNED = 1e-9  # what rounding leaves of an indicator that the fixed effects hold


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of all patterns under one another.

    Attributes
    ----------
    x : (R, p) array
    names : tuple of str
        Of the p columns.
    y : (R,) array
        Means of the outcome over the pattern's blocks (the outcome itself for a raw block).
    random : tuple of RandomDesign
    block : (R,) int array
        Pattern of each row.
    n : (P,) array
        Blocks behind each pattern.
    scatter : dict of int to (m, m) array
        Scatter of the patterns that have one, rows in the order of the data.
    hidden : int
        Observations whose rows an orthogonal rotation made zero in X, Z and y: they count.
    rotated : (R,) array or None
        What a rotation made of a column of ones; None where the rows are not rotated.
    """

    x: FloatArray
    names: tuple[str, ...]
    y: FloatArray
    random: tuple[RandomDesign, ...]
    block: IntArray
    n: FloatArray
    scatter: dict[int, FloatArray]
    hidden: int = 0
    rotated: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Reduced:
    """Ordinary least squares of the rows, on which every criterion builds.

    Attributes
    ----------
    weight : (R,) array or None
        Blocks behind each row; None where all are 1.
    n_obs : int
    basis : (p, p) array
        R of the weighted X = QR.
    q : (R, p) array
    start : (p,) array
        Coefficients.
    residual : (R,) array
    yy : float
        Weighted residual sum of squares plus the traces of all scatters.
    """

    weight: FloatArray | None
    n_obs: int
    basis: FloatArray
    q: FloatArray
    start: FloatArray
    residual: FloatArray
    yy: float


def reduce_rows(data: Rows) -> Reduced:
    """Ordinary least squares in an orthonormal basis, after a check of what is identified.

    Raises
    ------
    NotIdentified, InputError
        As `build_gram`.
    """
    weight = data.n[data.block] if data.scatter or (data.n != 1).any() else None
    n_obs = data.hidden + (len(data.y) if weight is None else round(float(weight.sum())))
    check_identified(data, n_obs)
    basis, q = orthonormal(data.x, weight, data.names)
    start, residual = least_squares(
        data.y, basis, q, weight, data.rotated, intercept=data.names[0] == "(Intercept)"
    )
    yy = residual @ residual if weight is None else residual @ (weight * residual)
    yy += sum(float(np.trace(s)) for s in data.scatter.values())
    total = np.abs(data.y).max()
    if yy <= (1e-13 * max(total, 1e-300)) ** 2 * n_obs or yy == 0.0:
        raise InputError(
            "the outcome does not vary beyond the fixed effects (all values equal, or fitted "
            "exactly); a mixed model has nothing to estimate"
        )
    return Reduced(weight, n_obs, basis, q, start, residual, float(yy))


def check_identified(data: Rows, n_obs: int) -> None:
    """Refuse what no number of iterations can estimate, as lme4 does, naming what is missing."""
    if n_obs <= data.x.shape[1]:
        raise NotIdentified(
            f"{n_obs} observations do not determine {data.x.shape[1]} fixed effects and a residual "
            "variance; more subjects or fewer terms are needed"
        )
    for term in data.random:
        count = level_count(data, term)
        if count < 2:
            raise NotIdentified(
                f"group {term.group!r} has one level only: the variance between its levels is not "
                "identified; at least two are needed"
            )
        if n_obs <= count * len(term.effects):
            what = " + ".join(term.effects)
            raise NotIdentified(
                f"({what} | {term.group}): {count} levels with {len(term.effects)} effects each "
                f"against {n_obs} observations; the residual variance is not identified. Needed: "
                "repeated measurements of each level (replicates within condition)"
            )
        if term.effects == ("(Intercept)",) and _spanned(data, term):
            raise NotIdentified(
                f"(1 | {term.group}): the fixed effects already tell every level of {term.group!r} "
                "apart; nothing is left of it to be random. Take it out of one of the two"
            )


def _spanned(data: Rows, term: RandomDesign) -> bool:
    """Whether the fixed effects give every level of a group a mean of its own."""
    people = bool(data.scatter) or data.rotated is not None or bool((data.n != 1).any())
    if people or not len(data.x) or data.x.shape[1] < term.n_levels:
        return False
    levels = np.zeros((len(data.x), term.n_levels))
    levels[np.arange(len(data.x)), term.levels] = 1.0
    left = levels - data.x @ np.linalg.lstsq(data.x, levels, rcond=None)[0]
    return bool(np.abs(left).max() < _SPANNED)


def level_count(data: Rows, term: RandomDesign) -> int:
    """Levels of a term's group in the data, those behind a pattern counted each."""
    if term.count is not None:
        return term.count
    if (data.n == 1).all():
        return term.n_levels
    _, first = np.unique(term.levels, return_index=True)
    return round(float(data.n[data.block[first]].sum()))
