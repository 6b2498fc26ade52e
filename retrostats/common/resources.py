"""Where the published numbers and the analyses live, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def _resource(name: str) -> Path:
    """Folder `name`: packed into the wheel as `_name`, beside the package in a checkout."""
    packed = _PACKAGE / f"_{name}"
    return packed if packed.is_dir() else _PACKAGE.parent / name


def data_dir() -> Path:
    """Folder of the data package (`datapackage.json` and its tables)."""
    return _resource("data")


def analyses_dir() -> Path:
    """Folder of the analyses, one Python file each."""
    return _resource("analyses")


def citation_file() -> Path:
    """CITATION.cff of the package."""
    packed = _PACKAGE / "_CITATION.cff"
    return packed if packed.is_file() else _PACKAGE.parent / "CITATION.cff"
