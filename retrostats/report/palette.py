"""Every colour of page and figures, by what it is for: on paper, and on a dark screen.

A shade lies behind the word and the symbol of a verdict. Shades differ in lightness in steps that
a grey print keeps, and stay apart without one kind of cone; words on them keep their contrast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours "#rrggbb" by what they are for; neighbours differ in lightness as well as in hue.

    Attributes
    ----------
    paper, ink, grey, pale
        Ground; words and lines; words that matter less; borders.
    blue, orange, red
        Estimates and links; own data; what differs.
    wash
        A confidence interval beside a claim's band: lines of it never hide or tint the band.
    band, band_edge
        The range that would make a claim true.
    shades
        Behind the word of a verdict; a verdict without one stands on paper.
    """

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

    def named(self) -> dict[str, str]:
        """Colours by name, those of verdicts by the verdict.

        Examples
        --------
        >>> LIGHT.named()["paper"], "supported" in LIGHT.named()
        ('#ffffff', True)
        """
        plain = {f.name: getattr(self, f.name) for f in fields(Palette) if f.name != "shades"}
        return {**plain, **self.shades}


def _shades(
    supported: str, compatible: str, unclear: str, unmeasured: str, contradicted: str
) -> Mapping[str, str]:
    return MappingProxyType({
        "supported": supported, "faithful": supported, "very likely": supported,
        "compatible": compatible, "likely": compatible, "leaning": unclear,
        "contradicted": contradicted, "drifted": contradicted, "very unlikely": contradicted,
        "unlikely": unmeasured, "not measured by the source": unmeasured,
        "leaning against": unclear, "mixed": unclear,
        "open": unclear, "unverified": unclear,
    })  # fmt: skip


LIGHT = Palette(
    paper="#ffffff", ink="#1a1a1a", grey="#6b6b6b", pale="#d9d9d9",
    blue="#0b5394", orange="#c65102", red="#8a2d00", wash="#9fc0e2",
    band="#f6e3b4", band_edge="#b8902b",
    shades=_shades("#8fbae5", "#c6ddf2", "#f1ecdf", "#e9c2a1", "#dc9258"),
)  # fmt: skip
DARK = Palette(
    paper="#16191d", ink="#ececec", grey="#a3a8ae", pale="#3a4047",
    blue="#6aa7e6", orange="#ffc27d", red="#ffb48a", wash="#3f6f9e",
    band="#4d4120", band_edge="#c9a64a",
    shades=_shades("#2d557b", "#26364b", "#29261d", "#5b3c25", "#98542a"),
)  # fmt: skip


def in_the_dark() -> dict[str, str]:
    """The dark colour of every light one.

    Examples
    --------
    >>> in_the_dark()["#ffffff"]
    '#16191d'
    """
    dark = DARK.named()
    return {colour: dark[name] for name, colour in LIGHT.named().items()}
