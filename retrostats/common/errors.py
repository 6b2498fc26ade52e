"""What goes wrong, said once and for the reader: every message names the next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class RetrostatsError(ValueError):
    """Anything retrostats refuses; the command line prints it as one message and exits with 2."""


class InputError(RetrostatsError):
    """Bad input: the message says where, what was found, what is allowed and what to do next."""


class NotIdentified(RetrostatsError):
    """The numbers at hand do not determine the model; the message names the missing quantity."""


class NotConverged(RetrostatsError):
    """An optimiser stopped without a stationary point; the message gives the gradient it left."""


#: What the loader says where a library does not fit into memory.
_DOES_NOT_FIT = ("failed to map segment", "cannot allocate memory")


def no_memory(error: BaseException) -> bool:
    """Whether an error says that memory is used up: of Python, or of a library that is loaded.

    Examples
    --------
    >>> no_memory(MemoryError()), no_memory(ImportError("core.so: failed to map segment"))
    (True, True)
    >>> no_memory(ImportError("no module named 'x'"))
    False
    """
    words = str(error).lower() if isinstance(error, ImportError) else ""
    return isinstance(error, MemoryError) or any(said in words for said in _DOES_NOT_FIT)


def refuse_unknown(name: str, found: Sequence[str], allowed: Iterable[str]) -> None:
    """Refuse what is not among the `allowed` values of an option.

    Examples
    --------
    >>> refuse_unknown("formats", ["svg", "gif"], ["svg", "pdf"])
    Traceback (most recent call last):
    retrostats.common.errors.InputError: formats: found gif; choose from svg, pdf
    """
    choices = tuple(allowed)
    listed = list(found) if isinstance(found, Iterable) else [found]
    wrong = [value for value in listed if value not in choices]
    if wrong:
        shown = ", ".join(map(str, wrong)) or "nothing"
        raise InputError(f"{name}: found {shown}; choose from {', '.join(choices)}")


def plain(text: str, most: int = 0) -> str:
    r"""Text for a terminal: control and reordering characters as their numbers, lines kept.

    `most` bytes of UTF-8 are kept, saying how much was left out; 0 for all of it.

    Examples
    --------
    >>> plain("a\x1b[31mb"), plain("x" * 9, most=4)
    ('a\\x1b[31mb', 'xxxx... (5 characters more)')
    """
    shown = "".join(c if c == "\n" or _printable(c) else _number(c) for c in text)
    kept = shown.encode()[: most or None].decode(errors="ignore")
    return shown if kept == shown else f"{kept}... ({len(shown) - len(kept)} characters more)"


def _printable(character: str) -> bool:
    return character.isprintable() or character == "\t"


def _number(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
