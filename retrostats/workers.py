"""Run draws in chunks: the same seed gives the same numbers whatever the number of workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from retrostats.errors import InputError

#: Draws per chunk; part of the stream layout, so changing it changes the draws.
CHUNK = 250

Task = Callable[[np.random.Generator, int], Any]


def in_chunks(
    task: Task, draws: int, seed: int, *, jobs: int = 1, scheduler: str | None = None
) -> list[Any]:
    """Results of `task(generator, n)` for every chunk, in chunk order.

    Parameters
    ----------
    task
        Picklable; gets its own generator and the number of draws of its chunk.
    draws, seed
        Draws in all; chunk i always gets stream i of `seed`.
    jobs
        Worker processes on this machine.
    scheduler
        Address of a Dask scheduler; then `jobs` is not used.
    """
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    streams = np.random.SeedSequence(seed).spawn(len(sizes))
    if scheduler:
        with _dask_client(scheduler) as client:
            futures = client.map(_one, [task] * len(sizes), streams, sizes, pure=False)
            return list(client.gather(futures))
    if jobs > 1 and len(sizes) > 1:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        # A fresh interpreter a worker: forking a process with running threads can deadlock.
        with ProcessPoolExecutor(min(jobs, len(sizes)), get_context("spawn")) as pool:
            return list(pool.map(_one, [task] * len(sizes), streams, sizes))
    return [_one(task, stream, size) for stream, size in zip(streams, sizes, strict=True)]


def _one(task: Task, stream: np.random.SeedSequence, size: int) -> Any:
    return task(np.random.default_rng(stream), size)


def _dask_client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise InputError(
            "--scheduler needs Dask; install it with: pip install 'retrostats[scale]'"
        ) from None
    try:
        return Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(
            f"--scheduler {address}: no Dask scheduler answers there ({error}); "
            "start one with 'dask scheduler' and give its address, as tcp://HOST:8786"
        ) from None
