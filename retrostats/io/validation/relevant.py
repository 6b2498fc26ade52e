"""Which columns an analysis reads: what is wrong in any other one stops no file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from retrostats.io.cohort.headers import columns_of, kind_of, without_number
from retrostats.io.cohort.normalise import PER_KILOGRAM, Part
from retrostats.io.cohort.values import LISTED
from retrostats.io.validation.problem import Problem
from retrostats.io.validation.requirements import TELLING_APART, outcome_column

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Topic


def sources(outcome: str, named: Collection[str]) -> set[str]:
    """Columns of the file that an outcome is, or was derived from.

    Parameters
    ----------
    named
        Columns that the file has.

    Examples
    --------
    >>> sources("vo2_ml_kg_min", ["vo2_ml_kg_min", "mass_kg"])
    {'vo2_ml_kg_min'}
    >>> sorted(sources("vo2_ml_kg_min", ["vo2_ml_min", "mass_kg"]))
    ['mass_kg', 'vo2_ml_min']
    """
    if outcome in named:
        return {outcome}
    absolute = next((one for one, _, per_kg, _ in PER_KILOGRAM if per_kg == outcome), "")
    if absolute in named:
        return {absolute, "mass_kg"}
    if outcome == "body_fat_pct":
        return {"fat_mass_kg", "mass_kg"}
    gases = {name for name in named if name.startswith(("vo2_", "vco2_"))}
    return gases | ({"mass_kg"} if absolute else set())


def relevant_columns(frame: pd.DataFrame, topic: Topic, named: Collection[str]) -> set[str]:
    """Columns that a topic's analysis needs, explains, or tells rows and people apart by."""
    outcomes = topic.outcomes if topic.counted else (outcome_column(frame, topic),)
    made_of = set().union(*(sources(name, named) for name in outcomes if name in frame))
    return {*topic.needs, *TELLING_APART, "arm", *outcomes, *made_of}


def needed_errors(
    problems: Sequence[Problem],
    part: Part,
    topic: Topic,
    frame: pd.DataFrame,
    *,
    cells: Collection[Problem],
    wanted: Collection[str],
) -> list[Problem]:
    """The problems; an error in a column that the analysis does not read becomes a warning.

    Parameters
    ----------
    cells
        Problems of headers and their cells; what is wrong with rows and people stays.
    wanted
        Headers that the spec speaks of: they were meant, and stay errors.
    """
    named = {m.header: m.column for m in part.meanings}
    relevant = relevant_columns(frame, topic, set(named.values()))

    def free(problem: Problem) -> bool:
        name = problem.column
        if problem.level != "error" or problem not in cells or not name or name in wanted:
            return False
        could_be = {named.get(name, name)}
        if name not in named:  # not read: whatever its name could have been
            could_be |= columns_of(name) | {kind_of(without_number(name)) or name}
        if could_be & relevant <= {"gradient_pct"}:  # one slope throughout tells no rows apart
            return not could_be & relevant or _one_value(frame, name, problems)
        return False

    return [
        replace(p, level="warning", action=f"{p.action}; not used by {topic.analysis}")
        if free(p) else p
        for p in problems
    ]  # fmt: skip


def wanted_errors(
    problems: Sequence[Problem], topics: Collection[Topic], named: Collection[str]
) -> list[Problem]:
    """The problems of a table that fits no topic, without errors in quantities that none needs.

    Parameters
    ----------
    named
        Headers that the spec speaks of: they were meant, and stay errors.
    """
    needed = {column for topic in topics for column in (*topic.needs, *topic.outcomes)}

    def free(problem: Problem) -> bool:
        header = problem.column
        if problem.level != "error" or not header or header in named:
            return False
        could_be = columns_of(header)  # of a name that is not known, anything could be meant
        return bool(could_be) and not could_be & needed

    return [p for p in problems if not free(p)]


def _one_value(frame: pd.DataFrame, header: str, problems: Sequence[Problem]) -> bool:
    """Whether a column that could not be read holds the same in every row."""
    if header in frame:
        return int(frame[header].nunique(dropna=False)) == 1
    cells = [p for p in problems if p.column == header and p.row]
    found = {p.found for p in cells if not p.found.endswith("more such cells")}
    return len(found) == 1 and len(cells) >= min(len(frame), LISTED)
