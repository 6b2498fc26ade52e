"""Every combination of choices as a row, and every joint draw: tables behind pictures."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.evidence.unreported.exploration import OUTPUTS, Exploration
from retrostats.evidence.unreported.measures import Explored
from retrostats.evidence.unreported.unknowns import Choice

if TYPE_CHECKING:
    import pandas as pd

#: Combinations that are listed; a space with more choices shows the first of them.
MOST = 4096
#: Limits of the 90% interval, beside `conf_low` and `conf_high` of the 95% one.
NARROW = ("narrow_low", "narrow_high")


def specifications(explored: Exploration) -> pd.DataFrame:
    """The answer at every combination of choices, everything else at its middle.

    Returns
    -------
    DataFrame
        A column a choice with the label of its option, then estimate, conf_low, conf_high; sorted
        by the estimate. One row where nothing is to be chosen.

    Examples
    --------
    >>> from retrostats.evidence.unreported.exploration import explore
    >>> found = explore(lambda v: (v["x"], v["x"] - 1, v["x"] + 1),
    ...                 {"x": {"mild": 2.0, "strict": 1.0}}, draws=8)
    >>> specifications(found)["x"].tolist()
    ['strict', 'mild']
    """
    import pandas as pd

    space = explored.space
    points = _combinations(explored)
    labels = space.labels(points)
    chosen = {u.name: labels[u.name] for u in space.unknowns if isinstance(u, Choice)}
    answers = explored.answers(points)
    sound = np.flatnonzero(~np.isnan(answers).any(axis=1))
    order = sound[np.argsort(answers[sound, 0], kind="stable")]
    columns = {**chosen, **dict(zip(OUTPUTS, answers.T, strict=True))}
    return pd.DataFrame({name: values[order] for name, values in columns.items()})


def _combinations(explored: Exploration) -> Any:
    """Points (m, d): all combinations of options, everything else at its middle."""
    choices = explored.space.choices
    options = [[(i + 0.5) / count for i in range(count)] for count in choices.values()]
    listed = np.array(list(islice(product(*options), MOST)))
    points = np.repeat(explored.space.reference_point, len(listed), axis=0)
    points[:, list(choices)] = listed
    return points


def specifications_frame(explored: Sequence[Explored]) -> pd.DataFrame:
    """One row a combination of choices of each measure that judges a claim.

    `choices` and `options` are lists joined by "; ", in one order; `specification` counts by
    estimate, from 1.
    """
    import pandas as pd

    columns = ["estimate_id", "claim_id", "measure", "specification", "choices", "options",
               *OUTPUTS, *NARROW]  # fmt: skip
    parts = []
    for entry in _judging(explored):
        wide, narrow = specifications(entry.at95), specifications(entry.at90)
        chosen = [u.name for u in entry.at95.space.unknowns if isinstance(u, Choice)]
        options = zip(*(map(str, wide[name]) for name in chosen), strict=True)
        part = {
            **_named(entry, len(wide), "specification"),
            "choices": "; ".join(chosen),
            "options": ["; ".join(labels) for labels in options] if chosen else "",
            **_numbers(wide, narrow),
        }
        parts.append(pd.DataFrame(part, columns=columns))
    return _stacked(parts, columns)


def draws_frame(explored: Sequence[Explored]) -> pd.DataFrame:
    """One row a joint draw of each measure that judges a claim."""
    import pandas as pd

    columns = ["estimate_id", "claim_id", "measure", "draw", *OUTPUTS, *NARROW]
    parts = []
    for entry in _judging(explored):
        wide, narrow = entry.at95.draws, entry.at90.draws
        part = {**_named(entry, len(wide), "draw"), **_numbers(wide, narrow)}
        parts.append(pd.DataFrame(part, columns=columns))
    return _stacked(parts, columns)


def _named(entry: Explored, count: int, number: str) -> dict[str, Any]:
    """Columns that say whose rows they are, and count them from 1."""
    return {
        "estimate_id": entry.measure.estimate_id,
        "claim_id": entry.measure.claim_id,
        "measure": entry.measure.name,
        number: range(1, count + 1),
    }


def _numbers(wide: pd.DataFrame, narrow: pd.DataFrame) -> dict[str, Any]:
    """Answers at 95%, and limits at 90%: both share their points, so rows belong together."""
    found = {name: wide[name].to_numpy() for name in OUTPUTS}
    ends = [narrow[name].to_numpy() for name in ("conf_low", "conf_high")]
    return {**found, **dict(zip(NARROW, ends, strict=True))}


def _judging(explored: Sequence[Explored]) -> list[Explored]:
    return [entry for entry in explored if entry.measure.claim_id]


def _stacked(parts: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(columns))
