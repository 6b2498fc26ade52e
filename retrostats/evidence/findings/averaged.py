"""A reader's own cohorts and the literature on one claim as one average, each by its precision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from retrostats.common.errors import InputError
from retrostats.evidence.findings.cohorts import CohortEffect
from retrostats.evidence.findings.open_effects import OpenEffect
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import Assumption, EstimateRow, Measure
from retrostats.evidence.unreported.pooled import interval_of
from retrostats.evidence.unreported.unknowns import Space, Values

Array = NDArray[np.float64]

#: Identifier of the assumption that an average without a variance between trials rests on.
AVERAGE_ID = "own-average"


def averaged(
    user_cohorts: Sequence[CohortEffect],
    literature: OpenEffect | None,
    row: Callable[..., EstimateRow],
    estimate_id: str,
    claim_id: str,
    scale: Callable[[CohortEffect, Values], Any] = lambda cohort, v: 1.0,
    *,
    comparison: bool = True,
) -> tuple[Measure, EstimateRow | None]:
    """Measure and row of the average; without literature, of the own cohorts alone.

    One cohort alone is its own average: the measure names its row, and there is no other.

    Parameters
    ----------
    user_cohorts
        Effects of cohorts, on one scale.
    literature
        None where it does not measure the same.
    row
        `EstimateRow.of` with what the audit knows of the row: quantity, unit's words, group.
    scale
        Factor of a cohort's effect at values of the unknowns: its unit follows a reading.
    comparison
        Whether results of a comparison group are in it.
    """
    unknowns = literature.unknowns if literature else ()
    first = user_cohorts[0].estimate
    log, alone = first.scale != "difference", literature is None and len(user_cohorts) == 1
    if alone:
        estimate_id = user_cohorts[0].row_id

    def joined(v: Values) -> Average:
        found = [
            (c.estimate.value * f, c.estimate.std_error * np.abs(f), c.estimate.df)
            for c in user_cohorts for f in (scale(c, v),)
        ]  # fmt: skip
        if literature:
            found.append(literature.parts(v))
        return weighted_average(found)

    def parts(v: Values) -> tuple[Any, Any, Any]:
        n = max((len(a) for a in v.values()), default=1)
        return tuple(np.broadcast_to(x, n) for x in joined(v)[:3])  # type: ignore[return-value]

    def at(level: float) -> Callable[[Values], Any]:
        return lambda v: interval_of(*parts(v), level, log=log)

    name = "own cohorts and literature" if literature else "own cohorts"
    space = Space.of(unknowns)
    at_reference = space.values(space.reference_point)
    shares = np.atleast_2d(joined(at_reference).shares)[0]
    measure = Measure(
        estimate_id, name, at, unknowns, claim_id, comparison=comparison, user_cohorts=True,
        randomised=all(c.randomised for c in user_cohorts),
        user_cohort_weights=tuple(
            (c.label, 100 * float(w)) for c, w in zip(user_cohorts, shares, strict=False)
        ),
    )  # fmt: skip
    if alone:
        return measure, None
    value, error, df = (float(x[0]) for x in parts(at_reference))
    people = sum(c.n for c in user_cohorts) + (literature.n if literature else 0)
    estimate = Estimate(value, error, df, first.scale, first.unit, assumptions=(AVERAGE_ID,))
    shown = row(
        estimate, estimate_id, f"Average, {name}", role="pooled", claim_id=claim_id,
        n=float(people), directness=name,
    )  # fmt: skip
    return measure, shown


#: What an average without a variance between trials rests on.
AVERAGE = Assumption(
    AVERAGE_ID,
    "estimand",
    "own cohorts and the literature are averaged by precision, without a variance between them",
    "two trials tell nothing of one; the average stands for these trials, not for others",
)


class Average(NamedTuple):
    """Average, its standard error and df, and each source's share, broadcast over draws (n,)."""

    estimate: Array
    std_error: Array
    df: Array
    shares: Array  # (n, k), or (k,) of scalars


def weighted_average(parts: Sequence[tuple[ArrayLike, ArrayLike, ArrayLike]]) -> Average:
    """Average of independent estimates, each weighted by its precision.

    The estimand is the average itself (Rice, Higgins and Lumley 2018, "fixed effects" in the
    plural): it needs no common truth, and no variance between sources, of which two tell nothing.

    Weights that are estimated make the plain variance too small; Meier (1953, Biometrics 9:59)
    corrects it to first order. The df are the harmonic mean weighted by the shares: with four to
    26 people a source, a nominal 95% interval then covers 94.3 to 95.6% (Satterthwaite's: 92.3).

    Parameters
    ----------
    parts
        Estimate, standard error and df of each source; numbers or arrays (n,).

    Raises
    ------
    InputError
        No source.

    Examples
    --------
    >>> found = weighted_average([(-2.0, 0.5, 100.0), (-1.0, 1.0, 12.0)])
    >>> found.estimate.round(2).item(), found.shares.round(2).tolist()
    (-1.8, [0.8, 0.2])
    """
    if not parts:
        raise InputError("an average needs at least one source")
    value, error, df = (
        np.stack(np.broadcast_arrays(*(np.asarray(part[i], dtype=float) for part in parts)), -1)
        for i in range(3)
    )
    precision = error**-2.0
    total = precision.sum(-1)
    shares = precision / total[..., None]
    inflation = 1 + 4 * (shares * (1 - shares) / df).sum(-1)
    with np.errstate(divide="ignore"):
        freedom = 1 / (shares / df).sum(-1)
    return Average((shares * value).sum(-1), np.sqrt(inflation / total), freedom, shares)
