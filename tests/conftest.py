"""What several test files share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Two shared cores make single examples slow at times; what counts is that they hold.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("project")

os.environ.setdefault("MPLBACKEND", "Agg")
# A process for each core runs the tests; threads of linear algebra would only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent
#: What takes longest is begun first, so that no worker waits for another at the end.
LONGEST = ("test_kernels", "test_notebooks", "test_cluster", "test_public_types")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers share nothing: one has the tests of the whole audit, and a file stays with one."""
    if not config.pluginmanager.hasplugin("xdist"):
        return
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        shared = {"whole", "every"} & set(fixtures)
        item.add_marker(pytest.mark.xdist_group("whole" if shared else item.path.stem))
    items.sort(key=_turn)  # stable: the order within a file stays


def _turn(item: pytest.Item) -> int:
    """Tests of the whole audit, what takes longest, everything else."""
    groups = [mark.args[0] for mark in item.iter_markers("xdist_group")]
    if "whole" in groups:
        return 0
    return 1 if item.path.stem in LONGEST else 2


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real cohorts and cart exports beside the checkout; not part of the project."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("real trials and cart exports are not beside this checkout (../shared)")
    return folder


@pytest.fixture(scope="session")
def whole():
    """The audit that ships, replicated once for every test that only looks at it."""
    import retrostats as rs

    return rs.replicate(draws=256)


@pytest.fixture(scope="session")
def every(whole):
    """Every figure by look and width: `every[("dark", 180.0)]["own.own_data_1"]`."""
    from drawn_figures import Every

    return Every(whole)
