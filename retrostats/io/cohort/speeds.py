"""Nominal speeds: a belt that was set to 6 km/h reports 5.98 and 6.03, which is one level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.distinct import CodedColumns, rows_of_each, values_of_each
from retrostats.io.validation.problem import Problem

#: Speeds nearer than this are one: 0.25 km/h, half of the usual step of a protocol.
NEAR_M_S = 0.25 / 3.6
#: A level that is wider than this was not set on a belt; people chose their speeds.
WIDE_M_S = 0.5 / 3.6
#: A speed of this share of the people is nominal as it stands.
SHARED = 0.5
NOMINAL = "nominal_speed_m_s"


def with_nominal_speed(
    coded: CodedColumns, wanted: Sequence[float], file: str, problems: list[Problem]
) -> CodedColumns:
    """The columns with a nominal speed a row, where there is a speed; what was found is said.

    Parameters
    ----------
    wanted
        Nominal speeds in m/s of a spec; found by clustering if empty.
    """
    frame = coded.frame
    if "speed_m_s" not in frame or "subject" not in frame:
        return coded
    speed = frame["speed_m_s"].to_numpy(float)
    if np.isnan(speed).all():
        return coded
    if len(wanted):
        levels = np.asarray(wanted, dtype=float)
    else:
        coded.count_together(("subject", "direction", "speed_m_s"))
        apart = np.sort(np.asarray(coded["speed_m_s"][1], dtype=float))
        if np.diff(apart, prepend=-1).min() >= NEAR_M_S or _shared(coded):
            same = frame.assign(**{NOMINAL: frame["speed_m_s"]})
            return coded.with_frame(same, **{NOMINAL: "speed_m_s"})
        levels = clustered(apart)
    levels = np.sort(levels)
    at = np.searchsorted((levels[1:] + levels[:-1]) / 2, speed)
    at = np.where(np.isnan(speed), 0, at)
    nominal = np.where(np.isnan(speed), np.nan, levels[at])
    problems += _said(speed, nominal, levels, bool(len(wanted)), file)
    return coded.with_frame(frame.assign(**{NOMINAL: nominal}))


def _shared(coded: CodedColumns) -> bool:
    """Whether enough people ran at every speed for it to be nominal as it stands."""
    enough = SHARED * len(coded.held("subject"))
    if rows_of_each(coded, "speed_m_s").min() < enough:  # fewer rows than people it would take
        return False
    _, people = values_of_each(coded, "subject", by="speed_m_s")
    return bool((people >= enough).all())


def shared_speeds(coded: CodedColumns, file: str) -> list[Problem]:
    """A warning where the two directions share no speed, or not all of them."""
    frame = coded.frame
    if NOMINAL not in frame or "direction" not in frame:
        return []
    _, both = values_of_each(coded, "direction", by=NOMINAL)
    if (both > 1).all():
        return []
    levels = frame[[NOMINAL, "direction"]].dropna().drop_duplicates()
    ways = levels.groupby(NOMINAL)["direction"].nunique()
    if len(ways) and (ways < 2).all():
        said = "; ".join(
            f"{way} at {', '.join(f'{v * 3.6:.2f}' for v in sorted(part[NOMINAL]))} km/h"
            for way, part in levels.groupby("direction", observed=True)
        )
        return [
            Problem("warning", file, "", "speed_m_s", f"no speed in both directions ({said})",
                    "one speed", "no ratio at one speed: the cost of a metre is shown, it judges "
                    "nothing; measure both directions at one speed")
        ]  # fmt: skip
    if (ways < 2).any():
        alone = ", ".join(f"{v * 3.6:.2f}" for v in ways.index[ways < 2])
        return [
            Problem("warning", file, "", "speed_m_s", f"{alone} km/h in one direction only",
                    "both directions", "rows at these speeds are not compared")
        ]  # fmt: skip
    return []


def clustered(speeds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle of each group of speeds (n,) in m/s that stand nearer than `NEAR_M_S` to the next.

    Examples
    --------
    >>> (clustered(np.array([5.98, 6.03, 8.07, 8.0]) / 3.6) * 3.6).round(2).tolist()
    [6.01, 8.04]
    """
    ordered = np.unique(speeds)
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) >= NEAR_M_S) + 1)
    return np.array([float(np.median(group)) for group in groups])


def _said(speed: Any, nominal: Any, levels: Any, from_spec: bool, file: str) -> list[Problem]:
    found = []
    counts = [(level, speed[nominal == level]) for level in levels]
    shown = ", ".join(
        f"{level * 3.6:.2f} km/h ({len(rows)} rows, {rows.min() * 3.6:.2f} to "
        f"{rows.max() * 3.6:.2f})"
        for level, rows in counts if len(rows)
    )  # fmt: skip
    found.append(
        Problem("repair" if from_spec else "guess", file, "", "speed_m_s",
                f"{len(np.unique(speed[~np.isnan(speed)]))} measured speeds", "nominal speeds",
                f"taken as {shown}; others: write speeds = [\"6 km/h\", ...] in a spec")
    )  # fmt: skip
    for level, rows in counts:
        if len(rows) and rows.max() - rows.min() > WIDE_M_S:
            found.append(
                Problem("warning", file, "", "speed_m_s",
                        f"speeds from {rows.min() * 3.6:.2f} to {rows.max() * 3.6:.2f} km/h around "
                        f"{level * 3.6:.2f}", "one speed on a belt",
                        "taken as chosen by each person; people are compared with themselves")
            )  # fmt: skip
    return found
