"""Controls a reader moves: the package's answers at the points of a grid, as data of the page.

The page holds every answer it can show; its script looks them up, and computes none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from markupsafe import Markup

from retrostats.audit.claims import Claim
from retrostats.audit.plain_words import NO_WORDS, PlainWords
from retrostats.audit.verdict import Side, labels
from retrostats.common.student import t_quantile
from retrostats.evidence.unreported.extremes import Extreme
from retrostats.evidence.unreported.grids import Control, Grid
from retrostats.evidence.unreported.unknowns import Choice, Space, Unknown
from retrostats.models.meta.bayes import HalfNormal
from retrostats.models.meta.two_stage import pool
from retrostats.report.page import format as fmt
from retrostats.report.page.amounts import AMOUNTS, RATIOS, amount_and_span, ends_of
from retrostats.report.page.controls import Telling, units_of_cells
from retrostats.report.page.embedded import json_text
from retrostats.report.page.prior_widths import Widths, widths_of
from retrostats.report.page.sentences import Row

#: Digits of an answer in the page: the package's to a few parts in 1e12.
DIGITS = 12
#: Studies up to which a prior on their differences matters to the eye.
FEW = 10
#: By how much half an interval may differ from t times its error, for the numbers of a file.
_AS_SHOWN = 1e-6


#: A claim and the grid of one measure of it.
ClaimGrid = tuple[Claim, Grid]


@dataclass(frozen=True, slots=True)
class Shown:
    """One control: its label, why it is open, a word for each setting, and where it starts."""

    label: str
    why: str
    choice: bool
    settings: tuple[str, ...]
    start: int


@dataclass(frozen=True, slots=True)
class End:
    """The lowest or highest limit of all, with everything left open at once.

    Attributes
    ----------
    settings
        Of the controls, nearest to where it is.
    answer
        In words.
    how
        What gives it, unknown by unknown.
    at
        Estimate and limits, for the picture.
    values
        What each control would say there, a word for a choice.
    """

    settings: tuple[int, ...]
    answer: str
    how: tuple[str, ...]
    at: tuple[float, ...] = ()
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Explorer:
    """What stands under a claim for one measure.

    Attributes
    ----------
    key
        Unique on the page.
    measure
        What was measured.
    controls
        In the order of the grid, the last one moving fastest.
    corners
        Each control at each of its ends, the others where they start: setting and answer in words.
    answer
        Where all controls start, in words.
    data
        JSON for the script.
    ends
        "lowest" and "highest"; none where a measure has no outermost limits.
    """

    key: str
    measure: str
    controls: tuple[Shown, ...]
    corners: tuple[tuple[str, str, str], ...]
    answer: str
    data: Markup
    ends: Mapping[str, End] = field(default_factory=dict)


def explorers_of(
    grids: Iterable[ClaimGrid],
    records: Mapping[str, Sequence[Row]],
    words: Mapping[str, PlainWords] = MappingProxyType({}),
) -> dict[str, list[Explorer]]:
    """Explorers by claim: a grid of each measure, then the pool of what was printed by a prior.

    Parameters
    ----------
    grids
        Of every measure that judges a claim.
    records
        Rows of the frames of a replication by name: verdicts, estimates, claims, sources.
    words
        Plain words by `claim_id`.
    """
    found: dict[str, list[Explorer]] = {}
    units = {row["estimate_id"]: fmt.text(row["unit"]) for row in records["estimates"]}
    cells = units_of_cells(records["sources"])
    for number, (claim, grid) in enumerate(grids):
        measure = grid.entry.measure
        unit = measure.unit or units.get(measure.estimate_id, claim.unit)
        amounts = words.get(claim.claim_id, NO_WORDS).amounts if claim.scale in RATIOS else AMOUNTS
        telling = Telling(claim.scale, unit, cells, ends_of(asdict(claim)), amounts)
        found.setdefault(claim.claim_id, []).append(_explorer(f"g{number}", grid, claim, telling))
    claims = {row["claim_id"]: row for row in records["claims"]}
    scales = {
        grid.entry.measure.estimate_id: grid.entry.measure.posterior.prior_scale
        for _, grid in grids
        if grid.entry.measure.posterior is not None
    }
    for number, verdict in enumerate(records["verdicts"]):
        key = verdict["claim_id"]
        mine = [r for r in records["estimates"] if r["estimate_id"] == verdict["estimate_id"]]
        if mine and mine[0]["role"] == "pooled":
            scale = scales.get(mine[0]["estimate_id"], math.nan)
            widths = widths_of(fmt.text(mine[0]["scale"]) in RATIOS, scale)
            prior = _prior(
                f"p{number}", mine[0], records["estimates"], claims.get(key, verdict), widths
            )
            found.setdefault(key, []).extend(prior)
    return found


def _embedded(value: float) -> float:
    """A number as the page holds it."""
    return float(f"{value:.{DIGITS}g}")


def answer_text(values: Sequence[float], said: tuple[str, str], telling: Telling) -> str:
    """One answer in words: estimate, interval, and what it alone would say.

    Examples
    --------
    >>> telling = Telling("ratio", "ratio a / b", {}, (1.0,))
    >>> answer_text((1.264, 1.038, 1.539), ("supported", "open"), telling)
    '26% higher (95% interval 4% to 54% higher): this alone would say yes; as much as claimed: open'
    >>> answer_text((float("nan"),) * 3, ("", ""), telling)
    'these settings contradict one another'
    """
    if not np.isfinite(values).all():
        return "these settings contradict one another"
    at, low, high = (_embedded(v) for v in values)  # what the script of the page rounds as well
    first, inside = amount_and_span(at, low, high, telling.scale, "", telling.bounds, telling.words)
    shown = f"{first} (95% interval {inside})"
    shown = shown if telling.scale in RATIOS else f"{shown} {telling.unit}".strip()
    words = _words(said)
    return f"{shown}: {words}" if words else shown


#: What an interval by itself says of the claimed side, and of the claimed size.
SIDE_WORDS = {
    "supported": "this alone would say yes",
    "open": "this alone would leave it open",
    "contradicted": "this alone would say no",
}
SIZE_WORDS = {
    "supported": "as much as claimed: yes",
    "open": "as much as claimed: open",
    "contradicted": "as much as claimed: no",
}


def _words(said: tuple[str, str]) -> str:
    """What one answer alone would say of side and size; empty where nothing is claimed."""
    both = (SIDE_WORDS.get(said[0], ""), SIZE_WORDS.get(said[1], ""))
    return "; ".join(filter(None, both))


def _explorer(key: str, grid: Grid, claim: Claim, telling: Telling) -> Explorer:
    said = _said(grid, claim)
    explored = grid.entry.at95
    ends = {
        "lowest": _end(explored.low, grid, telling),
        "highest": _end(explored.high, grid, telling),
    }
    controls = tuple(_shown(c, grid) for c in grid.controls)
    return Explorer(
        key=key,
        measure=grid.entry.measure.name,
        controls=controls,
        corners=(
            *_corners(grid, said, telling, controls),
            *(("everything at once", f"the {name}", end.answer) for name, end in ends.items()),
        ),
        answer=answer_text(grid.at95[grid.start].tolist(), said[grid.start], telling),
        data=_data(
            grid.at95,
            said,
            [_values(c, telling) for c in grid.controls],
            controls,
            telling,
            null=claim.null_value,
            ends=ends,
        ),
        ends=ends,
    )


def _end(extreme: Extreme, grid: Grid, telling: Telling) -> End:
    """One outermost limit: the settings nearest to it, its answer, and what gives it."""
    explored = grid.entry.at95
    space = explored.space
    settings, said = [], []
    found = space.describe(extreme.point[None, :])
    for control in grid.controls:
        position, count = float(extreme.point[space.names.index(control.name)]), control.settings
        near = int(position * count) if control.labels else round(position * (count - 1))
        settings.append(min(near, count - 1))
        value = found[control.name]
        said.append(str(value) if control.labels
                    else _told(float(value), control, telling))  # fmt: skip
    values = explored.answers(extreme.point[None, :])[0].tolist()
    answer = answer_text(values, ("", ""), telling)
    at = tuple(map(_embedded, values)) if np.isfinite(values).all() else ()
    return End(tuple(settings), answer, tuple(_how(space, extreme, telling)), at, tuple(said))


def _how(space: Space, extreme: Extreme, telling: Telling) -> Iterable[str]:
    """Unknown by unknown; ends of roundings are counted."""
    at, rounded = space.describe(extreme.point[None, :]), 0
    for unknown in space.unknowns:
        value = at[unknown.name]
        if isinstance(unknown, Choice):
            yield f"{unknown.name}: {value}"
        elif unknown.cell:
            rounded += 1
        else:
            yield f"{unknown.name}: {_told(float(value), unknown, telling)}"
    if rounded:
        numbers = "1 printed number" if rounded == 1 else f"{rounded} printed numbers, each"
        yield f"{numbers} at an end of what its rounding allows"


def _said(grid: Grid, claim: Claim) -> list[tuple[str, str]]:
    """What each point alone would say: direction and size, empty where nothing is claimed."""
    limits = [*grid.at95[:, 1:].T, *grid.at90[:, 1:].T]
    sides: tuple[tuple[Side, bool], ...] = (
        ("direction", claim.has_direction),
        ("size", claim.has_size),
    )
    none = np.full(len(grid.points), "")
    found = [labels(claim, side, *limits) if there else none for side, there in sides]
    return [(str(a), str(b)) for a, b in zip(*found, strict=True)]


def _shown(control: Control, grid: Grid) -> Shown:
    if control.labels:
        settings = control.labels
    else:
        steps = control.settings - 1
        settings = tuple(f"{100 * i // steps}% of its range" for i in range(control.settings))
    return Shown(control.name, control.why, bool(control.labels), settings, control.start)


def _values(control: Control, telling: Telling) -> list[str] | None:
    """What a range's control says at each point; None for a choice, whose options say it."""
    if control.labels:
        return None
    values = control.values.tolist()
    told = {v: _told(v, control, telling) for v in set(values)}  # a few settings at many points
    return [told[v] for v in values]


