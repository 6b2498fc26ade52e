"""What a topic takes a cohort for where its columns leave it open: said, not silent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from retrostats.read.validation.problem import Problem
from retrostats.read.values import arm_word
from retrostats.vocabulary import Conditions, Topic

if TYPE_CHECKING:
    import pandas as pd

#: Fastest speed at which nearly everybody walks.
WALKING_M_S = 1.9


def reading_of(
    frame: pd.DataFrame, topic: Topic, conditions: Conditions, file: str
) -> list[Problem]:
    """Running or walking, and what each arm is taken for."""
    found: list[Problem] = []
    if topic.gait and "gait" not in frame:
        slow = "speed_m_s" in frame and bool(frame["speed_m_s"].max() < WALKING_M_S)
        level, what = ("warning", "speeds of walking") if slow else ("guess", "no gait column")
        found.append(
            Problem(level, file, "", "gait", what, "a column gait: run, walk", "taken as running")
        )
    return found + (_arms(frame, conditions, file) if topic.compares == "arm" else [])


def _arms(frame: pd.DataFrame, conditions: Conditions, file: str) -> list[Problem]:
    allowed, first = ", ".join(conditions.arms), conditions.first
    if "arm" not in frame or frame["arm"].isna().all():
        return [
            Problem("guess", file, "", "arm", "no arm column", allowed,
                    f"everybody is taken to be in the {first} arm")
        ]  # fmt: skip
    kinds = {str(arm): arm_word(str(arm), conditions) for arm in frame["arm"].dropna().unique()}
    found = _same_kind(kinds, file)
    found += [
        Problem("guess", file, "", "arm", repr(arm), allowed,
                f"taken as {kind}" if kind else "taken as none of them")
        for arm, kind in kinds.items()
        if arm.lower() != kind
    ]  # fmt: skip
    if first not in kinds.values():
        told = f'"{next(iter(kinds))}" = "{first}"'
        found.append(
            Problem("warning", file, "", "arm", f"no {first} arm", "one of that kind",
                    f"each arm shown by itself, none judges; if one is {first}, write {told} "
                    "under [levels] in a spec")
        )  # fmt: skip
    return found


def _same_kind(kinds: Mapping[str, str | None], file: str) -> list[Problem]:
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
                    "which is meant? for one, write under [filter] in a spec, with the header of "
                    f"the arms, arm = [{one}]; to take them as one arm, write under [levels] "
                    f"{both}")
        )  # fmt: skip
    return found
