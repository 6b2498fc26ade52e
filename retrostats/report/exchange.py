"""What the file system offers for changing a folder as a whole: exchange, locks, flushing.

Each has a fallback where the system has it not; `retrostats.report.folder` is written so that it is
right with either.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD = -100
_EXCHANGE = 2  # RENAME_EXCHANGE
#: Where no lock tells, a folder this old (seconds) is nobody's work at hand.
STALE = 24 * 3600


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change names in one step; False where the system cannot."""
    if sys.platform != "linux":
        return False
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    done = call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE)
    return bool(done == 0)


@contextmanager
def held(folder: Path, *, wait: bool) -> Iterator[None]:
    """Hold a folder, where it can be held, until the block or the process ends.

    Parameters
    ----------
    wait
        Alone: wait for others who hold it. Otherwise only mark it as work at hand, for
        `abandoned`, whatever namespace asks.
    """
    handle = _lock(folder, wait=wait)
    try:
        yield
    finally:
        if handle is not None:
            os.close(handle)


def abandoned(folder: Path) -> bool:
    """Whether no process works in a folder: none holds it, or, without locks, it is old."""
    handle = _lock(folder, wait=False)
    if handle is not None:
        os.close(handle)
        return True
    if _has_locks():
        return False
    try:
        return time.time() - folder.stat().st_mtime > STALE
    except OSError:
        return False


def _has_locks() -> bool:
    return sys.platform != "win32"


def _lock(folder: Path, *, wait: bool) -> int | None:
    """A handle that holds the folder; None where somebody else does or there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or a network disk without locks of folders
        os.close(handle)
        return None
    return handle


def flush(folder: Path) -> None:
    """Have every file and folder below written to the disk before names change."""
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root) / name
            if not path.is_symlink():
                _sync(path)
        _sync(Path(root))


def _sync(path: Path) -> None:
    with contextlib.suppress(OSError):  # a folder cannot be flushed on some systems
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
