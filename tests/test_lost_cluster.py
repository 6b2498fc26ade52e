"""A cluster that is lost: a run ends in one message within a minute, and in nothing beside it."""

from __future__ import annotations

import logging
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from doors.common import connected, in_order, workers

import retrostats as rs
from retrostats import InputError

distributed = pytest.importorskip("distributed", reason="needs the extra 'scale'")
dd = pytest.importorskip("dask.dataframe", reason="needs the extra 'scale'")
from test_cluster import HANGS, _rows, _slow, forked  # noqa: E402
from test_cluster import patient as patient  # noqa: E402  (a fixture)

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of a worker that is killed, and of Dask's own
    pytest.mark.usefixtures("patient"),
]


def _moments_of_spread_rows(address: str) -> object:
    return rs.moments("y ~ x + (1 | subject)", SPREAD.map_partitions(_slowly), scheduler=address)


def _slowly(frame: pd.DataFrame) -> pd.DataFrame:
    time.sleep(0.02)
    return frame


SPREAD = dd.from_pandas(_rows(2_000), npartitions=500)


def _tasks(address: str) -> object:
    return in_order(_slow, range(500), scheduler=address)


class SentSlowly:
    """A result that does not come over before whoever has it is gone."""

    def __reduce__(self) -> tuple[Any, ...]:
        time.sleep(HANGS)
        return (SentSlowly, ())


def _sent_slowly(_: int) -> SentSlowly:
    return SentSlowly()


def _results(address: str) -> object:
    return in_order(_sent_slowly, [1], scheduler=address)


def _done(local: Any) -> int:
    """Tasks of a cluster that have a result."""
    return sum(task.state == "memory" for task in list(local.scheduler.tasks.values()))


#: What the package itself waits for a scheduler to answer [s], and within what a run is to end.
ANSWERS, MINUTE = workers.WAIT, 60
#: How all go, after how many seconds that is taken for granted, and what is said.
NO_WORKER = (lambda local: local.scale(0), 0.5, "no worker has answered")
#: A scheduler that stops ends its workers first, on a busy machine seconds before itself.
STOPPED = (lambda local: local.close(), workers.ALONE, "the scheduler stopped")


@pytest.mark.parametrize(
    ("ask", "leave", "alone", "said"),
    [
        pytest.param(_moments_of_spread_rows, *NO_WORKER, id="moments, workers"),
        pytest.param(_tasks, *STOPPED, id="tasks, scheduler"),
        pytest.param(_tasks, *NO_WORKER, id="tasks, workers", marks=pytest.mark.thorough),
        pytest.param(_moments_of_spread_rows, *STOPPED, id="moments, scheduler",
                     marks=pytest.mark.thorough),
    ],
)  # fmt: skip
def test_where_all_are_gone_a_run_ends_in_one_message(monkeypatch, ask, leave, alone, said) -> None:
    """Found by ending a cluster in the middle: Dask waits for its workers for ever."""
    assert workers.ALONE + workers.LOOK + 2 * ANSWERS < MINUTE
    monkeypatch.setattr(workers, "ALONE", alone)
    with ThreadPoolExecutor(1) as apart, distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp",
        dashboard_address=None, silence_logs=50,
    ) as local:  # fmt: skip
        run = apart.submit(ask, local.scheduler_address)
        while not _done(local):
            time.sleep(0.01)
        monkeypatch.setattr(workers, "WAIT", ANSWERS)
        leave(local)
        with pytest.raises(InputError, match=said):
            run.result(timeout=HANGS)


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(_results, id="before results are here"),
        pytest.param(_tasks, id="in the middle", marks=pytest.mark.thorough),
    ],
)
def test_where_all_workers_are_frozen_a_run_ends_in_one_message(monkeypatch, ask) -> None:
    """Found by SIGSTOP, as where a network is lost: connections stay open for minutes."""
    with ThreadPoolExecutor(1) as apart, forked(), distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50,
    ) as local:  # fmt: skip
        with distributed.Client(local.scheduler_address, set_as_default=False) as client:
            processes = list(client.run(os.getpid).values())
        run = apart.submit(ask, local.scheduler_address)
        while not _done(local):
            time.sleep(0.01)
        monkeypatch.setattr(workers, "ALONE", 0.5)
        try:
            for process in processes:
                os.kill(process, signal.SIGSTOP)
            with pytest.raises(InputError, match="no worker has answered"):
                run.result(timeout=HANGS)
            assert len(local.scheduler.workers) == len(processes), "they were not taken for gone"
        finally:
            for process in processes:
                os.kill(process, signal.SIGKILL)


class Cluster:
    """A client whose scheduler tells of one worker, heard of last at these times."""

    def __init__(self, *heard: float) -> None:
        self.scheduler, self.heard = self, iter(heard)

    identity = None

    def sync(self, _: object, *, callback_timeout: float) -> dict[str, Any]:
        return {"workers": {"tcp://one": {"last_seen": next(self.heard)}}}


def test_a_machine_that_slept_takes_no_worker_for_gone(monkeypatch) -> None:
    """Found by SIGSTOP and SIGCONT of a whole session: the clock runs on for those who sleep."""
    clock = iter(range(0, 10**9, 3600))  # an hour between any two looks at it
    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    beating, silent = Cluster(*range(50)), Cluster(*[7.0] * 50)
    with pytest.raises(StopIteration):  # after fifty signs of life it still waits
        workers._while_workers_answer(beating, lambda: False)
    with pytest.raises(workers._NoWorkerError):
        workers._while_workers_answer(silent, lambda: False)
    looks = 50 - len(list(silent.heard))
    assert looks == 2 + workers.ALONE // workers.WAIT  # none counts for more than it may take


def test_what_dask_logs_of_a_lost_scheduler_is_not_told_beside_the_message(caplog) -> None:
    """Found by killing a scheduler: a traceback stood on standard error before the message."""
    logger = logging.getLogger("distributed.client")
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
        ) as local,
        connected(local.scheduler_address),
    ):
        logger.error("while connected")
    logger.error("before or after")
    told = [words for words in caplog.messages if words in ("while connected", "before or after")]
    assert told == ["before or after"]
