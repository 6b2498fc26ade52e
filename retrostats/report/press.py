"""Sheets of figures are made by a second process beside this one, where there are two cores.

The other process is a fork: it starts with every table and every library in its memory, so that
nothing is sent to it or imported again. Each takes the next sheet of one list until none is left,
and draws it and makes its files by the same function, so a file is the same whoever made it. What
the other process cannot make (an error, a warning, its own end) this one makes: whoever may refuse
or warn is the process the user started, and it alone writes. Where a fork is not safe (other
systems than Linux, or other threads in this process) this one makes all.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from retrostats.report.sheets import Files, Sheet

#: Sheets below which a second process is not worth its start.
WORTH = 2
_NUMBER = 4  # bytes of the number of a sheet in the list that both processes take from

_Made = Mapping[str, Files]


@dataclass(frozen=True, slots=True)
class _Helper:
    """The other process, the list both take from, and the file it leaves its own in."""

    process: int
    waiting: BinaryIO
    answers: BinaryIO


class Press:
    """Files of sheets, made by two processes.

    Parameters
    ----------
    sheets
        What is made; it must not change any more.
    """

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self._sheets = tuple(sheets)
        self._helper: _Helper | None = None

    def start(self) -> None:
        """Let the other process begin, where there can be one; this one may do something else."""
        if len(self._sheets) >= WORTH and cores() > 1 and _alone():
            self._helper = _forked(self._sheets)

    def files(self) -> list[_Made]:
        """Files of every sheet, in order; waits for all of them."""
        found: dict[int, _Made] = {}
        if self._helper is not None:
            for number in _taken(self._helper.waiting):
                found[number] = _made(self._sheets[number])
            os.waitpid(self._helper.process, 0)
            found |= _answers(self._helper.answers)
            self._close()
        return [
            found[number] if number in found else _made(sheet)
            for number, sheet in enumerate(self._sheets)
        ]

    def stop(self) -> None:
        """End the other process, if it is still at work."""
        if self._helper is not None:
            with contextlib.suppress(OSError):
                os.kill(self._helper.process, signal.SIGKILL)
                os.waitpid(self._helper.process, 0)
            self._close()

    def _close(self) -> None:
        if self._helper is not None:
            self._helper.waiting.close()
            self._helper.answers.close()
            self._helper = None


@contextlib.contextmanager
def press(sheets: Sequence[Sheet]) -> Iterator[Press]:
    """A press whose other process ends with the block, whatever ends it."""
    printing = Press(sheets)
    try:
        yield printing
    finally:
        printing.stop()


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _made(sheet: Sheet) -> _Made:
    return sheet.files()


def _alone() -> bool:
    """Whether this process has one thread: a fork takes over no other, nor what it holds locked."""
    if sys.platform != "linux":
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _forked(sheets: Sequence[Sheet]) -> _Helper | None:
    """The other process, at work; None where none can be started."""
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_pdf
    import matplotlib.backends.backend_svg  # noqa: F401  (once, before there are two)

    from retrostats.report.figures.svg_text import prepare_fonts

    prepare_fonts()
    with contextlib.ExitStack() as opened:
        try:
            # both read one list through one place in it, which the system moves on for both
            waiting = opened.enter_context(tempfile.TemporaryFile(buffering=0))
            answers = opened.enter_context(tempfile.TemporaryFile())
            waiting.write(b"".join(i.to_bytes(_NUMBER, "big") for i in range(len(sheets))))
            waiting.seek(0)
            parent = os.getpid()
            process = os.fork()
        except OSError:
            return None
        opened.pop_all()  # what was opened is closed by the press
    if process == 0:
        _serve(sheets, parent, waiting, answers)
    return _Helper(process, waiting, answers)


def _serve(sheets: Sequence[Sheet], parent: int, waiting: BinaryIO, answers: BinaryIO) -> NoReturn:
    """The other process: make what is left of the list, then end, and nothing else."""
    import gc
    import warnings

    try:
        from retrostats.io.bounded.limits import die_with_parent

        die_with_parent(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this says when it ends
        gc.disable()  # a search would copy every page that both share
        for number in _taken(waiting):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    made = _made(sheets[number])
            except Exception:  # the other process meets it again, and tells
                continue
            pickle.dump((number, made), answers)
        answers.flush()
    finally:
        os._exit(0)


def _taken(waiting: BinaryIO) -> Iterator[int]:
    """Numbers of plates that nobody has taken, one after another."""
    while len(number := waiting.read(_NUMBER)) == _NUMBER:
        yield int.from_bytes(number, "big")


def _answers(answers: BinaryIO) -> dict[int, _Made]:
    """What the other process made, up to where it ended."""
    found: dict[int, _Made] = {}
    answers.seek(0)
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        while True:
            number, made = pickle.load(answers)  # noqa: S301  (from a fork of this process)
            found[number] = made
    return found
