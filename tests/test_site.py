"""The documentation site: what every page of it says and links to, before and after it is built.

`.ci/run` builds it with its own lock and runs these again; without that, those which need the
generator or the built site are skipped.
"""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

import retrostats
from docs.build import dead_links, fetched
from docs.names import names_page, public_names

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
built = pytest.mark.skipif(not (SITE / "index.html").exists(), reason="run `make docs` first")


def test_a_dead_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="#here">1</a><a href="b.html">2</a><a href="#gone">3</a>'
        '<img src="none.svg">',
        encoding="utf-8",
    )
    assert dead_links(tmp_path) == ["a.html: b.html", "a.html: #gone", "a.html: none.svg"]


def test_what_a_page_would_fetch_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(
        '<script src="https://a.b/c.js"></script><link rel="stylesheet" href="//a.b/c.css">'
        '<link rel="canonical" href="https://a.b/"><a href="https://a.b/">named only</a>',
        encoding="utf-8",
    )
    assert fetched(tmp_path) == ["a.html: https://a.b/c.js", "a.html: //a.b/c.css"]


def test_every_public_name_has_a_place_on_a_page() -> None:
    steps = public_names()
    listed = [name for names in steps.values() for name in names]
    assert sorted(listed) == sorted(set(retrostats.__all__) - {"__version__"})
    for step, names in steps.items():
        page = names_page(step, names)
        assert re.findall(r"^::: \S+\.(\w+)$", page, re.MULTILINE) == names


def test_every_page_stands_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    menu = menu[menu.index("\nnav:") :]
    files = [path.name for path in (ROOT / "docs").glob("*.md")]
    files += [f"notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")]
    assert [name for name in files if f": {name}\n" not in menu] == []


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "gallery").glob("*.py")), ids=str)
def test_a_script_of_the_gallery_has_a_title_and_makes_a_figure(path: Path) -> None:
    from matplotlib.figure import Figure

    code = path.read_text(encoding="utf-8")
    assert re.match(r'"""[^"]+\."""\n\n', code)
    space: dict[str, object] = {"__name__": "gallery"}
    exec(compile(code, str(path), "exec"), space)  # noqa: S102
    assert isinstance(space["figure"], Figure)


def test_every_formula_of_the_pages_becomes_mathml() -> None:
    formulas = pytest.importorskip("docs.formulas")
    text = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^\$\$(.+?)\$\$", text, re.MULTILINE | re.DOTALL)
    assert len(blocks) > 60
    for tex in blocks:
        assert formulas.mathml(tex, "block").count("<math") == 1
    with pytest.raises(ValueError, match="no MathML for the formula"):
        formulas.mathml(r"a $ b")
    assert "<mtr>" in formulas.mathml(r"\begin{aligned}a&=b\\&=c\end{aligned}", "block")


@built
def test_no_formula_is_left_as_tex() -> None:
    page = unescape((SITE / "mathematics.html").read_text(encoding="utf-8"))
    body = page[page.index("<article") : page.index("</article>")]
    prose = re.sub(r"<(code|pre)\b.*?</\1>", "", body, flags=re.DOTALL)
    assert prose.count("<math") > 400
    assert not re.search(r"\$\$|\\tag|\\[a-z]{3,}", prose)
    source = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")
    numbers = re.findall(r"\\tag\{(\w+)\}", source)
    assert [n for n in numbers if f'id="eq-{n}"' not in body] == []


@built
def test_the_search_finds_every_page_and_the_report_is_there() -> None:
    index = json.loads((SITE / "search" / "search_index.json").read_text(encoding="utf-8"))
    found = {entry["location"].split("#")[0] for entry in index["docs"]}
    pages = {path.relative_to(SITE).as_posix() for path in SITE.rglob("*.html")}
    assert pages - found == {"report.html"}
    assert (SITE / "report.html").stat().st_size > 100_000
    text = " ".join(entry["text"] for entry in index["docs"])
    assert "Kenward-Roger" in text
