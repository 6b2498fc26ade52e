"""What every column of a table is: spec first, then its header, then the row of units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.common.units import Unit, convert, parse_unit
from retrostats.common.vocabulary import Conditions, Topic
from retrostats.io.cohort.headers import (
    NAMES,
    TEXT,
    Meaning,
    example_unit,
    kind_of,
    near_header,
    read_header,
    split_unit,
    without_number,
)
from retrostats.io.cohort.infer_units import cell_numbers, infer_units
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.own_words import names_of, own_column
from retrostats.io.cohort.shape import is_wide, names_levels
from retrostats.io.cohort.spec import Spec
from retrostats.io.tables.words import letters
from retrostats.io.validation.problem import Problem

UNUSED = "column kept as it is, not used"
#: Relative difference of one value in two units, as two or three digits leave it.
SAME = 0.02
#: Words before the name of an audit's column that do not change what it counts.
_BEFORE = frozenset({
    "number", "of", "nr", "n", "count", "total", "all", "new", "acute", "sustained", "the",
    "knee", "ankle", "joint", "leg", "limb", "lower", "extremity",
})  # fmt: skip


def audit_columns(topics: Mapping[str, Topic]) -> dict[str, str]:
    """Columns that the topics ask for and no field vocabulary knows, by their plain words.

    Examples
    --------
    >>> audit_columns({"grip": Topic("grip", "grip", needs=("subject", "grip_kg"))})
    {'grip kg': 'grip_kg'}
    """
    asked = (column for topic in topics.values() for column in (*topic.needs, *topic.outcomes))
    of_audit = {letters(column): column for column in asked
                if kind_of(column) is None and own_column(column) in ("", column)}  # fmt: skip
    said = [(column, word, topic.own) for topic in topics.values()
            for column, words in topic.headers.items() for word in words]  # fmt: skip
    named = {n: column for column, word, own in reversed(said)
             for n in (filter(own_column, names_of(word)) if own else (letters(word),))
             }  # fmt: skip
    return {**named, **of_audit}


def audit_column(header: str, of_audit: Mapping[str, str]) -> str:
    """The audit's column that a header names, with words before it that change nothing; "" if none.

    Examples
    --------
    >>> falls = {"hip falls": "hip_falls"}
    >>> audit_column("Number of hip falls", falls), audit_column("non-hip falls", falls)
    ('hip_falls', '')
    """
    said = letters(header)
    if said in of_audit:
        return of_audit[said]
    words = said.split()
    for cut in range(1, len(words)):
        name = " ".join(words[cut:])
        if name in of_audit and set(words[:cut]) <= _BEFORE:
            return of_audit[name]
    return ""


def known_header(
    spec: Spec, conditions: Conditions, of_audit: Mapping[str, str], header: str
) -> bool:
    """Whether a header names something, by itself, in the spec, or in the audit."""
    return (
        header in spec.named
        or kind_of(header) is not None
        or kind_of(without_number(header)) is not None
        or (
            may_name_levels(header, conditions)
            and (is_wide(header, conditions) or names_levels(header, conditions))
        )
        or audit_column(header, of_audit) != ""
    )


def may_name_levels(header: str, conditions: Conditions) -> bool:
    """Whether a header has a letter, as every level does unless a condition has none in its word.

    A table of numbers is full of cells that have none.

    Examples
    --------
    >>> may_name_levels("36.7", Conditions("left", "right"))
    False
    >>> may_name_levels("1", Conditions("left", "right", synonyms={"left": ("1",)}))
    True
    """
    spoken = (w for name in conditions.compared for w in conditions.words(name))
    return any(c.isalpha() for c in header) or not all(any(map(str.isalpha, w)) for w in spoken)


def holds_text(spec: Spec, header: str) -> bool:
    """Whether a column stays text even if it looks like numbers."""
    return kind_of(spec.columns.get(header, header)) in TEXT


def read_meanings(
    table: Table, spec: Spec, problems: list[Problem], of_audit: Mapping[str, str]
) -> list[Meaning]:
    """One meaning a used column; guesses, unknown and doubtful columns are listed.

    `of_audit` are columns of the audit's topics, see `audit_columns`: numbers, taken as they are.

    Raises
    ------
    InputError
        The spec names a header that is not in the table.
    """
    _refuse_absent(table, spec)
    inferred = infer_units(table, spec, problems)
    table = replace(table, units={**table.units, **inferred})
    meanings: list[Meaning] = []
    for header in sorted(table.headers, key=_second_choice):
        meaning = _meaning(table, spec, header, problems, of_audit)
        if meaning is None:
            continue
        taken = next((m for m in meanings if m.column == meaning.column), None)
        if taken:
            problems.append(_again(table, header, meaning, taken))
            continue
        if header.strip().lower() != meaning.column or meaning.guessed:
            note = meaning.guessed or f"read as {meaning.column}"
            note += converted(meaning)
            problems.append(Problem("guess", table.file, "", header, header, meaning.column, note))
        meanings.append(Meaning(header, meaning.column, meaning.unit, meaning.to, meaning.guessed))
    return meanings


def _again(table: Table, header: str, meaning: Meaning, taken: Meaning) -> Problem:
    """A second column of one meaning: a question, unless it holds the same cells."""
    first = taken.header
    if _second_choice(header):
        return Problem("guess", table.file, "", header, f"{meaning.column} in another unit", "",
                       f"{UNUSED}: {first!r} is")  # fmt: skip
    if meaning.unit == taken.unit and table.columns[header].equals(table.columns[first]):
        return Problem("guess", table.file, "", header, f"the same cells as {first!r}", "", UNUSED)
    if meaning.unit and taken.unit and meaning.to == taken.to and _agree(table, header, meaning,
                                                                          taken):  # fmt: skip
        return Problem("guess", table.file, "", header, f"the values of {first!r} in another unit",
                       "", UNUSED)  # fmt: skip
    if meaning.column == "subject" and _one_to_one(table, header, first):
        return Problem("guess", table.file, "", header, f"the people of {first!r} by another name",
                       "", UNUSED)  # fmt: skip
    twice = without_number(header) == first
    found = f"{first!r} occurs twice" if twice else f"also {meaning.column}, as {first!r}"
    return _error(
        table, header, found, "one column each",
        "rename one, or write the right one alone under [columns] in a spec: "
        f'"{header}" = "{meaning.column}"',
    )  # fmt: skip


def _one_to_one(table: Table, header: str, other: str) -> bool:
    """Whether each value of a column goes with one of the other, and the other way round."""
    pairs = table.columns[[header, other]].dropna().drop_duplicates()
    return not (pairs[header].duplicated().any() or pairs[other].duplicated().any())


def _second_choice(header: str) -> bool:
    """Whether a column is used only where no other has its meaning: METs, minutes of exposure."""
    own = own_column(header)
    if own and letters(header) not in names_of(own.removeprefix("outcome_")):
        return True
    words = letters(header).split()
    return words in (["met"], ["mets"]) or (
        "minutes" in words and kind_of(header) == "exposure_h"
    )  # fmt: skip


def _agree(table: Table, header: str, one: Meaning, other: Meaning) -> bool:
    """Whether two columns hold the same values, to the digits that were written."""
    read = []
    for name, meaning in ((header, one), (other.header, other)):
        values = cell_numbers(table.columns[name])
        read.append(convert(values, meaning.unit.symbol if meaning.unit else "", meaning.to))
    there = np.isfinite(read[0]) & np.isfinite(read[1])
    return bool(there.any() and np.allclose(read[0][there], read[1][there], rtol=SAME))


def converted(meaning: Meaning) -> str:
    """What is done to the values of a column, in words; "" where they stay as they are.

    Examples
    --------
    >>> converted(read_header("speed", "km/h"))
    ', values converted from km/h to m/s (10 km/h become 2.778 m/s)'
    """
    unit, to = meaning.unit, meaning.to
    if unit is None or unit.symbol == to:
        return ""
    try:
        example = float(convert(10.0, unit.symbol, to))
    except InputError:  # needs body mass: said where the rate is made
        return f", values converted from {unit.symbol} to {to}"
    if example == 10:
        return ""
    said = f"10 {unit.symbol} become {_plain(example)} {to}"
    return f", values converted from {unit.symbol} to {to} ({said})"


def _plain(value: float) -> str:
    """Four digits, never as a power of ten."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _meaning(
    table: Table, spec: Spec, header: str, problems: list[Problem], of_audit: Mapping[str, str]
) -> Meaning | None:
    named = spec.columns.get(header) or _name(table, header)
    column = audit_column(named, of_audit)
    if column:
        return _as_it_is(table, spec, header, column, problems)
    said = split_unit(named)[1] or (split_unit(header)[1] if kind_of(header) else None)
    if header in table.melted:
        said = table.units[header]
    unit = spec.units.get(header) or said or table.units.get(header)
    try:
        meaning = read_header(split_unit(named)[0] if said else named, unit)
    except InputError as error:
        if spec.analysis == "none" and header not in spec.named:
            problems.append(Problem("guess", table.file, "", header, str(error), "", UNUSED))
        else:
            reasons = re.sub(r"^column '.*?': ", "", str(error)).split("; ")
            write = f'under [units] in a spec: "{header}" = "{example_unit(header)}"'
            problems.append(
                _error(table, header, reasons[0], "; ".join(reasons[1:]).removeprefix("allowed: ")
                       .removeprefix("allowed is "), f"write it with the name, or {write}")
            )  # fmt: skip
        return None
    if meaning is not None and not (_is_window(meaning) and not _is_plan(table, spec, header)):
        return meaning
    if header in spec.columns:
        hint = suggestion(named, [k.replace("_", " ") for k in NAMES])
        problems.append(
            _error(table, header, f"{named!r} in the spec{hint}", "a column of the template",
                   "see `retrostats template ANALYSIS --spec`")
        )  # fmt: skip
        return None
    near = near_header(header)
    problems.append(
        Problem("guess", table.file, "", header, f"an unknown header{near}", "",
                UNUSED)
    )  # fmt: skip
    return None


