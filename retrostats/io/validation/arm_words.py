"""Words of an arm that name none of the compared conditions: asked about, never dropped.

The change of the arm that is left would pass for the difference between both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from retrostats.common.nearest import nearest
from retrostats.common.vocabulary import Conditions, Topic
from retrostats.io.cohort.values import arm_word, condition_word
from retrostats.io.tables.words import plain
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Words that a message names.
NAMED = 5
#: Levels of a column above which it is no column of arms.
MOST_ARMS = 12
#: Most words of a condition or an outcome that are looked for together in a header.
_MOST_WORDS = 4


def arm_slips(
    kinds: Mapping[str, str | None], conditions: Conditions
) -> dict[str, tuple[str, str]]:  # fmt: skip
    """Arms that are nearly a known word: that word, and the arm it stands for.

    Parameters
    ----------
    kinds
        What each arm was taken for, None for none.

    Examples
    --------
    >>> arm_slips({"lefft": None, "up": None}, Conditions("left", "right", "right"))
    {'lefft': ('left', 'left')}
    """
    known = {plain(word): name for name in conditions.arms for word in conditions.words(name)}
    near = {arm: nearest(plain(arm), known) for arm, kind in kinds.items() if kind is None}
    return {arm: (word, known[word]) for arm, word in near.items() if word}


def slip_problems(
    slips: Mapping[str, tuple[str, str]], conditions: Conditions, file: str, header: str
) -> list[Problem]:
    """A question for each word that is nearly a known one."""
    return [
        Problem("error", file, "", "arm", f"{arm!r} (did you mean {word!r}?)",
                ", ".join(conditions.arms),
                f'correct it, or write under [levels] in a spec "{arm}" = "{kind}"; an arm of '
                f'another kind is left out by [filter] "{header}"')
        for arm, (word, kind) in slips.items()
    ]  # fmt: skip


def missing_arms(kinds: Mapping[str, str | None], conditions: Conditions) -> list[str]:
    """Compared conditions that no arm is, and none by a slip of the pen, the first one first."""
    slips = arm_slips(kinds, conditions).values()
    there = {*kinds.values(), *(kind for _, kind in slips)}
    return [name for name in reversed(conditions.compared) if name not in there]


def one_arm_alone(
    kinds: Mapping[str, str | None], conditions: Conditions, file: str
) -> Problem:  # fmt: skip
    """A compared arm that no word of the column names; what to write if a further word is it."""
    lacks, slips = missing_arms(kinds, conditions), arm_slips(kinds, conditions)
    others = [arm for arm, kind in kinds.items() if kind is None and arm not in slips]
    none = " and ".join(f"no {name} arm" for name in lacks)
    both = f"both {conditions.first} and {conditions.second}"
    if not others:
        return Problem("error", file, "", "arm", none, both,
                       "add its people; one arm alone is no comparison")  # fmt: skip
    words = ", ".join(map(repr, others[:NAMED])) + " ..." * (len(others) > NAMED)
    arm, name = others[0], lacks[0]
    return Problem(
        "error", file, "", "arm", f"{none}, but {words}", both,
        f'is {arm!r} the {name}? then write under [levels] in a spec "{arm}" = "{name}", or in the '
        f'page also = {{ "{name}" = ["{arm}"] }}; one arm alone is no comparison',
    )  # fmt: skip


def unread_conditions(
    frame: pd.DataFrame, topic: Topic, conditions: Conditions, file: str, header: str
) -> list[Problem]:
    """Questions about a column of groups that is the condition but for some of its words.

    Parameters
    ----------
    topic
        One that lacks nothing but the condition.
    header
        What the file calls the column.
    """
    if "arm" not in frame or set(topic.needs) - set(frame.columns) != {"direction"}:
        return []
    words = [str(word) for word in frame["arm"].dropna().unique()]
    if not 0 < len(words) <= MOST_ARMS:
        return []
    read = condition_word if topic.own else arm_word
    kinds = {word: read(word, conditions) for word in words}
    found = slip_problems(arm_slips(kinds, conditions), conditions, file, header)
    if missing_arms(kinds, conditions):
        return [*found, one_arm_alone(kinds, conditions, file)]
    others = [word for word, kind in kinds.items() if kind is None]
    if found or not others:
        return found
    kept = ", ".join(f'"{word}"' for word, kind in kinds.items() if kind)
    return [
        Problem("error", file, "", "arm", f"{', '.join(map(repr, others[:NAMED]))} beside both",
                ", ".join(conditions.arms),
                f'leave these rows out: write under [filter] in a spec "{header}" = [{kept}]')
    ]  # fmt: skip


def header_words(topics: Sequence[Topic], conditions: Conditions) -> tuple[str, ...]:
    """What a header of a wide table may be made of: words of the conditions, and outcomes."""
    sides = [w for name in conditions.arms for w in conditions.words(name)]
    outcomes = [w for t in topics for w in (*t.outcomes, *sum(t.headers.values(), ()))]
    return tuple(dict.fromkeys(word.lower().replace("_", " ") for word in (*sides, *outcomes)))


def near_words(header: str, known: Sequence[str]) -> str:
    """ " (did you mean ...?)" for a header in which some words are nearly known ones.

    Examples
    --------
    >>> near_words("pain lefft knee", ("left", "right", "pain"))
    " (did you mean 'pain left knee'?)"
    >>> near_words("pain left", ("left", "right", "pain")), near_words("weight", ("left",))
    ('', '')
    """
    words = header.lower().replace("_", " ").split()
    whole = " ".join(words)
    made: list[str] = []
    while words:
        for many in range(min(_MOST_WORDS, len(words)), 0, -1):
            said = " ".join(words[:many])
            meant = said if said in known else nearest(said, known)
            if meant or many == 1:
                made.append(meant or said)
                words = words[many:]
                break
    changed = " ".join(made)
    return f" (did you mean {changed!r}?)" if changed != whole else ""
