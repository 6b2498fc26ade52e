"""Ctrl-C while a command is still being imported: known before anything that takes time."""

from __future__ import annotations

import os
import signal
from typing import NoReturn


def quit_on_interrupt() -> None:
    """Ctrl-C ends the process with one line and exit code 130, until `hand_over`.

    For a process that has written nothing yet; it is the first thing a command does.
    """
    signal.signal(signal.SIGINT, _quit)


def hand_over() -> None:
    """From here on Ctrl-C raises `KeyboardInterrupt`, as usual."""
    if signal.getsignal(signal.SIGINT) is _quit:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _quit(*_: object) -> NoReturn:
    os.write(2, b"retrostats: stopped before it began; nothing was written\n")
    os._exit(130)
