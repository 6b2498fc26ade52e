"""What the child may use: memory, processor time, no network, no life after its parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

MIB = 2**20
#: Memory beyond what the child holds before it reads anything, and more a byte of the file.
MEMORY, MEMORY_A_BYTE = 512 * MIB, 24
MOST_MEMORY = 12 * 1024 * MIB
#: Seconds of processor, and bytes of a file that earn one more.
SECONDS, BYTES_A_SECOND = 4, MIB // 2
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def memory_for(size: int) -> int:
    """Bytes that a file of `size` bytes may take to read."""
    return min(MEMORY + MEMORY_A_BYTE * size, MOST_MEMORY)


def seconds_for(size: int) -> int:
    """Seconds of processor that a file of `size` bytes may take to read."""
    return SECONDS + size // BYTES_A_SECOND


def leave_network() -> bool:
    """A network of its own without any interface, where the system allows it (Linux)."""
    if sys.platform != "linux":
        return False
    try:
        system = ctypes.CDLL(None)
        alone = bool(system.unshare(_CLONE_NEWNET) == 0)
        return alone or bool(system.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)
    except (OSError, AttributeError):
        return False


def bound(size: int) -> None:
    """Limits for one more file of `size` bytes, where the system has them (not on Windows)."""
    if sys.platform == "win32":
        return
    import resource

    _soft(resource.RLIMIT_AS, _virtual_size() + memory_for(size))
    used = resource.getrusage(resource.RUSAGE_SELF)
    _soft(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + 1 + seconds_for(size))


def no_core_files() -> None:
    """A child that is ended leaves no picture of its memory on the disk."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _soft(which: int, value: int) -> None:
    """A soft limit, never above the hard one that somebody else has set."""
    import resource

    hard = resource.getrlimit(which)[1]
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (soft, hard))


def _virtual_size() -> int:
    """Bytes of address space this process has; a guess where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 1024 * MIB
