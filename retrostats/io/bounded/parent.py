"""The parent's side: one child for many files, ended and replaced when it exceeds its limits."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, Any

from retrostats.common.errors import InputError
from retrostats.io.bounded.child import LENGTH
from retrostats.io.bounded.limits import MIB, memory_for, seconds_for
from retrostats.io.bounded.parsers import BARE, IN_PARTS, WITHOUT_NUMPY, classes
from retrostats.io.bounded.sealed_memory import SOCKET, close, give, new_memory, sealed
from retrostats.io.bounded.wire import MORE, PART, decode

#: A child that waits uses no processor; on the clock it has this many times as long. Elsewhere the
#: system counts the processor's time, and a machine that is busy with others must refuse no file.
PATIENCE = 3 if sys.platform == "win32" else 30
MARK = 8  # bytes of an answer's mark
_START = (  # the promise to end with the parent comes before everything that takes time
    "import sys; parent, sys.path[:] = int(sys.argv[1]), sys.argv[2:]; "
    "from retrostats.common.die_with_parent import die_with_parent; die_with_parent(parent); "
    "from retrostats.io.bounded.child import serve; serve()"
)


def parse_bounded(parser: str, file: str, data: bytes, option: str = "") -> Any:
    """Let the child parse the bytes of a file; a list of memory where it hands over parts.

    Parameters
    ----------
    parser
        A name of `parsers.PARSERS`.
    file, data
        Name for messages, and content.
    option
        One more text for the parser.

    Raises
    ------
    InputError
        What the parser says; or the file takes more memory or time than one of its size may, or
        ended the process that read it.
    """
    key = hashlib.sha256(b"\0".join((parser.encode(), option.encode(), data))).digest()
    with _LOCK:
        why = _REFUSED.get(key)  # who asks twice need not wait twice
        if why is None:
            mark, found = _ask(parser, file, data, option)
            if mark == "ok":
                return found
            if mark == "no":
                raise InputError(found)
            why = _WHY[mark].format(
                memory=memory_for(len(data)) // MIB,
                seconds=seconds_for(len(data)),
                clock=_clock_for(len(data)),
                size=len(data),
            )
            if mark != "late" and len(_REFUSED) < _REMEMBERED:  # another time it may be in time
                _REFUSED[key] = why
    raise InputError(f"{file}: {why}")


_LOCK = threading.Lock()
_REFUSED: dict[bytes, str] = {}
_REMEMBERED = 256


def _ask(parser: str, file: str, data: bytes, option: str) -> tuple[str, Any]:
    """The child's mark and its answer."""
    child, most = _child(parser), memory_for(len(data))
    watch = _Watch(child, _clock_for(len(data)))
    parts = _Parts(new_memory(most) if parser in IN_PARTS and _HELD.channel else None)
    found: list[memoryview] = []
    try:
        with watch:
            if parser in IN_PARTS and _HELD.channel:
                give(_HELD.channel, parts.memory)
            _put(child, parser.encode(), file.encode("utf-8", "replace"), option.encode(), data)
            mark, answer = _take(child, parts, most)
            if mark == "ok":
                found = parts.found()
    except MemoryError:
        _end(child)
        mark, answer = "memory", b""
    except (EOFError, OSError):
        _end(child)
        mark, answer = "late" if watch.late else "time" if _spent(child) else "ended", b""
    finally:
        close(parts.memory)
    if mark == "no":
        return mark, answer.decode("utf-8", "replace")
    return mark, found or decode(answer, classes()) if mark == "ok" else None


class _Parts:
    """What a child hands over as bytes: in the memory it was given, or read from its pipe."""

    def __init__(self, memory: int | None) -> None:
        self.memory = memory
        self._lengths: list[int] = []
        self._read: list[bytearray] = []

    def take(self, mark: str, length: int, stream: IO[bytes]) -> None:
        """One more part, or more of the last one."""
        if mark == PART or not self._lengths:
            self._lengths.append(0)
            self._read.append(bytearray())
        self._lengths[-1] += length
        if self.memory is None:
            self._read[-1] += _exactly(stream, length)

    def found(self) -> list[memoryview]:
        """All parts."""
        if self.memory is None:
            return [memoryview(part) for part in self._read]
        return sealed(self.memory, self._lengths)


