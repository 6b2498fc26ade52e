"""Headers that name another quantity than the one they look like: fat eaten, values net of rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

from retrostats.common.errors import InputError
from retrostats.common.units import convert
from retrostats.common.vocabulary import Conditions
from retrostats.io.cohort.headers import kind_of, split_unit
from retrostats.io.cohort.layout import Table
from retrostats.io.cohort.shape import measure_of
from retrostats.io.cohort.spec import Spec
from retrostats.io.tables import cells as cell
from retrostats.io.tables.words import letters
from retrostats.io.validation.problem import Problem

#: Kinds of which a value net of rest is another quantity, and the word of a spec for each.
ENERGY = {
    "oxygen": "vo2", "carbon_dioxide": "vco2", "energy_cost": "energy cost",
    "metabolic_rate": "metabolic rate",
}  # fmt: skip
_NET = re.compile(r"(?<![a-z])net(?:to|te|ta|o|a)?(?![a-z])|(?<![a-z])net(?=v ?c?o2)")
#: Words of what people eat, and of a table about it, in five languages.
_EATEN = """
kcal calorie calories protein proteins carbohydrate carbohydrates carb carbs cho sugar
sugars fibre fiber sodium salt cholesterol alcohol starch saturated calcium vitamin iron
potassium eiweiss kohlenhydrate kohlenhydrat zucker ballaststoffe kalorien natrium salz
proteine proteines glucides sucre sucres fibres calories sel lipides carboidrati zuccheri
fibra fibre calorie sale proteina proteinas carbohidratos hidratos azucar azucares fibra
calorias sal sodio
"""
EATEN = frozenset(_EATEN.split())
_DIET = """
diet dietary nutrition nutrient nutrients nutritional food intake macros macronutrients
ernahrung nahrung zufuhr alimentation apport apports dieta alimentazione alimentacion
ingesta
"""
DIET = frozenset(_DIET.split())
#: Names of body fat that may as well be of fat eaten.
EITHER = frozenset({"fat", "fat percent", "fat percentage", "fat pct"})
#: Percent of body fat that half the people of a study do not exceed.
USUAL_BODY_FAT = 45.0
#: Kilograms of fat that nobody eats in a day and everybody has.
LEAST_TISSUE_KG = 1.0
#: Ways in which people write that the unit is a share.
_SHARE = re.compile(r"%|percent|pct|prozent|fraction")


def other_quantities(
    table: Table, spec: Spec, problems: list[Problem], conditions: Conditions
) -> Table:
    """The table with fat that is or may be eaten under a name of its own; questions are listed.

    A header that the spec names under [columns] or [wide] is what the spec says.
    """
    measured = partial(measure_of, conditions=conditions)
    table = _without_net(table, spec, problems, measured)
    fat = [
        h for h in table.headers if h not in (*spec.columns, *spec.wide) and _either(h, measured)
    ]
    why = _eaten(table) if fat else ""
    shares = [h for h in fat if _SHARE.search(f"{h} {table.units.get(h, '')}".lower())]
    if shares and not why:  # grams beside the percent of the same tissue
        fat = shares
    renamed = {}
    for header in fat:
        reason = why or _too_much(table, header)
        if reason:
            renamed[header] = f"dietary {header}"
            problems.append(_fat(table, header, reason, spec, wide=kind_of(header) is None))
    return replace(table, columns=table.columns.rename(columns=renamed)) if renamed else table


def _without_net(
    table: Table, spec: Spec, problems: list[Problem], measured: Callable[[str], str]
) -> Table:
    """The table without measures net of rest where it has gross ones; an error where it has not.

    A warning where the spec says to take them.
    """
    words = {header: _net_of(header, spec, measured) for header in table.headers}
    gross = {k for h in table.headers if not words[h] for k in (kind_of(h), measured(h))}
    renamed = {}
    for header, word in words.items():
        if not word:
            continue
        kind = next(kind for kind, its in ENERGY.items() if its == word)
        if kind in gross and header not in spec.named:
            renamed[header] = f"without rest: {header}"
            problems.append(
                Problem("guess", table.file, "", header, "a value net of rest", "gross values",
                        "column kept as it is, not used: the gross values are")
            )  # fmt: skip
            continue
        problems.append(_net(table, header, word, spec))
    return replace(table, columns=table.columns.rename(columns=renamed)) if renamed else table


def _net_of(header: str, spec: Spec, measured: Callable[[str], str]) -> str:
    """The word of a spec for the measure of which a header is net of rest; "" if it is none."""
    said = spec.columns.get(header, header)
    target = spec.wide.get(header, {}).get("column", "")
    if not _NET.search(letters(header)) and not _NET.search(letters(said)):
        return ""
    bare = " ".join(_NET.sub(" ", letters(split_unit(said)[0])).split())
    kinds = {kind_of(said), kind_of(bare), measured(said), measured(bare), kind_of(target)}
    return next((word for kind, word in ENERGY.items() if kind in kinds), "")


def _net(table: Table, header: str, word: str, spec: Spec) -> Problem:
    """What is said of values net of rest without gross ones beside them."""
    target = spec.wide.get(header, {}).get("column", "")
    named = header in spec.columns or bool(target)
    stated = spec.columns.get(header, target)
    free = spec.analysis == "none" or (named and not _NET.search(letters(stated)))
    return Problem(
        "warning" if free else "error", table.file, "", header,
        "a value net of rest", "gross values: those of the literature are, and a ratio "
        "of net ones is farther from 1",
        "taken as the spec says" if free else
        "give the gross values (add what was measured at rest), or keep the table for "
        f'a model of your own with analysis = "none"; if it is gross, write '
        f'"{header}" = "{word}" under [columns] in a spec',
    )  # fmt: skip


def _either(header: str, measured: Callable[[str], str]) -> bool:
    """Whether a header says fat, perhaps at a time, and not of what."""
    name = letters(split_unit(header)[0])
    if kind_of(header) == "body_fat_pct":
        return name in EITHER
    words = set(name.split())
    return measured(header) == "body_fat_pct" and not words & {"body", "dxa", "bf", "bia"} and (
        "fat" in words
    )  # fmt: skip


def _eaten(table: Table) -> str:
    """What else in the table is about food; "" if nothing."""
    for header in table.headers:
        words = letters(header).split()
        if set(words) & (EATEN | DIET) or "energy intake" in " ".join(words) or words == ["energy"]:
            return f"beside {header!r}"
    around: Sequence[str] = (*table.titles, table.sheet, table.file)
    named = next((text for text in around if set(letters(text).split()) & DIET), "")
    return f"in a table about food ({named!r})" if named else ""


def _too_much(table: Table, header: str) -> str:
    """Why values without a unit are no percent of body fat; "" if they may be."""
    said = f"{split_unit(header)[1] or ''} {letters(header)} {table.units.get(header, '')}"
    if _SHARE.search(said):
        return ""
    column = table.columns[header].dropna()
    mark = cell.decimal_mark(column)
    values = [v for v in map(mark.value, column) if v is not None]
    center = median(values) if values else 0.0
    unit = split_unit(header)[1] or table.units.get(header, "")
    if not unit:
        return f"with a median of {center:.4g} and no unit" if center > USUAL_BODY_FAT else ""
    try:
        kilograms = float(convert(center, unit, "kg"))
    except InputError:
        return f"in {unit!r}"
    return f"with a median of {center:.4g} {unit}" if kilograms < LEAST_TISSUE_KG else ""


def _fat(table: Table, header: str, reason: str, spec: Spec, *, wide: bool) -> Problem:
    line = (
        f'under [wide] in a spec "{header}" = {{ column = "body fat", unit = "%", time = ... }}'
        if wide
        else f'under [columns] in a spec "{header}" = "body_fat_pct"'
    )
    free = spec.analysis == "none"
    return Problem(
        "guess" if free else "error", table.file, "", header, f"fat {reason}",
        "body fat in percent", "taken as fat eaten, not as body fat" if free else
        f"is it fat eaten? It is no body fat: leave it out. If it is body fat, write {line}",
    )  # fmt: skip
