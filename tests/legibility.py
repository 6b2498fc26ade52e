"""What a reader could not read in a figure: overlaps, clipped or tiny text, colours alike.

Looked up in the drawn artists, not in pixels. Distances of colours are CIE 1976 (L*a*b*), of the
colour itself, of its grey, and as people without one kind of cone see it (Viénot 1999, protan and
deutan; Brettel's tritan plane by the same author's single-plane form).
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
#: Smallest text at print size, in points, and how far (points) boxes may reach into one another:
#: a box holds the full height of the font, of which most lines use less.
SMALLEST, OVERLAP, OUTSIDE = 6.0, 0.75, 0.5
PRINT_DPI = 300
#: From linear RGB to linear RGB as seen without long, middle or short cones.
VISION: dict[str, Array] = {
    name: np.array(matrix)
    for name, matrix in {
        "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
        "tritan": [[1, 0.14461, -0.14461], [0, 0.85924, 0.14076], [0, 0.85924, 0.14076]],
    }.items()
}
_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_LUMINANCE = _XYZ[1]


def illegible(figure: Figure) -> list[str]:
    """A line for each text that overlaps another, leaves the page or is too small; [] if none.

    Examples
    --------
    >>> figure = Figure(figsize=(2, 1))
    >>> _ = figure.text(0.5, 0.5, "one", size=7), figure.text(0.52, 0.5, "two", size=5)
    >>> for line in illegible(figure): print(line)
    'two': 5 pt, smaller than 6
    'one' and 'two' overlap
    """
    dpi, figure.dpi = figure.dpi, PRINT_DPI  # hinting at a coarse one would widen the text
    figure.draw_without_rendering()
    texts = _shown(figure)
    boxes = [(text.get_text(), _box(text) * 72 / PRINT_DPI) for text in texts]
    figure.dpi = dpi
    page = np.array([0.0, 0.0, *(72 * side for side in figure.get_size_inches())])
    small = [
        f"{text.get_text()!r}: {text.get_fontsize():g} pt, smaller than {SMALLEST:g}"
        for text in texts
        if float(text.get_fontsize()) < SMALLEST
    ]
    outside = [
        f"{words!r} leaves the page"
        for words, box in boxes
        if (box[:2] < page[:2] - OUTSIDE).any() or (box[2:] > page[2:] + OUTSIDE).any()
    ]
    over = [
        f"{one!r} and {two!r} overlap"
        for (one, a), (two, b) in combinations(boxes, 2)
        if (np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]) > OVERLAP).all()
    ]
    return [*small, *outside, *over]


def _shown(figure: Figure) -> list[Text]:
    """Texts that are drawn: not the labels of ticks beyond their axis, or of hidden axes."""
    labels: dict[Any, bool] = {}
    for axes in figure.axes:
        on = axes.get_visible() and axes.axison
        labels |= {label: on and inside for label, inside in _labels(axes).items()}
    return [
        text
        for text in figure.findobj(Text)
        if text.get_visible() and text.get_text().strip() and labels.get(text, True)
    ]


def _labels(axes: Any) -> dict[Any, bool]:
    """Every label of the two axes, and whether it stands inside their limits."""
    found: dict[Any, bool] = {}
    for axis in (axes.xaxis, axes.yaxis):
        found |= {axis.label: True, axis.offsetText: True}
        low, high = sorted(axis.get_view_interval())
        slack = 1e-6 * (high - low)
        for tick in (*axis.majorTicks, *axis.minorTicks):
            inside = low - slack <= tick.get_loc() <= high + slack
            found |= {tick.label1: inside, tick.label2: inside}
    return found


def _box(text: Text) -> Array:
    box = text.get_window_extent()
    return np.array([box.x0, box.y0, box.x1, box.y1])


def _linear(colour: Any) -> Array:
    rgb = np.array(to_rgb(colour))
    linear: Array = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return linear


def _lab(linear: ArrayLike) -> Array:
    white = _XYZ.sum(axis=1)
    ratio = np.clip(_XYZ @ np.asarray(linear), 0.0, None) / white
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distances(one: Any, two: Any) -> dict[str, float]:
    """How far apart two colours are: in full colour, in grey, and without one kind of cone.

    Returns
    -------
    dict
        CIE 1976 distances by "colour", "grey", "protan", "deutan" and "tritan"; 2.3 is just
        noticeable side by side.

    Examples
    --------
    >>> {name: round(d) for name, d in distances("black", "white").items()}
    {'colour': 100, 'grey': 100, 'protan': 100, 'deutan': 100, 'tritan': 100}
    """
    a, b = _linear(one), _linear(two)
    seen = {"colour": (a, b), "grey": tuple(np.full(3, _LUMINANCE @ c) for c in (a, b))}
    seen |= {name: (matrix @ a, matrix @ b) for name, matrix in VISION.items()}
    return {name: float(np.linalg.norm(_lab(x) - _lab(y))) for name, (x, y) in seen.items()}
