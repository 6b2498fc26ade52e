"""Who does the work: this process, its threads, or the workers of a Dask cluster.

Work is cut into tasks that do not depend on who does them, and results come back in the order of
the tasks. So the same numbers come out of one machine, of many, and of many of which one stopped.
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from retrostats.common.errors import InputError

Task = TypeVar("Task")
Result = TypeVar("Result")
#: How often a task is given to another worker when the one that had it stops.
RETRIES = 5
#: Seconds in which a scheduler has to answer.
WAIT = 5.0
#: Seconds between two looks at whether a cluster still has workers.
LOOK = 1.0
#: Seconds without a sign of life of any worker after which none is waited for; one that works gives
#: one every other second, and one that stopped is back within five.
ALONE = 40.0
#: First part of the names of modules that were loaded from a file of their own.
FILES = "retrostats_analyses_"
#: Columns of a dense matrix up to which one thread of linear algebra is used.
ONE_THREAD = 2500
#: Loggers that tell on standard error, with tracebacks, what becomes one message here.
LOGGERS = ("distributed", "tornado", "asyncio")
#: Connections that are open, by address.
_opened: ContextVar[dict[str, Any]] = ContextVar("_opened", default={})  # noqa: B039 (never changed)


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
        As `dask_client`, or the workers cannot do the work: each that took a task stopped, none has
        been left for `ALONE` seconds, or they have no retrostats.

    Examples
    --------
    >>> in_order(abs, [-3, 2, -1], jobs=2)
    [3, 2, 1]
    """
    if scheduler is not None:
        with connected(scheduler) as client, _sent_whole():
            return results_of(client, _given_out(client, work, tasks))
    if jobs > 1 and len(tasks) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(jobs, len(tasks))) as pool:
            return list(pool.map(work, tasks))
    return [work(task) for task in tasks]


