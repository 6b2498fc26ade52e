"""Every figure, of every source, at every width and in every look: what a journal would refuse."""

from __future__ import annotations

import io
import re
from dataclasses import fields
from itertools import pairwise
from pathlib import Path

import pytest
from doors.report import LOOKS, Drawing, theme
from drawn_figures import KEYS, Every
from legibility import illegible
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.testing.compare import compare_images
from matplotlib.text import Text
from test_figures import RMS

#: A page of a journal is 297 mm high; beside its margins and legend a figure of one column has
#: this much, one of two columns is less so that it can stand upright.
TALLEST_MM = {85.0: 235.0, 120.0: 235.0, 180.0: 247.0}
#: With a reader's cohorts in, a panel more for each kind of result: a page without its margins.
WITH_OWN_MM = 290.0
#: One figure of each kind, for files that cost more to write.
KINDS = (
    "audit.verdict_overview", "audit.metabolic_cost_sensitivity", "audit.retelling_chain",
    "audit.energy_30_choices", "audit.energy_30_draws", "audit.energy_30_influence",
    "own.own_data_1", "bcg.halves", "plan.plan",
)  # fmt: skip
#: The numbers and the name of an upright axis, and a gap.
ROOM_OF_AN_AXIS_MM = 20.0
#: A name of a colour.
COLOUR = re.compile(r"\b(yellow|orange|blue|red|green|grey|gray|brown|purple)\b", re.IGNORECASE)


def named(key: tuple[str, float], audit: bool) -> str:
    return f"{key[0]}-{key[1]:.0f}" + ("" if audit else "-main")


def by_key(fewer: int) -> pytest.MarkDecorator:
    """All figures on a page, `fewer` in another look or width; `make thorough` has all in each."""
    first, other = (KEYS[0], True), (KEYS[fewer], False)
    rest = [pytest.param(k, True, marks=pytest.mark.thorough, id=named(k, True)) for k in KEYS[1:]]
    return pytest.mark.parametrize(
        ("key", "audit"), [*(pytest.param(*at, id=named(*at)) for at in (first, other)), *rest]
    )


#: What stands where: on a page and in a column of one. A dark page is laid out as a light one.
every_width = by_key(1)
#: What is seen: on paper and in the dark.
every_look = by_key(2)


def texts_of(figure: Figure) -> str:
    return " ".join(text.get_text() for text in figure.findobj(Text))


@every_width
def test_no_text_overlaps_leaves_the_page_or_is_tiny(every, key, audit):
    found = {
        name: illegible(drawing.figure) for name, drawing in every.shown(key, audit=audit).items()
    }
    assert {name: lines for name, lines in found.items() if lines} == {}
    assert len(found) > (20 if audit else 10)
    assert {name.split(".")[0] for name in found} == {"audit", "own", "bcg", "plan"}


@every_width
def test_every_figure_has_its_width_and_fits_a_page(every, key, audit):
    too_tall = {}
    for name, drawing in every.shown(key, audit=audit).items():
        wide, tall = theme.figure_mm(drawing.figure)
        assert wide == pytest.approx(key[1], abs=0.05) or (key[1] > 85 and wide == 85), name
        if tall > (WITH_OWN_MM if name.startswith("own.") else TALLEST_MM[key[1]]):
            too_tall[name] = round(tall)
    assert too_tall == {}


def test_names_beside_a_picture_take_no_more_room_than_the_longest(every):
    drawn = every[("light", 180.0)]
    bars = {name: d.figure for name, d in drawn.items() if "_influence" in name}
    eyes = {name: d.figure for name, d in drawn.items() if name.endswith("_draws")}
    assert len(bars) > 2
    assert len(eyes) > 2
    for name, figure in bars.items():
        names = [text for text in figure.texts if text.get_ha() == "right"]
        assert min(left_mm(text) for text in names) == pytest.approx(theme.EDGE_MM, abs=1.1), name
    for name, figure in eyes.items():
        page = theme.figure_mm(figure)[0]
        start = figure.axes[0].get_position().x0 * page
        beside = [text for text in figure.texts if text.get_text().endswith(" draws")]
        assert start - max(map(right_mm, beside)) < ROOM_OF_AN_AXIS_MM, name


def _widest_mm(text: Text) -> float:
    return max(map(theme.width_mm, text.get_text().split("\n")))


def left_mm(text: Text) -> float:
    """Left end of a text that ends where it was placed."""
    return text.get_position()[0] * theme.figure_mm(text.figure)[0] - _widest_mm(text)


def right_mm(text: Text) -> float:
    """Right end of a text that begins where it was placed."""
    return text.get_position()[0] * theme.figure_mm(text.figure)[0] + _widest_mm(text)


def coloured(figure: Figure):
    """Colours of everything that is drawn but text, as "#rrggbb"."""
    for artist in figure.findobj(lambda a: isinstance(a, Line2D | Patch | Collection)):
        if not artist.get_visible():
            continue
        if isinstance(artist, Line2D):
            shown = [artist.get_color()] if artist.get_linestyle() != "None" else []
            marks = artist.get_marker() not in ("None", None, "")
            shown += [artist.get_markerfacecolor(), artist.get_markeredgecolor()] if marks else []
        elif isinstance(artist, Patch):
            shown = [artist.get_facecolor()]
            shown += [artist.get_edgecolor()] if artist.get_linewidth() > 0 else []
        else:
            shown = [*artist.get_facecolor(), *artist.get_edgecolor()]
        for colour in shown:
            if isinstance(colour, str):
                if colour != "none":
                    yield to_hex(colour)
            elif len(colour) and (len(colour) < 4 or colour[3] > 0):
                yield to_hex(to_rgb(colour))


