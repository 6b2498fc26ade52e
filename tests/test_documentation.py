"""The examples of the documentation run, its links lead somewhere, its names are complete."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

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


def test_blocks_are_found() -> None:
    assert {p.id.rsplit("-", 1)[0] for p in BLOCKS if p.id} >= {"README.md", "CONTRIBUTING.md"}


@pytest.mark.parametrize("text", BLOCKS)
def test_block_runs(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "<block>", "exec"), {"__name__": "block"})  # noqa: S102


def test_site_is_built_without_dead_links(tmp_path: Path) -> None:
    builder = pytest.importorskip("docs.build")
    assert builder.build(tmp_path / "site") == []
    listed = {name for names in builder.public_names().values() for name in names}
    assert listed == set(retrostats.__all__) - {"__version__"}
    page = (tmp_path / "site" / "api.html").read_text(encoding="utf-8")
    assert [name for name in listed if f"<code>{name}</code>" not in page] == []


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    builder = pytest.importorskip("docs.build")
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="b.html">2</a><a href="#gone">3</a>',
        encoding="utf-8",
    )
    assert builder.dead_links(tmp_path) == ["a.html: b.html", "a.html: #gone"]


def test_one_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [retrostats.__version__]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert "version" in project["dynamic"]
