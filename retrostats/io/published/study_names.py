"""Short names of studies, so that no reader is shown an identifier."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

#: Longest name made of a citation without an author's name in front.
LONGEST = 100
#: A surname, of one word or with particles, and initials after it: "van der Horst N", "Lee H-J".
_PARTICLES = r"(?:(?:van|von|de|der|den|di|da|dos|la|le|al|el|ten|ter) )*"
_SURNAME = rf"{_PARTICLES}[^\W\d_a-z][\w'\u2019-]+"
_AUTHOR = re.compile(rf"({_SURNAME}(?: {_SURNAME}){{0,2}}) [A-Z](?:-?[A-Z]){{0,3}}")
_AND_OTHERS = re.compile(
    rf"({_SURNAME}(?: {_SURNAME}){{0,2}}?)(?: [A-Z](?:-?[A-Z]){{0,3}})?,? (?:et al\b|and others\b)"
)
_YEAR = re.compile(r" (?:19|20)\d\d$")
#: Where the volume begins in what is cited by its journal alone: "J Athl Train 2021;56".
_VOLUME = re.compile(r"(?<=\b(?:19|20)\d\d);")


def study_labels(studies: Iterable[Mapping[Any, Any]]) -> dict[str, str]:
    """Name of each study by its id: its label, first author and year, or how its citation begins.

    Examples
    --------
    >>> study_labels([
    ...     {"study_id": "silversgranelli2015", "citation": "Silvers-Granelli et al. AJSM 2015"},
    ...     {"study_id": "bws_abstract", "citation": "Influence of support (authors not seen)"},
    ... ])
    {'silversgranelli2015': 'Silvers-Granelli 2015', 'bws_abstract': 'Influence of support'}
    >>> study_labels([
    ...     {"study_id": "one", "citation": "van der Horst N, Lee H-J 2015. A trial"},
    ...     {"study_id": "two", "citation": "J Athl Train 2021;56(7):629 (authors not seen)"},
    ... ])
    {'one': 'van der Horst 2015', 'two': 'J Athl Train 2021'}
    """
    labels: dict[str, str] = {}
    taken: Counter[str] = Counter()
    for study in studies:
        own = str(study.get("label", "") or "")
        label = own or _label(str(study["study_id"]), str(study["citation"] or ""))
        year = str(study.get("year", "")).removesuffix(".0").removesuffix("nan")
        label = label if not year or year in label else f"{label.removesuffix('.')} {year}"
        twins, key = taken[label], str(study["study_id"])
        taken[labels.get(key, "")] -= 1
        labels[key] = f"{label} ({twins + 1})" if twins else label
        taken[labels[key]] += 1
    return labels


def _label(study_id: str, citation: str) -> str:
    year = re.search(r"[a-z](\d{4})$", study_id)
    if author := _first_author(citation):
        return f"{author} {year[1]}" if year and year[1] not in author else author
    parts = re.fullmatch(r"([a-z]+)(\d{4})", study_id)
    if parts:
        for end in range(len(parts[1]), min(len(citation), len(parts[1]) + 4) + 1):
            if re.sub(r"[^a-z]", "", citation[:end].lower()) == parts[1]:
                return f"{citation[:end].strip()} {parts[2]}"
    begin = re.split(r"\s*\(|\. (?=[A-Z])", citation, maxsplit=1)[0].strip()
    begin = _VOLUME.split(begin, maxsplit=1)[0]
    if len(begin) <= LONGEST:
        return begin or "source without a citation"
    return f"{begin[:LONGEST].rsplit(' ', 1)[0]} \N{HORIZONTAL ELLIPSIS}"


def _first_author(citation: str) -> str:
    """Surname of the first author, with the year after the authors, where a citation begins so."""
    if others := _AND_OTHERS.match(citation):
        return others[1]
    begin = re.split(r"\s*\(|\. (?=[A-Z])|\.?$", citation, maxsplit=1)[0].strip()
    year = _YEAR.search(begin)
    listed = _YEAR.sub("", begin).split(", ")
    author = _AUTHOR.fullmatch(listed[0])
    if author or (len(listed) > 1 and all(re.fullmatch(_SURNAME, name) for name in listed)):
        return (author[1] if author else listed[0]) + (year[0] if year else "")
    return ""
