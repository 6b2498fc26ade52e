"""What may enter a pool: arrays, estimates or a table, and what must not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from retrostats.common.arrays import label_array, real_array, table_column
from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.io.published.agreement import refuse_table
from retrostats.models.meta.heterogeneity import Array

if TYPE_CHECKING:
    import pandas as pd

#: Names of an effect and of its error in a table; squared where the error is a variance.
PAIRS = (("estimate", "std_error"), ("yi", "vi"))
INDEPENDENT = "independent"
_ERROR = "standard error"
#: Fourth powers of larger numbers overflow.
_LARGEST = 1e75


@dataclass(frozen=True, slots=True)
class Entered:
    """Effects (k,), their variances (k,), labels, and what they were read from.

    `matrix` is the covariance (k, k) of the errors where one was given; `frame` the table, with
    `outcome` the name of its effect; `df` belongs to a single estimate.
    """

    y: Array
    v: Array
    labels: tuple[str, ...]
    matrix: Array | None = None
    frame: pd.DataFrame | None = None
    outcome: str = "estimate"
    df: float = float("inf")

    @property
    def left(self) -> str:
        """The left side of a formula: a column in backticks where it is no identifier."""
        from retrostats.models.linear.formula.quoted import quoted

        column = self.frame is not None and self.outcome in self.frame.columns
        return quoted(self.outcome) if column else self.outcome


def outcome_of(formula: str | None) -> str | None:
    """The left side of a formula, a column or an expression; None where it has none."""
    if formula is None:
        return None
    from retrostats.models.linear.formula.formula import parse_formula

    left, tilde, _ = formula.partition("~")
    if not tilde or not left.strip():
        return None
    return parse_formula(formula).outcome_name


def entered(
    data: Any, std_errors: Any, variance: Any, *, outcome: str | None, dependent: bool
) -> Entered:
    """Read effects and their errors; refuse what must not be pooled.

    Parameters
    ----------
    outcome
        Expression of the effect in a table, from a formula's left side.
    dependent
        Whether the call says that estimates may depend on one another.
    """
    if std_errors is not None and variance is not None:
        raise InputError("pool: give std_errors or variance, not both")
    if hasattr(data, "columns"):
        return _from_frame(data, std_errors, variance, outcome)
    if outcome is not None:
        raise InputError("pool: a formula needs a DataFrame, whose columns it names")
    values, df = data, float("inf")
    if std_errors is None and variance is None:
        if not isinstance(data, Iterable):
            raise InputError(
                f"pool: found {type(data).__name__}; effects with std_errors, estimates or a "
                "table are needed"
            )
        values, std_errors, df = _from_estimates(list(data), dependent=dependent)
    y = _vector(values, "effects")
    matrix, v = _errors(std_errors, variance, y.size)
    _check(y, v)
    return Entered(y, v, tuple(map(str, range(len(y)))), matrix, df=df)


def _from_estimates(
    estimates: list[Any], *, dependent: bool
) -> tuple[list[float], list[float], float]:
    if any(not hasattr(e, "std_error") for e in estimates):
        raise InputError("pool: give std_errors beside plain numbers")
    scales = sorted({e.scale for e in estimates})
    if len(scales) > 1:
        raise InputError(
            f"pool: estimates on different scales ({', '.join(scales)}); pool one scale at a time"
        )
    counts = Counter(row for e in estimates for row in set(e.source))
    twice = sorted(row for row, count in counts.items() if count > 1)
    if twice and not dependent:
        raise InputError(
            f"pool: {_listed(twice)} entered more than one estimate; the same printed row counts "
            "once. Leave one out, or say how they depend (cluster=, random= or variance=)."
        )
    df = float(estimates[0].df) if len(estimates) == 1 else float("inf")
    return [e.value for e in estimates], [e.std_error for e in estimates], df


def _from_frame(
    frame: pd.DataFrame, std_errors: Any, variance: Any, outcome: str | None
) -> Entered:
    if not len(frame):
        raise InputError("pool: no estimate; give at least one")
    frame = frame.reset_index(drop=True)
    _refuse_unpoolable(frame)
    value, error = _columns(frame, outcome, given=std_errors is not None or variance is not None)
    if std_errors is None and variance is None:
        std_errors, variance = (error, None) if error == "std_error" else (None, error)
    y = _column(frame, value) if value in frame.columns else _expression(frame, value)
    if isinstance(std_errors, str):
        std_errors = _column(frame, std_errors)
    if isinstance(variance, str):
        variance = _column(frame, variance)
    matrix, v = _errors(std_errors, variance, len(y))
    _check(y, v)
    if value in frame.columns:
        shown = frame.drop(columns="p_value", errors="ignore") if matrix is not None else frame
        refuse_table(shown.assign(**{_ERROR: np.sqrt(v)}), "pool", value, _ERROR)
    return Entered(y, v, _labels(frame), matrix, frame, value)


def _columns(frame: pd.DataFrame, outcome: str | None, *, given: bool) -> tuple[str, str]:
    """Names of the effect and of its error."""
    errors = [error for _, error in PAIRS if error in frame.columns]
    pairs = [p for p in PAIRS if p[0] in frame.columns and (given or p[1] in frame.columns)]
    found = ", ".join(map(str, frame.columns[:30]))
    if outcome is None:
        if len(pairs) != 1:
            raise InputError(
                f"pool: the table needs the columns estimate and std_error, or yi and vi (a "
                f"variance), and not both pairs; found: {found}. Name the effect in formula= and "
                "its error in std_errors= or variance=."
            )
        return pairs[0]
    if given:
        return outcome, ""
    mine = [error for value, error in PAIRS if value == outcome and error in errors] or errors
    if len(mine) != 1:
        raise InputError(
            f"pool: which column is the error of {outcome!r}? Name it in std_errors= (standard "
            f"error) or variance=; found: {found}"
        )
    return outcome, mine[0]


def _refuse_unpoolable(frame: pd.DataFrame) -> None:
    """Copies, compilations and retellings, and rows without their error, never enter a pool."""
    bad = np.zeros(len(frame), dtype=bool)
    if "independence" in frame.columns:
        bad |= (frame["independence"].fillna("") != INDEPENDENT).to_numpy(dtype=bool)
    if "poolable" in frame.columns:
        bad |= ~frame["poolable"].fillna(False).astype(bool).to_numpy()
    if bad.any():
        why = (
            f" (independence {frame['independence'][bad].iloc[0]!r})"
            if "independence" in frame.columns
            else ""
        )
        names = [label for label, refused in zip(_labels(frame), bad, strict=True) if refused]
        raise InputError(
            f"pool: {_listed(names)} must not be pooled{why}; only rows that are independent and "
            "poolable may. Filter them out: rows[rows.poolable]."
        )
    if "row_id" in frame.columns and frame["row_id"].duplicated().any():
        names = sorted(set(map(str, frame["row_id"][frame["row_id"].duplicated()])))
        raise InputError(f"pool: {_listed(names)} entered more than once; keep each row once")


def _labels(frame: pd.DataFrame) -> tuple[str, ...]:
    for name in ("row_id", "estimate_id", "label", "study_id", "study"):
        if name in frame.columns:
            return tuple(map(str, frame[name]))
    return tuple(map(str, range(len(frame))))


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"row {shown}" + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _column(frame: pd.DataFrame, name: str) -> Array:
    if name not in frame.columns:
        found = ", ".join(map(str, frame.columns[:30]))
        near = suggestion(name, map(str, frame.columns))
        raise InputError(f"pool: no column {name!r}{near}; the table has: {found}")
    return table_column(frame, name, "pool")


def _expression(frame: pd.DataFrame, text: str) -> Array:
    from retrostats.models.linear.formula.expressions import columns_of, evaluate

    return evaluate(text, {name: _column(frame, name) for name in columns_of(text)})


def _vector(values: Any, name: str) -> Array:
    return np.atleast_1d(real_array(values, f"pool, {name}"))


def _errors(std_errors: Any, variance: Any, k: int) -> tuple[Array | None, Array]:
    """Covariance matrix, if any, and variances."""
    if variance is None:
        se = _vector(std_errors, "std_errors")
        if se.size != k or se.ndim != 1:
            raise InputError(f"pool: {k} estimates but {se.size} standard errors; give one each")
        return None, np.where(se > 0, np.minimum(se, _LARGEST * 10) ** 2, -1.0)
    v = real_array(variance, "pool, variance")
    if v.shape == (k,):
        return None, v
    if v.shape != (k, k):
        raise InputError(
            f"pool: variance has shape {v.shape} for {k} estimates; give a column, {k} variances "
            f"or their covariance matrix ({k}, {k})"
        )
    return v, np.diag(v).copy()


def _check(y: Array, v: Array) -> None:
    if (np.abs(y) > _LARGEST).any() or (v > _LARGEST**2).any():
        raise InputError(
            f"pool: an estimate or a standard error is above {_LARGEST:g}, too large for a "
            "computation; check its unit"
        )
    if y.size == 0:
        raise InputError("pool: no estimate; give at least one")
    if y.ndim != 1:
        raise InputError(f"pool: effects of shape {y.shape}; give one number an estimate")
    bad = np.flatnonzero(~np.isfinite(y) | ~np.isfinite(v) | ~(v > 0))
    if bad.size:
        i = int(bad[0])
        raise InputError(
            f"pool: estimate {i} is {float(y[i])!r} with variance {float(v[i])!r} (-1: a standard "
            "error that is not above 0); both must be finite and the variance above 0. Leave out "
            "what has no standard error."
        )


def arrays(estimates: Any, std_errors: ArrayLike | None = None) -> tuple[Array, Array]:
    """Effects and variances (k,) of arrays, estimates or a table."""
    read = entered(estimates, std_errors, None, outcome=None, dependent=False)
    return read.y, read.v


def labels_of(read: Entered, cluster: Any) -> Any:
    """The label of each estimate, from a column or as given; None where nothing depends."""
    if isinstance(cluster, str):
        if read.frame is None or cluster not in read.frame.columns:
            raise InputError(f"cluster: no column {cluster!r} in the data")
        cluster = read.frame[cluster].to_numpy()
    if cluster is None:
        return None
    label_array(cluster, "cluster", len(read.y))
    return cluster
