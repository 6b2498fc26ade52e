"""One look for all figures: sizes in mm, colours, type, and files that are the same bytes.

Text is text: it can be searched, read aloud and edited. SVG and PDF (`pdf.fonttype` 42) embed the
outlines of DejaVu Sans, which comes with matplotlib and is free to embed. SVG also says how wide
each line is (`textLength`), so that a program that reads no font in it sets another as wide.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from functools import lru_cache
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from retrostats.common.page import DOUBLE_MM, MM_PER_INCH, SINGLE_MM
from retrostats.report.figures import recording
from retrostats.report.figures.fonts import in_memory, outlines_only
from retrostats.report.figures.looks import Look, now
from retrostats.report.figures.png import png
from retrostats.report.figures.recording import Recording
from retrostats.report.figures.svg_text import advance, font_of, with_words

PT_MM = MM_PER_INCH / 72
SIZE, SMALL = 7.5, 7.0  # pt; journals ask for 7 at least
LINE_MM = 3.25  # one line of text at SMALL
EDGE_MM, TOP_MM = 2.0, 2.5
DOTS = 300  # an inch, of a PNG

__all__ = [
    "DOUBLE_MM", "EDGE_MM", "LINE_MM", "SINGLE_MM", "SIZE", "SMALL", "TOP_MM", "add_axes",
    "add_box", "add_text", "balanced", "caption_lines", "clean", "draw_caption", "figure_mm",
    "new_figure", "record", "style_of", "styled", "title_of", "widest_mm", "width_mm", "wrap",
    "write",
]  # fmt: skip

#: A figure looks the same whatever a matplotlibrc of the user or of the folder says.
_DEFAULTS = {
    name: value
    for name, value in dict.items(mpl.rcParamsDefault)
    if name not in {"backend", "backend_fallback", "interactive", "toolbar", "timezone"}
    and not name.startswith(("webagg.", "docstring.", "savefig.directory", "tk.", "date.epoch"))
}
STYLE: Any = {
    **_DEFAULTS,
    "font.family": "DejaVu Sans",
    "font.size": SIZE,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": SIZE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "text.parse_math": False,
    "text.hinting": "no_hinting",  # at 300 dpi letters need no grid, and take half the time
    "axes.unicode_minus": True,
    "path.simplify": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "retrostats",
}

_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}


def style_of(look: Look) -> Any:
    """Settings of matplotlib for a look."""
    ink = ("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color")
    return STYLE | dict.fromkeys(ink, look.ink) | {"axes.facecolor": "none"}


def styled() -> Any:
    """Context in which figures are drawn in the look of the moment."""
    return mpl.rc_context(style_of(now()))


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """Empty figure of that size, outside pyplot (nothing to close)."""
    figure = Figure(
        figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), facecolor=now().paper
    )
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Any:
    """Axes at a place given in mm from the figure's top left corner."""
    figure_width, figure_height = figure_mm(figure)
    return figure.add_axes(
        (
            left / figure_width,
            1 - (top + height) / figure_height,
            width / figure_width,
            height / figure_height,
        )
    )


def add_text(figure: Figure, left: float, top: float, text: str, **options: Any) -> Any:
    """Text at a place given in mm from the top left corner; markup in it has no meaning."""
    figure_width, figure_height = figure_mm(figure)
    settings: dict[str, Any] = {
        "fontsize": SMALL,
        "color": now().ink,
        "va": "center",
        "linespacing": 1.2,
    }
    return figure.text(
        left / figure_width, 1 - top / figure_height, text, parse_math=False, **settings | options
    )


def add_box(
    figure: Figure, left: float, top: float, width: float, height: float, **look: Any
) -> None:
    """Filled box at a place given in mm from the top left corner, without axes of its own."""
    figure_width, figure_height = figure_mm(figure)
    corner = (left / figure_width, 1 - (top + height) / figure_height)
    size = (width / figure_width, height / figure_height)
    figure.add_artist(Rectangle(corner, *size, **look))


def figure_mm(figure: Figure) -> tuple[float, float]:
    """Width and height in mm."""
    width, height = figure.get_size_inches()
    return float(width) * MM_PER_INCH, float(height) * MM_PER_INCH


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    return frozenset(font_of(False).get_charmap()) & frozenset(font_of(True).get_charmap())


_FILE = re.compile(r"(?:[\w.-]+/)*([\w-]+)\.csv")
_FILES = re.compile(rf"{_FILE.pattern}(?:(?:, | and ){_FILE.pattern})*")
_FOLDER = re.compile(r"\bdata/\w+")
#: Everything that breaks a line; a no-break space stays.
_HYPHENS = re.compile(r"(?<=-)(?=.)")
_SPACES = re.compile(r"[^\S\u00a0]+")


def clean(text: object) -> str:
    """One line of drawable text: scripts the font lacks, or would need shaping, become a box.

    Examples
    --------
    >>> clean("a\\nb   $x$")
    'a b $x$'
    """
    return "".join(
        c
        if ord(c) in _drawable() and unicodedata.bidirectional(c) not in ("R", "AL", "AN")
        else "▯"
        for c in " ".join(_SPACES.split(str(text).strip()))
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs")
    )


def width_mm(text: str, size: float = SMALL, bold: bool = False) -> float:
    """Printed width of one line of clean text."""
    return sum(advance(c, bold) for c in text) * size * PT_MM


