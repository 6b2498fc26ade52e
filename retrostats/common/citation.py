"""How to cite the package: from CITATION.cff, so that there is one place for it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrostats.common.errors import InputError
from retrostats.common.resources import citation_file


@dataclass(frozen=True, slots=True)
class Citation:
    """Title, authors, version and year of the package; shown as a sentence.

    Attributes
    ----------
    title, authors, version, year : str
    """

    title: str
    authors: str
    version: str
    year: str

    def bibtex(self) -> str:
        """Entry for a bibliography."""
        fields = {
            "title": f"{{{self.title}}}",
            "author": f"{{{{{self.authors}}}}}",
            "version": f"{{{self.version}}}",
            "year": f"{{{self.year}}}",
        }
        lines = ",\n".join(f"  {name} = {value}" for name, value in fields.items())
        return f"@software{{retrostats,\n{lines}\n}}"

    def __repr__(self) -> str:
        """One sentence."""
        return f"{self.authors} ({self.year}). {self.title}. Version {self.version}."


def cite() -> Citation:
    """How to cite the package; the replicated studies are in `Replication.studies`.

    Raises
    ------
    InputError
        The installation lacks its citation file.

    Examples
    --------
    >>> cite().authors
    'The retrostats developers'
    >>> cite().bibtex().splitlines()[0]
    '@software{retrostats,'
    """
    try:
        text = citation_file().read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"CITATION.cff: {error.strerror}; install the package anew") from None
    head = text.partition("\nreferences:")[0]
    return Citation(
        _field(head, "title"),
        _field(head, r"authors:\s*-\s*name"),
        _field(head, "version"),
        _field(head, "date-released")[:4],
    )


def _field(text: str, name: str) -> str:
    found = re.search(rf'(?m)^\s*{name}:\s*"?([^"\n]+)"?\s*$', text)
    if not found:
        raise InputError(f"CITATION.cff: no {name}; install the package anew")
    return found[1].strip()
