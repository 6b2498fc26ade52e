"""A folder of cart exports and a small table of who, which way and how fast: a cohort."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.errors import InputError
from retrostats.read.carts import read_cart
from retrostats.read.carts.names import fold
from retrostats.read.carts.steady import MEANS, SteadyState, steady_state
from retrostats.read.files import read_bytes
from retrostats.read.layout import Table
from retrostats.read.validation.problem import Problem

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

    A speed or a window (start, end) of the plan selects the part of the test. What the plan
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
    window = {"start_s": row.get("window_start_s"), "end_s": row.get("window_end_s")}
    try:
        steady = steady_state(cart, **window, speed_m_s=row.get("speed_m_s"))
    except InputError as error:
        problems.append(
            Problem("error", name, "", "vo2_ml_min", str(error), "a steady window",
                    "give start and end columns in the plan")
        )  # fmt: skip
        return None
    problems.append(
        Problem("guess", name, "", "vo2_ml_min", steady.rule, "a steady window", "mean used")
    )
    return steady
