"""A lab's own table as a normalised cohort: columns recognised, units converted, all listed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.errors import InputError
from retrostats.readers.headers import Meaning, read_header
from retrostats.readers.spec import read_spec
from retrostats.readers.tabular import read_table
from retrostats.units import convert
from retrostats.validation.checks import (
    NEEDED,
    Problem,
    design_problems,
    impossible_values,
    outcome_column,
)

if TYPE_CHECKING:
    import pandas as pd

MISSING = frozenset({"", "na", "nan", "n/a", "null", "none", "-", ".", "#n/a"})
TEXT = ("subject", "arm", "time", "sex")
DIRECTIONS = {
    "forward": (
        "forward",
        "forwards",
        "fw",
        "fwd",
        "f",
        "vorwarts",
        "avant",
        "en avant",
        "avanti",
        "adelante",
    ),
    "backward": (
        "backward",
        "backwards",
        "bw",
        "bwd",
        "b",
        "retro",
        "ruckwarts",
        "arriere",
        "en arriere",
        "indietro",
        "atras",
    ),
}
BEFORE, AFTER = (
    ("pre", "before", "baseline", "t0", "vorher", "avant", "prima", "antes"),
    (
        "post",
        "after",
        "end",
        "nachher",
        "apres",
        "dopo",
        "despues",
    ),
)
#: Problems shown in one message; the rest is counted.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Cohort:
    """A checked cohort.

    Attributes
    ----------
    frame
        One row an observation, standard units in the column names, `source_file` and
        `source_row` on every row.
    spec
        What each used column was read as: header, column, unit.
    problems
        Columns level, file, row, column, found, allowed, action: repairs, guesses, warnings.
    provenance
        name, sha256, rows_in, rows_used, rows_explained.
    analysis
        The analysis its columns fit.
    """

    frame: pd.DataFrame
    spec: dict[str, dict[str, str]]
    problems: pd.DataFrame
    provenance: dict[str, Any]
    analysis: str


def load_cohort(
    path_or_frame: str | Path | pd.DataFrame, *, spec: str | Path | Mapping[str, Any] | None = None
) -> Cohort:
    """Read and check a cohort.

    Parameters
    ----------
    path_or_frame
        CSV or TSV (common delimiters, encodings, decimal commas), .xlsx, .parquet, or a
        DataFrame; one row a measurement.
    spec
        TOML file or mapping that says what cannot be guessed: [columns] header = column of the
        normalised table, [units] header = unit, [levels] value = "forward" or "backward".

    Returns
    -------
    Cohort

    Raises
    ------
    InputError
        One message with every problem: file, row, column, found, allowed, next step.

    Examples
    --------
    >>> from retrostats.validation.templates import template
    >>> import io, pandas as pd
    >>> cohort = load_cohort(pd.read_csv(io.StringIO(template("metabolic-cost")), dtype=str))
    >>> cohort.analysis, cohort.provenance["rows_used"]
    ('metabolic-cost', 12)
    """
    import pandas as pd

    if isinstance(path_or_frame, pd.DataFrame):
        name, digest = "cohort", ""
        table = path_or_frame.astype(object).where(path_or_frame.notna(), "").astype(str)
        table.columns = [str(c) for c in table.columns]
        table.index = pd.RangeIndex(2, len(table) + 2)  # as if the header were row 1
    else:
        path = Path(path_or_frame)
        table = read_table(path)
        name, digest = path.stem, hashlib.sha256(path.read_bytes()).hexdigest()
    file = name if isinstance(path_or_frame, pd.DataFrame) else Path(path_or_frame).name
    options = read_spec(spec)
    problems: list[Problem] = []
    meanings = _meanings(table, options, file, problems)
    frame = _values(table, meanings, options, file, problems)
    analysis = _analysis(frame, file, problems)
    used = _complete(frame, analysis, file, problems)
    problems += impossible_values(used, file) + design_problems(used, analysis, file)
    _stop_on_errors(problems)
    return Cohort(
        used.reset_index(drop=True),
        {m.header: {"column": m.column, "unit": m.unit.symbol if m.unit else ""} for m in meanings},
        pd.DataFrame(problems, columns=list(Problem.__dataclass_fields__)),
        {
            "name": name,
            "sha256": digest,
            "rows_in": len(table),
            "rows_used": len(used),
            "rows_explained": len(table) - len(used),
        },
        analysis,
    )


def _meanings(
    table: pd.DataFrame,
    options: Mapping[str, Mapping[str, str]],
    file: str,
    problems: list[Problem],
) -> list[Meaning]:
    meanings: list[Meaning] = []
    for section in ("columns", "units"):
        for header in options[section]:
            if header not in table.columns:
                raise InputError(
                    f"spec, [{section}]: no column {header!r} in {file}; it has "
                    f"{', '.join(map(repr, table.columns))}"
                )
    for header in table.columns:
        named = options["columns"].get(header, header)
        try:
            meaning = read_header(named, options["units"].get(header))
        except InputError as error:
            problems.append(
                Problem("error", file, "", header, "this header", str(error), "name it")
            )
            continue
        if meaning is None:
            if header in options["columns"]:
                problems.append(
                    Problem(
                        "error",
                        file,
                        "",
                        header,
                        named,
                        "a column of the template",
                        "see `retrostats template ANALYSIS --spec`",
                    )
                )
            else:
                problems.append(
                    Problem("guess", file, "", header, "an unknown header", "", "column not used")
                )
            continue
        taken = next((m for m in meanings if m.column == meaning.column), None)
        if taken:
            problems.append(
                Problem(
                    "error",
                    file,
                    "",
                    header,
                    f"also {meaning.column}, as {taken.header!r}",
                    "one column each",
                    "rename one, or name the right one in a spec",
                )
            )
            continue
        if header.strip().lower() != meaning.column or meaning.guessed:
            note = meaning.guessed or f"read as {meaning.column}"
            problems.append(Problem("guess", file, "", header, header, meaning.column, note))
        meanings.append(Meaning(header, meaning.column, meaning.unit, meaning.to, meaning.guessed))
    return meanings


def _values(
    table: pd.DataFrame,
    meanings: list[Meaning],
    options: Mapping[str, Mapping[str, str]],
    file: str,
    problems: list[Problem],
) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {}
    for meaning in meanings:
        cells = table[meaning.header].astype(str).str.strip()
        if meaning.column in TEXT:
            columns[meaning.column] = cells.where(~cells.str.lower().isin(MISSING), None)
        elif meaning.column == "direction":
            columns["direction"] = _directions(cells, options["levels"], file, problems)
        else:
            numbers = _numbers(cells, meaning, file, problems)
            if meaning.unit is not None:
                with np.errstate(divide="ignore"):
                    numbers = convert(numbers, meaning.unit.symbol, meaning.to)
            columns[meaning.column] = numbers
    frame = pd.DataFrame(columns)
    frame["source_file"] = file
    frame["source_row"] = table.index
    return _energy_per_kilogram(frame)


def _energy_per_kilogram(frame: pd.DataFrame) -> pd.DataFrame:
    """Oxygen uptake per kilogram where uptake and body mass are both there."""
    if {"vo2_ml_min", "mass_kg"} <= set(frame) and "vo2_ml_kg_min" not in frame:
        per_kg = convert(frame["vo2_ml_min"], "ml/min", "ml/kg/min", mass_kg=frame["mass_kg"])
        return frame.assign(vo2_ml_kg_min=per_kg)
    return frame


def _directions(
    cells: pd.Series, levels: Mapping[str, str], file: str, problems: list[Problem]
) -> list[str | None]:
    import unicodedata

    given = {k.strip().lower(): v for k, v in levels.items()}
    out: list[str | None] = []
    for row, cell in cells.items():
        text = given.get(cell.lower(), cell)
        plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
        match = next((d for d, words in DIRECTIONS.items() if plain in words), None)
        if match is None and cell.lower() not in MISSING:
            problems.append(
                Problem(
                    "error",
                    file,
                    str(row),
                    "direction",
                    repr(cell[:40]),
                    "forward or backward",
                    "correct it, or map it under [levels] in a spec",
                )
            )
        out.append(match)
    return out


def _numbers(cells: pd.Series, meaning: Meaning, file: str, problems: list[Problem]) -> np.ndarray:
    comma = cells.str.fullmatch(r"[-+]?\d+,\d+").any() and not cells.str.contains(r"\.").any()
    if comma:
        cells = cells.str.replace(",", ".", regex=False)
        problems.append(
            Problem(
                "repair", file, "", meaning.header, "decimal commas", "decimal points", "replaced"
            )
        )
    out = np.full(len(cells), np.nan)
    for i, cell in enumerate(cells):
        if cell.lower() in MISSING:
            continue
        number = _number(cell)
        if number is None:
            problems.append(
                Problem(
                    "error",
                    file,
                    str(cells.index[i]),
                    meaning.header,
                    repr(cell[:40]),
                    "a number",
                    "correct the cell; a formula or a date is not a number",
                )
            )
        else:
            out[i] = number
    return out


def _number(cell: str) -> float | None:
    """A finite decimal number, or None; nothing in a cell is evaluated."""
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d{1,3})?", cell):
        return None
    value = float(cell)
    return value if abs(value) < 1e15 else None


def _analysis(frame: pd.DataFrame, file: str, problems: list[Problem]) -> str:
    for analysis in ("ligament-injury", "body-fat", "metabolic-cost"):
        if set(NEEDED[analysis]) <= set(frame) and outcome_column(frame, analysis):
            return analysis
    have = [str(c) for c in frame if not str(c).startswith("source_")]
    problems.append(
        Problem(
            "error",
            file,
            "",
            "",
            f"columns {', '.join(have) or 'none that are known'}",
            "; ".join(f"{k}: {', '.join(v)}" for k, v in NEEDED.items())
            + " (metabolic-cost also an oxygen uptake or energy column)",
            "see `retrostats template ANALYSIS`",
        )
    )
    return ""


def _complete(
    frame: pd.DataFrame, analysis: str, file: str, problems: list[Problem]
) -> pd.DataFrame:
    """Rows with everything the analysis needs; each row left out is listed."""
    if not analysis:
        return frame
    needed = [*NEEDED[analysis], outcome_column(frame, analysis)]
    gaps = frame[needed].isna()
    for i in np.flatnonzero(gaps.any(axis=1).to_numpy()):
        missing = ", ".join(gaps.columns[gaps.iloc[i]])
        problems.append(
            Problem(
                "warning",
                file,
                str(frame["source_row"].iloc[i]),
                missing,
                "no value",
                "a value",
                "row left out",
            )
        )
    used = frame[~gaps.any(axis=1)]
    if analysis == "body-fat":
        used = used.assign(time=used["time"].astype(str)).sort_values(
            ["time"], key=lambda t: t.map(_time_order), kind="stable"
        )
    return used


def _time_order(label: str) -> tuple[int, float, str]:
    plain = label.lower()
    if any(plain.startswith(word) for word in BEFORE):
        return (0, 0.0, plain)
    if any(plain.startswith(word) for word in AFTER):
        return (2, 0.0, plain)
    digits = re.search(r"\d+(\.\d+)?", plain)
    return (1, float(digits[0]) if digits else 0.0, plain)


def _stop_on_errors(problems: list[Problem]) -> None:
    errors = [p for p in problems if p.level == "error"]
    if errors:
        more = f"\n... and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        raise InputError("\n".join(str(p) for p in errors[:SHOWN]) + more)
