"""Words of a forest's rows: label, heterogeneity, people, weight, and the estimate as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from retrostats.common.rounding import rounded, with_limits
from retrostats.report.figures import theme
from retrostats.report.figures.looks import narrow

ROW = 1.7  # mm around a row's text
#: In one column, below a row's words: to the middle of its mark, from there to the end of its
#: row, and what a bracket needs more than that.
MARK_TOP_MM, MARK_MM, BRACKET_MM = 1.7, 2.0, 0.6
BESIDE_MM = 3.0  # between words and the numbers at the end of their line
HEADING = 4.4
NO_TAU = 1e-6  # what a search for the most likely tau leaves of none
WIDE_SPACE = 2.0  # spaces between the longest estimate and the brackets
MINUS, NBSP = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its words: label, what is said below it in grey, and its height in mm.

    Where there is no column for it, `values` stands at the right end of the line `values_at`.
    """

    row: dict[Any, Any]
    heading: list[str]
    words: list[str]
    notes: list[str]
    values: str
    values_at: int
    height: float

    @property
    def said(self) -> int:
        """Lines of text, from the first of the label to the last of the note or the numbers."""
        below = self.values_at + 1 if self.values else 0
        return max(len(self.words) + len(self.notes), below)

    @property
    def mark_mm(self) -> float:
        """From the top of the row's words to the middle of a mark below them."""
        return theme.LINE_MM * self.said + (MARK_TOP_MM if _known(self.row) else 0.0)


def label_width(rows: pd.DataFrame) -> float:
    """Widest label or note in mm; labels in bold are of pools, with a line of their own below."""
    notes = [theme.width_mm(_heterogeneity(row)) for row in rows.to_dict("records")]
    labels = [
        theme.width_mm(theme.clean(text), bold=role == "pooled")
        for text, role in zip(rows["label"], rows["role"], strict=True)
    ]
    return max([*labels, *notes])


def heading_mm(heading: Sequence[str]) -> float:
    """Height of the heading above a row."""
    return HEADING + theme.LINE_MM * (len(heading) - 1) if heading else 0.0


def lines_of(rows: pd.DataFrame, label_mm: float, heading_room: float) -> Iterator[Line]:
    """Rows in drawing order, words wrapped to the column of labels, headings up to the axis."""
    groups = list(rows["group"]) if "group" in rows else [""] * len(rows)
    before: str | None = None
    for row, group in zip(rows.to_dict("records"), groups, strict=True):
        new = group != before and theme.clean(group)
        heading = theme.wrap(group, heading_room, bold=True) if new else []
        before = group
        bold = row["role"] == "pooled"
        words = theme.wrap(row["label"], label_mm, bold=bold)
        notes = theme.wrap(_heterogeneity(row), label_mm) if _heterogeneity(row) else []
        values = _beside(row) if narrow() else ""
        at = _beside_which(words, notes, values, label_mm, bold=bold) if values else 0
        line = Line(row, heading, words, notes, values, at, 0.0)
        height = line.mark_mm + _below_mm(row) if narrow() else theme.LINE_MM * line.said + ROW
        yield replace(line, height=height + heading_mm(heading))


def _known(row: Mapping[Any, Any]) -> bool:
    """Whether a row has an estimate; else it was printed in words, which the label gives."""
    return bool(row["estimate"] == row["estimate"])


def _below_mm(row: Mapping[Any, Any]) -> float:
    """From the middle of a row's mark to its end, with a bracket where there is one."""
    return MARK_MM + (BRACKET_MM if row["sens_low"] == row["sens_low"] else 0.0)


def _beside_which(
    words: Sequence[str], notes: Sequence[str], values: str, room: float, *, bold: bool
) -> int:
    """The last line with room for the numbers at its end, else one below them all."""
    widths = [theme.width_mm(text, bold=bold) for text in words]
    widths += [theme.width_mm(text) for text in notes]
    left = room - BESIDE_MM - theme.width_mm(values, bold=bold)
    return max((i for i, width in enumerate(widths) if width <= left), default=len(widths))


def _beside(row: Mapping[Any, Any]) -> str:
    """Estimate and people of a row that has no columns for them; its mark shows its weight."""
    said = [estimate_text(row).replace(" ", NBSP)] if _known(row) else []
    people = n_text(row.get("n", float("nan")))
    said += [f"n{NBSP}{people}"] if people else []
    return ", ".join(said)


