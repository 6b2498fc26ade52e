"""Every base dependency stands in LICENSES.md with its licence."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from audit_copies import audit_copy

import retrostats as rs

ROOT = Path(__file__).resolve().parents[1]
BASE = [
    re.split(r"[<>=]", name)[0]
    for name in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "dependencies"
    ]
]


@pytest.mark.parametrize("name", BASE)
def test_a_dependency_is_listed_with_its_licence(name: str) -> None:
    rows = (ROOT / "LICENSES.md").read_text(encoding="utf-8").splitlines()
    row = next(line for line in rows if line.startswith(f"| {name} "))
    meta = metadata.metadata(name)
    stated = " ".join(
        [meta.get("License-Expression") or "", (meta.get("License") or "")[:200],
         *(meta.get_all("Classifier") or [])]
    )  # fmt: skip
    kinds = [kind for kind in ("GPL", "BSD", "MIT", "Apache", "Python Software") if kind in stated]
    listed = row.replace("PSF", "Python Software")
    assert any(kind in listed for kind in kinds), (kinds, row)
    assert ("GPL" in row) == ("GPL" in stated)


def test_everything_but_a_cross_check_runs_without_the_gpl(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "pingouin" else find(name, *rest),
    )
    monkeypatch.setitem(sys.modules, "pingouin", None)  # an import of it would fail
    replication = rs.replicate(
        ["metabolic-cost"], draws=0, audit=audit_copy(tmp_path, pinned=False)
    )
    assert "pingouin paired t-test" not in set(replication.cross_checks["program"])
    assert "statsmodels mixed model" in set(replication.cross_checks["program"])
