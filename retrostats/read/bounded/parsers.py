"""The functions the child may be asked for, and the classes that may come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

#: Name of a parser: its module and its function of (file name, bytes, options).
PARSERS: Mapping[str, tuple[str, str]] = {
    "workbook": ("retrostats.read.workbook", "parse_workbook"),
    "spreadsheetml": ("retrostats.read.spreadsheetml", "parse_spreadsheetml"),
    "package": ("retrostats.read.packages", "parse_package"),
}
_CLASSES: Mapping[str, tuple[str, ...]] = {
    "retrostats.read.grid": ("Row", "Sheet"),
    "retrostats.read.workbook": ("Workbook",),
    "retrostats.read.packages": ("Package", "PackageColumn"),
}


def parser(name: str) -> Callable[..., Any]:
    """The function of a name."""
    module, function = PARSERS[name]
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def classes() -> dict[str, type]:
    """Every class that may come back, by its name."""
    return {
        name: getattr(import_module(module), name)
        for module, names in _CLASSES.items()
        for name in names
    }
