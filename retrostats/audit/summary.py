"""Summary of findings: what the effect behind each claim comes to for a typical person or team.

A ratio r on a level b is a difference of b (r - 1); a change of c per cent of a level is b c / 100.
The level is a printed number that the audit names in `absolute.csv`, with what it stands for; it is
taken as known, so the limits carry the uncertainty of the effect alone (Guyatt and others 2013,
J Clin Epidemiol 66:158, on absolute effects in tables of findings).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from retrostats.audit.answer import NO_COMPARISON
from retrostats.audit.grade_words import finding
from retrostats.common.arrays import records_of
from retrostats.common.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: The audit's table of levels.
ABSOLUTE = "absolute"
#: What a row takes from its posterior.
ANSWERED = ("estimate", "conf_low", "conf_high", "role")
LIMITS = ("estimate", "conf_low", "conf_high", "sens_low", "sens_high")
ABSOLUTES = ("absolute", "absolute_low", "absolute_high", "absolute_sens_low", "absolute_sens_high")
COLUMNS = (
    "analysis", "claim_id", "statement", "finding", "outcome", "estimate_id", *LIMITS, "basis",
    "scale", "unit", "level", "level_unit", "level_of", "level_why", "level_rows", *ABSOLUTES,
    "absolute_unit", "people", "studies", "own_cohorts", "certainty", "directness", "answer",
)  # fmt: skip


def summary_frame(
    verdicts: pd.DataFrame,
    estimates: pd.DataFrame,
    published: pd.DataFrame,
    levels: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """One row a claim and outcome: effect, what it comes to, people, studies and certainty.

    Parameters
    ----------
    verdicts, estimates, published
        Frames of a replication; all printed rows by `row_id`.
    levels
        The audit's table `absolute`: claim_id, estimate_id, outcome, row_id, column, per_row_id,
        per_column, factor, unit, typical, why and, where the level has another unit than the
        effect, level_unit. Without a row_id the effect is absolute already.

    Returns
    -------
    DataFrame
        `COLUMNS`. Estimate and interval are the answer's posterior where a row has one, else the
        row's own (`basis` is the role). A claim that the table does not name has the row of its
        verdict; one without any estimate has its verdict's labels in `answer` and no numbers. A
        level of an estimate that does not judge the claim is left out: it is of another effect, as
        is a change without a comparison beside a cause.

    Raises
    ------
    InputError
        A level that names a row that was not printed, or a cell without a number.
    """
    import pandas as pd

    printed = published.set_index("row_id")
    by_id = {str(row["estimate_id"]): row for row in records_of(estimates)}
    named = records_of(levels) if levels is not None else []
    found = []
    for verdict in records_of(verdicts):
        mine = [
            (by_id[str(level["estimate_id"])], level)
            for level in named
            if level["claim_id"] == verdict["claim_id"]
            and _judges(by_id.get(str(level["estimate_id"]), {}), verdict)
        ]
        judging = by_id.get(str(verdict["estimate_id"]), {})
        if not mine and _judges(judging, verdict):
            mine = [(judging, {})]
        found += [
            _row(verdict, _answered(row, by_id), level, printed, by_id.values())
            for row, level in mine
        ]
        if not mine:
            found.append(_row(verdict, {}, {}, printed, ()))
    return pd.DataFrame(found, columns=list(COLUMNS))


def _answered(row: Mapping[str, Any], by_id: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The row with the numbers of its posterior, where it has one."""
    posterior = by_id.get(f"{row['estimate_id']}-posterior")
    if posterior is None:
        return row
    return {**row, **{name: posterior[name] for name in ANSWERED}}


