"""Figures and searches of a second process: the same bytes, whatever becomes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from doors.common import FORMATS, second_process
from doors.evidence import FindingsMeasure, Options, explore_measures
from doors.report import Drawing, Sheet, new_figure, styled
from matplotlib.figure import Figure

from retrostats import InputError, Unknown

alone = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one process makes all")


def _figure(number: int) -> Figure:
    """A small figure with a curve, a label and a legend."""
    with styled():
        figure = new_figure(60, 40)
        axes = figure.add_subplot()
        axes.plot([0, 1, 2], [number, 2, 1], label=f"curve {number}")
        axes.set_xlabel("time (s), τ² ≤ 1")
        axes.legend()
    return figure


def _sheet(number: int, draw: Callable[[int], Figure] = _figure) -> Sheet:
    name = f"figure_{number}"
    return Sheet("", lambda: {name: Drawing(draw(number), f"What {name} shows")}, FORMATS, list)


def _sheets(count: int) -> list[Sheet]:
    return [_sheet(number) for number in range(count)]


def _shared(sheets: list[Sheet]) -> Any:
    return second_process.shared([sheet.files for sheet in sheets])


def _names(found: list[Any]) -> list[str]:
    """Names of the figures whose files were made, all of them, in order."""
    assert all(set(f.made) == set(FORMATS) for sheet in found for f in sheet.values())
    return [name for sheet in found for name in sheet]


@pytest.fixture
def helpers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The process of every helper that is started, on a machine that seems to have two cores."""
    started: list[int] = []
    original = second_process._forked

    def forked(sheets: Any) -> Any:
        found = original(sheets)
        assert found is not None
        started.append(found.process)
        return found

    monkeypatch.setattr(second_process, "_forked", forked)
    monkeypatch.setattr(second_process, "cores", lambda: 2)
    monkeypatch.setattr(
        second_process, "_alone", lambda: True
    )  # no other thread of a test holds a lock
    return started


