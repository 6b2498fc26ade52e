"""Mutated seeds of every format: a result or one refusal, never another exception."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from fuzz import fuzz_formulas, targets
from fuzz.fuzz_readers import mutate, run, seeds

from retrostats import InputError, load_cohort


@pytest.mark.parametrize("times", [20, pytest.param(200, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(("kind", "seed"), seeds(), ids=lambda value: getattr(value, "name", value))
def test_mutated_seed(kind: str, seed: Path, times: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    assert run(kind, seed.read_bytes(), seed.suffix, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged archives make the zip library warn
        for _ in range(times):
            run(kind, mutate(seed.read_bytes(), rng), seed.suffix, tmp_path)


def test_random_formulas() -> None:
    rng, rows = np.random.default_rng(2), fuzz_formulas.rows()
    fitted = sum(fuzz_formulas.run(fuzz_formulas.formula(rng), rows) for _ in range(400))
    assert 0 < fitted < 400


@pytest.mark.parametrize("name", targets.TARGETS)
def test_what_reached_new_code_once_is_answered_again(name: str) -> None:
    """The corpus that fuzzing guided by coverage kept: no exception but a refusal."""
    kept = targets.kept(name)
    assert kept
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in kept:
            targets.TARGETS[name](path.read_bytes())


def test_table_without_subjects_is_refused(tmp_path: Path) -> None:
    """Found by fuzzing: the design checks once looked for a subject column that was not there."""
    path = tmp_path / "nobody.csv"
    path.write_text("direction,vo2_ml_kg_min\nforward,30\nbackward,40\n")
    with pytest.raises(InputError, match="subject"):
        load_cohort(path)
