"""Printed rows against each other: events of people, one unit and one measure an outcome."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.io.published.table_schema import FIRST_RECORD

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Conditions

#: Columns in which a row says under which condition it was measured, and how many are listed.
NAMING = ("direction", "arm", "condition")
SHOWN = 6
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
        More people with an event than people, or rows of one outcome in several units or measures.
    """
    counted = rows.loc[rows["events"].notna(), ["events", "exposure", "exposure_unit"]]
    for at, row in zip(counted.index, counted.to_dict("records"), strict=True):
        _check_people(row, f"{file}, row {at + FIRST_RECORD}")
    asked = ["outcome", "row_id", "unit", "exposure_unit", "mean", "events"]
    rated = rows.loc[rows["poolable"], asked]
    _one_of(rated[rated["mean"].notna()], "unit", file)
    _one_of(rated[rated["events"].notna()], "exposure_unit", file)


def _check_people(row: Mapping[Any, Any], place: str) -> None:
    events, exposure = float(row["events"]), float(row["exposure"])
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
    filled = rows.loc[rows[column].str.strip() != "", ["outcome", "row_id", column]]
    for at, row in zip(filled.index, filled.to_dict("records"), strict=True):
        seen, row_id = first.setdefault(row["outcome"], (row[column], row["row_id"]))
        if _kind(seen, column) != _kind(row[column], column):
            raise InputError(
                f"{file}, row {at + FIRST_RECORD}, column {column}: found {row[column]!r}, but row "
                f"{row_id} of the same outcome ({row['outcome']}) has {seen!r}; allowed is one of "
                "them: convert the row, or give what is another quantity an outcome of its own"
            )


def both_of_people(rows: Sequence[Mapping[str, Any] | pd.Series]) -> bool:
    """Whether both arms count people with an event among people.

    Raises
    ------
    InputError
        One arm is of people, the other of time.
    """
    units = [str(row["exposure_unit"]) for row in rows]
    filled = [counts_people(unit) for unit in units]
    if any(filled) != all(filled):
        raise InputError(
            f"published rows {rows[0]['row_id']} and {rows[1]['row_id']}, column exposure_unit: "
            f"found {units[0]!r} and {units[1]!r}; give both arms in people or both in time"
        )
    return all(filled)


def refuse_no_events(arms: Sequence[Mapping[str, Any]]) -> None:
    """Refuse an arm without events: the log of its ratio is not finite."""
    for arm in arms:
        if not arm["events"] > 0:
            raise InputError(
                f"published row {arm['row_id']}, column events: found {arm['events']:g}; a log "
                "ratio needs one event or more in each arm: pool its counts (rs.pool_counts)"
            )


def check_conditions(rows: pd.DataFrame, conditions: Conditions, folder: str) -> None:
    """Refuse conditions to compare that no printed row names, by their name or a synonym.

    Raises
    ------
    InputError
        Naming the condition, and what the rows name.
    """
    if not len(rows):
        return
    named = [str(cell) for name in NAMING for cell in rows[name].unique() if cell]
    text = " | ".join(named).lower()
    for condition in conditions.compared:
        if not any(word.lower() in text for word in conditions.words(condition)):
            shown = "; ".join(sorted(set(named))[:SHOWN]) or "none"
            raise InputError(
                f"{folder}/audit.toml, [conditions]: compared has {condition!r}, which no row of "
                f"the published tables has under {', '.join(NAMING)}; found {shown}: correct it, "
                "or list what the rows say under [conditions.synonyms]"
            )
