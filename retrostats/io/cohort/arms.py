"""The arm of each person: one for all of their rows, also where some rows leave it blank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd


def with_arms(frame: pd.DataFrame, file: str, problems: list[Problem]) -> pd.DataFrame:
    """Blank arms filled from the person's other rows; people without any are told.

    Examples
    --------
    >>> import pandas as pd
    >>> noticed = []
    >>> rows = pd.DataFrame({"subject": ["a", "a", "b"], "arm": ["x", None, None]})
    >>> with_arms(rows, "", noticed)["arm"].fillna("").tolist(), [p.level for p in noticed]
    (['x', 'x', ''], ['repair', 'warning'])
    """
    if not {"arm", "subject"} <= set(frame) or frame["arm"].isna().all():
        return frame
    blank = frame["arm"].isna()
    if not blank.any():
        return frame
    stated = frame.dropna(subset=["arm", "subject"]).groupby("subject", observed=True)["arm"]
    one = stated.first()[stated.nunique() == 1]  # people in two arms are an error of their own
    filled = frame["arm"].where(~blank, frame["subject"].map(one))
    mended = int((blank & filled.notna()).sum())
    if mended:
        problems.append(
            Problem("repair", file, "", "arm", f"{mended} blank cells", "",
                    "filled from the person's other rows")
        )  # fmt: skip
    without = frame.loc[filled.isna(), "subject"].dropna().unique()
    if len(without):
        problems.append(
            Problem("warning", file, "", "arm", f"{len(without)} people without an arm, as "
                    f"{without[0]!r}", "one arm each", "they enter no arm; write it in their rows")
        )  # fmt: skip
    return frame.assign(arm=filled)
