"""`retrostats validate FILE --ask`: each open question on the terminal, the answers in a spec."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retrostats.common.errors import InputError
from retrostats.common.vocabulary import Vocabulary
from retrostats.io.cohort.cohort import Cohort, load_cohort
from retrostats.io.cohort.spec import ALLOCATIONS
from retrostats.io.tables.files import shown_name

#: Sections of a spec that a message may name.
_SECTION = re.compile(r"\[(columns|units|levels|filter|wide|file|times)\]")
_VALUE = r'(?:"[^"]*"|\{[^{}]*\}|\[[^\[\]]*\])'
_ENTRY = re.compile(rf'(?:"[^"]*"|\b[a-z]+) = {_VALUE}')
_ENTRIES = re.compile(rf"{_ENTRY.pattern}(?:, {_ENTRY.pattern})*")
#: An entry that stands before the name of its section.
_BEFORE = re.compile(rf'({_ENTRY.pattern})(?: or "[^"]*")? under {_SECTION.pattern}')
#: What a message writes where only a person knows the value.
_PLACEHOLDER = re.compile(r'\.\.\.|"the first"')
#: Rounds of answers, each of which may bring up another question.
ROUNDS = 20

Answer = Callable[[str], str]
Entries = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """One line of a message, and what it says may be written: section and lines of TOML."""

    text: str
    options: tuple[tuple[str, str], ...]


def questions_of(message: str) -> list[Question]:
    """The questions of a message, each with the entries of a spec that would answer it.

    Examples
    --------
    >>> (asked,) = questions_of('a.csv, x: found no unit; under [units] in a spec: "x" = "kg"')
    >>> asked.options
    (('units', '"x" = "kg"'),)
    """
    found = []
    for line in message.splitlines():
        marks = list(_SECTION.finditer(line))
        ends = [m.start() for m in marks[1:]] + [len(line)]
        options: dict[tuple[str, str], None] = {}
        for mark, end in zip(marks, ends, strict=True):
            for entries in _ENTRIES.finditer(line, mark.end(), end):
                options.setdefault((mark[1], entries[0]))
        for before in _BEFORE.finditer(line):
            options.setdefault((before[2], before[1]))
        if any(entries.startswith("decimal = ") for _, entries in options):
            options = {("file", f'decimal = "{mark}"'): None for mark in ".,"}
        if options:
            found.append(Question(line, tuple(options)))
    return found


def ask(
    path: str | Path,
    audit: Vocabulary | str | Path | None = None,
    answer: Answer = input,
    show: Callable[[str], object] = print,
) -> tuple[Cohort, Path | None]:
    """The cohort after its questions were answered, and the spec that was written, if any.

    Parameters
    ----------
    path
        A file or folder without a spec beside it.
    audit
        As of `load_cohort`.
    answer, show
        Ask for a line of text, and print one.

    Raises
    ------
    InputError
        A spec is there already, or what is still open when no question is answered any more.
    """
    file = Path(path)
    target = file / "cohort.toml" if file.is_dir() else file.with_suffix(".toml")
    if target.exists():
        raise InputError(
            f"{shown_name(target)} is there already: --ask writes it. Move it, or answer in it"
        )
    spec: dict[str, Any] = {}
    passed: set[str] = set()
    for _ in range(ROUNDS):
        try:
            cohort = load_cohort(file, spec=spec, audit=audit)
        except InputError as error:
            asked = [q for q in questions_of(str(error)) if q.text not in passed]
            if not asked:
                raise
            for question in asked:
                _merge(spec, _answered(question, answer, show))
                passed.add(question.text)
            continue
        allocation = _allocation(cohort, answer, show) if "allocation" not in spec else ""
        if allocation:
            spec = {"allocation": allocation, **spec}
            cohort = load_cohort(file, spec=spec, audit=audit)
        if not spec:
            return cohort, None
        target.write_text(as_toml(spec), encoding="utf-8")
        return cohort, target
    raise InputError(f"{shown_name(file)}: still open after {ROUNDS} rounds of questions")


def _answered(question: Question, answer: Answer, show: Callable[[str], object]) -> Entries:
    """Entries of a spec: an option by its number, or another value for what it names."""
    show(question.text)
    for number, (section, entries) in enumerate(question.options, start=1):
        show(f"  {number}) [{section}] {entries}")
    said = _line(answer, "a number, another value, or nothing to leave it open: ")
    if not said:
        return {}
    section, entries = question.options[0]
    if said.isdecimal() and 1 <= int(said) <= len(question.options):
        section, entries = question.options[int(said) - 1]
        if not _PLACEHOLDER.search(entries):
            return {section: tomllib.loads("\n".join(_ENTRY.findall(entries)))}
        said = _line(answer, f"{entries}: ")
    key = next(iter(tomllib.loads(_ENTRY.findall(entries)[0])))
    parts = [part.strip().strip('"') for part in said.split(",")]
    return {section: {key: parts if section in ("filter", "times") else said}} if said else {}


def _allocation(cohort: Cohort, answer: Answer, show: Callable[[str], object]) -> str:
    """How people came into their groups, where it matters and was not said."""
    rows = cohort.problems[cohort.problems["found"].str.startswith("nothing on how people")]
    if rows.empty:
        return ""
    show(f"{rows['column'].iloc[0]}: how did people come into their groups?")
    for number, way in enumerate(ALLOCATIONS, start=1):
        show(f"  {number}) {way}")
    said = _line(answer, "a number, or nothing to leave it open: ")
    one = said.isdecimal() and 1 <= int(said) <= len(ALLOCATIONS)
    return ALLOCATIONS[int(said) - 1] if one else said if said in ALLOCATIONS else ""


def _line(answer: Answer, text: str) -> str:
    """One line of an answer; nothing where there are no more."""
    try:
        return answer(text).strip()
    except EOFError:
        return ""


def _merge(spec: dict[str, Any], entries: Entries) -> None:
    for section, values in entries.items():
        spec[section] = {**spec.get(section, {}), **values}


def as_toml(spec: Mapping[str, Any]) -> str:
    """A spec as TOML: texts first, then its sections.

    Examples
    --------
    >>> print(as_toml({"allocation": "by lot", "units": {"VO2": "l/min"}}), end="")
    allocation = "by lot"
    <BLANKLINE>
    [units]
    "VO2" = "l/min"
    """
    lines = [f"{key} = {_value(v)}" for key, v in spec.items() if not isinstance(v, Mapping)]
    for section, values in spec.items():
        if isinstance(values, Mapping):
            lines += ["", f"[{section}]"]
            lines += [f"{json.dumps(key)} = {_value(value)}" for key, value in values.items()]
    return "\n".join(lines).strip("\n") + "\n"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(str(value), ensure_ascii=False)
