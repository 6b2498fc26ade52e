"""Exports of metabolic carts: one file a device, one frame for all."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from retrostats.common.arrays import path_of
from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.io.carts.base import Reader, Source


#: Columns of a recording that a message names.
MOST_NAMED = 12


def read_cart(
    path: str | Path, *, device: str | None = None, anonymous: bool = True
) -> pd.DataFrame:
    """Breaths or intervals of one metabolic-cart export.

    The device is recognised by what is in the file (COSMED, CORTEX, Vyntus, ZAN, Parvo Medics, TCX
    and FIT); any other table is read by its header of time and gases and their units.

    Parameters
    ----------
    path
        Delimited text, .xlsx, SpreadsheetML (.xml), the INI text of a ZAN, or a recording with
        gases in TCX or FIT (FIT needs ``retrostats[fit]``).
    device
        Name of the device, where the file does not tell.
    anonymous
        Names, identifiers and birth dates are left out; if False they are in
        ``attrs["person"]``.

    Returns
    -------
    DataFrame
        One row a breath or interval: time_s, vo2_ml_min, vco2_ml_min (STPD), ve_l_min (BTPS where
        the file has it), heart_rate_bpm, rer, speed_m_s, gradient_pct, power_w, vo2_ml_kg_min;
        phase and marker where they are kept. What the export lacks is missing, never zero.
        ``attrs``: device, mass_kg, height_cm, provenance (every row of the file is used or
        explained), problems (repairs, guesses, warnings; an "error" is a unit that cannot be
        right).

    Raises
    ------
    InputError
        No readable file, no table of gases, or a unit that is not known.

    Examples
    --------
    >>> import tempfile
    >>> text = "t;VO2;VCO2;HF\\ns;mL/min;mL/min;1/min\\n0;800;700;90\\n10;1200;1000;100\\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "lab.txt"
    ...     _ = file.write_text(text)
    ...     read_cart(file)[["time_s", "vo2_ml_min", "heart_rate_bpm"]].iloc[-1].tolist()
    [10.0, 1200.0, 100.0]
    """
    from retrostats.io.carts.assemble import frame_of
    from retrostats.io.carts.source import load
    from retrostats.io.carts.table import header_of, read_sheet

    source = load(path_of(path, "cart export"))
    reader = _reader(source, device)
    best = None
    for sheet in reader.sheets(source):
        found = header_of(sheet)
        if found and (best is None or len(found[1]) > len(best[1][1])):
            best = (sheet, found)
    if best is None:
        if source.kind in ("tcx", "fit"):
            held = ", ".join(str(name) for name in source.sheets[0].rows[0].cells[:MOST_NAMED])
            raise InputError(
                f"{source.file}: found a recording of {held}; it holds no gases (VO2, VCO2, VE). "
                "Export the test as CSV from the program of the cart"
            )
        raise InputError(
            f"{source.file}: no header with a time and VO2, VCO2 or VE; name them in the export's "
            "header row, as t, VO2, VCO2, VE with units"
        )
    sheet, (position, named) = best
    table = read_sheet(source.file, sheet, position, named)
    return frame_of(source, table, reader.device, anonymous)


def devices() -> dict[str, str]:
    """Device of each reader and what it is recognised by.

    Examples
    --------
    >>> sorted(devices())
    ['CORTEX', 'COSMED', 'Parvo Medics', 'TCX or FIT', 'Vyntus', 'ZAN', 'unknown']
    """
    return {reader.device: reader.looks_for for reader in _readers()}


def _readers() -> tuple[Reader, ...]:
    from retrostats.io.carts import cortex, cosmed, general, parvo, vyntus, watch, zan

    modules = (watch, zan, parvo, cortex, cosmed, vyntus, general)
    return tuple(module.READER for module in modules)


def _reader(source: Source, device: str | None) -> Reader:
    for reader in _readers():
        if (device is None and reader.sniff(source)) or reader.device == device:
            return reader
    raise InputError(f"device {device!r}: not known; choose from {', '.join(devices())}")
