"""Build the documentation site from docs/, README and docstrings: `python -m docs.build site`.

Needs no network, neither to build nor to view. Ends with an error on a dead internal link.
"""

from __future__ import annotations

import re
import sys
import warnings
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pdoc
from markdown_it import MarkdownIt

import retrostats

ROOT = Path(__file__).resolve().parents[1]
PAGES = {"index": "README.md", "contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
STYLE = """body{max-width:46rem;margin:2rem auto;padding:0 1rem;font:16px/1.5 system-ui,sans-serif}
pre,code{background:#f4f4f4;font-size:.9em}pre{padding:.8rem;overflow-x:auto}
table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2rem .6rem}"""


def public_names() -> dict[str, list[str]]:
    """Public names by step of the path, as the comments in `_HOMES` group them."""
    text = (ROOT / "retrostats" / "__init__.py").read_text(encoding="utf-8")
    body = text[text.index("_HOMES = {") : text.index("\n}", text.index("_HOMES = {"))]
    steps: dict[str, list[str]] = {}
    for line in body.splitlines():
        if heading := re.match(r"\s*# (.+)", line):
            steps[heading[1]] = []
        elif entry := re.match(r'\s*"(\w+)":', line):
            steps[list(steps)[-1]].append(entry[1])
    return steps


def api_page() -> str:
    """Markdown of the page that lists every public name under its step, with its first line."""
    lines = ["# Public names", "", "In the order of the method.", ""]
    for step, names in public_names().items():
        lines += [f"## {step.capitalize()}", ""]
        for name in names:
            home = retrostats._HOMES[name].replace(".", "/")
            first = (getattr(retrostats, name).__doc__ or "").strip().splitlines()[0]
            lines.append(f"- [`{name}`](api/{home}.html#{name}): {first}")
        lines.append("")
    return "\n".join(lines)


def _page(title: str, markdown: str, links: list[str]) -> str:
    menu = " · ".join(f'<a href="{name}.html">{name}</a>' for name in links)
    body = MarkdownIt("commonmark").enable("table").render(markdown)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><nav>{menu}</nav>{body}</html>\n"
    )


class _Links(HTMLParser):
    """Collects what a page links to and the places in it that can be linked."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the `href` of links and the `id` of anything."""
        for key, value in attrs:
            if value and key == "id":
                self.anchors.add(value)
            elif value and tag == "a" and key == "href":
                self.targets.append(value)


def dead_links(site: Path) -> list[str]:
    """Each internal link of a built site whose page or place is missing: 'page: link'."""
    pages: dict[Path, _Links] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path.resolve()] = parser = _Links()
        parser.feed(path.read_text(encoding="utf-8"))
    dead = []
    for path, parser in pages.items():
        for link in parser.targets:
            if re.match(r"[a-z]+:", link):
                continue
            address, place = urldefrag(unquote(link))
            target = (path.parent / address).resolve() if address else path
            known = pages.get(target)
            missing = not target.exists() or (place and known and place not in known.anchors)
            if missing:
                dead.append(f"{path.relative_to(site.resolve())}: {link}")
    return dead


def build(site: Path) -> list[str]:
    """Write the site into a folder; returns its dead internal links."""
    sources = {name: ROOT / file for name, file in PAGES.items()}
    sources |= {path.stem: path for path in sorted((ROOT / "docs").glob("*.md"))}
    links = [*sources, "api"]
    site.mkdir(parents=True, exist_ok=True)
    pdoc.render.configure(docformat="numpy", footer_text=f"retrostats {retrostats.__version__}")
    homes = set(retrostats._HOMES.values())
    # A package brings its modules along; naming them again is an error.
    tops = [h for h in sorted(homes) if not any(h.startswith(f"{other}.") for other in homes)]
    with warnings.catch_warnings():
        # A type imported for type checkers alone is shown by its name.
        warnings.filterwarnings("ignore", message="Error parsing type annotation")
        pdoc.pdoc(*tops, output_directory=site / "api")
    for name, path in sources.items():
        text = path.read_text(encoding="utf-8")
        (site / f"{name}.html").write_text(_page(name, text, links), encoding="utf-8")
    (site / "api.html").write_text(_page("api", api_page(), links), encoding="utf-8")
    return dead_links(site)


def main() -> int:
    """Build into the folder named on the command line."""
    dead = build(Path(sys.argv[1] if len(sys.argv) > 1 else "site"))
    for line in dead:
        print(f"dead link: {line}", file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    raise SystemExit(main())
