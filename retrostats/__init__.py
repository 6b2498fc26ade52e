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
    "load_audit": "retrostats.audit",
    "Audit": "retrostats.audit",
    "load_published": "retrostats.read.published",
    "load_cohort": "retrostats.read.cohort",
    "Cohort": "retrostats.read.cohort",
    "read_cart": "retrostats.read.carts",
    "steady_state": "retrostats.read.carts.steady",
    "metabolic_rate_w": "retrostats.read.energy",
    # reduce
    "Reported": "retrostats.reduce.reported",
    "se_from_p": "retrostats.reduce.reported",
    "r_bounds_from_p": "retrostats.reduce.reported",
    "forensics": "retrostats.reduce.forensics.table",
    "Moments": "retrostats.mixed.moments.moments",
    "moments": "retrostats.mixed.reducing",
    "moments_from_summary": "retrostats.mixed.moments.summary",
    "moments_prepost": "retrostats.mixed.moments.studies",
    "moments_arms": "retrostats.mixed.moments.studies",
    "load_moments": "retrostats.mixed.moments.store",
    # estimate
    "Estimate": "retrostats.result.estimate",
    "Interval": "retrostats.result.estimate",
    "lmm": "retrostats.mixed.fit",
    "LmmFit": "retrostats.mixed.fitted",
    "glmm": "retrostats.counts.fit",
    "GlmmFit": "retrostats.counts.result",
    "power": "retrostats.mixed.after.simulate",
    "type_one_error": "retrostats.mixed.after.simulate",
    # pool
    "pool": "retrostats.pool.two_stage",
    "Pooled": "retrostats.pool.two_stage",
    "HalfNormal": "retrostats.pool.bayes",
    "Posterior": "retrostats.pool.bayes",
    "random_effects_batch": "retrostats.pool.batch",
    "pool_counts": "retrostats.counts.pooled",
    "PooledCounts": "retrostats.counts.pooled_result",
    # unprinted
    "pool_crossovers": "retrostats.unprinted.crossovers",
    "Unknown": "retrostats.unprinted.unknowns",
    "Choice": "retrostats.unprinted.unknowns",
    "Printed": "retrostats.unprinted.unknowns",
    "explore": "retrostats.unprinted.exploration",
    "Exploration": "retrostats.unprinted.exploration",
    # judge
    "Claim": "retrostats.judge.claims",
    "load_claims": "retrostats.judge.claims",
    "Evidence": "retrostats.judge.verdict",
    "Candidate": "retrostats.judge.verdict",
    "Verdict": "retrostats.judge.verdict",
    "judge": "retrostats.judge.verdict",
    # plan
    "plan": "retrostats.plan",
    "Plan": "retrostats.plan",
    # the whole path
    "replicate": "retrostats.replicate",
    "cite": "retrostats.citation",
    "Replication": "retrostats.replication",
    # what can go wrong
    "RetrostatsError": "retrostats.errors",
    "InputError": "retrostats.errors",
    "NotIdentified": "retrostats.errors",
    "NotConverged": "retrostats.errors",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> Any:
    """Import a public name from its home on first use."""
    if name not in _HOMES:
        from retrostats.habits import absent

        raise AttributeError(absent(name))
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)


class _Package(ModuleType):
    """Keeps a public name what it is: importing `retrostats.pool` does not replace `pool`.

    Python binds a submodule to its package under its name; `replicate`, `pool` and `judge` are
    functions as well, and stay functions whatever was imported before.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
