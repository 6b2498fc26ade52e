"""How a command ends: with its exit code, or with one message on standard error and exit code 2."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress

from retrostats.errors import RetrostatsError, plain

#: Characters of a message: who must read more has a list of problems from `validate`.
LONGEST = 1900


def ended(command: Callable[[], int]) -> int:
    """Exit code of a command, whatever becomes of it; a traceback only for a defect of ours."""
    _speak_any_letter()
    try:
        code = command()
        sys.stdout.flush()
        return code
    except RetrostatsError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        _refuse("stopped; results are whole, the earlier ones or the new ones")
        return 130
    except BrokenPipeError:  # who reads has read enough, as `head` does
        _drop_output()
        return 0
    except OSError as error:
        _drop_output()
        where = str(error.filename or "output")[:200]
        return _refuse(f"{where}: {error.strerror or error}; check the path and the space left")
    except MemoryError:
        return _refuse("out of memory; use fewer --draws or --jobs, or a smaller table")
    except RecursionError:
        return _refuse("the input is nested too deep to be read")


def _speak_any_letter() -> None:
    """A terminal that lacks a letter shows its number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """Forget what was not taken, so that nothing is said about it at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(message: str) -> int:
    """One message; control characters of a stranger never reach a terminal."""
    print(f"retrostats: {plain(message, most=LONGEST)}", file=sys.stderr)
    return 2
