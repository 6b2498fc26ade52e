"""What an analysis hands to the report: a figure, and what it shows in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with the words for those who cannot see it.

    Attributes
    ----------
    figure
        None if there was nothing to draw.
    alt
        What the figure shows; its caption in the report.
    analysis
        Name of the analysis that drew it, "" for the overview; the path fills it in.
    shows
        `estimate_id` of the results it is about: their numbers are told with it.
    claim
        `claim_id` it stands under, "" for the section of its analysis.
    alone
        Whether it was asked for by itself, not only to stand under its claim on the page.
    """

    figure: Figure | None
    alt: str
    analysis: str = ""
    shows: tuple[str, ...] = ()
    claim: str = ""
    alone: bool = False

    def written(self, formats: Sequence[str]) -> tuple[str, ...]:
        """Formats it is written in: SVG only where it is for the page, under its claim.

        Examples
        --------
        >>> Drawing(None, "a", claim="c").written(["svg", "pdf"])
        ('svg',)
        """
        return tuple(kind for kind in formats if kind == "svg" or not self.claim or self.alone)


def drawings_of(
    drawn: Mapping[str, Drawing | Figure | None], analysis: str = ""
) -> dict[str, Drawing]:
    """What one analysis drew, by name, with its owner; without those that had nothing to show.

    A bare figure is described by its name.

    Examples
    --------
    >>> drawings_of({"heart_rate": Figure(), "empty": None}, "pulse")["heart_rate"].alt
    'heart rate'
    """
    found = {}
    for name, item in drawn.items():
        drawing = item if isinstance(item, Drawing) else Drawing(item, name.replace("_", " "))
        if drawing.figure is not None:
            found[name] = replace(drawing, analysis=analysis)
    return found
