"""`findings/TOPIC.toml` of a data package: what the results of one analysis are called.

An analysis says how a result is computed; its label, heading, claim, the printed rows that it rests
on and what had to be assumed are data, and stand in this file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from retrostats.common.errors import InputError

FOLDER = "findings"
SECTIONS = ("kinds", "rows", "assumptions", "checks")
LIKE = "like"


@dataclass(frozen=True, slots=True)
class FindingsToml:
    """One file of results, by name.

    Attributes
    ----------
    file
        Where it was read.
    rows
        Entries of each result, those of its kind (`like`) included; in file order.
    kinds
        The kind of each result, "" without one.
    assumptions, checks
        Entries of each assumption and of each check, by name.
    """

    file: Path
    rows: Mapping[str, Mapping[str, Any]]
    kinds: Mapping[str, str]
    assumptions: Mapping[str, Mapping[str, Any]]
    checks: Mapping[str, Mapping[str, Any]]


def read_findings_toml(data: Path, topic: str) -> FindingsToml:
    """The results of a topic in a data package, read anew when the file changes.

    Raises
    ------
    InputError
        No such file, not TOML, or a section or kind that is unknown.

    Examples
    --------
    >>> from retrostats.common.resources import data_dir
    >>> read_findings_toml(data_dir(), "metabolic_cost").rows["mc-bws"]["pooled"]
    True
    """
    file = data / FOLDER / f"{topic}.toml"
    try:
        return _read(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise InputError(
            f"{file}: {error.strerror or error}; builders of an analysis need one file a topic, "
            "with a section [rows.NAME] a result (docs/builders.md)"
        ) from None


@lru_cache(maxsize=16)
def _read(file: Path, stamp: int) -> FindingsToml:
    """One reading of a file while it does not change (`stamp`)."""
    try:
        parsed = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a TOML file ({error}); correct it") from None
    unknown = [name for name in parsed if name not in SECTIONS]
    if unknown:
        raise InputError(
            f"{file}: unknown section {', '.join(unknown)}; allowed: {', '.join(SECTIONS)}"
        )
    sections = {name: _section(parsed.get(name, {}), name, file) for name in SECTIONS}
    shared, rows = sections["kinds"], sections["rows"]
    kinds = {name: str(entry.get(LIKE, "")) for name, entry in rows.items()}
    for name, kind in kinds.items():
        if kind and kind not in shared:
            raise InputError(
                f"{file}, [rows.{name}]: like = {kind!r}; there is no [kinds.{kind}], only "
                f"{', '.join(shared) or 'none'}"
            )
    whole = {
        name: {k: v for k, v in {**shared.get(kinds[name], {}), **entry}.items() if k != LIKE}
        for name, entry in rows.items()
    }
    return FindingsToml(file, whole, kinds, sections["assumptions"], sections["checks"])


def _section(parsed: Any, name: str, file: Path) -> dict[str, dict[str, Any]]:
    """A section of named tables; anything else under it is refused."""
    entries = parsed if isinstance(parsed, dict) else {"": parsed}
    wrong = next((key for key, entry in entries.items() if not isinstance(entry, dict)), None)
    if wrong is not None:
        raise InputError(
            f"{file}, [{name}]: {wrong or parsed!r} is no section; write [{name}.NAME] and its "
            "entries below"
        )
    return entries
