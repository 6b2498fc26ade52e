"""What a cohort must be before a topic can use it: every problem in one go, with its next step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from retrostats.io.cohort.headers import (
    LABS,
    PERIODS,
    SEQUENCES,
    columns_of,
    kind_of,
    near_header,
)
from retrostats.io.tables.distinct import CodedColumns, repeats, values_of_each
from retrostats.io.tables.passes import ends, holds_any
from retrostats.io.tables.words import letters
from retrostats.io.validation.arm_words import header_words, near_words, unread_conditions
from retrostats.io.validation.copies import copied_rows
from retrostats.io.validation.factors import factor_problems
from retrostats.io.validation.people import (
    code_problems,
    group_mean_problems,
    pairing_problems,
)
from retrostats.io.validation.possible import POSSIBLE
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.common.vocabulary import Conditions, Topic

#: What tells two measurements of one person apart.
TELLING_APART = ("subject", "direction", "gait", "time", "speed_m_s", "gradient_pct")
#: Headers of factors of a design: known, whatever an analysis makes of them.
DESIGN = frozenset({*PERIODS, *SEQUENCES, *LABS})
#: Rows that are listed one by one; the others are counted.
LISTED = 50
SHOWN_COLUMNS = 12


def topic_for(
    frame: pd.DataFrame,
    topics: Mapping[str, Topic],
    wanted: str,
    file: str,
    problems: list[Problem],
    conditions: Conditions,
) -> Topic | None:
    """The topic whose columns are there; None if none is, which is an error unless told so.

    Of several, one whose conditions are a column, then the one that needs most columns: a table
    that has them all was made for it.

    Parameters
    ----------
    topics
        Of the audit; one without outcomes takes no cohorts.
    wanted
        Name of an analysis, "none" for a table that is kept out of them, "" to find one.
    """
    if wanted == "none":
        if "subject" not in frame:
            problems.append(
                Problem("error", file, "", "subject", "no such column", "a column of people",
                        'name it in the spec: [columns] header = "subject"')
            )  # fmt: skip
        return None
    takes = {topic.analysis: topic for topic in topics.values() if topic.outcomes}
    if wanted and wanted not in takes:
        allowed = ", ".join([*takes, "none"])
        problems.append(Problem("error", "spec", "", "analysis", repr(wanted), allowed, "name one"))
        return None
    tried = [takes[wanted]] if wanted else sorted(
        takes.values(), key=lambda t: (t.compares not in frame, -len(t.needs))
    )  # fmt: skip
    for topic in (each.fitting(map(str, frame.columns)) for each in tried):
        if set(topic.needs) <= set(frame) and outcome_column(frame, topic):
            return topic
    pending = set(frame).union(*(columns_of(p.column) for p in problems if p.level == "error"))
    if not any(
        set(t.needs) <= pending and pending & set(t.outcomes) for t in takes.values()
    ):  # else one column says it all
        asked = _words_asked(frame, tried, conditions, file, problems)
        problems += asked or [_unfit(frame, list(takes.values()), conditions, file)]
    return None


def _words_asked(
    frame: pd.DataFrame,
    topics: Sequence[Topic],
    conditions: Conditions,
    file: str,
    problems: Sequence[Problem],
) -> list[Problem]:
    """What words of a column of groups keep a table from an audit's topic, if these alone do."""
    header = next((p.column for p in problems if p.action == "read as arm"), "arm")
    lists = (
        unread_conditions(frame, topic, conditions, file, header)
        for topic in topics
        if topic.own and outcome_column(frame, topic)
    )
    return next(filter(None, lists), [])


def outcome_column(frame: pd.DataFrame, topic: Topic | None) -> str:
    """The column a topic's analysis explains, or "" if there is none."""
    there = [name for name in topic.outcomes if name in frame] if topic else []
    return next((name for name in there if holds_any(frame[name])), next(iter(there), ""))


