"""Public names by the step of the path that they belong to, and the pages that show them."""

from __future__ import annotations

import re
from pathlib import Path

import retrostats

ROOT = Path(__file__).resolve().parents[1]


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


def names_page(step: str, names: list[str]) -> str:
    """Markdown of the public names of one step, each by its docstring."""
    parts = [f"# {step.capitalize()}", "", f"Public names of the step “{step}”, as `rs.NAME`.", ""]
    for name in names:
        parts += [f"::: {retrostats._HOMES[name]}.{name}", ""]
    return "\n".join(parts)
