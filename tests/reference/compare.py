"""Largest relative difference between a pinned file and a new one: compare.py OLD NEW."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def differences(old: Any, new: Any, where: str = "") -> Iterator[tuple[float, str]]:
    """Relative difference of each number that both hold, with its place."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() & new.keys():
            yield from differences(old[key], new[key], f"{where}/{key}")
    elif isinstance(old, list):
        many = new if isinstance(new, list) else [new]
        for i, (a, b) in enumerate(zip(old, many, strict=False)):
            yield from differences(a, b, f"{where}/{i}")
    elif isinstance(old, int | float) and isinstance(new, int | float):
        yield abs(old - new) / max(abs(old), 1e-8), where


if __name__ == "__main__":
    files = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3]]
    for size, place in sorted(differences(*files), reverse=True)[:3]:
        print(f"{size:.1e} {place}")
