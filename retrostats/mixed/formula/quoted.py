"""Columns whose names are no identifiers: in backticks in a formula, as R writes them."""

from __future__ import annotations

import keyword
import re
import unicodedata

_SPECIAL = re.compile(r"'[^']*'|\"[^\"]*\"|`(?P<quoted>[^`]+)`|(?P<word>[^\W\d_]\w*)")
_PREFIX = "quoted__"
_HIDDEN = re.compile(rf"{_PREFIX}([0-9a-f]+)__")
_PLAIN = re.compile(r"[^\W\d_]\w*(?:\.[^\W\d_]\w*)*")
_VALUES = ("True", "False", "None")


def hidden(text: str) -> str:
    """The text with an identifier in place of each name that parsers would not read as written.

    Those are names in backticks, words of Python, and letters that Python writes otherwise.

    Examples
    --------
    >>> hidden("y ~ `1RM`")
    'y ~ quoted__31524d__'
    """
    return _SPECIAL.sub(_replaced, text)


def _replaced(found: re.Match[str]) -> str:
    name, word = found["quoted"], found["word"]
    if name is None and word is not None and word not in _VALUES:
        strange = keyword.iskeyword(word) or unicodedata.normalize("NFKC", word) != word
        name = word if strange else None
    return found[0] if name is None else f"{_PREFIX}{name.encode().hex()}__"


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
