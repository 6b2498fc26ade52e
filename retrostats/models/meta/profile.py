"""A simple pool as the mixed model it is, for profile intervals of its variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrostats.common.errors import InputError

if TYPE_CHECKING:
    from retrostats.models.linear.known_variance.fit import KnownFit
    from retrostats.models.meta.result import Pooled


def simple_fit(pooled: Pooled) -> KnownFit:
    """A simple pool as the mixed model it is, for profile intervals of its variance."""
    from retrostats.models.linear.known_variance.fit import lmm_known

    if pooled.method not in ("reml", "ml") or pooled.data is None or pooled.k < 2:
        raise InputError(
            f"a profile needs a likelihood: method 'reml' or 'ml' and two estimates or more; this "
            f"pool is {pooled.method!r} of {pooled.k}"
        )
    import pandas as pd

    data = pooled.data
    names = [f"x{i}" for i in range(data.x.shape[1])]
    frame = pd.DataFrame(data.x, columns=names).assign(y=data.y, tau2=range(len(data.y)))
    formula = f"y ~ 0 + {' + '.join(names)} + (1 | tau2)"
    return lmm_known(formula, frame, data.v, reml=pooled.method == "reml", ddf="residual")
