"""Pinned answers of pingouin and statsmodels: what they say now, and of the same numbers only."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from audit_copies import audit_copy

import retrostats as rs

PINNED = pd.read_csv(rs.load_audit().pinned / "cross_checks.csv")
ASKED = ["estimate_id", "given", "program", "quantity"]
SAME = 1e-6  # versions and processors differ in the last digits of an optimiser


def cross_checks(folder: Path) -> pd.DataFrame:
    found = rs.replicate(["metabolic-cost", "ligament-injury"], draws=0, audit=folder).cross_checks
    assert found["agrees"].all(), found.to_string()
    return found


def test_the_programs_still_answer_what_is_pinned(tmp_path: Path) -> None:
    found = cross_checks(audit_copy(tmp_path, pinned=False))
    assert found[ASKED].equals(PINNED[ASKED])
    assert found["theirs"].to_numpy() == pytest.approx(PINNED["theirs"].to_numpy(), rel=SAME)


def test_a_run_compares_with_what_is_pinned(tmp_path: Path) -> None:
    folder = audit_copy(tmp_path, pinned=True)
    file = folder / "data" / "pinned" / "cross_checks.csv"
    PINNED.assign(theirs=np.arange(len(PINNED)) + 100.0, version="0").to_csv(file, index=False)
    found = rs.replicate(["metabolic-cost"], draws=0, audit=folder).cross_checks
    assert found["theirs"].tolist() == list(np.arange(len(found)) + 100.0)
    assert set(found["version"]) == {"0"}
    assert not found["agrees"].any()


def test_other_numbers_are_asked_anew(tmp_path: Path) -> None:
    folder = audit_copy(tmp_path, pinned=True)
    file = folder / "data" / "published" / "metabolic_cost.csv"
    rows = pd.read_csv(file, dtype=str, keep_default_na=False)
    changed = rows["row_id"].eq("mc-williford1998-vo2-run-forward")
    assert changed.any()
    rows.loc[changed, "mean"] = "27.25"
    rows.to_csv(file, index=False, lineterminator="\n")
    found = cross_checks(folder)
    same = found["given"].isin(PINNED["given"])
    assert 0 < same.sum() < len(found)
    assert set(found.loc[~same, "estimate_id"]) == {"mc-williford-run"}


def test_a_run_of_pinned_numbers_loads_neither() -> None:
    code = (
        "import sys, retrostats as rs; rs.replicate(draws=0); "
        "assert not {'pingouin', 'statsmodels', 'seaborn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
