"""Every figure of the audit, at every width and in every look: readable, and the same each time."""

from __future__ import annotations

import io
from itertools import combinations

import pytest
from doors.report import DARK_LOOK as DARK
from doors.report import LIGHT_LOOK as LIGHT
from doors.report import LOOKS, SLIDE, contrast, looks, theme, verdicts
from legibility import distances, illegible
from matplotlib.figure import Figure

import retrostats as rs
from retrostats import InputError

NAMES = (
    "verdict_overview",
    "metabolic_cost_forest",
    "metabolic_cost_sensitivity",
    "joint_load_impact",
    "injury_rate_ratios",
    "joint_load_sensitivity",
    "body_fat_change",
    "body_fat_sensitivity",
    "retelling_chain",
)
WANTED = (("light", 180.0), ("light", 85.0), ("dark", 180.0))


@pytest.fixture(scope="module")
def drawn(every):
    """Figures of the audit by look and width."""
    return {
        key: {n.removeprefix("audit."): d for n, d in every[key].items() if n.startswith("audit.")}
        for key in WANTED
    }


def test_every_figure_is_looked_at(drawn, whole):
    for figures in drawn.values():
        assert set(NAMES) <= set(figures)
        assert set(figures) == set(whole.figures)


def test_a_dark_figure_is_light_on_dark_throughout(drawn):
    for drawing in drawn["dark", 180.0].values():
        assert drawing.figure.get_facecolor()[0] < 0.2
        file = io.BytesIO()
        theme.write(drawing.figure, file, "svg")
        svg = file.getvalue().decode()
        assert "#ffffff" not in svg
        assert LIGHT.ink not in svg
        assert DARK.ink in svg


@pytest.mark.parametrize("look", LOOKS.values(), ids=list(LOOKS))
def test_colours_are_told_apart_in_grey_and_without_colour_vision(look):
    """Lines that share an axis by 15 in any vision, text by 50 in lightness, shades by 6."""
    for one, two in combinations(("blue", "orange", "paper"), 2):
        assert min(distances(getattr(look, one), getattr(look, two)).values()) >= 14, (one, two)
    for one in ("blue", "ink"):
        assert min(distances(getattr(look, one), look.band).values()) >= 35
    assert min(distances(look.wash, look.band).values()) >= 12
    assert min(distances(look.band, look.paper).values()) >= 8
    for text in ("ink", "grey", "red"):
        assert distances(getattr(look, text), look.paper)["grey"] >= 50
    shades = {*look.shades.values(), look.paper}
    for shade in shades:
        assert contrast(look.ink, shade) >= 4.5  # WCAG 2.2, 1.4.3
    for one, two in combinations(sorted(shades), 2):
        assert min(distances(one, two).values()) >= 6, (one, two)  # in grey print too
    for named, mark in (("supported", "blue"), ("contradicted", "red")):
        assert contrast(getattr(look, mark), look.shades[named]) >= 3  # WCAG 2.2, 1.4.11


def test_one_symbol_stands_for_one_verdict():
    marks = [(mark.marker, mark.fill) for mark in verdicts.LOOK.values()]
    assert len(set(marks)) == len(marks)
    assert "compatible" in verdicts.LOOK


def test_defects_are_found():
    figure = Figure(figsize=(2, 1))
    figure.text(0.1, 0.5, "first", size=8)
    figure.text(0.15, 0.5, "second", size=8)
    figure.text(0.9, 0.1, "outside", size=8)
    figure.text(0.1, 0.1, "small", size=4)
    assert sorted(illegible(figure)) == [
        "'first' and 'second' overlap",
        "'outside' leaves the page",
        "'small': 4 pt, smaller than 6",
    ]


def test_labels_of_ticks_beyond_an_axis_are_no_defect():
    figure = Figure(figsize=(2, 1))
    axes = figure.add_axes((0.2, 0.3, 0.5, 0.5))
    axes.set_xlim(0, 1)
    axes.set_xticks([0.5, 3.0], ["half", "far away"])
    axes.set_xlim(0, 1)
    assert illegible(figure) == []


@pytest.fixture(scope="module")
def run() -> rs.Replication:
    return rs.replicate(["body-fat"], draws=0)


def test_figures_of_estimates_stand_at_the_width_of_one_column_without_being_asked_for(
    run, tmp_path
) -> None:
    folder = run.save(tmp_path / "out", formats=("svg", "pdf"), tables=("csv",))
    narrow = folder / "figures" / "85mm"
    names = {path.stem for path in narrow.glob("*.svg")}
    assert "body_fat_change" in names
    assert names < {path.stem for path in (folder / "figures").glob("*.svg")}
    assert names == {path.stem for path in narrow.glob("*.pdf")}
    for name in names:  # 85 mm are 240.9 points
        assert 'width="240.9448' in (narrow / f"{name}.svg").read_text(encoding="utf-8"), name


def test_themes_are_named_and_widths_are_bounded():
    with pytest.raises(InputError, match="theme: found 'sepia'; choose from light, dark, slide"):
        looks.drawn_in("sepia").__enter__()
    with pytest.raises(InputError, match="width_mm: found 20; allowed 85"):
        looks.drawn_in("light", 20).__enter__()
    with looks.drawn_in("slide") as look:
        assert (look, looks.page_mm(), looks.narrow()) == (SLIDE, 120.0, True)
    assert (looks.now(), looks.page_mm()) == (LIGHT, 180.0)


def test_further_versions_of_the_figures_are_saved_in_folders_of_their_own(run, tmp_path):
    folder = run.save(tmp_path / "out", formats=("svg",), tables=("csv",), themes=("85mm",))
    usual, narrow = folder / "figures", folder / "figures" / "85mm"
    names = sorted(path.name for path in usual.glob("*.svg"))
    assert sorted(path.name for path in narrow.iterdir()) == names
    svg = (narrow / "body_fat_change.svg").read_text(encoding="utf-8")
    assert 'width="240.9448' in svg  # 85 mm in points
    assert "<title>Body fat change</title>" in svg


def test_an_unknown_theme_is_refused_before_anything_is_computed():
    with pytest.raises(InputError, match="themes: found sepia; choose from 85mm, dark, slide"):
        rs.replicate(themes=["sepia"])
