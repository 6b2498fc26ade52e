"""Mixed models and verdicts from printed tables and raw cohorts alike.

The public names stand in the order of the method: read, reduce, estimate, pool, judge, draw.
Each is imported on first use, so that the command line starts fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    # read
    "load_published": "retrostats.readers.published",
    "load_cohort": "retrostats.readers.cohort",
    "Cohort": "retrostats.readers.cohort",
    "read_cart": "retrostats.readers.carts",
    "steady_state": "retrostats.readers.carts.steady",
    "metabolic_rate_w": "retrostats.energy",
    # reduce
    "Reported": "retrostats.reported",
    "se_from_p": "retrostats.reported",
    "r_bounds_from_p": "retrostats.reported",
    "Moments": "retrostats.mixed.moments",
    "moments": "retrostats.mixed.moments",
    "moments_from_summary": "retrostats.mixed.summary",
    # estimate
    "Estimate": "retrostats.estimate",
    "lmm": "retrostats.mixed.fit",
    "LmmFit": "retrostats.mixed.fit",
    "glmm": "retrostats.counts.fit",
    "GlmmFit": "retrostats.counts.fit",
    "power": "retrostats.mixed.simulate",
    "type_one_error": "retrostats.mixed.simulate",
    # pool
    "pool": "retrostats.pooling",
    "Pooled": "retrostats.pooling",
    # judge
    "Claim": "retrostats.claims",
    "load_claims": "retrostats.claims",
    "Verdict": "retrostats.verdict",
    "judge": "retrostats.verdict",
    # the whole path
    "replicate": "retrostats.replicate",
    "Replication": "retrostats.replicate",
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
        raise AttributeError(f"module 'retrostats' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Public names, for completion."""
    return sorted(__all__)
