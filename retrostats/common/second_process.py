"""Tasks are done by a second process beside this one, where there are two cores.

The other process is a fork: it starts with every table and every library in its memory, so that
nothing is sent to it or imported again. Each takes the next task of one list until none is left;
both run the same functions, so a result is the same whoever made it. What the other process cannot
make (an error, a warning, its own end) this one makes: whoever may refuse or warn is the process
the user started, and it alone writes. Where a fork is not safe (other systems than Linux, or other
threads in this process) this one does all.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, NoReturn, TypeVar

T = TypeVar("T")
#: A task; its result must be one that pickle knows.
Task = Callable[[], T]
#: Tasks below which a second process is not worth its start.
WORTH = 2
_NUMBER = 4  # bytes of the number of a task in the list that both processes take from


@dataclass(frozen=True, slots=True)
class _Helper:
    """The other process, the list both take from, and the file it leaves its own results in."""

    process: int
    waiting: BinaryIO
    answers: BinaryIO


class Shared(Generic[T]):
    """Tasks shared by two processes.

    Parameters
    ----------
    tasks
        What is done; nothing that they use may change any more.
    prepare
        What both need, done once before there are two.
    """

    def __init__(
        self, tasks: Sequence[Task[T]], prepare: Callable[[], None] = lambda: None
    ) -> None:
        self._tasks = tuple(tasks)
        self._prepare = prepare
        self._helper: _Helper | None = None

    def start(self) -> None:
        """Let the other process begin, where there can be one; this one may do something else."""
        if len(self._tasks) >= WORTH and cores() > 1 and _alone():
            self._prepare()
            self._helper = _forked(self._tasks)

    def results(self) -> list[T]:
        """The result of every task, in order; waits for all of them."""
        found: dict[int, T] = {}
        if self._helper is not None:
            for number in _taken(self._helper.waiting):
                found[number] = _done(self._tasks[number])
            os.waitpid(self._helper.process, 0)
            found |= _answers(self._helper.answers)
            self._close()
        return [
            found[number] if number in found else _done(task)
            for number, task in enumerate(self._tasks)
        ]

    def stop(self) -> None:
        """End the other process, if it is still at work."""
        if self._helper is not None:
            with contextlib.suppress(OSError):
                os.kill(self._helper.process, signal.SIGKILL)
                os.waitpid(self._helper.process, 0)
            self._close()

    def _close(self) -> None:
        if self._helper is not None:
            self._helper.waiting.close()
            self._helper.answers.close()
            self._helper = None


@contextlib.contextmanager
def shared(
    tasks: Sequence[Task[T]], prepare: Callable[[], None] = lambda: None
) -> Iterator[Shared[T]]:
    """Tasks whose other process ends with the block, whatever ends it."""
    both = Shared(tasks, prepare)
    try:
        yield both
    finally:
        both.stop()


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _done(task: Task[T]) -> T:
    return task()


def _alone() -> bool:
    """Whether this process has one thread: a fork takes over no other, nor what it holds locked."""
    if sys.platform != "linux":
        return False
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return False


def _forked(tasks: Sequence[Task[Any]]) -> _Helper | None:
    """The other process, at work; None where none can be started."""
    with contextlib.ExitStack() as opened:
        try:
            # both read one list through one place in it, which the system moves on for both
            waiting = opened.enter_context(tempfile.TemporaryFile(buffering=0))
            answers = opened.enter_context(tempfile.TemporaryFile())
            waiting.write(b"".join(i.to_bytes(_NUMBER, "big") for i in range(len(tasks))))
            waiting.seek(0)
            parent = os.getpid()
            process = os.fork()
        except OSError:
            return None
        opened.pop_all()  # what was opened is closed with the tasks
    if process == 0:
        _serve(tasks, parent, waiting, answers)
    return _Helper(process, waiting, answers)


def _serve(
    tasks: Sequence[Task[Any]], parent: int, waiting: BinaryIO, answers: BinaryIO
) -> NoReturn:
    """The other process: do what is left of the list, then end, and nothing else."""
    import gc
    import warnings

    try:
        from retrostats.common.die_with_parent import die_with_parent

        die_with_parent(parent)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started this says when it ends
        gc.disable()  # a search would copy every page that both share
        for number in _taken(waiting):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    made = _done(tasks[number])
            except Exception:  # the other process meets it again, and tells
                continue
            pickle.dump((number, made), answers)
        answers.flush()
    finally:
        os._exit(0)


def _taken(waiting: BinaryIO) -> Iterator[int]:
    """Numbers of tasks that nobody has taken, one after another."""
    while len(number := waiting.read(_NUMBER)) == _NUMBER:
        yield int.from_bytes(number, "big")


def _answers(answers: BinaryIO) -> dict[int, Any]:
    """What the other process made, up to where it ended."""
    found: dict[int, Any] = {}
    answers.seek(0)
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        while True:
            number, made = pickle.load(answers)  # noqa: S301  (from a fork of this process)
            found[number] = made
    return found
