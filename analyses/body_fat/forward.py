"""Forward running in other trials: percent fat from printed masses, and what has no error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from retrostats.evidence.findings.printed import Shown, shown_only
from retrostats.evidence.printed.change import (
    percent_fat_change,
)
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow
from retrostats.evidence.unreported.unknowns import Choice, Unknown, Values

from .names import BOTH_CHANGES, FORWARD, UNIT, Parts

if TYPE_CHECKING:
    import pandas as pd


def forward_space(rows: pd.DataFrame) -> tuple[Callable[[Values], Parts], list[Unknown | Choice]]:
    """Forward running: percent fat from printed masses over their rounding and the correlation.

    Returns change in points, its error and the baseline percentage.
    """
    fat, lean = pre_post(rows, "fat_mass_kg"), pre_post(rows, "fat_free_mass_kg")
    cells = {
        f"{what} {when}, Hazell 2014": (row, "mean")
        for what, pair in (("fat mass", fat), ("lean mass", lean))
        for when, row in zip(("before", "after"), pair, strict=True)
    }
    ps = {f"p of {what}, Hazell 2014": (pair[1], "p_value")
          for what, pair in (("fat mass", fat), ("lean mass", lean))}  # fmt: skip
    unknowns: list[Unknown | Choice] = [
        Unknown.of_cell(name, *cell) for name, cell in {**cells, **ps}.items()
    ]
    unknowns.append(Unknown(BOTH_CHANGES, -1.0, 1.0, "not printed", "hazell2014"))
    f0, f1, l0, l1 = cells
    p_fat, p_lean = ps
    people = int(people_of(rows))

    def parts(v: Values) -> Parts:
        before, change, error = percent_fat_change(
            (v[f0], v[f1]), (v[l0], v[l1]), (v[p_fat], v[p_lean]), people,
            v[BOTH_CHANGES],
        )  # fmt: skip
        return change, error, before

    return parts, unknowns


def scaled(forward: Callable[[Values], Parts], reading: str, df: float, v: Values) -> Parts:
    """The change in the unit of one reading."""
    change, error, before = forward(v)
    per = 100 / before if reading == "relative" else 1.0
    return change * per, error * per, df


def forward_estimate(rows: pd.DataFrame, reading: str) -> Estimate:
    """Hazell 2014: change of percent fat with six weeks of forward sprint running."""
    fat, lean = pre_post(rows, "fat_mass_kg"), pre_post(rows, "fat_free_mass_kg")
    before, change, std_error = percent_fat_change(
        (fat[0]["mean"], fat[1]["mean"]),
        (lean[0]["mean"], lean[1]["mean"]),
        (fat[1]["p_value"], lean[1]["p_value"]),
        int(fat[1]["n"]),
        0.0,
    )
    per = 1.0 if reading == "points" else 100 / float(before)
    return Estimate(
        float(change) * per,
        float(std_error) * per,
        fat[1]["n"] - 1,
        "difference",
        UNIT[reading],
        tuple(row["row_id"] for row in (*fat, *lean)),
        ("bf-hazell",),
    )


def pre_post(rows: pd.DataFrame, outcome: str) -> tuple[pd.Series, pd.Series]:
    """Rows of Hazell 2014 before and after the six weeks."""
    where = {"study_id": "hazell2014", "outcome": outcome}
    return one_row(rows, time="pre", **where), one_row(rows, time="post", **where)


def people_of(rows: pd.DataFrame) -> float:
    """People of Hazell 2014 with both measurements; counted, not recovered from the df of a fit."""
    return float(pre_post(rows, "fat_mass_kg")[1]["n"])


def forward_rows(rows: pd.DataFrame, forward: Mapping[str, Estimate]) -> list[EstimateRow]:
    """One row a reading of its change."""
    return [
        EstimateRow.of(
            estimate,
            f"bf-hazell-{reading}",
            "Hazell 2014, forward sprints",
            quantity="body_fat_change",
            role="recomputed",
            study_id="hazell2014",
            n=people_of(rows),
            directness="forward running, other trial",
            group=FORWARD,
            reading=UNIT[reading],
        )
        for reading, estimate in forward.items()
    ]


def macpherson_row(rows: pd.DataFrame, outcome: str, word: str, time: str) -> pd.Series:
    """Row of the arm whose name contains `word`."""
    arm = rows["arm"].str.contains(word)
    return one_row(rows[arm], study_id="macpherson2011", outcome=outcome, time=time)


def printed_only_rows(rows: pd.DataFrame) -> list[Shown]:
    """Fat-mass changes of forward running printed with p < 0.05 only: no standard error."""
    arms = {"endurance": "steady running", "sprint": "sprints"}
    found = []
    for word, label in arms.items():
        post = macpherson_row(rows, "fat_mass_kg", word, "post")
        found.append(
            shown_only(
                [(post, "pct_change")],
                lambda change: change,
                f"bf-macpherson-{word}",
                f"Macpherson 2011, {label}, fat mass",
                quantity="body_fat_change",
                scale="difference",
                unit=UNIT["relative"],
                reading="fat mass, % of baseline",
                directness="forward running, other trial",
                group=FORWARD,
            )
        )
    return found
