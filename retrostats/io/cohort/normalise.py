"""One table to standard columns and units: spec applied, wide made long, rates per kilogram."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import unset_array
from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.common.units import convert
from retrostats.common.vocabulary import Conditions, Vocabulary
from retrostats.io.cohort.blanks import filled_down
from retrostats.io.cohort.headers import TEXT, Meaning, kind_of, role_of
from retrostats.io.cohort.infer_units import cell_numbers
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.meanings import audit_columns, holds_text, known_header, read_meanings
from retrostats.io.cohort.other_conditions import OTHER, without_other_conditions
from retrostats.io.cohort.own_words import is_role, own_column
from retrostats.io.cohort.quantities import other_quantities
from retrostats.io.cohort.shape import to_long
from retrostats.io.cohort.spec import Spec
from retrostats.io.cohort.values import (
    Rules,
    as_numbers,
    coded,
    codes_of,
    condition_word,
    is_clock,
    named_rows,
    numbers,
    several_phrases,
    texts,
)
from retrostats.io.tables.numbering import blocks
from retrostats.io.validation.factors import AS_WRITTEN
from retrostats.io.validation.problem import Problem
from retrostats.io.validation.sums import named_as_sums, summary_rows
from retrostats.io.validation.understood import with_values

if TYPE_CHECKING:
    import pandas as pd

#: Absolute column and its unit, the same per kilogram of body mass.
PER_KILOGRAM = (
    ("vo2_ml_min", "ml/min", "vo2_ml_kg_min", "ml/kg/min"),
    ("metabolic_rate_w", "W", "metabolic_rate_w_kg", "W/kg"),
)


#: Share of people with several conditions from which a column of them is one within people.
HALF = 0.5
#: Rows that sum up people, in the account of rows.
SUMMARY = "a summary, not a person"


@dataclass(frozen=True, slots=True)
class Part:
    """One table, normalised, before it is judged as a cohort; `rows_in` counts its own rows."""

    frame: pd.DataFrame
    meanings: list[Meaning]
    rows_in: int
    explained: dict[str, tuple[int, ...]]


def reads(spec: Spec, audit: Vocabulary) -> tuple[Any, Any]:
    """What `read_table` asks of a header: is it known, and does its column stay text."""
    of_audit = audit_columns(audit.topics)
    return partial(known_header, spec, audit.conditions, of_audit), partial(holds_text, spec)


def normalise(table: Table, spec: Spec, problems: list[Problem], audit: Vocabulary) -> Part:
    """Columns with standard names and units; nothing is judged yet.

    Raises
    ------
    InputError
        The spec names what is not there.
    """
    file, rows_in = table.file, len(table.columns)
    problems += [Problem("guess", file, "", "", note, "one table", "check") for note in table.notes]
    for reason, rows in table.explained.items():
        text = ", ".join(map(str, rows[:5]))
        problems.append(Problem("guess", file, text, "", reason, "measurements", "row not used"))
    table, filtered = _filtered(table, spec)
    _roles_of_words(table)
    conditions = audit.conditions
    table = other_quantities(table, spec, problems, conditions)
    table = filled_down(table, spec, problems)
    table = to_long(_with_constants(table, spec), spec.wide, problems, conditions)
    table = _arm_or_direction(table, spec, problems, conditions)
    table = _without_clocks(table, spec, problems)
    table = _slopes_in_words(table, spec)
    meanings = read_meanings(table, spec, problems, audit_columns(audit.topics))
    explained = {**table.explained, **({"left out by the spec": filtered} if filtered else {})}
    table, named = _without_sums(table, meanings, problems)
    if named:
        explained[SUMMARY] = named
    table, others = without_other_conditions(table, meanings, spec, problems, conditions)
    if others:
        explained[OTHER] = others
    frame = _values(table, meanings, spec, problems, conditions)
    meanings = [with_values(m, table, frame) for m in meanings]
    if "subject" in frame:
        sums = summary_rows(frame)
        if sums.any():
            frame, summed = frame[~sums], frame[sums]
            rows = tuple(dict.fromkeys(int(row) for row in summed["source_row"]))
            explained[SUMMARY] = (*explained.get(SUMMARY, ()), *rows)
            problems.append(_summed(file, rows, summed["subject"]))
    above = sum(map(len, table.explained.values()))
    return Part(derived(frame, spec, file, problems), meanings, rows_in + above, explained)


def _roles_of_words(table: Table) -> None:
    """A column of words under an outcome's name that also names a role has the role.

    An outcome `time_s` takes the header "time" where it holds seconds, not where it holds "pre".
    """
    for header in table.headers:
        named = own_column(header) and role_of(header) in TEXT
        if named and np.isnan(cell_numbers(table.columns[header])).all():
            is_role(header)


def _without_clocks(table: Table, spec: Spec, problems: list[Problem]) -> Table:
    """The table with a column of times of the day under a name that is no time of a study."""
    renamed = {}
    for header in table.headers:
        if header in spec.named or kind_of(header) != "time":
            continue
        if is_clock(table.columns[header]):
            renamed[header] = f"{header} of day"
            problems.append(
                Problem("guess", table.file, "", header, "times of the day", "before, after",
                        "column kept as it is, not used")
            )  # fmt: skip
    return replace(table, columns=table.columns.rename(columns=renamed)) if renamed else table


def _slopes_in_words(table: Table, spec: Spec) -> Table:
    """The table with a slope said in words ("flat", "uphill") as a factor, not as a number.

    Only where people were measured at several in one direction, or a filter chose one: words that
    go with the direction have to be numbers.
    """
    kinds = {kind_of(header): header for header in reversed(table.headers)}
    header = kinds.get("gradient_pct")
    if header is None or header in (*spec.columns, *spec.units):
        return table
    cells = table.columns[header].dropna().astype(str)
    words = not cells.empty and not cells.str.contains(r"\d").any()
    keys = [kinds[key] for key in ("subject", "direction") if key in kinds]
    chosen = header in spec.filter and cells.nunique() == 1
    if not words or not (chosen or len(keys) == 2):
        return table
    several = table.columns.groupby(keys, sort=False)[header].nunique() > 1
    if not chosen and not bool(several.mean() > HALF):
        return table
    renamed = table.columns.rename(columns={header: f"{header}{AS_WRITTEN}"})
    return replace(table, columns=renamed)


def _without_sums(
    table: Table, meanings: list[Meaning], problems: list[Problem]
) -> tuple[Table, tuple[int, ...]]:
    """The table without rows whose person is called mean, SD or p: they may hold anything.

    People are named in it, as text.
    """
    header = next((m.header for m in meanings if m.column == "subject"), None)
    if header is None:
        return table, ()
    people = named_rows(table.columns[header], f"{table.file}, {header}")
    table = replace(table, columns=table.columns.assign(**{header: people}))
    sums = named_as_sums(people)
    if not sums.any():
        return table, ()
    rows = tuple(dict.fromkeys(int(row) for row in table.columns.index[sums]))
    problems.append(_summed(table.file, rows, table.columns.loc[sums, header]))
    return replace(table, columns=table.columns[~sums]), rows


def _summed(file: str, rows: tuple[int, ...], names: pd.Series) -> Problem:
    return Problem(
        "guess", file, ", ".join(map(str, rows[:5])), "subject",
        ", ".join(map(str, names.unique()[:5])), "people", "taken as a summary, row left out",
    )  # fmt: skip


def _arm_or_direction(
    table: Table, spec: Spec, problems: list[Problem], conditions: Conditions
) -> Table:
    """A group or condition column whose values are the conditions is the direction.

    Other conditions may stand beside both where people have several of them, or where events of an
    exposure are counted: a group of people who are followed over time is an arm.
    """
    kinds = {header: kind_of(header) for header in table.headers}
    if "direction" in kinds.values() or "time" in kinds.values():
        return table
    for header, kind in kinds.items():
        if kind != "arm" or header in spec.columns:
            continue
        said = texts(table.columns[header], f"{table.file}, {header}").dropna().unique()
        read = [condition_word(spec.levels.get(w, w), conditions) for w in said]
        if len(said) and (all(read) or (set(conditions.compared) <= set(read)
                                        and _within_people(table, kinds, header))):  # fmt: skip
            problems.append(
                Problem("guess", table.file, "", header, header, "direction",
                        "its values are directions, read as direction")
            )  # fmt: skip
            renamed = table.columns.rename(columns={header: "direction"})
            return replace(table, columns=renamed, origins={**table.origins, "direction": header})
    return table


def _within_people(table: Table, kinds: Mapping[str, str | None], header: str) -> bool:
    """Whether people have several values of a column, or an exposure is counted."""
    person = next((h for h, kind in kinds.items() if kind == "subject"), None)
    if "exposure_h" in kinds.values() or person is None:
        return person is not None
    filled = table.columns[person].ffill()
    return bool((table.columns[header].groupby(filled).nunique() > 1).mean() > HALF)


def _filtered(table: Table, spec: Spec) -> tuple[Table, tuple[int, ...]]:
    if not spec.filter:
        return table, ()
    keep = np.ones(len(table.columns), dtype=bool)
    for header, choices in spec.filter.items():
        if header not in table.columns:
            raise InputError(
                f"spec, [filter]: no column {header!r} in {table.file}"
                f"{suggestion(header, table.headers)}"
            )
        keep &= texts(table.columns[header], f"{table.file}, {header}").isin(choices).to_numpy()
    if not keep.any():
        raise InputError(f"{table.file}: the [filter] of the spec leaves no row; check its values")
    left_out = tuple(int(row) for row in table.columns.index[~keep])
    return replace(table, columns=table.columns[keep]), left_out


def _with_constants(table: Table, spec: Spec) -> Table:
    """A column for each [constants] entry, its unit taken from the value."""
    units, columns = dict(table.units), table.columns
    for name, value in spec.constants.items():
        if name in columns:
            raise InputError(f"spec, [constants]: {name!r} is a column of {table.file} already")
        measured = re.fullmatch(r"\s*([-+]?[\d.,]+)\s*(\D.*)", value)
        columns = columns.assign(**{name: measured[1] if measured else value})
        if measured:
            units[name] = measured[2].strip()
    return replace(table, columns=columns, units=units)


def _values(
    table: Table,
    meanings: list[Meaning],
    spec: Spec,
    problems: list[Problem],
    conditions: Conditions,
) -> pd.DataFrame:
    import pandas as pd

    file, read = table.file, {m.header: m for m in meanings}
    rules = Rules(spec.file.get("decimal", ""), spec.file.get("missing", ()), table.delimiter)
    columns: dict[str, Any] = {}
    for header in table.headers:
        cells, meaning = table.columns[header], read.get(header)
        known = codes_of(meaning.column, conditions) if meaning else None
        if meaning is None:
            columns[header] = as_numbers(cells)
        elif known:
            name = meaning.column
            others = cells[~cells.isin(list(spec.levels))] if spec.levels else cells
            if several_phrases(others, known):  # asked about where they tell repeats apart
                columns[f"{header}{AS_WRITTEN}"] = texts(cells, f"{file}, {header}")
            columns[name] = coded(cells, name, known, spec.levels, file, problems)
        elif meaning.column == "subject":
            columns["subject"] = cells  # named already, see `_without_sums`
        elif meaning.column in TEXT:
            said = texts(cells, f"{file}, {header}")
            levels = spec.levels if meaning.column == "arm" else {}
            columns[meaning.column] = said.replace(levels) if levels else said
        else:
            clock = meaning.unit is not None and (
                meaning.unit.reciprocal or meaning.column.startswith("window_")
            )
            values = numbers(cells, meaning.header, file, problems, rules, clock)
            if clock and meaning.unit and meaning.unit.quantity == "time":
                is_clock_text = cells.map(lambda c: isinstance(c, str) and ":" in c).to_numpy(bool)
                values = np.where(is_clock_text, values * 60 / meaning.unit.factor, values)
            if meaning.unit is not None and meaning.unit.symbol != meaning.to:
                values = _converted(values, meaning.unit.symbol, meaning.to)
            columns[meaning.column] = values
    for name in ("source_file", "source_row"):
        columns.pop(name, None)
    columns["source_file"] = pd.Categorical.from_codes(
        np.zeros(len(table.columns), dtype=np.int8), pd.Index([file], dtype=str)
    )
    columns["source_row"] = _row_numbers(table.columns.index)
    return pd.DataFrame(columns, index=table.columns.index, copy=False)


def _converted(values: NDArray[np.float64], unit: str, to: str) -> NDArray[np.float64]:
    """Values (n,) in another unit, a block of rows at a time."""
    found: NDArray[np.float64] = unset_array(len(values), np.float64)
    with np.errstate(divide="ignore"):
        for block in blocks(len(values)):
            found[block] = convert(values[block], unit, to)
    return found


def _row_numbers(index: pd.Index) -> NDArray[Any]:
    """Numbers of the rows in the file (n,)."""
    import pandas as pd

    if not isinstance(index, pd.RangeIndex):
        return index.to_numpy()
    found = unset_array(len(index), np.int64)
    rows = range(index.start, index.stop, index.step)
    for part, block in ((rows[block], block) for block in blocks(len(rows))):
        found[block] = np.arange(part.start, part.stop, part.step)
    return found


def derived(frame: pd.DataFrame, spec: Spec, file: str, problems: list[Problem]) -> pd.DataFrame:
    """Metabolic rate where both gases are there, and every rate per kilogram of body mass."""
    from retrostats.io.cohort.gases import with_metabolic_rate

    if "time" not in frame and "time_weeks" in frame and "direction" not in frame:
        frame = frame.assign(time=texts(frame["time_weeks"]))
    frame = _with_body_fat(frame, file, problems)
    frame = with_metabolic_rate(frame, spec.energy.get("equation", ""), file, problems)
    for absolute, unit, per_kg, to in PER_KILOGRAM:
        if {absolute, "mass_kg"} <= set(frame) and per_kg not in frame:
            values = convert(frame[absolute], unit, to, mass_kg=frame["mass_kg"])
            if not np.isnan(values).all():  # an empty column of body mass is none
                frame = frame.assign(**{per_kg: values})
    return frame


def _with_body_fat(frame: pd.DataFrame, file: str, problems: list[Problem]) -> pd.DataFrame:
    """Percent of body fat from fat mass and body mass, where groups are followed over time."""
    if not {"fat_mass_kg", "mass_kg"} <= set(frame) or {"body_fat_pct", "direction"} & set(frame):
        return frame
    problems.append(
        Problem("guess", file, "", "body_fat_pct", "fat mass and body mass", "percent of body fat",
                "their ratio taken as percent of body fat")
    )  # fmt: skip
    return frame.assign(body_fat_pct=100 * frame["fat_mass_kg"] / frame["mass_kg"])
