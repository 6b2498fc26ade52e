"""Figures of an audit made from a page: the forest of each group of claims."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from retrostats.audit.claims import Claim
from retrostats.evidence.printed.measures import CORRELATION, PROPORTION, measure_name

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.audit.analysis import Analysis
    from retrostats.audit.audit import Audit
    from retrostats.report.figures import Drawing


def page_drawings(
    audit: Audit,
    analysis: Analysis,
    frames: Mapping[str, pd.DataFrame],
    claims: Mapping[str, Claim],
) -> dict[str, Drawing | None]:
    """The forest of an analysis, with the band of its first claim that names a size."""
    from retrostats.report.figures import Drawing, band_of, panel_of, rows_of, stack

    mine = [claim for claim in claims.values() if claim.analysis == analysis.name]
    if not mine:
        return {}
    rows = rows_of(frames["estimates"], mine[0].quantity)
    sized = next((claim for claim in mine if claim.has_size), mine[0])
    log = mine[0].scale != "difference"
    unit = _axis_of(audit, mine[0])
    panel = panel_of(
        rows, f"{unit}{' (log axis)' if log else ''}", band=band_of(sized),
        ends=ends_of(audit, mine[0].claim_id),
    )  # fmt: skip
    if panel is not None:
        nulls = {claim.null_value for claim in mine}
        panel = replace(panel, null=nulls.pop() if len(nulls) == 1 else math.nan)
    table = audit.page.table.name if audit.page is not None else "printed rows"
    figure = stack([panel], table)
    if figure is None:
        return {}
    name = analysis.name.replace("-", "_")
    shows = tuple(row for row in rows["estimate_id"] if str(row).endswith(("-pool", "-by-lot")))
    count = int((~rows["role"].isin(["pooled", "posterior"])).sum())
    described = f"{unit} in {count} rows and their pool" if count > 1 else f"{unit} in one row"
    return {name: Drawing(figure, described, shows=shows)}


def _axis_of(audit: Audit, claim: Claim) -> str:
    """The unit of a claim as the name of an axis: "of cyclists" is a proportion of them."""
    claims = audit.page.claims if audit.page else ()
    page = next((c for c in claims if c.claim_id == claim.claim_id), None)
    alone = page is not None and measure_name(page.measure, claim.claim_id) == PROPORTION
    unit = f"{PROPORTION} {claim.unit}" if alone else claim.unit
    return unit[:1].upper() + unit[1:]


def ends_of(audit: Audit, claim_id: str) -> tuple[str, str]:
    """What it means to lie left and right of no effect, where the page says what is better."""
    page = audit.page
    claim = next((c for c in page.claims if c.claim_id == claim_id), None) if page else None
    if claim is None or not claim.better:
        return "", ""
    if measure_name(claim.measure, claim_id) in (CORRELATION, PROPORTION):  # neither has two sides
        return "", ""
    first, second = audit.conditions.first, audit.conditions.second
    sides = (f"better with {first}", f"better with {second}")
    return sides if claim.better == "lower" else (sides[1], sides[0])
