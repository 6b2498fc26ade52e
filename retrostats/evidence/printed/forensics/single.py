"""Findings that need one printed row: GRIM, GRIMMER, DEBIT, rates, and p of a printed change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from retrostats.evidence.printed.forensics.granularity import (
    debit,
    grim,
    grim_applies,
    grimmer,
    grimmer_applies,
)
from retrostats.evidence.printed.forensics.printed import Array, column, p_column
from retrostats.evidence.printed.forensics.wording import Row, row, span
from retrostats.evidence.printed.pvalues import p_agrees, p_of_change
from retrostats.evidence.printed.recompute import rate

if TYPE_CHECKING:
    import pandas as pd

_PER = re.compile(r"\bper (\d+)\b")
NOT_DECLARED = "the outcome is not declared to be whole numbers"


def whole_numbers(table: pd.DataFrame, items: Array) -> Iterator[Row]:
    """GRIM for every printed mean with n, GRIMMER for those with a printed SD as well."""
    mean, sd = column(table["mean_text"]), column(table["spread_text"])
    n = table["n"].to_numpy(dtype=float)
    at = np.flatnonzero(mean.known & (n >= 1))
    mean, sd, n, items = mean.take(at), sd.take(at), n[at], items[at]
    declared, grains = items > 0, n * items
    applies = declared & grim_applies(mean.low, mean.high, grains)
    fits = grim(mean.low, mean.high, grains)
    is_se = table["spread_type"].to_numpy(dtype=str)[at] == "SE"
    root = np.where(is_se, np.sqrt(n), 1.0)
    sd_low, sd_high = sd.low * root, sd.high * root
    known = sd.known & (n >= 2) & declared
    safe = [np.where(known, x, 2.0) for x in (mean.low, mean.high, sd_low, sd_high, n, items)]
    applies_sd = known & grimmer_applies(*safe)
    few = np.flatnonzero(applies_sd)
    fits_sd = np.ones(len(n), dtype=bool)
    fits_sd[few] = grimmer(*(x[few] for x in safe))
    ids, studies, outcomes, means, spreads = _texts(table, at)
    for i in range(len(at)):
        head = (studies[i], ids[i], outcomes[i])
        question = reason = ""
        if not declared[i]:
            reason = NOT_DECLARED
        elif not applies[i]:
            reason = f"with n = {n[i]:g} every mean printed to this place is possible"
        elif not fits[i]:
            question = (
                f"No sum of {grains[i]:g} whole numbers has a mean that prints as {means[i]}. "
                f"Were there other than {n[i]:g} people for this outcome, scores that are not "
                "whole, or a mean that was cut off rather than rounded?"
            )
        yield row("GRIM", *head, means[i], question=question, reason=reason)
        if not sd.known[i]:
            continue
        question = reason = ""
        if not declared[i]:
            reason = NOT_DECLARED
        elif n[i] < 2:
            reason = "one person has no standard deviation"
        elif applies[i] and not fits[i]:
            reason = "the mean has a question of its own"
        elif not applies_sd[i]:
            reason = f"with n = {n[i]:g} every spread printed to this place is possible"
        elif not fits_sd[i]:
            question = (
                f"No {n[i]:g} whole numbers have the mean {means[i]} and a spread (n - 1) that "
                f"prints as {spreads[i]}. Is the spread something other than "
                f"{'a standard error' if is_se[i] else 'a standard deviation'}, is n another, or "
                "are scores not whole?"
            )
        printed = f"{means[i]} ± {spreads[i]}"
        yield row("GRIMMER", *head, printed, question=question, reason=reason)


def zeros_and_ones(table: pd.DataFrame, binary: np.ndarray) -> Iterator[Row]:
    """DEBIT for every mean and SD of an outcome declared binary."""
    mean, sd = column(table["mean_text"]), column(table["spread_text"])
    n = table["n"].to_numpy(dtype=float)
    at = np.flatnonzero(binary & mean.known & sd.known & (n >= 1))
    mean, sd, n = mean.take(at), sd.take(at), n[at]
    is_se = table["spread_type"].to_numpy(dtype=str)[at] == "SE"
    root = np.where(is_se, np.sqrt(n), 1.0)
    share = (mean.high >= 0) & (mean.low <= 1) & (n >= 2)
    many = np.maximum(n, 2.0)
    fits, low, high = debit(mean.low, mean.high, sd.low * root, sd.high * root, many)
    possible = grim(mean.low, mean.high, n)
    ids, studies, outcomes, means, spreads = _texts(table, at)
    for i in range(len(at)):
        question = reason = ""
        if not share[i]:
            reason = "the mean is not a share between 0 and 1, or n is below 2"
        elif not possible[i]:
            reason = "the mean has a question of its own (GRIM)"
        elif not fits[i]:
            question = (
                f"{n[i]:g} zeros and ones with the mean {means[i]} have an SD of "
                f"{span(low[i], high[i])}; printed is {spreads[i]}. Is n another, or the spread "
                "of another kind?"
            )
        printed = f"{means[i]} ± {spreads[i]}"
        recomputed = span(low[i], high[i]) if share[i] and possible[i] else ""
        yield row(
            "DEBIT", studies[i], ids[i], outcomes[i], printed, recomputed,
            question=question, reason=reason,
        )  # fmt: skip


def changes(table: pd.DataFrame) -> Iterator[Row]:
    """p of a printed change with its spread and n, beside the p printed with it."""
    change, spread = column(table["change_text"]), column(table["change_spread_text"])
    p = p_column(table["p_value_text"], table["p_operator"])
    n = table["n"].to_numpy(dtype=float)
    own = ~table["of_groups"].to_numpy(dtype=bool)
    at = np.flatnonzero(change.known & spread.known & p.known & (n >= 2) & own)
    change, spread, p, n = change.take(at), spread.take(at), p.take(at), n[at]
    operator = table["p_operator"].to_numpy(dtype=str)[at]
    label = table["change_spread_type"].to_numpy(dtype=str)[at]
    box = (change.low, change.high), (spread.low, spread.high)
    found = {
        "SD": p_of_change(*box, n, np.ones(len(n))),
        "SE": p_of_change(*box, n, np.sqrt(n)),
    }
    agrees = {k: p_agrees(v, (p.low, p.high), operator) for k, v in found.items()}
    ids, studies, outcomes, *_ = _texts(table, at)
    texts = [table[c].to_numpy(dtype=str)[at] for c in ("change_text", "change_spread_text")]
    shown = table["p_value_text"].to_numpy(dtype=str)[at]
    for i in range(len(at)):
        readings = (label[i],) if label[i] in found else ("SD", "SE")
        recomputed = "; ".join(f"{k}: {span(found[k][0][i], found[k][1][i])}" for k in readings)
        question = ""
        if not any(agrees[k][i] for k in readings):
            question = (
                f"A paired t-test of {texts[0][i]} ± {texts[1][i]} in {n[i]:g} people gives p "
                f"{recomputed}; printed is p {operator[i]} {shown[i]}. Was it another test, "
                "another n, or a spread of another kind?"
            )
        printed = f"{texts[0][i]} ± {texts[1][i]}, p {operator[i]} {shown[i]}"
        yield row("p of a change", studies[i], ids[i], outcomes[i], printed, recomputed,
                  question=question)  # fmt: skip


def rates(table: pd.DataFrame) -> Iterator[Row]:
    """Printed rates and percentages of events beside events / exposure."""
    mean = column(table["mean_text"])
    events, exposure = (table[c].to_numpy(dtype=float) for c in ("events", "exposure"))
    units = table["unit"].to_numpy(dtype=str)
    at = np.flatnonzero(mean.known & np.isfinite(events) & (exposure > 0))
    ids, studies, outcomes, means, _ = _texts(table, at)
    for i, k in enumerate(at):
        head = (studies[i], ids[i], outcomes[i])
        printed = f"{means[i]} ({events[k]:g} of {exposure[k]:g})"
        scaled = _PER.search(units[k])
        if not (scaled or units[k].startswith("%")):
            yield row("rate", *head, printed, reason=f"the unit {units[k]!r} names no denominator")
            continue
        per = float(scaled.group(1)) if scaled else 100.0
        found = rate(events[k], exposure[k], per)
        question = ""
        if not found.agrees(means[i]):
            question = (
                f"{events[k]:g} events over {exposure[k]:g} are {found.value:.4g}; printed is "
                f"{means[i]} {units[k]}. Is the rate adjusted, a mean of rates, or of another "
                "denominator?"
            )
        yield row("rate", *head, printed, f"{found.value:.4g}", question=question)


def _texts(table: pd.DataFrame, at: np.ndarray) -> list[np.ndarray]:
    names = ("row_id", "study_id", "outcome", "mean_text", "spread_text")
    return [table[name].to_numpy(dtype=str)[at] for name in names]
