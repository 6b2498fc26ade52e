"""The examples of the documentation run, its links lead somewhere, its names are complete."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from doors.audit import percent
from doors.models import ESTIMATORS
from doors.report import draw_answers

import retrostats

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
# A block that must not run opens with ```python no-run, which readers of the source can see.
BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(text, id=f"{page.name}-{number}")
    for page in PAGES
    for number, text in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), start=1)
]
#: What a block prints, where the page shows it right below.
PRINTED = {
    code: output
    for page in PAGES
    for code, output in re.findall(
        r"^```python\n([^`]*)^```\n\n```text\n([^`]*)^```",
        page.read_text(encoding="utf-8"),
        re.MULTILINE,
    )
}


def test_blocks_are_found() -> None:
    assert {p.id.rsplit("-", 1)[0] for p in BLOCKS if p.id} >= {"README.md", "CONTRIBUTING.md"}
    shown = {p.id for p in BLOCKS if p.values[0] in PRINTED}
    assert len(shown) == len(PRINTED)
    assert shown >= {"README.md-1", "why_a_probability.md-1"}


@pytest.fixture
def estimators() -> Iterator[None]:
    """The list of pooling methods as it was, afterwards: one example adds to it."""
    kept = dict(ESTIMATORS)
    yield
    ESTIMATORS.clear()
    ESTIMATORS.update(kept)


@pytest.mark.usefixtures("estimators")
@pytest.mark.parametrize("text", BLOCKS)
def test_block_runs_and_prints_what_is_shown_below_it(
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.chdir(tmp_path)
    with pd.option_context("display.max_columns", 0):  # as in a terminal of 80 columns
        exec(compile(text, "<block>", "exec"), {"__name__": "block"})  # noqa: S102
    said = capsys.readouterr().out
    if text in PRINTED:
        assert said == PRINTED[text]
    if "README.md" in request.node.callspec.id:  # saved as a script it says something, all of it
        assert said
        assert not re.search(r"(^| )\.\.\.( |$)", said, re.MULTILINE)


def test_answers_of_the_readme_are_those_of_a_run(whole) -> None:
    """Each number of the answers on top is the verdicts', or one of the claim and its source."""
    picture = (ROOT / "docs" / "answers.svg").read_text(encoding="utf-8")
    assert draw_answers(whole) == picture  # `python -m docs.picture` draws it anew
    verdicts = whole.verdicts.set_index("claim_id")
    energy, fat, more = (
        verdicts.loc[name] for name in ("energy_30", "body_fat_6wk", "more_than_forward")
    )
    shown = [percent(energy[f"prob_{name}"]) for name in ("direction", "size")]
    shown += [f"{100 * (energy[name] - 1):.0f}%" for name in ("estimate", "conf_low", "conf_high")]
    shown += [percent(fat["prob_direction"])]
    shown += [f"{-fat[name]:.1f}%" for name in ("estimate", "conf_high", "conf_low")]
    shown += [percent(more["prob_direction"])]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    answers = text[text.index("- **More energy?") : text.index("None of the cited studies")]
    claimed = {"2001", "30%", "35%"}  # the claim and its source
    found = re.findall(r"\d+(?:\.\d+)?%?", answers)
    assert set(found) - claimed == set(shown) - claimed
    assert verdicts.loc["ligament_tears", "direction"] == "no evidence"
    assert verdicts.loc["body_fat_cause", "direction"] == "open"


def test_sections_and_equations_have_one_number_each() -> None:
    text = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
    sections = [int(n) for n in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)]
    assert sections == list(range(1, len(sections) + 1))
    parts = re.findall(r"^### (\d+\.\d+) ", text, re.MULTILINE)
    assert parts == sorted(set(parts))
    tags = Counter(re.findall(r"\\tag\{(\w+)\}", text))
    assert [tag for tag, count in tags.items() if count > 1] == []
    plain = [int(tag) for tag in tags if tag.isdigit()]
    assert plain == list(range(1, len(plain) + 1))
    cited = {int(n) for n in re.findall(r"(?<!\w)\((\d{1,2})\)", text)}
    assert cited <= set(plain)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_no_paragraph_stands_twice(page: Path) -> None:
    paragraphs = Counter(re.split(r"\n\s*\n", page.read_text(encoding="utf-8")))
    assert [p for p, count in paragraphs.items() if count > 1 and len(p) > 80] == []


def test_one_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [retrostats.__version__]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert "version" in project["dynamic"]
