"""Columns whose names are no identifiers: in backticks in a formula, as R writes them."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"`([^`]+)`")
_PREFIX = "quoted__"
_HIDDEN = re.compile(rf"{_PREFIX}([0-9a-f]+)__")
_PLAIN = re.compile(r"[^\W\d_]\w*")


def hidden(text: str) -> str:
    """The text with an identifier in place of each name in backticks; parsers read it.

    Examples
    --------
    >>> hidden("y ~ `1RM`")
    'y ~ quoted__31524d__'
    """
    return _QUOTED.sub(lambda m: f"{_PREFIX}{m[1].encode().hex()}__", text)


def shown(text: str) -> str:
    """The text with names in backticks again where they need them.

    Examples
    --------
    >>> shown(hidden("log(`1RM` + 1)"))
    'log(`1RM` + 1)'
    """
    return _HIDDEN.sub(lambda m: quoted(bytes.fromhex(m[1]).decode()), text)


def quoted(name: str) -> str:
    """A column's name as a formula writes it: in backticks where it is no identifier."""
    return name if _PLAIN.fullmatch(name) else f"`{name}`"


def name_of(word: str) -> str:
    """The column that one word stands for: hidden, in backticks or plain."""
    return _HIDDEN.sub(lambda m: bytes.fromhex(m[1]).decode(), hidden(word))
