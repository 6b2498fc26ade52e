"""Claims about a moderator: how the effect of a study changes with a column x_ of the table."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from retrostats.common.errors import InputError
from retrostats.common.student import t_quantile
from retrostats.evidence.pages.claim import ReadClaim, ReadRow, people_of, published_ids
from retrostats.evidence.printed.measures import Measure as PrintedMeasure
from retrostats.evidence.result.findings import EstimateRow, Findings, Measure
from retrostats.evidence.unreported.pooled import TEST
from retrostats.io.pages.page import MODERATOR, Page
from retrostats.models.meta.two_stage import pool

if TYPE_CHECKING:
    from retrostats.evidence.unreported.unknowns import Values

#: Fewest studies of which a slope has an error by their scatter.
LEAST = 3


def slope_unit(measure: PrintedMeasure, moderator: str) -> str:
    """The unit of a slope: model's scale of the effect, a unit of the moderator.

    Examples
    --------
    >>> slope_unit(PrintedMeasure("risk ratio"), "latitude")
    'log risk ratio per unit of latitude'
    """
    log = "log " if measure.is_log else ""
    return f"{log}{measure.name} per unit of {moderator.replace('_', ' ')}"


def moderator_values(page: Page, read: ReadClaim) -> list[tuple[ReadRow, float]]:
    """Rows that print an effect with its error, with the moderator of each.

    Raises
    ------
    InputError
        A cell that is empty or no number, one value for all, or fewer than three studies.
    """
    column = f"{MODERATOR}{read.claim.moderator}"
    found = []
    for row in read.pooled:
        if row.effect is None:
            continue
        text = row.row.cells.get(column, "")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(
                f"{page.place(row.row)}, column {column}: found {text!r}; a claim on a moderator "
                f"needs a number in every row that is pooled ([claims.{read.claim.claim_id}])"
            )
        found.append((row, value))
    if len(found) < LEAST or len({value for _, value in found}) < 2:
        raise InputError(
            f"{page.file.name}, [claims.{read.claim.claim_id}]: {len(found)} rows with an effect, "
            f"its error and {column}; a slope needs {LEAST} or more at different values"
        )
    return found


def slope_findings(page: Page, reads: Sequence[ReadClaim], name: str, quantity: str) -> Findings:
    """Mixed-effects regression of the effects on the moderator, and what it says of the claims.

    REML with Knapp-Hartung limits that never narrow; correlations that were left open stand at
    their middle. Studies are not allocated to values of a moderator, so no cause rests on a slope.
    """
    import pandas as pd

    read = reads[0]
    found = moderator_values(page, read)
    effects = [row.effect for row, _ in found if row.effect is not None]
    fit = pool(
        [e.value for e in effects], [e.std_error for e in effects], test=TEST,
        moderators=pd.DataFrame({read.claim.moderator: [value for _, value in found]}),
    )  # fmt: skip
    value, error, df = (float(getattr(fit, part)[1]) for part in ("values", "std_errors", "dfs"))
    half = t_quantile(0.025, df) * error
    row = EstimateRow(
        f"{name}-slope", f"Slope on {read.claim.moderator.replace('_', ' ')}, {fit.k} studies",
        quantity, "pooled", "difference", slope_unit(read.measure, read.claim.moderator), value,
        std_error=error, df=df, conf_low=value - half, conf_high=value + half,
        claim_id=read.claim.claim_id, directness="between studies, not allocated", k=fit.k,
        tau=math.sqrt(fit.tau2), i2=fit.i2, n=float(sum(people_of(r) for r, _ in found)),
        source_rows=tuple(i for r, _ in found for one in r.joined for i in published_ids(one)),
    )  # fmt: skip
    measures = tuple(
        Measure(
            row.estimate_id, f"slope on {c.claim.moderator.replace('_', ' ')}",
            _interval(value, error, df), (), c.claim.claim_id, randomised=False,
        )
        for c in reads
    )  # fmt: skip
    return Findings((row,), measures, {c.claim.claim_id: row.estimate_id for c in reads})


def _interval(value: float, error: float, df: float) -> Callable[[float], Any]:
    """A t interval that depends on nothing left open."""

    def at(level: float) -> Callable[[Values], Any]:
        half = t_quantile((1 - level) / 2, df) * error

        def estimate(v: Values) -> Any:
            n = max((len(a) for a in v.values()), default=1)
            return tuple(np.full(n, x) for x in (value, value - half, value + half))

        return estimate

    return at
