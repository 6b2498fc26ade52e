"""A small TOML file that says what cannot be guessed about a lab's table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrostats.errors import InputError

SECTIONS = ("columns", "units", "levels")


def read_spec(spec: str | Path | Mapping[str, Any] | None) -> dict[str, dict[str, str]]:
    """Sections columns, units and levels, each name = text; missing ones empty.

    Raises
    ------
    InputError
        Not a readable TOML file, an unknown section, or a value that is not text.

    Examples
    --------
    >>> read_spec({"levels": {"R": "backward"}})["levels"]
    {'R': 'backward'}
    """
    import tomllib

    if spec is None:
        return {name: {} for name in SECTIONS}
    if not isinstance(spec, Mapping):
        try:
            spec = tomllib.loads(Path(spec).read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"spec {spec}: {error.strerror}; check the path") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"spec: not valid TOML ({error})") from None
    unknown = set(spec) - set(SECTIONS)
    if unknown:
        raise InputError(
            f"spec: unknown section {sorted(unknown)[0]!r}; allowed: {', '.join(SECTIONS)}"
        )
    for name, section in spec.items():
        if not isinstance(section, Mapping) or not all(
            isinstance(v, str) for v in section.values()
        ):
            raise InputError(f'spec, [{name}]: each entry is name = "text"')
    return {name: dict(spec.get(name, {})) for name in SECTIONS}
