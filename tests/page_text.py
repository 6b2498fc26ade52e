"""The words of a page as a reader meets them: cells and paragraphs, no pictures, no scripts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

SKIPPED = {"script", "style", "svg", "title", "textarea", "pre", "code"}
BLOCKS = {
    "p", "td", "th", "li", "h1", "h2", "h3", "h4", "caption", "figcaption", "summary", "dt", "dd",
    "option", "label", "div", "section", "article", "details",
}  # fmt: skip


class Blocks(HTMLParser):
    """Texts of the blocks of a page, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.blocks: list[str] = []
        self._parts: list[str] = []
        self._skipped = 0
        self.feed(html)
        self._end()

    def handle_starttag(self, tag, attrs):
        self._skipped += tag in SKIPPED
        if tag in BLOCKS or dict(attrs).get("class") == "why":
            self._end()

    def handle_endtag(self, tag):
        self._skipped -= tag in SKIPPED
        if tag in BLOCKS:
            self._end()

    def handle_data(self, data):
        if not self._skipped:
            self._parts.append(data)

    def _end(self) -> None:
        text = re.sub(r"\s+", " ", "".join(self._parts)).strip()
        self._parts = []
        if text:
            self.blocks.append(text)


#: What a reader should never meet, and why.
DEFECTS = {
    "a year with a decimal": r"\b(1[89]|20)\d\d\.0\b",
    "a number that is none": r"\b(inf|nan|NaN)\b|^None$|[,:(] None\b",
    "a hyphen for a minus": r"(?<![\w.)\]])-\d",
    "a unit twice": r"(%\s*%|\b(kg|ml|min|km|kcal|mm|cm|people|percentage points)\s+\2\b)",
    "ends that look the same": r"(?<![\d.−])(−?\d+(?:\.\d+)?) to \1(?![\d.])",
    "a raw name": r"\b[a-z]+_[a-z0-9_]+\b",
    "an empty start": r"^[;,:.)\]]",
    "an empty bracket": r"\(\s*\)|\[\s*,|,\s*\]",
    "two stops": r"(?<!\.)\.\.(?!\.)|\?\.|;\s*;",
    "a word that stands twice": r"\b(the|of|in|is|are|and|to|no|more)\s+\1\b",
}


def defects(blocks: list[str], identifiers: set[str]) -> list[str]:
    """Each defect with the block it stands in; `identifiers` are those of rows and studies."""
    found = []
    for block in (re.sub(r"doi:\S+", "a DOI", block) for block in blocks):
        for name, pattern in DEFECTS.items():
            if met := re.search(pattern, block):
                found.append(f"{name}: {met[0]!r} in {block[:120]!r}")
        words = {word.strip(".,;:()").lower() for word in block.split()}
        if raw := words & identifiers:
            found.append(f"an identifier: {sorted(raw)[0]} in {block[:120]!r}")
    return found
