"""Fonts embedded in PDF and SVG: only the outlines of the characters that were drawn.

matplotlib subsets a font for every PDF, and spends nearly all of that on two things: the tables
that lay text out (kerning, ligatures, places of accents), which a PDF never reads as its text is a
list of glyphs with positions, and thousands of letters of other scripts, read anew for each file.
Here the layout is dropped and the letters of figures are taken out once a process; each file is
then cut from those. What it shows and what can be searched in it stay the same. The font of an SVG
is cut in the same two steps, with the tables without which a browser takes no font.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

#: Tables of layout and of names; a CIDFontType2 program needs none of them (ISO 32000, 9.9).
LAYOUT = ("GSUB", "GPOS", "GDEF", "MATH", "kern", "name", "gasp", "OS/2", "FFTM")
#: What figures are written in: Latin, Greek, punctuation, arrows, signs; the whole font for others.
COMMON = (
    (0x20, 0x17F), (0x391, 0x3C9), (0x2010, 0x2044), (0x2070, 0x2089), (0x2190, 0x2199),
    (0x2200, 0x2265), (0x25A0, 0x25FF), (0x2713, 0x2717),
)  # fmt: skip

#: The same for a browser, which needs names and OS/2 (OpenType, required tables).
UNREAD = tuple(table for table in LAYOUT if table not in ("name", "OS/2"))


@contextmanager
def outlines_only() -> Iterator[None]:
    """While open, matplotlib's PDF writer embeds fonts without their layout tables.

    Where matplotlib keeps its subsetter elsewhere, nothing changes but the time it takes.
    """
    from importlib import import_module

    home: Any = import_module("matplotlib.backends._backend_pdf_ps")
    original, cut = getattr(home, "subset", None), getattr(home, "get_glyphs_subset", None)
    if original is None or cut is None:
        yield
        return
    home.subset = subsetter = _WithoutLayout(original)

    def from_common(file: Any, glyphs: Any) -> Any:
        if isinstance(glyphs, str):  # matplotlib before 3.11 keeps the numbers of the whole font
            return cut(file, glyphs)
        part = _common(file)
        if not all(glyph in part.numbers for glyph in glyphs):
            return cut(file, glyphs)
        return _cut_again(cut, subsetter, file, glyphs, part)

    home.get_glyphs_subset = from_common
    try:
        yield
    finally:
        home.subset, home.get_glyphs_subset = original, cut


@dataclass(frozen=True, slots=True)
class _Common:
    """The letters of figures: a font of their own, and each one's number there by its first."""

    font: bytes
    numbers: Mapping[int, int]


@contextmanager
def _cut_again(
    cut: Any, subsetter: _WithoutLayout, file: Any, glyphs: Collection[int], part: _Common
) -> Iterator[Any]:
    """What matplotlib's own cut gives, made from the common letters."""
    subsetter.source = part.font
    try:
        made = cut(file, [part.numbers[glyph] for glyph in glyphs])
    finally:
        subsetter.source = None
    with made as found:
        places = {glyph: found.glyph_index_map[part.numbers[glyph]] for glyph in glyphs}
        yield found._replace(glyph_index_map=places)


class _WithoutLayout:
    """The module `fontTools.subset`, whose options drop the layout tables as well."""

    def __init__(self, original: Any) -> None:
        self._original = original
        self.source: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def Options(self, **options: Any) -> Any:
        """As fontTools' own, with more tables to drop."""
        chosen = self._original.Options(**options)
        chosen.drop_tables = [*chosen.drop_tables, *LAYOUT]
        return chosen

    def load_font(self, file: Any, options: Any) -> Any:
        """The whole font, or its common letters where those are enough."""
        source = file if self.source is None else BytesIO(self.source)
        return self._original.load_font(source, options)


@lru_cache(maxsize=8)
def _common(file: Any) -> _Common:
    from fontTools import subset

    options = subset.Options(glyph_names=True, recommended_glyphs=True)
    options.drop_tables = [*options.drop_tables, *LAYOUT]
    options.font_number = getattr(file, "face_index", 0)
    with subset.load_font(file, options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=[code for low, high in COMMON for code in range(low, high + 1)])
        cutter.subset(font)
        made = BytesIO()
        font.save(made, reorderTables=False)
    return _Common(made.getvalue(), cutter.glyph_index_map)


def browser_font(file: str, characters: str) -> bytes:
    """TrueType font of these characters alone, without hints, as a browser takes it.

    Examples
    --------
    >>> from matplotlib.font_manager import findfont
    >>> 0 < len(browser_font(findfont("DejaVu Sans"), "abc")) < 3000
    True
    """
    codes = {ord(c) for c in characters}
    common = all(any(low <= code <= high for low, high in COMMON) for code in codes)
    return _browser_cut(BytesIO(_browser_common(file)) if common else file, codes)


@lru_cache(maxsize=4)
def _browser_common(file: str) -> bytes:
    return _browser_cut(file, {code for low, high in COMMON for code in range(low, high + 1)})


def _browser_cut(file: str | BytesIO, codes: Collection[int]) -> bytes:
    from fontTools import subset

    options = subset.Options(hinting=False, notdef_outline=True)
    options.drop_tables = [*options.drop_tables, *UNREAD]
    with subset.load_font(file, options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=sorted(codes))
        cutter.subset(font)
        made = BytesIO()
        font.save(made, reorderTables=False)
    return made.getvalue()
