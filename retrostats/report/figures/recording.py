"""A figure drawn once, for every format: what it asks of a renderer is kept and asked again.

matplotlib walks through all artists and lays every line of text out anew for each file, which takes
a third of the time of a file and gives the same each time but for the unit. Here a figure is drawn
into a recording, at 72 dots an inch, and each format plays it back in its own dots: only the
renderer's public methods are used (`matplotlib.backend_bases.RendererBase`). A figure that asks for
more than paths, markers, collections and text (pixels, filters, TeX) is drawn as matplotlib does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase, RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Bbox, TransformedPath

from retrostats.report.figures.outlines import outline_of

#: Dots an inch of a recording: one a point, as in SVG and PDF.
DPI = 72.0
Call = Callable[[Any, float], None]


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A figure, and what it asked of the renderer when it was drawn.

    Attributes
    ----------
    figure
        The figure; it must not change any more.
    calls
        What is asked of each renderer, in order; None where a format must draw by itself.
    """

    figure: Figure
    calls: tuple[Call, ...] | None

    @contextmanager
    def played(self) -> Iterator[Figure]:
        """The figure, which plays its recording back to a renderer in place of drawing itself."""
        calls = self.calls
        if calls is None:
            yield self.figure
            return

        def draw(renderer: Any) -> None:
            scale = self.figure.dpi / DPI
            for call in calls:
                call(renderer, scale)

        self.figure.draw = draw  # type: ignore[method-assign]
        try:
            yield self.figure
        finally:
            del self.figure.draw


def record(figure: Figure) -> Recording:
    """Draw a figure into a recording, under the settings of matplotlib of the moment."""
    width, height = figure.get_size_inches()
    recorder = _Recorder(width * DPI, height * DPI)
    dpi, figure.dpi = figure.dpi, DPI
    try:
        figure.draw(recorder)
    except _MoreThanLines:
        return Recording(figure, None)
    finally:
        figure.dpi = dpi
    return Recording(figure, recorder.taken())


class _MoreThanLines(Exception):
    """The figure asks for what another renderer cannot be asked again."""


class _Recorder(RendererBase):
    """Keeps what it is asked for, with everything that may change later as it is now."""

    def __init__(self, width: float, height: float) -> None:
        super().__init__()
        self._size = width, height
        self.calls: list[Call] = []

    def taken(self) -> tuple[Call, ...]:
        """What was asked for; every text of the figure goes on holding the recorder itself."""
        taken, self.calls = tuple(self.calls), []
        return taken

    def get_canvas_width_height(self) -> tuple[float, float]:
        """Size in points."""
        return self._size

    def flipy(self) -> bool:
        """Upwards, as matplotlib's own coordinates."""
        return False

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> Any:
        """As it is measured for an SVG, whose letters have the width of their outlines."""
        return text_to_path.get_text_width_height_descent(s, prop, ismath)

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Begin a group of an SVG."""
        self.calls.append(lambda renderer, scale: renderer.open_group(s, gid))

    def close_group(self, s: str) -> None:
        """End a group of an SVG."""
        self.calls.append(lambda renderer, scale: renderer.close_group(s))

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:
        """A line or an area."""
        pen, place = _pen(gc), _matrix(transform)

        def call(renderer: Any, scale: float) -> None:
            renderer.draw_path(pen(renderer, scale), path, place(scale), rgbFace)

        self.calls.append(call)

    def draw_markers(
        self, gc: Any, marker_path: Any, marker_trans: Any, path: Any, trans: Any,
        rgbFace: Any = None,
    ) -> None:  # fmt: skip
        """One shape at many places."""
        pen, shape, places = _pen(gc), _matrix(marker_trans), _matrix(trans)

        def call(renderer: Any, scale: float) -> None:
            renderer.draw_markers(
                pen(renderer, scale), marker_path, shape(scale), path, places(scale), rgbFace
            )

        self.calls.append(call)

    def draw_path_collection(
        self, gc: Any, master_transform: Any, paths: Any, all_transforms: Any, offsets: Any,
        offset_trans: Any, *looks: Any, **more: Any,
    ) -> None:  # fmt: skip
        """Many shapes at many places; widths of lines are in points, whatever the renderer."""
        pen, shapes, places = _pen(gc), _matrix(master_transform), _matrix(offset_trans)
        paths, each, offsets = list(paths), np.array(all_transforms), np.array(offsets)

        def call(renderer: Any, scale: float) -> None:
            renderer.draw_path_collection(
                pen(renderer, scale), shapes(scale), paths, each, offsets, places(scale),
                *looks, **more,
            )  # fmt: skip

        self.calls.append(call)

    def draw_text(
        self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float,
        ismath: Any = False, mtext: Any = None,
    ) -> None:  # fmt: skip
        """A line of text; its size is in points, whatever the renderer."""
        pen = _pen(gc)

        def call(renderer: Any, scale: float) -> None:
            made = pen(renderer, scale)
            if isinstance(renderer, RendererAgg) and not ismath:
                _draw_outline(renderer, made, x * scale, y * scale, s, prop, angle)
                return
            at = y * scale
            if renderer.flipy():
                at = renderer.get_canvas_width_height()[1] - at
            renderer.draw_text(made, x * scale, at, s, prop, angle, ismath=ismath, mtext=mtext)

        self.calls.append(call)

    def _refuse(self, *arguments: Any, **options: Any) -> NoReturn:
        raise _MoreThanLines

    draw_tex = draw_image = draw_gouraud_triangles = draw_quad_mesh = _refuse
    start_rasterizing = start_filter = _refuse


def _draw_outline(
    renderer: Any, pen: Any, x: float, y: float, words: str, font: Any, angle: float
) -> None:
    """A line of text as one area; `y` upwards."""
    size = renderer.points_to_pixels(font.get_size_in_points()) / text_to_path.FONT_SCALE
    place = Affine2D().scale(size).rotate_deg(angle).translate(x, y)
    pen.set_linewidth(0)
    renderer.draw_path(pen, outline_of(words, font), place, pen.get_rgb())


def _pen(gc: Any) -> Callable[[Any, float], Any]:
    """Colours, widths and clips of the moment, as a renderer's own pen."""
    kept = GraphicsContextBase()
    kept.copy_properties(gc)
    box, (path, place) = gc.get_clip_rectangle(), gc.get_clip_path()
    clip = None if box is None else np.array(box.extents)
    clip_place = None if path is None else _matrix(place)

    def pen(renderer: Any, scale: float) -> Any:
        made = renderer.new_gc()
        made.copy_properties(kept)
        if clip is not None:
            made.set_clip_rectangle(Bbox.from_extents(*(clip * scale)))
        if clip_place is not None:
            made.set_clip_path(TransformedPath(path, clip_place(scale)))
        return made

    return pen


def _matrix(transform: Any) -> Callable[[float], Any]:
    """A transform as it is now, in the dots of a renderer."""
    now = transform.frozen()

    def scaled(scale: float) -> Any:
        return now if scale == 1 else now + Affine2D().scale(scale)

    return scaled
