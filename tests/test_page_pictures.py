"""Figures on the page: shared letters, colours of the theme, few bytes, the same twice."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from doors.report import DARK_PALETTE as DARK
from doors.report import LIGHT_PALETTE as LIGHT
from doors.report import contrast, dark, file_of, in_the_dark, page_style, pictures_of

#: Contrast that WCAG 2.2 asks for: words, and marks that carry meaning.
WORDS, MARKS = 4.5, 3.0
#: A colour with at least this contrast to a white ground is that of words or marks.
STANDS_OUT = 3.0


@pytest.fixture(scope="module")
def svgs(whole, tmp_path_factory) -> dict[str, str]:
    folder: Path = tmp_path_factory.mktemp("figures")
    for name, figure in whole.figures.items():
        (folder / f"{name}.svg").write_bytes(file_of(figure, "svg", name, ""))
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.svg"))}


@pytest.fixture(scope="module")
def pictures(svgs):
    return pictures_of(svgs, dict.fromkeys(svgs, "A finding"))


def test_every_colour_of_every_figure_is_the_themes(pictures) -> None:
    inline = "".join(pictures.svgs.values())
    assert (
        re.findall(r"(?:#[0-9a-fA-F]{3,8}|rgb)[^\"]*", re.sub(r"[\"(]#[^\")]*", "", inline)) == []
    )
    style = page_style(pictures.colours)
    for name in set(re.findall(r"var\((--[\w]+)\)", inline)):
        assert style.count(f"{name}:") == 2  # in the light and in the dark


def test_what_stands_out_in_the_light_stands_out_in_the_dark(pictures) -> None:
    visible = [c for c in pictures.colours if contrast(c, LIGHT.paper) >= STANDS_OUT]
    assert len(visible) > 3
    for colour in visible:
        light, night = contrast(colour, LIGHT.paper), contrast(dark(colour), DARK.paper)
        assert night >= (WORDS if light >= WORDS else MARKS), colour


def test_what_is_darker_in_the_light_is_lighter_in_the_dark() -> None:
    greys = [f"#{i:02x}{i:02x}{i:02x}" for i in range(0, 256, 5)]
    turned = [int(dark(c)[1:3], 16) for c in greys]
    assert (np.diff(turned) <= 0).all()


def test_the_page_in_the_dark_has_the_colours_of_a_dark_figure(pictures) -> None:
    """One palette for both: a colour of the palette is never turned over by a rule."""
    assert len(in_the_dark()) == len(set(LIGHT.named().values()))
    style = page_style(pictures.colours)
    night = style[style.index("prefers-color-scheme:dark") :]
    for name, colour in LIGHT.named().items():
        assert dark(colour) == DARK.named()[name]
        assert f"--c{colour[1:]}:{DARK.named()[name]};" in night
    assert set(pictures.colours) & set(LIGHT.named().values()) >= {LIGHT.ink, LIGHT.blue}


def test_every_reference_of_a_figure_is_to_itself_or_to_the_letters(pictures) -> None:
    letters = set(re.findall(r' id="([^"]+)"', pictures.letters))
    every: list[str] = []
    for svg in pictures.svgs.values():
        own = re.findall(r' id="([^"]+)"', svg)
        every += own
        used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
        assert used <= set(own) | letters
    assert len(every) == len(set(every))
    assert not set(every) & letters


def test_numbers_move_by_less_than_can_be_seen(svgs, pictures) -> None:
    for name, svg in svgs.items():
        before = re.findall(r'<use xlink:href="#m[^"]*" x="([-\d.]+)" y="([-\d.]+)"', svg)
        after = re.findall(r'<use href="#f[^"]*" x="([-\d.]+)" y="([-\d.]+)"', pictures.svgs[name])
        assert len(before) == len(after) > 0
        assert np.abs(np.array(before, float) - np.array(after, float)).max() <= 0.005 + 1e-9


def test_the_page_holds_fewer_bytes_than_the_files_and_is_the_same_twice(svgs, pictures):
    size = len(pictures.letters) + sum(map(len, pictures.svgs.values()))
    assert size < 0.75 * sum(map(len, svgs.values()))
    assert size < 40_000 * len(svgs)  # outlines of letters took four times as much
    assert pictures_of(svgs, dict.fromkeys(svgs, "A finding")) == pictures
