"""Whether printed correlations have the shape that one random intercept can fit."""

from __future__ import annotations

import numpy as np

from retrostats.common.errors import NotIdentified
from retrostats.models.linear.formula.columns import FloatArray
from retrostats.models.linear.formula.formula import Formula
from retrostats.models.linear.moments.moments import Moments

#: Two equal correlations printed to two decimals may lie this far apart, each half a unit off.
PRINTED_ALIKE = 0.01
_SLACK = 1e-9


def printed_unlike(formula: Formula, moments: Moments) -> tuple[float, ...]:
    """Printed correlations that differ, where one intercept of subjects stands for all of them.

    Returns
    -------
    tuple of float
        Empty where they are alike, or where the formula says more of them.
    """
    if not _intercept_of_subjects(formula, moments):
        return ()
    for pattern in moments.patterns:
        m = len(pattern.mean)
        if pattern.scatter is None or m < 2:
            continue
        found = _correlations(pattern.scatter)[np.tril_indices(m, -1)]
        if np.ptp(found) > PRINTED_ALIKE + _SLACK:
            return tuple(found.tolist())
    return ()


def printed_negative(formula: Formula, moments: Moments) -> bool:
    """Whether printed correlations are negative under an intercept of subjects, which cannot be.

    Raises
    ------
    NotIdentified
        Printed correlations differ, and the only random term would fit all of them by one.
    """
    unlike = printed_unlike(formula, moments)
    if unlike:
        shown = ", ".join(f"{r:.3g}" for r in unlike)
        raise NotIdentified(
            f"formula {formula.text!r}: the conditions have the printed correlations {shown}, and "
            f"{formula.random[0].factors[0]!r} as the only random term fits all of them by one; "
            "leave covariance= out (it is unstructured then), or say 'compound-symmetry' if they "
            "are taken as equal"
        )
    if not _intercept_of_subjects(formula, moments):
        return False
    covariance = 0.0
    for pattern in moments.patterns:
        m = len(pattern.mean)
        if pattern.scatter is None or m < 2:
            continue
        pairs = np.tril_indices(m, -1)
        covariance += float(pattern.scatter[pairs].sum())
    return covariance < 0


def _intercept_of_subjects(formula: Formula, moments: Moments) -> bool:
    """Whether moments were printed and subjects' intercepts are the only random term."""
    alone = len(formula.random) == 1 and formula.random[0].terms == ((),)
    return moments.printed and alone and formula.random[0].factors == (moments.subject,)


def _correlations(scatter: FloatArray) -> FloatArray:
    """Correlations of a scatter; 0 beside a condition without spread."""
    sd = np.sqrt(np.diag(scatter))
    scale = np.where(sd > 0, sd, 1.0)
    return np.asarray(scatter / np.outer(scale, scale))