def _clock_for(size: int) -> int:
    """Seconds on the clock that a file of `size` bytes may take to read."""
    return PATIENCE * seconds_for(size)


_SAFER = "open it in the program that wrote it and save the table alone, as CSV"
_WHY = {
    "memory": "takes more than {memory} MB of memory to read for {size} bytes; refused as unsafe; "
    + _SAFER,
    "time": "takes more than {seconds} s to read for {size} bytes; refused as unsafe; " + _SAFER,
    "late": "was not read within {clock} s on the clock ({seconds} s of processor are allowed); "
    "try again when the machine is less busy, or " + _SAFER,
    "deep": "is nested too deep; refused as unsafe; " + _SAFER,
    "ended": "ended the process that read it; refused as unsafe; " + _SAFER,
}


def _put(child: subprocess.Popen[bytes], *parts: bytes) -> None:
    assert child.stdin is not None
    for part in parts:
        child.stdin.write(LENGTH.pack(len(part)))
        child.stdin.write(part)
    child.stdin.flush()


def _take(child: subprocess.Popen[bytes], parts: _Parts, most: int) -> tuple[str, bytes]:
    """The child's mark and answer; what it hands over before goes to `parts`.

    Raises
    ------
    MemoryError
        More than `most` bytes in all.
    """
    assert child.stdout is not None
    while True:
        mark = _exactly(child.stdout, MARK).decode("ascii", "replace").strip()
        length = LENGTH.unpack(_exactly(child.stdout, LENGTH.size))[0]
        most -= length
        if most < 0:
            raise MemoryError
        if mark not in (PART, MORE):
            return mark, _exactly(child.stdout, length)
        parts.take(mark, length, child.stdout)


def _exactly(stream: IO[bytes], count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _spent(child: subprocess.Popen[bytes]) -> bool:
    """Whether the system ended the child for its processor time."""
    return child.returncode == -getattr(signal, "SIGXCPU", 0)


class _Watch:
    """Ends the child when the clock runs out; `late` says that it did."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        self.late = False
        self._timer = threading.Timer(seconds, self._end, (child,))
        self._timer.daemon = True

    def _end(self, child: subprocess.Popen[bytes]) -> None:
        self.late = True
        child.kill()

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


#: What a child needs of the environment; passwords and addresses stay behind.
_KEPT = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "LC_ALL")


@dataclass(slots=True)
class _Held:
    """The child, and the process it belongs to: a fork starts one of its own.

    Through `channel` goes memory for its answers, where the system has such memory. A `bare` one
    began without numpy, for parsers that need none; the first other file ends it.
    """

    child: subprocess.Popen[bytes] | None = None
    owner: int = 0
    channel: socket.socket | None = None
    bare: bool = False


_HELD = _Held()


def _child(parser: str) -> subprocess.Popen[bytes]:
    """The child for a parser; one that serves every parser is kept for all files to come."""
    child, fits = _HELD.child, parser in WITHOUT_NUMPY or not _HELD.bare
    if child is not None and fits and _HELD.owner == os.getpid() and child.poll() is None:
        return child
    if child is not None and _HELD.owner == os.getpid():
        _end(child)
    if not _HELD.owner:
        atexit.register(end_child)
    kept = {k: v for k, v in os.environ.items() if k in _KEPT}
    kept |= {"OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    kept |= {BARE: "1"} if parser in WITHOUT_NUMPY else {}
    _HELD.owner, _HELD.bare = os.getpid(), parser in WITHOUT_NUMPY
    ours, theirs = socket.socketpair() if sys.platform == "linux" else (None, None)
    with theirs or contextlib.nullcontext():
        kept |= {SOCKET: str(theirs.fileno())} if theirs else {}
        _HELD.child = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, str(os.getpid()), *map(os.path.abspath, sys.path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=kept, pass_fds=[theirs.fileno()] if theirs else (),
        )  # fmt: skip
    _HELD.channel = ours
    return _HELD.child


def end_child() -> None:
    """End the child, if there is one; the next file starts another."""
    child, _HELD.child = _HELD.child, None
    if child is None or _HELD.owner != os.getpid():
        return
    _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
    channel, _HELD.channel = _HELD.channel, None
    for stream in (child.stdin, child.stdout, channel):
        with contextlib.suppress(OSError):
            if stream is not None:
                stream.close()
