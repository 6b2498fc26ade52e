"""Steady state of a cart frame: one stated rule, every threshold adjustable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.arrays import real_number, single
from retrostats.common.errors import InputError
from retrostats.io.carts.names import fold

if TYPE_CHECKING:
    import pandas as pd

WINDOW_S = 120.0
MAX_CHANGE_PCT = 10.0
MIN_ROWS = 4
#: Largest difference from a wanted speed; belts report their speed with this much noise.
SPEED_WITHIN_M_S = 0.05
#: A longer hole between two rows ends a window: this many seconds, or usual steps.
GAP_S = 20.0
GAP_STEPS = 3.0
#: Words of the phases in which nobody is measured at a load.
NO_LOAD = frozenset({
    "rest", "ruhe", "repos", "riposo", "reposo", "hvile", "vila",
    "warmup", "warm up", "erwarmung", "aufwarmen", "aufwarmphase", "echauffement",
    "riscaldamento", "calentamiento", "oppvarming", "uppvarmning", "opvarmning",
    "recovery", "erholung", "recuperation", "recupero", "recuperacion", "nachbelastung",
    "cooldown", "cool down",
})  # fmt: skip
LOADS = ("speed_m_s", "gradient_pct", "power_w")
MEANS = ("vo2_ml_min", "vco2_ml_min", "ve_l_min", "heart_rate_bpm", "vo2_ml_kg_min", *LOADS)


@dataclass(frozen=True, slots=True)
class SteadyState:
    """Means of a steady window, weighted by the time that each row stands for.

    `change_pct` is how much the straight line through VO2 rises or falls over the window, in
    percent of its mean; `rer` is the ratio of the mean gases.
    """

    start_s: float
    end_s: float
    n_rows: int
    change_pct: float
    means: dict[str, float]

    @property
    def rer(self) -> float:
        """Mean VCO2 over mean VO2, NaN without both."""
        return self.means["vco2_ml_min"] / self.means["vo2_ml_min"]

    @property
    def rule(self) -> str:
        """The window in words."""
        return (
            f"{self.start_s:.0f} to {self.end_s:.0f} s, {self.n_rows} rows, VO2 changing by "
            f"{self.change_pct:.1f}%"
        )


def steady_state(
    cart: pd.DataFrame,
    *,
    window_s: float = WINDOW_S,
    max_change_pct: float = MAX_CHANGE_PCT,
    start_s: float | None = None,
    end_s: float | None = None,
    speed_m_s: float | None = None,
) -> SteadyState:
    """Means of the steady window of highest oxygen uptake.

    A window of `window_s` seconds is steady if speed, grade and power stay the same in it and the
    straight line fitted to VO2 rises or falls by at most `max_change_pct` percent of the mean, and
    no hole of more than 20 s (or three usual steps) is in it.
    Of all steady windows the one of highest mean VO2 is taken: with one load a file that is the
    exercise, not the rest before or the recovery after it. No window spans two phases of a test,
    and none lies in a phase that the export calls rest, warm-up or recovery if it has another.

    Parameters
    ----------
    cart
        Frame of `read_cart`.
    window_s, max_change_pct
        Length of the window and largest change of VO2 within it.
    start_s, end_s
        Part of the test to look at; all of it if None.
    speed_m_s
        Only rows at this speed, within 0.05 m/s, where the cart recorded speed.

    Raises
    ------
    InputError
        No oxygen uptake, too short a recording, or no steady window; says the smallest change.

    Examples
    --------
    >>> import pandas as pd
    >>> time = pd.Series(range(0, 300, 10), dtype=float)
    >>> cart = pd.DataFrame({"time_s": time, "vo2_ml_min": 1000.0, "vco2_ml_min": 900.0})
    >>> found = steady_state(cart, window_s=60)
    >>> found.means["vo2_ml_min"], round(found.rer, 2)
    (1000.0, 0.9)
    """
    if not isinstance(getattr(cart, "attrs", None), dict) or "time_s" not in cart:
        raise InputError("steady state: a frame of read_cart is needed, with the column time_s")
    window_s = real_number(window_s, "steady state, window_s")
    max_change_pct = real_number(max_change_pct, "steady state, max_change_pct")
    for name, value in (("start_s", start_s), ("end_s", end_s), ("speed_m_s", speed_m_s)):
        if value is not None:
            single(value, f"steady state, {name}")
    if not (window_s > 0 and max_change_pct >= 0):
        raise InputError("steady state: window_s must be above 0, max_change_pct 0 or more")
    oxygen = _oxygen(cart)
    _refuse_doubtful(cart, oxygen)
    rows = _exercise(_chosen(cart, oxygen, start_s, end_s, speed_m_s))
    time, vo2 = rows["time_s"].to_numpy(float), rows[oxygen].to_numpy(float)
    steps = _steps(time)
    same = _load_id(rows)
    gap = max(GAP_S, GAP_STEPS * float(np.median(steps))) if len(steps) else GAP_S
    best: tuple[float, int, int, float] | None = None
    smallest = math.inf
    for last in range(len(time)):
        first = int(np.searchsorted(time, time[last] + 1e-9 - window_s, side="left"))
        covered = time[last] - time[first] + steps[first]
        whole = steps[first + 1 : last + 1].max(initial=0.0) <= gap
        if last - first + 1 < MIN_ROWS or covered < window_s * 0.95 or not whole:
            continue
        if same[first] != same[last]:
            continue
        inside = slice(first, last + 1)
        mean = float(np.average(vo2[inside], weights=steps[inside]))
        change = _change(time[inside], vo2[inside], steps[inside])
        smallest = min(smallest, abs(change))
        if abs(change) <= max_change_pct and (best is None or mean >= best[0]):
            best = (mean, first, last, change)
    if best is None:
        what = (
            f"the smallest change over one is {smallest:.0f}%, allowed is {max_change_pct:g}%"
            if math.isfinite(smallest)
            else f"no {window_s:g} s of one load with at least {MIN_ROWS} rows"
        )
        raise InputError(
            f"no steady window of {window_s:g} s: {what}; give window_s, max_change_pct, or the "
            "start and end of the part to use"
        )
    _, first, last, change = best
    return _means(rows.iloc[first : last + 1], steps[first : last + 1], change)


def window_mean(cart: pd.DataFrame, start_s: float, end_s: float) -> SteadyState:
    """Means of a window that was named, from its start to its end, steady or not.

    `change_pct` says how steady it was.

    Raises
    ------
    InputError
        No oxygen uptake, an end not after its start, or too few rows inside.

    Examples
    --------
    >>> import pandas as pd
    >>> time = pd.Series(range(0, 600, 10), dtype=float)
    >>> cart = pd.DataFrame({"time_s": time, "vo2_ml_min": 1000.0, "vco2_ml_min": 900.0})
    >>> found = window_mean(cart, 360, 540)
    >>> found.start_s, found.end_s, found.n_rows
    (360.0, 540.0, 19)
    """
    if not end_s > start_s:
        raise InputError(
            f"window: from {start_s:g} to {end_s:g} s; the end must be after the start, in seconds"
        )
    oxygen = _oxygen(cart)
    _refuse_doubtful(cart, oxygen)
    rows = _chosen(cart, oxygen, start_s, end_s, None)
    if len(rows) < MIN_ROWS:
        last = cart["time_s"].max()
        raise InputError(
            f"window: {len(rows)} rows from {start_s:g} to {end_s:g} s, {MIN_ROWS} are needed; the "
            f"export ends at {last:g} s"
        )
    time, vo2 = rows["time_s"].to_numpy(float), rows[oxygen].to_numpy(float)
    return _means(rows, _steps(time), _change(time, vo2, _steps(time)))


def _means(part: pd.DataFrame, weights: Any, change: float) -> SteadyState:
    time = part["time_s"].to_numpy(float)
    return SteadyState(
        float(time[0]), float(time[-1]), len(time), change,
        {name: _mean(part, name, weights) for name in MEANS},
    )  # fmt: skip


def _change(time: Any, vo2: Any, steps: Any) -> float:
    """Percent of the mean by which the straight line through VO2 rises over the window."""
    slope = float(np.polyfit(time, vo2, 1)[0])
    return 100 * slope * float(time[-1] - time[0]) / float(np.average(vo2, weights=steps))


def _oxygen(cart: pd.DataFrame) -> str:
    oxygen = "vo2_ml_min" if _has(cart, "vo2_ml_min") else "vo2_ml_kg_min"
    if not _has(cart, oxygen):
        raise InputError("steady state: the cart export has no oxygen uptake")
    return oxygen


def _refuse_doubtful(cart: pd.DataFrame, oxygen: str) -> None:
    """Times that go back (two tests in one file), or an uptake whose unit cannot be right."""
    time = cart["time_s"].to_numpy(float)
    back = np.flatnonzero(np.diff(time) < 0)
    if len(back):
        raise InputError(
            f"steady state: the time goes back from {time[back[0]]:g} to {time[back[0] + 1]:g} s; "
            "put each test into a file of its own"
        )
    for problem in cart.attrs.get("problems", ()):
        if problem["level"] == "error" and problem["column"] in (oxygen, "time_s"):
            raise InputError(
                f"steady state: {problem['file']}, {problem['column']}: found {problem['found']}; "
                f"{problem['action']}"
            )


def _has(cart: pd.DataFrame, name: str) -> bool:
    return name in cart and bool(cart[name].notna().any())


def _chosen(
    cart: pd.DataFrame, oxygen: str, start_s: float | None, end_s: float | None,
    speed_m_s: float | None,
) -> pd.DataFrame:  # fmt: skip
    keep = cart[oxygen].notna() & cart["time_s"].notna()
    if start_s is not None and math.isfinite(start_s):
        keep &= cart["time_s"] >= start_s
    if end_s is not None and math.isfinite(end_s):
        keep &= cart["time_s"] <= end_s
    if speed_m_s is not None and math.isfinite(speed_m_s) and _has(cart, "speed_m_s"):
        keep &= (cart["speed_m_s"] - speed_m_s).abs() <= SPEED_WITHIN_M_S
        if not keep.any():
            seen = ", ".join(f"{v:.2f}" for v in sorted(cart["speed_m_s"].dropna().unique())[:8])
            raise InputError(f"no row at {speed_m_s:.2f} m/s; the cart recorded {seen} m/s")
    return cart[keep].sort_values("time_s", kind="stable")


def _steps(time: Any) -> Any:
    """Seconds that each row stands for: those since the row before."""
    if len(time) < 2:
        return np.ones(len(time))
    steps = np.diff(time, prepend=time[0])
    steps[0] = np.median(steps[1:])
    return np.maximum(steps, 1e-6)


def _exercise(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the load, where the export says which are rest, warm-up or recovery."""
    if "phase" not in rows:
        return rows
    load = ~rows["phase"].astype(str).map(lambda said: fold(said).replace("-", "") in NO_LOAD)
    return rows[load] if load.any() else rows


def _load_id(rows: pd.DataFrame) -> Any:
    """A number that changes whenever a recorded load or the phase of the test does."""
    changed = np.zeros(len(rows), dtype=bool)
    if "phase" in rows:
        changed[1:] |= rows["phase"].to_numpy()[1:] != rows["phase"].to_numpy()[:-1]
    for name, within in zip(LOADS, (SPEED_WITHIN_M_S, 0.25, 5.0), strict=True):
        if _has(rows, name):
            values = rows[name].ffill().bfill().to_numpy(float)
            changed[1:] |= np.abs(np.diff(values)) > within
    return np.cumsum(changed)


def _mean(part: pd.DataFrame, name: str, weights: Any) -> float:
    if not _has(part, name):
        return math.nan
    values = part[name].to_numpy(float)
    there = np.isfinite(values)
    return float(np.average(values[there], weights=weights[there]))
