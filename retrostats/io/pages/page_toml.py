"""The page of an audit: TOML that says what is claimed and compared; no Python runs from it."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrostats.common.errors import InputError
from retrostats.common.vocabulary import Conditions, Post
from retrostats.io.pages import page as words
from retrostats.io.pages.page import OpenPrior, PageClaim, true_if
from retrostats.io.pages.problems import Problems, unknown_entry
from retrostats.io.tables.files import decode, read_bytes, shown_name
from retrostats.io.tables.words import plain

_ID = re.compile(r"[a-z][a-z0-9_]*")
#: What an element of a retelling may be found to be, as a page and as the tables say it.
AGREES = {True: "yes", False: "no", "not measured": "not measured", "unknown": "unknown"}
_WITHIN = ("mean", "first")


@dataclass(frozen=True, slots=True)
class PageHead:
    """What the page alone says; `Page` has it with the table."""

    title: str
    subject: str
    source: Post
    conditions: Conditions
    claims: tuple[PageClaim, ...]
    retold: tuple[Mapping[str, str], ...]
    open: Mapping[str, OpenPrior]


@dataclass(slots=True)
class _Reader:
    """Entries of one page, with the problems that they have."""

    file: str
    problems: Problems = field(default_factory=Problems)

    def section(self, parsed: Any, allowed: tuple[str, ...], at: str) -> Mapping[str, Any]:
        """A section with known entries; empty, with a problem, where it is none."""
        where = f"{self.file}, {at}" if at else self.file
        if not isinstance(parsed, dict):
            self.problems.add(f"{where} is {parsed!r}; it must be a section of entries")
            return {}
        for name in parsed:
            if allowed and name not in allowed:
                self.problems.add(unknown_entry(where, name, allowed))
        return parsed

    def text(self, section: Mapping[str, Any], name: str, at: str, *, needed: str = "") -> str:
        """A text; `needed` says what to write where it may not be empty."""
        value = section.get(name, "")
        where = f"{self.file}, {at}" if at else self.file
        if not isinstance(value, str):
            if not isinstance(value, bool | list | dict):  # a date or a year, unquoted
                return str(value)
            self.problems.add(f'{where}: {name} = {value!r}; it needs a text: {name} = "..."')
            return ""
        if needed and not value.strip():
            self.problems.add(f"{where}: {name} is missing; write {needed}")
        return " ".join(value.split())

    def number(self, section: Mapping[str, Any], name: str, at: str) -> float:
        """A finite number; NaN where there is none."""
        value = section.get(name, math.nan)
        fine = isinstance(value, int | float) and not isinstance(value, bool)
        if not fine or math.isinf(value):
            self.problems.add(f"{self.file}, {at}: {name} = {value!r}; it needs a number")
            return math.nan
        return float(value)

    def texts(self, section: Mapping[str, Any], name: str, at: str) -> tuple[str, ...]:
        """A list of texts."""
        value = section.get(name, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() for v in value):
            self.problems.add(
                f'{self.file}, {at}: {name} = {value!r}; it needs a list of texts: ["...", "..."]'
            )
            return ()
        return tuple(value)


def read_page_toml(file: Path, problems: Problems) -> PageHead:
    """The page, checked entry by entry; what is wrong is added to `problems`.

    Raises
    ------
    InputError
        The file cannot be read or is no TOML: nothing else can be said of it.
    """
    name = shown_name(file)
    text, _ = decode(name, read_bytes(file))
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(
            f"{name}: not a TOML page ({error}); texts stand in quotes, and a list in [ ]"
        ) from None
    read = _Reader(name, problems)
    read.section(parsed, words.TOP, "")
    conditions = _conditions(read, parsed)
    claims = read.section(parsed.get("claims", {}), (), "[claims]")
    if not claims:
        problems.add(
            f"{name}: no claim; write a section [claims.NAME] with says, measure and true_if"
        )
    return PageHead(
        title=read.text(parsed, "title", "", needed='title = "..." on the first line'),
        subject=read.text(parsed, "subject", ""),
        source=_source(read, parsed.get("source", {})),
        conditions=conditions,
        claims=tuple(_claim(read, key, entry) for key, entry in claims.items()),
        retold=_retold(read, parsed.get("retold", [])),
        open=_open(read, parsed.get("open", {})),
    )


def _conditions(read: _Reader, parsed: Mapping[str, Any]) -> Conditions:
    """The two conditions, with synonyms in the direction that the page writes them."""
    compared = read.texts(parsed, "compared", "compared")
    if len(compared) == 1 and _of_one_group(parsed):
        return Conditions(compared[0], "", "")
    if len(compared) != 2 or plain(compared[0]) == plain(compared[-1]):
        read.problems.add(
            f"{read.file}: compared = {list(compared)!r}; give two names, the first against the "
            'second: compared = ["treated", "untreated"]'
        )
        return Conditions()
    also = read.section(parsed.get("also", {}), compared, "also")
    synonyms = {name: read.texts(also, name, "also") for name in also if name in compared}
    stands: dict[str, str] = {}
    for name in compared:
        for word in (name, *synonyms.get(name, ())):
            if stands.setdefault(plain(word), name) != name:
                read.problems.add(
                    f"{read.file}, also: {word!r} stands for {stands[plain(word)]} and for {name}; "
                    "leave it out of one"
                )
    return Conditions(compared[0], compared[1], compared[1], synonyms)


def _of_one_group(parsed: Mapping[str, Any]) -> bool:
    """Whether every claim of a page is on a proportion, so that nothing is compared."""
    claims = parsed.get("claims")
    entries = list(claims.values()) if isinstance(claims, dict) else []
    measures = [entry.get("measure") for entry in entries if isinstance(entry, dict)]
    return bool(entries) and all(plain(str(m)) == "proportion" for m in measures)


def _source(read: _Reader, parsed: Any) -> Post:
    section = read.section(parsed, words.SOURCE, "source")
    doi, url = (read.text(section, name, "source") for name in ("doi", "url"))
    address = url or (f"https://doi.org/{bare_doi(doi)}" if doi else "")
    return Post(
        name=read.text(section, "name", "source"),
        date=read.text(section, "date", "source"),
        address=address,
        kind=read.text(section, "kind", "source") or "source",
    )


def bare_doi(text: str) -> str:
    """A DOI without the address before it.

    Examples
    --------
    >>> bare_doi("https://doi.org/10.1177/0363546511419277")
    '10.1177/0363546511419277'
    """
    return re.sub(r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", "", text.strip(), flags=re.I)


def _claim(read: _Reader, key: str, parsed: Any) -> PageClaim:
    at = f"[claims.{key}]"
    where = f"{read.file}, {at}"
    section = read.section(parsed, words.CLAIM, at)
    if not _ID.fullmatch(key):
        read.problems.add(f"{where}: allowed is a name of a-z, 0-9 and _, as [claims.halves]")
    cause = section.get("cause", None)
    if not isinstance(cause, bool):
        found = "is missing" if cause is None else f"= {cause!r}"
        read.problems.add(
            f"{where}: cause {found}; write cause = true where the claim says that the first "
            "condition brings the effect about, cause = false where it describes what was seen"
        )
    size = words.TrueIf(-math.inf, math.inf)
    said = read.text(section, "true_if", at, needed="""true_if = "below 1" or "0.45 to 0.55\"""")
    if said:
        with read.problems.collected():
            size = true_if(said, where)
    better = read.text(section, "better", at)
    if better and better not in words.BETTER:
        read.problems.add(f"{where}: better = {better!r}; allowed: {', '.join(words.BETTER)}")
    prior = read.section(section.get("prior", {}), words.PRIOR, f"[claims.{key}.prior]")
    scale = read.number(prior, "scale", at) if prior else math.nan
    because = read.text(prior, "because", at)
    if prior and not (scale > 0 and because):
        read.problems.add(f'{where}: prior needs scale = (above 0) and because = "a reason"')
    return PageClaim(
        claim_id=key,
        says=read.text(section, "says", at, needed='says = "the claim in your own words"'),
        by=read.text(section, "by", at),
        cause=cause is True,
        measure=read.text(section, "measure", at, needed='measure = "ratio of means" or another'),
        true_if=size,
        because=read.text(
            section, "because", at, needed="because = why that range would make the claim true"
        ),
        better=better,
        mixing=read.texts(section, "mixing", at),
        within_study=_within_study(read, section, where),
        cohort=_cohort(read, section, key),
        fidelity=_fidelity(read, section, key),
        absolute=_absolute(read, section, key),
        prior_scale=scale,
        prior_because=because,
        moderator=read.text(section, "moderator", at).removeprefix(words.MODERATOR),
        cites=read.text(section, "cites", at),
    )


