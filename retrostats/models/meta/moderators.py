"""Moderators of a pool: joint tests of terms, and the effect at given values of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import share, table_of
from retrostats.common.errors import InputError
from retrostats.common.student import t_quantile
from retrostats.models.meta.heterogeneity import Array
from retrostats.models.meta.moment import moment

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.models.linear.formula.columns import Column
    from retrostats.models.linear.formula.formula import Formula
    from retrostats.models.meta.inputs import Entered
    from retrostats.models.meta.result import PoolData, Pooled

_INTERCEPT = "(Intercept)"


@dataclass(frozen=True, slots=True, eq=False)
class Moderators:
    """What a pool's formula says and the columns it was read from, to lay out other values."""

    formula: Formula
    columns: Mapping[str, Column]

    def design(self, newdata: pd.DataFrame) -> tuple[Array, NDArray[np.bool_]]:
        """Design (m, p) of the complete rows of other values, and which rows those are."""
        from retrostats.models.linear.formula.design import model_matrix
        from retrostats.models.linear.post_estimation.predict import new_columns

        columns, whole = new_columns(SimpleNamespace(model=self), newdata, random=False)
        matrix, _ = model_matrix(self.formula.fixed, columns, int(whole.sum()), self.columns)
        return np.asarray(matrix, dtype=float), np.asarray(whole, dtype=bool)

    def blocks(self, n: int) -> dict[str, int]:
        """How many columns each term has, in their order."""
        from retrostats.models.linear.formula.design import model_blocks

        parts = model_blocks(self.formula.fixed, self.columns, n)
        names = [":".join(term) or _INTERCEPT for term in self.formula.fixed]
        return {name: len(part) for name, (_, part) in zip(names, parts, strict=True)}


def read_moderators(read: Entered, formula: str) -> Moderators:
    """The right side of a pool's formula, with the columns that it names."""
    from retrostats.models.linear.formula.columns import read_columns
    from retrostats.models.linear.formula.design import refuse_offsets
    from retrostats.models.linear.formula.formula import parse_formula

    if read.frame is None:
        raise InputError("pool: a formula needs a DataFrame, whose columns it names")
    parsed = parse_formula(f"{read.left} ~ {formula.partition('~')[2] or formula}")
    refuse_offsets(parsed, "by a pool; subtract it from the effects")
    if parsed.random:
        raise InputError("pool: random terms go into random=, not into formula=")
    columns, dropped = read_columns(read.frame, parsed)
    if dropped:
        raise InputError(
            f"pool: {dropped} rows lack a value that {formula!r} uses; leave them out or fill "
            "them in"
        )
    return Moderators(parsed, columns)


def fixed_matrix(moderators: Moderators, k: int) -> tuple[Array, tuple[str, ...]]:
    """Design (k, p) of a formula's right side, coded as in the mixed models, and its terms."""
    from retrostats.models.linear.formula.design import fixed_design

    X, terms = fixed_design(moderators.formula, moderators.columns, k)
    if np.linalg.matrix_rank(X) < X.shape[1] or (len(terms) > 1 and len(X) <= X.shape[1]):
        raise InputError(
            f"pool: {len(X)} estimates do not determine {X.shape[1]} coefficients "
            f"({', '.join(terms)}); leave out a moderator or one that repeats another"
        )
    return np.asarray(X, dtype=float), terms


def omnibus(pooled: Pooled) -> pd.DataFrame:
    """See `Pooled.anova`."""
    import pandas as pd
    from scipy.special import chdtrc, fdtrc

    data = _moderated(pooled, "anova")
    if data.cluster is not None:
        raise InputError(
            "anova: joint tests with cluster-robust errors are not computed; take "
            ".coefficients, one test a coefficient"
        )
    rows = []
    for term, places in _hypotheses(pooled, data).items():
        chosen = np.zeros((len(places), len(pooled.terms)))
        chosen[np.arange(len(places)), places] = 1.0
        f, df = _joint(pooled, data, chosen)
        m = len(places)
        p = float(chdtrc(m, m * f) if np.isinf(df) else fdtrc(m, df, f))
        rows.append((term, m, df, f, p))
    return pd.DataFrame(rows, columns=["term", "num_df", "den_df", "statistic", "p_value"])


def _moderated(pooled: Pooled, verb: str) -> PoolData:
    if pooled.data is None or pooled.terms == (_INTERCEPT,):
        raise InputError(
            f"{verb}: this pool has no moderators; pool with formula='~ moderator'. Homogeneity "
            "is tested by .q, .q_df and .q_p"
        )
    return pooled.data


def _hypotheses(pooled: Pooled, data: PoolData) -> dict[str, list[int]]:
    """Places of the coefficients of all moderators, then of each term where there are several."""
    if data.moderators is None:
        sizes = dict.fromkeys(pooled.terms, 1)
    else:
        sizes = data.moderators.blocks(len(data.y))
    ends = np.cumsum([0, *sizes.values()])
    terms = {
        name: list(range(ends[i], ends[i + 1]))
        for i, name in enumerate(sizes)
        if name != _INTERCEPT
    }
    together = [place for places in terms.values() for place in places]
    return {"all moderators": together} | (terms if len(terms) > 1 else {})


