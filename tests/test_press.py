"""Figures made by a second process: the same bytes, and every file whatever becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from typing import Any

import pytest
from doors.report import new_figure, press, styled
from matplotlib.figure import Figure

KINDS = ("svg", "pdf", "png")
alone = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process makes all")


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


def _added(figures: dict[str, Figure], printing: press.Press) -> press.Press:
    for name, figure in figures.items():
        printing.add(name, figure, KINDS, name, f"What {name} shows")
    return printing


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process of every helper that is started, on a machine that seems to have two cores."""
    started: list[int] = []
    original = press._forked

    def forked(plates: Any) -> Any:
        found = original(plates)
        assert found is not None
        started.append(found.process)
        return found

    monkeypatch.setattr(press, "_forked", forked)
    monkeypatch.setattr(press, "cores", lambda: 2)
    monkeypatch.setattr(press, "_alone", lambda: True)  # no other thread of a test holds a lock
    return started


def _left_to_the_helper(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let this process take nothing from the list; what it makes after all is listed."""
    here: list[str] = []
    original, taken, parent = press.made, press._taken, os.getpid()

    def made(figure: Any, kind: str, name: str, description: str) -> bytes:
        here.append(name)
        return original(figure, kind, name, description)

    monkeypatch.setattr(press, "made", made)
    monkeypatch.setattr(
        press, "_taken", lambda waiting: () if os.getpid() == parent else taken(waiting)
    )
    return here


def _ended(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


@alone
def test_both_processes_make_the_same_bytes(
    helpers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = _figures(3)
    with press.press() as printing:  # not started: this process makes all
        by_itself = _added(figures, printing).files()
    assert not helpers
    here = _left_to_the_helper(monkeypatch)
    with press.press() as printing:
        _added(figures, printing).start()
        together = printing.files()
    assert len(helpers) == 1
    assert not here, "the helper left some of them"
    assert together == by_itself
    assert all(set(files) == set(KINDS) for files in together.values())
    assert _ended(helpers[0])


@alone
def test_each_file_is_made_once_by_one_of_both(helpers: list[int]) -> None:
    figures = _figures(6)
    with press.press() as printing:
        _added(figures, printing).start()
        found = printing.files()
    assert {name: set(files) for name, files in found.items()} == {
        name: set(KINDS) for name in figures
    }


def test_one_core_few_files_and_other_threads_need_no_helper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forked(plates: Any) -> Any:
        raise AssertionError("a helper was started")

    monkeypatch.setattr(press, "_forked", forked)
    for cores, count in ((1, 3), (2, 1)):
        monkeypatch.setattr(press, "cores", lambda cores=cores: cores)
        with press.press() as printing:
            _added(_figures(count), printing).start()
    monkeypatch.setattr(press, "cores", lambda: 2)
    wait = threading.Event()
    other = threading.Thread(target=wait.wait)
    other.start()
    try:
        with press.press() as printing:
            _added(_figures(3), printing).start()
            assert set(printing.files()) == {"figure_0", "figure_1", "figure_2"}
    finally:
        wait.set()
        other.join()


def test_where_no_process_can_be_started_this_one_makes_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> int:
        raise OSError("no more processes")

    monkeypatch.setattr(press, "cores", lambda: 2)
    monkeypatch.setattr(press, "_alone", lambda: True)
    monkeypatch.setattr(press.os, "fork", refused, raising=False)
    with press.press() as printing:
        _added(_figures(2), printing).start()
        assert set(printing.files()) == {"figure_0", "figure_1"}


@alone
def test_a_helper_that_ends_leaves_no_file_unmade(
    helpers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _left_to_the_helper(monkeypatch)
    figures = _figures(press.WORTH)
    with press.press() as printing:
        _added(figures, printing).start()
        time.sleep(0.2)  # in the middle of one, as it may be
        os.kill(helpers[0], signal.SIGKILL)
        found = printing.files()
    assert {name: set(files) for name, files in found.items()} == {
        name: set(KINDS) for name in figures
    }


@alone
def test_a_warning_is_given_by_the_process_that_was_started(
    helpers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = _figures(2)
    figures["figure_1"].set_size_inches(0.3, 0.3)  # no room for the labels
    figures["figure_1"].set_layout_engine("tight")
    _left_to_the_helper(monkeypatch)
    with press.press() as printing, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _added(figures, printing).start()
        assert set(printing.files()) == set(figures)
    assert len(helpers) == 1
    assert any("Tight layout" in str(warning.message) for warning in caught)


@alone
def test_what_the_helper_would_warn_of_this_process_makes(
    helpers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    original = press._made

    def made(plate: press.Plate) -> bytes:
        if plate.key == "figure_1":
            warnings.warn("a glyph is missing", stacklevel=1)
        return original(plate)

    monkeypatch.setattr(press, "_made", made)
    here = _left_to_the_helper(monkeypatch)
    with press.press() as printing, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _added(_figures(2), printing).start()
        assert set(printing.files()) == {"figure_0", "figure_1"}
    assert set(here) == {"figure_1"}
    assert {str(warning.message) for warning in caught} == {"a glyph is missing"}


@alone
def test_an_error_ends_the_helper(helpers: list[int]) -> None:
    def stopped() -> None:
        with press.press() as printing:
            _added(_figures(8), printing).start()
            raise KeyError("a stop")

    with pytest.raises(KeyError):
        stopped()
    assert _ended(helpers[0])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process makes every file")
def test_a_command_has_one_thread_so_that_it_may_fork() -> None:
    """Arrow's allocator started one, and every file was made by one process."""
    code = (
        "from retrostats.common.exit_codes import as_one_command\n"
        "as_one_command()\n"
        "import pandas, pyarrow\n"
        "from retrostats.report.press import _alone\n"
        "pandas.array(['a'], dtype='str')\n"
        "print(_alone())"
    )
    surroundings = {k: v for k, v in os.environ.items() if not k.endswith(("_THREADS", "_CONF"))}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=surroundings
    )
    assert run.stdout == "True\n"
