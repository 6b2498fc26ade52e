"""A pool of two or three studies by other methods, beside Knapp-Hartung: all shown, none picked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import DISPLAY, EstimateRow
from retrostats.models.meta.bayes import HalfNormal
from retrostats.models.meta.two_stage import pool

#: Heading of the rows in a figure.
HEADING = "The same pool by methods for few studies"
#: Scales of the half-normal prior on the standard deviation between studies, in log ratios: at 0.1
#: a new study is expected within some 20% of the mean, at 0.5 within a factor of some 2.5.
SCALES = (0.1, 0.5)


def few_studies_rows(
    estimates: Sequence[Estimate], estimate_id: str, **extra: Any
) -> list[EstimateRow]:
    """Rows of Henmi and Copas and of half-normal priors of each of `SCALES`.

    With two or three studies the interval is what the method makes of the variance between them.
    Knapp-Hartung (in analyses the variant that never narrows an interval) asks the data alone, and
    they hardly know; a prior answers in their place. How far apart the rows stand is the finding.
    """
    data = list(estimates)
    found: list[tuple[str, str, Any]] = [
        ("henmi-copas", "Henmi-Copas", pool(data, test="henmi-copas"))
    ]
    found += [
        (f"half-normal-{scale:g}", f"Half-normal prior, scale {scale:g}",
         pool(data, prior=HalfNormal(scale)))
        for scale in SCALES
    ]  # fmt: skip
    scale = DISPLAY[data[0].scale]
    show = float if scale == "difference" else math.exp
    return [
        EstimateRow(
            estimate_id=f"{estimate_id}-{name}",
            label=label,
            role="few-studies",
            scale=scale,
            unit=data[0].unit,
            estimate=show(pooled.estimate),
            std_error=pooled.std_error,
            conf_low=show(pooled.conf_low),
            conf_high=show(pooled.conf_high),
            pred_low=show(pooled.pred_low),
            pred_high=show(pooled.pred_high),
            group=HEADING,
            k=len(data),
            assumptions=tuple(dict.fromkeys(a for e in data for a in e.assumptions)),
            source_rows=tuple(dict.fromkeys(s for e in data for s in e.source)),
            note=f"{len(data)} studies: the interval depends on the method and its prior; none is "
            "picked, and none judges a claim",
            **{k: v for k, v in extra.items() if k not in ("group", "claim_id")},
        )
        for name, label, pooled in found
    ]