def _given_out(client: Any, work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Any]:
    """Futures of the tasks; Dask's advice on how to load the data is not for who runs a command."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        return list(client.map(work, list(tasks), pure=False, retries=RETRIES))


def linear_algebra_threads(width: int) -> AbstractContextManager[Any]:
    """One thread of the linear algebra library while matrices are no wider than `ONE_THREAD`.

    A second one gains little there, and where the machine is busy the two wait for one another in a
    loop: fits took ten times the processor time.
    """
    if width > ONE_THREAD:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return limits


@dataclass(frozen=True, slots=True)
class Workers:
    """Threads of this process, or a Dask scheduler at an address."""

    jobs: int = 1
    scheduler: str | None = None

    def do(self, work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        """As `in_order`."""
        return in_order(work, tasks, jobs=self.jobs, scheduler=self.scheduler)


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


def results_of(client: Any, parts: Sequence[Any]) -> list[Any]:
    """What a cluster has found, in the order of its futures `parts`.

    Dask itself waits for ever where all workers are gone and none comes, also where they go after
    the last task and before its result has come here.

    Raises
    ------
    InputError
        As `in_order`, or the scheduler is gone.
    """
    address = client.scheduler.address
    with _worker_errors(address):
        try:
            _while_workers_answer(client, lambda: _ended(client, parts))
            return _gathered(client, parts)
        except _NoWorkerError:
            client.cancel(parts)
            raise InputError(
                f"--scheduler {address}: no worker has answered for {ALONE:g} s; start some with "
                "'dask worker ADDRESS' and run again, or run without --scheduler"
            ) from None


class _NoWorkerError(Exception):
    """No worker of a cluster has answered for `ALONE` seconds."""


def _while_workers_answer(client: Any, done: Callable[[], bool]) -> None:
    """Ask again and again whether something is done, which may take `LOOK` seconds each time.

    Workers are looked for by what the scheduler says of the last sign of life of any, not by its
    connections: those to a machine that lost its network or power stay open for minutes.

    Raises
    ------
    _NoWorkerError
        If none has given one for `ALONE` seconds.
    """
    silent, heard = 0.0, None
    while silent <= ALONE:
        begun, before = time.monotonic(), heard
        if done():
            return
        heard = _last_heard(client)
        # this process may have been stopped for an hour: no look takes longer than this
        passed = min(time.monotonic() - begun, LOOK + WAIT)
        silent = silent + passed if heard in (None, before) else 0.0
    raise _NoWorkerError


def _ended(client: Any, parts: Sequence[Any]) -> bool:
    """Whether all parts are done or one has failed, after `LOOK` seconds at most."""
    from distributed import wait

    try:
        with client.as_current():
            wait(list(parts), timeout=LOOK)
    except TimeoutError:
        return any(part.status == "error" for part in parts)
    return True


def _gathered(client: Any, parts: Sequence[Any]) -> list[Any]:
    """What the workers hold, fetched while they answer."""
    import asyncio
    from concurrent.futures import wait

    gathering = client.gather(list(parts), asynchronous=True)
    coming = asyncio.run_coroutine_threadsafe(gathering, client.loop.asyncio_loop)
    try:
        _while_workers_answer(client, lambda: bool(wait([coming], timeout=LOOK).done))
        return list(coming.result())
    finally:
        coming.cancel()


def _last_heard(client: Any) -> float | None:
    """When the scheduler heard of a worker last, by its clock; None without one or an answer."""
    try:
        workers = client.sync(client.scheduler.identity, callback_timeout=WAIT)["workers"]
    except (OSError, TimeoutError):
        return None
    return max((float(worker["last_seen"]) for worker in workers.values()), default=None)


@contextmanager
def _worker_errors(address: str) -> Iterator[None]:
    """Say in one message where the workers themselves are at fault."""
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm import CommClosedError

    try:
        yield
    except CancelledError:
        raise _gone(address) from None
    except CommClosedError:
        raise _gone(address) from None
    except KilledWorker:
        raise InputError(
            f"--scheduler {address}: a task stopped every worker that took it; give the workers "
            "more memory, or run without --scheduler"
        ) from None
    except ModuleNotFoundError as error:
        raise InputError(
            f"--scheduler {address}: the workers have no module {error.name!r}; install what this "
            "machine has on theirs, in the same versions"
        ) from None


def _gone(address: str) -> InputError:
    return InputError(
        f"--scheduler {address}: the scheduler stopped or cannot be reached any more; start it and "
        "its workers and run again, or run without --scheduler"
    )


@contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """While open, work for the scheduler at `address` goes through one connection; None opens none.

    Raises
    ------
    InputError
        As `dask_client`, before any work is done.
    """
    opened = _opened.get()
    if address is None or address in opened:
        yield opened.get(address or "")
        return
    with _unlogged(), dask_client(address) as client:
        client.loop.asyncio_loop.set_exception_handler(lambda *_: None)
        token = _opened.set({**opened, address: client})
        try:
            yield client
        finally:
            _opened.reset(token)


@contextmanager
def _unlogged() -> Iterator[None]:
    """While open, Dask logs nothing of this process: what goes wrong is raised."""
    with suppress(ImportError):
        import distributed  # noqa: F401 (it sets the levels when it is imported)

    names = [n for n in logging.root.manager.loggerDict if n.partition(".")[0] in LOGGERS]
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def dask_client(address: str) -> Any:
    """A client of the Dask scheduler at `address`.

    Raises
    ------
    InputError
        If Dask is not installed, no scheduler answers there in time, or it has no workers.
    """
    try:
        import distributed
    except ImportError:
        raise InputError(
            "--scheduler needs Dask; install it with: pip install 'retrostats[scale]'"
        ) from None
    _check_answers(address)
    client: Any = distributed.Client
    return client(address, timeout=WAIT)


def _check_answers(address: str) -> None:
    """Refuse an address where no scheduler with workers answers within `WAIT` seconds.

    Dask's own client waits for ever for something that listens and says nothing, and takes the
    first bytes of another program's answer for a length in memory.
    """
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    async def asked() -> str:
        return await asyncio.wait_for(_who(address), WAIT)

    with ThreadPoolExecutor(1) as apart:  # a notebook has a loop of its own in this thread
        try:
            kind = apart.submit(asyncio.run, asked()).result()
        except MemoryError:
            raise _nobody(address, "what answers does not speak Dask's protocol") from None
        except Exception as error:  # whatever the other side made Dask raise
            said = str(error).strip().splitlines() or [f"not within {WAIT:g} s"]
            raise _nobody(address, said[0]) from None
    if kind != "Scheduler":
        raise _nobody(address, f"what answers is a {kind.lower()}")


async def _who(address: str) -> str:
    """Kind of Dask server at an address; of a scheduler, once it has workers."""
    import asyncio

    from distributed import rpc
    from distributed.security import Security

    settings = Security().get_connection_args("client")
    async with rpc(address, timeout=WAIT, connection_args=settings) as server:
        while True:
            found = await server.identity()
            if found["type"] != "Scheduler" or found["workers"]:
                return str(found["type"])
            await asyncio.sleep(0.2)


def _nobody(address: str, why: str) -> InputError:
    return InputError(
        f"--scheduler {address}: no Dask scheduler with workers answers there ({why}); start one "
        "with 'dask scheduler', its workers with 'dask worker ADDRESS', and give its address, as "
        "tcp://HOST:8786"
    )


def one_thread() -> AbstractContextManager[Any]:
    """One thread of numpy's linear algebra, for many products of a few rows in turn.

    As `linear_algebra_threads`, but the libraries are looked up once, not each time.
    """
    limit: AbstractContextManager[Any] = _libraries().limit(limits=1, user_api="blas")
    return limit


@lru_cache(maxsize=1)
def _libraries() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