@every_look
def test_every_colour_is_one_of_its_look_whose_distances_are_held(every, key, audit):
    look = LOOKS[key[0]]
    named = (getattr(look, field.name) for field in fields(look))
    own = {value for value in named if str(value).startswith("#")} | set(look.shades.values())
    for name, drawing in every.shown(key, audit=audit).items():
        assert set(coloured(drawing.figure)) <= own, name


@every_look
def test_words_name_no_colour(every, key, audit):
    """What is yellow on paper is brown in the dark: words name marks and what they are for."""
    for name, drawing in every.shown(key, audit=audit).items():
        assert not COLOUR.search(f"{texts_of(drawing.figure)} {drawing.alt}"), name
    assert COLOUR.search("a: mean; yellow: range")


def svg_of(name: str, drawing: Drawing) -> str:
    file = io.BytesIO()
    theme.write(drawing.figure, file, "svg", name, drawing.alt)
    return file.getvalue().decode("utf-8")


@pytest.mark.parametrize(
    ("key", "audit"),
    [(KEYS[2], False), *(pytest.param(k, True, marks=pytest.mark.thorough) for k in KEYS[:3])],
    ids=str,
)
def test_drawn_again_the_bytes_are_the_same(every, key, audit):
    again = every.anew(key, every.whole.drawn(*key) if audit else {})
    assert {name.split(".")[0] for name in again} >= {"own", "bcg", "plan"}
    for name, drawing in again.items():
        assert svg_of(name, drawing) == svg_of(name, every[key][name]), name


@pytest.mark.parametrize(
    "key", [KEYS[0], pytest.param(KEYS[1], marks=pytest.mark.thorough)], ids=str
)
def test_files_say_what_they_show(every, key):
    assert all(drawing.alt for drawing in every[key].values())
    for name in KINDS if key == KEYS[0] else every[key]:
        svg = svg_of(name, every[key][name])
        assert f"<title>{name}</title><desc>" in svg
        assert svg.count("<text ") >= 5, name
    for name in KINDS:
        pdf = io.BytesIO()
        theme.write(every[key][name].figure, pdf, "pdf", name, every[key][name].alt)
        assert b"/Title" in pdf.getvalue(), name
        assert b"/Subject" in pdf.getvalue(), name


@every_width
def test_every_axis_names_what_it_measures(every, key, audit):
    """Each axis with numbers has words, of its own or of the first of its line."""
    for name, drawing in every.shown(key, audit=audit).items():
        for axes in drawing.figure.axes:
            if not axes.axison or not axes.xaxis.get_visible():
                continue
            numbers = [label.get_text() for label in axes.get_xticklabels() if label.get_visible()]
            if any(re.fullmatch(r"[−\d.,]+", text) for text in numbers):
                assert axes.get_xlabel().strip(), name


#: Least room between two numbers of an axis, in points.
APART = 2.0


@every_width
def test_numbers_of_an_axis_stand_apart(every, key, audit):
    for name, drawing in every.shown(key, audit=audit).items():
        figure = drawing.figure
        for axes in figure.axes:
            if not (axes.axison and axes.xaxis.get_visible()):
                continue
            low, high = sorted(axes.get_xlim())
            boxes = []
            labels = axes.get_xticklabels()
            if not labels:  # rows of one axis: only the last has its numbers
                assert sum(other.get_xlim() == axes.get_xlim() for other in figure.axes) > 1, name
                continue
            for place, label in zip(axes.get_xticks(), labels, strict=True):
                if label.get_text() and label.get_visible() and low <= place <= high:
                    at = axes.get_xaxis_transform().transform((place, 0.0))[0] * 72 / figure.dpi
                    wide = max(map(theme.width_mm, label.get_text().split("\n"))) / theme.PT_MM
                    boxes.append((at - wide / 2, at + wide / 2))
            gaps = [b[0] - a[1] for a, b in pairwise(sorted(boxes))]
            assert min(gaps, default=99.0) >= APART, (name, axes.get_xlabel())


#: Pictures that are compared: name, look and width.
BASELINES = (
    ("own.own_data_1", KEYS[0]), ("own.own_data_3", KEYS[1]), ("plan.plan", KEYS[0]),
    ("plan.plan", KEYS[1]), ("plan.plan", KEYS[2]), ("audit.energy_30_choices", KEYS[1]),
    ("audit.energy_30_draws", KEYS[2]), ("audit.energy_30_influence", KEYS[0]),
    ("bcg.halves", KEYS[3]),
)  # fmt: skip


def baseline_of(name: str, key: tuple[str, float]) -> Path:
    file = f"{name.split('.')[1]}_{key[0]}_{key[1]:.0f}.png"
    return Path(__file__).parent / "baselines" / file


@pytest.mark.parametrize(
    ("name", "key"),
    [at if at[1] == KEYS[0] or at[0].startswith(("own", "plan"))
     else pytest.param(*at, marks=pytest.mark.thorough) for at in BASELINES],
    ids=str,
)  # fmt: skip
def test_picture_looks_like_its_baseline(every, name, key, tmp_path):
    """To renew them on purpose: `python tests/test_every_figure.py`, and look at them."""
    path = tmp_path / "drawn.png"
    picture(every, name, key, path)
    assert compare_images(str(baseline_of(name, key)), str(path), tol=RMS) is None


def picture(every, name: str, key: tuple[str, float], path: Path) -> None:
    audit = key == KEYS[0] or name.startswith("audit")
    figure = every.shown(key, audit=audit)[name].figure
    figure.savefig(path, dpi=60, facecolor=figure.get_facecolor())


if __name__ == "__main__":
    import retrostats as rs

    made = Every(rs.replicate(draws=256))
    for one, at in BASELINES:
        picture(made, one, at, baseline_of(one, at))
