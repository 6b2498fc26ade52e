"""A figure as a notebook shows it: sharp at any size, without a plotting backend."""

from __future__ import annotations

import io
from dataclasses import dataclass

from matplotlib.figure import Figure

from retrostats.report.figures.theme import write


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure that a notebook displays as SVG."""

    figure: Figure

    def _repr_svg_(self) -> str:
        file = io.BytesIO()
        write(self.figure, file, "svg")
        return file.getvalue().decode("utf-8")
