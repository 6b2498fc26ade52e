"""`forensics`: every question that the numbers of a printed table raise about one another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from retrostats.common.arrays import table_column, table_of
from retrostats.common.errors import InputError
from retrostats.evidence.printed.forensics import paired, single
from retrostats.evidence.printed.forensics.printed import Array, column
from retrostats.evidence.printed.forensics.wording import frame

if TYPE_CHECKING:
    import pandas as pd

NEEDED = ("row_id", "study_id", "outcome", "n", "mean_text", "spread_text")
TEXTS = (
    "row_id", "study_id", "outcome", "gait", "direction", "speed_printed", "gradient_printed",
    "condition", "arm", "time", "unit", "mean_text", "spread_text", "spread_type", "change_text",
    "change_spread_text", "change_spread_type", "pct_change_text", "p_value_text", "p_operator",
    "p_refers_to",
)  # fmt: skip
NUMBERS = ("n", "mean", "events", "exposure")

#: Words by which a source says that a p compares groups, or belongs to more than one difference.
_OF_GROUPS = r"between|interaction|ancova|overall|main effect|pooled|\bvs\.? control"
_BETWEEN = r"between"


def forensics(
    table: pd.DataFrame,
    *,
    integers: Mapping[str, int] | Collection[str] = (),
    binary: Collection[str] = (),
) -> pd.DataFrame:
    """Ask whether printed means, spreads, n, p-values and percentages can stand together.

    A finding is a question to the source, not a charge: another n for one outcome, a cut-off
    decimal, a test that was not a t-test all raise one. Every number is taken with its whole
    rounding interval, so that honestly rounded numbers raise none (docs/calibration.md).

    Parameters
    ----------
    table : DataFrame
        Printed rows, as `load_published` returns them. Needed: row_id, study_id, outcome, n and
        the printed texts mean_text and spread_text. Used where present: spread_type ("SD", "SE"),
        p_value_text, p_operator, p_refers_to, change_text, change_spread_text,
        change_spread_type, pct_change_text, events, exposure, unit, and the columns that tell
        measurements apart (direction, arm, time, gait, ...). A column `items` declares whole
        numbers row by row, as `integers` does by outcome.
    integers : mapping of str to int, or collection of str
        Outcomes whose scores are whole numbers; a number above 1 says how many whole-number
        items each score averages (the mean of 5 questions: 5).
    binary : collection of str
        Outcomes that are 0 or 1 for each person, with means printed as shares.

    Returns
    -------
    DataFrame
        One row a test and quantity: test ("GRIM", "GRIMMER", "DEBIT", "SD or SE", "p of a change",
        "p of two groups", "percentage", "rate"), study_id, source_rows (row ids, blank between),
        quantity, printed, recomputed, finding ("consistent", "question", "does not apply"),
        question, reason (why a test does not apply).

    Raises
    ------
    InputError
        A needed column is missing, `integers` or `binary` names an outcome that the table does
        not have, or a number of items is not a whole number above 0.

    Notes
    -----
    Two rows are taken as the same people measured twice where they agree in study, outcome, n,
    arm and everything else but time (or but direction), and their p does not speak of groups.
    Two rows are two groups where they differ in arm alone and p_refers_to says "between".
    See docs/mathematics.md, section 16.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"row_id": ["a", "b"], "study_id": "s", "outcome": "rating", "n": 8,
    ...                      "mean_text": ["12.75", "12.71"], "spread_text": ["1.58", "1.58"]})
    >>> found = forensics(rows, integers=["rating"])
    >>> found.loc[found["test"] == "GRIM", ["source_rows", "finding"]].values.tolist()
    [['a', 'consistent'], ['b', 'question']]
    """
    for argument, names in (("integers", integers), ("binary", binary)):
        if isinstance(names, str) or not isinstance(names, Collection):
            raise InputError(f"forensics: {argument}={names!r}; give a list of outcomes")
    rows = _filled(table)
    items = _items(rows, integers, binary)
    is_binary = rows["outcome"].isin(list(_named(rows, "binary", binary))).to_numpy()
    return frame(
        chain(
            single.whole_numbers(rows, items),
            single.zeros_and_ones(rows, is_binary),
            paired.spread_readings(rows),
            single.changes(rows),
            paired.groups(rows),
            paired.percentages(rows),
            single.rates(rows),
        )
    )


def _filled(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that the tests read, empty where the table has none."""
    import pandas as pd

    table = table_of(table, "forensics")
    missing = [name for name in NEEDED if name not in table.columns]
    if missing:
        raise InputError(
            f"forensics: the table has no column {', '.join(missing)}; needed are "
            f"{', '.join(NEEDED)}, as load_published returns them"
        )
    rows = pd.DataFrame(index=range(len(table)))
    for name in TEXTS:
        rows[name] = table[name].fillna("").astype(str).to_numpy() if name in table else ""
    for name in NUMBERS:
        values = table[name] if name in table else pd.Series(np.nan, index=table.index)
        if name in table:
            table_column(table, name, "forensics")
        try:
            rows[name] = values.to_numpy(dtype=float)
        except (TypeError, ValueError):
            raise InputError(
                f"forensics: column {name!r} holds something that is no number; give numbers, "
                "empty (NaN) where none was printed"
            ) from None
    items = table_column(table, "items", "forensics") if "items" in table else np.nan
    rows["items"] = items
    refers = rows["p_refers_to"].str.lower()
    rows["of_groups"] = refers.str.contains(_OF_GROUPS, regex=True)
    rows["between"] = refers.str.contains(_BETWEEN, regex=True)
    # units are standardised: two rows printed in different units differ in this factor
    printed = column(rows["mean_text"]).value
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.round(rows["mean"].to_numpy() / printed, 6)
    rows["print_scale"] = np.where(np.isfinite(scale), scale, 1.0)
    return rows


def _items(
    rows: pd.DataFrame, integers: Mapping[str, int] | Collection[str], binary: Collection[str]
) -> Array:
    """Whole-number items behind each row's scores (m,); NaN where not declared."""
    named = _named(rows, "integers", integers)
    counts = dict(named) if isinstance(named, Mapping) else dict.fromkeys(named, 1)
    counts = {**dict.fromkeys(binary, 1), **counts}
    for outcome, count in counts.items():
        number = isinstance(count, int | float) and not isinstance(count, bool)
        if not number or not count >= 1 or count % 1:
            raise InputError(
                f"forensics: integers[{outcome!r}] is {count!r}; allowed is a whole number of "
                "items of at least 1"
            )
    declared = rows["outcome"].map(counts).to_numpy(dtype=float)
    return np.asarray(np.where(np.isnan(declared), rows["items"].to_numpy(), declared))


def _named(
    rows: pd.DataFrame, argument: str, names: Mapping[str, int] | Collection[str]
) -> Mapping[str, int] | Collection[str]:
    """`names` if the table has them all."""
    unknown = sorted(set(names) - set(rows["outcome"]))
    if unknown:
        raise InputError(
            f"forensics: {argument} names {unknown[0]!r}, which the table does not have; its "
            f"outcomes are {', '.join(sorted(set(rows['outcome']))[:8])}, ..."
        )
    return names
