"""Columns that an effect size is computed from: found in a table by name, checked row by row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.common.arrays import table_column
from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.models.meta.heterogeneity import Array

if TYPE_CHECKING:
    import pandas as pd

#: True for rows (k,) of which something is said.
Mask = NDArray[np.bool_]

#: Names that a column may have instead: those of metafor's arguments, and of `moments_prepost`.
OTHER_NAMES: Mapping[str, tuple[str, ...]] = {
    "n_1": ("n1i",), "mean_1": ("m1i", "mean_pre"), "sd_1": ("sd1i", "sd_pre"),
    "n_2": ("n2i",), "mean_2": ("m2i", "mean_post"), "sd_2": ("sd2i", "sd_post"),
    "r": ("ri", "correlation"), "n": ("ni",), "mean": ("mi",), "sd": ("sdi",),
    "events_1": ("ai", "x1i"), "total_1": ("n1i", "t1i"), "events_2": ("ci", "x2i"),
    "total_2": ("n2i", "t2i"), "events": ("xi",), "total": ("ni", "ti"), "r_1": ("r",),
    "r_2": ("r",),
}  # fmt: skip
#: Where a total is missing, the column of those without an event.
_WITHOUT = {"total_1": "bi", "total_2": "di", "total": "mi"}
DESIGN_EFFECT = "design_effect"
#: What a design effect divides, by the beginning of the column's name.
_SIZES = ("n", "total", "events")
_STUDIES = ("row_id", "label", "study_id", "study")


def row_names(frame: pd.DataFrame) -> list[str]:
    """A name for each row in messages: its place from 1, and its study where one is named."""
    named = next((name for name in _STUDIES if name in frame.columns), None)
    if named is None:
        return [f"row {i}" for i in range(1, len(frame) + 1)]
    return [f"row {i} ({str(label)!r})" for i, label in enumerate(frame[named], 1)]


def numbers(frame: pd.DataFrame, column: str, where: str = "escalc") -> Array:
    """A column as numbers, NaN where a cell is empty.

    Raises
    ------
    InputError
        A cell that holds text which is no number, or an infinite number.
    """
    found = table_column(frame, column, where)
    series = frame[column]
    said = series.notna().to_numpy() & (series.astype(str).str.strip() != "").to_numpy()
    bad = np.flatnonzero((np.isnan(found) & said) | np.isinf(found))
    if bad.size:
        i = int(bad[0])
        raise InputError(
            f"{where}: {row_names(frame)[i]}, column {column!r}: found {_shown(series.iloc[i])}; "
            "allowed is one finite number with a decimal point. Leave the cell empty if it is "
            "not known"
        )
    return found


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value)[:80]


def _find(frame: pd.DataFrame, name: str) -> Array | None:
    columns = frame.columns
    for other in (name, *OTHER_NAMES.get(name, ())):
        if other in columns:
            return numbers(frame, other)
    if name in _WITHOUT and _WITHOUT[name] in columns:
        events = _find(frame, name.replace("total", "events"))
        return None if events is None else events + numbers(frame, _WITHOUT[name])
    if name == "n" and {"n_1", "n_2"} <= set(columns):
        return _paired_number(frame)
    return None


def _paired_number(frame: pd.DataFrame) -> Array:
    one, two = numbers(frame, "n_1"), numbers(frame, "n_2")
    bad = np.flatnonzero((one != two) & ~np.isnan(one) & ~np.isnan(two))
    if bad.size:
        i = int(bad[0])
        raise InputError(
            f"escalc: {row_names(frame)[i]}: n_1 {one[i]:g} and n_2 {two[i]:g} differ, and pairs "
            "have one number of people; give it in a column n"
        )
    return one


def columns_of(
    frame: pd.DataFrame,
    needs: Iterable[str],
    instead: Mapping[str, tuple[str, ...]],
    measure: str,
    optional: Iterable[str] = (),
) -> dict[str, Array]:
    """The columns that a measure needs (each (k,)), checked; NaN where a cell is empty.

    Parameters
    ----------
    needs
        Names of the columns.
    instead
        Columns that may stand in the place of several needed ones, as a mean change.
    measure
        For messages.
    optional
        Columns that are taken where they are there.

    Raises
    ------
    InputError
        A missing column, a cell that is no number, a value that cannot be.
    """
    needs = tuple(needs)
    found: dict[str, Array] = {}
    spared: set[str] = set()
    for name, replaced in instead.items():
        if name in frame.columns:
            found[name] = numbers(frame, name)
            spared |= set(replaced)
    found |= {name: numbers(frame, name) for name in optional if name in frame.columns}
    kept = {"yi", "vi"} <= set(frame.columns)  # rows without raw numbers keep their effect
    missing = []
    for name in needs:
        column = _find(frame, name)
        if column is not None and (name in spared or not np.isnan(column).all() or kept):
            found[name] = column
        elif name in spared:
            found[name] = np.full(len(frame), np.nan)
        else:
            missing.append(name)
    if missing:
        _refuse_missing(frame, missing, needs, measure)
    _check(frame, found)
    return _effective(frame, found)


def _refuse_missing(
    frame: pd.DataFrame, missing: list[str], needs: tuple[str, ...], measure: str
) -> None:
    shown = [str(column) for column in frame.columns[:30]]
    near = suggestion(missing[0], [name for name in shown if name not in needs])
    pairs = ""
    if "r" in missing and "n" in needs and len(needs) > 2:
        pairs = (
            "; pairs need r, the correlation of both measurements: where it was not printed, "
            "rs.pool_crossovers takes all that are possible"
        )
    if "first" in frame.columns and "n_1" in missing:
        pairs = "; the people of two groups stand in column n as '13 / 12'"
    raise InputError(
        f"escalc: measure {measure} needs the columns {', '.join(needs)}; missing or empty: "
        f"{', '.join(missing)}{near}; the table has: {', '.join(shown)}{pairs}"
    )


def _check(frame: pd.DataFrame, found: Mapping[str, Array]) -> None:
    for name, values in found.items():
        stem = name.rstrip("_12")
        if stem in ("n", "total"):
            _refuse(frame, name, values, ~(values > 0), "above 0")
        elif stem in ("events", "sd", "sd_pre", "sd_post", "sd_change"):
            _refuse(frame, name, values, values < 0, "0 or more")
        elif stem == "r":
            _refuse(frame, name, values, np.abs(values) > 1, "between -1 and 1")


def _refuse(
    frame: pd.DataFrame, name: str, values: Array, bad: Mask, allowed: str, advice: str = ""
) -> None:
    wrong = np.flatnonzero(bad & ~np.isnan(values))
    if wrong.size:
        i = int(wrong[0])
        raise InputError(
            f"escalc: {row_names(frame)[i]}, column {name!r}: found {values[i]:g}; allowed: "
            f"{allowed}. {advice or 'Correct the cell or leave the row out'}"
        )


def check_people(frame: pd.DataFrame, found: Mapping[str, Array]) -> None:
    """No more events than people."""
    for name in ("events", "events_1", "events_2"):
        if name in found:
            total = found[name.replace("events", "total")]
            _refuse(
                frame, name, found[name], found[name] > total, "at most the total",
                "If total is exposure, take a rate: IRR, IRD, IR",
            )  # fmt: skip


def check_one_sign(frame: pd.DataFrame, found: Mapping[str, Array], columns: Iterable[str]) -> None:
    """Logarithms of means: all of one sign, and none 0."""
    stack = np.array([found[name] for name in columns])
    bad = ~((stack > 0).all(axis=0) | (stack < 0).all(axis=0)) & ~np.isnan(stack).any(axis=0)
    _refuse(
        frame, next(iter(columns)), stack[0], bad, "means above 0, whose ratio has a logarithm",
        "Take the difference, measure MD or MC",
    )  # fmt: skip


def check_size(
    frame: pd.DataFrame, found: Mapping[str, Array], name: str, least: float, measure: str
) -> None:
    """Enough people for the variance of a measure."""
    _refuse(frame, name, found[name], found[name] < least, f"{least:g} or more for {measure}")


def check_correlation(frame: pd.DataFrame, found: Mapping[str, Array]) -> None:
    """A correlation whose Fisher z is finite."""
    _refuse(frame, "r", found["r"], np.abs(found["r"]) >= 1, "between -1 and 1, both excluded")


def _effective(frame: pd.DataFrame, found: dict[str, Array]) -> dict[str, Array]:
    """Sizes divided by each row's design effect, where the table has that column."""
    if DESIGN_EFFECT not in frame.columns:
        return found
    effect = numbers(frame, DESIGN_EFFECT)
    _refuse(frame, DESIGN_EFFECT, effect, ~(effect > 0), "above 0, 1 for people on their own")
    effect = np.where(np.isnan(effect), 1.0, effect)
    sized = {
        name: values / effect if name.partition("_")[0] in _SIZES else values
        for name, values in found.items()
    }
    roots = {name: values * np.sqrt(effect) for name, values in found.items() if "_se" in name}
    return sized | roots
