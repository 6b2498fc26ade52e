"""`audit.toml`: the words of one audit, checked entry by entry."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from retrostats.common.arrays import path_of
from retrostats.common.errors import InputError
from retrostats.common.resources import data_dir, is_page
from retrostats.common.vocabulary import COMPARES, Conditions, Post, Topic, Vocabulary
from retrostats.io.tables.words import plain
from retrostats.io.validation.examples import is_example

FILE = "audit.toml"


@dataclass(frozen=True, slots=True)
class AuditToml:
    """What `audit.toml` says; see `Audit` for the attributes."""

    title: str
    subject: str
    post: Post
    conditions: Conditions
    topics: Mapping[str, Topic]
    address: str = ""


def vocabulary_of(audit: Vocabulary | str | Path | None) -> Vocabulary:
    """The words of an audit, of its page or folder; of the audit that ships if it is None.

    Raises
    ------
    InputError
        The folder is no audit.

    Examples
    --------
    >>> len(vocabulary_of(None).conditions.compared)
    2
    """
    if isinstance(audit, str | Path) and is_page(audit):
        from retrostats.io.pages.topics import page_vocabulary

        return page_vocabulary(audit)
    if audit is None or isinstance(audit, str | Path):
        return read_audit_toml(audit_data(audit))
    if not hasattr(audit, "conditions"):
        raise InputError(f"audit: found {audit!r:.80}; allowed is an Audit or its folder")
    return audit


def audit_data(path: str | Path | None) -> Path:
    """Folder of the data package of an audit, with its `audit.toml`.

    Raises
    ------
    InputError
        No such folder, or none of that shape.
    """
    if path is not None and not path_of(path, "audit").is_dir():
        raise InputError(
            f"audit {path}: no such folder; give a page (NAME.toml) or a folder with data/ and "
            "analyses/, or make one with: retrostats new-audit NAME"
        )
    data = data_dir() if path is None else Path(path) / "data"
    if not (data / FILE).is_file():
        raise InputError(
            f"audit {path or data}: no {FILE} in its data/; make a folder that has one with: "
            "retrostats new-audit DIR --folder"
        )
    return data


def read_audit_toml(data: Path) -> AuditToml:
    """The `audit.toml` of a data package, read anew when it changes.

    Raises
    ------
    InputError
        Not TOML, or an entry that is missing, unknown or of the wrong kind.
    """
    file = data / FILE
    try:
        return _read(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}; check the path") from None


@lru_cache(maxsize=8)
def _read(file: Path, stamp: int) -> AuditToml:
    """One reading of `audit.toml` while it does not change (`stamp`)."""
    try:
        parsed = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: not a TOML file ({error}); correct it") from None
    allowed = ("title", "subject", "address", "post", "conditions", "topics")
    _only(parsed, allowed, file, "the top level")
    title = parsed.get("title", "")
    if not (isinstance(title, str) and title.strip()):
        raise InputError(f'{file}: no title; write title = "..." on its first line')
    conditions = _conditions(parsed.get("conditions", {}), file)
    sections = parsed.get("topics", {})
    _only(sections, tuple(sections), file, "[topics]")
    topics = {name: _topic(name, entry, conditions, file) for name, entry in sections.items()}
    analyses = [topic.analysis for topic in topics.values()]
    twice = next((name for name in analyses if analyses.count(name) > 1), None)
    if twice:
        raise InputError(f"{file}, [topics]: two topics with analysis = {twice!r}; rename one")
    post = _made(Post, parsed.get("post", {}), file, "post")
    address = parsed.get("address", "")
    web = isinstance(address, str) and (not address or re.match(r"https?://[^\s/]", address))
    if not web:
        raise InputError(
            f"{file}: address = {address!r}; give the web address of the published report, as "
            '"https://example.org/report.html", or leave it out'
        )
    return AuditToml(title, str(parsed.get("subject", "")), post, conditions, topics, address)


def _conditions(parsed: Any, file: Path) -> Conditions:
    _only(parsed, ("compared", "control", "synonyms"), file, "[conditions]")
    compared = parsed.get("compared", [])
    texts = isinstance(compared, list) and all(isinstance(c, str) and c.strip() for c in compared)
    if not texts or len(compared) not in (0, 2):
        raise InputError(
            f"{file}, [conditions]: compared = {compared!r}; give two names, the first against "
            'the second, as ["treated", "untreated"]'
        )
    first, second = compared or ("", "")
    control = parsed.get("control", "control")
    if not isinstance(control, str) or not control.strip():
        raise InputError(f"{file}, [conditions]: control = {control!r}; it needs a name")
    synonyms = parsed.get("synonyms", {})
    _only(synonyms, (*compared, control), file, "[conditions.synonyms]")
    words = {name: _words(name, listed, file) for name, listed in synonyms.items()}
    found = Conditions(first, second, control, words)
    _refuse_shared_words(found, file)
    return found


def _words(
    name: str, listed: Any, file: Path, section: str = "conditions.synonyms"
) -> tuple[str, ...]:
    if not isinstance(listed, list) or not all(isinstance(w, str) and w.strip() for w in listed):
        raise InputError(f"{file}, [{section}]: {name} = {listed!r}; it needs a list of words")
    return tuple(listed)


def _refuse_shared_words(conditions: Conditions, file: Path) -> None:
    """Refuse a word that stands for two conditions: a table with it could not be read."""
    stands_for: dict[str, str] = {}
    for name in conditions.arms:
        for word in conditions.words(name):
            if stands_for.setdefault(plain(word), name) != name:
                raise InputError(
                    f"{file}, [conditions]: {word!r} stands for {stands_for[plain(word)]} and for "
                    f"{name}; leave it out of one"
                )


def _topic(name: str, parsed: Any, conditions: Conditions, file: Path) -> Topic:
    if not isinstance(parsed, dict):
        raise InputError(f"{file}: [topics.{name}] is {parsed!r}; it must be a section")
    entry = {"analysis": name.replace("_", "-"), **parsed, "name": name}
    made: Topic = _made(Topic, entry, file, f"topics.{name}")
    if made.compares not in COMPARES:
        raise InputError(
            f"{file}, [topics.{name}]: compares = {made.compares!r}; allowed: {', '.join(COMPARES)}"
        )
    if made.outcomes:
        _takes_cohorts(made, conditions, file)
    return made


def _takes_cohorts(topic: Topic, conditions: Conditions, file: Path) -> None:
    """Refuse a topic whose cohorts could not be analysed."""
    if not conditions.compared:
        raise InputError(
            f"{file}, [topics.{topic.name}]: outcomes for cohorts, but nothing to compare; write "
            'compared = ["treated", "untreated"] under [conditions], or leave out outcomes'
        )
    required = ("subject", "direction") if topic.compares == "direction" else ("subject", "time")
    missing = [column for column in required if column not in topic.needs]
    if missing:
        raise InputError(
            f"{file}, [topics.{topic.name}]: needs = {list(topic.needs)}; with compares = "
            f"{topic.compares!r} it needs {' and '.join(map(repr, missing))} too"
        )
    _examples(topic, file)


def _examples(topic: Topic, file: Path) -> None:
    """Refuse a template whose invented people would pass for measured ones."""
    rows = list(csv.DictReader(topic.template.splitlines()))
    real = [row["subject"] for row in rows if not is_example(row.get("subject"))]
    if real:
        raise InputError(
            f"{file}, [topics.{topic.name}]: template has a person {real[0]!r}, who would count as "
            "measured; call its people EXAMPLE-1, EXAMPLE-2 ..."
        )


def _made(kind: Any, parsed: Any, file: Path, section: str) -> Any:
    """A dataclass of one section; lists become tuples, other types than its own are refused."""
    fields = kind.__dataclass_fields__
    _only(parsed, tuple(fields), file, f"[{section}]")
    entries: dict[str, Any] = {
        k: tuple(map(str, v)) if isinstance(v, list) else v for k, v in parsed.items()
    }
    wanted = {"str": str, "bool": bool, "tuple[str, ...]": tuple}
    for key, value in entries.items():
        if key in fields and str(fields[key].type).startswith("Mapping"):
            _only(value, tuple(value) if isinstance(value, dict) else (), file, f"{section}.{key}")
            entries[key] = {n: _words(n, w, file, f"{section}.{key}") for n, w in value.items()}
            wanted[str(fields[key].type)] = dict
    for key, value in entries.items():
        if not isinstance(value, wanted[str(fields[key].type)]):
            raise InputError(
                f"{file}, [{section}]: {key} = {value!r}; it needs a {fields[key].type}"
            )
    return kind(**{k: v.lstrip("\n") if isinstance(v, str) else v for k, v in entries.items()})


def _only(parsed: Any, allowed: tuple[str, ...], file: Path, where: str) -> None:
    if not isinstance(parsed, dict):
        raise InputError(f"{file}: {where} is {parsed!r}; it must be a section")
    unknown = [key for key in parsed if key not in allowed]
    if unknown:
        raise InputError(
            f"{file}, {where}: unknown entry {', '.join(unknown)}; allowed: {', '.join(allowed)}"
        )
