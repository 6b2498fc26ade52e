"""Data that the random effects fit exactly: there is no residual variance to estimate."""

from __future__ import annotations

from retrostats.common.errors import NotConverged, NotIdentified
from retrostats.models.linear.formula.formula import Formula
from retrostats.models.linear.homoscedastic.criterion import Point

_EXACT = 1e-8  # share of the spread left as residual below which a failed fit is an exact one


def not_evaluated(formula: Formula, error: Exception, having: str = "") -> NotConverged:
    """What is raised where the criterion cannot be evaluated; `having` follows the formula."""
    return NotConverged(
        f"{formula.text!r}{having}: {error}; the data may be fitted exactly by the random effects"
    )


def refuse_exact(formula: Formula, point: Point, yy: float) -> None:
    """Say why a search that did not converge could not, where next to nothing of `yy` is left.

    Raises
    ------
    NotIdentified
    """
    if point.rss < _EXACT * yy:
        raise NotIdentified(
            f"{formula.text!r}: the random effects fit the data exactly and the residual "
            "variance is zero; repeated measurements that differ are needed"
        )
