"""The pool behind a measure with everything that was not printed at its middle."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from retrostats.evidence.result.findings import NAN, Measure
from retrostats.evidence.unreported.pooled import COUNTED, ESTIMATOR
from retrostats.evidence.unreported.unknowns import Space
from retrostats.models.meta.two_stage import pool

#: Fewest sources from which a variance between studies, and so a new study, can be told.
LEAST = 2


@dataclass(frozen=True, slots=True)
class ReferencePool:
    """What a reader's own cohorts weigh in a pool, and where it expects a new study.

    Attributes
    ----------
    weights
        Percent of the pool, by own cohort.
    pred_low, pred_high
        95% prediction interval of a new study on the display scale; NaN where the estimate has no
        variance between studies.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    pred_low: float = NAN
    pred_high: float = NAN


def pool_at_reference_point(measure: Measure, *, log: bool) -> ReferencePool:
    """Weights and prediction of the pool of a measure; of an average, its weights alone."""
    if not measure.sources:
        return ReferencePool(dict(measure.user_cohort_weights))
    space = Space.of(measure.unknowns)
    values = space.values(space.reference_point)
    counted = values.get(COUNTED)
    chosen = [True] * len(measure.sources) if counted is None else list(counted[0])
    used = [s for s, counts in zip(measure.sources, chosen, strict=True) if counts]
    if len(used) < LEAST:
        return ReferencePool({s.name: 100.0 for s in used if s.user_cohort})
    effects = [source.effects(values) for source in used]
    y = np.array([_first(effect.value) for effect in effects])
    v = np.array([_first(effect.variance) for effect in effects])
    method = values.get(ESTIMATOR)
    pooled = pool(y, np.sqrt(v), method="reml" if method is None else str(method[0]))
    show = math.exp if log else float
    weights = {s.name: w for s, w in zip(used, pooled.weights, strict=True) if s.user_cohort}
    return ReferencePool(weights, show(pooled.pred_low), show(pooled.pred_high))


def _first(values: Any) -> float:
    return float(np.ravel(values)[0])
