"""The functions the child may be asked for, and the classes that may come back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any

#: Name of a parser: its module, its function of (file name, bytes, options), and the libraries it
#: uses, which read files of their own when they are imported.
PARSERS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "workbook": (
        "retrostats.io.tables.workbook", "parse_workbook", ("openpyxl", "python_calamine"),
    ),
    "spreadsheetml": (
        "retrostats.io.tables.spreadsheetml", "parse_spreadsheetml", ("defusedxml.ElementTree",),
    ),
    "tcx": ("retrostats.io.tables.recordings", "parse_tcx", ("defusedxml.ElementTree",)),
    "fit": ("retrostats.io.tables.recordings", "parse_fit", ("fitdecode",)),
    "parquet": ("retrostats.io.tables.packed", "parse_parquet", ("pyarrow.parquet",)),
    "package": ("retrostats.io.tables.packages", "parse_package", ("pyreadstat",)),
}  # fmt: skip
_CLASSES: Mapping[str, tuple[str, ...]] = {
    "retrostats.io.tables.grid": ("Row", "Sheet"),
    "retrostats.io.tables.columns": ("Column", "PackedSheet"),
    "retrostats.io.tables.workbook": ("Workbook",),
    "retrostats.io.tables.packages": ("Package", "PackageColumn"),
}


def parser(name: str) -> Callable[..., Any]:
    """The function of a name."""
    module, function, libraries = PARSERS[name]
    for library in libraries:
        with suppress(ImportError):  # the function says that it is missing
            import_module(library)
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def classes() -> dict[str, type]:
    """Every class that may come back, by its name."""
    return {
        name: getattr(import_module(module), name)
        for module, names in _CLASSES.items()
        for name in names
    }
