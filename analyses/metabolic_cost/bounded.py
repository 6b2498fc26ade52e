"""Sources that print no error: a bare percentage, and results in words, each bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from retrostats.audit.analysis import Context
from retrostats.evidence.findings.printed import no_standard_error_row, words_row
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.printed.reported import Reported
from retrostats.evidence.result.findings import Assumption, EstimateRow
from retrostats.evidence.unreported.sources import (
    Effects,
    Source,
    not_significant_source,
    percentage_source,
    significant_source,
)
from retrostats.evidence.unreported.unknowns import Unknown, Values

from .names import FLYNN, FLYNN_SHARE, PAES, RASICA, RASICA_LEVEL, RATIO, REILLY, UNIT

if TYPE_CHECKING:
    import pandas as pd

#: Rows, identifier and label of results in words alone that are bounded.
IN_WORDS = (
    ((PAES,), "mc-paes", "Paes 2016, run, “not significant”"),
    ((REILLY,), "mc-reilly", "Reilly 1984, run, “significantly greater”"),
    ((FLYNN, FLYNN_SHARE), "mc-flynn", "Flynn 1994, run, “higher”, p < 0.001"),
)
#: Oxygen uptake of level running [ml/kg/min] at a speed [m/min]: slope and intercept of the running
#: equation of the American College of Sports Medicine (Guidelines for Exercise Testing).
RUNNING_EQUATION = (0.2, 3.5)
ASSUMPTIONS = (
    Assumption(
        "mc-words-only",
        "results in words",
        "a result that is only called higher may be anything up to its upper bound",
        "Reilly 1984 (9 people, significantly greater) is bounded from below by its test and from "
        "above by the largest result printed; Flynn 1994 (p < 0.001, people not printed) by its "
        "own abstract; Cavagna 2011 names a higher cost without people or test, which any effect "
        "and error would fit",
    ),
    Assumption(
        "mc-flynn-peak",
        "unprinted level",
        "the people of Flynn 1994 have a peak oxygen uptake of 45 to 65 ml/kg/min, and running "
        "forward on the level costs them what the ACSM running equation gives",
        "the abstract prints the backward cost as 84% of the forward peak and neither the peak nor "
        "the forward cost",
        "flynn1994",
        45,
        65,
    ),
    Assumption(
        "mc-paes-flag",
        "quality",
        "the people of Paes 2016 were in a steady state",
        "less than 9 kcal, probably a minute, at 77.5 kg is at most 23 ml/kg/min, where the same "
        "equation gives 33 for running forward at 2.46 m/s; whether the test was corrected for "
        "several comparisons was not seen. It counts with all other results in words or not at all",
        "paes2016",
    ),
)


def words_rows(rows: pd.DataFrame) -> list[EstimateRow]:
    """Results in words: those that are bounded, and one that only says which way it went."""
    shown = {"scale": "ratio", "unit": UNIT, **RATIO}
    bounded = "printed in words; the range is every interval that the words leave"
    level = (
        "printed in words, without size or p; the same eight people as the mean over six grades, "
        "so it is weighed in no pool"
    )
    return [
        *(
            no_standard_error_row(
                [one_row(rows, row_id=row_id) for row_id in row_ids],
                float("nan"),
                name,
                label,
                note=bounded,
                **shown,
            )
            for row_ids, name, label in IN_WORDS
        ),
        words_row(
            one_row(rows, row_id=RASICA_LEVEL),
            "mc-rasica-level",
            "Rasica 2020, run, level, “higher”",
            note=level,
            **shown,
        ),
    ]


def _spread(context: Context, row_id: str, label: str) -> Unknown:
    """The spread between people that a source did not print."""
    return context.audit.range_of(row_id, "sd_log_ratio", f"how far people differ ({label})")


def rasica_source(context: Context) -> Source:
    """35% over six grades, with a range of spreads."""
    row = one_row(context.published, row_id=RASICA)
    label = "Rasica 2020"
    return percentage_source(
        label,
        Reported(row["pct_change_text"]),
        float(row["n"]),
        _spread(context, RASICA, label),
        (RASICA,),
        ("pct_change", ""),
    )


def paes_source(context: Context) -> Source:
    """Every effect that a paired test on ten people would not call significant."""
    row = one_row(context.published, row_id=PAES)
    label = "Paes 2016"
    spread = _spread(context, PAES, label)
    return not_significant_source(label, int(row["n"]), spread, rows=(PAES,))


def reilly_source(context: Context) -> Source:
    """Every effect that a paired test on nine people would call significant, up to a bound."""
    row = one_row(context.published, row_id=REILLY)
    label = "Reilly 1984"
    most = context.audit.range_of(REILLY, "ratio", "ratio")
    spread = _spread(context, REILLY, label)
    return significant_source(label, int(row["n"]), spread, most, rows=(REILLY,))


def flynn_source(context: Context) -> Source:
    """Higher at p < 0.001, and 84% of a peak that is not printed, over the forward cost.

    The backward cost is the printed share of the peak, the forward cost that of `RUNNING_EQUATION`
    at the printed speed; the peak moves inside its declared range as far as the paired test of an
    unknown number of people would still give the printed p.
    """
    from scipy.special import stdtrit

    words = one_row(context.published, row_id=FLYNN)
    printed = one_row(context.published, row_id=FLYNN_SHARE)
    label = "Flynn 1994"
    ends = context.audit.range_of(FLYNN, "peak_uptake", f"peak oxygen uptake ({label})")
    people = context.audit.range_of(FLYNN, "people", f"number of people ({label})")
    spread = _spread(context, FLYNN, label)
    share = Unknown.of_cell(f"share of the forward peak ({label})", printed, "mean")
    slope, rest = RUNNING_EQUATION
    forward = slope * 60 * float(words["speed_m_s"]) + rest
    alpha = float(words["p_value"])
    lowest = float(ends.low)  # type: ignore[arg-type]

    def least(v: Values) -> NDArray[np.float64]:
        n = v[people.name]
        ratio = np.exp(-stdtrit(n - 1, alpha / 2) * v[spread.name] / np.sqrt(n))
        needed: NDArray[np.float64] = ratio * forward * 100 / v[share.name]
        return np.maximum(lowest, needed)

    def effects(v: Values) -> Effects:
        ratio = v[share.name] / 100 * v[ends.name] / forward
        return Effects(np.log(ratio), v[spread.name] ** 2 / v[people.name])

    peak = Unknown(ends.name, least, ends.high, ends.why, ends.source)
    unknowns = (people, spread, share, peak)
    fewest = float(people.low) - 1  # type: ignore[arg-type]
    return Source(label, float("nan"), unknowns, effects, (FLYNN, FLYNN_SHARE), fewest)
