"""Colours and page width of figures: light for paper, dark for screens at night, slides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType

from retrostats.errors import InputError

SINGLE_MM, DOUBLE_MM = 85.0, 180.0
#: Width of a slide's figure: over a slide of 254 mm its smallest text stands at 14.8 pt.
SLIDE_MM = 120.0
#: Below this width a figure stacks what it otherwise sets side by side.
NARROW_MM = 140.0


@dataclass(frozen=True, slots=True)
class Look:
    """Colours by what they are for; neighbours differ in lightness as well as in hue.

    Attributes
    ----------
    shades
        Background of a verdict's cell.
    wash
        A confidence interval beside a claim's band: lines of it never hide or tint the band.
    """

    name: str
    width_mm: float
    paper: str
    ink: str
    grey: str
    pale: str
    blue: str
    orange: str
    red: str
    wash: str
    band: str
    band_edge: str
    shades: Mapping[str, str] = field(default_factory=dict)


LIGHT = Look(
    "light", DOUBLE_MM, paper="#ffffff", ink="#1a1a1a", grey="#6b6b6b", pale="#d9d9d9",
    blue="#0b5394", orange="#c65102", red="#8a2d00", wash="#9fc0e2",
    band="#f6e3b4", band_edge="#b8902b",
    shades=MappingProxyType({
        "supported": "#cfe3f5", "faithful": "#cfe3f5", "compatible": "#e6f0f9",
        "contradicted": "#f3b98f", "drifted": "#f3b98f", "not measured by the source": "#f8d9c0",
        "undecided": "#f1eee2", "unverified": "#f1eee2",
    }),
)  # fmt: skip
DARK = Look(
    "dark", DOUBLE_MM, paper="#16191d", ink="#ececec", grey="#a3a8ae", pale="#3a4047",
    blue="#64a3e2", orange="#ffc27d", red="#ffb48a", wash="#3f6f9e",
    band="#4d4120", band_edge="#c9a64a",
    shades=MappingProxyType({
        "supported": "#1d3f60", "faithful": "#1d3f60", "compatible": "#1b2e42",
        "contradicted": "#7a3a12", "drifted": "#7a3a12", "not measured by the source": "#4e2d17",
        "undecided": "#2d2c26", "unverified": "#2d2c26",
    }),
)  # fmt: skip
SLIDE = Look(
    "slide", SLIDE_MM, paper="#ffffff", ink="#000000", grey="#555555", pale="#cccccc",
    blue=LIGHT.blue, orange=LIGHT.orange, red=LIGHT.red, wash=LIGHT.wash,
    band=LIGHT.band, band_edge=LIGHT.band_edge, shades=LIGHT.shades,
)  # fmt: skip
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
    if theme not in LOOKS:
        raise InputError(f"theme: found {theme!r}; choose from {', '.join(LOOKS)}")
    width = LOOKS[theme].width_mm if width_mm is None else float(width_mm)
    if not SINGLE_MM <= width <= 2 * DOUBLE_MM:
        raise InputError(
            f"width_mm: found {width:g}; allowed {SINGLE_MM:g} (one column of a journal) to "
            f"{2 * DOUBLE_MM:g}"
        )
    token = _NOW.set((LOOKS[theme], width))
    try:
        yield LOOKS[theme]
    finally:
        _NOW.reset(token)
