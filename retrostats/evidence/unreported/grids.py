"""An answer at every combination of a few settings of the unknowns that matter most.

What a reader moves by hand: the package's own answers at the points of a grid, nothing between.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.exploration import Exploration
from retrostats.evidence.unreported.measures import Explored
from retrostats.evidence.unreported.unknowns import Choice, Kind, Unknown

Array = NDArray[np.float64]
#: Unknowns that are moved, points of a grid, and settings of a range, the most that fit first.
MOST_CONTROLS, MOST_POINTS, STEPS = 3, 256, (9, 7, 5, 3)
#: Share of the variance below which an unknown is not worth a control.
LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Control:
    """One unknown of a grid.

    Attributes
    ----------
    name, why, cell, kind, unit
        Of the unknown; empty for a choice but for the first two.
    labels
        Its options, if it is a choice; empty for a range.
    values
        Its value at each point of the grid (n,): a range may depend on other unknowns.
    settings, start
        How many settings it has, and the one the answer is given at elsewhere.
    """

    name: str
    why: str
    labels: tuple[str, ...]
    values: Array
    settings: int
    start: int
    cell: str = ""
    kind: Kind = ""
    unit: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Answers of a measure over the settings of its controls, all other unknowns at their middle.

    Attributes
    ----------
    entry
        The measure and its explorations.
    controls
        In the order of their influence; the last one moves fastest along the points.
    points
        Positions of every unknown (n, d).
    at95, at90
        Estimate and limits (n, 3); NaN where settings contradict one another.
    """

    entry: Explored
    controls: tuple[Control, ...]
    points: Array
    at95: Array
    at90: Array

    @property
    def start(self) -> int:
        """The point with every control where it starts."""
        at = 0
        for control in self.controls:
            at = at * control.settings + control.start
        return at


def grid_of(entry: Explored) -> Grid | None:
    """The grid of one measure; None if nothing that matters was left open.

    Examples
    --------
    >>> from retrostats.evidence.result.findings import Measure
    >>> from retrostats.evidence.unreported.measures import Options, explore_measures
    >>> from retrostats.evidence.unreported.unknowns import Unknown
    >>> measure = Measure("m", "mean", lambda level: lambda v: (v["x"], v["x"] - 1, v["x"] + 1),
    ...                   (Unknown("x", 1.0, 2.0),), "claim")
    >>> grid = grid_of(explore_measures([measure], Options(8, 1))[0])
    >>> [c.name for c in grid.controls], grid.at95[grid.start].tolist()
    (['x'], [1.5, 0.5, 2.5])
    """
    explored = entry.at95
    chosen = _columns(explored)
    if not chosen:
        return None
    settings = _settings(explored, chosen)
    positions = [_positions(explored, c, n) for c, n in zip(chosen, settings, strict=True)]
    points = np.repeat(explored.space.reference_point, int(np.prod(settings)), axis=0)
    points[:, chosen] = list(product(*positions))
    values = explored.space.values(points)
    controls = []
    for column, count in zip(chosen, settings, strict=True):
        unknown = explored.space.unknowns[column]
        choice = isinstance(unknown, Choice)
        shown = np.zeros(len(points)) if choice else values[unknown.name]
        controls.append(
            Control(
                unknown.name, unknown.why, unknown.labels if isinstance(unknown, Choice) else (),
                np.asarray(shown, dtype=float), count, 0 if choice else count // 2,
                **({} if isinstance(unknown, Choice) else _told(unknown)),
            )
        )  # fmt: skip
    return Grid(
        entry, tuple(controls), points, explored.answers(points), entry.at90.answers(points)
    )


def _told(unknown: Unknown) -> dict[str, Any]:
    """How the values of a range are told."""
    return {"cell": unknown.cell, "kind": unknown.kind, "unit": unknown.unit}


def _columns(explored: Exploration) -> list[int]:
    """The unknowns that move the answer most, by their total share of its variance."""
    if not explored.space.size:
        return []
    ranked = explored.influence.sort_values("total", ascending=False, kind="stable")
    names = ranked.loc[ranked["total"] >= LEAST_SHARE, "unknown"].head(MOST_CONTROLS)
    return [explored.space.names.index(name) for name in names]


def _settings(explored: Exploration, chosen: list[int]) -> list[int]:
    """Settings of each: all options of a choice, as many of a range as the grid has room for."""
    options = explored.space.choices
    for steps in STEPS:
        found = [options.get(column, steps) for column in chosen]
        if np.prod(found) <= MOST_POINTS:
            return found
    return found


def _positions(explored: Exploration, column: int, count: int) -> list[float]:
    if column in explored.space.choices:
        return [(i + 0.5) / count for i in range(count)]
    return [i / (count - 1) for i in range(count)]
