"""Text of an SVG file: as wide on every machine, and a description for those who cannot see it."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from typing import Any

from matplotlib.font_manager import FontProperties, findfont, get_font

#: Where DejaVu Sans is missing: Verdana has nearly its widths.
FAMILIES = "'DejaVu Sans', Verdana, sans-serif"
_TEXT = re.compile(r'<text style="([^"]*)"([^>]*)>([^<]*)</text>')
_SIZE = re.compile(r"font(?:-size)?:[^;]*?([\d.]+)px")
_FAMILY = re.compile(r"'DejaVu Sans'(?:, [^;\"]*)?")


@lru_cache(maxsize=2)
def font_of(bold: bool) -> Any:
    """The font that figures are measured with; matplotlib shares it, so set its size each time."""
    weight = "bold" if bold else "normal"
    return get_font(findfont(FontProperties(family="DejaVu Sans", weight=weight)))


@lru_cache(maxsize=4096)
def advance(character: str, bold: bool) -> float:
    """Width of a character in units of the size of its font."""
    font = font_of(bold)
    font.set_size(100, 72)  # matplotlib leaves it at the size it drew last
    return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / 100


def with_words(svg: str, description: str = "") -> str:
    '''The same file with the width of each line of text, other fonts to fall back on, and a
    description after its title.

    Examples
    --------
    >>> svg = """<title>A</title><text style="font-size: 10px" x="0">one</text>"""
    >>> print(with_words(svg, "a < b"))
    <title>A</title><desc>a &lt; b</desc>\
<text style="font-size: 10px" x="0" textLength="18.61">one</text>
    '''
    svg = _TEXT.sub(_measured, svg)
    if description:
        element = f"<desc>{escape(description, quote=False)}</desc>"
        svg = svg.replace("</title>", f"</title>{element}", 1)
    return svg


def _measured(met: re.Match[str]) -> str:
    style, rest, words = met.groups()
    size = _SIZE.search(style)
    if size is None or not words:
        return met[0]
    bold = "bold" in style or "700" in style
    width = float(size[1]) * sum(advance(c, bold) for c in unescape(words))
    style = _FAMILY.sub(FAMILIES, style)
    return f'<text style="{style}"{rest} textLength="{width:.2f}">{words}</text>'
