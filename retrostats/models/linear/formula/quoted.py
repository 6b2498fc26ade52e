"""What stands for a name in a formula while it is parsed: columns in backticks, and calls."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata

from retrostats.common.errors import InputError

_SPECIAL = re.compile(r"'[^']*'|\"[^\"]*\"|`(?P<quoted>[^`]+)`|(?P<word>[^\W\d_][\w.]*)")
_PREFIX = "quoted__"
_HIDDEN = re.compile(rf"{_PREFIX}((?:[0-9a-f]{{2}})+)__")
_PLAIN = re.compile(r"[^\W\d_][\w.]*")
_CALL = re.compile(r"[^\W\d_][\w.]*\s*\(")
_CALLED = re.compile(r"called__((?:[0-9a-f]{2})+)__")
_VALUES = ("True", "False", "None")
_VALUE = re.compile(rf"\b(?:{'|'.join(_VALUES)})\b")


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
        name = None if all(map(_is_python, word.split("."))) else word
    return found[0] if name is None else f"{_PREFIX}{name.encode().hex()}__"


def _is_python(word: str) -> bool:
    """Whether Python reads a word as this name."""
    same = unicodedata.normalize("NFKC", word) == word
    return same and word.isidentifier() and not keyword.iskeyword(word)


def shown(text: str) -> str:
    """The text with names in backticks again where they need them.

    Examples
    --------
    >>> shown(hidden("log(`1RM` + 1)"))
    'log(`1RM` + 1)'
    """
    return _HIDDEN.sub(lambda m: quoted(bytes.fromhex(m[1]).decode(errors="replace")), text)


def quoted(name: str) -> str:
    """A column's name as a formula writes it: in backticks where it is no identifier."""
    return name if _PLAIN.fullmatch(name) else f"`{name}`"


def name_of(word: str) -> str:
    """The column that one word stands for: hidden, in backticks or plain."""
    return _HIDDEN.sub(lambda m: bytes.fromhex(m[1]).decode(errors="replace"), hidden(word))


def without_calls(text: str) -> str:
    """A side of a formula with an identifier in place of each outermost call.

    Examples
    --------
    >>> with_calls(without_calls("a + I(1/(x+1))"))
    'a + I(1 / (x + 1))'
    """
    parts, position = [], 0
    while (found := _CALL.search(text, position)) is not None:
        end = _closed(text, found.end())
        call = _written(text[found.start() : end])
        parts += [_columns(text[position : found.start()]), f"called__{call.encode().hex()}__"]
        position = end
    return "".join([*parts, _columns(text[position:])])


def _columns(text: str) -> str:
    """Outside calls True, False and None are columns like others."""
    return _VALUE.sub(lambda m: f"{_PREFIX}{m[0].encode().hex()}__", text)


def with_calls(text: str) -> str:
    """The text with its calls, and with names in backticks where they need them."""
    return shown(_CALLED.sub(lambda m: bytes.fromhex(m[1]).decode(errors="replace"), text))


def _closed(text: str, start: int) -> int:
    """The place after the bracket that closes one opened just before `start`."""
    depth = 1
    for place in range(start, len(text)):
        depth += (text[place] == "(") - (text[place] == ")")
        if depth == 0:
            return place + 1
    return len(text)


def _written(call: str) -> str:
    """A call with the spaces and brackets of one way of writing, so that equal ones are equal."""
    try:
        written = ast.unparse(ast.parse(call.strip(), mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(f"cannot read {shown(call)!r} in the formula") from None
    return written.replace("'", '"') if '"' in call else written
