"""The first screen as one picture: each core claim, its answer in words, its estimate on an axis.

It stands by itself, in a README or a message: its colours follow the reader's light or dark.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from markupsafe import Markup

from retrostats.report.page import format as fmt
from retrostats.report.page.bands import HEIGHT, NOTED
from retrostats.report.page.cards import Card
from retrostats.report.palette import DARK, LIGHT, Palette

#: Width of the picture, of its margin, and letters of a line of text.
WIDTH, EDGE, LETTERS = 720, 20, 92
#: From one line of text to the next, around a picture, between claims.
LINE, AIR, GAP = 19, 6, 16
STYLE = (
    "text{{font:13.500px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:{ink}}}"
    ".title{{font-weight:700}}.ground{{fill:{paper}}}svg svg text{{font-size:11px;fill:{grey}}}"
    ".b-claim{{fill:{band};stroke:{band_edge};stroke-width:.6}}.b-axis{{stroke:{pale}}}"
    ".b-tick{{stroke:{grey}}}.b-study{{fill:{grey}}}.b-null{{stroke:{ink};stroke-dasharray:3 2}}"
    ".b-conf{{stroke:{ink};stroke-width:5}}"
    ".b-dot{{fill:{paper};stroke:{ink};stroke-width:2.5}}"
)


def answers_picture(title: str, cards: Sequence[Card]) -> str:
    """An SVG of the answers to the core claims, readable on a light and on a dark ground.

    Parameters
    ----------
    title
        What the picture is called for those who do not see it.
    cards
        As `cards_of` gives them.

    Examples
    --------
    >>> answers_picture("No claim", []).startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    True
    """
    top, parts = EDGE, []
    for card in cards:
        for name, line in _lines(card):
            top += LINE
            parts.append(
                Markup('<text class="{}" x="{}" y="{}">{}</text>').format(name, EDGE, top, line)
            )
        for drawn in card.bands if not card.answer.readings else ():
            place = Markup('<svg x="{}" y="{}" width="{}" height="{}">{}</svg>')
            height = NOTED if "b-note" in drawn else HEIGHT
            parts.append(place.format(EDGE, top + AIR, WIDTH - 2 * EDGE, height, drawn))
            top += height + AIR
        top += GAP
    size = f"0 0 {WIDTH} {top + EDGE - GAP}"
    return Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="{}" role="img" aria-label="{}">'
        '<style>{}</style><rect class="ground" width="100%" height="100%"/>{}</svg>\n'
    ).format(size, title, Markup(_style()), Markup("\n").join(parts))


def _lines(card: Card) -> list[tuple[str, str]]:
    """Title, answer and amount of a claim, each with its class; long ones over several lines."""
    title = f"{card.number}. {card.words.title or fmt.text(card.verdict['statement'])}"
    said = f"{card.asks} {card.answer.sentence}"
    wrapped = ((name, textwrap.wrap(text, LETTERS)) for name, text in
               (("title", title), ("said", said)))  # fmt: skip
    return [(name, line) for name, lines in wrapped for line in lines]


def _style() -> str:
    dark = _coloured(DARK)
    return f"{_coloured(LIGHT)}@media (prefers-color-scheme:dark){{{dark}}}"


def _coloured(palette: Palette) -> str:
    return STYLE.format(**{n: c for n, c in palette.named().items() if n.isidentifier()})
