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


def printed_negative(formula: Formula, moments: Moments) -> bool:
    """Whether printed correlations are negative under an intercept of subjects, which cannot be.

    Raises
    ------
    NotIdentified
        Printed correlations differ, and the only random term would fit all of them by one.
    """
    alone = len(formula.random) == 1 and formula.random[0].terms == ((),)
    if not (moments.printed and alone and formula.random[0].factors == (moments.subject,)):
        return False
    covariance = 0.0
    for pattern in moments.patterns:
        m = len(pattern.mean)
        if pattern.scatter is None or m < 2:
            continue
        pairs = np.tril_indices(m, -1)
        covariance += float(pattern.scatter[pairs].sum())
        found = _correlations(pattern.scatter)[pairs]
        if np.ptp(found) > PRINTED_ALIKE + _SLACK:
            shown = ", ".join(f"{r:.3g}" for r in found)
            raise NotIdentified(
                f"formula {formula.text!r}: {m} conditions have the printed correlations {shown}, "
                f"and {formula.random[0].factors[0]!r} as the only random term fits all of them "
                "by one; that needs an unstructured covariance. Give two conditions at a time, or "
                "one correlation for all pairs if they are taken as equal"
            )
    return covariance < 0


def _correlations(scatter: FloatArray) -> FloatArray:
    """Correlations of a scatter; 0 beside a condition without spread."""
    sd = np.sqrt(np.diag(scatter))
    scale = np.where(sd > 0, sd, 1.0)
    return np.asarray(scatter / np.outer(scale, scale))