def _is_window(meaning: Meaning) -> bool:
    return meaning.column in ("window_start_s", "window_end_s")


def _is_plan(table: Table, spec: Spec, header: str) -> bool:
    """Whether a table names exports of a cart, of which "from" and "until" choose a part.

    Elsewhere these are dates, or anything, unless a spec names them.
    """
    from retrostats.io.carts.plan import file_column

    return header in spec.named or file_column(table) is not None


def _as_it_is(
    table: Table, spec: Spec, header: str, column: str, problems: list[Problem]
) -> Meaning:
    """A column of the audit, in its own unit; another one is converted where the spec says it.

    A unit that only the header or a row of units says may stand there by mistake: it is asked.
    """
    own, written = unit_at_end(column), _written_unit(header)
    given = spec.units.get(header) or (table.units.get(header) if spec.wide else None)
    unit = given or table.units.get(header) or (written if _contradicts(written, own) else None)
    if not unit or f" {letters(column)}".endswith(f" {letters(unit)}"):
        if given and _contradicts(written, own):
            problems.append(
                _error(table, header, f"{written} in the header, {given} in the spec", "one unit",
                       "correct the header or [units]")
            )  # fmt: skip
        return Meaning(header, column, None, "")
    parsed = _parsed(unit)
    if own is None or parsed is None or parsed.quantity != own.quantity:
        problems.append(
            _error(table, header, f"unit {unit!r}", f"values as {column} names them",
                   "convert them in the table")
        )  # fmt: skip
        return Meaning(header, column, None, "")
    if parsed != own and not given:
        problems.append(
            _error(table, header, f"unit {unit!r}", f"values in {own.symbol}, as {column} says",
                   f'if they are {parsed.symbol}, write under [units] in a spec "{header}" = '
                   f'"{parsed.symbol}", and they are converted; else correct the header')
        )  # fmt: skip
    return Meaning(header, column, parsed, own.symbol)


