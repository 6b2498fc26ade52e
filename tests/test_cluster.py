"""Many machines give the bytes of one, also when a worker stops in the middle."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import retrostats as rs
from retrostats import workers
from retrostats.errors import InputError
from retrostats.new_audit import new_audit
from retrostats.workers import in_order

distributed = pytest.importorskip("distributed", reason="needs the extra 'scale'")
dd = pytest.importorskip("dask.dataframe", reason="needs the extra 'scale'")

pytestmark = pytest.mark.filterwarnings("ignore")  # of a worker that is killed, and of Dask's own


@pytest.fixture(scope="module")
def cluster():
    """Two workers, each a process of its own; a killed one is replaced."""
    with distributed.LocalCluster(
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


def _kill_once(task: tuple[int, str]) -> float:
    """Stops the worker that has task 3, the first time."""
    number, marker = task
    if number == 3 and not Path(marker).exists():
        Path(marker).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return float(np.random.default_rng(number).normal())


def test_a_killed_worker_changes_no_byte(cluster, tmp_path) -> None:
    tasks = [(i, str(tmp_path / "killed")) for i in range(12)]
    there = in_order(_kill_once, tasks, scheduler=cluster.scheduler_address)
    assert (tmp_path / "killed").exists()
    assert there == in_order(_kill_once, tasks)


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


def test_bootstrap_and_exploration_on_a_cluster_are_the_same_bytes(cluster) -> None:
    address = cluster.scheduler_address
    fit = rs.lmm("y ~ x + (1 | subject)", _rows())
    alone, spread = (fit.bootstrap(40, seed=3, scheduler=s) for s in (None, address))
    pd.testing.assert_frame_equal(alone, spread, check_exact=True)
    unknowns = {"r": (0.0, 0.9)}
    one, two = (rs.explore(_ratio, unknowns, draws=100, scheduler=s).draws for s in (None, address))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def _ratio(v):
    error = np.sqrt((0.18**2 + 0.09**2 - 2 * v["r"] * 0.18 * 0.09) / 13)
    return tuple(1.3 * np.exp(t * error) for t in (0, -2.18, 2.18))


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


def test_nothing_at_the_address_is_one_message(monkeypatch) -> None:
    monkeypatch.setattr(workers, "WAIT", "0.5s")
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        in_order(abs, [1], scheduler="tcp://127.0.0.1:1")
