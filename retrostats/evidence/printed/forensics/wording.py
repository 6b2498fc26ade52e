"""One tidy row a finding, worded as a question to the source and never as a charge."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "test", "study_id", "source_rows", "quantity", "printed", "recomputed", "finding", "question",
    "reason",
)  # fmt: skip
CONSISTENT, QUESTION, SILENT = "consistent", "question", "does not apply"
Row = tuple[str, str, str, str, str, str, str, str, str]


def row(
    test: str, study_id: str, source_rows: str, quantity: str, printed: str, recomputed: str = "",
    *, question: str = "", reason: str = "",
) -> Row:  # fmt: skip
    """A finding: a question if there is one, silence with its reason, or consistency."""
    finding = QUESTION if question else SILENT if reason else CONSISTENT
    return test, study_id, source_rows, quantity, printed, recomputed, finding, question, reason


def frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Findings as a table with the columns `COLUMNS`."""
    import pandas as pd

    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(str)


def span(low: float, high: float) -> str:
    """A recomputed range."""
    return f"{low:.4g}" if f"{low:.4g}" == f"{high:.4g}" else f"{low:.4g} to {high:.4g}"
