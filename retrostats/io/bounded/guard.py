"""What the child's own interpreter refuses while it parses a file, on every system.

Namespaces keep the child off the network only where the system lets a process leave it. This hook
(PEP 578) stands in the interpreter itself: while a file is parsed no connection is opened, no
process is started, nothing is written outside the folder for temporary files, and nothing is read
but the libraries and what the parser put there. It binds Python code, not the machine code of a
library, and cannot be taken away once it is set.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

#: Events that no parser needs, by the beginning of their name.
FORBIDDEN = (
    "socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile",
    "os.system", "pty.spawn", "webbrowser.", "urllib.", "ftplib.", "http.", "smtplib.", "sqlite3.",
    "os.kill", "signal.", "syslog.", "winreg.", "os.chmod", "os.chown", "os.setxattr",
)  # fmt: skip
#: Events that change files: every path in their arguments has to be a temporary one.
CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate",
           "shutil.")  # fmt: skip
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_TRUNC


class Guarded(PermissionError):
    """What a parser tried and may not."""


_STATE = {"on": False, "set": False}


@contextmanager
def guarded() -> Iterator[None]:
    """Refuse everything that a parser does not need, while the block runs."""
    if not _STATE["set"]:
        _TEMPORARY[:] = [_real(tempfile.gettempdir())]
        _READABLE[:] = [
            *_TEMPORARY,
            *(_real(p) for p in {sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path} if p),
            "/proc/self", "/proc/meminfo", "/usr/share/zoneinfo", "/usr/lib", "/lib",
            "/etc/localtime", "/dev/null", "/dev/urandom",
        ]  # fmt: skip
        sys.addaudithook(_refuse)
        _STATE["set"] = True
    _STATE["on"] = True
    try:
        yield
    finally:
        _STATE["on"] = False


_TEMPORARY: list[str] = []
_READABLE: list[str] = []


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _STATE["on"]:
        return
    if event.startswith(FORBIDDEN):
        raise Guarded(f"a parser may not {event}")
    if event == "open":
        path, mode, flags = (*arguments, None, None, None)[:3]
        writing = any(c in str(mode or "") for c in "wax+") or bool((flags or 0) & _WRITING)
        if not isinstance(path, int) and not _inside(path, _TEMPORARY if writing else _READABLE):
            raise Guarded("a parser may not open a file of its own")
    elif event.startswith(CHANGES):
        paths = [a for a in arguments if isinstance(a, str | bytes | os.PathLike)]
        if not all(_inside(path, _TEMPORARY) for path in paths):
            raise Guarded(f"a parser may not {event}")


def _inside(path: Any, roots: list[str]) -> bool:
    """Whether a path lies in one of some folders; a bare name of a part of an open folder may."""
    if not isinstance(path, str | bytes | os.PathLike):
        return False
    real = _real(path)
    return any(real == root or real.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def _real(path: Any) -> str:
    return os.path.realpath(os.fsdecode(path))
