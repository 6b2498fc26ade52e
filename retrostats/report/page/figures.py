"""A figure as the page shows it: words, picture, files beside the page, and how to cite it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from retrostats.common.citation import cite

#: What is added to the name of a figure for its version at the width of a phone.
NARROW = " (narrow)"


@dataclass(frozen=True, slots=True)
class PageFigure:
    """One figure of the page.

    Attributes
    ----------
    name, words, svg, narrow
        Its name, what it shows, and the picture, also at the width of a phone where there is one.
    owner, claim
        The analysis, and the claim it stands under ("" for the section of the analysis).
    files
        Names of its files beside the page.
    cited
        How to cite it.
    """

    name: str
    words: str
    svg: Markup
    owner: str
    claim: str
    files: tuple[str, ...]
    cited: str
    narrow: Markup


def page_figures(
    replication: Any,
    svgs: Mapping[str, Markup],
    words: Mapping[str, str],
    formats: Sequence[str] = (),
) -> tuple[PageFigure, ...]:
    """Every figure that has a picture, in the order in which they were drawn."""
    return tuple(
        PageFigure(
            name,
            words[name],
            svgs[name],
            drawing.analysis,
            drawing.claim,
            tuple(f"figures/{name}.{kind}" for kind in drawing.written(formats)),
            citation(name, drawing.alt, replication),
            svgs.get(f"{name}{NARROW}", Markup("")),
        )
        for name, drawing in replication.drawings.items()
        if name in svgs
    )


def citation(name: str, shows: str, replication: Any) -> str:
    """How to cite a figure: what it shows, the audit, and what computed it."""
    run = replication.provenance
    draws = f"{run['draws']:,} draws, seed {run['seed']}" if {"draws", "seed"} <= set(run) else ""
    own = " and own data" if run.get("cohorts") else ""
    parts = (
        f"“{shows}.” Figure “{name.replace('_', ' ')}” in: {replication.audit.title}.",
        f"Computed from printed numbers{own}{f' ({draws})' if draws else ''} with: {cite()!r}",
    )
    return " ".join(parts)


def owned(figures: Sequence[PageFigure], owner: str) -> list[PageFigure]:
    """Figures of a section."""
    return [figure for figure in figures if figure.owner == owner and not figure.claim]


def by_claim(figures: Sequence[PageFigure]) -> dict[str, list[PageFigure]]:
    """Figures that stand under a claim, by its identifier."""
    found: dict[str, list[PageFigure]] = {}
    for figure in figures:
        if figure.claim:
            found.setdefault(figure.claim, []).append(figure)
    return found
