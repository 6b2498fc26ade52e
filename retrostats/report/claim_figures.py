"""Figures of one claim: its answer over choices and draws, and what moves it; told in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from retrostats.audit.claims import Claim
from retrostats.common.rounding import BOUNDS, limits, rounded

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.report.figures import Drawing

#: Claims that get figures of their own: those the audit is about.
ROLE = "core"
MINUS = "\N{MINUS SIGN}"
#: Combinations from which on a curve says more than the two ends of a control.
LEAST = 3
#: Ends of the part of the draws that is told.
HELD = (0.025, 0.975)
LABELS = ("supported", "open", "contradicted")


def claim_figures(
    frames: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim], *, every: bool = False
) -> dict[str, Drawing]:
    """Specification curve, half-eyes and influence of every core claim that was measured.

    Parameters
    ----------
    frames
        `specifications`, `draws`, `explorations`, `unknowns`, `estimates`, with a column
        `analysis`.
    every
        Those of the other claims too, and all of them in every format.

    Returns
    -------
    dict
        Drawings by name; `claim` is the claim they stand under. A measure on which nothing was
        open, or with fewer than `LEAST` combinations of choices, lacks the one or the other.
    """
    found: dict[str, Drawing] = {}
    for claim in claims.values():
        if every or claim.role == ROLE:
            found.update(_of_claim(frames, claim))
    return {name: replace(drawing, alone=every) for name, drawing in found.items()}


def _of_claim(frames: Mapping[str, pd.DataFrame], claim: Claim) -> Iterator[tuple[str, Drawing]]:
    from retrostats.report.figures import (
        Drawing,
        half_eyes,
        influence_bars,
        origin_of,
        specification_curve,
    )
    from retrostats.report.figures.half_eye import moving

    mine = {name: _rows(frames[name], claim) for name in ("specifications", "draws", "unknowns")}
    if mine["draws"].empty:
        return
    owner = str(mine["draws"]["analysis"].iloc[0])
    estimates = frames["estimates"]
    origin = origin_of(estimates[estimates["analysis"] == owner] if len(estimates) else estimates)
    measures = list(mine["draws"].groupby("estimate_id", sort=False)["measure"].first().items())
    several = len(measures) > 1

    def drawn(kind: str, figure: Any, said: str) -> Iterator[tuple[str, Drawing]]:
        if figure is not None:
            yield f"{claim.claim_id}_{kind}", Drawing(figure, said, owner, claim=claim.claim_id)

    for i, (key, measure) in enumerate(measures, 1):
        rows = _only(mine["specifications"], key)
        end = f"_{i}" if several else ""
        curve = specification_curve(rows, claim, origin=origin) if len(rows) >= LEAST else None
        yield from drawn(f"choices{end}", curve, describe_choices(rows, claim, str(measure)))
    eyes = half_eyes(mine["draws"], frames["explorations"], claim)
    spread = moving(mine["draws"])
    yield from drawn("draws", eyes, describe_draws(spread, frames["explorations"], claim))
    for i, (key, measure) in enumerate(measures, 1):
        rows = _only(mine["unknowns"], key)
        end = f"_{i}" if several else ""
        title = f"{claim.statement} ({measure}): what moves the answer"
        bars = influence_bars(rows, title, claim.unit)
        yield from drawn(f"influence{end}", bars, describe_influence(rows, claim, str(measure)))


def _rows(frame: pd.DataFrame, claim: Claim) -> pd.DataFrame:
    return frame[frame["claim_id"] == claim.claim_id] if len(frame) else frame


def _only(frame: pd.DataFrame, estimate_id: object) -> pd.DataFrame:
    return frame[frame["estimate_id"] == estimate_id]


def describe_choices(rows: pd.DataFrame, claim: Claim, measure: str) -> str:
    """What a specification curve shows, in words."""
    if rows.empty:
        return ""
    low, high = _ends(rows["estimate"].min(), rows["estimate"].max(), claim)
    side = "size" if claim.has_size else "direction"
    counts = [(label, int((rows[side] == label).sum())) for label in LABELS]
    listed = [f"{label} under {_of(count, len(rows))}" for label, count in counts if count]
    said = f"; by its 95% limits alone the {side} is {' and '.join(listed)}" if listed else ""
    spread = f"is {low}" if low == high else f"goes from {low} to {high}"
    return f"Over {len(rows)} combinations of choices the estimate {spread}{said} ({measure})"


def _of(count: int, whole: int) -> str:
    return "all of them" if count == whole else f"{count} of them"


def describe_draws(draws: pd.DataFrame, explorations: pd.DataFrame, claim: Claim) -> str:
    """What half-eyes show, in words."""
    outer = {e["estimate_id"]: e for e in _rows(explorations, claim).to_dict("records")}
    parts = []
    for key, part in draws.groupby("estimate_id", sort=False):
        start, stop = (float(part["estimate"].quantile(q)) for q in HELD)
        low, high = _ends(start, stop, claim)
        first, last = _ends(outer[key]["conf_low"], outer[key]["conf_high"], claim)
        parts.append(
            f"{part['measure'].iloc[0]}, half of the estimates below "
            f"{_number(part['estimate'].median(), claim)}, 95% of them {low} to {high}, "
            f"outermost limits {first} to {last}"
        )
    return f"Over joint draws of all that was not printed: {'; '.join(parts)}"


def describe_influence(rows: pd.DataFrame, claim: Claim, measure: str) -> str:
    """What bars of influence show, in words."""
    if rows.empty:
        return ""
    first = rows.sort_values("total", ascending=False, kind="stable").iloc[0]
    low, high = _ends(first["low"], first["high"], claim)
    bounds = f", which by itself moves the limits to {low} and {high}" if low and high else ""
    return (
        f"What moves the answer most is “{first['unknown']}” "
        f"({min(float(first['total']), 1.0):.0%} of the variance){bounds} ({measure})"
    )


def _bounds(claim: Claim) -> Sequence[float]:
    own = (claim.null_value, claim.range_low, claim.range_high)
    return (*BOUNDS, *(value for value in own if value == value))


def _number(value: float, claim: Claim) -> str:
    return rounded(float(value), bounds=_bounds(claim)).replace("-", MINUS)


def _ends(low: float, high: float, claim: Claim) -> tuple[str, str]:
    start, stop = limits(float(low), float(high), bounds=_bounds(claim))
    return start.replace("-", MINUS), stop.replace("-", MINUS)
