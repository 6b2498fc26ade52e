"""An effect that was printed with its interval, error or p-value, on the scale of its measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.errors import InputError
from retrostats.models.meta.effect_columns import Mask, numbers, row_names
from retrostats.models.meta.heterogeneity import Array

if TYPE_CHECKING:
    import pandas as pd

ESTIMATE = "estimate"
#: Share of an interval's half width by which its middle may miss the estimate.
_OFF_MIDDLE = 0.25


def has_reported(frame: pd.DataFrame) -> bool:
    """Whether a table has columns of reported effects."""
    columns = set(frame.columns)
    return {"low", "high"} <= columns or (ESTIMATE in columns and bool(columns & {"se", "p"}))


def reported(frame: pd.DataFrame, *, scale: str) -> tuple[Array, Array]:
    """Effects (k,) and variances on the model's scale; NaN in rows that report none.

    An interval is read by the normal distribution, or by t where the column df has a number: its
    width over twice the quantile is the standard error (metafor's `conv.wald`).

    Parameters
    ----------
    scale
        "plain"; "log" where ratios are printed; "percent" where changes of a ratio in percent are;
        "fisher" where correlations are.

    Raises
    ------
    InputError
        A level that is missing or no percentage, limits in the wrong order, an estimate outside
        its interval or far from its middle, a ratio that is not above 0.
    """
    k = len(frame)
    empty = np.full(k, np.nan)
    cell = {
        name: numbers(frame, name) if name in frame.columns else empty
        for name in (ESTIMATE, "low", "high", "level", "se", "df")
    }
    interval = ~np.isnan(cell["low"]) & ~np.isnan(cell["high"])
    _check_printed(frame, cell, interval, scale)
    low, high = (_model_scale(cell[name], scale) for name in ("low", "high"))
    y = _model_scale(cell[ESTIMATE], scale)
    y = np.where(interval & np.isnan(y), (low + high) / 2, y)
    _check_middle(frame, y, low, high, interval)
    with np.errstate(invalid="ignore", divide="ignore"):
        half = _quantile((1 - cell["level"] / 100) / 2, cell["df"])
        error = np.where(interval, (high - low) / (2 * half), cell["se"])
    error = np.where(np.isnan(error), _from_p(frame, y, cell["df"], np.isnan(error)), error)
    return np.where(np.isnan(error), np.nan, y), error**2


def _model_scale(values: Array, scale: str) -> Array:
    if scale == "plain":
        return values
    with np.errstate(invalid="ignore", divide="ignore"):
        if scale == "fisher":
            return np.asarray(np.arctanh(values))
        return np.asarray(np.log1p(values / 100) if scale == "percent" else np.log(values))


def _quantile(tail: Array, df: Array) -> Array:
    from scipy.special import ndtri, stdtrit

    normal = np.isnan(df)
    by_t = stdtrit(np.where(normal, 1.0, df), tail)
    return np.asarray(-np.where(normal, ndtri(tail), by_t))


def _refuse(frame: pd.DataFrame, bad: Mask, text: str) -> None:
    if bad.any():
        raise InputError(f"escalc: {row_names(frame)[int(np.flatnonzero(bad)[0])]}: {text}")


def _check_printed(frame: pd.DataFrame, cell: dict[str, Array], interval: Mask, scale: str) -> None:
    level = cell["level"]
    _refuse(frame, interval & np.isnan(level),
            "low and high without a level; fill in column level, in percent (95)")  # fmt: skip
    _refuse(frame, interval & ~((level > 1) & (level < 100)),
            "column level: allowed is a percentage between 1 and 100, as 95")  # fmt: skip
    _refuse(frame, interval & (cell["low"] >= cell["high"]), "low is not below high")
    _check_scale(frame, cell, interval, scale)
    _refuse(frame, cell["se"] <= 0, "column 'se': allowed is a number above 0")
    one = np.isnan(cell["low"]) != np.isnan(cell["high"])
    _refuse(frame, one, "one of low and high is empty; fill in both")


def _check_scale(frame: pd.DataFrame, cell: dict[str, Array], interval: Mask, scale: str) -> None:
    """Numbers that their scale allows."""
    if scale == "plain":
        return
    least = {"percent": -100.0, "log": 0.0, "fisher": -1.0}[scale]
    for name in (ESTIMATE, "low", "high"):
        if scale == "fisher":
            _refuse(frame, np.abs(cell[name]) >= 1,
                    f"column {name!r}: a correlation is between -1 and 1; give it as printed, "
                    "not as Fisher's z")  # fmt: skip
        _refuse(frame, cell[name] <= least,
                f"column {name!r}: a ratio must be above {least:g}; give it on the printed "
                "scale, not as a logarithm")  # fmt: skip
    unclear = ~np.isnan(cell["se"]) & ~interval
    _refuse(frame, unclear, "the scale of this SE is not said; give low, high and their level")


def _check_middle(frame: pd.DataFrame, y: Array, low: Array, high: Array, interval: Mask) -> None:
    with np.errstate(invalid="ignore"):
        _refuse(frame, interval & ((y < low) | (y > high)), "estimate is outside low and high")
        off = np.abs(y - (low + high) / 2) > _OFF_MIDDLE * (high - low) / 2
    _refuse(frame, interval & off,
            "estimate is far from the middle of low and high on the scale of this measure, so "
            "that their width is not its error; check the three numbers and the measure, or leave "
            "estimate empty to take the middle")  # fmt: skip


def _from_p(frame: pd.DataFrame, y: Array, df: Array, open_: Mask) -> Array:
    """Standard errors from two-sided p-values in open rows; NaN where there is none."""
    if "p" not in frame.columns:
        return np.full(len(frame), np.nan)
    frame = frame.assign(p=frame["p"].where(open_ & ~np.isnan(y)))
    for name, value in zip(row_names(frame), frame["p"], strict=True):
        if isinstance(value, str) and value.strip() and not _plain(value):
            raise InputError(
                f"escalc: {name}, column 'p': found {value!r}, which bounds the error and does not "
                "give it; rs.pool_printed takes such rows"
            )
    p = numbers(frame, "p")
    _refuse(frame, (p <= 0) | (p >= 1), "column 'p': allowed is a number between 0 and 1")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.abs(y) / _quantile(p / 2, df)


def _plain(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
