"""Medians with quartiles or range as means and standard deviations: a declared conversion."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.arrays import one_of, table_of
from retrostats.common.errors import InputError
from retrostats.common.sobol import sobol
from retrostats.models.meta.effect_columns import numbers, row_names
from retrostats.models.meta.heterogeneity import Array

if TYPE_CHECKING:
    import pandas as pd

_FIVE = ("min", "q1", "median", "q3", "max")
_ARMS = ("", "_1", "_2")
#: Points of the quasi-random sequence; standard errors are exact to three digits.
_POINTS = 1 << 13
#: Fewest and most people whose quartiles or range the formulas are for.
_FEWEST, _MOST = 5, 10**9


def means_from_medians(table: Any, *, sd: str = "wan") -> pd.DataFrame:
    """Means and standard deviations of groups of which a median with quartiles or range is printed.

    They hold for outcomes that are near normal. `mean_se` is what replaces sd / sqrt(n): a mean
    that was guessed from a median is less certain than one that was printed. `escalc` takes it
    with ``convert_medians=True``.

    Parameters
    ----------
    table
        DataFrame, or what makes one, a row a study, with the columns n, median, and q1 and q3 or
        min and max or all four; of two groups n_1, median_1, q1_1, ... and n_2, median_2, ...
        Rows with a printed mean keep it.
    sd
        Where quartiles and range are both given: "wan" takes the mean of the two standard
        deviations (Wan 2014), "shi" weights them by n (Shi 2020; the default of metafor's
        `conv.fivenum`). The two agree elsewhere.

    Returns
    -------
    DataFrame
        The table with, for each group, mean, sd; mean_se and sd_se, their standard errors with the
        conversion in them, as if people were drawn from a normal distribution; skewed, whether
        the numbers themselves speak against that (Shi 2023, 5%).

    Raises
    ------
    InputError
        A median without quartiles or range or number of people, numbers out of order, fewer than
        five people.

    References
    ----------
    Luo, Wan, Liu and Tong (2018), Statistical Methods in Medical Research 27:1785, equations 7, 11
    and 15, of means; Wan, Wang, Liu and Tong (2014), BMC Medical Research Methodology 14:135,
    equations 9, 13 and 16, of standard deviations; Shi and others (2020), Research Synthesis
    Methods 11:641; Shi and others (2023), Statistics in Medicine 42:1338, of skewness.

    Examples
    --------
    >>> rows = {"study": ["a"], "n": [40], "median": [5.0], "q1": [4.0], "q3": [9.0]}
    >>> means_from_medians(rows)[["mean", "sd", "skewed"]].round(3).values.tolist()
    [[6.065, 3.845, True]]
    """
    one_of(sd, "means_from_medians sd", ("wan", "shi"))
    frame = table_of(table, "means_from_medians")
    made = frame.copy()
    arms = [arm for arm in _ARMS if f"median{arm}" in frame.columns]
    if not arms:
        raise InputError(
            "means_from_medians: no column median, or median_1 and median_2; the table has: "
            f"{', '.join(map(str, frame.columns[:30]))}"
        )
    for arm in arms:
        for name, values in _arm(frame, arm, sd).items():
            made[f"{name}{arm}"] = values
    return made


def has_medians(frame: pd.DataFrame) -> bool:
    """Whether a table has a group with a median."""
    return any(f"median{arm}" in frame.columns for arm in _ARMS)


def _column(frame: pd.DataFrame, name: str) -> Array:
    found = name in frame.columns
    return numbers(frame, name, "means_from_medians") if found else np.full(len(frame), np.nan)


def _arm(frame: pd.DataFrame, arm: str, how: str) -> dict[str, Any]:
    """Columns mean, sd, mean_se, sd_se, skewed of one group."""
    five = {name: _column(frame, f"{name}{arm}") for name in _FIVE}
    n_name = f"n{arm}" if f"n{arm}" in frame.columns else "n"
    n = _column(frame, n_name)
    mean, sd = _column(frame, f"mean{arm}"), _column(frame, f"sd{arm}")
    mean_se, sd_se = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    skewed: list[bool | None] = [None] * len(frame)
    names = row_names(frame)
    stray = np.isnan(five["median"]) & np.isnan(mean)
    stray &= np.any([~np.isnan(column) for column in five.values()], axis=0)
    if stray.any():
        raise InputError(
            f"means_from_medians: {names[int(np.flatnonzero(stray)[0])]}: quartiles or range "
            f"without median{arm}; fill it in, or leave the row's cells empty"
        )
    for i in np.flatnonzero(~np.isnan(five["median"]) & np.isnan(mean)):
        values = {name: float(column[i]) for name, column in five.items()}
        where = f"means_from_medians: {names[i]}"
        kind = _kind(values, float(n[i]), where, arm)
        weights = _weights(kind, float(n[i]))
        numbers_ = np.array([values[name] for name in _FIVE])
        known = np.where(np.isnan(numbers_), 0.0, numbers_)
        mean[i] = known @ weights
        sd[i] = known @ _sd_weights(kind, float(n[i]), how)
        unit_mean, unit_sd = _unit_errors(kind, round(float(n[i])), how)
        mean_se[i], sd_se[i] = unit_mean * sd[i], unit_sd * sd[i]
        skewed[i] = _skewed(kind, values, float(n[i]))
    return {"mean": mean, "sd": sd, "mean_se": mean_se, "sd_se": sd_se, "skewed": skewed}


def _kind(values: dict[str, float], n: float, where: str, arm: str) -> str:
    """Which numbers stand beside the median: "range", "quartiles" or "both"; checked."""
    range_ = not np.isnan(values["min"]) and not np.isnan(values["max"])
    quartiles = not np.isnan(values["q1"]) and not np.isnan(values["q3"])
    if not (range_ or quartiles):
        raise InputError(
            f"{where}: median{arm} stands alone; give q1{arm} and q3{arm}, or min{arm} and max{arm}"
        )
    if not _FEWEST <= n <= _MOST:
        found = "no number of people" if np.isnan(n) else f"{n:g} people"
        raise InputError(
            f"{where}: {found} for median{arm}; the conversion needs n{arm} of {_FEWEST} or more"
        )
    order = [values[name] for name in _FIVE if not np.isnan(values[name])]
    if any(a > b for a, b in pairwise(order)) or order[0] == order[-1]:
        shown = ", ".join(f"{name}{arm} {v:g}" for name, v in values.items() if not np.isnan(v))
        raise InputError(f"{where}: {shown} are not in order of size, or all one; check the cells")
    return "both" if range_ and quartiles else "range" if range_ else "quartiles"


def _weights(kind: str, n: float) -> Array:
    """Weights (5,) of min, q1, median, q3, max in the mean; Luo (2018)."""
    if kind == "range":  # equation 7
        outer, inner = 4 / (4 + n**0.75), 0.0
    elif kind == "quartiles":  # equation 11
        outer, inner = 0.0, 0.7 + 0.39 / n
    else:  # equation 15
        outer, inner = 2.2 / (2.2 + n**0.75), 0.7 - 0.72 / n**0.55
    middle = 1 - outer - inner
    return np.array([outer / 2, inner / 2, middle, inner / 2, outer / 2])


def _sd_weights(kind: str, n: float, how: str) -> Array:
    """Weights (5,) in the standard deviation; Wan (2014), of both Shi (2020) if asked."""
    from scipy.special import ndtri

    of_range = 1 / (2 * ndtri((n - 0.375) / (n + 0.25)))  # equation 9
    of_quartiles = 1 / (2 * ndtri((0.75 * n - 0.125) / (n + 0.25)))  # equation 16
    share = {"range": 1.0, "quartiles": 0.0, "both": 0.5}[kind]  # equation 13
    if kind == "both" and how == "shi":
        share = 1 / (1 + 0.07 * n**0.6)
    outer, inner = share * of_range, (1 - share) * of_quartiles
    return np.array([-outer, -inner, 0.0, inner, outer])


def _skewed(kind: str, values: dict[str, float], n: float) -> bool:
    """Shi (2023): whether the median lies too far from the middle of what stands beside it."""

    def off(low: str, high: str) -> float:
        width = values[high] - values[low]
        gap = abs(values[low] + values[high] - 2 * values["median"])
        return gap / width if width > 0 else np.inf

    if kind == "range":
        return bool(off("min", "max") >= 1 / np.log(n + 9) + 2.5 / (n + 1))
    if kind == "quartiles":
        return bool(off("q1", "q3") >= 2.65 / np.sqrt(n) - 6 / n**2)
    scaled = 2.65 * np.log(0.6 * n) / np.sqrt(n) * off("min", "max")
    return bool(max(scaled, off("q1", "q3")) >= 3 / np.sqrt(n) - 40 / n**3)


@lru_cache(maxsize=256)
def _unit_errors(kind: str, n: int, how: str) -> tuple[float, float]:
    """Standard errors of the converted mean and SD of n draws from a standard normal.

    Order statistics of uniforms are partial sums of gamma spacings over their total; quasi-random
    points with a fixed seed, so that the same n gives the same numbers everywhere.
    """
    from scipy.special import gammaincinv, ndtri

    at = 1 + (n - 1) * np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    below = np.floor(at).astype(int)
    ranks = np.unique(np.r_[below, np.minimum(below + 1, n)])
    spacings = np.diff(np.r_[0, ranks, n + 1])
    points = sobol(len(spacings), _POINTS, np.random.default_rng(1))
    drawn = np.cumsum(gammaincinv(spacings, points), axis=1)
    normal = ndtri(drawn[:, :-1] / drawn[:, -1:])
    places = np.searchsorted(ranks, below)
    upper = np.searchsorted(ranks, np.minimum(below + 1, n))
    part = at - below
    five = (1 - part) * normal[:, places] + part * normal[:, upper]
    mean, sd = five @ _weights(kind, n), five @ _sd_weights(kind, n, how)
    return float(mean.std()), float(sd.std())
