"""Build the documentation site with MkDocs: `python -m docs.build site`.

Needs no network, neither to build nor to view. Ends with an error on a dead internal link, on
anything that a page would fetch from elsewhere, and on what MkDocs warns of.
"""

from __future__ import annotations

import logging
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

ROOT = Path(__file__).resolve().parents[1]
#: Tags and their attributes that a browser loads without being asked to.
LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src")}
#: Kinds of links that name an address and load nothing.
NAMED = {"canonical", "alternate", "author"}


class _Links(HTMLParser):
    """What a page links to, what it loads, and the places in it that can be linked."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the `href` of links, the `src` of what is loaded and the `id` of anything."""
        named = dict(attrs).get("rel") in NAMED
        for key, value in attrs:
            if value and key == "id":
                self.anchors.add(value)
            elif value and tag == "a" and key == "href":
                self.targets.append(value)
            elif value and (tag, key) in LOADED and not named:
                self.loaded.append(value)


def _pages(site: Path) -> dict[Path, _Links]:
    pages: dict[Path, _Links] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path.resolve()] = parser = _Links()
        parser.feed(path.read_text(encoding="utf-8"))
    return pages


def dead_links(site: Path) -> list[str]:
    """Each internal link or file of a built site that is missing: 'page: link'."""
    pages = _pages(site)
    dead = []
    for path, parser in pages.items():
        for link in (*parser.targets, *parser.loaded):
            if re.match(r"[a-z]+:", link):
                continue
            address, place = urldefrag(unquote(link))
            target = (path.parent / address).resolve() if address else path
            target = target / "index.html" if target.is_dir() else target
            known = pages.get(target)
            missing = not target.exists() or (
                place and known and place not in known.anchors and not place.startswith("__")
            )
            if missing:
                dead.append(f"{path.relative_to(site.resolve())}: {link}")
    return dead


def fetched(site: Path) -> list[str]:
    """What pages would load from another place: 'page: address'."""
    return [
        f"{path.relative_to(site.resolve())}: {link}"
        for path, parser in _pages(site).items()
        for link in parser.loaded
        if re.match(r"(https?:)?//", link)
    ]


def build(site: Path) -> list[str]:
    """Write the site into a folder; returns its faults: dead links, what it would fetch."""
    from mkdocs.commands.build import build as made
    from mkdocs.config import load_config

    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(site.resolve()), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    made(config)
    return dead_links(site) + fetched(site)


def main() -> int:
    """Build into the folder named on the command line; say how large it is."""
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "site")
    faults = build(site)
    for line in faults:
        print(f"dead link: {line}", file=sys.stderr)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    pages = len(list(site.rglob("*.html")))
    print(f"{site}: {pages} pages, {size / 1e6:.1f} MB, {len(faults)} dead links")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
