"""Each estimate as a function of what was not printed, with the verdict along the axis.

Panels of one unit share their scale; an open ring stands at the value that every other figure
uses. Limits are lines, so that nothing tints the claim's band.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from string import ascii_lowercase
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullFormatter

from retrostats.audit.claims import null_words
from retrostats.common.page import SINGLE_MM
from retrostats.report.figures import theme
from retrostats.report.figures.axis import Span
from retrostats.report.figures.looks import BAND, narrow, now, page_mm
from retrostats.report.figures.panels import PRINTED, band_of, upright
from retrostats.report.figures.verdicts import shade_of

STRIP_MM = 3.4
ROOMY_MM = 27.0  # an axis that has room for four numbers
UNIT_MM = 8.0  # that the unit of a low axis may be longer than it
GUTTER_MM, GAP_MM = 17.0, 4.0  # left of an axis with numbers; between axes that share them
WORD_GAP_MM, WIDEST_MM = 1.2, 66.0  # between options; the widest that a lone panel grows
QUANTITY = {
    "ratio": "Ratio",
    "rate_ratio": "Rate ratio",
    "difference": "Difference",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands in its row, in mm from the left, and whether it has its own numbers."""

    part: pd.DataFrame
    letter: str
    left: float
    start: float
    inner: float
    numbered: bool


def sensitivity(
    frame: pd.DataFrame, claims: Mapping[str, Any], origin: str = PRINTED
) -> Figure | None:
    """One panel an estimate and unknown; None if nothing is unknown.

    Parameters
    ----------
    frame
        The sensitivity frame.
    claims
        Claims by id, for the band of the one an estimate is judged by (column `claim_id`).
    origin
        What it is computed from, as `origin_of` says it.
    """
    if frame.empty:
        return None
    sweeps = [
        part.reset_index(drop=True)
        for _, part in frame.groupby(["estimate_id", "unknown"], sort=False)
    ]
    with theme.styled():
        return _panels(sweeps, claims, origin)


def _panels(sweeps: Sequence[pd.DataFrame], claims: Mapping[str, Any], origin: str) -> Figure:
    width = SINGLE_MM if len(sweeps) == 1 else page_mm()
    rows = _rows(sweeps, width)
    scales = _shared(sweeps, claims)
    caption = theme.caption_lines(_caption(sweeps, claims, origin, _shortened(rows)), width)
    heads = [_head_mm(row) for row in rows]
    kinds = [_kinds(*(place.part for place in row)) for row in rows]
    strips = [len(found) * (STRIP_MM + 0.6) for found in kinds]
    feet = [_foot_mm(row) for row in rows]
    total = theme.TOP_MM + theme.LINE_MM * len(caption) + 4
    total += sum(heads) + sum(strips) + sum(feet) + _panel_mm() * len(rows)
    figure = theme.new_figure(width, total)
    top = theme.TOP_MM
    for row, head, strip, foot, shown in zip(rows, heads, strips, feet, kinds, strict=True):
        for place in row:
            _panel(figure, place, claims, scales[_unit(place.part)], (top, head, strip), shown)
        top += head + strip + _panel_mm() + foot
    theme.draw_caption(figure, caption)
    return figure


