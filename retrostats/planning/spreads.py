"""The spread between people that the evidence leaves possible, for a study still to be run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retrostats.evidence.unreported.influence import quasi_random
from retrostats.evidence.unreported.unknowns import Space

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.evidence.unreported.sources import Source

Array = NDArray[np.float64]
#: Joint draws of what each source left open.
DRAWS = 512


def spreads_of(sources: Sequence[Source], seed: int) -> dict[str, Array]:
    """Spread of one person's contribution by source, at draws of everything it left open, sorted.

    The standard error of a source times the root of its people: for people measured in both
    conditions the standard deviation of their differences, which moves with the correlation that
    was not printed. A source without a number of people gives none.
    """
    found = {}
    for number, source in enumerate(sources):
        if not source.n > 0:
            continue
        space = Space.of(source.unknowns)
        points = quasi_random(space.size, DRAWS if space.size else 1, seed + number)
        variance = np.asarray(source.effects(space.values(points)).variance, dtype=float)
        spread = np.sqrt(variance * source.n)
        sound = spread[np.isfinite(spread) & (spread > 0)]
        if len(sound):
            found[source.name] = np.sort(np.resize(sound, DRAWS))
    return found


def mixed(by_source: dict[str, Array], factor: float = 1.0) -> Array:
    """All sources with one voice each, as one sorted sample."""
    return np.sort(np.concatenate(list(by_source.values()))) * factor


def spreads_frame(by_source: dict[str, Array]) -> pd.DataFrame:
    """One row a source: the spread at the lowest, the middle and the highest draw."""
    import pandas as pd

    rows: list[tuple[Any, ...]] = [
        (name, float(s[0]), float(np.median(s)), float(s[-1])) for name, s in by_source.items()
    ]
    return pd.DataFrame(rows, columns=["source", "low", "middle", "high"])
