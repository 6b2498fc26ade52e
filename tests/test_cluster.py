"""Many machines give the bytes of one, also when a worker stops in the middle."""

from __future__ import annotations

import os
import signal
import socket
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.app import main, new_audit
from doors.common import in_order, workers
from doors.evidence import CHUNK
from doors.models import batch_design

import retrostats as rs
from retrostats import InputError

distributed = pytest.importorskip("distributed", reason="needs the extra 'scale'")
psutil = pytest.importorskip("psutil", reason="comes with the extra 'scale'")
dask = pytest.importorskip("dask", reason="needs the extra 'scale'")
dd = pytest.importorskip("dask.dataframe", reason="needs the extra 'scale'")

#: Seconds on the clock after which what has not ended counts as hanging, however busy the machine.
HANGS = 300
#: What every worker imports for its first task.
IMPORTED = ("dask.dataframe", "retrostats.app.path", "retrostats.models.linear.fit")
pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of a worker that is killed, and of Dask's own
    pytest.mark.usefixtures("patient"),
]


@pytest.fixture
def patient(monkeypatch) -> None:
    """A scheduler that is there may take long to answer where the machine is busy."""
    monkeypatch.setattr(workers, "WAIT", HANGS)


def unhurried() -> Any:
    """Dask's own half minutes on the clock, in which workers must have begun to answer."""
    waits = ("connect", "tcp")
    return dask.config.set({f"distributed.comm.timeouts.{name}": f"{HANGS}s" for name in waits})


def forked() -> Any:
    """Workers forked from one process that has imported what they need, once for all of them."""
    chosen = dask.config.set({"distributed.worker.multiprocessing-method": "forkserver"})
    distributed.utils.get_mp_context().set_forkserver_preload(["distributed", *IMPORTED])
    return chosen


@pytest.fixture(scope="module")
def cluster():
    """Two workers, each a process of its own; a killed one is replaced."""
    with unhurried(), forked(), distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs=50,
    ) as local:  # fmt: skip
        yield local


def _rows(n=400, seed=2) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    who = rng.integers(0, 30, n)
    frame = pd.DataFrame(
        {"subject": who, "x": rng.normal(size=n), "arm": rng.choice(["a", "b"], n)}
    )
    frame["y"] = 100 + frame["x"] + (frame["arm"] == "b") + rng.normal(size=30)[who]
    frame["y"] += rng.normal(size=n)
    frame.loc[:90, "y"] = np.nan  # the first partition has no complete row
    return frame


class Kill(distributed.SchedulerPlugin):
    """Stops the worker that has a task, once, as soon as another task is done.

    `left` is how many tasks had no result when the scheduler saw that the worker was gone.
    """

    name = "kill"

    def __init__(self, scheduler: Any, pids: dict[str, int]) -> None:
        self.scheduler, self.pids = scheduler, pids
        self.killed, self.left = "", 0

    def transition(self, key: Any, start: str, finish: str, *_: Any, **__: Any) -> None:
        tasks = self.scheduler.tasks.values()
        busy = [t.processing_on.address for t in tasks if t.state == "processing"]
        if finish == "memory" and busy and not self.killed:
            self.killed = busy[0]
            os.kill(self.pids[self.killed], signal.SIGKILL)

    def remove_worker(self, scheduler: Any, worker: str, **_: Any) -> None:
        if worker == self.killed:
            done = ("memory", "released", "forgotten")
            self.left = sum(t.state not in done for t in scheduler.tasks.values())


@pytest.fixture
def killing(cluster) -> Iterator[str]:
    """Address of the cluster; a worker is killed while work is left, or the test fails."""
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=HANGS)
        kill = Kill(cluster.scheduler, client.run(os.getpid))
        cluster.scheduler.add_plugin(kill)
        yield cluster.scheduler_address
        cluster.scheduler.remove_plugin("kill")
    assert kill.killed, "no worker was killed"
    assert not _lives(kill.pids[kill.killed]), "the worker lives on"
    assert kill.left > 0, "nothing was left to do"