def _rows(sweeps: Sequence[pd.DataFrame], width: float) -> list[list[Place]]:
    """Panels in as few lines as can be, even ones; one unit shares the numbers of its first panel.

    All axes are of one width, but where a choice has longer words than that.
    """
    lines = _lines(sweeps, width, len(sweeps))
    even = _lines(sweeps, width, -(-len(sweeps) // len(lines)))
    lines = even if len(even) == len(lines) else lines
    letters = iter(ascii_lowercase * 9)
    common = min(_inner(parts, width) for parts in lines)
    return [_row(parts, max(common, _widest(parts)), letters) for parts in lines]


def _lines(sweeps: Sequence[pd.DataFrame], width: float, most: int) -> list[list[pd.DataFrame]]:
    """Panels in lines of as many as fit, up to `most`."""
    lines: list[list[pd.DataFrame]] = []
    for sweep in sweeps:
        fits = lines and _needed([*lines[-1], sweep]) <= width - 2 * theme.EDGE_MM
        if fits and len(lines[-1]) < most:
            lines[-1].append(sweep)
        else:
            lines.append([sweep])
    return lines


def _numbered(parts: Sequence[pd.DataFrame]) -> list[bool]:
    """Whether each panel of a row has numbers of its own: the first of its unit in sequence."""
    units = [_unit(part) for part in parts]
    return [i == 0 or unit != units[i - 1] for i, unit in enumerate(units)]


def _needed(parts: Sequence[pd.DataFrame]) -> float:
    """Least width of a row of panels, in mm."""
    axes = (_widest(parts) + GAP_MM) * len(parts) - GAP_MM
    return axes + _gutter_mm() * sum(_numbered(parts))


def _widest(parts: Sequence[pd.DataFrame]) -> float:
    """Least width of the axes of a row, which is one for all of them."""
    return max(map(_least, parts))


def _inner(parts: Sequence[pd.DataFrame], width: float) -> float:
    """Width of the axes of a row that fills its line; a lone pair grows no wider than it helps."""
    spare = (width - 2 * theme.EDGE_MM - _needed(parts)) / len(parts)
    spare = min(spare, WIDEST_MM - 36.0) if len(parts) < 3 and not narrow() else spare
    return _widest(parts) + spare


def _panel_mm() -> float:
    return 18.5 if narrow() else 38.0


def _gutter_mm() -> float:
    return 14.5 if narrow() else GUTTER_MM


def _least(part: pd.DataFrame) -> float:
    """Least width of an axis: its curve's, or that of its options, no word of which is cut."""
    least = 22.0 if narrow() else 36.0
    if _numeric(part):
        return least
    return max(least, sum(_least_slots(part)))


def _least_slots(part: pd.DataFrame) -> list[float]:
    """What each option of a choice needs of the axis: its longest word, in mm."""
    texts = zip(part["unknown_text"], _people(part), strict=True)
    said = (theme.clean(f"{text} {people}").split(" ") for text, people in texts)
    return [max(map(theme.width_mm, words)) + WORD_GAP_MM for words in said]


def _people(part: pd.DataFrame) -> list[str]:
    """People of each option where they differ, below its words; else nothing."""
    if "n" not in part or part["n"].nunique() < 2:
        return [""] * len(part)
    return [f"n\u00a0=\u00a0{n:.0f}" if n == n else "n not printed" for n in part["n"]]


def _slots(place: Place) -> list[float]:
    """The part of the axis that each option has, in mm: what it needs, and as much of the rest."""
    least = _least_slots(place.part)
    spare = (place.inner - sum(least)) / len(least)
    return [mm + spare for mm in least]


def _row(parts: Sequence[pd.DataFrame], inner: float, letters: Iterator[str]) -> list[Place]:
    """Panels of one width beside one another."""
    row, left = [], theme.EDGE_MM
    for part, numbered in zip(parts, _numbered(parts), strict=True):
        start = left + (_gutter_mm() if numbered else 0.0)
        row.append(Place(part, next(letters), left, start, inner, numbered))
        left = start + inner + GAP_MM
    return row


def _unit(part: pd.DataFrame) -> str:
    return str(part["unit"].iloc[0]) if "unit" in part else QUANTITY[part["scale"].iloc[0]]


def _shared(sweeps: Sequence[pd.DataFrame], claims: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Every row of a unit, and the ends of its claims: what one scale must hold."""
    found: dict[str, list[pd.DataFrame]] = {}
    for part in sweeps:
        band = band_of(_claim(part, claims)) or Span(float("nan"), float("nan"))
        ends = pd.DataFrame({"estimate": list(band)}).dropna()
        found.setdefault(_unit(part), []).extend([part, ends])
    return {unit: pd.concat(parts, ignore_index=True) for unit, parts in found.items()}


def _title(place: Place) -> list[str]:
    part = place.part
    n = part["n"].iloc[0] if "n" in part else float("nan")
    same = "n" in part and part["n"].nunique() == 1
    people = f", n\u00a0=\u00a0{n:.0f}" if same and n == n else ""
    text = f"{place.letter}\u00a0{part['label'].iloc[0]}{people}"
    return theme.wrap(text, place.inner + place.start - place.left - 1, bold=True)


def _head_mm(row: Sequence[Place]) -> float:
    return theme.LINE_MM * max(len(_title(place)) for place in row) + 1.5


def _words(place: Place) -> list[list[str]]:
    """Options of a choice, each in its share of the axis, with its people where they differ."""
    part = place.part
    return [
        [
            line
            for said in filter(None, (text, people))
            for line in theme.wrap(said, slot - WORD_GAP_MM / 2)
        ]
        for text, people, slot in zip(
            part["unknown_text"], _people(part), _slots(place), strict=True
        )
    ]


def _xlabel(place: Place) -> list[str]:
    return theme.wrap(place.part["unknown"].iloc[0], place.inner + GAP_MM - 1)


def _foot_mm(row: Sequence[Place]) -> float:
    """Room below the axes of a row: ticks, or options in words, and the name of the unknown."""
    lines = max(
        len(_xlabel(place))
        + (1 if _numeric(place.part) else max(map(len, _words(place))))
        for place in row
    )  # fmt: skip
    return (4.6 if narrow() else 6.0) + theme.LINE_MM * lines


def _panel(
    figure: Figure, place: Place, claims: Mapping[str, Any], scale: pd.DataFrame,
    heights: tuple[float, float, float], kinds: Sequence[tuple[str, str]],
) -> None:  # fmt: skip
    top, head, strips = heights
    for j, line in enumerate(_title(place)):
        theme.add_text(figure, place.left, top + theme.LINE_MM * (j + 0.6), line,
                       fontweight="bold")  # fmt: skip
    axes = theme.add_axes(figure, place.start, top + head + strips, place.inner, _panel_mm())
    _draw(axes, place, _claim(place.part, claims), scale)
    axes.set_xlabel("\n".join(_xlabel(place)), fontsize=theme.SMALL, labelpad=2, parse_math=False)
    mine = _kinds(place.part)
    for k, (name, column) in enumerate(kinds):  # in one line over all panels of a row
        at = top + head + k * (STRIP_MM + 0.6)
        if (name, column) not in mine:
            continue
        if place.numbered:
            theme.add_text(figure, place.start - 1, at + STRIP_MM / 2, name, ha="right",
                           color=now().grey)  # fmt: skip
        _draw_strip(figure, place, at, column)


def _numeric(part: pd.DataFrame) -> bool:
    return bool(part["unknown_value"].notna().all())


def _caption(
    sweeps: Sequence[pd.DataFrame], claims: Mapping[str, Any], origin: str, shortened: Sequence[str]
) -> str:
    """What the marks that are drawn mean."""
    judged = [claim for claim in (_claim(part, claims) for part in sweeps) if claim is not None]
    band = any(band_of(claim) is not None for claim in judged)
    marks = ["Heavy line: estimate; thin lines: its 95% limits at each value"]
    marks += ["ring: the value used elsewhere"] if any("used" in part for part in sweeps) else []
    marks += [BAND] if band else []
    lines = (null_words(c.null_value, c.scale, c.unit) for c in judged)
    dashed = " or ".join(dict.fromkeys(filter(None, lines))) or ("" if judged else "no difference")
    marks += [f"dashed: {dashed}"] if dashed else []
    text = "; ".join(marks) + ". Panels of one unit share its scale. "
    if any(_kinds(part) for part in sweeps):
        letters = ", ".join(f"{verdict[0].upper()} {verdict}" for verdict in shortened)
        text += "Strips: what the 95% limits at that value alone would say"
        text += f" ({letters}, where the word has no room). " if letters else ". "
    return f"{text}Sources: data/published; computed from {origin}."


def _kinds(*parts: pd.DataFrame) -> list[tuple[str, str]]:
    """Strips that one of some panels has: what is judged, and its column."""
    kinds = (("direction", "verdict_direction"), ("size", "verdict_size"))
    return [(n, column) for n, column in kinds if any((p[column] != "").any() for p in parts)]


def _claim(part: pd.DataFrame, claims: Mapping[str, Any]) -> Any:
    return claims.get(part["claim_id"].iloc[0]) if "claim_id" in part else None


def _along(place: Place) -> tuple[list[float], tuple[float, float]]:
    """Where the values of an unknown stand along its axis, and its ends; of options in mm."""
    part = place.part
    if _numeric(part) and len(part) > 1:
        x = [float(v) for v in part["unknown_value"]]
        return x, (min(x), max(x))
    slots = _slots(place)
    middles = (end - mm / 2 for end, mm in zip(accumulate(slots), slots, strict=True))
    return list(middles), (0.0, place.inner)


def _draw(axes: Any, place: Place, claim: Any, scale: pd.DataFrame) -> None:
    """Curve or, for an unknown in words, marks."""
    part = place.part
    log = part["scale"].iloc[0] != "difference"
    null = (1.0 if log else 0.0) if claim is None else claim.null_value
    upright(axes, scale, claim, null, log=log)
    if place.numbered:
        room = _panel_mm() + (UNIT_MM if narrow() else 0.0)
        unit = "\n".join(theme.wrap(_unit(part), room))
        axes.set_ylabel(unit, labelpad=2, fontsize=theme.SMALL, parse_math=False,
                        loc="top" if narrow() else "center")  # fmt: skip
    else:
        axes.yaxis.set_major_formatter(NullFormatter())
    x, limits = _along(place)
    if _numeric(part) and len(part) > 1:
        for name in ("conf_low", "conf_high"):
            axes.plot(x, part[name], color=now().blue, lw=0.8, zorder=2, gid="confidence")
        axes.plot(x, part["estimate"], color=now().blue, lw=1.6, zorder=3, gid="estimate")
        axes.set_xlim(limits)
        axes.xaxis.set_major_locator(MaxNLocator(4 if place.inner > ROOMY_MM else 2, prune="both"))
    else:
        axes.vlines(x, part["conf_low"], part["conf_high"], color=now().blue, lw=1.8, zorder=2)
        axes.plot(x, part["estimate"], "s", ms=4.6, color=now().blue, zorder=3, gid="estimate")
        axes.set_xlim(limits)
        axes.xaxis.set_major_locator(FixedLocator(x))
        words = ["\n".join(lines) for lines in _words(place)]
        axes.xaxis.set_major_formatter(FixedFormatter(words))
    if "used" in part and part["used"].any():
        i = int(part["used"].to_numpy().argmax())
        axes.plot([x[i]], [part["estimate"][i]], "o", ms=8.0, mfc="none", mec=now().ink, mew=1.0,
                  zorder=4, gid="used")  # fmt: skip


def _runs(
    x: Sequence[float], verdicts: Sequence[str], limits: tuple[float, float]
) -> Iterator[Any]:
    """Verdict, start and end of each stretch; a change lies midway between two values."""
    edges = [limits[0], *((a + b) / 2 for a, b in pairwise(x)), limits[1]]
    start = 0
    for verdict, group in groupby(verdicts):
        stop = start + len(list(group))
        yield verdict, edges[start], edges[stop]
        start = stop


def _stretches(place: Place, column: str) -> Iterator[tuple[str, float, float, float]]:
    """Each verdict of a strip with start, end and length in mm."""
    x, limits = _along(place)
    for verdict, start, stop in _runs(x, list(place.part[column]), limits):
        if verdict:
            yield verdict, start, stop, (stop - start) / (limits[1] - limits[0]) * place.inner


def _fits(verdict: str, length: float) -> bool:
    return theme.width_mm(verdict) < length - 1.5


def _shortened(rows: Sequence[Sequence[Place]]) -> list[str]:
    """Verdicts of which a strip has room for the first letter alone, in order."""
    places = [place for row in rows for place in row]
    return sorted({
        verdict for place in places for _, column in _kinds(place.part)
        for verdict, _, _, length in _stretches(place, column)
        if not _fits(verdict, length) and theme.width_mm(verdict[0].upper()) < length - 0.6
    })  # fmt: skip


def _draw_strip(figure: Figure, place: Place, top: float, column: str) -> None:
    low, high = _along(place)[1]
    for verdict, start, _, length in _stretches(place, column):
        left = place.start + (start - low) / (high - low) * place.inner
        look = {"facecolor": shade_of(verdict), "edgecolor": now().ink, "lw": 0.4, "gid": verdict}
        theme.add_box(figure, left, top, length, STRIP_MM, **look)
        word = verdict if _fits(verdict, length) else verdict[0].upper()
        if theme.width_mm(word) < length - 0.6:
            theme.add_text(figure, left + length / 2, top + 0.54 * STRIP_MM, word, ha="center")
