"""Each of the six things that CONTRIBUTING shows how to add does what it says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pandas as pd
import pytest
from doors.common import data_dir
from doors.evidence import fit_pair
from doors.io import carts
from doors.models import ESTIMATORS

import retrostats as rs

ROOT = Path(__file__).parents[1]
#: Two orders of the same sums, in double precision.
ROUNDING = 1e-12


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The example under a heading, run in an empty folder: its names."""
    monkeypatch.chdir(tmp_path)

    def under(heading: str) -> dict[str, Any]:
        code = example(heading)
        names: dict[str, Any] = {"__name__": "example"}
        exec(compile(code, heading, "exec"), names)  # noqa: S102 - our own page
        return names

    return under


@pytest.fixture
def estimators() -> Iterator[None]:
    """The list of estimators as it was, afterwards."""
    kept = dict(ESTIMATORS)
    yield
    ESTIMATORS.clear()
    ESTIMATORS.update(kept)


def example(heading: str) -> str:
    """The one block of Python under a heading."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    [code] = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return str(code)


def stated(row: str) -> tuple[int, int]:
    """Files and lines that the table of what adding touches has in a row."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    [found] = re.findall(rf"^\| {row} \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    return int(found[0]), int(found[1])


def touched(folder: Path, base: Path | None = None) -> tuple[int, int]:
    """Files of a folder that are not as in another one, and the lines they have more."""
    more = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"):
        old = base / path.relative_to(folder) if base else None
        before = old.read_text(encoding="utf-8") if old and old.is_file() else ""
        after = path.read_text(encoding="utf-8")
        if after != before:
            more.append(len(after.splitlines()) - len(before.splitlines()))
    return len(more), sum(more)


def lines_of(code: str, *kinds: type[ast.stmt], name: str) -> int:
    """Lines of the top-level statements of these kinds that mention a name."""
    source = code.splitlines()
    found = [node for node in ast.parse(code).body if isinstance(node, kinds)]
    spans = [source[node.lineno - 1 : node.end_lineno] for node in found]
    return sum(len(span) for span in spans if any(name in line for line in span))


def test_a_study(run: Any) -> None:
    made = run("Add a published study")
    assert touched(Path("mine/data"), data_dir()) == stated("a study")
    rows = made["added"]
    assert list(rows["mean"]) == [27.0, 32.4]
    assert list(rows["mean_text"]) == ["27.0", "32.4"]
    assert rows["poolable"].all()
    assert len(made["published"]) == len(rs.load_published()) + 2


def test_a_claim(run: Any) -> None:
    made = run("Add a claim")
    assert touched(Path("mine/data"), data_dir()) == stated("a claim")
    claim, verdict = made["claim"], made["verdict"]
    assert (claim.kind, claim.range_low, np.isnan(claim.range_high)) == ("descriptive", 1.05, True)
    assert verdict.direction.label == "supported"
    assert verdict.size.label == "supported"
    assert "that it is at least 1.05" in verdict.size.reason
    assert "at_least_5" not in rs.load_claims()


def test_an_audit(run: Any) -> None:
    made = run("Add an audit")
    assert touched(Path("mine")) == stated("an audit")
    replication = made["replication"]
    assert replication.audit.conditions.first == "treated"
    verdicts = replication.verdicts.set_index("claim_id")
    assert verdicts.loc["lowers", "range_high"] == -2
    assert np.isnan(verdicts.loc["lowers", "range_low"])
    assert "that it is at most -2" in verdicts.loc["lowers", "size_reason"]
    assert list(verdicts["direction"]) == ["supported", "open"]
    page = replication.save(Path("results"), formats=("svg",)) / "report.html"
    assert "INVENTED EXAMPLE" in page.read_text(encoding="utf-8")


