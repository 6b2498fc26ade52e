"""A folder of cart exports and a small table of who, which way and how fast: a cohort."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.io.carts import read_cart
from retrostats.io.carts.names import fold
from retrostats.io.carts.steady import (
    MAX_CHANGE_PCT,
    MEANS,
    SteadyState,
    steady_state,
    window_mean,
)
from retrostats.io.cohort.layout import Table
from retrostats.io.tables.files import read_bytes
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Headers of the column that names the export of a row.
FILE = ("file", "filename", "file name", "export", "datei", "dateiname", "fichier",
        "nom du fichier", "nome file", "archivo", "fichero")  # fmt: skip


def file_column(table: Table) -> str | None:
    """The column that names files, if the table is a plan."""
    return next((header for header in table.headers if fold(header) in FILE), None)


def with_carts(
    frame: pd.DataFrame, column: str, folder: Path, problems: list[Problem]
) -> tuple[pd.DataFrame, str]:
    """The plan's rows with the steady state of each export, and a digest of the exports.

    A window of the plan (start and end) is averaged from its one to its other end; a start or an
    end alone, or a speed, selects the part in which a steady window is looked for. What the plan
    itself says (body mass, speed) is kept; what it lacks is taken from the export.

    Raises
    ------
    InputError
        An export that is not in the folder.
    """
    found: dict[str, list[float]] = {name: [] for name in (*MEANS, "rer", "mass_kg")}
    digest = hashlib.sha256()
    for at in range(len(frame)):
        row = frame.iloc[at]
        name = str(row[column]).strip()
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise InputError(
                f"{row['source_file']}, row {row['source_row']}: no export {name!r} in the folder; "
                "write the file's name as it stands there"
            )
        digest.update(hashlib.sha256(read_bytes(path)).digest())
        cart = read_cart(path)
        problems += [
            Problem(**{**p, "level": "warning" if p["level"] == "error" else p["level"]})
            for p in cart.attrs["problems"]
        ]
        steady = _steady(cart, row, name, problems)
        for mean in MEANS:
            found[mean].append(steady.means[mean] if steady else np.nan)
        found["rer"].append(steady.rer if steady else np.nan)
        found["mass_kg"].append(cart.attrs["mass_kg"] or np.nan)
    for name, values in found.items():
        measured = np.array(values)
        if np.isnan(measured).all():
            continue
        if name in frame:
            measured = np.where(frame[name].isna(), measured, frame[name])
        frame = frame.assign(**{name: measured})
    if "speed_m_s" in frame and not (frame["speed_m_s"] > 0).any():
        frame = frame.drop(columns="speed_m_s")
    return frame, digest.hexdigest()


def _steady(cart: pd.DataFrame, row: Any, name: str, problems: list[Problem]) -> SteadyState | None:
    start, end = (_number(row.get(f"window_{name}_s")) for name in ("start", "end"))
    named = start is not None and end is not None
    try:
        steady = (
            window_mean(cart, start, end)
            if start is not None and end is not None
            else steady_state(cart, start_s=start, end_s=end, speed_m_s=row.get("speed_m_s"))
        )
    except InputError as error:
        problems.append(
            Problem("error", name, "", "vo2_ml_min", str(error), "a steady window",
                    "give start and end columns in the plan")
        )  # fmt: skip
        return None
    shaky = named and not abs(steady.change_pct) <= MAX_CHANGE_PCT
    problems.append(
        Problem("warning" if shaky else "guess", name, "", "vo2_ml_min", steady.rule,
                "a steady window", "mean of the plan's window used" if named else "mean used")
    )  # fmt: skip
    return steady


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
