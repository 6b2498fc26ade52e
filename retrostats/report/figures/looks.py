"""Colours and page width of figures: light for paper, dark for screens at night, slides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from types import MappingProxyType

from retrostats.common.errors import InputError
from retrostats.common.page import DOUBLE_MM, page_width
from retrostats.report import palette
from retrostats.report.palette import Palette

#: Width of a slide's figure: over a slide of 254 mm its smallest text stands at 14.8 pt.
SLIDE_MM = 120.0
#: What a claim's band says, in words that hold in every look.
BAND = "shaded band: range that would make the claim true"
#: Below this width a figure stacks what it otherwise sets side by side.
NARROW_MM = 140.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look(Palette):
    """The palette of a figure, what it is called, and how wide figures are in it."""

    name: str
    width_mm: float


def _look(name: str, width_mm: float, palette: Palette, **changed: str) -> Look:
    kept = {f.name: getattr(palette, f.name) for f in fields(Palette)}
    return Look(name=name, width_mm=width_mm, **{**kept, **changed})


LIGHT = _look("light", DOUBLE_MM, palette.LIGHT)
DARK = _look("dark", DOUBLE_MM, palette.DARK)
SLIDE = _look("slide", SLIDE_MM, palette.LIGHT, ink="#000000", grey="#555555", pale="#cccccc")
LOOKS: Mapping[str, Look] = MappingProxyType({look.name: look for look in (LIGHT, DARK, SLIDE)})

_NOW: ContextVar[tuple[Look, float]] = ContextVar("look", default=(LIGHT, DOUBLE_MM))


def now() -> Look:
    """The look that figures are drawn in here."""
    return _NOW.get()[0]


def page_mm() -> float:
    """Width of the figures drawn here."""
    return _NOW.get()[1]


def narrow() -> bool:
    """Whether figures stack what they otherwise set side by side."""
    return page_mm() < NARROW_MM


@contextmanager
def drawn_in(theme: str = "light", width_mm: float | None = None) -> Iterator[Look]:
    """Draw in another look, or at another width, while open.

    Raises
    ------
    InputError
        If there is no such look, or the width is none that a figure can be drawn at.

    Examples
    --------
    >>> with drawn_in("dark", 85):
    ...     now().name, page_mm(), narrow()
    ('dark', 85.0, True)
    """
    if not isinstance(theme, str) or theme not in LOOKS:
        raise InputError(f"theme: found {theme!r}; choose from {', '.join(LOOKS)}")
    width = page_width(width_mm, LOOKS[theme].width_mm)
    token = _NOW.set((LOOKS[theme], width))
    try:
        yield LOOKS[theme]
    finally:
        _NOW.reset(token)