def _within_study(read: _Reader, section: Mapping[str, Any], where: str) -> str | float:
    value = section.get("within_study", "")
    if value in ("", *_WITHIN):
        return str(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    read.problems.add(
        f'{where}: within_study = {value!r}; allowed: "mean" (rows of one study are averaged, as '
        'if perfectly correlated), "first" (the first row counts), or their correlation, 0 to 1'
    )
    return ""


def _cohort(read: _Reader, section: Mapping[str, Any], key: str) -> dict[str, str]:
    at = f"[claims.{key}], cohort"
    if "cohort" not in section:
        return {}
    entry = read.section(section["cohort"], words.COHORT, at)
    found = {name: read.text(entry, name, at) for name in entry if name in words.COHORT}
    if not found.get("outcome"):
        read.problems.add(
            f'{read.file}, {at}: outcome is missing; write cohort = {{ outcome = "column" }}'
        )
        return {}
    return found


def _fidelity(read: _Reader, section: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    at = f"[claims.{key}.fidelity]"
    found = {}
    for element, entry in read.section(section.get("fidelity", {}), (), at).items():
        inner = read.section(entry, words.FIDELITY, f"{at}, {element!r}")
        agrees = inner.get("agrees")
        if not isinstance(agrees, bool | str) or agrees not in AGREES:
            read.problems.add(
                f"{read.file}, {at}, {element!r}: agrees = {agrees!r}; allowed: true, false, "
                '"not measured" (the source did not), "unknown" (could not be checked)'
            )
            continue
        found[element] = {
            "claimed": read.text(inner, "claimed", at),
            "source": read.text(inner, "source", at),
            "agrees": AGREES[agrees],
            "rows": read.texts(inner, "rows", at),
        }
    return found


def _absolute(read: _Reader, section: Mapping[str, Any], key: str) -> dict[str, dict[str, Any]]:
    at = f"[claims.{key}.absolute]"
    found = {}
    for outcome, entry in read.section(section.get("absolute", {}), (), at).items():
        inner = read.section(entry, words.ABSOLUTE, f"{at}, {outcome!r}")
        row = read.text(inner, "row", at, needed="row = the study whose second condition it is")
        per = read.number(inner, "per", at) if "per" in inner else math.nan
        texts = {name: read.text(inner, name, at) for name in ("unit", "typical", "why")}
        found[outcome] = {"row": row, "per": per, **texts}
    return found


def _retold(read: _Reader, parsed: Any) -> tuple[dict[str, str], ...]:
    if not isinstance(parsed, list):
        read.problems.add(f"{read.file}: retold is a section; write [[retold]], one a retelling")
        return ()
    found = []
    for number, entry in enumerate(parsed, 1):
        at = f"[[retold]] {number}"
        section = read.section(entry, words.RETOLD, at)
        read.text(section, "source", at, needed="source = who retells")
        found.append({name: read.text(section, name, at) for name in words.RETOLD})
    _check_descent(read, {entry["source"]: entry["parent"] for entry in found}, len(found))
    return tuple(found)


def _check_descent(read: _Reader, parents: Mapping[str, str], retellings: int) -> None:
    """Every retelling is there once, its parent is another, and none descends from itself."""
    if len(parents) < retellings:
        read.problems.add(
            f"{read.file}, [[retold]]: two entries have one source; name each retelling once"
        )
    for source, parent in parents.items():
        at = f"{read.file}, [[retold]] {source!r}, parent"
        if parent and parent not in parents:
            message = unknown_entry(at, parent, tuple(parents))
            read.problems.add(message.replace("unknown entry", "no retelling of the source"))
            continue
        line = [source]
        while parent and parent not in line:
            line.append(parent)
            parent = parents.get(parent, "")
        if parent == source:
            read.problems.add(
                f"{at}: {' <- '.join([*line, source])} is a cycle; a retelling has an earlier one "
                "as its parent, and the first has none"
            )


def _open(read: _Reader, parsed: Any) -> dict[str, OpenPrior]:
    found = {}
    for name, entry in read.section(parsed, (), "[open]").items():
        at = f"[open.{name}]"
        section = read.section(entry, words.OPEN, at)
        numbers = {
            key: read.number(section, key, at)
            for key in section
            if key in words.OPEN and key not in ("why", "source")
        }
        why = read.text(section, "why", at, needed="why = the reason of this prior")
        source = read.text(section, "source", at, needed="source = where it comes from")
        found[name] = OpenPrior(name, numbers, why, source)
        _check_prior(read, found[name], at)
    return found


def _check_prior(read: _Reader, prior: OpenPrior, at: str) -> None:
    """A prior states a correlation (mean and sd of Fisher's z), a spread, or the largest CV."""
    numbers = prior.numbers
    normal = {"mean", "sd"} <= set(numbers) and numbers["sd"] > 0
    spread = numbers.get("median", 0.0) > 0
    bound = numbers.get("cv_high", 0.0) > 0
    fine = normal if prior.name == words.CORRELATION else normal or spread or bound
    if not fine:
        read.problems.add(
            f"{read.file}, {at}: found {', '.join(numbers) or 'no number'}; allowed: mean and sd "
            "above 0 (of Fisher's z of a correlation)"
            + ("" if prior.name == words.CORRELATION else
               ", median with log_sd, low and high (of the SD between people, on the model's "
               "scale), or cv_high (largest coefficient of variation)")
        )  # fmt: skip
