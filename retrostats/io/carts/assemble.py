"""From the cells of a table to the frame: units converted, impossible values listed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.units import convert
from retrostats.io.carts import person
from retrostats.io.carts.base import COLUMNS, TEXT_COLUMNS, Column, Source, Table
from retrostats.io.tables import cells as cell
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

Array = np.ndarray[Any, np.dtype[np.float64]]

#: Smallest and largest value of one breath or interval.
POSSIBLE: dict[str, tuple[float, float]] = {
    "time_s": (-1e5, 1e6),
    "vo2_ml_min": (1.0, 10_000.0),
    "vco2_ml_min": (1.0, 12_000.0),
    "ve_l_min": (0.1, 400.0),
    "heart_rate_bpm": (20.0, 260.0),
    "rer": (0.05, 5.0),
    "speed_m_s": (0.0, 12.5),
    "gradient_pct": (-60.0, 100.0),
    "power_w": (0.0, 3000.0),
    "vo2_ml_kg_min": (0.01, 150.0),
}
#: Where the median of a whole test lies; outside, the unit written is probably not the unit used.
USUAL_MEDIAN: dict[str, tuple[float, float]] = {
    "vo2_ml_min": (60.0, 8000.0),
    "vco2_ml_min": (40.0, 9000.0),
    "ve_l_min": (2.0, 300.0),
    "heart_rate_bpm": (25.0, 230.0),
    "rer": (0.5, 2.0),
    "speed_m_s": (0.0, 12.5),
    "power_w": (0.0, 2000.0),
    "vo2_ml_kg_min": (1.0, 100.0),
}
#: In these a zero means that nothing was measured.
ZERO_IS_MISSING = (
    "vo2_ml_min",
    "vco2_ml_min",
    "ve_l_min",
    "heart_rate_bpm",
    "rer",
    "vo2_ml_kg_min",
)
#: Largest relative difference between a printed ratio and the ratio of what it is made of.
AGREE = 0.15
DAY_S = 86_400.0
SHOWN_ROWS = 5


def frame_of(source: Source, table: Table, device: str, anonymous: bool) -> pd.DataFrame:
    """The frame of `read_cart`, with its account in `attrs`."""
    import pandas as pd

    rows = [row.number for row in table.rows]
    problems = [Problem(f[0], source.file, *f[1:]) for f in table.findings]
    problems += [
        Problem("warning", source.file, "", "", n, "values", "check") for n in source.notes
    ]
    mass = person.measure(table.person, "mass")
    values = {
        c.target: _numbers(c, table, source.file, rows, problems)
        for c in table.columns
        if c.target in COLUMNS
    }
    if "vo2_ml_min" not in values and "vo2_ml_kg_min" in values and mass:
        values["vo2_ml_min"] = convert(values["vo2_ml_kg_min"], "ml/kg/min", "ml/min", mass_kg=mass)
        problems.append(
            Problem("guess", source.file, "", "vo2_ml_min", "VO2 per kilogram only", "VO2",
                    f"times the body mass in the file, {mass:g} kg")
        )  # fmt: skip
    _elapsed(values["time_s"], source.file, problems)
    _not_recorded(values, source.file, problems)
    for target, column in values.items():
        _impossible(target, column, source.file, rows, problems)
    _ratios(values, mass, source.file, problems)
    frame = pd.DataFrame(
        {name: values.get(name, np.nan) for name in COLUMNS}, index=range(len(rows))
    )
    for text in table.columns:
        if text.target in TEXT_COLUMNS:
            frame[text.target] = [_text(row.at(text.index)) for row in table.rows]
    frame.attrs = {
        "device": device,
        "mass_kg": mass,
        "height_cm": person.measure(table.person, "length"),
        "provenance": _provenance(source, table),
        "problems": [asdict(problem) for problem in problems],
    }
    if not anonymous:
        frame.attrs["person"] = person.private(table.person)
    return frame


def _provenance(source: Source, table: Table) -> dict[str, Any]:
    return {
        "file": source.file,
        "sha256": source.sha256,
        "sheet": table.sheet,
        "header_row": table.header_row,
        "rows_in": table.rows_in,
        "rows_used": len(table.rows),
        "rows_explained": {reason: len(rows) for reason, rows in table.explained.items()},
        "explained_rows": {reason: list(rows) for reason, rows in table.explained.items()},
        "columns": {
            c.target: {"header": c.header, "unit": c.unit, "to": c.to} for c in table.columns
        },
    }


def _numbers(
    column: Column, table: Table, file: str, rows: Sequence[int], problems: list[Problem]
) -> Array:
    cells = [row.at(column.index) for row in table.rows]
    if column.target == "time_s":
        read = [cell.seconds(c, column.unit, table.comma) for c in cells]
    else:
        read = [None if cell.is_missing(c) else cell.number(c, table.comma) for c in cells]
    doubt = cell.decimal_mark(cells).doubt if column.target != "time_s" else ""
    if doubt:
        problems.append(
            Problem("error", file, "", column.target, doubt, "one decimal mark",
                    "thousands or decimals? export without thousands separators")
        )  # fmt: skip
    odd = [i for i, c in enumerate(cells) if read[i] is None and not cell.is_missing(c)]
    if odd:
        found = str(cells[odd[0]])[:40]
        problems.append(_cells(file, column.target, odd, rows, f"{found!r}", "a finite number"))
    values = np.array([np.nan if v is None else v for v in read], dtype=float)
    if column.target in ("time_s", "rer"):
        return values
    if column.unit == "°":
        return np.asarray(100 * np.tan(np.radians(np.clip(values, -80, 80))))
    with np.errstate(divide="ignore", over="ignore"):
        return convert(values, column.unit, column.to)


def _cells(
    file: str, target: str, at: Sequence[int], rows: Sequence[int], found: str, allowed: str
) -> Problem:
    """Cells of one column that became missing, as one problem."""
    shown = ", ".join(str(rows[i]) for i in at[:SHOWN_ROWS])
    more = f" and {len(at) - SHOWN_ROWS} more" if len(at) > SHOWN_ROWS else ""
    action = f"{len(at)} cell(s) set to missing"
    return Problem("repair", file, shown + more, target, found, allowed, action)


def _elapsed(time: Array, file: str, problems: list[Problem]) -> None:
    """Times of day become elapsed times; steps back are flagged."""
    for at in np.flatnonzero(np.diff(time) < -DAY_S / 2):
        time[at + 1 :] += DAY_S
    first = time[0]
    if first > 4 * 3600:
        time -= first
        problems.append(
            Problem("repair", file, "", "time_s", f"a first time of {first:g} s", "elapsed time",
                    "read as the time of day, counted from the first row")
        )  # fmt: skip
    if (np.diff(time) < 0).any():
        problems.append(
            Problem("warning", file, "", "time_s", "a time before the one above it",
                    "increasing times", "kept in the order of the file; check it")
        )  # fmt: skip
    step = float(np.median(np.diff(time))) if len(time) > 1 else 0.0
    if step > 600:
        problems.append(
            Problem("error", file, "", "time_s", f"steps of {step:g} s", "breaths or intervals",
                    "check its unit; mm:ss opened as hh:mm looks like this")
        )  # fmt: skip


def _not_recorded(values: dict[str, Array], file: str, problems: list[Problem]) -> None:
    """A load that is zero throughout was not recorded: missing, never zero."""
    for target in ("speed_m_s", "power_w", "gradient_pct"):
        column = values.get(target)
        if column is None or not len(column) or np.nan_to_num(column).any():
            continue
        if target == "gradient_pct" and np.nan_to_num(values.get("speed_m_s", np.zeros(1))).any():
            continue  # a level treadmill
        if not np.isnan(column).all():
            column[:] = np.nan
            problems.append(
                Problem("repair", file, "", target, "zero in every row", "a load",
                        "taken as not recorded, set to missing")
            )  # fmt: skip


def _impossible(
    target: str, column: Array, file: str, rows: Sequence[int], problems: list[Problem]
) -> None:
    """Zeros that mean missing, and values that no one has, become missing and are listed.

    A column whose median is beyond a person keeps its numbers and is flagged as an error: then
    the unit is wrong, not the cells, and no factor is applied on a guess.
    """
    if target in ZERO_IS_MISSING:
        zero = np.flatnonzero(column == 0)
        column[zero] = np.nan
        if len(zero):
            problems.append(_cells(file, target, zero.tolist(), rows, "0", "a measured value"))
    infinite = np.flatnonzero(np.isinf(column) | (np.abs(column) > 1e9))
    if len(infinite):
        column[infinite] = np.nan
        problems.append(
            _cells(file, target, infinite.tolist(), rows, "an immense number", "a measured value")
        )
    present = column[~np.isnan(column) & (column >= 0)]
    if not len(present):
        return
    median = float(np.median(present))
    low, high = POSSIBLE[target]
    if target in USUAL_MEDIAN and not USUAL_MEDIAN[target][0] <= median <= USUAL_MEDIAN[target][1]:
        least, most = USUAL_MEDIAN[target]
        problems.append(
            Problem("error", file, "", target, f"a median of {median:.6g}",
                    f"{least:g} to {most:g}", "check the unit in the export; nothing was rescaled")
        )  # fmt: skip
        low, high = min(low, 0.0), np.inf
    with np.errstate(invalid="ignore"):
        beyond = np.flatnonzero((column < low) | (column > high))
    if len(beyond):
        found = f"{column[beyond[0]]:.6g}"
        column[beyond] = np.nan
        problems.append(_cells(file, target, beyond.tolist(), rows, found, f"{low:g} to {high:g}"))


def _ratios(
    values: dict[str, Array], mass: float | None, file: str, problems: list[Problem]
) -> None:
    """VO2 against body mass and VO2/kg, RER against VCO2/VO2: disagreement is flagged."""
    vo2, vco2 = values.get("vo2_ml_min"), values.get("vco2_ml_min")
    pairs = []
    if vo2 is not None and mass and "vo2_ml_kg_min" in values:
        pairs.append(("vo2_ml_kg_min", values["vo2_ml_kg_min"], vo2 / mass, "VO2 / body mass"))
    if vo2 is not None and vco2 is not None and "rer" in values:
        pairs.append(("rer", values["rer"], vco2 / vo2, "VCO2 / VO2"))
    for target, printed, made, what in pairs:
        both = printed / made
        both = both[np.isfinite(both)]
        median = float(np.median(both)) if len(both) else 1.0
        if abs(median - 1) > AGREE:
            problems.append(
                Problem("error", file, "", target, f"{median:.3g} times {what}",
                        f"within {AGREE:.0%}", "check the units and the body mass of the export")
            )  # fmt: skip
    if vo2 is not None and mass and not np.isnan(vo2).all():
        per_kg = float(np.nanmedian(vo2)) / mass
        if not 1 <= per_kg <= 100:
            problems.append(
                Problem("error", file, "", "vo2_ml_min", f"{per_kg:.3g} ml/kg/min with {mass:g} kg",
                        "1 to 100 ml/kg/min", "check L/min against mL/min; nothing was rescaled")
            )  # fmt: skip


def _text(value: object) -> str:
    return "" if cell.is_missing(value) else str(value).strip()[:200]
