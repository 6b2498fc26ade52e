"""What a topic takes a cohort for where its columns leave it open: said, not silent."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from retrostats.common.vocabulary import Conditions, Topic
from retrostats.io.cohort.values import arm_word
from retrostats.io.tables.distinct import CodedColumns, most_values, values_of_each
from retrostats.io.tables.passes import holds_any
from retrostats.io.validation.arm_words import (
    arm_slips,
    missing_arms,
    one_arm_alone,
    slip_problems,
)
from retrostats.io.validation.problem import Problem
from retrostats.io.validation.relevant import sources

if TYPE_CHECKING:
    import pandas as pd

#: Columns that describe and enter no analysis.
DESCRIBING = frozenset(
    {"heart_rate_bpm", "height_cm", "age_y", "sex", "fat_mass_kg", "body_fat_pct"}
)
#: Fastest speed at which nearly everybody walks.
WALKING_M_S = 1.9


def reading_of(
    coded: CodedColumns,
    topic: Topic,
    conditions: Conditions,
    file: str,
    *,
    allocation: str,
    named: Mapping[str, str],
) -> list[Problem]:
    """Running or walking, what each arm is taken for, how people came into it, what is not used.

    Parameters
    ----------
    named
        Columns that the file itself has, with their headers; the others were derived from them.
    """
    found: list[Problem] = []
    frame = coded.frame
    if topic.gait and "gait" not in frame:
        slow = "speed_m_s" in frame and bool(frame["speed_m_s"].max() < WALKING_M_S)
        level, what = ("warning", "speeds of walking") if slow else ("guess", "no gait column")
        found.append(
            Problem(level, file, "", "gait", what, "a column gait: run, walk", "taken as running")
        )
    found += (
        _arms(frame, topic, conditions, file, named.get("arm", "arm"))
        if topic.compares == "arm"
        else []
    )
    found += _walking(frame, topic, file) + _no_speed_in_common(coded, topic, file)
    found += [] if allocation else _allocation(coded, topic, file)
    return found + _not_used(frame, topic, file, named)


def _walking(frame: pd.DataFrame, topic: Topic, file: str) -> list[Problem]:
    if not topic.gait or "gait" not in frame or not (frame["gait"] == "walk").any():
        return []
    alone = "no row of running" if not (frame["gait"] != "walk").any() else "rows of walking"
    return [
        Problem("warning", file, "", "gait", alone, "running, where a claim is on running",
                "walking is shown by itself and judges no claim on running")
    ]  # fmt: skip


def _no_speed_in_common(coded: CodedColumns, topic: Topic, file: str) -> list[Problem]:
    at = [name for name in ("nominal_speed_m_s", "gradient_pct") if name in coded.frame]
    if topic.compares != "direction" or not at or "direction" not in coded.frame:
        return []
    if most_values(coded, "direction", by=at) > 1:
        return []
    return [
        Problem("warning", file, "", "speed_m_s", "no speed or slope met in both directions",
                "the same in both", "the cost of a metre is shown by itself and judges no claim")
    ]  # fmt: skip


def between_people(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column sets people against others: each of them has one of its levels."""
    return _between_people(CodedColumns(frame), column)


def _between_people(coded: CodedColumns, column: str) -> bool:
    if not {column, "subject"} <= set(coded.frame) or len(coded.held(column)) < 2:
        return False
    return bool((values_of_each(coded, column, by="subject")[1] < 2).all())


def _without_lot(topic: Topic) -> str:
    """What a difference between people does who were not allocated by lot.

    The claims of a page pool it with printed rows (`docs/verdicts.md`, domain design).
    """
    if topic.own:
        return (
            "the difference between groups is pooled, and costs two levels of certainty where a "
            "cause is claimed"
        )
    return "the difference between groups is shown and supports no cause"