def _lives(process: int) -> bool:
    """Whether a process does more than wait for whoever started it to take notice of its end."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _slow(task: int) -> float:
    time.sleep(0.02)
    return float(np.random.default_rng(task).normal())


@pytest.mark.thorough
def test_a_killed_worker_changes_no_byte_of_any_work(killing) -> None:
    assert in_order(_slow, range(12), scheduler=killing) == in_order(_slow, range(12))


def test_a_killed_worker_changes_no_byte_of_moments(killing) -> None:
    frame, formula = _rows(20_000), "y ~ x * arm + (x | subject)"
    data = dd.from_pandas(frame, npartitions=24)
    alone = rs.moments(formula, data)
    spread = rs.moments(formula, data, scheduler=killing)
    for name in ("total", "by_subject"):
        assert getattr(alone.sums, name).tobytes() == getattr(spread.sums, name).tobytes(), name
    one, two = (rs.lmm(formula, m) for m in (alone, spread))
    assert one.beta.tobytes() == two.beta.tobytes()
    assert one.loglik == two.loglik


@pytest.mark.thorough
def test_a_killed_worker_changes_no_byte_of_a_bootstrap(killing) -> None:
    fit = rs.lmm("y ~ x + (1 | subject)", _rows())
    chunk = batch_design(fit.model.gram).chunk
    alone, spread = (fit.bootstrap(6 * chunk, seed=3, scheduler=s) for s in (None, killing))
    pd.testing.assert_frame_equal(alone, spread, check_exact=True)


@pytest.mark.thorough
def test_a_killed_worker_changes_no_byte_of_an_exploration(killing) -> None:
    one, two = (
        rs.explore(_ratio, {"r": (0.0, 0.9)}, draws=12 * CHUNK, scheduler=s)
        for s in (None, killing)
    )
    pd.testing.assert_frame_equal(one.draws, two.draws, check_exact=True)
    assert (one.conf_low, one.conf_high) == (two.conf_low, two.conf_high)


@pytest.mark.thorough
def test_a_killed_worker_changes_no_byte_of_a_plan(killing) -> None:
    one, two = (
        rs.plan("body_fat_6wk", people=[8, 20, 60, 200], scheduler=s) for s in (None, killing)
    )
    for name in ("needed", "curve", "spreads", "added"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)
    assert one.summary() == two.summary()
    assert one.added["supported"].between(0.1, 0.9).any(), "no share tells one draw from another"


def test_moments_of_dask_data_are_those_of_the_frame_whoever_reduces(cluster) -> None:
    frame, formula = _rows(), "y ~ x * arm + (x | subject)"
    data = dd.from_pandas(frame, npartitions=5)
    alone = rs.lmm(formula, data)
    with distributed.Client(cluster.scheduler_address):
        spread = rs.lmm(formula, data)
    assert np.array_equal(alone.beta, spread.beta)
    assert np.array_equal(alone.theta, spread.theta)
    whole = rs.lmm(formula, frame)
    np.testing.assert_allclose(spread.beta, whole.beta, rtol=1e-9)
    assert (spread.n_obs, spread.n_dropped) == (whole.n_obs, whole.n_dropped)
    assert spread.n_groups == whole.n_groups


@pytest.mark.parametrize("partitions", [1, 2, 4, 5, 6, 17])
def test_every_number_of_partitions_adds_up(partitions) -> None:
    """Sums are added in a tree of fours; 5 and 17 need a level more than 4 and 16."""
    frame, formula = _rows(), "y ~ x + (x | subject)"
    frame.loc[200:300, "y"] = np.nan  # of 17 partitions some in the middle have no complete row
    data = dd.from_pandas(frame, npartitions=partitions)
    assert data.npartitions == partitions
    tree, whole = rs.moments(formula, data), rs.lmm(formula, frame)
    assert (tree.n_obs, tree.n_dropped) == (whole.n_obs, whole.n_dropped)
    found = rs.lmm(formula, tree)
    np.testing.assert_allclose(found.beta, whole.beta, rtol=1e-9)
    np.testing.assert_allclose(found.loglik, whole.loglik, rtol=1e-9)


def test_sums_travel_without_spare_room() -> None:
    frame = _rows(4_000).assign(subject=lambda f: f.index // 2)
    sums = rs.moments("y ~ x + (1 | subject)", dd.from_pandas(frame, npartitions=3)).sums
    assert sums._sums.shape[1] == sums.coder.count


def test_nested_groups_weights_and_offsets_of_dask_data(cluster) -> None:
    frame = _rows().assign(site=lambda f: f["subject"] % 7, w=lambda f: 1.0 + f.index % 3)
    formula = "y ~ x + offset(w) + (1 | site/subject)"
    data = dd.from_pandas(frame, npartitions=5)
    alone = rs.lmm(formula, data, weights="w")
    with distributed.Client(cluster.scheduler_address):
        spread = rs.lmm(formula, data, weights="w")
    assert np.array_equal(alone.beta, spread.beta)
    assert np.array_equal(alone.theta, spread.theta)
    whole = rs.lmm(formula, frame, weights="w")
    np.testing.assert_allclose(spread.beta, whole.beta, rtol=1e-9)
    np.testing.assert_allclose(spread.loglik, whole.loglik, rtol=1e-9)


def _ratio(v):
    error = np.sqrt((0.18**2 + 0.09**2 - 2 * v["r"] * 0.18 * 0.09) / 13)
    return tuple(1.3 * np.exp(t * error) for t in (0, -2.18, 2.18))


@pytest.mark.parametrize("weights", [None, "w"])
def test_residual_strata_of_dask_data(cluster, weights) -> None:
    """One group and nested ones; strata that a partition does not have."""
    frame = _rows().assign(site=lambda f: f["subject"] % 7, w=lambda f: 1.0 + f.index % 3)
    frame["late"] = np.where(frame.index < 150, "no", frame["arm"])
    frame["y"] += (frame["late"] == "b") * np.random.default_rng(1).normal(size=len(frame)) * 2
    data = dd.from_pandas(frame, npartitions=5)
    for formula in ("y ~ x + (x | subject)", "y ~ x + (1 | site/subject)"):
        alone = rs.lmm(formula, data, residual="late", weights=weights)
        with distributed.Client(cluster.scheduler_address):
            spread = rs.lmm(formula, data, residual="late", weights=weights)
        assert np.array_equal(alone.beta, spread.beta)
        assert np.array_equal(alone.theta, spread.theta)
        whole = rs.lmm(formula, frame, residual="late", weights=weights)
        np.testing.assert_allclose(spread.beta, whole.beta, rtol=1e-7)
        np.testing.assert_allclose(spread.loglik, whole.loglik, rtol=1e-9)
        np.testing.assert_allclose(spread.residual_sd, whole.residual_sd, rtol=1e-6)


def test_a_replication_on_a_cluster_is_the_same_bytes(cluster, tmp_path) -> None:
    """The code of an analysis travels with its tasks: no worker can import it."""
    audit = new_audit(tmp_path / "audit")
    for name, scheduler in (("one", None), ("two", cluster.scheduler_address)):
        out = tmp_path / name
        rs.replicate(audit=audit, draws=40, scheduler=scheduler, out=out, formats=["svg"])
    for path in sorted((tmp_path / "one").rglob("*")):
        if path.is_file():
            other = tmp_path / "two" / path.relative_to(tmp_path / "one")
            assert other.read_bytes() == path.read_bytes(), path.name


@pytest.fixture
def silent(patient, monkeypatch) -> Iterator[str]:
    """Address of something that listens and says nothing."""
    monkeypatch.setattr(workers, "WAIT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nowhere", "http://127.0.0.1:1", ""])
def test_nothing_at_the_address_is_one_message(monkeypatch, address) -> None:
    monkeypatch.setattr(workers, "WAIT", 0.5)
    with pytest.raises(InputError, match="no Dask scheduler with workers answers"):
        in_order(abs, [1], scheduler=address)


def test_a_worker_is_no_scheduler(cluster) -> None:
    address = next(iter(cluster.scheduler.workers))
    with pytest.raises(InputError, match="what answers is a worker"):
        in_order(abs, [1], scheduler=address)


@pytest.mark.parametrize(
    "command", [["plan", "energy_30", "--figure"], ["replicate", "--draws", "40", "--out"]]
)
def test_what_does_not_answer_ends_a_command_with_nothing_written(
    command, silent, tmp_path, capsys, monkeypatch
) -> None:
    """Dask's own client is never asked to connect there: it would wait for ever."""
    monkeypatch.setattr(distributed, "Client", lambda *_, **__: pytest.fail("it was connected to"))
    assert main([*command, str(tmp_path / "out.svg"), "--scheduler", silent]) == 2
    said = [n for n in capsys.readouterr().err.splitlines() if not n.endswith("...")]
    assert len(said) == 1
    assert silent in said[0]
    assert not list(tmp_path.iterdir())


def test_scheduler_of_rows_that_are_not_spread_is_refused() -> None:
    with pytest.raises(InputError, match="give a Dask DataFrame"):
        rs.moments("y ~ x + (1 | subject)", _rows(), scheduler="tcp://127.0.0.1:1")


def _without_module(_: int) -> None:
    raise ModuleNotFoundError("No module named 'retrostats'", name="retrostats")


def _out_of_memory(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _nothing(_: object) -> None:
    return None


def test_tasks_of_many_megabytes_are_given_out_without_advice(cluster) -> None:
    """Found by a million draws: how to load data with Dask stood above the one message."""
    large = [np.arange(1_400_000.0)]  # 11 MB; Dask warns above 10
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        assert in_order(_nothing, large, scheduler=cluster.scheduler_address) == [None]


def test_workers_at_fault_are_one_message(cluster, monkeypatch) -> None:
    monkeypatch.setattr(cluster.scheduler, "allowed_failures", 0)  # three more only take time
    address = cluster.scheduler_address
    with pytest.raises(InputError, match="no module 'retrostats'"):
        in_order(_without_module, [1], scheduler=address)
    with pytest.raises(InputError, match="stopped every worker"):
        in_order(_out_of_memory, [1], scheduler=address)
