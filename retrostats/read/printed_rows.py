"""Printed rows against each other: limits in order, one unit and one measure an outcome."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from retrostats.errors import InputError
from retrostats.read.table_schema import FIRST_RECORD

if TYPE_CHECKING:
    import pandas as pd

#: Exposures that count people: events among them are a risk (binomial), not a rate over time.
PEOPLE = ("people", "players", "athletes", "participants", "patients", "persons", "subjects")
#: Words of each measure of events; another one is another quantity.
MEASURES = {
    "odds ratio": r"odds ratios?|OR",
    "risk ratio": r"risk ratios?|relative risks?|RR",
    "hazard ratio": r"hazard ratios?|HR",
    "rate ratio": r"(?:incidence )?rate ratios?|IRR",
}


def measure_of(unit: str) -> str:
    """The measure of events that a unit names, under one name; "" if it names none.

    Examples
    --------
    >>> measure_of("relative risk"), measure_of("incidence rate ratio"), measure_of("kg")
    ('risk ratio', 'rate ratio', '')
    """
    for name, words in MEASURES.items():
        if re.search(rf"\b(?:{words})\b", unit):
            return name
    return ""


def counts_people(exposure_unit: str) -> bool:
    """Whether an exposure is a number of people."""
    return exposure_unit.strip().lower() in PEOPLE


def check_printed(rows: pd.DataFrame, file: str) -> None:
    """Refuse rows of one topic that contradict themselves or each other.

    Raises
    ------
    InputError
        Limits in the wrong order or not around their value, more people with an event than people,
        or rows of one outcome in several units or measures.
    """
    for at, row in zip(rows.index, rows.to_dict("records"), strict=True):
        _check_limits(row, f"{file}, row {at + FIRST_RECORD}")
    rated = rows[rows["poolable"]]
    _one_of(rated[rated["mean"].notna()], "unit", file)
    _one_of(rated[rated["events"].notna()], "exposure_unit", file)


def _check_limits(row: dict[str, object], place: str) -> None:
    low, high, events, exposure = (
        float(row[name])  # type: ignore[arg-type]
        for name in ("ci_low", "ci_high", "events", "exposure")
    )
    if low > high:
        raise InputError(
            f"{place}, column ci_low: found {row['ci_low_text']}, above ci_high "
            f"{row['ci_high_text']}; the lower limit is the smaller: swap them as printed"
        )
    if counts_people(str(row["exposure_unit"])) and events > exposure:
        raise InputError(
            f"{place}, column events: found {events:g} of {exposure:g} {row['exposure_unit']}; at "
            "most that many people have an event: give the exposure in time if events repeat"
        )


def _kind(text: str, column: str) -> str:
    """What rows of one outcome must share."""
    if column == "exposure_unit":
        return "people" if counts_people(text) else "time"
    return measure_of(text) or text


def _one_of(rows: pd.DataFrame, column: str, file: str) -> None:
    """Refuse an outcome whose rows differ in `column`; rows that leave it empty are passed over."""
    first: dict[str, tuple[str, str]] = {}
    told = rows[rows[column].str.strip() != ""]
    for at, row in zip(told.index, told.to_dict("records"), strict=True):
        seen, row_id = first.setdefault(row["outcome"], (row[column], row["row_id"]))
        if _kind(seen, column) != _kind(row[column], column):
            raise InputError(
                f"{file}, row {at + FIRST_RECORD}, column {column}: found {row[column]!r}, but row "
                f"{row_id} of the same outcome ({row['outcome']}) has {seen!r}; allowed is one of "
                "them: convert the row, or give what is another quantity an outcome of its own"
            )
