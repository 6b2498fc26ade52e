"""Claims of a page as the audit's: the range that would make each true, side and scale."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from retrostats.common.errors import InputError
from retrostats.evidence.printed.measures import (
    CORRELATION,
    DIFFERENCE,
    PERCENT,
    PROPORTION,
    RATE_RATIO,
    Measure,
    measure_name,
)
from retrostats.evidence.result.estimate import Scale
from retrostats.evidence.result.findings import DISPLAY
from retrostats.io.pages.page import Page, PageClaim
from retrostats.io.pages.page_table import find_row, row_name

NAN = float("nan")


def scale_of(measure: Measure) -> Scale:
    """The scale of an estimate of a measure."""
    if not measure.is_log:
        return "difference"
    return "log_rate_ratio" if measure.name == RATE_RATIO else "log_ratio"


def unit_of(page: Page, measure: Measure, unit: str = "") -> str:
    """The unit of an effect in words: what is set against what.

    Parameters
    ----------
    unit
        Of means, as the rows print it; only a mean difference is in it.
    """
    first, second = page.conditions.first, page.conditions.second
    if measure.is_log:
        return f"{measure.name} {first} / {second}"
    if measure.name == CORRELATION:
        return measure.name
    if measure.name == PROPORTION:
        return f"of {first}"
    shown = unit if measure.name == DIFFERENCE and unit else measure.name
    return f"{shown}, {first} minus {second}"


def quantity_of(group: str, measure: Measure) -> str:
    """Name of what a group of claims is about, for rows of estimates."""
    return f"{group}_{row_name(measure.name)}".replace("-", "_")


def claim_record(
    page: Page, claim: PageClaim, measure: Measure, group: str, names: tuple[str, str]
) -> dict[str, Any]:
    """One row of the table of claims; `names` are its quantity and unit.

    Raises
    ------
    InputError
        A range that the measure cannot have.
    """
    slope = bool(claim.moderator)
    low, high = (claim.true_if.low, claim.true_if.high) if slope else _range(page, claim, measure)
    null = 0.0 if slope else _null_of(measure, low, high)
    side, ends = _side(low, high, null, strict=claim.true_if.strict)
    scale = "difference" if slope else DISPLAY[scale_of(measure)]
    cited = find_row(page.rows, claim.cites) if claim.cites else None
    return {
        "claim_id": claim.claim_id,
        "statement": claim.says,
        "attributed_to": claim.by,
        "role": "core",
        "analysis": group,
        "cited_study": "" if cited is None else row_name(cited.study),
        "quantity": names[0],
        "scale": scale,
        "unit": names[1],
        "null_value": null,
        "claimed_direction": side,
        "range_low": ends[0],
        "range_high": ends[1],
        "range_basis": claim.because,
        "compare_with": f"{page.table.name}: {measure.name}",
        "kind": "causal" if claim.cause else "descriptive",
        "said_by": claim.by or page.source.name or "the source",
    }


def _null_of(measure: Measure, low: float, high: float) -> float:
    """No effect; of a proportion the number that the claim says it is above or below, else none."""
    if measure.name != PROPORTION:
        return measure.null
    return low if math.isinf(high) else high if math.isinf(low) else NAN


def _range(page: Page, claim: PageClaim, measure: Measure) -> tuple[float, float]:
    """The claimed range on the printed scale of the measure: percentages as ratios."""
    low, high = claim.true_if.low, claim.true_if.high
    where = f"{page.file.name}, [claims.{claim.claim_id}], true_if"
    percent = measure_name(claim.measure, where) == PERCENT
    if percent:
        low, high = 1 + low / 100, 1 + high / 100
    least = 0.0 if measure.is_log else -math.inf
    for end, lower in ((low, True), (high, False)):
        if math.isfinite(end) and (end < least or (end == least and not lower)):
            what = "above -100, where 0" if percent else "a ratio above 0, where 1"
            raise InputError(
                f"{where}: found {claim.true_if.low:g} to {claim.true_if.high:g}; allowed is "
                f"{what} is no effect"
            )
        if measure.name == CORRELATION and math.isfinite(end) and not -1 <= end <= 1:
            raise InputError(f"{where}: found {end:g}; allowed is between -1 and 1")
    if measure.name == PROPORTION:
        _check_proportion(claim, where)
    _refuse_no_effect_inside(claim, (low, high), measure.null, where)
    return low, high


def _check_proportion(claim: PageClaim, where: str) -> None:
    """Refuse a range beyond 0 to 1, one that holds every proportion, and a claim of a cause."""
    low, high = claim.true_if.low, claim.true_if.high
    ends = [end for end in (low, high) if math.isfinite(end)]
    outside = any(not 0 <= end <= 1 for end in ends) or (len(ends) == 1 and ends[0] in (0, 1))
    if outside or (low, high) == (0, 1):
        found = " to ".join(f"{end:g}" for end in ends)
        raise InputError(
            f"{where}: found {found}; a proportion lies between 0 and 1 and has no value of no "
            "effect, so the claim needs a number between: 'at least 0.15', or '0.1 to 0.2' for 10% "
            "to 20%"
        )
    if claim.cohort:
        raise InputError(
            f"{where.removesuffix('true_if')}cohort: found {claim.cohort['outcome']!r}; own people "
            "do not join a proportion of one group: leave cohort out"
        )
    if claim.cause:
        raise InputError(
            f"{where.removesuffix('true_if')}cause: found true; a proportion of one group compares "
            "nothing and shows no cause: write cause = false, or claim a risk ratio"
        )


def _refuse_no_effect_inside(
    claim: PageClaim, ends: tuple[float, float], null: float, where: str
) -> None:
    """Refuse "above 0" of a ratio or "below 1" of a difference: no effect would make it true."""
    low, high = ends
    if not claim.true_if.strict or not low < null < high:
        return
    side = "above" if math.isinf(high) else "below"
    end = claim.true_if.low if side == "above" else claim.true_if.high
    none = 0.0 if measure_name(claim.measure, where) == PERCENT else null
    most = "at least" if side == "above" else "at most"
    also = f" or '{most} {end:g}' where that end is meant" if low > 0 or null == 0 else ""
    raise InputError(
        f"{where}: found '{side} {end:g}', and no effect, which is {none:g} in {claim.measure}, "
        f"lies on that side; write '{side} {none:g}'{also}"
    )


def _side(low: float, high: float, null: float, *, strict: bool) -> tuple[str, tuple[float, float]]:
    """The side of no effect that a range lies on, and the ends that say how large it is.

    A range that ends at no effect and is open beyond names no size; one with no effect inside
    names no direction.

    Examples
    --------
    >>> _side(-math.inf, 1.0, 1.0, strict=True)
    ('below', (nan, nan))
    >>> _side(0.45, 0.55, 1.0, strict=False), _side(0.9, 1.1, 1.0, strict=False)[0]
    (('below', (0.45, 0.55)), 'none')
    """
    side = "above" if low >= null else "below" if high <= null else "none"
    ends = tuple(end if math.isfinite(end) else NAN for end in (low, high))
    if (low == null and math.isinf(high)) or (high == null and math.isinf(low)):
        ends = (NAN, NAN)
    return side, (ends[0], ends[1])


def absolute_records(page: Page, claim: PageClaim, estimate_id: str) -> list[dict[str, Any]]:
    """Levels at which an effect is told: of the second condition of a row."""
    from retrostats.evidence.printed.cells import Count, Summary, parse_cell

    found = []
    for outcome, entry in claim.absolute.items():
        row = find_row(page.rows, entry["row"])
        assert row is not None  # checked when the page was read
        where = f"{page.file.name}, [claims.{claim.claim_id}.absolute], {outcome!r}"
        cell = parse_cell(row.cells.get("second", ""), where) if "second" in row.cells else None
        if not isinstance(cell, Count | Summary):
            raise InputError(
                f"{where}: row {entry['row']!r} prints no level of the second condition (a count "
                "or a mean in second); name one that does"
            )
        counts = isinstance(cell, Count)
        row_id = f"{row.row_id}-second"
        per = entry["per"]
        found.append({
            "claim_id": claim.claim_id, "estimate_id": estimate_id, "outcome": outcome,
            "row_id": row_id, "column": "events" if counts else "mean",
            "per_row_id": row_id if counts else "", "per_column": "exposure" if counts else "",
            "factor": 1.0 if math.isnan(per) else per, "unit": entry["unit"],
            "typical": entry["typical"], "why": entry["why"],
        })  # fmt: skip
    return found


def fidelity_records(page: Page, claim: PageClaim) -> list[dict[str, Any]]:
    """Elements of the retelling against their source."""
    from retrostats.evidence.pages.claim import published_ids

    found = []
    for element, entry in claim.fidelity.items():
        rows = [row for name in entry["rows"] if (row := find_row(page.rows, name)) is not None]
        ids = [row_id for row in rows for row_id in published_ids(row)]
        found.append(_element(claim, element, entry, ids))
    return found


def _element(
    claim: PageClaim, element: str, entry: Mapping[str, Any], ids: list[str]
) -> dict[str, Any]:
    return {
        "claim_id": claim.claim_id, "element": element, "post_says": entry["claimed"],
        "source_says": entry["source"], "agrees": entry["agrees"], "source_rows": "; ".join(ids),
    }  # fmt: skip