def _left_to_the_helper(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let this process take nothing from the list; what it makes after all is listed."""
    here: list[Any] = []
    original, taken, parent = second_process._done, second_process._taken, os.getpid()

    def done(task: Any) -> Any:
        found = original(task)
        here.extend(found)
        return found

    monkeypatch.setattr(second_process, "_done", done)
    monkeypatch.setattr(
        second_process, "_taken", lambda waiting: () if os.getpid() == parent else taken(waiting)
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
    sheets = _sheets(3)
    with _shared(sheets) as drawn:  # not started: this process makes all
        by_itself = drawn.results()
    assert not helpers
    here = _left_to_the_helper(monkeypatch)
    with _shared(sheets) as drawn:
        drawn.start()
        together = drawn.results()
    assert len(helpers) == 1
    assert not here, "the helper left some of them"
    assert together == by_itself
    assert _names(together) == ["figure_0", "figure_1", "figure_2"]
    assert _ended(helpers[0])


@alone
def test_each_sheet_is_made_once_by_one_of_both(helpers: list[int]) -> None:
    with tempfile.TemporaryFile(mode="a+") as told:

        def figure(number: int) -> Figure:
            told.write(f"{number}\n")
            told.flush()
            return _figure(number)

        with _shared([_sheet(number, figure) for number in range(6)]) as drawn:
            drawn.start()
            found = drawn.results()
        told.seek(0)
        assert sorted(told.read().split()) == list("012345")
    assert _names(found) == [f"figure_{number}" for number in range(6)]


def test_one_core_one_sheet_and_other_threads_need_no_helper(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forked(sheets: Any) -> Any:
        raise AssertionError("a helper was started")

    monkeypatch.setattr(second_process, "_forked", forked)
    for cores, count in ((1, 3), (2, 1)):
        monkeypatch.setattr(second_process, "cores", lambda cores=cores: cores)
        with _shared(_sheets(count)) as drawn:
            drawn.start()
    monkeypatch.setattr(second_process, "cores", lambda: 2)
    wait = threading.Event()
    other = threading.Thread(target=wait.wait)
    other.start()
    try:
        with _shared(_sheets(2)) as drawn:
            drawn.start()
            assert _names(drawn.results()) == ["figure_0", "figure_1"]
    finally:
        wait.set()
        other.join()


def test_where_no_process_can_be_started_this_one_makes_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused() -> int:
        raise OSError("no more processes")

    monkeypatch.setattr(second_process, "cores", lambda: 2)
    monkeypatch.setattr(second_process, "_alone", lambda: True)
    monkeypatch.setattr(second_process.os, "fork", refused, raising=False)
    with _shared(_sheets(2)) as drawn:
        drawn.start()
        assert _names(drawn.results()) == ["figure_0", "figure_1"]


@alone
def test_a_helper_that_ends_leaves_no_sheet_unmade(
    helpers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _left_to_the_helper(monkeypatch)
    with _shared(_sheets(6)) as drawn:
        drawn.start()
        time.sleep(0.2)  # in the middle of one, as it may be
        os.kill(helpers[0], signal.SIGKILL)
        found = drawn.results()
    assert _names(found) == [f"figure_{number}" for number in range(6)]


def _warned(number: int) -> Figure:
    if number == 1:
        warnings.warn("a glyph is missing", stacklevel=1)
    return _figure(number)


def _without_room(number: int) -> Figure:
    figure = _figure(number)
    if number == 1:
        figure.set_size_inches(0.3, 0.3)
        figure.set_layout_engine("tight")  # which warns when the figure is drawn
    return figure


@alone
@pytest.mark.parametrize(
    ("draw", "said"), [(_warned, "a glyph is missing"), (_without_room, "Tight layout")]
)
def test_a_warning_is_given_by_the_process_that_was_started(
    draw: Any, said: str, helpers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = _left_to_the_helper(monkeypatch)
    with (
        _shared([_sheet(number, draw) for number in (0, 1)]) as drawn,
        warnings.catch_warnings(record=True) as caught,
    ):
        warnings.simplefilter("always")
        drawn.start()
        assert _names(drawn.results()) == ["figure_0", "figure_1"]
    assert len(helpers) == 1
    assert here == ["figure_1"]
    assert any(said in str(warning.message) for warning in caught)


@alone
def test_an_error_is_told_by_the_process_that_was_started(helpers: list[int]) -> None:
    def refused(number: int) -> Figure:
        raise InputError("rows that nobody can draw")

    with _shared([_sheet(0), _sheet(1, refused)]) as drawn:
        drawn.start()
        with pytest.raises(InputError, match="nobody can draw"):
            drawn.results()
    assert _ended(helpers[0])


@alone
def test_an_error_elsewhere_ends_the_helper(helpers: list[int]) -> None:
    def stopped() -> None:
        with _shared(_sheets(8)) as drawn:
            drawn.start()
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
        "from retrostats.common.second_process import _alone\n"
        "pandas.array(['a'], dtype='str')\n"
        "print(_alone())"
    )
    surroundings = {k: v for k, v in os.environ.items() if not k.endswith(("_THREADS", "_CONF"))}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=surroundings
    )
    assert run.stdout == "True\n"


@alone
def test_both_processes_find_the_same_limits_and_influences(
    helpers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(level: float, by: int) -> Any:
        return lambda v: (v["m"] + by, v["m"] + by - v["s"], v["m"] + by + level * v["s"] ** 2)

    wide = (Unknown("m", 0.0, 5.0), Unknown("s", 0.5, 2.0))
    measures = [
        FindingsMeasure(f"row {by}", "row", partial(shifted, by=by), wide) for by in range(12)
    ]
    monkeypatch.setattr(second_process, "cores", lambda: 1)
    by_itself = explore_measures(measures, Options(draws=16, seed=1))
    assert not helpers
    monkeypatch.setattr(second_process, "cores", lambda: 2)
    here = _left_to_the_helper(monkeypatch)
    together = explore_measures(measures, Options(draws=16, seed=1))
    assert len(helpers) == 1
    assert not here, "the helper left some of them"
    for one, other in zip(by_itself, together, strict=True):
        for end, same in ((one.at95.low, other.at95.low), (one.at95.high, other.at95.high)):
            assert (end.value, end.evaluations) == (same.value, same.evaluations)
            assert end.point.tobytes() == same.point.tobytes()
        assert one.at95.influence.equals(other.at95.influence)
    assert [e.at95.conf_low for e in together] == [by - 2.0 for by in range(12)]
    explore_measures(measures[:2], Options(draws=16, seed=1))
    assert len(helpers) == 1, "two small searches are not worth a process"