def _row(
    verdict: Mapping[str, Any],
    estimate: Mapping[str, Any],
    level: Mapping[str, Any],
    printed: pd.DataFrame,
    rows: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    base, used = _level(level, printed) if _text(level.get("row_id")) else (math.nan, [])
    values = [float(estimate.get(name, math.nan)) for name in LIMITS]
    scale = str(estimate.get("scale", ""))
    sources = set(_text(estimate.get("source_rows")).split("; ")) - {""}
    count = user_cohort_count(rows, verdict["claim_id"])
    return {
        "analysis": verdict["analysis"],
        "claim_id": verdict["claim_id"],
        "statement": verdict["statement"],
        "finding": finding(verdict),
        "outcome": _text(level.get("outcome")) or _text(estimate.get("label")),
        "estimate_id": _text(estimate.get("estimate_id")),
        **dict(zip(LIMITS, values, strict=True)),
        "basis": _text(estimate.get("role")),
        "scale": scale,
        "unit": _text(estimate.get("unit")),
        "level": base,
        "level_unit": _text(level.get("level_unit")) or _text(level.get("unit")),
        "level_of": _text(level.get("typical")),
        "level_why": _text(level.get("why")),
        "level_rows": "; ".join(used),
        **dict(zip(ABSOLUTES, _absolute(values, scale, base, known=bool(level)), strict=True)),
        "absolute_unit": _text(level.get("unit")),
        "people": float(estimate.get("n", math.nan)),
        "studies": len({printed.at[row, "study_id"] for row in sources if row in printed.index}),
        "own_cohorts": count,
        "certainty": _certainty(verdict),
        "directness": _text(estimate.get("directness")),
        "answer": _answer(verdict),
    }  # fmt: skip


def _judges(estimate: Mapping[str, Any], verdict: Mapping[str, Any]) -> bool:
    """Whether an estimate is one of the claim, not of something beside it."""
    if (
        NO_COMPARISON in _text(verdict.get("direction_reason"))
        and verdict["estimate"] != verdict["estimate"]
    ):
        return False  # what was seen in one group is no effect of what is claimed as its cause
    return bool(estimate) and (
        estimate.get("claim_id") == verdict["claim_id"]
        or estimate["estimate_id"] == verdict["estimate_id"]
    )


def _certainty(verdict: Mapping[str, Any]) -> str:
    """Of the direction, or of the size where no direction is claimed."""
    return _text(verdict.get("certainty_direction")) or _text(verdict.get("certainty_size"))


def user_cohort_count(rows: Iterable[Mapping[str, Any]], claim_id: str) -> int:
    """How many of a reader's own cohorts are pooled for a claim, from rows of the estimates."""
    return sum(
        row["role"] == "cohort" and bool(row["pooled"]) and row["claim_id"] == claim_id
        for row in rows
    )


def _absolute(values: Sequence[float], scale: str, level: float, *, known: bool) -> list[float]:
    if not known:
        return [math.nan] * len(values)
    if scale == "difference":
        return [v if math.isnan(level) else level * v / 100 for v in values]
    return [level * (v - 1) for v in values]


def _level(level: Mapping[str, Any], printed: pd.DataFrame) -> tuple[float, list[str]]:
    """The level a row of the table names, and the printed rows it comes from."""
    names = [_text(level["row_id"])]
    value = _cell(level, printed, names[0], _text(level["column"]))
    if per := _text(level.get("per_row_id")):
        names.append(per)
        value /= _cell(level, printed, per, _text(level["per_column"]))
    return value * float(level["factor"]), list(dict.fromkeys(names))


def _cell(level: Mapping[str, Any], printed: pd.DataFrame, row: str, column: str) -> float:
    where = f"absolute.csv, {level['claim_id']} and {level['estimate_id']}"
    if row not in printed.index:
        raise InputError(f"{where}: no printed row {row!r}; give the row_id of a published row")
    found: Any = printed.at[row, column] if column in printed else math.nan
    value = math.nan if isinstance(found, str) else float(found)
    if not math.isfinite(value) or value == 0:
        raise InputError(
            f"{where}: column {column!r} of row {row} holds no number that is not zero; "
            "name one that does, such as mean or events"
        )
    return value


def _answer(verdict: Mapping[str, Any]) -> str:
    direction, size = _text(verdict["direction"]), _text(verdict["size"])
    claimed = f"direction {direction}" if direction != "not claimed" else "no direction claimed"
    return claimed if size == "not claimed" else f"{claimed}, size {size}"


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)
