"""Widths of figures: one column of a journal, two, and what lies between."""

from __future__ import annotations

from retrostats.common.arrays import real_number
from retrostats.common.errors import InputError

MM_PER_INCH = 25.4
#: One column of a journal and two, in mm.
SINGLE_MM, DOUBLE_MM = 85.0, 180.0
#: Least width of a panel with its labels.
PANEL_MM = 55.0


def page_width(width_mm: float | None, usual: float = DOUBLE_MM) -> float:
    """The width that a figure was asked to have, in mm; the usual one where none was.

    Parameters
    ----------
    width_mm
        As it was asked for, from one column of a journal to twice two.
    usual
        Where it is None.

    Raises
    ------
    InputError
        A width that no figure can be drawn at.

    Examples
    --------
    >>> page_width(None), page_width(85)
    (180.0, 85.0)
    """
    width = usual if width_mm is None else real_number(width_mm, "width_mm")
    if not SINGLE_MM <= width <= 2 * DOUBLE_MM:
        raise InputError(
            f"width_mm: found {width:g}; allowed {SINGLE_MM:g} (one column of a journal) to "
            f"{2 * DOUBLE_MM:g}"
        )
    return width


def panels_beside(width_mm: float, most: int) -> int:
    """Panels that fit beside one another, up to `most`: each wide enough for its words.

    Examples
    --------
    >>> [panels_beside(width, 3) for width in (85, 120, 180)]
    [1, 2, 3]
    """
    return min(most, max(1, int(width_mm / PANEL_MM)))
