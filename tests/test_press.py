"""Figures made by a second process: the same bytes, and every file whatever becomes of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from doors.report import new_figure, press, styled
from matplotlib.figure import Figure

KINDS = ("svg", "pdf", "png")


def _figures(count: int) -> dict[str, Figure]:
    """Small figures with a curve, a label and a legend."""
    made = {}
    with styled():
        for i in range(count):
            figure = new_figure(60, 40)
            axes = figure.add_subplot()
            axes.plot([0, 1, 2], [i, 2, 1], label=f"curve {i}")
            axes.set_xlabel("time (s), τ² ≤ 1")
            axes.legend()
            made[f"figure_{i}"] = figure
    return made


def _files(figures: dict[str, Figure], printing: press.Press) -> dict[str, dict[str, bytes]]:
    for name, figure in figures.items():
        printing.add(name, figure, KINDS, name, f"What {name} shows")
    return printing.files()


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Every helper that is started, on a machine that seems to have two cores."""
    started: list[subprocess.Popen[bytes]] = []
    original = press._helper

    def start() -> subprocess.Popen[bytes] | None:
        found = original()
        assert found is not None
        started.append(found)
        return found

    monkeypatch.setattr(press, "_helper", start)
    monkeypatch.setattr(press, "cores", lambda: 2)
    yield started
    assert all(process.poll() is not None for process in started)


def _all_by_the_helper(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let this process take none while the helper can; what it makes after all is listed."""
    here: list[str] = []
    original, taken = press.made, press.Press._next

    def made(figure: Any, kind: str, name: str, description: str) -> bytes:
        here.append(name)
        return original(figure, kind, name, description)

    monkeypatch.setattr(press, "made", made)
    monkeypatch.setattr(
        press.Press, "_next", lambda self, helper: taken(self, True) if helper else None
    )
    return here


def test_both_processes_make_the_same_bytes(
    helper: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = _figures(3)
    with press.press(1) as printing:  # too few to be worth a helper
        alone = _files(figures, printing)
    assert not helper
    here = _all_by_the_helper(monkeypatch)
    with press.press(press.WORTH) as printing:
        together = _files(figures, printing)
    assert len(helper) == 1
    assert not here, "the helper made none of them"
    assert together == alone
    assert all(set(files) == set(KINDS) for files in alone.values())


def test_one_core_needs_no_helper(monkeypatch: pytest.MonkeyPatch, helper: list[Any]) -> None:
    monkeypatch.setattr(press, "cores", lambda: 1)
    with press.press(100) as printing:
        assert set(_files(_figures(1), printing)) == {"figure_0"}
    assert not helper


def test_where_no_process_can_be_started_this_one_makes_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(press, "cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with press.press(press.WORTH) as printing:
        assert set(_files(_figures(2), printing)) == {"figure_0", "figure_1"}


def test_a_helper_that_ends_leaves_no_file_unmade(helper: list[Any]) -> None:
    figures = _figures(press.WORTH)
    with press.press(press.WORTH) as printing:
        helper[0].kill()
        assert set(_files(figures, printing)) == set(figures)


def test_what_cannot_be_pickled_is_made_here(
    helper: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = _figures(2)
    figures["figure_0"].axes[0].xaxis.set_major_formatter(lambda value, _: f"{value:.1f} s")
    here = _all_by_the_helper(monkeypatch)
    with press.press(press.WORTH) as printing:
        assert set(_files(figures, printing)) == set(figures)
    assert set(here) == {"figure_0"}


def test_what_the_helper_does_not_know_is_made_here(
    helper: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("known_to_this_process_alone")
    module.Own = type("Own", (), {"__module__": module.__name__})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    figures = _figures(2)
    figures["figure_1"].own = module.Own()  # type: ignore[attr-defined]
    here = _all_by_the_helper(monkeypatch)
    with press.press(press.WORTH) as printing:
        assert set(_files(figures, printing)) == set(figures)
    assert set(here) == {"figure_1"}


def test_a_warning_is_given_by_the_process_that_was_started(
    helper: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = _figures(2)
    figures["figure_1"].set_size_inches(0.3, 0.3)  # no room for the labels
    figures["figure_1"].set_layout_engine("tight")
    here = _all_by_the_helper(monkeypatch)
    with press.press(press.WORTH) as printing, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert set(_files(figures, printing)) == set(figures)
    assert set(here) == {"figure_1"}
    assert any("Tight layout" in str(warning.message) for warning in caught)


def test_an_error_ends_the_helper_and_the_thread_that_feeds_it(helper: list[Any]) -> None:
    before, figures = threading.active_count(), _figures(4)

    def stopped() -> None:
        with press.press(press.WORTH) as printing:
            for name, figure in figures.items():
                printing.add(name, figure, KINDS, name, "")
            raise KeyError("a stop")

    with pytest.raises(KeyError):
        stopped()
    assert helper[0].poll() is not None
    assert threading.active_count() == before
