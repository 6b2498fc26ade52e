"""Tables of a Frictionless data package, checked against the Table Schemas in its descriptor."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: The row of the first record in a CSV file, as a text editor counts.
FIRST_RECORD = 2


Stamp = tuple[tuple[str, int], ...]


def stamp_of(folder: Path) -> Stamp:
    """Names of the files below a folder, and when each was last written."""
    found = []
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                found.append((name, os.stat(f"{root}/{name}").st_mtime_ns))
            except OSError:  # a link that leads nowhere
                found.append((name, 0))
    return tuple(sorted(found))


def descriptor(folder: Path) -> dict[str, Any]:
    """Resources of the data package in `folder`, by name."""
    return dict(_descriptor(folder, stamp_of(folder)))


@lru_cache(maxsize=8)
def _descriptor(folder: Path, stamp: Stamp) -> dict[str, Any]:
    """One reading of the descriptor while no file of the folder changes (`stamp`)."""
    path = folder / "datapackage.json"
    try:
        package = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{folder}: no datapackage.json. Give a folder with the layout of retrostats' data."
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a JSON descriptor ({error}). Repair or copy it.") from None
    listed = package.get("resources") if isinstance(package, dict) else None
    if not isinstance(listed, list):
        raise InputError(f"{path}: no list of resources. Repair or copy it.")
    found: dict[str, Any] = {}
    for number, resource in enumerate(listed, 1):
        _check_resource(folder, resource, f"{path}, resource {number}")
        if resource["name"] in found:
            raise InputError(f"{path}: two resources are named {resource['name']!r}; rename one.")
        found[resource["name"]] = resource
    return found


def _check_resource(folder: Path, resource: Any, place: str) -> None:
    """Refuse a table without name, path or fields, and a path that leaves the folder."""
    entry = resource if isinstance(resource, dict) else {}
    for key in ("name", "path"):
        if not (isinstance(entry.get(key), str) and entry[key]):
            raise InputError(f"{place}: {key} is {entry.get(key)!r}; it needs a text.")
    schema = entry.get("schema")
    fields = schema.get("fields") if isinstance(schema, dict) else None
    named = isinstance(fields, list) and all(isinstance(f, dict) and "name" in f for f in fields)
    if not named:
        raise InputError(f"{place} ({entry['name']}): no schema with named fields. Give one.")
    name = entry["path"]
    within = PurePosixPath(name.replace("\\", "/"))
    leaves = within.is_absolute() or ".." in within.parts or ":" in name or "\0" in name
    if leaves or not (folder / name).resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{place} ({entry['name']}): path {name!r} leads out of {folder}. Name a file inside "
            "it: no address, no absolute path, no .. and no link to another folder."
        )


def read_text_table(folder: Path, name: str) -> pd.DataFrame:
    """Table `name` as printed: every cell text, "" where empty, after all checks of its schema.

    Raises
    ------
    InputError
        Naming file, row, column, what was found and what is allowed, for: an unreadable file, a
        missing, repeated or unknown column, a value that its field does not allow, a repeated
        key, a foreign key without its row.
    """
    return _checked_table(folder, name, stamp_of(folder)).copy()


@lru_cache(maxsize=32)
def _checked_table(folder: Path, name: str, stamp: Stamp) -> pd.DataFrame:
    """One reading and one check of a table while no file of the folder changes (`stamp`)."""
    resources = _descriptor(folder, stamp)
    if name not in resources:
        known = ", ".join(resources)
        raise InputError(f"{folder / 'datapackage.json'}: no table {name!r}; it has {known}.")
    resource = resources[name]
    path = folder / resource["path"]
    fields = resource["schema"]["fields"]
    table = _read_csv(path, [field["name"] for field in fields])
    _validate(table, resource["schema"], path)
    for key in resource["schema"].get("foreignKeys", []):
        target = key["reference"]["resource"] or name
        other = folder / resources[target]["path"]
        wanted = table if target == name else _read_csv(other, None)
        listed = set(wanted[key["reference"]["fields"]])
        column = table[key["fields"]]
        unknown = column[~column.isin({*listed, ""})]
        if len(unknown):
            raise InputError(
                f"{path}, row {unknown.index[0] + FIRST_RECORD}, column {key['fields']}: found "
                f"{unknown.iloc[0]!r}, which {other.name} does not list under "
                f"{key['reference']['fields']}. Add it there first."
            )
    return table


def typed(table: pd.DataFrame, schema: dict[str, Any]) -> pd.DataFrame:
    """The same table with number and integer fields as floats, NaN where empty."""
    import pandas as pd

    numbers = [f["name"] for f in schema["fields"] if f["type"] in ("number", "integer")]
    return table.assign(
        **{name: pd.to_numeric(table[name], errors="coerce").astype(float) for name in numbers}
    )


def _read_csv(path: Path, expected: list[str] | None) -> pd.DataFrame:
    """Cells of a comma-separated UTF-8 file as text, with the columns `expected`, in order."""
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            header, *records = csv.reader(handle, strict=True)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, but datapackage.json lists it.") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(
            f"{path}: not comma-separated UTF-8 text ({error}). Save it as such."
        ) from None
    except ValueError:
        raise InputError(f"{path}: the file is empty. It needs a header row.") from None
    if expected is not None and header != expected:
        _refuse_header(path, header, expected)
    for number, record in enumerate(records, FIRST_RECORD):
        if len(record) != len(header):
            raise InputError(
                f"{path}, row {number}: found {len(record)} cells, the header has {len(header)}. "
                "Quote cells that contain commas."
            )
    return pd.DataFrame(records, columns=header, dtype=str)


def _refuse_header(path: Path, header: list[str], expected: list[str]) -> None:
    repeated = sorted({name for name in header if header.count(name) > 1})
    unknown = [name for name in header if name not in expected]
    missing = [name for name in expected if name not in header]
    problem = "; ".join(
        f"{what} column(s) {', '.join(names)}"
        for what, names in (("repeated", repeated), ("unknown", unknown), ("missing", missing))
        if names
    )
    raise InputError(
        f"{path}, row 1: {problem or 'columns in another order'}. "
        f"Allowed, in this order: {', '.join(expected)}."
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a field asks of each cell; an empty cell is judged only where a value is needed."""

    passes: Callable[[str], bool]
    allowed: str
    of_empty: bool = False

    def failing(self, texts: Sequence[str]) -> list[int]:
        """Rows that do not pass, each text judged once."""
        bad = {t for t in set(texts) if (self.of_empty or t != "") and not self.passes(t)}
        return [row for row, text in enumerate(texts) if text in bad] if bad else []


