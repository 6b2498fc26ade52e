"""Type checkers and editors see the public names as they are."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import retrostats

ROOT = Path(__file__).resolve().parents[1]
CALLS = ROOT / "tests" / "typing" / "public_calls.py"
STUB = ROOT / "retrostats" / "__init__.pyi"
MARK = re.compile(r"  # type: ignore\[([\w-]+)\]$", re.MULTILINE)


def mypy(path: Path) -> str:
    """What a strict check of one file prints."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def test_the_stub_names_what_is_imported_on_first_use_and_nothing_else() -> None:
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert all(alias.asname == alias.name for node in imports for alias in node.names)
    seen = {alias.name: node.module for node in imports for alias in node.names}
    assert seen == retrostats._HOMES


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "retrostats" / "py.typed").is_file()


def test_lint_checks_the_calls_strictly_too() -> None:
    """Without a thing to find, mypy itself reports a mark: `make lint` takes a second for it."""
    mypy = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["mypy"]
    assert "tests/typing" in mypy["files"]
    assert mypy["strict"]
    assert len(MARK.findall(CALLS.read_text(encoding="utf-8"))) > 10


@pytest.mark.thorough
def test_right_calls_pass_a_strict_check_and_every_wrong_one_is_found(tmp_path: Path) -> None:
    lines = CALLS.read_text(encoding="utf-8").splitlines()
    wanted = {(i, m[1]) for i, line in enumerate(lines, 1) if (m := MARK.search(line))}
    bare = tmp_path / "public_calls_without_marks.py"
    bare.write_text("\n".join(MARK.sub("", line) for line in lines) + "\n", encoding="utf-8")
    errors = re.findall(rf"{bare.name}:(\d+): error: .*\[([\w-]+)\]$", mypy(bare), re.MULTILINE)
    assert {(int(line), code) for line, code in errors} == wanted
