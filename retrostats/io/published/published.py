"""Published numbers of the data package: as printed, and as floats in standard units."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from retrostats.common.arrays import path_of, records_of
from retrostats.common.errors import InputError
from retrostats.common.resources import data_dir
from retrostats.common.units import convert
from retrostats.io.published.agreement import refuse_limits
from retrostats.io.published.printed_rows import PEOPLE, check_printed
from retrostats.io.published.study_names import study_labels
from retrostats.io.published.table_schema import (
    FIRST_RECORD,
    Stamp,
    descriptor,
    read_text_table,
    stamp_of,
    typed,
)

if TYPE_CHECKING:
    import pandas as pd

#: Folder of the tables of printed numbers, one a topic, inside a data package.
PUBLISHED = "published"
#: Unit a printed unit is converted to; a unit not listed stays as printed.
STANDARD_UNITS = {
    "L/min": "ml/min",
    "L/kg/min": "ml/kg/min",
    "kJ/kg/km": "J/kg/m",
    "g": "kg",
    "m": "cm",
}
#: Exposures whose count of events is a rate or a risk; a share of cases (ruptures on video) is not.
RATE_EXPOSURES = ("athlete-exposures", "hours", *PEOPLE)

COLUMNS = """
row_id topic study_id study outcome outcome_printed gait direction speed_m_s speed_printed
gradient_pct gradient_printed condition arm time weeks n mean mean_text spread spread_text
spread_type unit
change change_text change_spread change_spread_text change_spread_type pct_change pct_change_text
unit_printed events events_text exposure exposure_text exposure_unit
ci_low ci_low_text ci_high ci_high_text ci_level p_value p_value_text
p_operator p_refers_to statistic independence reading poolable locator source_url note citation year
doi pmid
""".split()  # noqa: SIM905  (a list of fifty literals is harder to read)
#: Numbers that keep their printed text beside them, as `<name>_text`.
KEPT_AS_PRINTED = (
    "mean", "spread", "change", "change_spread", "pct_change", "events", "exposure", "ci_low",
    "ci_high", "p_value",
)  # fmt: skip
#: Columns of printed rows that a package leaves out where its subject has none of them.
_LIMITS = ["mean", "change", "pct_change", "ci_low", "ci_high", "ci_low_text", "ci_high_text"]
MAY_BE_ABSENT = ("gait", "direction", "speed_printed", "speed_unit", "gradient_printed")


def load_published(topic: str | None = None, *, folder: str | Path | None = None) -> pd.DataFrame:
    """Published numbers, one row a printed result.

    Parameters
    ----------
    topic
        Name of a table in `published/` of the data package; None for all of them.
    folder
        Another data package with the same tables, for instance one with more rows; None for the
        one that comes with retrostats.

    Returns
    -------
    DataFrame
        Columns as `COLUMNS`; `study` is a short name to show in place of `study_id`. Numeric
        columns are floats (NaN where not printed) in standard units
        (ml/kg/min, ml/min, J/kg/m, bpm, m/s, kg, cm, percent) with `unit` naming it; the
        `*_text` columns hold what was printed, in `unit_printed`. `speed_m_s` and `gradient_pct`
        are NaN for a range. `poolable` says whether the row has what an effect with a standard
        error needs, see `is_poolable`.

    Raises
    ------
    InputError
        If the topic is unknown or a table violates its schema (file, row, column, found, allowed).

    Examples
    --------
    >>> rows = load_published()
    >>> rows["row_id"].is_unique, set(rows["topic"]) == set(topics_of())
    (True, True)
    >>> set(rows.loc[rows["mean_text"] != "", "mean"].isna())
    {False}
    """
    import pandas as pd

    where = _folder(folder)
    topics = topics_of(folder)
    if topic is not None and topic not in topics:
        raise InputError(f"topic {topic!r} is unknown; allowed: {', '.join(topics)} or None.")
    if not topics:
        return pd.DataFrame(columns=COLUMNS)
    stamp = stamp_of(where)
    frames = [_rows_of(where, name, stamp) for name in topics if topic in (None, name)]
    return pd.concat(frames, ignore_index=True)


def topics_of(folder: str | Path | None = None) -> tuple[str, ...]:
    """Tables of printed numbers that a data package lists, in its order.

    Parameters
    ----------
    folder
        As of `load_published`.

    Examples
    --------
    >>> "studies" in topics_of()
    False
    """
    listed = descriptor(_folder(folder))
    return tuple(name for name, table in listed.items() if _is_published(table))


def _is_published(table: Mapping[str, Any]) -> bool:
    return PurePosixPath(table["path"]).parent.name == PUBLISHED


def load_studies(*, folder: str | Path | None = None) -> pd.DataFrame:
    """Every study of the package, one row each, under one scheme of ids.

    Examples
    --------
    >>> load_studies()["study_id"].is_unique
    True
    """
    return load_table("studies", folder=folder)


def load_claims_table(*, folder: str | Path | None = None) -> pd.DataFrame:
    """Claims of the post, each with the range that would make it true.

    Examples
    --------
    >>> str(load_claims_table()["range_high"].dtype)
    'float64'
    """
    return load_table("claims", folder=folder)


def load_retellings(*, folder: str | Path | None = None) -> pd.DataFrame:
    """Retellings of a result, in order, each with what it changed.

    Examples
    --------
    >>> "source" in load_retellings()
    True
    """
    return load_table("claim_drift", folder=folder)


def load_table(name: str, *, folder: str | Path | None = None) -> pd.DataFrame:
    """Any table of the package by its name in `datapackage.json`, checked against its schema.

    Number fields are floats, NaN where empty; all others text, "" where empty.
    """
    where = _folder(folder)
    return _table(where, name, stamp_of(where)).copy()


@lru_cache(maxsize=32)
def _table(folder: Path, name: str, stamp: Stamp) -> pd.DataFrame:
    """A table while no file of the folder changes (`stamp`), to be copied, not changed."""
    return typed(read_text_table(folder, name), descriptor(folder)[name]["schema"])


def is_poolable(rows: pd.DataFrame) -> pd.Series:
    """Whether each row carries an effect or a cell with its error, and may be counted once.

    A row is poolable if it is independent (not a copy, a compilation or a retelling), its value
    and order were printed and not inferred, and it has one of

    - mean, spread and n (a spread without a label counts; it is listed as an assumption);
    - a change or percentage with n and either a spread or an exact p ("=", between 0 and 1);
    - events and exposure in people or time;
    - a mean or change with both confidence limits and their level.

    "p < 0.05", "NS" or a sign never make a row poolable, and a mean without spread does not.
    """
    has = rows.notna()
    exact_p = (rows["p_operator"] == "=") & rows["p_value"].between(0, 1, inclusive="neither")
    cell = has["mean"] & has["spread"] & has["n"]
    change = (has["change"] | has["pct_change"]) & has["n"] & (has["change_spread"] | exact_p)
    rate = has["events"] & (rows["exposure"] > 0) & rows["exposure_unit"].isin(RATE_EXPOSURES)
    limits = has["ci_low"] & has["ci_high"] & has["ci_level"] & (has["mean"] | has["change"])
    counted_once = (rows["independence"] == "independent") & (rows["reading"] == "printed")
    return counted_once & (cell | change | rate | limits)


def _folder(folder: str | Path | None) -> Path:
    if folder is None:
        return data_dir()
    where = path_of(folder, "folder")
    if not where.is_dir():
        raise InputError(f"{where}: no such folder; give one with a datapackage.json")
    return where


@lru_cache(maxsize=32)
def _rows_of(folder: Path, topic: str, stamp: Stamp) -> pd.DataFrame:
    """Rows of a topic while no file of the folder changes (`stamp`), to be copied, not changed."""
    return _published(folder, topic, _studies(folder, stamp))


@lru_cache(maxsize=8)
def _studies(folder: Path, stamp: Stamp) -> pd.DataFrame:
    """What rows say of their study, by its id; while no file of the folder changes."""
    studies = read_text_table(folder, "studies")
    names = study_labels(records_of(studies))
    studies = studies.assign(study=studies["study_id"].map(names)).set_index("study_id")
    return studies[["study", "citation", "year", "doi", "pmid"]]


def _published(folder: Path, topic: str, studies: pd.DataFrame) -> pd.DataFrame:
    """One topic's table with numbers beside the printed text."""
    printed = read_text_table(folder, topic)
    rows = typed(printed, descriptor(folder)[topic]["schema"])
    absent = {name: "" for name in MAY_BE_ABSENT if name not in printed}
    printed, rows = printed.assign(**absent), rows.assign(**absent)
    rows = rows.assign(
        topic=topic,
        unit_printed=printed["unit"],
        **{f"{name}_text": printed[name] for name in KEPT_AS_PRINTED},
        speed_m_s=_speed(printed),
        gradient_pct=_plain(printed["gradient_printed"]),
    )
    file = str(folder / descriptor(folder)[topic]["path"])
    _check_limits(rows, file)
    rows = _in_standard_units(rows)
    rows = rows.join(studies, on="study_id")
    rows["year"] = _plain(rows["year"])
    rows["poolable"] = is_poolable(rows)
    check_printed(rows, file)
    return rows[COLUMNS]


