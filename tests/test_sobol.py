"""Sobol' points are scipy's, bit by bit, in every dimension, plain and scrambled."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from doors.common import KNOWN, sobol
from scipy.stats import qmc


@pytest.mark.parametrize("d", [*range(1, KNOWN + 3)])
def test_points_are_those_of_scipy(d: int) -> None:
    for power in (0, 1, 5, 10):
        plain = qmc.Sobol(d, scramble=False).random_base2(power)
        assert np.array_equal(sobol(d, 2**power), plain)
        scrambled = qmc.Sobol(d, rng=np.random.default_rng(d)).random_base2(power)
        assert np.array_equal(sobol(d, 2**power, np.random.default_rng(d)), scrambled)


def test_fewer_points_are_the_first_of_more_and_a_point_of_nothing_is_empty() -> None:
    assert np.array_equal(sobol(3, 1000), sobol(3, 1024)[:1000])
    assert sobol(0, 7).shape == (7, 0)


def test_every_half_of_every_coordinate_holds_as_many() -> None:
    points = sobol(KNOWN, 256, np.random.default_rng(1))
    assert ((points < 0.5).sum(axis=0) == 128).all()
    assert len(np.unique(np.floor(points[:, 0] * 256))) == 256


def test_scipys_statistics_are_loaded_only_beyond_the_known_dimensions() -> None:
    code = (
        "import sys, numpy as np; from retrostats.common.sobol import KNOWN, sobol; "
        "sobol(KNOWN, 8, np.random.default_rng(1)); assert 'scipy.stats' not in sys.modules; "
        "sobol(KNOWN + 1, 8, np.random.default_rng(1)); assert 'scipy.stats' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
