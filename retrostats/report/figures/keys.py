"""The key of a forest: what each mark means, of the marks that are drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from retrostats.report.figures import theme
from retrostats.report.figures.looks import narrow, now

MARKERS = {
    "printed": "o",
    "recomputed": "o",
    "model": "s",
    "cohort": "^",
    "study": "s",
    "term": "s",
}
DIAMONDS = ("pooled", "one-stage", "few-studies")
KEYS: Mapping[str, str] = MappingProxyType({
    "study": "estimate of a study",
    "term": "estimate",
    "printed": "printed by the source, or arithmetic on its print",
    "model": "mixed model of printed numbers",
    "cohort": "reader's own cohort",
    "hollow": "hollow: not pooled",
    "heavy": "area of a mark: its weight in the pool",
    "fitted": "what the model expects there",
    "pooled": "pool, as wide as its 95% interval",
    "posterior": "posterior median",
    "one-stage": "one model of the people of its studies",
    "few-studies": "pool by a method for few studies",
    "interval": "95% confidence interval",
    "prediction": "95% prediction interval",
    "range": "range over what was not printed",
    "beyond": "goes on beyond the axis",
    "band": "range that would make the claim true",
})  # fmt: skip
#: The same in fewer words, for one column.
SHORT: Mapping[str, str] = MappingProxyType(dict(KEYS) | {
    "printed": "printed or arithmetic on print",
    "model": "model of printed numbers",
    "heavy": "area: weight in the pool",
    "pooled": "pool, 95% interval",
    "one-stage": "one model of all people",
    "few-studies": "pool, few-study method",
    "interval": "95% interval",
    "range": "over what was not printed",
    "beyond": "beyond the axis",
    "band": "makes the claim true",
})  # fmt: skip
LINE_MM, NARROW_MM = 3.9, 3.6
#: Of a key: its handle, the gap to its words, and all that stands around them with the gap to the
#: next; how high an area is, and how far a handle stands above the middle of a line of text.
HANDLE_MM, WORDS_MM, AROUND_MM, BOX_MM, RAISED_MM = 4.4, 1.2, 9.5, 1.7, 0.2
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Words:
    """What the intervals of a panel are: their level, and "confidence" or "credible".

    Examples
    --------
    >>> Words(0.9).heading, Words(kind="credible").said("interval")
    ('Estimate [90% CI]', '95% credible interval')
    """

    level: float = 0.95
    kind: str = "confidence"

    @property
    def heading(self) -> str:
        """Name of the column of estimates."""
        return f"Estimate [{100 * self.level:g}% C{'I' if self.kind == 'confidence' else 'rI'}]"

    def said(self, key: str) -> str:
        """A key in words, with the level and the kind of these intervals."""
        text = (SHORT if narrow() else KEYS)[key].replace("confidence", self.kind)
        return text.replace("95%", f"{100 * self.level:g}%")


def key_mm() -> float:
    """Height of a line of the key."""
    return NARROW_MM if narrow() else LINE_MM


def filled(rows: pd.DataFrame) -> bool:
    """Whether the mark of any estimate that is no pool is filled: else hollow sets none apart."""
    marks = ~rows["role"].isin((*DIAMONDS, "posterior"))
    return bool((rows["pooled"].astype(bool) & marks & rows["estimate"].notna()).any())


def keys_of(rows: pd.DataFrame, *, band: bool, beyond: bool) -> list[str]:
    """Keys that these rows need, in the order of KEYS."""
    role = rows["role"].replace({"recomputed": "printed"})
    used = set(role)
    marks = ~role.isin(DIAMONDS)
    open_marks = ~rows["pooled"].astype(bool) & marks & ~role.isin(("posterior", "term"))
    if filled(rows) and (open_marks & rows["estimate"].notna()).any():
        used.add("hollow")
    if (rows["conf_low"].notna() & marks).any():
        used.add("interval")
    if (rows["pred_low"].notna() & ~marks).any():
        used.add("prediction")
    if rows["sens_low"].notna().any():
        used.add("range")
    if "fit_low" in rows and rows["fit_low"].notna().any():
        used.add("fitted")
    if "weight" in rows and rows.loc[marks, "weight"].nunique() > 1:
        used.add("heavy")
    used |= {"band"} if band else set()
    used |= {"beyond"} if beyond else set()
    return [key for key in KEYS if key in used]


def _handle(key: str, *, solid: bool) -> Any:
    face = now().blue if solid else "none"
    mark: dict[str, Any] = {"ls": "none", "color": now().blue, "ms": 4.6}
    line: dict[str, Any] = {"color": now().ink}
    handles: dict[str, Callable[[], Any]] = {
        "printed": lambda: Line2D([], [], marker="o", mfc=face, **mark),
        "model": lambda: Line2D([], [], marker="s", mfc=face, **mark),
        "cohort": lambda: Line2D([], [], marker="^", **mark | {"color": now().orange}),
        "study": lambda: Line2D([], [], marker="s", **mark),
        "term": lambda: Line2D([], [], marker="s", **mark),
        "posterior": lambda: Line2D([], [], marker="D", mfc=now().paper, **mark),
        "heavy": lambda: (
            Line2D([], [], marker="s", **mark | {"ms": 2.5}),
            Line2D([], [], marker="s", **mark | {"ms": 5.5}),
        ),
        "fitted": lambda: Line2D([], [], marker="D", **mark | {"color": now().pale}),
        "hollow": lambda: Line2D([], [], marker="o", mfc="none", **mark),
        "pooled": lambda: Line2D([], [], marker="D", **mark | line),
        "one-stage": lambda: Line2D([], [], marker="D", mfc=now().paper, **mark | line),
        "few-studies": lambda: Line2D([], [], marker="D", **mark | {"color": now().grey}),
        "interval": lambda: Line2D([], [], lw=1.8, color=now().blue),
        "prediction": lambda: Line2D([], [], lw=1.0, ls=(0, (1, 1.2)), **line),
        "range": lambda: Line2D([], [], lw=0.6, marker="|", ms=4, color=now().grey),
        "beyond": lambda: Line2D([], [], marker=">", **mark | line | {"ms": 4}),
        "band": lambda: Patch(facecolor=now().band, edgecolor=now().band_edge, lw=0.5, ls="--"),
    }
    return handles[key]()


def key_rows(keys: Sequence[str], width_mm: float, words: Words) -> list[list[str]]:
    """Keys in lines that fit the figure's width."""
    return in_lines([(key, words.said(key)) for key in keys], width_mm)


