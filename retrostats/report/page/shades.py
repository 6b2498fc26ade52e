"""Colours of the page and of the figures in it, in the light and in the dark.

Those of the palette have their dark ones there, so that the page and an exported dark figure look
alike. Any other colour of a figure gets one by a rule: lightness turned over, hue kept.
Lightness is that of Oklab (Ottosson 2020, https://bottosson.github.io/posts/oklab/), even to the
eye, so that what is darker than something in the light is lighter than it in the dark by as much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from retrostats.report.palette import DARK, LIGHT, in_the_dark

Array = NDArray[np.float64]
#: Lightness in the dark of what is white and of what is black in the light.
FLOOR, CEILING = 0.21, 0.95
#: Below 1: what is grey in the light stands out from a dark ground as far as from white.
BEND = 0.65
_TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def shade_name(colour: str) -> str:
    """Name of a colour in the style of the page.

    Examples
    --------
    >>> shade_name("#0b5394")
    '--c0b5394'
    """
    return f"--c{colour[1:]}"


def dark(colour: str) -> str:
    """What a colour becomes on a dark ground.

    Examples
    --------
    >>> dark("#ffffff"), dark("#000000")
    ('#16191d', '#eeeeee')
    """
    return in_the_dark().get(colour) or _turned(colour)


def _turned(colour: str) -> str:
    """The same hue, as far from a dark ground as it was from a white one."""
    lab = _TO_LAB @ np.cbrt(_TO_CONES @ _linear(colour))
    lightness = FLOOR + (CEILING - FLOOR) * np.clip(1 - lab[0], 0, 1) ** BEND
    for chroma in np.linspace(1, 0, 21):  # as much of the hue as a screen can show
        turned = np.array([lightness, *(chroma * lab[1:])])
        rgb = np.linalg.solve(_TO_CONES, np.linalg.solve(_TO_LAB, turned) ** 3)
        if (rgb > -1e-4).all() and (rgb < 1 + 1e-4).all():
            break
    return _hex(np.clip(rgb, 0, 1))


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2).

    Examples
    --------
    >>> round(contrast("#000000", "#ffffff"), 1)
    21.0
    """
    weights = np.array([0.2126, 0.7152, 0.0722])
    a, b = (float(weights @ _linear(colour)) + 0.05 for colour in (one, other))
    return max(a, b) / min(a, b)


def page_style(colours: Iterable[str]) -> str:
    """Style that names the palette, the shade of every verdict, and the colours of figures.

    The light ones hold in print, whatever the screen shows.
    """
    figures = sorted({*LIGHT.named().values(), *colours})
    light = _plain(LIGHT.named()) | {shade_name(c): c for c in figures}
    turned = _plain(DARK.named()) | {shade_name(c): dark(c) for c in figures}
    verdicts = "".join(
        f".v-{_key(label)}{{background:var(--{_key(label)})}}" for label in LIGHT.shades
    )
    return (
        f":root{{{_set(light)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{_set(turned)}}}}}\n{verdicts}"
    )


def _plain(named: Mapping[str, str]) -> dict[str, str]:
    return {f"--{_key(name)}": colour for name, colour in named.items()}


def _key(name: str) -> str:
    return name.replace(" ", "-").replace("_", "-")


def _set(named: Mapping[str, str]) -> str:
    return "".join(f"{name}:{colour};" for name, colour in named.items())


def _linear(colour: str) -> Array:
    """Linear light (3,) of "#rrggbb"."""
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _hex(linear: Array) -> str:
    value = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(255 * float(v)):02x}" for v in value)
