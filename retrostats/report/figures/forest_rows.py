"""Words of a forest's rows: label, heterogeneity, people, weight, and the estimate as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from retrostats.common.rounding import rounded, with_limits
from retrostats.report.figures import theme
from retrostats.report.figures.looks import narrow

ROW, NARROW_ROW = 1.9, 1.0  # mm around a row's text
HEADING = 4.4
MINUS, NBSP = "\N{MINUS SIGN}", "\N{NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class Line:
    """A row with its words: label, what is said below it in grey, and its height in mm.

    `values` is what stands below those where there is no column for it.
    """

    row: dict[Any, Any]
    heading: list[str]
    words: list[str]
    notes: list[str]
    values: list[str]
    height: float


def label_width(rows: pd.DataFrame) -> float:
    """Widest label or note in mm; labels in bold are of pools, with a line of their own below."""
    notes = [theme.width_mm(_heterogeneity(row)) for row in rows.to_dict("records")]
    labels = [
        theme.width_mm(theme.clean(text), bold=role == "pooled")
        for text, role in zip(rows["label"], rows["role"], strict=True)
    ]
    values = [theme.width_mm(_beside(row)) for row in rows.to_dict("records")] if narrow() else []
    return max([*labels, *notes, *values])


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
        said = _beside(row) if narrow() else ""
        values = theme.wrap(said, label_mm, bold=bold) if said else []
        height = theme.LINE_MM * (len(words) + len(notes) + len(values))
        height += NARROW_ROW if narrow() else ROW
        yield Line(row, heading, words, notes, values, height + heading_mm(heading))


def _beside(row: Mapping[Any, Any]) -> str:
    """Estimate and people of a row that has no columns for them; its mark shows its weight."""
    known = row["estimate"] == row["estimate"]  # else printed in words, which the label gives
    said = [estimate_text(row).replace(" ", NBSP)] if known else []
    people = n_text(row.get("n", float("nan")))
    said += [f"n{NBSP}{people}"] if people else []
    return ", ".join(said)


def _heterogeneity(row: Mapping[Any, Any]) -> str:
    """How many estimates a pool holds, and how far they differ."""
    k, tau, i2 = (float(row.get(name, float("nan"))) for name in ("k", "tau", "i2"))
    if k != k or row["role"] != "pooled":
        return ""
    parts = [f"k = {k:.0f}"]
    parts += [f"τ = {rounded(tau)}"] if tau == tau else []
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


def weighed(rows: pd.DataFrame) -> bool:
    """Whether any row has a weight."""
    return "weight" in rows and bool(np.isfinite(rows["weight"].astype(float)).any())


def counted(rows: pd.DataFrame) -> bool:
    """Whether the people of any row are known."""
    return "n" in rows and bool(rows["n"].notna().any())
