"""A figure drawn once for every format shows what each format would have drawn by itself."""

from __future__ import annotations

import io
import re
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from doors.report import new_figure, outline_of, png, recording, styled, theme
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patheffects import withStroke
from matplotlib.textpath import text_to_path
from PIL import Image

#: Places are the same but for the rounding of a dot, which moves the edge of a shape by half of it.
EDGES = 0.01
#: The same shapes in dots of another size: a shape set one dot further changes its edges only.
DOTS_ELSEWHERE = 0.03

#: Two ways to fill an outline differ in the shade of its edge, and hardly ever by a third.
LETTERS_ELSEWHERE = 0.01


def _figure(**more: Any) -> Figure:
    """Lines, markers, areas, hatches, clips, turned and edged text, two axes, a legend."""
    with styled():
        figure = new_figure(80, 60)
        left, right = figure.add_subplot(121), figure.add_subplot(122)
        left.plot([0, 1, 2], [0.1, 2, 1], "o--", label="a", markersize=4)
        left.plot([0, 9], [0, 9], linewidth=3, label="clipped")
        left.set_xlim(0, 2)
        left.fill_between([0, 1, 2], [0, 1, 0], hatch="///", facecolor="0.9", edgecolor="0.3")
        left.legend()
        left.set_xlabel("time (s), fi")
        right.set_yscale("log")
        right.scatter([1, 2, 3], [1, 10, 100], s=[4, 16, 64], c=["r", "g", "b"])
        right.text(2, 10, "up", rotation=30, path_effects=[withStroke(linewidth=2, foreground="w")])
        right.annotate("there", (1, 1), (2, 3), arrowprops={"arrowstyle": "->"})
        round_clip = right.plot([1, 3], [2, 90], linewidth=6)[0]
        round_clip.set_clip_path(right.add_patch(_circle()))
        for name, value in more.items():
            getattr(left, name)(value)
    return figure


def _circle() -> Any:
    from matplotlib.patches import Ellipse

    return Ellipse((2, 30), 1.5, 60, fill=False)


def _by_itself(figure: Figure, kind: str) -> bytes:
    """As matplotlib writes it, without a recording."""
    return _written(recording.Recording(figure, None), kind)


def _written(figure: Any, kind: str) -> bytes:
    file = io.BytesIO()
    theme.write(figure, file, kind, "A", "b")
    return file.getvalue()


def _pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(int)


def test_an_svg_is_byte_for_byte_what_matplotlib_writes() -> None:
    assert _written(_figure(), "svg") == _by_itself(_figure(), "svg")


def test_a_png_shows_what_matplotlib_draws_at_its_own_resolution() -> None:
    played, own = (_pixels(f) for f in (_written(_figure(), "png"), _by_itself(_figure(), "png")))
    assert played.shape == own.shape
    ink = (own.min(axis=2) < 128).mean()
    assert ink > EDGES
    assert (np.abs(played - own).max(axis=2) > 96).mean() < DOTS_ELSEWHERE * ink


@pytest.mark.parametrize("turned", [0, 30, 90, 180])
def test_a_line_of_a_png_is_where_matplotlib_has_it(turned: int) -> None:
    def drawn() -> Figure:
        with styled():
            figure = new_figure(60, 60)
            figure.text(0.5, 0.4, "gauged by the lowest", rotation=turned, ha="center", va="center")
        return figure

    played, own = (_pixels(f) for f in (_written(drawn(), "png"), _by_itself(drawn(), "png")))
    ink = (own.min(axis=2) < 128).sum()
    assert ink > 1000
    assert (np.abs(played - own).max(axis=2) > 96).sum() < LETTERS_ELSEWHERE * ink


@pytest.mark.parametrize("words", ["office, fi (τ² ≤ 1)", "a", "  ", ""])
@pytest.mark.parametrize("families", ["DejaVu Sans", ["cmr10", "DejaVu Sans"]])
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_a_line_has_the_outline_that_matplotlib_gives_it(words, families, weight) -> None:
    """Also where its first font lacks a letter and another one stands in."""
    font = FontProperties(family=families, weight=weight, size=7)
    for _ in range(2):  # read from the font, and remembered
        found = outline_of(words, font)
        points, codes = text_to_path.get_text_path(font, words)
        np.testing.assert_array_equal(found.vertices, np.asarray(points))
        assert list(found.codes if found.codes is not None else []) == list(codes)


def test_a_pdf_holds_the_same_shapes_and_letters() -> None:
    def shapes(file: bytes) -> tuple[int, ...]:
        packed = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", file, re.DOTALL)
        opened = [zlib.decompress(p) for p in packed if p[:1] == b"x"]
        (page,) = [content for content in opened if b"\nBT\n" in content]
        return tuple(page.count(b) for b in (b" l\n", b" c\n", b"\nS\n", b" Tj", b" Do\n"))

    played, own = shapes(_written(_figure(), "pdf")), shapes(_by_itself(_figure(), "pdf"))
    assert played == own
    assert sum(own) > 50


@pytest.mark.parametrize("kind", ["svg", "pdf", "png"])
def test_one_recording_serves_every_format_in_any_order(kind: str) -> None:
    drawn = theme.record(_figure())
    for other in ("png", "svg", "pdf"):
        _written(drawn, other)
    assert _written(drawn, kind) == _written(_figure(), kind)


def test_a_figure_is_left_as_it_was() -> None:
    figure = _figure()
    canvas, dpi = figure.canvas, figure.dpi
    for kind in ("svg", "pdf", "png"):
        _written(figure, kind)
    assert "draw" not in vars(figure)
    assert (figure.canvas, figure.dpi) == (canvas, dpi)
    before = _written(figure, "svg")
    figure.axes[0].plot([0, 2], [2, 0])
    assert _written(figure, "svg") != before, "a change is drawn"


def test_a_figure_with_pixels_is_drawn_as_matplotlib_does() -> None:
    figure = _figure(imshow=np.arange(16.0).reshape(4, 4))
    assert theme.record(figure).calls is None
    assert b"<image" in _written(figure, "svg")
    assert b"/Image" in _written(figure, "pdf")
    rasterised = _figure(set_rasterized=True)
    assert theme.record(rasterised).calls is None


def test_a_png_is_read_back_as_it_was_made() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    file = png.png(pixels, 300, {"Title": "Größe ≤ 1", "Description": "b"})
    image = Image.open(io.BytesIO(file))
    assert image.mode == "RGBA"
    assert (np.asarray(image) == pixels).all()
    assert image.text == {"Title": "Größe ≤ 1", "Description": "b"}  # type: ignore[attr-defined]
    assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)  # whole dots a metre
    pixels[..., 3] = 255
    opaque = Image.open(io.BytesIO(png.png(pixels, 300, {})))
    assert opaque.mode == "RGB"
    assert (np.asarray(opaque) == pixels[..., :3]).all()


def test_every_chunk_of_a_png_has_its_length_and_check() -> None:
    rest = png.png(np.zeros((2, 2, 4), np.uint8), 300, {"Title": "a"})[8:]
    names = []
    while rest:
        (length,) = struct.unpack(">I", rest[:4])
        body, check = rest[4 : 8 + length], rest[8 + length : 12 + length]
        assert zlib.crc32(body) == struct.unpack(">I", check)[0]
        names.append(body[:4])
        rest = rest[12 + length :]
    assert names == [b"IHDR", b"pHYs", b"iTXt", b"IDAT", b"IEND"]
