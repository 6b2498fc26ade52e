"""Figures of a run in parts and sheets: who draws what, in which look, into which files."""

from __future__ import annotations

from typing import Any

import pytest
from doors.common import FORMATS, NARROW
from doors.report import Drawing, by_look, looks, new_figure, parts, sheets_of, shown_of, styled


def _draws(name: str, said: str, **told: Any) -> Any:
    """Draws one figure, as wide as the page of the moment, with a line of text."""

    def draw() -> dict[str, Drawing]:
        with styled():
            figure = new_figure(looks.page_mm(), 20)
            figure.text(0.1, 0.5, said)
        return {name: Drawing(figure, said, **told)}

    return draw


@pytest.fixture
def drawings() -> Any:
    return parts.Drawings(
        [
            parts.Part(_draws("all", "overview")),
            parts.Part(
                _draws("cost", "every row", analysis="a"), _draws("cost", "main", analysis="a")
            ),
            parts.Part(_draws("cost_draws", "draws", analysis="a", claim="c")),
        ]
    )


def _found(drawings: Any, formats: Any = FORMATS, themes: Any = ()) -> Any:
    sheets = sheets_of(drawings, formats, themes)
    return by_look(sheets, [sheet.files() for sheet in sheets])


def test_main_figures_are_written_in_one_column_and_shown_there(drawings: Any) -> None:
    found = _found(drawings)
    assert {look: list(figures) for look, figures in found.items()} == {
        "": ["all", "cost", "cost_draws"],
        NARROW: ["cost"],
    }
    assert ">main<" in shown_of(found[NARROW])["cost"]
    assert 'width="240.9' in shown_of(found[NARROW])["cost"]  # 85 mm in points
    assert list(shown_of(found[""])) == ["all", "cost", "cost_draws"]


def test_a_further_look_is_written_whole_and_shown_nowhere(drawings: Any) -> None:
    found = _found(drawings, themes=["dark", NARROW])
    assert list(found["dark"]) == ["all", "cost", "cost_draws"]
    assert shown_of(found["dark"]) == {}
    assert ">every row<" in shown_of(found[NARROW])["cost"]
    assert list(shown_of(found[NARROW])) == ["cost"]


def test_the_page_has_its_pictures_whatever_is_written(drawings: Any) -> None:
    found = _found(drawings, ["png"])
    assert set(shown_of(found[""])) == {"all", "cost", "cost_draws"}
    assert {name: files.written for name, files in found[""].items()} == {
        "all": ("png",),
        "cost": ("png",),
        "cost_draws": (),  # under its claim, for the page alone
    }


def test_what_was_changed_after_it_was_drawn_is_written_so(drawings: Any) -> None:
    drawings["cost"].figure.text(0.1, 0.2, "a word of mine")
    assert "a word of mine" in shown_of(_found(drawings)[""])["cost"]


def test_of_two_figures_of_one_name_the_later_is_kept() -> None:
    two = parts.Drawings([parts.Part(_draws("a", "first")), parts.Part(_draws("a", "second"))])
    assert two["a"].alt == "second"
    assert ">second<" in shown_of(_found(two)[""])["a"]


def test_a_mapping_of_figures_has_the_usual_look_alone() -> None:
    found = _found(_draws("a", "mine")())
    assert {look: list(figures) for look, figures in found.items()} == {"": ["a"]}
