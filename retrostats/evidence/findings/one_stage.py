"""One stage: the people of every study, and a reader's own, in one mixed model.

Each person is one effect (a log ratio of the two conditions, or a change). Studies differ in their
mean effect and in the variance between their people:
``y ~ 1 + (1 | study)`` with ``residual="study"``. A printed study enters by its moments, a
cohort by its rows, and a study that leaves something open at the values it is given.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.evidence.findings.cohorts import Compared, log_rows, person_ratios
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow, Measure
from retrostats.evidence.unreported.pooled import COUNTED, interval_of, pool_unknowns
from retrostats.evidence.unreported.unknowns import Space
from retrostats.models.meta.one_stage import one_stage_batch

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.evidence.unreported.sources import Source
    from retrostats.evidence.unreported.unknowns import Choice, Values
    from retrostats.models.linear.fitted import LmmFit

_CELL = 3  # people from which rows are reduced as a study's
FORMULA = "y ~ 1 + (1 | study)"


def people_of(source: Source, values: Values) -> tuple[Any, Any]:
    """Mean effect of a source's people and the variance between them, arrays (d,)."""
    found = source.effects(values)
    return found.value, found.variance * source.n


def effect_rows(cohort: Any, by: Compared) -> pd.DataFrame:
    """One row a person of a cohort: study and y, the difference of the mean log outcomes.

    Less the effect of the period where there is one.

    NaN for a person without a speed met in both conditions.
    """
    import pandas as pd

    logged = log_rows(cohort, by)
    found = person_ratios(logged)
    effect = dict(zip(found.subjects, found.values, strict=True))
    people = sorted(set(logged["subject"]))
    return pd.DataFrame({"subject": people, "y": [effect.get(p, float("nan")) for p in people]}
                        ).assign(study=str(cohort.provenance["name"]), arm=0)  # fmt: skip


def cells_of(sources: Sequence[Source], user_cohorts: Sequence[pd.DataFrame] = ()) -> pd.DataFrame:
    """Study, n, mean and sd of the effect, at the middle of all that the sources left open."""
    import pandas as pd

    space = Space.of(pool_unknowns(sources))
    at_reference = space.values(space.reference_point)
    found = [(s.name, round(s.n), *map(np.squeeze, people_of(s, at_reference))) for s in sources]
    found += [(r["study"].iloc[0], len(r), r["y"].mean(), r["y"].var()) for r in user_cohorts]
    cells = pd.DataFrame(found, columns=["study", "n", "mean", "sd"])
    numbers = cells.astype({"mean": float, "sd": float})
    return numbers.assign(sd=numbers["sd"] ** 0.5, arm=0)


def one_stage_fit(sources: Sequence[Source], user_cohorts: Sequence[pd.DataFrame] = ()) -> LmmFit:
    """The model of printed moments and of the rows of cohorts, merged.

    Raises
    ------
    NotIdentified
        A study of one person, or without any spread: its variance is not known.
    """
    from retrostats.models.linear.fit import lmm
    from retrostats.models.linear.moments.moments import Moments
    from retrostats.models.linear.moments.studies import moments_arms
    from retrostats.models.linear.reducing import moments

    few = [rows for rows in user_cohorts if len(rows) < _CELL]
    merged: Moments = moments_arms(cells_of(sources, few))
    for rows in user_cohorts:
        if len(rows) >= _CELL:
            merged = merged + moments("y ~ arm + (1 | study)", rows)
    return lmm(FORMULA, merged, residual="study")


def one_stage_row(
    sources: Sequence[Source],
    estimate_id: str,
    label: str,
    unit: str,
    user_cohorts: Sequence[pd.DataFrame] = (),
    **extra: Any,
) -> EstimateRow:
    """The model's effect as a row; its note says what two stages give of the same numbers.

    Kenward-Roger's standard error on as many degrees of freedom as there are studies less one;
    `one_stage_batch` says why not Kenward-Roger's own.

    `own` holds rows of cohorts, as `effect_rows` makes them; people without an effect, and a cohort
    in which nothing varies between people, cannot enter, and the note says so.
    """
    people = sum(len(rows) for rows in user_cohorts)
    user_cohorts = [rows.dropna(subset="y") for rows in user_cohorts]
    user_cohorts = [rows for rows in user_cohorts if len(rows) > 1 and rows["y"].var() > 0]
    left = people - sum(len(rows) for rows in user_cohorts)
    cells = cells_of(sources, user_cohorts)
    row: Any = one_stage_fit(sources, user_cohorts).coefficients.iloc[0]
    printed = tuple(row_id for source in sources for row_id in source.rows)
    estimate = Estimate(
        float(row["estimate"]), float(row["std_error"]), len(cells) - 1, "log_ratio", unit, printed
    )
    return EstimateRow.of(
        estimate,
        estimate_id,
        f"{label} ({len(cells)} studies)",
        role="one-stage",
        n=float(cells["n"].sum()),
        note=f"{'; '.join(cells['study'])}, each with its own ratio and residual variance; "
        f"{_beside(estimate, cells)}{_without(left)}",
        **extra,
    )


def _without(people: int) -> str:
    """Who of a reader's own cohorts the pool holds and this model does not."""
    if not people:
        return ""
    who = "1 person" if people == 1 else f"{people} people"
    return (
        f"; {who} of own cohorts not measured in both conditions, or in a cohort without spread, "
        "cannot enter; the pool uses every row"
    )


def _beside(one: Estimate, cells: pd.DataFrame) -> str:
    """How far the pool of two stages is from one stage on the same numbers, and why."""
    from retrostats.models.meta.two_stage import pool

    two = pool(cells["mean"], cells["sd"] / cells["n"] ** 0.5)
    apart = abs(one.value - two.estimate) / one.std_error
    return (
        f"two stages on the same numbers give {math.exp(two.estimate):.3f}, {apart:.2f} standard "
        "errors away: there the variances between people are taken as known"
    )


def one_stage_measure(
    sources: Sequence[Source],
    estimate_id: str,
    name: str,
    choices: Sequence[Choice] = (),
    **extra: Any,
) -> Measure:
    """The same model over everything the sources left open, and over which of them count."""
    people = [source.n for source in sources]

    def at(level: float) -> Any:
        def estimate(v: Values) -> Any:
            size = max((len(a) for a in v.values()), default=1)
            found = [people_of(source, v) for source in sources]
            mean = np.column_stack([np.broadcast_to(m, size) for m, _ in found])
            variance = np.column_stack([np.broadcast_to(s, size) for _, s in found])
            mask = v.get(COUNTED, np.ones(mean.shape, dtype=bool))
            usable = np.isfinite(mean) & np.isfinite(variance) & (variance > 0)
            sound = np.flatnonzero((usable | ~mask).all(axis=1))
            out = np.full((3, size), np.nan)
            if len(sound):
                got = one_stage_batch(
                    mean[sound], variance[sound], people, mask[sound], ddf="contained"
                )
                out[:, sound] = interval_of(got.estimate, got.std_error, got.df, level, log=True)
            return out[0], out[1], out[2]

        return estimate

    return Measure(estimate_id, name, at, pool_unknowns(sources, choices), **extra)
