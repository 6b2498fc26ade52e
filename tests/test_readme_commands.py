"""The commands of the README are typed as they stand, in the order they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors.app import _parser

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
#: Prepare the machine; `.ci/run` does that.
SETUP = ("make", "python3", ".venv/bin/python")


def commands(text: str) -> Iterator[list[str]]:
    """Words of each command of the shell blocks, comments left out."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            if words and words[0] not in SETUP:
                yield words


def check(text: str) -> None:
    """Each command is found in the active environment, known, and names what is there by then."""
    active, there = False, set()
    for words in commands(text):
        if words == [".", ".venv/bin/activate"]:
            active = True
            continue
        assert words[0] in ("python", "retrostats")
        assert active, words
        if words[0] == "python":
            assert words[1:3] == ["-m", "retrostats.replicate"]
            words = ["retrostats", "replicate", *words[3:]]
        if ">" in words:
            there.add(words[-1])
            words = words[: words.index(">")]
        asked = vars(_parser().parse_args(words[1:]))
        if words[1] == "new-audit":
            there |= {asked["name"], f"{asked['name']}.toml"}
        for path in (asked.get("audit"), asked.get("file"), *asked.get("cohort", ())):
            assert path is None or path in there or (ROOT / path).exists(), words


def test_commands_are_found_known_and_name_what_is_there() -> None:
    assert len(list(commands(README))) > 8
    check(README)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (". .venv/bin/activate", ""),
        ("--audit examples/bcg.toml", "--audit bcg.toml"),
        ("retrostats validate lab.csv", "retrostats validate nobody.csv"),
        ("retrostats plan energy_30", "retrostats plan energy_30 --people 4"),
    ],
)
def test_a_command_that_would_fail_is_seen(old: str, new: str) -> None:
    assert old in README
    with pytest.raises((AssertionError, SystemExit)):
        check(README.replace(old, new))


@pytest.mark.slow
def test_every_command_runs_in_turn(tmp_path: Path) -> None:
    for name in ("examples", "analyses", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    bin_dir = str(Path(sys.executable).parent)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([bin_dir, os.environ["PATH"]]),
        "PYTHONPATH": str(ROOT),
    }
    for words in commands(README):
        if words[0] == ".":
            continue
        line = " ".join(w if w == ">" else shlex.quote(w) for w in words)
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, (line, done.stderr)
        if "> lab.csv" in line:  # "write your people in the place of the examples"
            table = tmp_path / "lab.csv"
            people = table.read_text(encoding="utf-8").replace("EXAMPLE-", "P")
            table.write_text(people, encoding="utf-8")
    assert (tmp_path / "results" / "report.html").is_file()
