"""A piece read ahead by a thread of its own, while the one before it is added up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any

_WAITING = 1  # pieces that lie ready; one more is being read and one is at hand
_PATIENCE = 0.1  # seconds after which a reader looks whether anybody still wants its piece


class _End:
    """The last thing of a queue: nothing more, or what went wrong."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetched(start: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    """What `start()` gives, in its order; at most three pieces are in memory.

    An exception of the reader is raised where its piece would have come. Reading stops when the
    iterator is closed.

    Examples
    --------
    >>> list(prefetched(lambda: iter("abc")))
    ['a', 'b', 'c']
    """
    queue: Queue[Any] = Queue(_WAITING)
    closed = Event()

    def read() -> None:
        end = _End()
        try:
            for piece in start():
                if not _put(queue, piece, closed):
                    return
        except BaseException as error:  # told in the thread that waits for the piece
            end = _End(error)
        _put(queue, end, closed)

    thread = Thread(target=read, name="retrostats-reader", daemon=True)
    thread.start()
    try:
        while not isinstance(piece := queue.get(), _End):
            yield piece
        if piece.error is not None:
            raise piece.error
    finally:
        closed.set()
        while thread.is_alive():
            try:
                queue.get_nowait()
            except Empty:
                thread.join(_PATIENCE)


def _put(queue: Queue[Any], piece: Any, closed: Event) -> bool:
    """Whether the piece was taken; False once nobody waits for it."""
    while not closed.is_set():
        try:
            queue.put(piece, timeout=_PATIENCE)
        except Full:
            continue
        return True
    return False
