"""What passes between the two processes: JSON with times, bytes and named classes, never code.

The child has read a stranger's file: whatever it sends is taken as data. Objects are built of the
classes listed here only, and of nothing else.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

KIND = "$"
#: Marks of what is handed over as bytes: a part, and what continues it.
PART, MORE = "part", "more"
_TIMES: Mapping[str, Any] = {
    "datetime": dt.datetime, "date": dt.date, "time": dt.time,
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class More:
    """Bytes that a parser hands over and that continue the part before them."""

    data: bytes | memoryview


def encode(value: Any) -> bytes:
    """Bytes of a value: numbers, texts, lists, mappings, times, bytes, dataclasses."""
    return json.dumps(_outer(value), default=_plain, separators=(",", ":")).encode()


def decode(data: bytes, classes: Mapping[str, type]) -> Any:
    """Value of bytes; sequences come back as tuples.

    Raises
    ------
    ValueError
        The bytes are no JSON, or name a class that is not listed.
    """
    return _tuples(json.loads(data, object_hook=lambda found: _object(found, classes)))


def _outer(value: Any) -> Any:
    """A mapping as its items, so that no key of a stranger's names a class."""
    if isinstance(value, Mapping):
        return {KIND: "items", "items": [[k, _outer(v)] for k, v in value.items()]}
    return value


def _plain(value: Any) -> Any:
    """What JSON does not know."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _outer(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {KIND: type(value).__name__, **fields}
    for name, kind in _TIMES.items():
        if type(value) is kind:
            return {KIND: name, "iso": value.isoformat()}
    if isinstance(value, bytes):
        return {KIND: "bytes", "base64": base64.b64encode(value).decode()}
    if isinstance(value, dt.timedelta):
        return {KIND: "timedelta", "seconds": value.total_seconds()}
    return str(value)


def _object(found: dict[str, Any], classes: Mapping[str, type]) -> Any:
    kind = found.pop(KIND, None)
    if kind == "items":
        return {key: _tuples(value) for key, value in found["items"]}
    if kind in _TIMES:
        return _TIMES[kind].fromisoformat(found["iso"])
    if kind == "bytes":
        return base64.b64decode(found["base64"], validate=True)
    if kind == "timedelta":
        return dt.timedelta(seconds=found["seconds"])
    if kind not in classes:
        raise ValueError(f"no class {kind!r}")
    return classes[kind](**{name: _tuples(value) for name, value in found.items()})


def _tuples(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return tuple([_tuples(v) if isinstance(v, list) else v for v in value])
