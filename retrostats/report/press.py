"""Figures are made into files by a second process beside this one, where there are two cores.

The other process is a fork: it starts with every figure and every library in its memory, so that
nothing is sent to it, imported or drawn up again. Each takes the next file of one list until none
is left, by the same function on the same figure, so a file is the same whoever made it. What the
other process cannot make (a warning, its own end) this one makes: whoever may refuse or warn is the
process the user started, and it alone writes. Where a fork is not safe (other systems than Linux,
or other threads in this process) this one makes all.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, NoReturn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from retrostats.report.figures.recording import Recording

#: Files below which a second process is not worth its start.
WORTH = 6
_NUMBER = 4  # bytes of the number of a plate in the list that both processes take from


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A figure to be made into a file.

    Attributes
    ----------
    key
        Under which its files are found.
    drawn
        The figure itself, drawn already.
    kind
        Format.
    name, description
        What the files say of themselves.
    """

    key: str
    drawn: Recording
    kind: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class _Helper:
    """The other process, the list both take from, and the file it leaves its own in."""

    process: int
    waiting: BinaryIO
    answers: BinaryIO


class Press:
    """Files of figures, made by two processes; `files` waits for all of them."""

    def __init__(self) -> None:
        self._plates: list[Plate] = []
        self._drawn: dict[Figure, Recording] = {}
        self._helper: _Helper | None = None

    def add(
        self, key: str, figure: Figure, kinds: Sequence[str], name: str, description: str
    ) -> None:
        """Hand in a figure, before `start`; it must not change any more."""
        drawn = self.drawn(figure)
        self._plates += [Plate(key, drawn, kind, name, description) for kind in kinds]

    def drawn(self, figure: Figure) -> Recording:
        """A figure drawn once, whatever its files and whoever makes them."""
        from retrostats.report.figures.theme import record

        if figure not in self._drawn:
            self._drawn[figure] = record(figure)
        return self._drawn[figure]

    def start(self) -> None:
        """Let the other process begin, where there can be one; this one may do something else."""
        if len(self._plates) >= WORTH and cores() > 1 and _alone():
            self._helper = _forked(self._plates)

    def files(self) -> dict[str, dict[str, bytes]]:
        """Bytes of every file by the figure's key and format."""
        found: dict[int, bytes] = {}
        if self._helper is not None:
            for number in _taken(self._helper.waiting):
                found[number] = _made(self._plates[number])
            os.waitpid(self._helper.process, 0)
            found |= _answers(self._helper.answers)
            self._close()
        files: dict[str, dict[str, bytes]] = {}
        for number, plate in enumerate(self._plates):
            made_there = found.get(number)
            files.setdefault(plate.key, {})[plate.kind] = made_there or _made(plate)
        return files

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
def press() -> Iterator[Press]:
    """A press whose other process ends with the block, whatever ends it."""
    printing = Press()
    try:
        yield printing
    finally:
        printing.stop()


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def made(figure: Figure | Recording, kind: str, name: str, description: str) -> bytes:
    """The file of a figure in a format."""
    from retrostats.report.figures.theme import title_of, write

    file = BytesIO()
    write(figure, file, kind, title_of(name), description)
    return file.getvalue()


def _made(plate: Plate) -> bytes:
    return made(plate.drawn, plate.kind, plate.name, plate.description)


def _alone() -> bool:
    """Whether this process has one thread: a fork takes over no other, nor what it holds locked."""
    if sys.platform != "linux":
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _forked(plates: Sequence[Plate]) -> _Helper | None:
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
            waiting.write(b"".join(i.to_bytes(_NUMBER, "big") for i in range(len(plates))))
            waiting.seek(0)
            parent = os.getpid()
            process = os.fork()
        except OSError:
            return None
        opened.pop_all()  # what was opened is closed by the press
    if process == 0:
        _serve(plates, parent, waiting, answers)
    return _Helper(process, waiting, answers)


def _serve(plates: Sequence[Plate], parent: int, waiting: BinaryIO, answers: BinaryIO) -> NoReturn:
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
                    file = _made(plates[number])
            except Exception:  # the other process meets it again, and tells
                file = b""
            pickle.dump((number, file), answers)
        answers.flush()
    finally:
        os._exit(0)


def _taken(waiting: BinaryIO) -> Iterator[int]:
    """Numbers of plates that nobody has taken, one after another."""
    while len(number := waiting.read(_NUMBER)) == _NUMBER:
        yield int.from_bytes(number, "big")


def _answers(answers: BinaryIO) -> dict[int, bytes]:
    """What the other process made, up to where it ended."""
    found = {}
    answers.seek(0)
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        while True:
            number, file = pickle.load(answers)  # noqa: S301  (from a fork of this process)
            found[number] = file
    return found