def _validate(table: pd.DataFrame, schema: dict[str, Any], path: Path) -> None:
    """Check every cell whose field has a constraint; the first failure by row is the message.

    All cells are text, and the columns those of the schema: `_read_csv` sees to it.
    """
    key = schema.get("primaryKey", [])
    primary = [key] if isinstance(key, str) else list(key)
    twice = _repeated(table, primary) if primary else []
    failures = [(row, name, _ALONE) for name in primary for row in twice]
    for field in schema["fields"]:
        name = field["name"]
        if field.get("constraints", {}).get("unique", False) and primary != [name]:
            failures += [(row, name, _ALONE) for row in _repeated(table, [name])]
        texts = table[name].tolist()
        for rule in _rules(field, primary):
            failures += [(row, name, rule.allowed) for row in rule.failing(texts)]
    if failures:
        row, name, allowed = min(failures, key=lambda failure: failure[0])
        more = len(failures) - 1
        raise InputError(
            f"{path}, row {row + FIRST_RECORD}, column {name}: found {table[name].iloc[row]!r}; "
            f"allowed: {allowed}" + (f" ({more} more such cells)" if more else "") + "."
        )


_ALONE = "a value found in no other row"


def _repeated(table: pd.DataFrame, names: list[str]) -> list[int]:
    """Rows whose values under `names` another row has as well."""
    return [int(row) for row in table.duplicated(names, keep=False).to_numpy().nonzero()[0]]


def _rules(field: dict[str, Any], primary: list[str]) -> list[_Rule]:
    """What a Table Schema field asks of its cells."""
    limits = field.get("constraints", {})
    rules = []
    if limits.get("required") or field["name"] in primary:
        rules.append(_Rule(bool, "a value, this cell may not be empty", of_empty=True))
    if field["type"] in ("number", "integer"):
        kind = float if field["type"] == "number" else int
        rules.append(_Rule(partial(_parses, kind=kind), f"a plain {field['type']}"))
        for name, sign in (("minimum", 1), ("maximum", -1)):
            if name in limits:
                bound = limits[name]
                within = partial(_within, sign=sign, bound=bound)
                rules.append(_Rule(within, f"a number of {name} {bound}"))
    if "enum" in limits:
        listed = frozenset(limits["enum"])
        rules.append(_Rule(listed.__contains__, "one of " + ", ".join(limits["enum"])))
    if "pattern" in limits:
        pattern = re.compile(limits["pattern"])
        rules.append(_Rule(lambda t: bool(pattern.fullmatch(t)), f"text like {pattern.pattern}"))
    return rules


def _within(text: str, *, sign: int, bound: float) -> bool:
    """Whether a number is at its bound or on the side of `sign`; what is no number has no side."""
    return not _parses(text, float) or sign * float(text) >= sign * bound


def _parses(text: str, kind: type) -> bool:
    """Whether `text` is a plain finite number: digits, sign, point and exponent only."""
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text):
        return False
    try:
        kind(text)
    except ValueError:
        return False
    return True
