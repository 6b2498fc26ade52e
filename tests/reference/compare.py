"""A pinned file beside a new one, compare.py OLD NEW: largest differences, fields not made anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def differences(old: Any, new: Any, where: str = "") -> Iterator[tuple[float, str]]:
    """Relative difference of each number, with its place; infinite where the new file lacks it."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in old:
            if key in new:
                yield from differences(old[key], new[key], f"{where}/{key}")
            else:
                yield float("inf"), f"{where}/{key}"
    elif isinstance(old, list):
        many = new if isinstance(new, list) else [new]  # R prints one number without brackets
        if len(old) != len(many):
            yield float("inf"), f"{where} holds {len(old)}, {len(many)} anew"
        for i, (a, b) in enumerate(zip(old, many, strict=False)):
            yield from differences(a, b, f"{where}/{i}")
    elif isinstance(old, int | float) and isinstance(new, int | float):
        yield abs(old - new) / max(abs(old), 1e-8), where
    elif old != new:
        yield float("inf"), where


if __name__ == "__main__":
    files = [json.loads(Path(name).read_text(encoding="utf-8")) for name in sys.argv[1:3]]
    for size, place in sorted(differences(*files), reverse=True)[:3]:
        print(f"{size:.1e} {place}")
