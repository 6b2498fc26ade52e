"""Where the search for crossed factors begins: variances by moments, from crossproducts alone."""

from __future__ import annotations

import numpy as np

from retrostats.models.linear.crossed.factor import by_level, times_blocks
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import FloatArray

#: Standard deviations relative to the residual's between which a start is taken.
_LEAST, _MOST = 0.05, 20.0


def moment_start(data: Crossed) -> FloatArray:
    """Diagonal theta by equating sums of squares to their expectations.

    With r = My what least squares leaves and B_g = (Z_g'Z_g)^- by levels, r'Z_g B_g Z_g'r has the
    expectation sigma^2 (tr(B_g Z_g'MZ_g) + sum_h psi_h tr(B_g Z_g'MZ_h Z_h'MZ_g)), and r'r has
    sigma^2 (n - p + sum_h psi_h tr(Z_h'MZ_h)). Where every level meets every other equally often
    this is the analysis of variance (after Henderson 1953, Biometrics 9:226). A group of several
    effects gets one variance for all: it is a start only.
    """
    groups = data.groups
    size = len(groups)
    left, right = np.zeros((size + 1, size + 1)), np.zeros(size + 1)
    for a, g in enumerate(groups):
        inverse = np.linalg.pinv(data.own[a], hermitian=True)
        sums, x = data.zy[g.columns, None], data.zx[g.columns]
        weighted = by_level(inverse, x)
        right[a] = float((sums * by_level(inverse, sums)).sum())
        left[a, size] = np.einsum("lij,lji->", inverse, data.own[a]) - float((x * weighted).sum())
        for b, h in enumerate(groups):
            between, other = data.c[h.columns, g.columns], data.zx[h.columns]
            whole = float(times_blocks(between, inverse).multiply(between).sum())
            shared = float((other * (between @ weighted)).sum())
            left[a, b] = whole - 2 * shared + float(((other.T @ other) * (x.T @ weighted)).sum())
        left[size, a] = np.einsum("lii->", data.own[a]) - float((x**2).sum())
    left[size, size], right[size] = data.n_obs - len(data.xy), data.yy
    found = np.linalg.lstsq(left, right, rcond=None)[0]
    ratio = found[:size] / max(found[size], 1e-3 * data.yy / data.n_obs)
    spread = np.sqrt(np.clip(ratio, _LEAST**2, _MOST**2))
    return np.array([spread[g] if i == j else 0.0 for g, i, j in data.positions])
