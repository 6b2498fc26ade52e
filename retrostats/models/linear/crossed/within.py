"""What X and Z leave of the outcome: the residual sum of squares with all effects fixed."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from retrostats.common.errors import InputError
from retrostats.models.linear.crossed.factor import by_level, times_blocks
from retrostats.models.linear.crossed.layout import Crossed
from retrostats.models.linear.formula.columns import FloatArray

_RANK_TOL = 1e-9
_WIDEST = 4000  # eigenvalues of the dense rest: about a minute on two cores


def crossed_within(data: Crossed) -> tuple[float, int]:
    """Residual sum of squares of the outcome on [X Z], and its degrees of freedom.

    The widest group is swept out level by level, then the rest and X by one eigendecomposition.

    Raises
    ------
    InputError
        More effects beside the widest group than an eigendecomposition affords.
    """
    first = data.groups[0]
    width, rest = first.width, data.c.shape[0] - first.width
    if rest > _WIDEST:
        raise InputError(
            f"sigma exactly: {rest} random effects beside {first.name!r} have to be swept out by "
            f"eigenvalues (at most {_WIDEST}); use conf_int(which='random'), which "
            f"differs little with {data.n_obs} observations"
        )
    values, vectors = np.linalg.eigh(data.own[0])
    kept = values > _RANK_TOL * np.maximum(values[:, -1:], 1e-300)
    inverse = vectors * np.where(kept, 1.0 / np.where(kept, values, 1.0), 0.0)[:, None, :]
    inverse = inverse @ np.swapaxes(vectors, 1, 2)
    z = np.column_stack([data.zx, data.zy])
    swept = by_level(inverse, z[:width])
    later = csr_array(data.c[width:, :width])
    corner = (data.c[width:, width:] - times_blocks(later, inverse) @ later.T).toarray()
    side = z[width:] - later @ swept
    p = len(data.xy)
    own = np.block([[np.eye(p), data.xy[:, None]], [data.xy[None, :], np.array([[data.yy]])]])
    own = own - z[:width].T @ swept
    scale = np.sqrt(np.append(np.asarray(data.c.diagonal())[width:], np.ones(p)))
    scale[scale == 0.0] = 1.0
    whole = np.block([[corner, side[:, :p]], [side[:, :p].T, own[:p, :p]]]) / np.outer(scale, scale)
    target = np.append(side[:, p], own[:p, p]) / scale
    found, axes = np.linalg.eigh(0.5 * (whole + whole.T))
    good = found > _RANK_TOL
    along: FloatArray = axes[:, good].T @ target
    rss = float(own[p, p]) - float((along**2 / found[good]).sum())
    return max(rss, 0.0), data.n_obs - int(kept.sum()) - int(good.sum())
