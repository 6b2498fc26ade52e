"""What a reader takes along: a methods paragraph and a bibliography, ready to copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from retrostats.common.citation import cite
from retrostats.report.page import format as fmt

#: The bibliography of a data package, where it has one.
BIBLIOGRAPHY = "references.bib"
_ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*?^\}$", re.MULTILINE | re.DOTALL)


def methods_paragraph(replication: Any) -> str:
    """What was done, in the words of a methods section, from the run itself."""
    run, post = replication.provenance, replication.audit.post
    kind = getattr(post, "kind", "post")
    named = f" of the {kind} “{post.name}”" if post.name else ""
    studies = replication.sources["study_id"].nunique()
    count = len(replication.verdicts)
    noun, rest = ("claim", "it rests") if count == 1 else ("claims", "they rest")
    parts = [
        f"We checked {count} {noun}{named} against the studies {rest} on, "
        f"with retrostats {run.get('retrostats', '')}. What would make each claim true was fixed "
        f"before any result was computed. {len(replication.sources)} printed results of {studies} "
        "sources were used.",
        *(
            f"{analysis['title']}. {' '.join(analysis['methods'])}"
            for analysis in replication.analyses
        ),
        "Everything that the sources do not print (rounding, correlations, spreads, readings of "
        "ambiguous words, which sources count) was moved jointly over all that is compatible with "
        "what they do print; the outermost limits of the 95% interval were found by optimisation"
        + (f", shares of verdicts from {run['draws']:,} draws" if run.get("draws") else "")
        + "; they stand beside each answer and decide nothing. A verdict is the probability of the "
        "side or the range that is claimed, given every source, with the variance between studies "
        "and what is not printed averaged over priors; a label is a word for it, and supported or "
        "contradicted needs the lowest probability over the declared choices. Certainty follows "
        "stated rules over the domains of GRADE.",
    ]
    return "\n\n".join(parts)


def bibliography(replication: Any, studies: Iterable[Mapping[str, Any]]) -> str:
    """BibTeX of the package and of every study used that the audit's bibliography holds."""
    wanted = {fmt.text(study["study_id"]) for study in studies}
    folder = getattr(replication.audit, "data", None)
    file = folder / BIBLIOGRAPHY if folder else None
    known = file.read_text(encoding="utf-8") if file and file.is_file() else ""
    entries = [met[0] for met in _ENTRY.finditer(known) if met[1] in wanted]
    return "\n\n".join([cite().bibtex(), *entries])