def _heterogeneity(row: Mapping[Any, Any]) -> str:
    """How many estimates a pool holds, and how far they differ."""
    k, tau, i2 = (float(row.get(name, float("nan"))) for name in ("k", "tau", "i2"))
    if k != k or row["role"] != "pooled":
        return ""
    parts = [f"k = {k:.0f}"]
    parts += [f"τ = {rounded(tau) if tau > NO_TAU else '0'}"] if tau == tau else []
    parts += [f"I² = {i2:.0f}%"] if i2 == i2 else []
    return ", ".join(part.replace(" ", NBSP) for part in parts)


def n_text(n: float) -> str:
    """People of a row; "" where they are not known."""
    return f"{n:,.0f}" if n == n else ""


def people_range(rows: pd.DataFrame, pools: Sequence[str]) -> str:
    """People of the studies, as the title of an axis ends with them; pools count no study twice."""
    if "n" not in rows:
        return ""
    studies = rows.loc[~rows["role"].isin(pools), "n"].dropna()
    known = studies if len(studies) else rows["n"].dropna()
    if known.empty:
        return "; n not printed"
    low, high = n_text(known.min()), n_text(known.max())
    of = " a study" if len(studies) else ""
    return f"; n = {low}" if low == high else f"; n = {low} to {high}{of}"


def estimate_text(row: Mapping[Any, Any]) -> str:
    """Estimate and limits by the one rule of rounding."""
    if row["estimate"] != row["estimate"]:
        return "no estimate" if row["role"] in ("study", "term") else "printed in words"
    if row["conf_low"] == row["conf_low"]:
        text, low, high = with_limits(row["estimate"], row["conf_low"], row["conf_high"])
        text = f"{text} [{low}, {high}]"
    else:
        short = narrow() or row["role"] == "study"
        text = f"{rounded(row['estimate'])} [{'no SE' if short else 'no SE printed'}]"
    return text.replace("-", MINUS)


@dataclass(frozen=True, slots=True)
class Values:
    """The column of estimates, as metafor sets it: each point and each bracket below the other.

    Attributes
    ----------
    point, bracket
        From the left of the column to the decimal points and to the brackets, in mm.
    width
        Of the column in mm.
    """

    point: float
    bracket: float
    width: float

    def placed(self, row: Mapping[Any, Any]) -> list[tuple[str, float]]:
        """Words of a row's estimate and of its interval, each with where it begins, in mm."""
        first, rest = _in_two(row)
        if not rest:
            return [(first, 0.0)]
        return [(first, self.point - _before_point(first, row)), (rest, self.bracket)]


NO_VALUES = Values(0.0, 0.0, 0.0)


def values_of(tables: Sequence[pd.DataFrame], least_mm: float) -> Values:
    """The column that holds the estimates of all rows, at least so wide."""
    point = after = last = alone = 0.0
    for row in (row for table in tables for row in table.to_dict("records")):
        first, rest = _in_two(row)
        bold = row["role"] == "pooled"
        if not rest:
            alone = max(alone, theme.width_mm(first, bold=bold))
            continue
        before = _before_point(first, row)
        point = max(point, before)
        after = max(after, theme.width_mm(first, bold=bold) - before)
        last = max(last, theme.width_mm(rest, bold=bold))
    bracket = point + after + theme.width_mm(" ") * WIDE_SPACE
    return Values(point, bracket, max(bracket + last, alone, least_mm))


def _in_two(row: Mapping[Any, Any]) -> tuple[str, str]:
    """Estimate, and its interval in brackets; words alone stand first."""
    first, bracket, rest = estimate_text(row).partition(" [")
    return first, f"[{rest}" if bracket else ""


def _before_point(number: str, row: Mapping[Any, Any]) -> float:
    """Width of what stands before the decimal point of a number, in mm."""
    return theme.width_mm(number.partition(".")[0], bold=row["role"] == "pooled")


def weighed(rows: pd.DataFrame) -> bool:
    """Whether any row has a weight."""
    return "weight" in rows and bool(np.isfinite(rows["weight"].astype(float)).any())


def counted(rows: pd.DataFrame) -> bool:
    """Whether the people of any row are known."""
    return "n" in rows and bool(rows["n"].notna().any())
