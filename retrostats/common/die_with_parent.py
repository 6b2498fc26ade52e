"""A process that ends with the one that started it; light, for a child imports it first."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def die_with_parent(parent: int) -> None:
    """End this process when its parent does, where the system can promise it (Linux).

    A parent that ended before the promise was given is noticed by its number.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
