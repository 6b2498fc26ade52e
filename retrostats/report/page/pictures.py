"""Figures inside the page: small, with shared letters, in the colours of the page's theme."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from retrostats.report.page.shades import shade_name

#: Points of a figure are written to this many decimals: a hundredth of a point cannot be seen.
DECIMALS = 2
#: A glyph of a font, defined once in the page for all figures.
GLYPH = re.compile(r'<path id="([A-Za-z]+(?:-[A-Za-z]+)*-[0-9a-f]+)" ([^>]*scale\([^>]*)/>')
#: Text between tags, which stays, or a number within one.
_NUMBER = re.compile(r">[^<]+<|(?=[-\d])(?<![\w.#])(?<!scale\()-?\d+\.\d{3,}(?![\w.])")
_COLOUR = re.compile(r"#[0-9a-f]{6}(?=[;\"])")
_BETWEEN = re.compile(r">\s+<")
_BESIDE_LETTER = re.compile(r" (?=[A-Za-z])|(?<=[A-Za-z]) ")
_PLACED = re.compile(r'(<use href="#[\w-]+" )transform="translate\((-?[\d.]+) 0\)"/>')


@dataclass(frozen=True, slots=True)
class Pictures:
    """The figures of a page.

    Attributes
    ----------
    svgs
        Inline SVG by the name of the figure.
    letters
        One hidden SVG with every glyph that they use.
    colours
        Every colour in them, as they are in the light: "#rrggbb".
    """

    svgs: Mapping[str, Markup]
    letters: Markup
    colours: tuple[str, ...]


def pictures_of(svgs: Mapping[str, str], titles: Mapping[str, str]) -> Pictures:
    """Inline figures from SVG files as the theme writes them.

    Parameters
    ----------
    svgs
        Texts of SVG files by the name of the figure.
    titles
        What each shows, in words, for those who cannot see it.

    Examples
    --------
    >>> made = pictures_of({"a": '<svg><path d="M 1.23456 2" style="fill: #1a1a1a"/></svg>'},
    ...                    {"a": "A line"})
    >>> print(made.svgs["a"])
    <svg role="img" aria-labelledby="f0-title"><title id='f0-title'>A line</title>\
<path d="M1.23 2" style="fill:var(--c1a1a1a)"/></svg>
    """
    glyphs: dict[str, str] = {}
    colours: dict[str, None] = {}
    shown = {
        name: _inline(_lean(svg, glyphs, colours), f"f{i}", titles[name], frozenset(glyphs))
        for i, (name, svg) in enumerate(svgs.items())
    }
    paths = "".join(f'<path id="{key}" {body}/>' for key, body in sorted(glyphs.items()))
    letters = (
        f'<svg class="letters" width="0" height="0" aria-hidden="true"><defs>{paths}</defs></svg>'
    )
    return Pictures(shown, Markup(letters if paths else ""), tuple(sorted(colours)))


def _lean(svg: str, glyphs: dict[str, str], colours: dict[str, None]) -> str:
    """The same picture in fewer bytes; its glyphs and colours are handed over."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<(title|desc)>.*?</\1>", "", svg, flags=re.DOTALL)  # the page has its own
    svg = re.sub(r"@font-face\{.*?\}", "", svg)  # a page embeds no font; widths are kept
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)  # the words that outlines stand for
    svg = _BETWEEN.sub("><", svg.replace("\n", " "))
    svg = _NUMBER.sub(lambda m: _shorter(m[0]), svg)
    svg = re.sub(r'style="([^"]*)"', lambda m: f'style="{_tight(m[1], colours)}"', svg)
    svg = re.sub(r' d="([^"]*)"', lambda m: f' d="{_path(m[1])}"', svg)
    svg = GLYPH.sub(lambda m: glyphs.setdefault(m[1], m[2]) and "", svg)
    svg = svg.replace("<defs></defs>", "").replace("xlink:href=", "href=")
    return _PLACED.sub(lambda m: f'{m[1]}x="{_tenth(m[2])}"/>', svg)


@lru_cache(maxsize=1 << 14)
def _shorter(number: str) -> str:
    """A number at `DECIMALS`, or the text that it is; figures share their margins and ticks."""
    if number.startswith(">"):
        return number
    text = f"{float(number):.{DECIMALS}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _tenth(number: str) -> str:
    """A place within a word, in hundredths of the size of its letters."""
    return f"{float(number):.1f}".removesuffix(".0")


def _tight(style: str, colours: dict[str, None]) -> str:
    """A style without blanks, its colours by name: the page's theme says what they are."""
    tight, found = _tightened(style)
    colours.update(dict.fromkeys(found))
    return tight


@lru_cache(maxsize=1 << 12)
def _tightened(style: str) -> tuple[str, tuple[str, ...]]:
    """The same style, and its colours."""
    tight = ";".join(":".join(p.strip() for p in e.split(":", 1)) for e in style.split(";"))
    found = tuple(_COLOUR.findall(f'{tight}"'))
    for colour in set(found):
        tight = tight.replace(colour, f"var({shade_name(colour)})")
    return tight.strip(";"), found


def _path(data: str) -> str:
    """Path data without blanks that stand beside a letter."""
    return _BESIDE_LETTER.sub("", " ".join(data.split()))


def _inline(svg: str, prefix: str, title: str, glyphs: frozenset[str]) -> Markup:
    """Ids of its own, apart from those of glyphs, and a title; texts are escaped already."""
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) - glyphs
    ids = {key: f"{prefix}-{i}" for i, key in enumerate(sorted(used))}
    svg = re.sub(r' id="([^"]*)"', lambda m: f' id="{ids[m[1]]}"' if m[1] in ids else "", svg)
    svg = re.sub(r'(href="|url\()#([^")]+)', lambda m: f"{m[1]}#{ids.get(m[2], m[2])}", svg)
    title_element = Markup("<title id='{}-title'>{}</title>").format(prefix, title)
    head, rest = svg.split(">", 1)
    return Markup(f'{head} role="img" aria-labelledby="{prefix}-title">{title_element}{rest}')
