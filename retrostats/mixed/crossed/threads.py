"""Threads of the linear algebra library while a crossed model is fitted."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from retrostats.mixed.crossed.layout import Crossed
from retrostats.mixed.threads import one_thread

#: Columns of the dense rest up to which one thread is used.
_ONE_THREAD = 2500


def threads_for(data: Crossed) -> AbstractContextManager[Any]:
    """One thread where matrices are small.

    A second one gains little there, and where the machine is busy the two wait for one another in a
    loop: InstEval took ten times the processor time.
    """
    if data.dense > _ONE_THREAD:
        return nullcontext()
    return one_thread()