def _check_limits(rows: pd.DataFrame, file: str) -> None:
    """Refuse limits in the wrong order, or that hold none of the numbers of their row."""
    limited = rows.loc[rows["ci_low"].notna() | rows["ci_high"].notna(), _LIMITS]
    for at, row in zip(limited.index, limited.to_dict("records"), strict=True):
        values = (float(row[name]) for name in ("mean", "change", "pct_change"))
        refuse_limits(
            f"{file}, row {at + FIRST_RECORD}", float(row["ci_low"]), float(row["ci_high"]),
            values, printed=(row["ci_low_text"], row["ci_high_text"]),
        )  # fmt: skip


def _plain(text: pd.Series) -> pd.Series:
    """Text as float; NaN for ranges, lists and words."""
    import pandas as pd

    return pd.to_numeric(text, errors="coerce").astype(float)


def _speed(printed: pd.DataFrame) -> pd.Series:
    """Belt or track speed [m/s] where one number was printed."""
    speed = _plain(printed["speed_printed"])
    for unit in printed.loc[speed.notna(), "speed_unit"].unique():
        mine = printed["speed_unit"] == unit
        speed[mine] = _converted(speed[mine], unit, "m/s")
    return speed


def _in_standard_units(rows: pd.DataFrame) -> pd.DataFrame:
    """Means, spreads, changes and limits in the standard unit of their printed unit."""
    rows = rows.copy()
    found = set(rows["unit"])
    for unit, standard in STANDARD_UNITS.items():
        if unit not in found:
            continue
        mine = rows["unit"] == unit
        for name in ("mean", "spread", "change", "change_spread", "ci_low", "ci_high"):
            rows.loc[mine, name] = _converted(rows.loc[mine, name], unit, standard)
        rows.loc[mine, "unit"] = standard
    return rows


def _converted(values: pd.Series, unit: str, standard: str) -> pd.Series:
    """`values` in the unit `standard`; all units here are proportional."""
    if unit == standard or not values.notna().any():
        return values
    return values * float(convert(1.0, unit, standard))
