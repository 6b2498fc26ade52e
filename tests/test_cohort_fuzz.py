"""Mutated seeds of every cohort format: a cohort or one refusal, never another exception."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from fuzz.fuzz_cohort import SEEDS, mutate, run

from retrostats.errors import InputError
from retrostats.readers.cohort import load_cohort


@pytest.mark.parametrize("seed", sorted(SEEDS.iterdir()), ids=lambda p: p.name)
def test_mutated_seed(seed: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    assert run(seed.read_bytes(), seed.suffix, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged archives make the zip library warn
        for _ in range(60):
            run(mutate(seed.read_bytes(), rng), seed.suffix, tmp_path)


def test_table_without_subjects_is_refused(tmp_path: Path) -> None:
    """Found by fuzzing: the design checks once looked for a subject column that was not there."""
    path = tmp_path / "nobody.csv"
    path.write_text("direction,vo2_ml_kg_min\nforward,30\nbackward,40\n")
    with pytest.raises(InputError, match="subject"):
        load_cohort(path)
