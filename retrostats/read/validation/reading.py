"""What an analysis takes a cohort for where its columns leave it open: said, not silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from retrostats.read.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Fastest speed at which nearly everybody walks.
WALKING_M_S = 1.9


def reading_of(frame: pd.DataFrame, analysis: str, file: str) -> list[Problem]:
    """Running or walking, and what each arm is taken for."""
    if analysis == "metabolic-cost" and "gait" not in frame:
        slow = "speed_m_s" in frame and bool(frame["speed_m_s"].max() < WALKING_M_S)
        level, found = ("warning", "speeds of walking") if slow else ("guess", "no gait column")
        return [
            Problem(level, file, "", "gait", found, "a column gait: run, walk", "taken as running")
        ]
    if analysis == "body-fat":
        return _arms(frame, file)
    return []


def _arms(frame: pd.DataFrame, file: str) -> list[Problem]:
    from retrostats.read.values import arm_word

    if "arm" not in frame or frame["arm"].isna().all():
        return [
            Problem("guess", file, "", "arm", "no arm column", "backward, forward, control",
                    "everybody is taken to have trained backward")
        ]  # fmt: skip
    kinds = {str(arm): arm_word(str(arm)) for arm in frame["arm"].dropna().unique()}
    found = [
        Problem("guess", file, "", "arm", repr(arm), "backward, forward, control",
                f"taken as {kind}" if kind else "taken as none of them")
        for arm, kind in kinds.items()
        if arm.lower() != kind
    ]  # fmt: skip
    if "backward" not in kinds.values():
        found.append(
            Problem("warning", file, "", "arm", "no arm trained backward", "one that did",
                    "shown, judges nothing; map the arms under [levels] in a spec")
        )  # fmt: skip
    return found
