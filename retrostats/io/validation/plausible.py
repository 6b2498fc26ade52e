"""Values that a person can have and that still look wrong: warned of, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.io.tables.distinct import Mask, coded_rows
from retrostats.io.tables.numbering import blocks
from retrostats.io.tables.passes import ends, in_blocks, median_within
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Where the median of a group of people lies; outside, the unit is probably another one.
USUAL_MEDIAN = {
    "vo2_ml_kg_min": (8.0, 85.0),
    "energy_cost_j_kg_m": (1.8, 12.0),
    "oxygen_cost_ml_kg_m": (0.08, 0.6),
    "metabolic_rate_w_kg": (2.0, 30.0),
    "speed_m_s": (0.3, 7.0),
    "body_fat_pct": (5.0, 55.0),
    "mass_kg": (35.0, 130.0),
    "exposure_h": (0.5, 1e6),
}
#: Oxygen a metre, ml/kg: of walking or running on any slope, in either direction.
PER_METRE = (0.06, 1.2)
#: Distance from the median, in median absolute deviations scaled to an SD.
FAR = 8.0
#: Rows that say where the middle of a group should lie, how many each needs, and the guess.
SAMPLED, ENOUGH = 40_000, 2_000
MIDDLE = (0.48, 0.52)
AGREE = 0.15
LISTED = 20


def doubtful_values(
    frame: pd.DataFrame, outcome: str, file: str, counts: Sequence[str] = ()
) -> list[Problem]:
    """Medians beyond the usual, values far from the others, quantities that contradict.

    `counts` are columns that hold numbers of events, for which far from the others is usual; each
    but the last counts some of what the one after it counts.
    """
    found = [
        Problem("warning", file, "", column, f"a median of {median:.3g}", f"{low:g} to {high:g}",
                "kept; check the unit")
        for column, (low, high) in USUAL_MEDIAN.items()
        if column in frame
        and not median_within(in_blocks(frame[column].to_numpy(float)), low, high)
        and not low <= (median := _median(frame[column])) <= high
    ]  # fmt: skip
    if outcome not in counts:
        found += _far(frame, outcome, file)
    return [*found, *_contradictions(frame, file), *_counts(frame, counts, file)]


def _median(values: pd.Series) -> float:
    median = float(values.median())
    return 1.0 if np.isnan(median) else median


def _far(frame: pd.DataFrame, outcome: str, file: str) -> list[Problem]:
    """Values far from the rest of their direction (or of all)."""
    if not outcome:
        return []
    values = frame[outcome].to_numpy(float)
    found: list[tuple[int, float]] = []
    groups, span = _directions(frame), ends(values)
    for code in _held(groups):
        if _nothing_far(values, groups, code, span):
            continue
        rows = np.flatnonzero(groups == code)
        centre, far = _far_from_median(values[rows])
        found += [(int(i), centre) for i in rows[far][:LISTED]]
    return [
        Problem("warning", file, str(frame["source_row"].iat[i]), outcome, f"{values[i]:g}",
                f"near {centre:.3g} as the others",
                "kept; a code for a missing value belongs under [file] missing in a spec")
        for i, centre in sorted(found)[:LISTED]
    ]  # fmt: skip


def _directions(frame: pd.DataFrame) -> NDArray[np.integer[Any]]:
    """Number of its direction for every row, 0 where it has none."""
    if "direction" not in frame:
        return np.zeros(len(frame), dtype=np.int8)
    codes: NDArray[np.integer[Any]] = coded_rows(frame["direction"])[0] + 1
    return codes


def _held(groups: NDArray[np.integer[Any]]) -> list[int]:
    """Numbers that rows have, in order."""
    parts = [groups[block] for block in blocks(len(groups))]
    most = max((int(part.max()) for part in parts), default=-1)
    return [code for code in range(most + 1) if any((part == code).any() for part in parts)]


def _nothing_far(
    values: NDArray[np.float64], groups: NDArray[Any], group: int, span: tuple[float, float]
) -> bool:
    """Whether counting proves that no value of a group is far from its median.

    Rows at equal steps say where the median and the spread should lie. The median lies from `low`
    to `high` where less than half of the values lie below and above; half of them are at least
    `apart` away from it where less than half lie nearer than that to all of this range; and no
    value is far where none is further from its ends than `FAR` such spreads; mostly no value of
    all groups is, whose smallest and largest are the `span`.
    """
    step = max(len(values) // SAMPLED, 1) | 1  # odd, as designs mostly are not
    some = values[::step][groups[::step] == group]
    some = some[~np.isnan(some)]
    if len(some) < ENOUGH:
        return False
    low, high = (float(q) for q in np.quantile(some, MIDDLE))
    away = np.abs(some - np.median(some))
    apart = float(np.quantile(away, MIDDLE[0])) - (high - low)
    numbers = near = below = above = 0
    for block in blocks(len(values)):
        part, mine = values[block], groups[block] == group
        numbers += int(np.count_nonzero(mine & ~np.isnan(part)))
        below += int(np.count_nonzero(mine & (part < low)))
        above += int(np.count_nonzero(mine & (part > high)))
        near += int(np.count_nonzero(mine & (part > low - apart) & (part < high + apart)))
    if apart <= 0 or 2 * max(below, above, near) >= numbers:
        return False
    least, most = span
    if max(most - low, high - least) > FAR * 1.4826 * apart:
        least, most = ends(values[groups == group])
    return max(most - low, high - least) <= FAR * 1.4826 * apart


def _far_from_median(values: NDArray[np.float64]) -> tuple[float, Mask]:
    """The median of some values (n,), and which of them are far from it.

    Nothing is far where half the values are at least the largest distance over `FAR` away: the
    spread is then counted, not sorted for.
    """
    there = values[~np.isnan(values)]
    if not len(there):
        return np.nan, np.zeros(len(values), dtype=bool)
    centre = float(np.median(there))
    away = np.abs(values - centre)
    enough = np.fmax.reduce(away) / (FAR * 1.4826)
    if 2 * np.count_nonzero(away < enough) < len(there):
        return centre, np.zeros(len(values), dtype=bool)
    spread = 1.4826 * float(np.median(away[~np.isnan(away)]))
    return centre, (away > FAR * spread) & (spread > 0)


def _contradictions(frame: pd.DataFrame, file: str) -> list[Problem]:
    have, found = set(frame), []
    if {"vo2_ml_min", "vo2_ml_kg_min", "mass_kg"} <= have:
        ratio = _median(frame["vo2_ml_kg_min"] * frame["mass_kg"] / frame["vo2_ml_min"])
        if abs(ratio - 1) > AGREE:
            found.append(
                Problem("error", file, "", "vo2_ml_kg_min",
                        f"{ratio:.2f} times VO2 over body mass", f"within {AGREE:.0%}",
                        "check the units of VO2 and of body mass")
            )  # fmt: skip
    for vo2, vco2 in (("vo2_ml_min", "vco2_ml_min"), ("vo2_ml_kg_min", "vco2_ml_kg_min")):
        if {vo2, vco2, "rer"} <= have:
            off = frame[vco2] / frame[vo2] / frame["rer"]
            if abs(_median(off) - 1) > AGREE:
                found.append(
                    Problem("error", file, "", "rer", f"VCO2 over VO2 is {_median(off):.2f} times "
                            "the exchange ratio", f"within {AGREE:.0%}",
                            "check the units of VO2 and VCO2, and which columns they are")
                )  # fmt: skip
                continue
            made = frame[vco2] / frame[vo2]
            for i in np.flatnonzero((off - 1).abs() > AGREE)[:LISTED]:
                found.append(
                    Problem("warning", file, str(frame["source_row"].iat[i]), "rer",
                            f"{frame['rer'].iat[i]:.3g}, VCO2 over VO2 is "
                            f"{made.iat[i]:.3g}", f"within {AGREE:.0%}",
                            "kept; one of the three is mistyped")
                )  # fmt: skip
    if {"vo2_ml_kg_min", "speed_m_s"} <= have:
        uptake, speed = (frame[name].to_numpy(float) for name in ("vo2_ml_kg_min", "speed_m_s"))
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = (uptake[block] / (60 * speed[block]) for block in blocks(len(frame)))
            sure = median_within(parts, *PER_METRE)
        ratios = frame["vo2_ml_kg_min"] / (60 * frame["speed_m_s"]) if not sure else None
        per_metre = PER_METRE[0] if ratios is None else _median(ratios)
        if not PER_METRE[0] <= per_metre <= PER_METRE[1]:
            found.append(
                Problem("warning", file, "", "speed_m_s", f"{per_metre:.3g} ml/kg of O2 a metre",
                        f"{PER_METRE[0]:g} to {PER_METRE[1]:g}", "kept; check the unit of speed")
            )  # fmt: skip
    return found


def _counts(frame: pd.DataFrame, counts: Sequence[str], file: str) -> list[Problem]:
    """Numbers of events that are none, or fewer than those of one kind among them."""
    found = []
    there = [name for name in counts if name in frame]
    for name in there:
        broken = ((frame[name] % 1 != 0) | (frame[name] < 0)) & frame[name].notna()
        for i in np.flatnonzero(broken)[:LISTED]:
            found.append(
                Problem("error", file, str(frame["source_row"].iat[i]), name,
                        f"{frame[name].iat[i]:g}", "a count", "write whole numbers from 0")
            )  # fmt: skip
    for some, all_of in pairwise(there):
        for i in np.flatnonzero(frame[some] > frame[all_of])[:LISTED]:
            found.append(
                Problem("error", file, str(frame["source_row"].iat[i]), all_of,
                        f"{frame[all_of].iat[i]:g}", f"at least the {frame[some].iat[i]:g} of "
                        f"{some}", "correct one of them")
            )  # fmt: skip
    return found
