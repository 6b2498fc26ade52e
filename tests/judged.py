"""Claims and evidence that the tests of the verdict rules are built from."""

from __future__ import annotations

from dataclasses import replace

from doors.evidence import outermost

from retrostats import Candidate, Claim, Evidence, Interval, Unknown

NAN = float("nan")


DRAWS = 1000


def claim(
    direction: str = "above", low: float = 1.25, high: float = 1.35, null: float = 1.0
) -> Claim:
    return Claim(
        "c",
        "statement",
        "post",
        "core",
        "metabolic-cost",
        "study",
        "quantity",
        "ratio",
        "ratio",
        null,
        direction,
        low,
        high,
        "basis",
        "",
    )


def at(low: float, high: float, **unknowns: float | str) -> Candidate:
    return Candidate(Interval((low + high) / 2, low, high), unknowns)


def over(function, draws: int = DRAWS, **ranges: tuple[float, float]):
    """An exploration of a function of unknowns in these ranges."""
    unknowns = [Unknown(name, *ends) for name, ends in ranges.items()]
    return outermost(function, unknowns, draws=draws, seed=11)


def measured(
    low: float, high: float, measure: str = "oxygen", *, comparison: bool = True,
    narrow: tuple[float, float] | None = None,
) -> Evidence:  # fmt: skip
    """Evidence that leaves nothing open, and if given its 90% interval."""

    def still(ends):
        return over(lambda v: (sum(ends) / 2, *ends))

    at90 = still(narrow) if narrow else None
    return Evidence(measure, still((low, high)), at90, comparison)


AT_LEAST, AT_MOST = claim(low=1.25, high=NAN), claim("below", low=NAN, high=0.75)


CAUSE = replace(claim(), kind="causal")
