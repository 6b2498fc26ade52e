"""Who does the work: this process, its threads, or the workers of a Dask cluster.

Work is cut into tasks that do not depend on who does them, and results come back in the order of
the tasks. So the same numbers come out of one machine, of many, and of many of which one stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from retrostats.errors import InputError

Task = TypeVar("Task")
Result = TypeVar("Result")
#: How often a task is given to another worker when the one that had it stops.
RETRIES = 5
#: How long a scheduler may take to answer.
WAIT = "10s"
#: First part of the names of modules that were loaded from a file of their own.
FILES = "retrostats_analyses_"


def in_order(
    work: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int = 1,
    scheduler: str | None = None,
) -> list[Result]:
    """Results of `work` on each task, in the order of the tasks.

    Parameters
    ----------
    work
        A function of one task that depends on nothing else; on a cluster it is pickled.
    jobs
        Threads of this process.
    scheduler
        Address of a Dask scheduler whose workers do it instead; a task of a worker that stops is
        done by another.

    Raises
    ------
    InputError
        Dask is not installed or nothing answers at the address.

    Examples
    --------
    >>> in_order(abs, [-3, 2, -1], jobs=2)
    [3, 2, 1]
    """
    if scheduler is not None:
        with dask_client(scheduler) as client, _sent_whole():
            parts = client.map(work, list(tasks), pure=False, retries=RETRIES)
            return list(client.gather(parts))
    if jobs > 1 and len(tasks) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(jobs, len(tasks))) as pool:
            return list(pool.map(work, tasks))
    return [work(task) for task in tasks]


@contextmanager
def _sent_whole() -> Iterator[None]:
    """While open, code of files that no worker can import (analyses) travels with the task."""
    import cloudpickle

    loaded = [m for name, m in list(sys.modules.items()) if name.startswith(FILES)]
    for module in loaded:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in loaded:
            cloudpickle.unregister_pickle_by_value(module)


def dask_client(address: str) -> Any:
    """A client of the Dask scheduler at `address`.

    Raises
    ------
    InputError
        If Dask is not installed or nothing answers there.
    """
    try:
        import distributed
    except ImportError:
        raise InputError(
            "--scheduler needs Dask; install it with: pip install 'retrostats[scale]'"
        ) from None
    try:
        client: Any = distributed.Client
        return client(address, timeout=WAIT)
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); "
            "start one with 'dask scheduler' and give its address, as tcp://HOST:8786"
        ) from None
