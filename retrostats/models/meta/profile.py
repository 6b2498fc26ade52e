"""Profile likelihoods of the variances of a pool, which is a mixed model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.arrays import whole_number
from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.linear.known_variance.fit import KnownFit
    from retrostats.models.meta.result import Pooled


_FEWEST = 3
_BEYOND = 1.25  # upper limits, to which values go
_WIDE = 10.0  # the same in variances, where there is no limit


def simple_fit(pooled: Pooled) -> KnownFit:
    """A simple pool as the mixed model it is, for profile intervals of its variance."""
    from retrostats.models.linear.known_variance.fit import lmm_known

    if pooled.method not in ("reml", "ml") or pooled.data is None or pooled.k < 2:
        raise InputError(
            f"a profile needs a likelihood: method 'reml' or 'ml' and two estimates or more; this "
            f"pool is {pooled.method!r} of {pooled.k}"
        )
    data = pooled.data
    import pandas as pd

    names = [f"x{i}" for i in range(data.x.shape[1])]
    frame = pd.DataFrame(data.x, columns=names).assign(y=data.y, tau2=range(len(data.y)))
    formula = f"y ~ 0 + {' + '.join(names)} + (1 | tau2)"
    return lmm_known(formula, frame, data.v, reml=pooled.method == "reml", ddf="residual")


def likelihood_profile(pooled: Pooled, points: int) -> pd.DataFrame:
    """See `Pooled.profile`."""
    import pandas as pd
    from scipy.special import chdtri

    from retrostats.models.linear.known_variance.components import profile, profile_at

    whole_number(points, "points", _FEWEST)
    fit = simple_fit(pooled) if pooled.fit is None else pooled.fit
    typical = float(fit.model.r.variance.mean())
    drop = float(chdtri(1, 1 - pooled.level)) / 2
    tables = []
    found = profile(fit, level=pooled.level)
    ends = found[["estimate", "conf_high"]].to_numpy(dtype=float)
    for i, (estimate, high) in enumerate(ends):
        top = high if np.isfinite(high) else _WIDE * (estimate + typical)
        values = np.unique(np.r_[np.linspace(0.0, _BEYOND * top, points - 1), estimate])
        loglik = fit.loglik - profile_at(fit, i, values) / 2
        inside = loglik >= fit.loglik - drop
        table = {"value": values, "loglik": loglik, "inside": inside}
        tables.append(pd.DataFrame(table).assign(term=found["term"].iloc[i])[["term", *table]])
    return pd.concat(tables, ignore_index=True)
