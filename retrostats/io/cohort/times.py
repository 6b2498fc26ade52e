"""The order of the times of a cohort: a spec's, real dates, numbers, known words, or appearance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from retrostats.io.tables.words import AFTER, BEFORE, plain
from retrostats.io.validation.problem import Problem

if TYPE_CHECKING:
    import pandas as pd

#: Words of a time by its place; English, German, French, Italian, Spanish, Dutch, Nordic, Slavic.
PLACES = {
    -2: ("screening",),
    -1: (*BEFORE, "prior", "initial", "untrained", "intake", "admission", "enrolment", "enrollment",
         "start", "beginning", "vor", "anfang", "beginn", "aufnahme", "eintritt", "untrainiert",
         "debut", "entree", "iniziale", "inizio", "ingresso", "inicial", "inicio", "ingreso",
         "voor", "fore", "przed", "pred", "poczatek"),
    0: ("mid", "middle", "halfway", "during", "mitte", "mitad", "meta"),
    1: (*AFTER, "end", "endpoint", "endline", "final", "completion", "trained", "discharge", "exit",
        "last", "nach", "ende", "abschluss", "entlassung", "austritt", "trainiert", "fin", "sortie",
        "fine", "finale", "uscita", "depois", "na", "efter", "etter", "po", "koniec"),
    2: ("follow", "followup", "retention"),
}  # fmt: skip
#: Shorter words count only as they stand, these and longer ones also as the beginning of a word.
_BEGINS = ("pre", "post")
_LONG = 5
_UNITS = {
    1.0: ("d", "day", "days", "tag", "tage", "tagen", "jour", "jours", "giorno", "giorni", "dia",
          "dias", "dag", "dagen"),
    7.0: ("w", "wk", "wks", "week", "weeks", "woche", "wochen", "semaine", "semaines", "settimana",
          "settimane", "semana", "semanas", "weken", "veckor", "uger", "uker", "tygodni"),
    30.4375: ("m", "mo", "mos", "month", "months", "monat", "monate", "monaten", "mois", "mese",
              "mesi", "mes", "meses", "maand", "maanden", "miesiace"),
    365.25: ("y", "yr", "yrs", "year", "years", "jahr", "jahre", "jahren", "an", "ans", "annee",
             "annees", "anno", "anni", "ano", "anos", "jaar"),
}  # fmt: skip
_DAYS = {word: days for days, words in _UNITS.items() for word in words}
_ORDINALS = {"first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5"}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[ t]\d\d:.*)?")
_DAY = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_MONTH = re.compile(
    rf"(?:(\d{{1,2}})\.?[ -])?({'|'.join(_MONTHS)})[a-z]*\.?(?:[ -](\d{{1,2}})(?:st|nd|rd|th)?,)?"
    r",?[ -](\d{4})"
)
_TOKEN = re.compile(r"[-+]?\d+(?:\.\d+)?|[a-z]+")
_CENTURY = 2000
_HOW = 'say it in the spec: [times] order = ["the first", "the last"]'


@dataclass(frozen=True, slots=True)
class TimeOrder:
    """Labels in their order, what it rests on, and what has to be asked where it is undecided."""

    labels: tuple[str, ...]
    basis: str
    question: str = ""


def ordered_times(labels: Sequence[str]) -> TimeOrder:
    """The order of labels that come as they first appear.

    Examples
    --------
    >>> ordered_times(["1/31/2024", "12/20/2023"]).labels
    ('12/20/2023', '1/31/2024')
    >>> ordered_times(["6 weeks after", "6 weeks before"]).labels
    ('6 weeks before', '6 weeks after')
    >>> ordered_times(["post 1", "pre 2", "pre 1"]).labels
    ('pre 1', 'pre 2', 'post 1')
    >>> ordered_times(["wizyta B", "wizyta A"])
    TimeOrder(labels=('wizyta B', 'wizyta A'), basis='first appearance', question='')
    >>> ordered_times(["1/2/2024", "2/1/2024"]).question
    'day/month or month/day: the order of the dates depends on it'
    """
    bare = [_bare(label) for label in labels]
    return _by_date(labels, bare) or _by_words(labels, bare) or TimeOrder(
        tuple(labels), "first appearance"
    )  # fmt: skip


def time_order(
    frame: pd.DataFrame, wanted: Sequence[str] = (), file: str = ""
) -> tuple[list[str], list[Problem]]:
    """Times of a cohort in their order, and what is told of it: an error where it is undecided.

    Parameters
    ----------
    frame
        Rows with `time` and `subject`.
    wanted
        The order that a spec gives.
    """
    times = frame["time"].astype(str)
    seen = list(times.unique())
    shown = ", ".join(map(repr, seen))
    if wanted:
        place = {_bare(label): i for i, label in enumerate(wanted)}
        strange = [label for label in seen if _bare(label) not in place]
        strange += [w for w in wanted if _bare(w) not in set(map(_bare, seen))]
        if strange:
            return seen, [Problem("error", file, "", "time", f"times {shown}",
                                  "each once under [times] order in the spec",
                                  f"correct {strange[0]!r}")]  # fmt: skip
        order = TimeOrder(tuple(sorted(seen, key=lambda x: place[_bare(x)])), "the spec")
    else:
        order = ordered_times(seen)
    if len(seen) < 2:
        return seen, []
    question = order.question
    if order.basis == "first appearance" and not question:
        question = _disagreement(frame.assign(time=times))
    if question:
        return seen, [Problem("error", file, "", "time", f"times {shown}; {question}",
                              "times whose order is known", _HOW)]  # fmt: skip
    other = "" if wanted else f"; if it is another, {_HOW}"
    return list(order.labels), [
        Problem("guess", file, "", "time", " < ".join(order.labels), "",
                f"order by {order.basis}{other}")
    ]  # fmt: skip


def _disagreement(frame: pd.DataFrame) -> str:
    """That rows of one person stand in another order than those of the others, or nothing."""
    firsts = frame[["subject", "time"]].drop_duplicates()
    pairs: dict[tuple[str, str], object] = {}
    for subject, times in firsts.groupby("subject", sort=False, observed=True)["time"]:
        here = list(times)
        for i, a in enumerate(here):
            for b in here[i + 1 :]:
                pairs.setdefault((a, b), subject)
                if (b, a) in pairs:
                    return (f"{a!r} stands before {b!r} for {subject}, "
                            f"after it for {pairs[b, a]}: which is first?")  # fmt: skip
    return ""


def _bare(label: str) -> str:
    """Lower case without accents, one kind of minus, decimal points."""
    text = re.sub("[\u2010-\u2015\u2212]", "-", plain(label).replace("_", " "))
    return re.sub(r"(?<=\d),(?=\d)", ".", text)


def _by_date(labels: Sequence[str], bare: Sequence[str]) -> TimeOrder | None:
    """The order of real dates of one format; undecided where day and month can be swapped."""
    iso = [_ISO.fullmatch(text) for text in bare]
    if all(iso):
        return _sorted(labels, [_day(m[1], m[2], m[3] or "1") for m in iso if m], "date")
    names = [_MONTH.fullmatch(text) for text in bare]
    if all(names):
        at = [_day(m[4], str(_MONTHS.index(m[2]) + 1), m[1] or m[3] or "1") for m in names if m]
        return _sorted(labels, at, "date")
    found = [m for text in bare if (m := _DAY.fullmatch(text))]
    if len(found) < len(labels):
        return None
    month = _sorted(labels, [_day(m[4], m[1], m[3]) for m in found], "date, month/day/year")
    day = _sorted(labels, [_day(m[4], m[3], m[1]) for m in found], "date, day/month/year")
    if not (month and day) or all(m[2] == "." for m in found):
        return day or month  # points between are day.month.year where that can be
    if month.labels == day.labels:
        return TimeOrder(day.labels, "date")
    question = "day/month or month/day: the order of the dates depends on it"
    return TimeOrder(tuple(labels), "date", question)


def _day(year: str, month: str, day: str) -> float | None:
    """Number of a day, or None where there is no such day."""
    try:
        full = int(year) + (_CENTURY if len(year) == 2 else 0)
        return float(date(full, int(month), int(day)).toordinal())
    except ValueError:
        return None


def _sorted(labels: Sequence[str], keys: Sequence[object], basis: str) -> TimeOrder | None:
    """Labels by their keys; None where a key is missing or the same for two."""
    if None in keys or len(set(keys)) < len(keys):
        return None
    by = dict(zip(labels, keys, strict=True))
    return TimeOrder(tuple(sorted(labels, key=lambda x: by[x])), basis)  # type: ignore[arg-type,return-value]


@dataclass(frozen=True, slots=True)
class _Said:
    """What a label says: place by its word (None without), number, its unit, other words."""

    place: int | None
    number: float | None
    days: float | None
    rest: str
    word_first: bool


def _by_words(labels: Sequence[str], bare: Sequence[str]) -> TimeOrder | None:
    """The order by the words of before and after first, by number second."""
    dashed = [bool(re.search(r"[a-z]-\d", text)) for text in bare]
    numbered = [any(c.isdigit() for c in text) for text in bare]
    apart = all(d for d, n in zip(dashed, numbered, strict=True) if n)  # week-0, week-4: no minus
    said = [_said(re.sub(r"(?<=[a-z])-(?=\d)", " ", t) if apart else t) for t in bare]
    known = [s for s in said if s is not None]
    counted = [s for s in known if s.number is not None and s.place is None]
    if len(known) < len(said) or not _comparable(known):
        return None
    found = _sorted(labels, [_key(s) for s in known], "number" if counted == known else "its words")
    late = any(s.place == 1 for s in known) and any(s.number for s in counted)
    if found and late and found.labels != tuple(labels):
        question = "is the number between the words, or after them?"
        return TimeOrder(tuple(labels), "its words", question)
    return found


def _comparable(said: Sequence[_Said]) -> bool:
    """Whether numbers have units, or none has and the other words are the same."""
    numbers = [s for s in said if s.number is not None and (s.number or s.days or s.rest)]
    with_unit = [s.days is not None for s in numbers]
    return all(with_unit) or (not any(with_unit) and len({s.rest for s in numbers}) == 1)


def _key(said: _Said) -> tuple[float, float]:
    """Place, then days; a number with its unit after a word of before may count either way."""
    number = (said.number or 0.0) * (said.days or 1.0)
    if said.place is None or said.place >= 0:
        return float(said.place or 0), number
    if said.word_first:
        return float(said.place), number if said.days is None else 0.0
    return float(said.place), -abs(number)


def _said(text: str) -> _Said | None:
    """What a label says; None for two numbers, two places or nothing known."""
    tokens = [
        _ORDINALS.get(t, t) for t in _TOKEN.findall(text) if t not in ("st", "nd", "rd", "th")
    ]
    numbers = [i for i, t in enumerate(tokens) if t.lstrip("+-")[0].isdigit()]
    places = [(i, p) for i, t in enumerate(tokens) if (p := _place(t)) is not None]
    if len(numbers) > 1 or len({p for _, p in places}) > 1 or not (numbers or places):
        return None
    units = [_DAYS[t] for t in tokens if t in _DAYS] if numbers else []
    named = {i for i, _ in places}
    rest = [t for i, t in enumerate(tokens) if i not in named and i not in numbers]
    return _Said(
        place=places[0][1] if places else None,
        number=float(tokens[numbers[0]]) if numbers else None,
        days=units[0] if units else None,
        rest="" if places else " ".join(t for t in rest if t not in _DAYS),
        word_first=bool(numbers and places and places[0][0] < numbers[0]),
    )


def _place(token: str) -> int | None:
    """Place of a word of before, during or after."""
    for place, words in PLACES.items():
        for word in words:
            begins = len(word) >= _LONG or word in _BEGINS
            if token == word or (begins and token.startswith(word)):
                return place
    return None
