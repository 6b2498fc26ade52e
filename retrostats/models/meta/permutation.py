"""Permutation tests of pools: the pool's own statistics over signs or places of the estimates."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import check_seed, whole_number
from retrostats.common.errors import InputError
from retrostats.models.meta.batch import BATCH_METHODS, BATCH_TESTS, random_effects_batch
from retrostats.models.meta.heterogeneity import Array
from retrostats.models.meta.moment import moment

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.meta.result import PoolData, Pooled

_FEWEST = 100
_INTERCEPT = "(Intercept)"
_TIE = 1e-8  # share of a statistic by which a permutation of it may be smaller from rounding


def permutation_test(
    pooled: Pooled, *, draws: int, seed: int | np.random.Generator
) -> pd.DataFrame:
    """See `Pooled.permutation_test`."""
    import pandas as pd

    data = _data_of(pooled)
    whole_number(draws, "draws", _FEWEST)
    check_seed(seed)
    rng = np.random.default_rng(seed)
    mean = pooled.terms == (_INTERCEPT,)
    number = 2**pooled.k if mean else math.factorial(pooled.k)
    exact = number <= draws
    found = _mean(pooled, data, draws, exact, rng) if mean else _moderated(
        pooled, data, draws, exact, rng
    )  # fmt: skip
    names = list(pooled.terms)
    if not mean:
        names.append("all moderators")
    observed = found[0]
    if exact:
        counted, total = found[1:], number
    else:  # the observed order is one of them (Phipson and Smyth 2010)
        counted, total = found, len(found)
    as_far = (np.abs(counted) >= np.abs(observed) * (1 - _TIE)).mean(axis=0)
    return pd.DataFrame(
        {
            "term": names,
            "statistic": observed,
            "p_value": as_far,
            "permutations": total,
            "exact": exact,
        }
    )


def _data_of(pooled: Pooled) -> PoolData:
    data = pooled.data
    if data is None or pooled.fit is not None or data.cluster is not None:
        raise InputError(
            "permutation_test is for independent estimates; pool without random= and cluster="
        )
    if pooled.test == "henmi-copas":
        raise InputError("permutation_test permutes a t; give the pool another test than "
                         "henmi-copas")  # fmt: skip
    if pooled.k - len(pooled.terms) < 1 or pooled.k < 2:
        raise InputError(
            f"permutation_test needs more estimates than coefficients, found {pooled.k} and "
            f"{len(pooled.terms)}"
        )
    return data


def _mean(
    pooled: Pooled, data: PoolData, draws: int, exact: bool, rng: np.random.Generator
) -> Array:
    """The observed statistic, then that of every draw of signs (n + 1, 1)."""
    if exact:
        signs = 1.0 - 2.0 * np.array(list(itertools.product((0, 1), repeat=pooled.k)))
    else:
        signs = rng.choice([-1.0, 1.0], size=(draws - 1, pooled.k))
    y = np.vstack([np.ones(pooled.k), signs]) * data.y
    if pooled.method in BATCH_METHODS and pooled.test in BATCH_TESTS:
        found = random_effects_batch(y, data.v, method=pooled.method, test=pooled.test)
        return np.asarray(found.estimate / found.std_error)[:, None]
    return np.array([_statistics(pooled, one, data.v, data.x)[:1] for one in y])


def _moderated(
    pooled: Pooled, data: PoolData, draws: int, exact: bool, rng: np.random.Generator
) -> Array:
    """Observed statistics, then those of every order of the estimates (n + 1, p + 1).

    Estimates move with their variances, the moderators stay.
    """
    k = pooled.k
    first = np.arange(k)
    orders: Iterable[NDArray[np.int64]]
    if exact:
        orders = (np.array(one) for one in itertools.permutations(range(k)))
    else:
        orders = (rng.permutation(k) for _ in range(draws - 1))
    return np.array(
        [
            _statistics(pooled, data.y[o], data.v[o], data.x)
            for o in itertools.chain([first], orders)
        ]
    )


def _statistics(pooled: Pooled, y: Array, v: Array, x: Array) -> Array:
    """Each coefficient over its error, and the F of all but the intercept (p + 1,)."""
    beta, cov, _, _ = moment(y, v, x, pooled.method, pooled.test, None)
    rest = np.array([name != _INTERCEPT for name in pooled.terms])
    joint = math.nan
    if rest.any():
        some = beta[rest]
        joint = float(some @ np.linalg.solve(cov[np.ix_(rest, rest)], some)) / len(some)
    return np.append(beta / np.sqrt(np.diag(cov)), joint)
