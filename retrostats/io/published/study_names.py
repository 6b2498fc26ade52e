"""Short names of studies, so that no reader is shown an identifier."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

#: Longest name made of a citation without an author's name in front.
LONGEST = 60


def study_labels(studies: Iterable[Mapping[Any, Any]]) -> dict[str, str]:
    """Name of each study by its id: its label, author and year, or how its citation begins.

    Examples
    --------
    >>> study_labels([
    ...     {"study_id": "silversgranelli2015", "citation": "Silvers-Granelli et al. AJSM 2015"},
    ...     {"study_id": "bws_abstract", "citation": "Influence of support (authors not seen)"},
    ... ])
    {'silversgranelli2015': 'Silvers-Granelli 2015', 'bws_abstract': 'Influence of support'}
    """
    labels: dict[str, str] = {}
    for study in studies:
        own = str(study.get("label", "") or "")
        label = own or _label(str(study["study_id"]), str(study["citation"] or ""))
        year = str(study.get("year", "")).removesuffix(".0").removesuffix("nan")
        label = label if not year or year in label else f"{label.removesuffix('.')} {year}"
        twins = sum(known == label for known in labels.values())
        labels[str(study["study_id"])] = f"{label} ({twins + 1})" if twins else label
    return labels


def _label(study_id: str, citation: str) -> str:
    parts = re.fullmatch(r"([a-z]+)(\d{4})", study_id)
    if parts:
        for end in range(len(parts[1]), min(len(citation), len(parts[1]) + 4) + 1):
            if re.sub(r"[^a-z]", "", citation[:end].lower()) == parts[1]:
                return f"{citation[:end].strip()} {parts[2]}"
    begin = re.split(r"\s*\(|\. (?=[A-Z])", citation, maxsplit=1)[0].strip()
    if len(begin) <= LONGEST:
        return begin or "source without a citation"
    return f"{begin[:LONGEST].rsplit(' ', 1)[0]} \N{HORIZONTAL ELLIPSIS}"