def design_problems(
    coded: CodedColumns,
    topic: Topic | None,
    conditions: Conditions,
    file: str,
    *,
    whole: bool = True,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> list[Problem]:
    """Too few subjects, a missing condition, a subject in two arms, repeated rows.

    Parameters
    ----------
    whole
        Whether all rows could be read: where not, what is missing is no finding of its own.
    headers
        What the file calls a column.
    """
    frame = coded.frame
    if "subject" not in frame:  # an error of its own by now
        return []
    found = code_problems(coded, file)
    subjects = len(coded.held("subject"))
    if subjects < 2 and whole:
        found.append(
            Problem("error", file, "", "subject", f"{subjects} subject", "2 or more",
                    "a model needs several people")
        )  # fmt: skip
    if topic is None:
        return found
    found += group_mean_problems(frame, file)
    if topic.compares == "direction" and whole:
        found += _condition_problems(coded, topic, conditions, file)
    found += _arm_problems(coded, topic, file)
    if not topic.counted:
        asked = _asked(coded, topic, file, headers)
        found += asked or _repeated(coded, file, outcome_column(frame, topic))
    outcome = outcome_column(frame, topic)
    low, high = ends(frame[outcome].to_numpy(float)) if outcome else (0.0, 1.0)
    if not low < high and whole:
        found.append(
            Problem("error", file, "", outcome, "all values equal", "values that differ",
                    "check the column")
        )  # fmt: skip
    return found


def _unfit(frame: pd.DataFrame, topics: list[Topic], conditions: Conditions, file: str) -> Problem:
    """No topic has its columns: what is there, what each needs, what was not understood."""
    have = [str(c) for c in frame if not str(c).startswith("source_")]
    more = f" and {len(have) - SHOWN_COLUMNS} more" if len(have) > SHOWN_COLUMNS else ""
    required = {column for topic in topics for column in (*topic.needs, *topic.outcomes)}
    unread = [
        c for c in have
        if not (kind_of(c) or c in POSSIBLE or c in required or letters(c) in DESIGN)
    ]  # fmt: skip
    known = header_words(topics, conditions)
    shown = ", ".join(
        f"{c}{(near_header(c) or near_words(c, known)) if c in unread else ''}"
        for c in have[:SHOWN_COLUMNS]
    )
    names = ", ".join(map(repr, unread[:SHOWN_COLUMNS]))
    write = _to_write(unread, have, topics)
    hint = (
        f"not understood: {names}; name them under [columns] in a spec{write}, " if unread else ""
    )
    also = "; ".join(f"{t.analysis} also {t.outcome_words}" for t in topics if t.outcome_words)
    needs = "; ".join(f"{t.analysis}: {', '.join(t.needs)}{_lacks(t, have)}" for t in topics)
    return Problem(
        "error", file, "", "", f"columns {shown or 'none that are known'}{more}",
        (needs or "no cohort: the audit has no topic with outcomes") + (f" ({also})" * bool(also)),
        f"{hint}see `retrostats template ANALYSIS`; a table for another audit needs "
        "--audit NAME.toml (in Python audit=), one for `lmm` alone a spec "
        'with analysis = "none"',
    )  # fmt: skip


def _lacks(topic: Topic, have: Sequence[str]) -> str:
    """What a table lacks of what a topic needs, where it has some of it."""
    lacks = [column for column in topic.needs if column not in have]
    return f" (lacks {', '.join(lacks)})" if 0 < len(lacks) < len(topic.needs) else ""


def _to_write(unread: Sequence[str], have: list[str], topics: list[Topic]) -> str:
    """The line of a spec that makes the one header not understood what alone is lacking.

    No header is advised to be an outcome that it shares no word with: it measures something else.
    """
    lacking = []
    for topic in topics:
        outcomes = [] if set(topic.outcomes) & set(have) else [topic.outcomes[:1]]
        lacks = [*(c for c in topic.needs if c not in have), *(o for one in outcomes for o in one)]
        lacking += [lacks] if len(set(lacks)) == 1 else []
    if len(unread) != 1 or len(lacking) != 1:
        return ""
    (header,), column = unread, lacking[0][0]
    outcome = any(column in topic.outcomes for topic in topics)
    if outcome and not set(letters(header).split()) & set(letters(column).split()):
        return ""
    return f', as "{header}" = "{column}"'


def _condition_problems(
    coded: CodedColumns, topic: Topic, conditions: Conditions, file: str
) -> list[Problem]:
    """A condition without rows, people in one of them only."""
    seen = set(coded.held("direction"))
    found = [
        Problem("error", file, "", "direction", f"no {name} row", "both directions",
                f"add the {name} measurements")
        for name in conditions.compared if name not in seen
    ]  # fmt: skip
    return found if found or not topic.paired else pairing_problems(coded, file)


def _arm_problems(coded: CodedColumns, topic: Topic, file: str) -> list[Problem]:
    """People in more than one arm: an error where arms are compared."""
    frame = coded.frame
    if "arm" not in frame or (values_of_each(coded, "arm", by="subject")[1] < 2).all():
        return []
    arms = frame.groupby("subject", observed=True)["arm"].nunique()
    if topic.compares != "arm":
        several = int((arms > 1).sum())
        shown = ", ".join(map(repr, frame["arm"].dropna().unique()[:4]))
        return [
            Problem("warning", file, "", "arm", f"{shown} within {several} people", "",
                    f"a condition beside the one compared; not used by {topic.analysis}")
        ] * bool(several)  # fmt: skip
    return [
        Problem("error", file, "", "arm", f"subject {subject!r} in {arms[subject]} arms",
                "one arm a subject", "correct the arm or give the people different names")
        for subject in arms.index[arms > 1]
    ]  # fmt: skip


def _asked(
    coded: CodedColumns, topic: Topic, file: str, headers: Mapping[str, str]
) -> list[Problem]:
    """Questions about columns that tell repeats apart.

    Where directions are compared the analysis has no time: before and after training is a factor.
    """
    left = ("time",) if topic.compares == "direction" and "time" not in topic.needs else ()
    keys = [key for key in TELLING_APART if key in coded.frame and key not in left]
    if not repeats(coded, keys).any():
        return []
    outcome = outcome_column(coded.frame, topic)
    return factor_problems(coded, keys, topic, outcome, file, headers)


def _repeated(coded: CodedColumns, file: str, outcome: str) -> list[Problem]:
    """The same measurement of a person twice: a row copied, or repeated trials."""
    frame = coded.frame
    keys = [key for key in TELLING_APART if key in frame]
    where = " + ".join(keys)
    trials = repeats(coded, keys)
    if not trials.any():
        return []
    again = copied_rows(coded, keys, outcome)
    found = []
    if (trials & ~again).any():
        people = frame.loc[trials & ~again, "subject"].nunique()
        found.append(
            Problem("guess", file, "", where, f"repeated rows of {people} people", "one row each",
                    "taken as repeated trials: they count as one person's, not as more people")
        )  # fmt: skip
    found += [
        Problem("error", file, str(frame["source_row"].iloc[i]), where,
                "the same measurement twice", "one row each",
                "delete the copy, or tell the rows apart by a column, as the number of the trial")
        for i in np.flatnonzero(again)[:LISTED]
    ]  # fmt: skip
    if again.sum() > LISTED:
        found.append(
            Problem("error", file, "", where, f"{again.sum() - LISTED} more such rows",
                    "one row each", "delete them, or tell them apart")
        )  # fmt: skip
    return found
