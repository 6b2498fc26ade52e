"""Pictures of an analysis from its frames, a call each: forests of its rows, and sensitivity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrostats.report.figures.drawing import Drawing
from retrostats.report.figures.panels import band_of, origin_of, panel_of, rows_of, stack
from retrostats.report.figures.retelling import Column, retelling_chain
from retrostats.report.figures.sensitivity import sensitivity

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.report.figures.forest import Panel

Frames = Mapping[str, "pd.DataFrame"]


@dataclass(frozen=True, slots=True)
class Forest:
    """A panel of a forest: the rows of one quantity.

    Attributes
    ----------
    quantity
        Whose rows.
    axis, title
        Words; where they hold "{unit}", each unit has a panel of its own.
    ends
        What it means to lie left and right of the null value.
    claim_id
        Claim whose range is drawn.
    """

    quantity: str
    axis: str
    title: str = ""
    ends: tuple[str, str] = ("", "")
    claim_id: str = ""

    def panels(self, estimates: pd.DataFrame, claims: Mapping[str, Any]) -> Iterator[Panel | None]:
        """Its panels; one that has no rows is None."""
        band = band_of(claims.get(self.claim_id))
        rows = rows_of(estimates, self.quantity)
        parts = rows.groupby("unit", sort=False) if "{unit}" in self.axis else [("", rows)]
        for unit, part in parts:
            words = [text.format(unit=unit) for text in (self.axis, self.title)]
            yield panel_of(part, words[0], title=words[1], band=band, ends=self.ends)


def forest_drawing(
    frames: Frames,
    claims: Mapping[str, Any],
    forests: Sequence[Forest],
    sources: str,
    alt: str,
    shows: Sequence[str] = (),
    note: str = "",
) -> Drawing:
    """Forest of the panels that hold something.

    Parameters
    ----------
    frames, claims
        As `draw` is given them.
    forests
        Panels in drawing order.
    sources
        Tables that the numbers come from.
    alt
        What the figure shows; its caption in the report.
    shows
        `estimate_id` of the results it is about.
    note
        A sentence that the caption begins with.

    Examples
    --------
    >>> import retrostats as rs
    >>> found = rs.replicate(["body-fat"], draws=0)
    >>> frames = {"estimates": found.estimates}
    >>> forests = [Forest("body_fat_change", "Percentage points")]
    >>> forest_drawing(frames, {}, forests, "a table", "Changes").figure is None
    False
    """
    panels = [panel for forest in forests for panel in forest.panels(frames["estimates"], claims)]
    return Drawing(stack(panels, sources, note), alt, shows=tuple(shows))


def sensitivity_drawing(
    frames: Frames, claims: Mapping[str, Any], alt: str, shows: Sequence[str] = ()
) -> Drawing:
    """How results move with each unknown that is followed; see `forest_drawing`."""
    figure = sensitivity(frames["sensitivity"], claims, origin_of(frames["estimates"]))
    return Drawing(figure, alt, shows=tuple(shows))


def retelling_drawing(
    retellings: pd.DataFrame, alt: str, columns: Sequence[Column], sources: str, note: str = ""
) -> Drawing:
    """The retellings of one result, each under the one it retells; `alt` is told how many changed.

    Examples
    --------
    >>> import retrostats as rs
    >>> found = rs.replicate(["body-fat"], draws=0)
    >>> columns = [Column("figure_text", "figure", 15.0)]
    >>> retelling_drawing(found.retellings, "Who retold it", columns, "a table").alt
    'Who retold it: 9 of 9 retellings changed something'
    """
    changed = int((retellings["changed"] != "").sum())
    counted = f"{changed} of {len(retellings) - 1} retellings changed something"
    figure = retelling_chain(retellings, tuple(columns), sources=sources, note=note)
    return Drawing(figure, f"{alt}: {counted}")