def _allocation(coded: CodedColumns, topic: Topic, file: str) -> list[Problem]:
    if not _between_people(coded, topic.compares):
        return []
    return [
        Problem("warning", file, "", topic.compares, "nothing on how people came into their groups",
                'allocation = "by lot", "by choice" or "not told" in a spec',
                f"taken as not told: {_without_lot(topic)}")
    ]  # fmt: skip


def _not_used(
    frame: pd.DataFrame, topic: Topic, file: str, named: Collection[str]
) -> list[Problem]:
    """Columns of the file that were understood and enter nothing, each with the reason."""
    filled = [name for name in topic.outcomes if name in frame and holds_any(frame[name])]
    used = sources(filled[0], named) if filled else set()
    further = [name for name in filled[1:] if name in named and name not in used]
    described = DESCRIBING - {*topic.needs, *topic.outcomes, *used}
    return [
        Problem("guess", file, "", name, "a further outcome", filled[0],
                f"not used by {topic.analysis}: {filled[0]} is")
        for name in further if not topic.counted
    ] + [
        Problem("guess", file, "", name, "describes people or the test", "",
                f"not used by {topic.analysis}")
        for name in sorted(described & set(named)) if name in frame
    ]  # fmt: skip


def _arms(
    frame: pd.DataFrame, topic: Topic, conditions: Conditions, file: str, header: str
) -> list[Problem]:
    """What each arm is taken for; a slip of the pen and a missing arm are asked about."""
    allowed, first = ", ".join(conditions.arms), conditions.first
    if "arm" not in frame or frame["arm"].isna().all():
        return [_no_arms(topic, conditions, file, allowed)]
    kinds = {str(arm): arm_word(str(arm), conditions) for arm in frame["arm"].dropna().unique()}
    slips = arm_slips(kinds, conditions)
    found = _same_kind(kinds, file, header) + slip_problems(slips, conditions, file, header)
    missing = missing_arms(kinds, conditions)
    if topic.both_arms and missing:
        return [*found, one_arm_alone(kinds, conditions, file)]
    found += [
        Problem("guess", file, "", "arm", repr(arm), allowed,
                f"taken as {kind}" if kind else "taken as none of them")
        for arm, kind in kinds.items()
        if arm.lower() != kind and arm not in slips
    ]  # fmt: skip
    if first in missing:
        example = f'"{next(iter(kinds))}" = "{first}"'
        found.append(
            Problem("warning", file, "", "arm", f"no {first} arm", "one of that kind",
                    f"each arm shown by itself, none judges; if one is {first}, write {example} "
                    "under [levels] in a spec")
        )  # fmt: skip
    return found


def _no_arms(topic: Topic, conditions: Conditions, file: str, allowed: str) -> Problem:
    """Everybody in one arm: an error where a claim compares two."""
    if topic.both_arms:
        return Problem("error", file, "", "arm", "no arm column", f"people in both arms: {allowed}",
                       "add a column arm; a change in one group is no comparison")  # fmt: skip
    return Problem("guess", file, "", "arm", "no arm column", allowed,
                   f"everybody is taken to be in the {conditions.first} arm")  # fmt: skip


def _same_kind(kinds: Mapping[str, str | None], file: str, header: str) -> list[Problem]:
    """A question for two arms that are taken for one kind: one alone would be used."""
    found = []
    for kind in dict.fromkeys(filter(None, kinds.values())):
        same = [arm for arm, its in kinds.items() if its == kind]
        if len(same) < 2:
            continue
        one = ", ".join(f'"{arm}"' for arm in kinds if arm not in same[1:])
        both = ", ".join(f'"{arm}" = "{kind}"' for arm in same)
        arms = f"{len(same)} {kind} arms: {', '.join(map(repr, same))}"
        found.append(
            Problem("error", file, "", "arm", arms, f"one {kind} arm",
                    f'which is meant? for one, write under [filter] in a spec "{header}" = '
                    f"[{one}]; to take them as one arm, write under [levels] {both}")
        )  # fmt: skip
    return found