def _told(value: float, of: Control | Unknown, telling: Telling) -> str:
    """A value of an unknown, in its unit."""
    return telling.value(value, of.kind, of.cell, of.unit)


def _corners(
    grid: Grid, said: Sequence[tuple[str, str]], telling: Telling, controls: Sequence[Shown]
) -> Iterable[tuple[str, str, str]]:
    sizes = [c.settings for c in grid.controls]
    start = [c.start for c in grid.controls]
    for place, (control, shown) in enumerate(zip(grid.controls, controls, strict=True)):
        ends = range(control.settings) if control.labels else (0, control.settings - 1)
        for setting in ends:
            at = int(np.ravel_multi_index([*start[:place], setting, *start[place + 1 :]], sizes))
            value = (
                shown.settings[setting]
                if control.labels
                else _told(control.values[at], control, telling)
            )
            answer = answer_text(grid.at95[at].tolist(), said[at], telling)
            yield shown.label, value, answer


def _prior(
    key: str, pooled: Row, estimates: Sequence[Row], claim: Row, widths: Widths | None
) -> list[Explorer]:
    """The pool of what was printed under half-normal priors of several widths; it judges nothing.

    None for a pool of one, or of so many that a prior hardly matters.
    """
    log = fmt.text(pooled["scale"]) in RATIOS
    mine = [r for r in estimates if r["pooled"] and r["quantity"] == pooled["quantity"]]
    if widths is None or not (2 <= len(mine) <= FEW and all(r["std_error"] > 0 for r in mine)):
        return []
    if not log and not all(_error_as_shown(r) for r in mine):
        return []
    effects = [np.log(r["estimate"]) if log else r["estimate"] for r in mine]
    errors = [r["std_error"] for r in mine]
    found = [pool(effects, errors, prior=HalfNormal(width)) for width in widths.values]
    answers = np.array([(p.estimate, p.conf_low, p.conf_high) for p in found])
    answers = np.exp(answers) if log else answers
    said = [("", "")] * len(found)
    bounds = ends_of(claim)
    start = widths.start
    shown = Shown(
        "width of the prior on the differences between studies",
        f"a half-normal prior: {widths.why}",
        False,
        tuple(fmt.short(width) for width in widths.values),
        start,
    )
    unit = fmt.text(pooled["unit"])
    telling = Telling(fmt.text(pooled["scale"]), unit, {}, bounds)
    texts = [answer_text(row, ("", ""), telling) for row in answers.tolist()]
    ends = [(shown.label, shown.settings[i], texts[i]) for i in (0, len(widths.values) - 1)]
    values: list[list[str] | None] = [list(shown.settings)]
    null = claim.get("null_value")
    data = _data(answers, said, values, (shown,), telling, null=null)
    label = f"{fmt.text(pooled['label'])}, by a prior (it judges nothing)"
    return [Explorer(key, label, (shown,), tuple(ends), texts[start], data)]


