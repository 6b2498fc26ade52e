"""The functions the child may be asked for, and the classes that may come back."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
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
#: Parsers that hand over what they read in parts.
IN_PARTS = ("parquet",)
#: Parsers for which a child is started without numpy, more than half of whose start it would be;
#: the library of each that has to be able to do without, and from which version on it is.
WITHOUT_NUMPY: Mapping[str, tuple[str, int]] = {"parquet": ("pyarrow", 18)}
#: What else such a child is not to find: pickles of code, and files on the network.
_NOT_NEEDED = (
    "numpy", "cloudpickle", "pyarrow._s3fs", "pyarrow._gcsfs", "pyarrow._azurefs", "pyarrow._hdfs",
)  # fmt: skip
#: Name, in the environment of such a child, of that.
BARE = "RETROSTATS_WITHOUT_NUMPY"
_CLASSES: Mapping[str, tuple[str, ...]] = {
    "retrostats.io.tables.grid": ("Row", "Sheet"),
    "retrostats.io.tables.columns": ("Column", "PackedSheet"),
    "retrostats.io.tables.workbook": ("Workbook",),
    "retrostats.io.tables.packages": ("Package", "PackageColumn"),
}


def parser(name: str) -> Callable[..., Any]:
    """The function of a name."""
    module, function, libraries = PARSERS[name]
    if BARE in os.environ and "numpy" not in sys.modules:
        library, least = WITHOUT_NUMPY[name]
        if _version(library) >= least:  # what began without numpy must not meet it later
            for other in _NOT_NEEDED:  # marked as Python marks what is not there
                sys.modules.setdefault(other, None)  # type: ignore[arg-type]
    for library in libraries:
        with suppress(ImportError):  # the function says that it is missing
            import_module(library)
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def _version(library: str) -> int:
    """The first number of a library's version, as its installer wrote it down; 0 if it did not."""
    spec = find_spec(library)
    if spec is None or spec.origin is None:
        return 0
    folders = Path(spec.origin).parents[1].glob(f"{library}-*.dist-info")
    found = [int(n[1]) for f in folders if (n := re.search(r"-(\d+)\.", f.name))]
    return min(found, default=0)


def classes() -> dict[str, type]:
    """Every class that may come back, by its name."""
    return {
        name: getattr(import_module(module), name)
        for module, names in _CLASSES.items()
        for name in names
    }
