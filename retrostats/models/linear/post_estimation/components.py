"""Variance components: table, intervals, intraclass correlation, standardised effects."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from retrostats.models.linear.blocks.working import triangles

if TYPE_CHECKING:
    from retrostats.models.linear.formula.columns import FloatArray
    from retrostats.models.linear.linear_fit import LinearFit

COMPONENT = ["group", "term", "term2", "vcov", "sdcor"]
Component = tuple[str, str, str, float, float]


def term_covariances(fit: LinearFit) -> list[FloatArray]:
    """Covariance matrix (k, k) of each random term."""
    sigma2 = fit.optimum.point.sigma2
    if fit.model.gram.signed:
        return [np.array([[fit.theta[0] * sigma2]])]
    factors = triangles(fit.model.gram.sizes, fit.optimum.theta)
    return [sigma2 * factor @ factor.T for factor in factors]


def component_table(fit: LinearFit) -> pd.DataFrame:
    """Variances first, then covariances, a term at a time, larger groups first, as lme4 prints."""
    names = unique_groups(fit)
    covariances = term_covariances(fit)
    order = sorted(range(len(names)), key=lambda i: -fit.n_groups[fit.model.groups[i][0]])
    rows: list[Component] = []
    for i in order:
        rows += components_of(names[i], fit.model.groups[i][1], covariances[i])
    for label, value in fit.engine.residual_variances(fit).items():
        rows.append(("Residual", str(label), "", float(value), float(np.sqrt(value))))
    return pd.DataFrame(rows, columns=COMPONENT)


def components_of(group: str, effects: Sequence[str], matrix: FloatArray) -> list[Component]:
    """A term's variances, then its covariances, of every kind of mixed model.

    Where signed compound symmetry makes a variance negative its standard deviation takes the sign.
    """
    sd = np.sqrt(np.abs(np.diag(matrix)))
    rows: list[Component] = []
    for a, effect in enumerate(effects):
        value = float(matrix[a, a])
        rows.append((group, effect, "", value, float(np.copysign(sd[a], value))))
    for a, b in combinations(range(len(effects)), 2):
        scale = sd[a] * sd[b]
        r = matrix[a, b] / scale if scale > 0 else np.nan
        rows.append((group, effects[a], effects[b], float(matrix[a, b]), float(r)))
    return rows


def unique_groups(fit: LinearFit) -> list[str]:
    """Group names, a repeated one numbered as lme4 does: subject, subject.1."""
    seen: dict[str, int] = {}
    out = []
    for group, _ in fit.model.groups:
        count = seen.get(group, 0)
        out.append(group if count == 0 else f"{group}.{count}")
        seen[group] = count + 1
    return out
