"""Words of the method, explained where they stand: a button with a note at their first use."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the method.

    Attributes
    ----------
    name
        As the glossary heads it.
    words
        What the page may call it, as a regular expression.
    meaning
        In plain words.
    """

    name: str
    words: str
    meaning: str

    @property
    def key(self) -> str:
        """Identifier of its note on the page."""
        return "g-" + re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")


#: Text within these is left alone: links and buttons cannot hold a button, and headings stay short.
CLOSED = frozenset(
    {"a", "button", "summary", "svg", "script", "style", "title", "select", "option", "textarea",
     "pre", "h1", "h2", "h3", "h4", "figcaption", "thead", "dl", "output", "label"}
)  # fmt: skip
_TAG = re.compile(r"<(/?)([a-z0-9]*)[^>]*>")


@cache
def terms() -> tuple[Term, ...]:
    """Every term of `glossary.toml`, the longest name first: "rate ratio" is no mere ratio."""
    text = files("retrostats.report.page").joinpath("glossary.toml").read_text(encoding="utf-8")
    found = (Term(**entry) for entry in tomllib.loads(text)["term"])
    return tuple(sorted(found, key=lambda term: (-len(term.name), term.name)))


@cache
def _words() -> re.Pattern[str]:
    """Any term: without groups, those that begin with another letter are passed over at once."""
    return _one_of(f"(?:{term.words})" for term in terms())


@cache
def _each_word() -> re.Pattern[str]:
    """The same, each in a group with the number of its term."""
    return _one_of(f"(?P<t{i}>{term.words})" for i, term in enumerate(terms()))


def _one_of(words: Iterable[str]) -> re.Pattern[str]:
    # where no word begins, none of them is tried
    return re.compile(rf"\b(?=\w)(?:{'|'.join(words)})(?!\w)")


def explained(html: str) -> str:
    """The page with a button at the first use of each term in each section, and their notes.

    Examples
    --------
    >>> page = explained("<section><p>An estimand.</p></section></body>")
    >>> 'popovertarget="g-estimand">estimand</button>' in page, 'id="g-estimand"' in page
    (True, True)
    """
    used: dict[str, Term] = {}
    body = "".join(_with_buttons(html, used))
    notes = Markup("").join(_note(term) for term in sorted(used.values(), key=lambda t: t.key))
    return body.replace("</body>", f"{notes}</body>", 1)


def terms_in(text: str) -> set[str]:
    """Names of the terms that a text uses."""
    return {_term(met).name for met in _words().finditer(text)}


def _with_buttons(html: str, used: dict[str, Term]) -> Iterator[str]:
    seen: set[str] = set()
    inside = False
    at = 0
    while met := _TAG.search(html, at):
        text = html[at : met.start()]
        yield _explain(text, seen, used) if inside and text.strip() else text
        at, tag = met.end(), met[2]
        if tag == "section":
            inside, seen = not met[1], set()
        elif tag in CLOSED and not (met[1] or met[0].endswith("/>")):
            at = _end_of(tag, html, at)
        yield html[met.start() : at]
    yield html[at:]


def _end_of(tag: str, html: str, at: int) -> int:
    """Where an element ends that was opened before `at`; others of its kind may lie within it."""
    deep = 1
    for met in re.compile(rf"<(/?){tag}(?![a-z0-9])[^>]*>").finditer(html, at):
        deep += -1 if met[1] else 1
        if not deep:
            return met.end()
    return len(html)


def _explain(text: str, seen: set[str], used: dict[str, Term]) -> str:
    def button(met: re.Match[str]) -> str:
        term = _term(met)
        if term.key in seen:
            return met[0]
        seen.add(term.key)
        used[term.key] = term
        return f'<button type="button" class="term" popovertarget="{term.key}">{met[0]}</button>'

    return _words().sub(button, text)


def _term(met: re.Match[str]) -> Term:
    """The term that a match of `_words` is of."""
    named = _each_word().match(met.string, met.start())
    assert named is not None
    return terms()[int(str(named.lastgroup)[1:])]


def _note(term: Term) -> Markup:
    return Markup('<div popover id="{}" class="note"><b>{}</b>: {}</div>\n').format(
        term.key, term.name, escape(term.meaning)
    )
