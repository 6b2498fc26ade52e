"""Everything that is wrong with a file, gathered: a reader wants all of it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from retrostats.common.errors import InputError, NotIdentified
from retrostats.common.nearest import nearest

#: Most problems that one message lists.
MOST = 20


@dataclass(slots=True)
class Problems:
    """What was found wrong, in order.

    Attributes
    ----------
    found
        One sentence each: place, what was found, what is allowed, what to do next.

    Examples
    --------
    >>> problems = Problems()
    >>> problems.add("a.csv, row 2: study is empty; name the study")
    >>> problems.refuse()
    Traceback (most recent call last):
    retrostats.common.errors.InputError: a.csv, row 2: study is empty; name the study
    """

    found: list[str] = field(default_factory=list)

    def add(self, message: str) -> None:
        """One problem more, once."""
        if message not in self.found:
            self.found.append(message)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Take what is refused inside as one problem more and go on."""
        try:
            yield
        except (InputError, NotIdentified) as error:
            self.add(str(error))

    def refuse(self) -> None:
        """Raise one message with all of them.

        Raises
        ------
        InputError
            Where there is one or more.
        """
        if not self.found:
            return
        if len(self.found) == 1:
            raise InputError(self.found[0])
        shown = self.found[:MOST]
        rest = len(self.found) - len(shown)
        more = [f"and {rest} more"] if rest else []
        lines = "\n".join(f"  {line}" for line in [*shown, *more])
        raise InputError(f"{len(self.found)} things to correct:\n{lines}")


def unknown_entry(where: str, found: str, allowed: tuple[str, ...]) -> str:
    """What is said of an entry or a column that is not known, with the nearest that is.

    Examples
    --------
    >>> unknown_entry("a.toml, [claims.b]", "mesure", ("measure", "says"))
    "a.toml, [claims.b]: unknown entry 'mesure'; did you mean 'measure'? Allowed: measure, says"
    """
    start = found.partition("_")[0]
    alike = [name for name in allowed if "_" in name and name.partition("_")[0] == start]
    near = nearest(found, allowed) or (alike[0] if len(alike) == 1 else None)
    hint = f"did you mean {near!r}? " if near else ""
    return f"{where}: unknown entry {found!r}; {hint}Allowed: {', '.join(allowed)}"
