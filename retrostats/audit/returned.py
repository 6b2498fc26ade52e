"""What an analysis hands back, checked before it is judged: types, ids, claims, scales, limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

from retrostats.audit.claims import Claim
from retrostats.common.errors import InputError
from retrostats.evidence.result.findings import (
    Assumption,
    Check,
    CrossCheck,
    EstimateRow,
    Findings,
    Measure,
)

PARTS = {
    "estimates": EstimateRow,
    "measures": Measure,
    "without_cohorts": Measure,
    "assumptions": Assumption,
    "checks": Check,
    "cross_checks": CrossCheck,
}
NUMBERS = ("estimate", "std_error", "conf_low", "conf_high")


def check_findings(found: Any, claims: Mapping[str, Claim], place: str) -> None:
    """Refuse findings that cannot be judged or shown; `place` begins the message.

    Raises
    ------
    InputError
        Another type than `Findings` or one of its parts, a repeated or unknown id, a claim on
        another scale than its estimate, limits in the wrong order.
    """
    if not isinstance(found, Findings):
        raise InputError(f"{place}: returned {type(found).__name__}; return Findings(...)")
    for name, kind in PARTS.items():
        _check_part(getattr(found, name), kind, f"{place}: {name}")
    if not isinstance(found.judged, Mapping):
        raise InputError(
            f"{place}: judged is {type(found.judged).__name__}; it needs a dictionary, claim_id "
            "to estimate_id"
        )
    rows = {row.estimate_id: row for row in found.estimates}
    _once([row.estimate_id for row in found.estimates], f"{place}: estimates")
    for row in found.estimates:
        _check_row(row, claims, place)
    for measure in (*found.measures, *found.without_cohorts):
        _check_measure(measure, rows, claims, place)
    for claim_id, estimate_id in found.judged.items():
        _known(claim_id, claims, f"{place}: judged", "claim")
        _known(estimate_id, rows, f"{place}: judged[{claim_id!r}]", "estimate_id")
        _same_scale(claims[claim_id], rows[estimate_id], place)


def check_ids(findings: Mapping[str, Findings]) -> None:
    """Refuse one estimate_id in two analyses: tables and page would show one for the other."""
    owner: dict[str, str] = {}
    for name, found in findings.items():
        for row in found.estimates:
            if owner.setdefault(row.estimate_id, name) != name:
                raise InputError(
                    f"analyses {owner[row.estimate_id]} and {name}: both have estimate_id "
                    f"{row.estimate_id!r}; rename one"
                )


def _check_part(part: Any, kind: type, place: str) -> None:
    if not isinstance(part, tuple | list):
        raise InputError(f"{place} is {type(part).__name__}; it needs a tuple of {kind.__name__}")
    wrong = next((entry for entry in part if not isinstance(entry, kind)), None)
    if wrong is not None or None in part:
        raise InputError(
            f"{place}: found {type(wrong).__name__}; each entry must be a {kind.__name__}"
        )


def _once(names: list[str], place: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{place}: two rows have estimate_id {twice!r}; rename one")


def _known(name: Any, listed: Mapping[str, Any], place: str, what: str) -> None:
    if not isinstance(name, str) or name not in listed:
        raise InputError(
            f"{place}: {what} {name!r} is not known; choose from {', '.join(listed) or 'none'}"
        )


def _check_row(row: EstimateRow, claims: Mapping[str, Claim], place: str) -> None:
    at = f"{place}: estimate {row.estimate_id!r}"
    if not (isinstance(row.estimate_id, str) and row.estimate_id):
        raise InputError(f"{at}: estimate_id needs a text that is not empty")
    for name in NUMBERS:
        if not isinstance(getattr(row, name), Real):
            raise InputError(f"{at}: {name} is {getattr(row, name)!r}; it needs a number, or NaN")
    if row.conf_low > row.conf_high:
        raise InputError(
            f"{at}: conf_low {row.conf_low:g} is above conf_high {row.conf_high:g}; swap them"
        )
    if row.scale in ("ratio", "rate_ratio") and row.estimate <= 0:
        raise InputError(
            f"{at}: found {row.estimate:g} on the scale {row.scale}; a ratio is above 0: give it "
            'on the display scale, or use scale="difference"'
        )
    if row.claim_id:
        _known(row.claim_id, claims, at, "claim_id")


def _check_measure(
    measure: Measure, rows: Mapping[str, EstimateRow], claims: Mapping[str, Claim], place: str
) -> None:
    at = f"{place}: measure {measure.name!r}"
    _known(measure.estimate_id, rows, at, "estimate_id")
    if not callable(measure.estimator):
        raise InputError(
            f"{at}: estimator is {measure.estimator!r}; it needs a function of the level"
        )
    if measure.claim_id:
        _known(measure.claim_id, claims, at, "claim_id")
        _same_scale(claims[measure.claim_id], rows[measure.estimate_id], place)


def _same_scale(claim: Claim, row: EstimateRow, place: str) -> None:
    """Refuse a difference that is judged by a ratio's null value, and the reverse."""
    if claim.scale != "none" and (claim.scale == "difference") != (row.scale == "difference"):
        null = "" if math.isnan(claim.null_value) else f" (null value {claim.null_value:g})"
        raise InputError(
            f"{place}: claim {claim.claim_id} is on the scale {claim.scale}{null}, but estimate "
            f"{row.estimate_id!r} is a {row.scale}; give both on one scale"
        )