def widest_mm(labels: Iterable[Sequence[str]]) -> float:
    """Width of the widest of several labels, each in lines.

    Examples
    --------
    >>> widest_mm([["a", "bb"], ["b"]]) == width_mm("bb")
    True
    """
    return max(width_mm(line) for lines in labels for line in lines)


def wrap(text: object, limit_mm: float, size: float = SMALL, bold: bool = False) -> list[str]:
    """Lines of clean text no wider than `limit_mm`; a longer word is cut, at a hyphen if it can.

    Examples
    --------
    >>> wrap("one two", 6)
    ['one', 'two']
    """
    lines = [""]
    words = clean(text).split(" ")
    long = [width_mm(word, size, bold) > limit_mm for word in words]
    for word, between in _parts(words, long):
        joined = f"{lines[-1]}{between}{word}".strip()
        if width_mm(joined, size, bold) <= limit_mm:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if lines[-1] and width_mm(lines[-1] + character, size, bold) > limit_mm:
                lines.append("")
            lines[-1] += character
    return lines


def balanced(text: object, limit_mm: float, size: float = SMALL, bold: bool = False) -> list[str]:
    """As few lines as `wrap` gives, as even as they can be.

    Examples
    --------
    >>> wrap("fewer injuries with it", 24), balanced("fewer injuries with it", 24)
    (['fewer injuries with', 'it'], ['fewer injuries', 'with it'])
    """
    lines = wrap(text, limit_mm, size, bold)
    while len(lines) > 1:
        limit_mm -= 0.5
        tighter = wrap(text, limit_mm, size, bold)
        words = clean(text).split(" ")
        if len(tighter) > len(lines) or any(width_mm(w, size, bold) > limit_mm for w in words):
            break
        lines = tighter
    return lines


def _parts(words: Sequence[str], long: Sequence[bool]) -> Iterator[tuple[str, str]]:
    """Words, those too long in parts that end with their hyphens, and what stands before each."""
    for word, cut in zip(words, long, strict=True):
        parts = _HYPHENS.split(word) if cut else [word]
        yield parts[0], " "
        yield from ((part, "") for part in parts[1:])


def caption_lines(text: str, figure_width_mm: float) -> list[str]:
    """The caption line of every figure, wrapped to its width; tables are named, not their files."""
    return wrap(tables_in_words(text), figure_width_mm - 2 * EDGE_MM)


def tables_in_words(text: str) -> str:
    """Files named as the tables they are: a path says nothing inside a picture.

    Examples
    --------
    >>> tables_in_words("Sources: data/published/one_way.csv, load.csv and data/published.")
    'Sources: printed tables (one way, load) and printed tables.'
    """
    named = _FILES.sub(
        lambda met: f"printed tables ({', '.join(_FILE.findall(met[0])).replace('_', ' ')})", text
    )
    return _FOLDER.sub("printed tables", named)


def draw_caption(figure: Figure, lines: Sequence[str]) -> None:
    """Small caption along the lower edge."""
    _, height = figure_mm(figure)
    top = height - EDGE_MM - LINE_MM * len(lines)
    for i, line in enumerate(lines):
        add_text(figure, EDGE_MM, top + LINE_MM * (i + 0.5), line, color=now().grey)


def title_of(name: str) -> str:
    """What a file calls itself: the figure's name in words."""
    return name.replace("_", " ").capitalize()


def record(figure: Figure) -> Recording:
    """Draw a figure once, for `write` in several formats; it must not change any more."""
    with mpl.rc_context(STYLE), in_memory():
        return recording.record(figure)


def write(
    figure: Figure | Recording, file: Any, kind: str, title: str = "", description: str = ""
) -> None:
    """Write one format to an open binary file, with what it is and what it shows in words."""
    described = _text_metadata(kind, clean(title), clean(description))
    drawn = figure if isinstance(figure, Recording) else record(figure)
    cut = outlines_only() if kind == "pdf" else nullcontext()
    with mpl.rc_context(STYLE), in_memory(), cut, drawn.played() as shown:
        if kind == "png":
            file.write(png(_pixels(shown), DOTS, described))
            return
        made = BytesIO()
        shown.savefig(
            made, format=kind, dpi=DOTS, metadata=_METADATA[kind] | described,
            facecolor=shown.get_facecolor(),
        )  # fmt: skip
    if kind == "svg":
        made = BytesIO(with_words(made.getvalue().decode(), clean(description)).encode())
    file.write(made.getvalue())


def _pixels(figure: Figure) -> Any:
    """Red, green, blue and opacity of each pixel, on a canvas that ends here: it holds 20 MiB."""
    dpi, canvas = figure.dpi, figure.canvas
    try:
        drawn: Any = FigureCanvasAgg(figure)
        figure.dpi = DOTS
        drawn.draw()
        return np.asarray(drawn.buffer_rgba())
    finally:
        figure.set_canvas(canvas)
        figure.dpi = dpi


def _text_metadata(kind: str, title: str, description: str) -> dict[str, str]:
    """The words under the names that each format has for them."""
    names = {"svg": ("Title", ""), "pdf": ("Title", "Subject"), "png": ("Title", "Description")}
    return {
        name: words for name, words in zip(names[kind], (title, description), strict=True)
        if name and words
    }  # fmt: skip