def _joint(pooled: Pooled, data: PoolData, chosen: Array) -> tuple[float, float]:
    """Wald's F and its denominator df of some coefficients (m, p) being 0."""
    if pooled.fit is not None:
        beta, cov = pooled.fit.beta, np.asarray(pooled.fit.cov_beta)
        df, scaling = pooled.fit.df_of(chosen)
        if not len(pooled.fit.theta) and pooled.test == "t":
            df = float(min(pooled.dfs))
    elif pooled.test == "kenward-roger" and len(chosen) > 1:
        from retrostats.models.linear.known_variance.fit import fit_known
        from retrostats.models.meta.profile import simple_fit

        fit = fit_known(simple_fit(pooled).model, ddf="kenward-roger")
        beta, cov = fit.beta, np.asarray(fit.cov_beta)
        df, scaling = fit.df_of(chosen)
    else:
        beta, cov, dfs, _ = moment(data.y, data.v, data.x, pooled.method, pooled.test, None)
        df, scaling = float(dfs[chosen.any(axis=0)].min()), 1.0
    some = chosen @ beta
    wald = float(some @ np.linalg.solve(chosen @ cov @ chosen.T, some))
    return scaling * wald / len(chosen), float(df)


def at_values(pooled: Pooled, newdata: Any, level: float) -> pd.DataFrame:
    """See `Pooled.predict`."""
    import pandas as pd

    share(level)
    data = _moderated(pooled, "predict(newdata)")
    table = table_of(newdata, "newdata")
    if data.moderators is None:
        x, whole = _numbers(pooled, table)
    else:
        x, whole = data.moderators.design(table)
    names = ("estimate", "std_error", "df", "conf_low", "conf_high", "pred_low", "pred_high")
    out = pd.DataFrame(np.nan, index=table.index, columns=list(names))
    rows = [_at(pooled, data, row, level) for row in x]
    if rows:
        out.iloc[np.flatnonzero(whole)] = np.array(rows)
    return out


def at_estimates(pooled: Pooled) -> Array:
    """What the model expects of each estimate pooled (k, 3): effect, conf_low, conf_high."""
    data = _moderated(pooled, "fitted values")
    found = np.array([_at(pooled, data, row, pooled.level) for row in data.x])
    return np.asarray(found[:, [0, 3, 4]])


def _numbers(pooled: Pooled, table: pd.DataFrame) -> tuple[Array, NDArray[np.bool_]]:
    """Design of moderators that were given as columns of numbers."""
    from retrostats.common.arrays import table_column

    missing = [name for name in pooled.terms[1:] if name not in table.columns]
    if missing:
        raise InputError(f"newdata: no column {missing[0]!r}, which the pool uses")
    columns = [table_column(table, name, "newdata") for name in pooled.terms[1:]]
    x = np.column_stack([np.ones(len(table)), *columns])
    whole = np.asarray(np.isfinite(x).all(axis=1))
    return x[whole], whole


def _at(pooled: Pooled, data: PoolData, row: Array, level: float) -> tuple[float, ...]:
    """Effect at one row of a design (p,), with its interval and that of a new study."""
    if pooled.fit is not None and data.cluster is None:
        estimate = float(row @ pooled.fit.beta)
        error = float(np.sqrt(row @ np.asarray(pooled.fit.cov_beta) @ row))
        df = pooled.fit.df_of(row[None])[0]
        if pooled.test == "t" and not len(pooled.fit.theta):
            df = float(min(pooled.dfs))
    else:
        estimate, error, df = _turned(pooled, data, row)
    half = t_quantile((1 - level) / 2, df)
    reach = half * float(np.sqrt(pooled.tau2 + error**2))
    limits = (estimate - half * error, estimate + half * error)
    return estimate, error, df, *limits, estimate - reach, estimate + reach


def _turned(pooled: Pooled, data: PoolData, row: Array) -> tuple[float, float, float]:
    """The effect as first coefficient of the same model in other coordinates.

    With T invertible and its first row `row`, X b = (X T^-1) (T b): its errors and degrees of
    freedom are then those of a coefficient, whatever the test.
    """
    p = len(row)
    at = int(np.abs(row).argmax())
    turn = np.vstack([row, np.delete(np.eye(p), at, axis=0)])
    x = data.x @ np.linalg.inv(turn)
    if pooled.fit is not None:
        cov, dfs = pooled.fit.clustered(data.cluster, x)
        estimate = float(row @ pooled.fit.beta)
    else:
        beta, cov, dfs, _ = moment(data.y, data.v, x, pooled.method, pooled.test, data.cluster)
        estimate = float(beta[0])
    return estimate, float(np.sqrt(cov[0, 0])), float(dfs[0])
