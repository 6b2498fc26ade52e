"""Whether a formula is whole: each word joined to the next, so that no parser stops half way."""

from __future__ import annotations

import re

from retrostats.common.errors import InputError
from retrostats.models.linear.formula.quoted import shown

Token = tuple[str, str]
"""Kind (name, number, text or op) and word."""

_SIGNS = ("+", "-")
_START = ("", "~", "(", ",", "=", "|", "||")  # words after which a sign may stand
_HINT = "join terms with + - * / : and write a column of another name in backticks, `1RM (kg)`"


def require_grammar(text: str, tokens: list[Token]) -> None:
    """Refuse a formula of which a part is not joined to the rest.

    Raises
    ------
    InputError
        Two words stand side by side, an operator lacks a side, a comma stands outside a
        function's brackets, or brackets do not match; the message names the place.
    """
    brackets: list[str] = []
    before: Token = ("op", "")
    for at, token in enumerate(tokens):
        after = tokens[at + 1] if at + 1 < len(tokens) else ("op", "")
        if not _fits(before, token, after, brackets):
            near = " ".join(shown(word) for _, word in tokens[max(at - 2, 0) : at + 2])
            raise InputError(
                f"formula {text!r}: cannot read {shown(token[1])!r} after "
                f"{shown(before[1]) or 'the beginning'!r}, near {near!r}; {_HINT}"
            )
        before = token
    if brackets:
        raise InputError(f"formula {text!r}: a bracket is not closed")
    if not _ended(before):
        raise InputError(f"formula {text!r}: nothing stands after {before[1]!r}; {_HINT}")


def _ended(token: Token) -> bool:
    """Whether an operand ends with this word."""
    return token[0] != "op" or token[1] == ")"


def _fits(before: Token, token: Token, after: Token, brackets: list[str]) -> bool:
    """Whether a word may follow another; keeps the list of open brackets ("call" or "group")."""
    kind, word = token
    inside = brackets[-1] if brackets else ""
    if kind != "op":
        return not _ended(before)
    if word == "(":
        call = before[0] == "name"
        brackets.append("call" if call else "group")
        return call or not _ended(before)
    if word in _SIGNS and not _ended(before):
        removes = word == "-" and before[1] == "+" and re.fullmatch("[01]", after[1]) is not None
        return before[1] in _START or removes or "call" in brackets
    if not _ended(before):
        return False
    if word == ")":
        return bool(brackets) and bool(brackets.pop())
    if word == ",":
        return inside == "call"
    if word == "=":
        return inside == "call" and before[0] == "name"
    if word in ("|", "||"):
        return inside == "group"
    return word != "~" or not brackets
