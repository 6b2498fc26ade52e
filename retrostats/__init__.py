"""Mixed models and verdicts from printed tables and raw cohorts alike.

The public names stand in the order of the method: read, reduce, estimate, pool, judge, draw.
Each is imported on first use, so that the command line starts fast.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    # read
    "load_audit": "retrostats.audit.audit",
    "Audit": "retrostats.audit.audit",
    "load_published": "retrostats.io.published.published",
    "load_cohort": "retrostats.io.cohort.cohort",
    "Cohort": "retrostats.io.cohort.cohort",
    "read_cart": "retrostats.io.carts",
    "steady_state": "retrostats.io.carts.steady",
    "metabolic_rate_w": "retrostats.io.energy",
    # reduce
    "Reported": "retrostats.evidence.printed.reported",
    "se_from_p": "retrostats.evidence.printed.reported",
    "r_bounds_from_p": "retrostats.evidence.printed.reported",
    "forensics": "retrostats.evidence.printed.forensics.table",
    "Moments": "retrostats.models.linear.moments.moments",
    "moments": "retrostats.models.linear.reducing",
    "moments_from_summary": "retrostats.models.linear.moments.summary",
    "moments_prepost": "retrostats.models.linear.moments.studies",
    "moments_arms": "retrostats.models.linear.moments.studies",
    "load_moments": "retrostats.models.linear.moments.store",
    # estimate
    "Estimate": "retrostats.evidence.result.estimate",
    "Interval": "retrostats.evidence.result.estimate",
    "lmm": "retrostats.models.linear.fit",
    "LmmFit": "retrostats.models.linear.fitted",
    "glmm": "retrostats.models.counts.fit",
    "GlmmFit": "retrostats.models.counts.result",
    "power": "retrostats.models.linear.post_estimation.simulate",
    "type_one_error": "retrostats.models.linear.post_estimation.simulate",
    "escalc": "retrostats.models.meta.effect_sizes",
    "means_from_medians": "retrostats.models.meta.medians",
    # pool
    "pool": "retrostats.models.meta.two_stage",
    "Pooled": "retrostats.models.meta.two_stage",
    "HalfNormal": "retrostats.models.meta.bayes",
    "Posterior": "retrostats.models.meta.bayes",
    "random_effects_batch": "retrostats.models.meta.batch",
    "pool_counts": "retrostats.models.counts.pooled",
    "PooledCounts": "retrostats.models.counts.pooled_result",
    "pool_printed": "retrostats.evidence.printed.pool_printed",
    "PooledPrinted": "retrostats.evidence.printed.pooled_printed",
    # unprinted
    "pool_crossovers": "retrostats.evidence.unreported.crossovers",
    "Unknown": "retrostats.evidence.unreported.unknowns",
    "Choice": "retrostats.evidence.unreported.unknowns",
    "Printed": "retrostats.evidence.unreported.unknowns",
    "explore": "retrostats.evidence.unreported.exploration",
    "Exploration": "retrostats.evidence.unreported.exploration",
    # judge
    "Claim": "retrostats.audit.claims",
    "load_claims": "retrostats.audit.claims",
    "Evidence": "retrostats.audit.verdict",
    "Candidate": "retrostats.audit.verdict",
    "Verdict": "retrostats.audit.verdict",
    "judge": "retrostats.audit.verdict",
    # draw
    "forest": "retrostats.report.figures.results",
    "half_eye": "retrostats.report.figures.answers",
    # plan
    "plan": "retrostats.planning.plan",
    "Plan": "retrostats.planning.plan",
    # the whole path
    "replicate": "retrostats.app.path",
    "cite": "retrostats.common.citation",
    "Replication": "retrostats.app.replication",
    # what can go wrong
    "RetrostatsError": "retrostats.common.errors",
    "InputError": "retrostats.common.errors",
    "NotIdentified": "retrostats.common.errors",
    "NotConverged": "retrostats.common.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        from retrostats.common.habits import absent

        raise AttributeError(absent(name))
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps a public name what it is: importing `retrostats.models.meta` does not replace `pool`.

    Python binds a submodule to its package under its name; `replicate`, `pool` and `judge` are
    functions as well, and stay functions whatever was imported before.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
