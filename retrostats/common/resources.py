"""Where the published numbers and the analyses live, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_PAGE_SUFFIX = ".toml"


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


def is_page(path: str | Path | None) -> bool:
    """Whether an audit is a page: a TOML file, not a folder.

    Examples
    --------
    >>> is_page("nordic.toml"), is_page("audits/nordic"), is_page(None)
    (True, False, False)
    """
    return path is not None and Path(path).suffix.lower() == _PAGE_SUFFIX
