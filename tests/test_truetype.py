"""Fonts cut for PDF and SVG: outlines, widths and hints of the font, in files that can be read."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from doors.report import browser_font, cut, png, read
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from matplotlib.font_manager import FontProperties, findfont
from PIL import Image

#: Letters, a composite, a composite of composites' parts, signs, and one beyond two bytes.
TEXTS = ("A", "één ½ ǖ τ² ≤ − ✓", "".join(map(chr, range(0x20, 0x250))), "a\U0001d538", " ")


def _file(weight: str) -> str:
    return str(findfont(FontProperties(family="DejaVu Sans", weight=weight)))


def _drawn(font: TTFont, name: str) -> Any:
    pen = DecomposingRecordingPen(font.getGlyphSet())
    font.getGlyphSet()[name].draw(pen)
    return pen.value, font.getGlyphSet()[name].width


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", TEXTS)
def test_a_browser_gets_the_outlines_and_widths_of_the_font(weight: str, text: str) -> None:
    whole = TTFont(_file(weight))
    part = TTFont(io.BytesIO(browser_font(_file(weight), text)), checkChecksums=2)
    names, known = part.getBestCmap(), whole.getBestCmap()
    assert set(names) == {ord(c) for c in text} & set(known)
    for code, name in names.items():
        assert _drawn(part, name) == _drawn(whole, known[code]), chr(code)
    assert part["name"].getDebugName(0) == whole["name"].getDebugName(0)  # its copyright
    assert {"fpgm", "prep", "cvt ", "GSUB", "kern"}.isdisjoint(part.keys())


@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_a_pdf_gets_them_with_their_hints(weight: str) -> None:
    whole, font = TTFont(_file(weight)), read(_file(weight))
    assert font is not None
    glyphs = [whole.getGlyphID(name) for name in whole.getBestCmap().values()][::37]
    made, numbers = cut(font, glyphs)
    part = TTFont(io.BytesIO(made), checkChecksums=2)
    for glyph in glyphs:
        here, there = part.getGlyphName(numbers[glyph]), whole.getGlyphName(glyph)
        assert _drawn(part, here) == _drawn(whole, there)
        theirs = getattr(whole["glyf"][there], "program", None)
        if theirs is not None:
            assert part["glyf"][here].program.getBytecode() == theirs.getBytecode()


def test_a_cut_is_the_same_bytes_whatever_the_order() -> None:
    assert browser_font(_file("normal"), "abé") == browser_font(_file("normal"), "éba")


def test_what_is_no_truetype_font_is_left_to_matplotlib(tmp_path: Any) -> None:
    other = tmp_path / "font.otf"
    other.write_bytes(b"OTTO" + bytes(60))
    assert read(str(other)) is None
    with pytest.raises(ValueError, match="not a TrueType font"):
        browser_font(str(other), "a")


def test_a_png_holds_the_pixels_their_size_and_the_words() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (7, 5, 4)).astype(np.uint8)
    words = {"Title": "Kosten", "Description": "τ² ≤ 1"}
    image: Any = Image.open(io.BytesIO(png(pixels, 300, words)))
    np.testing.assert_array_equal(np.asarray(image), pixels)
    assert {name: image.text[name] for name in words} == words
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)  # whole pixels a metre
