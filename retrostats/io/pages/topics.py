"""The words of a page that readers of cohorts ask for: conditions, a topic a group of claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from retrostats.common.vocabulary import Conditions, Topic
from retrostats.io.cohort.headers import kind_of
from retrostats.io.pages.example_values import NO_ROWS, Usual, usual_values
from retrostats.io.pages.page import CHANGES, Page, PageClaim, TableRow, compares_arms
from retrostats.io.pages.page_table import read_page, row_name, table_beside

#: People of a template, and what each of them brings at least.
_PEOPLE = 6
_CROSSOVER = ("crossover", "cross-over", "paired")
#: What a lab's column may be that is no measurement: an outcome of this name needs another.
_ROLES = frozenset({
    "subject", "direction", "arm", "gait", "time", "time_weeks", "sex", "age_y", "speed",
    "gradient_pct", "exposure_h", "window_start_s", "window_end_s",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class PageVocabulary:
    """What readers of cohorts ask of an audit (`Vocabulary`)."""

    conditions: Conditions
    topics: Mapping[str, Topic]


def page_of(path: str | Path) -> Page:
    """The page and table of a file, read anew when one of them changes."""
    file = Path(path)
    stamps = [p.stat().st_mtime_ns for p in (file, _table(file)) if p is not None and p.is_file()]
    return _page(file, tuple(stamps))


def _table(file: Path) -> Path | None:
    return table_beside(file) if file.is_file() else None


@lru_cache(maxsize=8)
def _page(file: Path, stamps: tuple[int, ...]) -> Page:
    """One reading of a page while neither file changes (`stamps`)."""
    return read_page(file)


def page_vocabulary(path: str | Path) -> PageVocabulary:
    """Conditions and topics of a page."""
    page = page_of(path)
    return PageVocabulary(page.conditions, topics_of_page(page))


def groups_of(page: Page) -> dict[str, list[PageClaim]]:
    """Claims that are judged by the same pool, under the name of their analysis.

    They share their rows, measure, and how rows of one study combine.
    """
    found: dict[tuple[object, ...], list[PageClaim]] = {}
    for claim in page.claims:
        rows = tuple(row.row_id for row in page.rows_of(claim))
        key = (rows, claim.measure, claim.mixing, claim.within_study, str(claim.prior_scale),
               claim.cause, claim.moderator)  # fmt: skip
        found.setdefault(key if rows else (claim.claim_id,), []).append(claim)
    return {row_name(claims[0].claim_id): claims for claims in found.values()}


def topics_of_page(page: Page) -> dict[str, Topic]:
    """One topic a group of claims; one takes cohorts where a claim of it names an outcome."""
    return {
        name.replace("-", "_"): _topic(name, claims, page)
        for name, claims in groups_of(page).items()
    }


def in_same_people(rows: Sequence[TableRow]) -> bool:
    """Whether at least half of the rows measure the same people in both conditions."""
    designs = [row.cells.get("design", "").lower() for row in rows]
    return bool(designs) and sum(d in _CROSSOVER for d in designs) >= len(designs) / 2


def _topic(name: str, claims: Sequence[PageClaim], page: Page) -> Topic:
    """What a cohort needs for a group of claims, by its outcome, its exposure and the rows."""
    key = name.replace("-", "_")
    claim = next((c for c in claims if c.cohort), None)
    rows = page.rows_of(claims[0])
    designs = [row.cells.get("design", "").lower() for row in rows]
    same_people = in_same_people(rows)
    if claim is None:
        return Topic(key, name, compares="direction" if same_people else "arm")
    written = row_name(claim.cohort["outcome"]).replace("-", "_")
    outcome = f"outcome_{written}" if kind_of(written) in _ROLES else written
    words = written.replace("_", " ")
    headers: dict[str, tuple[str, ...]] = {outcome: (words,)}
    exposure = claim.cohort.get("exposure", "")
    if exposure:
        last = words.split()[-1]
        headers = {outcome: tuple(dict.fromkeys((words, last))),
                   "exposure_h": (exposure, exposure.replace("_", " "))}  # fmt: skip
        return Topic(
            key, name, compares="direction", needs=("subject", "direction", "exposure_h"),
            outcomes=(outcome,), outcome_words=f"a count of {words}", headers=headers, own=True,
            template=_template(
                page, ("condition", written, exposure), counts=True, same_people=same_people
            ),
        )  # fmt: skip
    values = usual_values(rows, written)
    once = Topic(
        key, name, compares="direction", paired=same_people, needs=("subject", "direction"),
        outcomes=(outcome,), outcome_words=words, headers=headers, own=True,
        template=_template(page, ("condition", written), same_people=same_people, usual=values),
    )  # fmt: skip
    over_time = Topic(
        key, name, compares="arm", needs=("subject", "time", outcome), outcomes=(outcome,),
        outcome_words=words, headers=headers, own=True,
        template=_arms_template(page, written, values),
        both_arms=not rows or any(map(compares_arms, rows)),
    )  # fmt: skip
    changes = [d in CHANGES or "->" in "".join(row.cells.get(c, "") for c in ("first", "second"))
               for d, row in zip(designs, rows, strict=True)]  # fmt: skip
    if same_people:
        return once
    likely, other = (over_time, once) if any(changes) else (once, over_time)
    return replace(likely, otherwise=other)


def _template(
    page: Page,
    columns: tuple[str, ...],
    *,
    counts: bool = False,
    same_people: bool,
    usual: Mapping[str, Usual] = NO_ROWS,
) -> str:
    """Invented people, in both conditions or in one; their codes keep them out of cohorts.

    Where groups are compared every other person is measured in the first condition.
    """
    lines = [",".join(map(_quoted, ("subject", *columns)))]
    first, second = page.conditions.first, page.conditions.second
    for person in range(1, _PEOPLE + 1):
        for way, condition in enumerate((second, first)):
            if not same_people and person % 2 != way:
                continue
            side = usual["first" if way else "second"]
            cells = (str(person // 2 % 2), str(80 + 5 * person)) if counts else (
                side.value(person, last=True),)  # fmt: skip
            lines.append(",".join((f"EXAMPLE-{person}", _quoted(condition), *cells)))
    return "\n".join(lines) + "\n"


def _arms_template(page: Page, outcome: str, usual: Mapping[str, Usual]) -> str:
    """Invented people in two arms, before and after."""
    lines = [f"subject,arm,time,{_quoted(outcome)}"]
    for person in range(1, 2 * _PEOPLE + 1):
        side = "first" if person <= _PEOPLE else "second"
        arm = page.conditions.first if side == "first" else page.conditions.second
        for time in ("pre", "post"):
            value = usual[side].value(person, last=time == "post")
            lines.append(f"EXAMPLE-{person},{_quoted(arm)},{time},{value}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"') else text
