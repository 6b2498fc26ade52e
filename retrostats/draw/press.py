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
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Figures below which a second process takes longer to start than it saves.
WORTH = 6
_LENGTH = 8  # bytes of the length before each part of a message
_START = (  # the promise to end with the parent comes before everything that takes time
    "import sys; parent, sys.path[:] = int(sys.argv[1]), sys.argv[2:]; "
    "from retrostats.read.bounded.limits import die_with_parent; die_with_parent(parent); "
    "from retrostats.draw.press import serve; serve()"
)


@dataclass(frozen=True, slots=True)
class Plate:
    """A figure to be made into files.

    Attributes
    ----------
    key
        Under which its files are found.
    figure
        The figure itself, for this process; `pickled` for the other, None where it cannot be.
    kinds
        Formats.
    name, description
        What the files say of themselves.
    """

    key: str
    figure: Figure
    pickled: bytes | None
    kinds: tuple[str, ...]
    name: str
    description: str


class Press:
    """Files of figures, made by two processes; `files` waits for all of them."""

    def __init__(self, helper: subprocess.Popen[bytes] | None) -> None:
        self._helper = helper
        self._waiting: deque[Plate] = deque()
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
        plate = Plate(key, figure, pickled, tuple(kinds), name, description)
        with self._new:
            (self._left if pickled is None else self._waiting).append(plate)
            self._new.notify()

    def files(self) -> dict[str, dict[str, bytes]]:
        """Bytes of every file by the figure's key and format, in the order of handing in."""
        while (plate := self._next(youngest=True)) is not None:
            self._make(plate)
        with self._new:
            self._closed = True
            self._new.notify()
        if self._feeder is not None:
            self._feeder.join()
        for plate in (*self._left, *self._waiting):
            self._make(plate)
        self._left.clear()
        self._waiting.clear()
        return self._made

    def _make(self, plate: Plate) -> None:
        self._made[plate.key] = made(plate.figure, plate.kinds, plate.name, plate.description)

    def _next(self, youngest: bool) -> Plate | None:
        with self._new:
            if not self._waiting:
                return None
            return self._waiting.pop() if youngest else self._waiting.popleft()

    def _feed(self, helper: subprocess.Popen[bytes]) -> None:
        """Give the helper one figure after another, until it ends or none will come."""
        while True:
            with self._new:
                self._new.wait_for(lambda: self._waiting or self._closed)
            plate = self._next(youngest=False)
            if plate is None:
                if self._closed:
                    return
                continue
            try:
                found = _asked(helper, plate)
            except (OSError, EOFError):
                self._left.append(plate)
                return  # what waits is made by `files`
            if found is None:
                self._left.append(plate)
            else:
                self._made[plate.key] = found


@contextlib.contextmanager
def press(figures: int) -> Iterator[Press]:
    """A press for about that many figures; its helper ends with the block, whatever ends it."""
    helper = _helper() if figures >= WORTH and cores() > 1 else None
    try:
        yield Press(helper)
    finally:
        if helper is not None:
            helper.kill()
            helper.wait()
            for stream in (helper.stdin, helper.stdout):
                with contextlib.suppress(OSError):
                    if stream is not None:
                        stream.close()


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def made(figure: Figure, kinds: Sequence[str], name: str, description: str) -> dict[str, bytes]:
    """Bytes of the files of a figure, by format."""
    from retrostats.draw.figures.theme import title_of, write

    found = {}
    for kind in kinds:
        file = BytesIO()
        write(figure, file, kind, title_of(name), description)
        found[kind] = file.getvalue()
    return found


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
    while (kinds := _part(source)) is not None:
        name, description, pickled = ((_part(source) or b"") for _ in range(3))
        wanted = kinds.decode().split()
        parts: list[bytes] = []
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                figure = pickle.loads(pickled)  # noqa: S301  (from the process that started this)
                found = made(figure, wanted, name.decode(), description.decode())
            parts = [found[kind] for kind in wanted]
        except Exception:  # the other process meets it again, and tells
            parts = []
        _send(answers, str(len(parts)).encode(), *parts)


def _asked(helper: subprocess.Popen[bytes], plate: Plate) -> dict[str, bytes] | None:
    """The helper's files of a figure; None where it could not make them."""
    into: Any = helper.stdin
    out: Any = helper.stdout
    words = (" ".join(plate.kinds), plate.name, plate.description)
    _send(into, *(word.encode("utf-8", "surrogatepass") for word in words), plate.pickled or b"")
    count = _part(out)
    if count is None:
        raise EOFError
    parts = [part for _ in range(int(count)) if (part := _part(out)) is not None]
    if len(parts) < int(count):
        raise EOFError
    return dict(zip(plate.kinds, parts, strict=True)) if parts else None


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
