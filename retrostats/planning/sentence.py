"""What one more study would settle, in a sentence that a reader of the claim understands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from retrostats.audit.claims import Claim, range_text
from retrostats.planning.added import PoolNeeded
from retrostats.planning.assumed import Assumed
from retrostats.planning.designs import arms_of, people_text
from retrostats.planning.today import Today

if TYPE_CHECKING:
    import pandas as pd

#: Studies, with the planned one, that say next to nothing of how far studies differ.
FEW = 2
#: Share of studies below which a side is told as one that no study settles.
RARELY = 0.01


def sentence(
    given: Assumed,
    today: Today | None,
    needed: pd.DataFrame,
    pool: Sequence[PoolNeeded],
    power: float,
) -> str:
    """One sentence on every side of the claim, and of several measures which one it is about.

    Parameters
    ----------
    needed
        Of the plan: side, settles, people of the study alone.
    pool
        By side as `needed`.
    """
    rows = needed.to_dict("records")
    if today is None:
        return _on_measure(_first(given, rows, power), given)
    parts, never, kept = [], [], []
    for row, n in zip(rows, pool, strict=True):
        what = _what(given.claim, row["side"])
        if not row["settles"]:
            at = "be no difference" if row["side"] == "direction" else "lie at an end of it"
            parts.append(f"no study settles {what}, as the truth is taken to {at}")
        elif n.people == 0:
            alone = today.k == 1 and given.claim.kind == "descriptive"
            where = "in the one study there is" if alone else "without another study"
            parts.append(f"{what} is {row['settles']} today {where}")
        elif math.isnan(n.people):
            kept.append(n)
            if n.power < RARELY:
                never.append(what)
            else:
                parts.append(f"one more study, of whatever size, would {_ends(row, what)} with a "
                             f"power of {n.power:.0%} at most")  # fmt: skip
        else:
            any_ = n.people < given.study.smallest + arms_of(given.design)
            size = people_text(n.people, given.design)
            one = f"any further study, of {size} or more," if any_ else f"one more study of {size}"
            parts.append(f"{one} would {_ends(row, what)} with power {power:.0%}")
    if never:
        parts.append(f"{' and '.join(never)} cannot be settled by one more study of any size today")
    why = ""
    if kept:
        choices = [words for n in kept for words in n.choices]
        why = f": {_why(today, choices, fails=any(n.main_fails for n in kept))}"
    said = ", and ".join(parts)
    return _on_measure(f"{said[:1].upper()}{said[1:]}{why}.", given)


def _on_measure(said: str, given: Assumed) -> str:
    return f"{said[:-1]}; {given.planned_on}." if given.planned_on else said


#: Sizes that a short table shows, at most.
SHORT = 6


def short_table(curve: pd.DataFrame) -> str:
    """How often a study of a few sizes would by itself settle each side, as text in per cent.

    Examples
    --------
    >>> import pandas as pd
    >>> curve = pd.DataFrame({"people": [8, 16], "side": "direction", "power": [0.92, 0.993]})
    >>> print(short_table(curve))
    A study alone settles the direction, by its people:
       8   92%
      16   99%
    """
    shown = curve.pivot(index="people", columns="side", values="power")
    kept = sorted({round(i * (len(shown) - 1) / (SHORT - 1)) for i in range(SHORT)})
    sides = list(shown.columns)
    head = f"A study alone settles the {' and the '.join(sides)}, by its people:"
    rows = [
        f"{people:>4,} " + " ".join(f"{power:>5.0%}" for power in shown.loc[people])
        for people in shown.index[kept]
    ]
    return "\n".join([head, *rows])


def kept_open_by(today: Today | None, pool: Sequence[PoolNeeded]) -> tuple[str, ...]:
    """What keeps a side open that no study settles: how far studies differ, declared choices."""
    if today is None:
        return ()
    found = [_why(today, (), fails=True)] if any(n.main_fails for n in pool) else []
    return (*found, *dict.fromkeys(words for n in pool for words in n.choices))


def _first(given: Assumed, rows: Sequence[Any], power: float) -> str:
    """Where nothing can be pooled: what the study would show by itself."""
    found = []
    for row in rows:
        what = _what(given.claim, row["side"])
        if row["settles"] and not math.isnan(row["people"]):
            size = people_text(row["people"], given.design)
            found.append(f"one of {size} would by itself {_ends(row, what)}")
        else:
            found.append(f"no number of people tried settles {what}")
    later = "; of other studies one alone says at most likely" * (given.claim.kind == "causal")
    return (
        "No source today can be pooled with a new study: "
        f"{', and '.join(found)} (power {power:.0%}){later}."
    )


def _what(claim: Claim, side: str) -> str:
    """The side of the claim in words; a ratio as percent."""
    if side == "direction":
        return "the direction"
    low, high = claim.range_low, claim.range_high
    if claim.scale != "difference":
        more, less = (100 * (end - 1) for end in (low, high))
        if more >= 0 and less > 0:
            return f"a size of {more:g} to {less:g}% more"
        if less <= 0 and more < 0:
            return f"a size of {-less:g} to {-more:g}% less"
    return f"a size of {range_text(claim)}"


def _ends(row: Any, what: str) -> str:
    return f"settle {what}" if row["settles"] == "supported" else f"contradict {what}"


def _why(today: Today, choices: Sequence[str], *, fails: bool) -> str:
    """Why no size is enough."""
    if not fails:
        said = " or ".join(dict.fromkeys(choices))
        return f"it would not hold {said or 'under every declared choice'}"
    if today.k == 0:
        return f"{today.why_none}, and one study says at most likely of others"
    tau = f"tau about {today.study_tau:.2g}"
    if today.k + 1 <= FEW:
        return f"{today.k + 1} studies say too little of how far studies differ ({tau})"
    return f"studies differ too much ({tau})"
