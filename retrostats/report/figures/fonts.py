"""Fonts embedded in PDF and SVG: only the outlines of the characters that were drawn.

matplotlib cuts a font for every PDF with a library that understands all its tables, and spends most
of the time of a file on those that a PDF never reads. `truetype.py` cuts it instead; a font that
is not TrueType is left to matplotlib.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from retrostats.report.figures.truetype import TrueType, cut, cut_for_browser, read


@contextmanager
def outlines_only() -> Iterator[None]:
    """While open, matplotlib's PDF writer embeds what `truetype.cut` makes of a font.

    Where matplotlib keeps its own elsewhere, or numbers glyphs otherwise, nothing changes but the
    time it takes.
    """
    from importlib import import_module

    home: Any = import_module("matplotlib.backends._backend_pdf_ps")
    original = getattr(home, "get_glyphs_subset", None)
    if original is None:
        yield
        return

    def cut_here(file: Any, glyphs: Any) -> Any:
        # matplotlib before 3.11 gives characters, and keeps the numbers of the whole font
        if isinstance(glyphs, str) or getattr(file, "face_index", None):
            return original(file, glyphs)
        font = read(str(getattr(file, "path", file)))
        return original(file, glyphs) if font is None else _embedded(font, list(glyphs))

    home.get_glyphs_subset = cut_here
    try:
        yield
    finally:
        home.get_glyphs_subset = original


@dataclass(frozen=True, slots=True)
class _Embedded:
    """A cut font as matplotlib asks for it: what saves it, and each glyph's number there."""

    made: bytes
    glyph_index_map: dict[int, int]

    @property
    def font(self) -> _Embedded:
        return self

    def save(self, file: BinaryIO, **options: Any) -> None:
        """Write it to a file; there is nothing to choose."""
        file.write(self.made)


@contextmanager
def _embedded(font: TrueType, glyphs: Collection[int]) -> Iterator[_Embedded]:
    yield _Embedded(*cut(font, glyphs))


def browser_font(file: str, characters: str) -> bytes:
    """TrueType font of these characters alone, without hints, as a browser takes it.

    Examples
    --------
    >>> from matplotlib.font_manager import findfont
    >>> 0 < len(browser_font(findfont("DejaVu Sans"), "abc")) < 3000
    True
    """
    font = read(str(Path(file)))
    if font is None:
        raise ValueError(f"{file}: not a TrueType font")
    glyphs = _glyphs(file)
    return cut_for_browser(font, {ord(c): glyphs[ord(c)] for c in characters if ord(c) in glyphs})


@lru_cache(maxsize=4)
def _glyphs(file: str) -> dict[int, int]:
    """The glyph of each character of a font."""
    from matplotlib.font_manager import get_font

    return {int(code): int(glyph) for code, glyph in get_font(file).get_charmap().items()}
