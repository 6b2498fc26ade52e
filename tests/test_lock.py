"""What `make` installs is pinned by hash, agrees with the constraints, and names no registry."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LOCK = (ROOT / "requirements" / "requirements.lock").read_text(encoding="utf-8")
#: What builds the documentation site, on top.
DOCS_LOCK = (ROOT / "requirements" / "docs.lock").read_text(encoding="utf-8")


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~!; ]", text.strip())[0]).lower()


def _blocks(lock: str = LOCK) -> dict[str, str]:
    """Each locked requirement with its version, markers and hashes."""
    parts = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return {_name(part): part for part in parts if "==" in part.splitlines()[0]}


def _versions(text: str) -> dict[str, str]:
    return {
        _name(name): version
        for name, version in re.findall(r"^([A-Za-z0-9_.-]+)(?:\[.*\])?==([^ ;\\\n]+)", text, re.M)
    }


@pytest.mark.parametrize("lock", [LOCK, DOCS_LOCK], ids=["requirements", "docs"])
def test_every_requirement_has_hashes_and_no_address(lock: str) -> None:
    blocks = _blocks(lock)
    assert len(blocks) > 100
    for name, block in blocks.items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), name
    assert "://" not in lock
    assert "--index" not in lock


@pytest.mark.parametrize("lock", [LOCK, DOCS_LOCK], ids=["requirements", "docs"])
def test_the_lock_has_the_versions_of_the_constraints(lock: str) -> None:
    constraints = _versions((ROOT / "requirements" / "constraints.txt").read_text(encoding="utf-8"))
    locked = _versions(lock)
    assert locked
    differ = {n: (v, constraints[n]) for n, v in locked.items() if constraints.get(n, v) != v}
    assert not differ, "run `make lock`"


def test_what_the_project_asks_for_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *extras["dev"], *extras["io"], *extras["papers"]]
    asked += extras["scale"]
    wanted = {_name(r) for r in asked} - {"retrostats"}
    assert wanted <= set(_blocks()), "run `make lock`"
    assert {_name(r) for r in extras["docs"]} <= set(_blocks(DOCS_LOCK)), "run `make lock`"


#: Their major number is the release's turn or year, and rises without a break.
CALENDAR = {"pyarrow", "distributed"}


def test_what_users_install_has_a_bound_at_the_next_major_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"]]
    asked += [r for name in ("io", "papers", "scale", "notebooks") for r in extras[name]]
    open_ended = {_name(r) for r in asked if not re.search(r",<\d+$", r)}
    assert open_ended == CALENDAR


def test_the_lock_is_closed() -> None:
    """Found in a fresh clone: what a locked library needs was taken out, and nothing installed."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    blocks = _blocks()
    looked_at = 0
    for name in blocks:
        try:
            needed = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:  # of another system
            continue
        looked_at += 1
        for need in needed:
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                assert _name(need.name) in blocks, f"{name} needs {need.name}"
    assert looked_at > 80
