"""One finding about a file: where, what was found, what is allowed, what to do."""

from __future__ import annotations

from dataclasses import dataclass


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

    def __str__(self) -> str:
        where = ", ".join(filter(None, (self.file, self.row and f"row {self.row}", self.column)))
        return f"{where}: found {self.found}; allowed {self.allowed}; {self.action}"
