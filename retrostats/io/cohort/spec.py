"""A small TOML file that says what cannot be guessed about a lab's table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrostats.common.arrays import path_of
from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion

#: Section: what its entries are.
SECTIONS = {
    "columns": "header in the file = column of the template",
    "units": "header in the file = its unit",
    "levels": "value in the file = one of the conditions compared, or the control arm",
    "constants": "column of the template = value that holds for the whole file, with its unit",
    "filter": "header in the file = value, or list of values, of the rows to use",
    "wide": "header in the file = {column, unit, direction, time, speed} of its values",
    "file": "sheet, header_row, delimiter, decimal, missing",
    "energy": "equation",
    "times": "order = the times of the table, the first one first",
}
TOP = {
    "analysis": "which analysis the table is for, or none",
    "name": "name in figures",
    "allocation": 'how people came into their groups: "by lot", "by choice" or "not told"',
    "speeds": 'nominal speeds with their unit, as ["6 km/h", "8 km/h"]',
}
WIDE = ("column", "unit", "direction", "time", "arm", "speed", "gradient")
ALLOCATIONS = ("by lot", "by choice", "not told")
FILE = ("sheet", "header_row", "delimiter", "decimal", "missing")


@dataclass(frozen=True, slots=True)
class Spec:
    """What a spec says; everything empty without one."""

    columns: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    wide: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    file: Mapping[str, Any] = field(default_factory=dict)
    energy: Mapping[str, str] = field(default_factory=dict)
    analysis: str = ""
    name: str = ""
    allocation: str = ""
    speeds: tuple[float, ...] = ()
    times: tuple[str, ...] = ()

    @property
    def named(self) -> set[str]:
        """Headers that the spec speaks of."""
        return {*self.columns, *self.units, *self.filter, *self.wide}


def read_spec(spec: str | Path | Mapping[str, Any] | None) -> Spec:
    """A TOML file, or a mapping of the same shape.

    Raises
    ------
    InputError
        Not a readable TOML file, an unknown section or entry, or a value of the wrong kind.

    Examples
    --------
    >>> read_spec({"levels": {"R": "right"}}).levels
    {'R': 'right'}
    """
    import tomllib

    if spec is None:
        return Spec()
    if not isinstance(spec, Mapping):
        try:
            spec = tomllib.loads(path_of(spec, "spec").read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"spec {spec}: {error.strerror}; check the path") from None
        except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
            raise InputError(f"spec: not valid TOML ({str(error)[:200]})") from None
    for name in spec:
        if name not in SECTIONS and name not in TOP:
            allowed = [*SECTIONS, *TOP]
            raise InputError(
                f"spec: unknown section {name!r}{suggestion(name, allowed)}; "
                f"allowed: {', '.join(allowed)}"
            )
    return Spec(
        columns=_texts("columns", spec.get("columns", {})),
        units=_texts("units", spec.get("units", {})),
        levels=_texts("levels", spec.get("levels", {})),
        constants=_texts("constants", spec.get("constants", {})),
        filter={
            k: _choices("filter", k, v)
            for k, v in _section("filter", spec.get("filter", {})).items()
        },
        wide={k: _wide(k, v) for k, v in _section("wide", spec.get("wide", {})).items()},
        file=_file(_section("file", spec.get("file", {}))),
        energy=_allowed("energy", _texts("energy", spec.get("energy", {})), ("equation",)),
        analysis=_text("analysis", spec.get("analysis", "")),
        name=_text("name", spec.get("name", "")),
        allocation=_allocation(spec.get("allocation", "")),
        speeds=_speeds(spec.get("speeds", ())),
        times=_times(_section("times", spec.get("times", {}))),
    )


def _section(name: str, section: Any) -> Mapping[str, Any]:
    if not isinstance(section, Mapping):
        raise InputError(f"spec, [{name}]: found {section!r}; allowed: {SECTIONS[name]}")
    return section


def _texts(name: str, section: Any) -> dict[str, str]:
    entries = _section(name, section)
    kinds = str | int | float if name == "constants" else str
    if not all(isinstance(v, kinds) and not isinstance(v, bool) for v in entries.values()):
        raise InputError(f'spec, [{name}]: each entry is name = "text" ({SECTIONS[name]})')
    return {key: str(value) for key, value in entries.items()}


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InputError(f"spec: {name} = {value!r}; allowed is a text ({TOP[name]})")
    return value


def _allocation(value: Any) -> str:
    if value not in ("", *ALLOCATIONS):
        near = suggestion(value, ALLOCATIONS) if isinstance(value, str) else ""
        allowed = ", ".join(f'"{a}"' for a in ALLOCATIONS)
        raise InputError(f"spec: allocation = {value!r}{near}; allowed are {allowed}")
    return str(value)


def _speeds(value: Any) -> tuple[float, ...]:
    """Nominal speeds in m/s."""
    from retrostats.common.units import convert

    found = []
    for text in value if isinstance(value, list | tuple) else [value]:
        parts = re.fullmatch(r"\s*(\d+(?:[.,]\d+)?)\s*(\D.*)", str(text))
        if not parts:
            raise InputError(f"spec: speeds = {value!r}; allowed are {TOP['speeds']}")
        number = float(parts[1].replace(",", "."))
        found.append(float(convert(number, parts[2], "m/s", quantity="speed")))
    return tuple(found)


def _choices(section: str, name: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, list | tuple) else [value]
    if not values or not all(isinstance(v, str | int | float) for v in values):
        raise InputError(f"spec, [{section}] {name!r}: allowed is a value or a list of values")
    return tuple(map(str, values))


def _times(section: Mapping[str, Any]) -> tuple[str, ...]:
    """Order of the times, each once."""
    entries = _allowed("times", dict(section), ("order",))
    order = _choices("times", "order", entries["order"]) if "order" in entries else ()
    if len(set(order)) < len(order):
        raise InputError(f"spec, [times] order = {list(order)!r}; allowed is each time once")
    return order


def _wide(header: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping) or "column" not in value:
        raise InputError(
            f"spec, [wide] {header!r}: allowed is {{column = ..., direction = ...}}, with "
            f"{', '.join(WIDE)}"
        )
    return _allowed(f"wide.{header}", {k: str(v) for k, v in value.items()}, WIDE)


def _file(section: Mapping[str, Any]) -> dict[str, Any]:
    entries = _allowed("file", dict(section), FILE)
    row = entries.get("header_row", 0)
    if isinstance(row, bool) or not isinstance(row, int) or row < 0:
        raise InputError(f"spec, [file] header_row = {row!r}; allowed is a row number from 1")
    if entries.get("decimal", ".") not in (".", ","):
        raise InputError(f'spec, [file] decimal = {entries["decimal"]!r}; allowed are "." and ","')
    if "missing" in entries:
        entries["missing"] = _choices("file", "missing", entries["missing"])
    for name in ("sheet", "delimiter"):
        if not isinstance(entries.get(name, ""), str):
            raise InputError(f"spec, [file] {name} = {entries[name]!r}; allowed is a text")
    return entries


def _allowed(section: str, entries: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    for key in entries:
        if key not in names:
            raise InputError(
                f"spec, [{section}]: unknown entry {key!r}{suggestion(key, names)}; "
                f"allowed: {', '.join(names)}"
            )
    return entries
