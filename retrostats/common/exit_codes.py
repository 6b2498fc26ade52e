"""How a command ends: with its exit code, or with one message on standard error and exit code 2."""

from __future__ import annotations

import argparse
import atexit
import gc
import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from retrostats.common.errors import RetrostatsError, no_memory, plain
from retrostats.common.interrupt import hand_over
from retrostats.common.nearest import suggestion

#: Letters that names of commands and options take in a help.
NAMES = 15
#: Bytes of a message: who must read more has a list of problems from `validate`.
LONGEST = 1900
#: Address space that one command takes [MiB]: with less, libraries do not load, and OpenBLAS asks
#: for its buffer again and again, for ever.
ADDRESS_SPACE = 1024
_NO_MEMORY = "out of memory; use fewer --draws or --jobs, or a smaller table"
#: Address space that Arrow's allocator asks for at once [KiB].
ARENA = str(64 * 1024)
#: New objects between two searches for those that only refer to each other. Libraries make half a
#: million at their import, and Python would look through all of them again and again: a seventh of
#: the time of a whole replication.
NEW_OBJECTS = 100_000


def as_one_command() -> None:
    """Settings of a process that runs one command; best before numpy is imported.

    Python looks for unreachable cycles of objects rarely, as a command ends soon, and not through
    everything once more at its end, which takes most of a second. Linear algebra takes one thread:
    the matrices are small, and a second thread spends its time waiting (`OPENBLAS_NUM_THREADS`
    says otherwise). Arrow's allocator starts no thread of its own (jemalloc, `background_thread`):
    a process with one thread may fork. Its other one (mimalloc) asks for more address space as it
    goes, not for a GiB at once: where that was to be had there was none left for the libraries.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("JE_ARROW_MALLOC_CONF", "background_thread:false")
    os.environ.setdefault("MIMALLOC_ARENA_RESERVE", ARENA)
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def refuse_little_memory() -> None:
    """End with one message where the process may not have the address space that it takes."""
    if sys.platform == "win32":
        return
    import resource

    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit != resource.RLIM_INFINITY and limit < ADDRESS_SPACE * 2**20:
        sys.exit(
            _refuse(
                f"the limit of memory here is {limit // 2**20} MiB, and a command takes "
                f"{ADDRESS_SPACE} MiB of address space; raise it, as with: ulimit -v unlimited"
            )
        )


def ended(command: Callable[[], int]) -> int:
    """Exit code of a command, whatever becomes of it; a traceback only for a defect of ours."""
    _speak_any_letter()
    before = gc.get_threshold()
    as_one_command()
    try:
        hand_over()
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
    except (MemoryError, ImportError) as error:
        if not no_memory(error):
            raise
        return _refuse(_NO_MEMORY)
    except RecursionError:
        return _refuse("the input is nested too deep to be read")
    finally:
        gc.set_threshold(*before)


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
    print(f"retrostats: {shown(message)}", file=sys.stderr)
    return 2


def shown(message: str, most: int = LONGEST) -> str:
    """A message as the terminal can show it, cut where it is too long."""
    letters = getattr(sys.stderr, "encoding", None) or "utf-8"
    return plain(message.encode(letters, "backslashreplace").decode(letters), most)


class Help(argparse.HelpFormatter):
    """Help with every command on the line of what it does, which argparse breaks."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._action_max_length = NAMES


class Parser(argparse.ArgumentParser):
    """A parser whose messages follow the same rules, and name the word that was probably meant."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"formatter_class": Help, **options})

    def error(self, message: str) -> NoReturn:
        """End with the usage and one message."""
        if message.startswith(_UNKNOWN):
            message += self._meant(message.removeprefix(_UNKNOWN).split())
        super().error(shown(message, most=LONGEST // 2))  # the usage comes first

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            near = suggestion(str(value), map(str, action.choices or ()))
            raise argparse.ArgumentError(action, f"{error.message}{near}") from None

    def _meant(self, words: list[str]) -> str:
        """The option that was probably meant, of this command or of one below it."""
        known = {option for parser in commands_of(self).values() for option in options_of(parser)}
        known |= set(options_of(self))
        found = (suggestion(w.split("=")[0], known) for w in words if w.startswith("--"))
        return next(filter(None, found), "")


#: How argparse begins where it does not know an option.
_UNKNOWN = "unrecognized arguments: "


def commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The commands of a parser by name; none where it has none."""
    return {
        str(name): command
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
        for name, command in action.choices.items()
    }


def options_of(parser: argparse.ArgumentParser) -> list[str]:
    """The long options of a parser, in order."""
    return [o for a in parser._actions for o in a.option_strings if o.startswith("--")]