def test_a_cart_reader(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made = run("Add a reader of cart exports")
    code = example("Add a reader of cart exports")
    lines = lines_of(code, ast.ImportFrom, ast.Assign, name="Reader")
    assert (2, lines + 2) == stated("a cart reader")  # two more where `_readers()` names it
    assert made["recognised"]
    assert list(made["breaths"]["vo2_ml_min"]) == [800.0, 1200.0]
    assert made["breaths"].attrs["device"] == "unknown"
    known = carts._readers()
    monkeypatch.setattr(carts, "_readers", lambda: (made["READER"], *known))
    assert rs.read_cart(made["export"]).attrs["device"] == "Breezer"
    other = Path("other.csv")
    other.write_text(made["export"].read_text().replace("Breezer", "Other"))
    assert rs.read_cart(other).attrs["device"] == "unknown"


@pytest.mark.usefixtures("estimators")
def test_a_pooling_method(run: Any) -> None:
    """On thirteen trials, against the paper's formula written out a second time."""
    made = run("Add a pooling method")
    code = example("Add a pooling method")
    lines = lines_of(code, ast.FunctionDef, ast.Assign, name="sidik_jonkman")
    assert (1, lines) == stated("a pooling method")
    assert made["pooled"].method == "sj"
    made = rs.escalc(pd.read_csv(ROOT / "examples" / "bcg.csv"), measure="RR")
    y, v = made["yi"], made["vi"]
    found = rs.pool(y.to_numpy(), np.sqrt(v.to_numpy()), method="sj")
    start = ((y - y.mean()) ** 2).mean()
    w = start / (v + start)
    mean = (w * y).sum() / w.sum()
    expected = (w * (y - mean) ** 2).sum() / (len(y) - 1)
    assert found.tau2 == pytest.approx(expected, rel=ROUNDING)
    assert found.tau2 > rs.pool(y.to_numpy(), np.sqrt(v.to_numpy()), method="dl").tau2


def test_an_analysis_is_one_file() -> None:
    assert (1, len(example("Add an analysis").splitlines())) == stated("an analysis")


def test_every_way_of_adding_is_tested() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^## (Add .+)$", text, re.MULTILINE))
    tests = Path(__file__).read_text(encoding="utf-8")
    here = {heading for heading in headings if f'run("{heading}")' in tests}
    assert headings - here == {"Add an analysis"}  # run by tests/test_analysis.py


def test_every_file_that_the_map_and_the_walks_name_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:retrostats|data|tests|analyses|examples)/[\w/.]+)`", text))
    assert len(named) > 30
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def _entered(run: Callable[[], object]) -> set[str]:
    """Files below the root whose functions a call enters."""
    found = set()

    def enter(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            found.add(frame.f_code.co_filename)

    sys.setprofile(enter)
    try:
        run()
    finally:
        sys.setprofile(None)
    return {str(Path(f).relative_to(ROOT)) for f in found if Path(f).is_relative_to(ROOT)}


def _formula() -> str:
    rows = pd.DataFrame({"who": list("aabbccdd"), "when": [0, 1] * 4,
                         "y": [5.0, 6.0, 4.0, 5.5, 6.0, 6.2, 5.1, 5.9]})  # fmt: skip
    return repr(rs.lmm("y ~ when + (1 | who)", rows))


def _printed_cell() -> rs.Replication:
    fit_pair.cache_clear()  # what another test fitted is fitted again
    return rs.replicate(["metabolic-cost"], draws=0)


@pytest.mark.parametrize(
    ("walk", "start", "least"),
    [
        ("A printed cell: ", _printed_cell, 12),
        ("A formula: ", _formula, 7),
    ],
)
def test_a_walk_names_files_that_are_run(walk, start, least) -> None:
    """The page is written only into a folder; every other file is entered."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    paragraph = text[text.index(walk) :].split("\n\n")[0]
    named = set(re.findall(r"`((?:retrostats|analyses)/[\w/.]+\.py)`", paragraph))
    named -= {"retrostats/report/page/page.py"}
    assert len(named) >= least
    assert named - _entered(start) == set()


def test_no_public_function_hides_a_module() -> None:
    """`import retrostats.audit.verdict` works, whatever a function is called; one is guarded."""
    modules = {p.stem for p in (ROOT / "retrostats").iterdir()}
    assert modules & set(rs.__all__) == {"replicate"}


def test_tests_reach_internals_through_the_door_of_a_room() -> None:
    """A move of code changes `tests/doors/` and no test."""
    here = ROOT / "tests"
    files = [p for p in here.rglob("*.py") if not {"doors", "fuzz", "typing"} & set(p.parts)]
    assert len(files) > 190
    direct = [
        f"{path.relative_to(here)}: {node.module}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("retrostats.")
    ]
    assert direct == []


#: One component or several, in small letters, then what changed; a merge is a subject of its own.
SUBJECT = re.compile(r"(Merge\b|[a-z][a-z0-9_.-]*(, [a-z][a-z0-9_.-]*)*: \S)")


@pytest.mark.parametrize(
    ("subject", "holds"),
    [
        ("linear: one Newton driver for the five searches", True),
        ("page, terminal: the number stands beside the word", True),
        ("Merge branch 'cohorts'", True),
        ("tests follow the new names", False),
        ("Linear: one driver", False),
        ("fix: ", False),
    ],
)
def test_a_subject_names_the_component_first(subject: str, holds: bool) -> None:
    assert bool(SUBJECT.match(subject)) == holds


def test_the_newest_commit_names_its_component_first() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("a source archive has no commits")
    command = ["git", "log", "-1", "--no-merges", "--format=%s"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert SUBJECT.match(ran.stdout.strip()), "see the house rules in CONTRIBUTING.md"
