"""One finding about a file: where, what was found, what is allowed, what to do."""

from __future__ import annotations

from dataclasses import dataclass

#: The gravest first.
LEVELS = ("error", "warning", "repair", "guess")


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding: "error" stops, "repair" and "guess" are listed, "warning" is worth a look."""

    level: str
    file: str
    row: str
    column: str
    found: str
    allowed: str
    action: str

    @property
    def where(self) -> str:
        """File with its sheet, row and column."""
        rows = self.row and f"row{'' if self.row.isdecimal() else 's'} {self.row}"
        return ", ".join(filter(None, (self.file, rows, self.column)))

    @property
    def names_itself(self) -> bool:
        """Whether what was found is the column's own header."""
        return self.found == self.column

    @property
    def of_columns(self) -> bool:
        """Whether it is one of several headers of which the same is said."""
        return self.names_itself or self.found.startswith("an unknown header")

    @property
    def line(self) -> str:
        """One line for an account: level, where, what was found unless it is the header, action."""
        said = self.action if self.names_itself else f"{self.found}; {self.action}"
        return f"{self.level}: {self.where}: {said}"

    def __str__(self) -> str:
        allowed = f"; allowed {self.allowed}" if self.allowed else ""
        return f"{self.where}: found {self.found}{allowed}; {self.action}"
