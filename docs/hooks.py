"""What the site adds to docs/: README and its kin, public names, notebooks, gallery, the report.

MkDocs calls the functions by their names. Mathematics becomes MathML here, so that no script sets
it in the browser.
"""

from __future__ import annotations

import re
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files

import retrostats
from docs.formulas import mathml
from docs.names import names_page, public_names

ROOT = Path(__file__).resolve().parents[1]
#: Pages that stand outside docs/, by their file.
PAGES = {
    "index.md": "README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changelog.md": "CHANGELOG.md",
}
NAMES = "Public names"
_MATH = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
#: An equation in lines of its own, which Markdown sees only between empty lines.
_EQUATION = re.compile(r"^(\$\$.+?\$\$)", re.MULTILINE | re.DOTALL)
#: A page named as a file, which the site shows as a link.
_PAGE = re.compile(r"`(?:docs/)?(\w+\.md)`")


def _step_file(step: str) -> str:
    return f"names/{step.replace(' ', '_')}.md"


def gallery() -> tuple[str, dict[str, bytes]]:
    """Markdown of the gallery, and its pictures: each script in docs/gallery/ makes a `figure`."""
    from retrostats.report.figures.theme import write

    parts = ["# Gallery", "", "Each figure with the code that drew it, and nothing else.", ""]
    pictures = {}
    for path in sorted((ROOT / "docs" / "gallery").glob("*.py")):
        code = path.read_text(encoding="utf-8")
        met = re.match(r'"""(.+?)"""\n+', code, re.DOTALL)
        if met is None:
            raise ValueError(f"{path.name}: begin with a docstring, which is the figure's title")
        space: dict[str, Any] = {"__name__": "gallery"}
        exec(compile(code, str(path), "exec"), space)  # noqa: S102
        file, title = BytesIO(), " ".join(met[1].split()).rstrip(".")
        write(space["figure"], file, "svg", title, title)
        name = f"gallery/{path.stem}.svg"
        pictures[name] = file.getvalue()
        parts += [f"## {title}", "", f"![{title}]({name})", "", "```python"]
        parts += [code[met.end() :].strip(), "```", ""]
    return "\n".join(parts), pictures


def report() -> bytes:
    """The page of results; made anew where there is none."""
    made = ROOT / "results" / "report.html"
    if not made.exists():
        retrostats.replicate(out=ROOT / "results")
    return made.read_bytes()


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """The steps of the path as entries of the menu."""
    for section in config.nav or []:
        if NAMES in section:
            section[NAMES] = [{step.capitalize(): _step_file(step)} for step in public_names()]
    return config


@event_priority(100)  # before the plugin that makes pages of notebooks
def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Everything that does not stand in docs/."""
    for name, source in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    for step, names in public_names().items():
        files.append(File.generated(config, _step_file(step), content=names_page(step, names)))
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        files.append(File(f"notebooks/{path.name}", str(ROOT), config.site_dir, False))
    text, pictures = gallery()
    files.append(File.generated(config, "gallery.md", content=text))
    for name, picture in (*pictures.items(), ("report.html", report())):
        files.append(File.generated(config, name, content=picture))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: MkDocsConfig, files: Files) -> str:
    """Pages that are named as files become links; equations stand apart."""
    there = {Path(file.src_uri).name: file.src_uri for file in files.documentation_pages()}
    there |= {source: name for name, source in PAGES.items()}
    up = "../" * page.file.src_uri.count("/")

    def linked(met: re.Match[str]) -> str:
        name = met[1]
        return f"[{met[0]}]({up}{there[name]})" if name in there else met[0]

    parts = re.split(r"(^```.*?^```)", markdown, flags=re.MULTILINE | re.DOTALL)
    parts[::2] = [_PAGE.sub(linked, _EQUATION.sub(r"\n\1\n", part)) for part in parts[::2]]
    return "".join(parts)


def on_post_build(*, config: MkDocsConfig) -> None:
    """No page for addresses that lead nowhere: it would know only a server's root."""
    (Path(config.site_dir) / "404.html").unlink(missing_ok=True)


def on_page_content(html: str, **_: Any) -> str:
    """TeX as MathML, each numbered equation with its number and an address."""
    return _MATH.sub(_mathml, html)


def _mathml(met: re.Match[str]) -> str:
    display = "block" if met[2] == "[" else "inline"
    return mathml(unescape(met[3]), display)
