"""Trained men of whom only "no significant change" was printed, bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from retrostats.audit.analysis import Context
from retrostats.evidence.findings.pooled import pooled_measure
from retrostats.evidence.findings.printed import no_standard_error_row, words_row
from retrostats.evidence.printed.change import (
    welch_df,
)
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.result.findings import EstimateRow, Measure
from retrostats.evidence.unreported.sources import not_significant_source
from retrostats.evidence.unreported.unknowns import Values

from .forward import forward_space, people_of, pre_post
from .names import BACKWARD, CAUSE, MORE, ORDWAY, UNIT, Parts, measure_of

if TYPE_CHECKING:
    pass


def trained_men_rows(context: Context) -> dict[str, tuple[EstimateRow, Measure]]:
    """Ordway 2016, by claim: eight men of whom only "no significant change" is printed.

    Their change is every one that a paired test would not call significant, over a range of spreads
    that is judgement. Alone it has no comparison; minus Hazell 2014 it is a second indirect one.
    """
    rows = context.published
    printed = one_row(rows, row_id=ORDWAY)
    label, points = "Ordway 2016, backward, “no change”", UNIT["points"]
    spread = context.audit.range_of(ORDWAY, "sd_change", "how far changes differ (Ordway 2016)")
    source = not_significant_source("Ordway 2016", int(printed["n"]), spread, rows=(ORDWAY,))
    alone = pooled_measure(
        [source], "bf-ordway", "Ordway 2016", log=False, claim_id=CAUSE, comparison=False
    )
    forward, unknowns = forward_space(rows)
    df = people_of(rows) - 1

    def parts(v: Values) -> Parts:
        change, variance = source.effects(v)
        other, error, _ = forward(v)
        return (
            change - other,
            np.sqrt(variance + error**2),
            welch_df(variance, source.df, error**2, df),
        )

    more = measure_of(
        "bf-more-ordway", "indirect, Ordway 2016", parts, [*source.unknowns, *unknowns], MORE,
        n=source.n + people_of(rows),
    )  # fmt: skip
    shown = {
        "scale": "difference", "unit": points, "reading": points,
        "note": "printed in words; the range is every interval that the words leave",
    }  # fmt: skip
    return {
        CAUSE: (
            words_row(
                printed, alone.estimate_id, label, quantity="body_fat_change", directness="direct",
                claim_id=CAUSE, group=BACKWARD, **shown,
            ),
            alone,
        ),
        MORE: (
            no_standard_error_row(
                [printed, *pre_post(rows, "fat_mass_kg"), *pre_post(rows, "fat_free_mass_kg")],
                np.nan, more.estimate_id, "Ordway 2016 minus forward, indirect",
                quantity="body_fat_difference", directness="indirect, two trials", claim_id=MORE,
                **shown,
            ),
            more,
        ),
    }  # fmt: skip
