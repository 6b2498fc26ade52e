"""Figures are made into files by a second process beside this one, where there are two cores.

A figure is pickled as it is handed in; the other process takes the oldest, this one the youngest,
until none is left. Both run the same function on the same bytes, so a file is the same whoever
made it. What the other process cannot make (a figure it cannot unpickle, a warning, its own end)
this one makes: whoever may refuse or warn is the process the user started, and it alone writes.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Figures below which a second process takes longer to start than it saves.
WORTH = 6
#: The format that is left to the helper as long as there is another.
HELPERS = "pdf"
_LENGTH = 8  # bytes of the length before each part of a message
_START = (  # the promise to end with the parent comes before everything that takes time
    "import sys; parent, sys.path[:] = int(sys.argv[1]), sys.argv[2:]; "
    "from retrostats.io.bounded.limits import die_with_parent; die_with_parent(parent); "
    "from retrostats.report.press import serve; serve()"
)


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """A figure to be made into a file.

    Attributes
    ----------
    key
        Under which its files are found.
    figure, pickled
        The figure itself, for this process, and for the other; None where it cannot be pickled.
    kind
        Format.
    name, description
        What the files say of themselves.
    """

    key: str
    figure: Figure
    pickled: bytes | None
    kind: str
    name: str
    description: str


class Press:
    """Files of figures, made by two processes; `files` waits for all of them."""

    def __init__(self, helper: subprocess.Popen[bytes] | None) -> None:
        self._helper = helper
        self._waiting: list[Plate] = []
        self._left: list[Plate] = []  # what the helper could not make
        self._made: dict[str, dict[str, bytes]] = {}
        self._new = threading.Condition()
        self._closed = False
        self._feeder: threading.Thread | None = None
        if helper is not None:
            self._feeder = threading.Thread(target=self._feed, args=(helper,), daemon=True)
            self._feeder.start()

    def add(
        self, key: str, figure: Figure, kinds: Sequence[str], name: str, description: str
    ) -> None:
        """Hand in a figure; it must not change any more."""
        pickled = None
        if self._helper is not None:
            # a figure may hold anything, and each thing fails in a way of its own
            with contextlib.suppress(Exception):
                pickled = pickle.dumps(figure, protocol=pickle.HIGHEST_PROTOCOL)
        with self._new:
            for kind in kinds:
                plate = Plate(key, figure, pickled, kind, name, description)
                (self._left if pickled is None else self._waiting).append(plate)
            self._new.notify()

    def files(self) -> dict[str, dict[str, bytes]]:
        """Bytes of every file by the figure's key and format."""
        while (plate := self._next(helper=False)) is not None:
            self._make(plate)
        self._finish()
        for plate in (*self._left, *self._waiting):
            self._make(plate)
        self._left.clear()
        self._waiting.clear()
        return self._made

    def stop(self) -> None:
        """Give up what waits; the helper has been ended."""
        with self._new:
            self._waiting.clear()
        self._finish()

    def _finish(self) -> None:
        """No more figures will come; wait for the helper's last one."""
        with self._new:
            self._closed = True
            self._new.notify()
        if self._feeder is not None:
            self._feeder.join()

    def _make(self, plate: Plate) -> None:
        self._keep(plate, made(plate.figure, plate.kind, plate.name, plate.description))

    def _keep(self, plate: Plate, file: bytes) -> None:
        with self._new:
            self._made.setdefault(plate.key, {})[plate.kind] = file

    def _next(self, helper: bool) -> Plate | None:
        """The oldest for the helper, the youngest for this one; the helper alone makes PDFs, whose
        writer takes a while to import, as long as there is anything else to do here."""
        with self._new:
            waiting = self._waiting if helper else self._waiting[::-1]
            liked = (plate for plate in waiting if helper or plate.kind != HELPERS)
            plate = next(liked, waiting[0] if waiting else None)
            if plate is not None:
                self._waiting.remove(plate)
            return plate

    def _feed(self, helper: subprocess.Popen[bytes]) -> None:
        """Give the helper one figure after another, until it ends or none will come."""
        while True:
            with self._new:
                self._new.wait_for(lambda: self._waiting or self._closed)
            plate = self._next(helper=True)
            if plate is None:
                if self._closed:
                    return
                continue
            try:
                found = _asked(helper, plate)
            except (OSError, EOFError):
                self._left.append(plate)
                return  # what waits is made by `files`
            if found:
                self._keep(plate, found)
            else:
                self._left.append(plate)


@contextlib.contextmanager
def press(figures: int) -> Iterator[Press]:
    """A press for about that many figures; its helper ends with the block, whatever ends it."""
    helper = _helper() if figures >= WORTH and cores() > 1 else None
    printing = Press(helper)
    try:
        yield printing
    finally:
        if helper is not None:
            helper.kill()
            helper.wait()
            printing.stop()
            for stream in (helper.stdin, helper.stdout):
                with contextlib.suppress(OSError):
                    if stream is not None:
                        stream.close()


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def made(figure: Figure, kind: str, name: str, description: str) -> bytes:
    """The file of a figure in a format."""
    from retrostats.report.figures.theme import title_of, write

    file = BytesIO()
    write(figure, file, kind, title_of(name), description)
    return file.getvalue()


def serve() -> None:
    """The helper: make what comes on standard input into files, until it ends."""
    import signal
    import warnings

    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_pdf
    import matplotlib.backends.backend_svg  # noqa: F401  (loaded while nothing waits)

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this says when it ends
    source, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    seen: tuple[bytes, Any] = (b"", None)  # a figure comes once for each of its formats
    while (kind := _part(source)) is not None:
        name, description, pickled = ((_part(source) or b"") for _ in range(3))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                if pickled != seen[0]:
                    figure = pickle.loads(pickled)  # noqa: S301  (from who started this)
                    seen = (pickled, figure)
                file = made(seen[1], kind.decode(), name.decode(), description.decode())
        except Exception:  # the other process meets it again, and tells
            file = b""
        _send(answers, file)


def _asked(helper: subprocess.Popen[bytes], plate: Plate) -> bytes:
    """The helper's file of a figure; empty where it could not make it."""
    into: Any = helper.stdin
    words = (plate.kind, plate.name, plate.description)
    _send(into, *(word.encode("utf-8", "surrogatepass") for word in words), plate.pickled or b"")
    file = _part(helper.stdout)
    if file is None:
        raise EOFError
    return file


def _send(stream: Any, *parts: bytes) -> None:
    for part in parts:
        stream.write(len(part).to_bytes(_LENGTH, "big") + part)
    stream.flush()


def _part(stream: Any) -> bytes | None:
    """The next part of a message, None where the stream ended."""
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    size = int.from_bytes(head, "big")
    part: bytes = stream.read(size)
    return part if len(part) == size else None


def _helper() -> subprocess.Popen[bytes] | None:
    """The second process; None where none can be started."""
    if not sys.executable:
        return None
    try:
        return subprocess.Popen(
            [sys.executable, "-c", _START, str(os.getpid()), *map(os.path.abspath, sys.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
    except OSError:
        return None
