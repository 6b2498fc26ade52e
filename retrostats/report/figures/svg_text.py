"""Text of an SVG file: as wide on every machine, and a description for those who cannot see it."""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from html import escape, unescape
from typing import Any

from matplotlib.font_manager import FontProperties, findfont, get_font

from retrostats.report.figures.fonts import browser_font, in_memory, prepare

#: Where the embedded font is not read: Verdana has nearly its widths.
FAMILIES = "'DejaVu Sans', Verdana, sans-serif"
_TEXT = re.compile(r'<text style="([^"]*)"([^>]*)>([^<]*)</text>')
_SIZE = re.compile(r"font(?:-size)?:[^;]*?([\d.]+)px")
_FAMILY = re.compile(r"'DejaVu Sans'(?:, [^;\"]*)?")


@lru_cache(maxsize=2)
def font_of(bold: bool) -> Any:
    """The font that figures are measured with; matplotlib shares it, so set its size each time."""
    with in_memory():
        return get_font(_file(bold))


def _file(bold: bool) -> Any:
    weight = "bold" if bold else "normal"
    return findfont(FontProperties(family="DejaVu Sans", weight=weight))


def prepare_fonts() -> None:
    """Read and cut both weights once, before a process that makes files becomes two."""
    prepare(_file(bold) for bold in (False, True))


@lru_cache(maxsize=4096)
def advance(character: str, bold: bool) -> float:
    """Width of a character in units of the size of its font."""
    font = font_of(bold)
    font.set_size(100, 72)  # matplotlib leaves it at the size it drew last
    return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / 100


def with_words(svg: str, description: str = "") -> str:
    '''The same file with its font, the width of each line of text, other fonts to fall back on, and
    a description after its title.

    Examples
    --------
    >>> svg = """<title>A</title><text style="font-size: 10px" x="0">one</text>"""
    >>> print(with_words(svg, "a < b"))
    <title>A</title><desc>a &lt; b</desc>\
<text style="font-size: 10px" x="0" textLength="18.61">one</text>
    '''
    svg = _TEXT.sub(_measured, svg.replace("</style>", f"{_faces(svg)}</style>", 1))
    if description:
        element = f"<desc>{escape(description, quote=False)}</desc>"
        svg = svg.replace("</title>", f"</title>{element}", 1)
    return svg


def _faces(svg: str) -> str:
    """CSS that embeds the characters of each weight that a file has text in."""
    held: dict[bool, set[str]] = {}
    for style, _, words in _TEXT.findall(svg):
        held.setdefault(_is_bold(style), set()).update(unescape(words))
    return "".join(
        "@font-face{font-family:'DejaVu Sans';"
        f"font-weight:{'bold' if bold else 'normal'};"
        f"src:url(data:font/ttf;base64,{_data(bold, letters)})}}"
        for bold, letters in sorted(held.items())
        if letters
    )


def _data(bold: bool, letters: set[str]) -> str:
    return base64.b64encode(browser_font(_file(bold), "".join(sorted(letters)))).decode("ascii")


def _is_bold(style: str) -> bool:
    return "bold" in style or "700" in style


def _measured(met: re.Match[str]) -> str:
    style, rest, words = met.groups()
    size = _SIZE.search(style)
    if size is None or not words:
        return met[0]
    bold = _is_bold(style)
    width = float(size[1]) * sum(advance(c, bold) for c in unescape(words))
    style = _FAMILY.sub(FAMILIES, style)
    return f'<text style="{style}"{rest} textLength="{width:.2f}">{words}</text>'
