"""Memory that the child fills and the parent seals: what is handed over is looked at in place.

Bytes that the child could still change after they were checked would prove nothing. The parent
makes the memory, as large as an answer may be, gives the child its descriptor through a socket of
their own, and seals it against every writer before it looks. Only Linux has such memory; elsewhere
all that is handed over passes through the pipe.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

#: Name, in the child's environment, of its end of the socket.
SOCKET = "RETROSTATS_SOCKET"
#: Bytes at which a part begins, as columns of Arrow do.
ALIGNED = 64


def aligned(offset: int) -> int:
    """Where the next part begins.

    Examples
    --------
    >>> aligned(0), aligned(1), aligned(64)
    (0, 64, 64)
    """
    return -(-offset // ALIGNED) * ALIGNED


def new_memory(size: int) -> int | None:
    """A descriptor of `size` bytes that cannot grow or shrink; None where there is no such thing.

    None of it is taken before it is written.
    """
    if sys.platform != "linux":
        return None
    import fcntl

    descriptor = None
    try:
        descriptor = os.memfd_create("retrostats", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK)
    except (OSError, AttributeError):  # an old system, or one that refuses it
        if descriptor is not None:
            os.close(descriptor)
        return None
    return descriptor


def give(channel: socket.socket, memory: int | None) -> None:
    """Tell the child which memory is for its next answer, or that there is none."""
    from socket import send_fds

    send_fds(channel, [b"."], [] if memory is None else [memory])


def taken() -> int | None:
    """The descriptor that the parent gave for the next answer; None where it gave none."""
    if SOCKET not in os.environ:
        return None
    import socket

    with socket.socket(fileno=os.dup(int(os.environ[SOCKET]))) as channel:
        found = socket.recv_fds(channel, 1, 1)[1]
    return found[0] if found else None


def write(memory: int, data: memoryview, offset: int) -> None:
    """Put bytes at a place.

    Raises
    ------
    OSError
        The memory is full, or there is none left.
    """
    while len(data):
        count = os.pwrite(memory, data, offset)
        data, offset = data[count:], offset + count


def sealed(memory: int, lengths: Sequence[int]) -> list[memoryview]:
    """The parts of so many bytes each, none of which anybody else can change any more.

    They may be written on; that stays in this process.

    Raises
    ------
    OSError
        The child keeps a way to change it, or tells of more than there is.
    """
    import fcntl
    import mmap

    starts, end = [], 0
    for length in lengths:
        starts.append(aligned(end))
        end = starts[-1] + length
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL)
    if not end:
        return [memoryview(b"") for _ in lengths]
    if end > os.fstat(memory).st_size:
        raise OSError("parts beyond the memory")
    whole = memoryview(mmap.mmap(memory, end, flags=mmap.MAP_PRIVATE))
    return [whole[start : start + n] for start, n in zip(starts, lengths, strict=True)]


def close(memory: int | None) -> None:
    """Give the descriptor back; what is mapped of it stays."""
    if memory is not None:
        with contextlib.suppress(OSError):
            os.close(memory)