def _parsed(text: str | None) -> Unit | None:
    """A unit that is known, or None."""
    try:
        return parse_unit(text) if text else None
    except InputError:
        return None


def unit_at_end(name: str) -> Unit | None:
    """The unit that the last words of a name are; None where they are none.

    Examples
    --------
    >>> unit_at_end("grip_kg").symbol, unit_at_end("speed_km_h").symbol, unit_at_end("falls")
    ('kg', 'km/h', None)
    """
    *_, last = parts = letters(name).split() or [""]
    pair = _parsed("/".join(parts[-2:])) if len(parts) > 2 else None
    return pair or (_parsed(last) if len(parts) > 1 else None)


def _written_unit(header: str) -> str | None:
    """The unit that a header says: in brackets anywhere, else by its last words."""
    for text in reversed(re.findall(r"[\[(]([^\[\]()]+)[\])]", header)):
        if _parsed(text):
            return str(text)
    after = re.search(r"(?:[,/;:]|\bin\b)\s*([^\s,/;:]+)\s*$", header)
    if after and _parsed(after[1]):
        return after[1]
    unit = unit_at_end(header)
    return unit.symbol if unit else None


def _contradicts(written: str | None, own: Unit | None) -> bool:
    """Whether a header says another unit than its column: a letter may be no unit at all."""
    unit = _parsed(written)
    return unit is not None and own is not None and unit != own


def _name(table: Table, header: str) -> str:
    """The header, or the long name of a statistical package where only that one is known."""
    label = table.labels.get(header, "")
    if kind_of(header) is None and label and kind_of(label):
        return label
    bare = without_number(header)
    if kind_of(header) is not None or not kind_of(bare):
        return header
    beside = [other for other in table.headers if other != header]
    again = "..." in header or any(bare in (other, without_number(other)) for other in beside)
    return bare if again else header  # "age.65" alone is no second age


def _refuse_absent(table: Table, spec: Spec) -> None:
    sections = {
        "columns": spec.columns,
        "units": spec.units,
    }  # those of a filter are looked up there
    for section, entries in sections.items():
        for header in entries:
            if header not in table.columns:
                raise InputError(
                    f"spec, [{section}]: no column {header!r} in {table.file}"
                    f"{suggestion(header, table.headers)}; it has "
                    f"{', '.join(map(repr, table.headers))}"
                )


def _error(table: Table, header: str, found: str, allowed: str, action: str) -> Problem:
    return Problem("error", table.file, "", header, found, allowed, action)