def in_lines(said: Sequence[tuple[Key, str]], width_mm: float) -> list[list[Key]]:
    """What is named, in lines that hold its words beside one another."""
    rows: list[list[Key]] = [[]]
    used = 0.0
    for key, text in said:
        needed = AROUND_MM + theme.width_mm(text)
        if rows[-1] and used + needed > width_mm - 2 * theme.EDGE_MM:
            rows.append([])
            used = 0.0
        rows[-1].append(key)
        used += needed
    return rows


def draw_keys(
    figure: Any, rows: Sequence[Sequence[str]], top: float, words: Words, *, solid: bool
) -> None:
    """The key, its first line at `top` mm; marks of studies are solid where any of them is."""
    lines = [[(_handle(key, solid=solid), words.said(key)) for key in keys] for keys in rows]
    draw_handles(figure, lines, top)


def draw_handles(figure: Any, lines: Sequence[Sequence[tuple[Any, str]]], top: float) -> None:
    """Lines of handles with their words, the first at `top` mm.

    A handle is a line, an area, or a tuple of marks; it is put in its place, not copied. The room
    that each takes is known, so that no legend of matplotlib need lay them out.
    """
    for i, line in enumerate(lines):
        left, centre = theme.EDGE_MM, top + 2 + key_mm() * i
        for handle, text in line:
            parts = handle if isinstance(handle, tuple) else (handle,)
            each = HANDLE_MM / len(parts)
            for j, part in enumerate(parts):
                _put(figure, part, left + each * j, centre - RAISED_MM, each)
            theme.add_text(figure, left + HANDLE_MM + WORDS_MM, centre, text, gid="key")
            left += AROUND_MM + theme.width_mm(text)


def _put(figure: Any, handle: Any, left: float, centre: float, wide: float) -> None:
    """A handle that begins at `left` and stands about `centre`, in mm."""
    if isinstance(handle, Patch):
        look = {"facecolor": handle.get_facecolor(), "edgecolor": handle.get_edgecolor(),
                "lw": handle.get_linewidth(), "ls": handle.get_linestyle()}  # fmt: skip
        theme.add_box(figure, left, centre - BOX_MM / 2, wide, BOX_MM, gid="key-mark", **look)
        return
    width, height = theme.figure_mm(figure)
    at = [left, left + wide / 2, left + wide]
    handle.set_data([x / width for x in at], [1 - centre / height] * len(at))
    handle.set(markevery=[1], gid="key-mark", solid_capstyle="butt")
    figure.add_artist(handle)