def _error_as_shown(row: Row) -> bool:
    """Whether an error is on the scale of its estimate: not that of Fisher's z, or of a logit."""
    half = t_quantile(0.025, row["df"]) * row["std_error"]
    return math.isclose(row["conf_high"] - row["estimate"], half, rel_tol=_AS_SHOWN)


def _data(
    answers: Any,
    said: Sequence[tuple[str, str]],
    values: Sequence[list[str] | None],
    controls: Sequence[Shown],
    telling: Telling,
    *,
    null: Any,
    ends: Mapping[str, End] = MappingProxyType({}),
) -> Markup:
    """JSON whose text no parser of HTML can take for markup."""
    known = list(dict.fromkeys(said))
    record = {
        "settings": [len(c.settings) for c in controls],
        "start": [c.start for c in controls],
        "values": values,
        "answers": [
            [_embedded(v) if math.isfinite(v) else None for v in row]
            for row in np.asarray(answers).tolist()
        ],
        "said": [known.index(s) for s in said],
        "words": [_words(s) for s in known],
        "bounds": [b for b in telling.bounds if np.isfinite(b)],
        "unit": telling.unit,
        "log": telling.scale in RATIOS,
        "way": list(telling.words),
        "ends": {name: asdict(end) for name, end in ends.items()},
        "at": [] if null is None or null != null else [float(null)],
    }
    return Markup(json_text(record))
