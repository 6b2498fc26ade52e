"""Claims as data: what would make each one true is fixed in a file before any result is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retrostats.common.arrays import one_of, records_of, single
from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

KINDS = ("descriptive", "causal")


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the post, in our own words, with the range that would make it true.

    `null_value` and `claimed_direction` ("above" or "below" it, or "none") state the direction
    claimed; `range_low` and `range_high` the size claimed: NaN for both where the post claims no
    size, for one where the range is open. All are on the display scale of `scale`. `kind` is
    "descriptive" (what was seen) or "causal" (what brought it about, or more than something else).
    """

    claim_id: str
    statement: str
    attributed_to: str
    role: str
    analysis: str
    cited_study: str
    quantity: str
    scale: str
    unit: str
    null_value: float
    claimed_direction: str
    range_low: float
    range_high: float
    range_basis: str
    compare_with: str
    kind: str = "descriptive"

    def __post_init__(self) -> None:
        where = f"claim {self.claim_id}"
        for name in ("null_value", "range_low", "range_high"):
            single(getattr(self, name), f"{where}, {name}")
        if math.isinf(self.null_value):
            raise InputError(f"{where}, null_value: found {self.null_value}; NaN where none is")
        one_of(self.kind, f"{where}, kind", KINDS)

    @property
    def has_direction(self) -> bool:
        """Whether the claim says which way the effect goes."""
        return self.claimed_direction in ("above", "below") and not math.isnan(self.null_value)

    @property
    def has_size(self) -> bool:
        """Whether the claim says how large the effect is."""
        return not (math.isnan(self.range_low) and math.isnan(self.range_high))


def load_claims() -> dict[str, Claim]:
    """Every claim of the audit that ships, by `claim_id`, in file order.

    Examples
    --------
    >>> load_claims()["energy_30"].range_low
    1.25
    """
    from retrostats.io.published.published import load_claims_table

    return claims_from_frame(load_claims_table())


def claims_from_frame(frame: pd.DataFrame) -> dict[str, Claim]:
    """Claims of a table with the columns of `data/claims.csv`."""
    fields = list(Claim.__dataclass_fields__)
    missing = [name for name in fields if name not in frame.columns and name != "kind"]
    if missing:
        raise InputError(
            f"claims table: column(s) {', '.join(missing)} missing; "
            f"it needs {', '.join(fields)}. Add them as in data/claims.csv."
        )
    numbers = ("null_value", "range_low", "range_high")
    if "kind" in frame and not set(frame["kind"]) <= set(KINDS):
        wrong = next(kind for kind in frame["kind"] if kind not in KINDS)
        raise InputError(f"claims table, kind: found {wrong!r}; allowed: {', '.join(KINDS)}")
    claims = {}
    for row in records_of(frame):
        values = {k: float(row[k]) if k in numbers else _text(row[k]) for k in fields if k in row}
        claim = Claim(**values)  # type: ignore[arg-type]
        if claim.range_low > claim.range_high:
            raise InputError(
                f"claims table, claim {claim.claim_id}: range_low {claim.range_low} is above "
                f"range_high {claim.range_high}; swap them"
            )
        _check_null(claim)
        claims[claim.claim_id] = claim
    return claims


def _check_null(claim: Claim) -> None:
    """Refuse a ratio against 0 and a range on the side of the null value that is not claimed."""
    at = f"claims table, claim {claim.claim_id}"
    ratio = claim.scale in ("ratio", "rate_ratio")
    for name in ("null_value", "range_low", "range_high") if ratio else ():
        low = getattr(claim, name)
        if low < 0 or (low == 0 and name == "null_value"):
            raise InputError(
                f"{at}, {name}: found {low:g} with the scale {claim.scale}; a ratio is above 0 and "
                "1 where nothing differs: correct it, or use the scale difference"
            )
    above, below = (claim.claimed_direction == side for side in ("above", "below"))
    wrong = (above and claim.range_high <= claim.null_value) or (
        below and claim.range_low >= claim.null_value
    )
    if wrong:
        raise InputError(
            f"{at}, claimed_direction: found {claim.claimed_direction} {claim.null_value:g}, but "
            f"its range is {range_text(claim)}; correct the direction or the range"
        )


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)


def range_text(claim: Claim) -> str:
    """The claimed range in words; an open end is named.

    Examples
    --------
    >>> nan = float("nan")
    >>> range_text(Claim("e", "", "", "", "", "", "", "", "", 1.0, "above", 1.25, nan, "", ""))
    'at least 1.25'
    """
    low, high = claim.range_low, claim.range_high
    if math.isnan(high):
        return f"at least {low:g}"
    return f"at most {high:g}" if math.isnan(low) else f"{low:g} to {high:g}"


def null_words(null: Any, scale: str, unit: Any = "") -> str:
    """What the line at the null value of a claim is; empty where the measure has none.

    A proportion of one group has no value of no effect: its line is the number that the claim says
    it is above or below.

    Parameters
    ----------
    null
        Null value of the claim; None or NaN where it has none.
    scale, unit
        Of the claim.

    Examples
    --------
    >>> null_words(1.0, "ratio"), null_words(0.5, "difference", "of patients")
    ('no difference', 'the number asked about')
    >>> null_words(0.0, "difference", "correlation"), null_words(float("nan"), "difference")
    ('no correlation', '')
    """
    if null is None or null != null:
        return ""
    if null != (0.0 if scale == "difference" else 1.0):
        return "the number asked about"
    return "no correlation" if unit == "correlation" else "no difference"
