"""Fonts embedded in PDF and SVG: the outlines of the characters of figures, and no more.

matplotlib subsets a font for every PDF, and spends nearly all of that on two things: the tables
that lay text out (kerning, ligatures, places of accents), which a PDF never reads as its text is a
list of glyphs with positions, and thousands of letters of other scripts, read anew for each file.
Here the layout is dropped, the letters of figures are taken out once a process, and a PDF gets all
of them: some 300 letters, 14 KiB a weight. What it shows and what can be searched in it stay the
same. The font of an SVG is cut once more, to the letters it has text in, with the tables without
which a browser takes no font.

To lay a line out, matplotlib reads each of its glyphs from the font's file, with two calls of the
system and two of Python a glyph, and does so anew for every format: with the font in memory that
takes a third of the time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

#: Tables of layout and of names; a CIDFontType2 program needs none of them (ISO 32000, 9.9).
LAYOUT = ("GSUB", "GPOS", "GDEF", "MATH", "kern", "name", "gasp", "OS/2", "FFTM")
JOINED = (0xFB00, 0xFB06)
#: What nearly every figure is written in: Latin of the west, the Greek of statistics, signs, and
#: the letters that a line of text in a PDF joins ("fi").
USUAL = (
    (0x20, 0x7E), (0xA0, 0xFF), (0x3B1, 0x3C9), (0x2010, 0x2026), (0x2190, 0x2193),
    (0x2212, 0x2212), (0x2260, 0x2265), (0x25AF, 0x25CF), (0x2713, 0x2717), JOINED,
)  # fmt: skip
#: What else is met: all Latin and Greek, more arrows and signs; the whole font for others.
COMMON = (
    (0x20, 0x17F), (0x391, 0x3C9), (0x2010, 0x2044), (0x2070, 0x2089), (0x2190, 0x2199),
    (0x2200, 0x2265), (0x25A0, 0x25FF), (0x2713, 0x2717), JOINED,
)  # fmt: skip
#: The same for a browser, which needs names and OS/2 (OpenType, required tables).
UNREAD = tuple(table for table in LAYOUT if table not in ("name", "OS/2"))


class _Held(BytesIO):
    """A font file in memory, which matplotlib knows by its path: `str`, as it asks for it."""

    def __init__(self, file: str) -> None:
        super().__init__(Path(file).read_bytes())
        self._file = file

    def __str__(self) -> str:
        return self._file


class _InMemory:
    """The module `matplotlib.ft2font`, whose fonts are read once and whole."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def FT2Font(self, file: Any, *arguments: Any, **options: Any) -> Any:
        """As matplotlib's own, of a font in memory."""
        held = _Held(file) if isinstance(file, str) else file
        return self._original.FT2Font(held, *arguments, **options)


@contextmanager
def in_memory() -> Iterator[None]:
    """While open, the fonts that matplotlib opens are held in memory.

    Where matplotlib opens them elsewhere, or does not know a font by a path of its own kind (before
    3.11), nothing changes but the time it takes; what it opened before stays as it is.
    """
    from matplotlib import font_manager

    home: Any = font_manager
    original = getattr(home, "ft2font", None)
    known = hasattr(home, "FontPath") and original is not None
    if not known or isinstance(original, _InMemory):
        yield
        return
    home.ft2font = _InMemory(original)
    try:
        yield
    finally:
        home.ft2font = original


@contextmanager
def outlines_only() -> Iterator[None]:
    """While open, matplotlib's PDF writer embeds fonts without their layout tables.

    Where matplotlib keeps its subsetter elsewhere, nothing changes but the time it takes.
    """
    from importlib import import_module

    home: Any = import_module("matplotlib.backends._backend_pdf_ps")
    original, cut = getattr(home, "subset", None), getattr(home, "get_glyphs_subset", None)
    results = getattr(home, "SubsetResults", None)
    if original is None or cut is None:
        yield
        return

    def from_common(file: Any, glyphs: Any) -> Any:
        if isinstance(glyphs, str) or results is None:  # matplotlib before 3.11
            return cut(file, glyphs)
        for ranges in (USUAL, COMMON):
            part = _common(file, ranges)
            if all(glyph in part.numbers for glyph in glyphs):
                return _whole(part, glyphs, results)
        return cut(file, glyphs)

    home.subset, home.get_glyphs_subset = _WithoutLayout(original), from_common
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
def _whole(part: _Common, glyphs: Collection[int], results: Any) -> Iterator[Any]:
    """The common letters as they are, in the form of matplotlib's own cut."""
    from fontTools.ttLib import TTFont

    with TTFont(BytesIO(part.font), recalcTimestamp=False) as font:
        for table in LAYOUT:
            if table in font:
                del font[table]
        yield results(font, {glyph: part.numbers[glyph] for glyph in glyphs})


class _WithoutLayout:
    """The module `fontTools.subset`, whose options drop the layout tables as well."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def Options(self, **options: Any) -> Any:
        """As fontTools' own, with more tables to drop."""
        chosen = self._original.Options(**options)
        chosen.drop_tables = [*chosen.drop_tables, *LAYOUT]
        return chosen


@lru_cache(maxsize=8)
def _common(file: Any, ranges: tuple[tuple[int, int], ...]) -> _Common:
    """The letters of these ranges, as PDF and SVG take them: without layout and hints."""
    codes = {code for low, high in ranges for code in range(low, high + 1)}
    font, numbers = _cut(str(file), codes, getattr(file, "face_index", 0))
    return _Common(font, numbers)


def prepare(files: Iterable[Any]) -> None:
    """Take the usual letters out of these fonts, for whoever makes files from here on."""
    for file in files:
        _common(file, USUAL)


@lru_cache(maxsize=32)
def browser_font(file: Any, characters: str) -> bytes:
    """TrueType font of these characters alone, without hints, as a browser takes it.

    Examples
    --------
    >>> from matplotlib.font_manager import findfont
    >>> 0 < len(browser_font(findfont("DejaVu Sans"), "abc")) < 3000
    True
    """
    codes = {ord(c) for c in characters}
    for ranges in (USUAL, COMMON):
        if all(any(low <= code <= high for low, high in ranges) for code in codes):
            return _cut(BytesIO(_common(file, ranges).font), codes)[0]
    return _cut(str(file), codes)[0]


def _cut(
    file: str | BytesIO, codes: Collection[int], number: int = 0
) -> tuple[bytes, Mapping[int, int]]:
    """A font of these characters, and each glyph's number there by its number before."""
    from fontTools import subset

    options = subset.Options(hinting=False, notdef_outline=True, font_number=number)
    options.drop_tables = [*options.drop_tables, *UNREAD]
    with subset.load_font(file, options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=sorted(codes))
        cutter.subset(font)
        made = BytesIO()
        font.save(made, reorderTables=False)
    return made.getvalue(), cutter.glyph_index_map
