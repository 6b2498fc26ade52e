"""What a summary of findings says of an effect, in the verbs that GRADE gives each certainty.

High: is; moderate: probably; low: may; very low: may, but the evidence is very uncertain (Santesso
and others 2020, J Clin Epidemiol 119:126).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from retrostats.audit.answer import percent
from retrostats.audit.grades import DIRECTION_ORDER

#: Verb and what follows the finding, by certainty.
VERBS = {
    "high": ("is", ""),
    "moderate": ("is probably", ""),
    "low": ("may be", ""),
    "very low": ("may be", ", but the evidence is very uncertain"),
}
_OPEN = DIRECTION_ORDER.index("open")
#: How the label of a claimed size reads behind "as much as claimed".
_SIZES = {
    "supported": "yes", "compatible": "possible", "open": "open", "unlikely": "unlikely",
    "contradicted": "no",
}  # fmt: skip


def finding(verdict: Mapping[str, Any]) -> str:
    """The finding on one claim: the verb of its certainty, which way, and how probable that is.

    Parameters
    ----------
    verdict
        A row of the verdicts: labels, probabilities, certainties, estimate and null_value.

    Examples
    --------
    >>> finding({"direction": "supported", "prob_direction": 0.999, "estimate": 1.26,
    ...          "null_value": 1.0, "certainty_direction": "moderate", "size": "compatible",
    ...          "prob_size": 0.48, "certainty_size": "very low"})
    'is probably higher (99.9%); as much as claimed: possible (48%), but the evidence is very \
uncertain'
    >>> finding({"direction": "no evidence", "size": "not claimed"})
    'nobody measured it'
    """
    parts = [_direction(verdict), _size(verdict)]
    return "; ".join(filter(None, parts)) or "nothing is claimed that can be measured by itself"


def _direction(verdict: Mapping[str, Any]) -> str:
    label = _text(verdict.get("direction"))
    if label in ("", "not claimed"):
        return ""
    if label == "no evidence":
        return "nobody measured it"
    verb, after = VERBS.get(_text(verdict.get("certainty_direction")), VERBS["very low"])
    if label == "mixed":
        return f"{verb} higher by some measures and lower by others{after}"
    p = _number(verdict.get("prob_direction"))
    if math.isnan(p):
        return "it is not known which way"
    place = DIRECTION_ORDER.index(label)
    if place == _OPEN:
        return f"may be higher or lower ({percent(p)} for the claim){after}"
    above = _number(verdict.get("estimate")) > _number(verdict.get("null_value"))
    sure = percent(p if place < _OPEN else 1 - p)
    return f"{verb} {'higher' if above else 'lower'} ({sure}){after}"


def _size(verdict: Mapping[str, Any]) -> str:
    label, p = _text(verdict.get("size")), _number(verdict.get("prob_size"))
    if label not in _SIZES or math.isnan(p):
        return ""
    _, after = VERBS.get(_text(verdict.get("certainty_size")), VERBS["very low"])
    return f"as much as claimed: {_SIZES[label]} ({percent(p)}){after}"


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
