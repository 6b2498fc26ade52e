"""The links of a page as a graph: what stands where, and what leads to what."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "img", "input", "hr"}


@dataclass
class Place:
    """An element with an id: links within it, and all ids around it."""

    links: list[str] = field(default_factory=list)
    web: list[str] = field(default_factory=list)
    within: tuple[str, ...] = ()


class Links(HTMLParser):
    """Places by id; `outer` are the links that stand in no place of their own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.places: dict[str, Place] = {}
        self._open: list[tuple[str, str]] = []
        self.all: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        key = attributes.get("id") or ""
        around = tuple(k for _, k in self._open if k)
        if key:
            assert key not in self.places, f"two places are called {key}"
            self.places[key] = Place(within=around)
        if tag not in VOID:
            self._open.append((tag, key))
        if tag == "a":
            href = attributes.get("href", "")
            self.all.append(href)
            for name in (*around, key):
                if name:
                    place = self.places[name]
                    (place.links if href.startswith("#") else place.web).append(href.lstrip("#"))

    def handle_startendtag(self, tag, attrs):
        """A picture's parts, closed as they open, hold nothing."""

    def handle_endtag(self, tag):
        while self._open:
            opened, _ = self._open.pop()
            if opened == tag:
                return

    def of(self, prefix: str) -> dict[str, Place]:
        """Places whose id begins with `prefix`."""
        return {k: p for k, p in self.places.items() if k.startswith(prefix)}
