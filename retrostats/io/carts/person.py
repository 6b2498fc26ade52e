"""Body mass and height beside a table; names and birth dates only on request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from retrostats.common.units import convert
from retrostats.io.carts.names import fold, quantity
from retrostats.io.tables import cells as cell
from retrostats.io.tables import words
from retrostats.io.tables.grid import Cell, Row

MASS = frozenset(
    {*words.MASS, "masse", "peso corporeo", "peso corporal", "massa", "vekt", "kroppsvekt", "vikt",
     "kroppsvikt", "vaegt", "vægt"}
)  # fmt: skip
HEIGHT = frozenset(
    {*words.HEIGHT, "body height", "groesse", "statura", "estatura", "hoyde", "langd", "hojde",
     "lengde"}
)  # fmt: skip
PRIVATE = frozenset(
    {"name", "last name", "first name", "surname", "given name", "nachname", "vorname", "cognome",
     "nome", "nom", "prenom", "apellido", "apellidos", "nombre", "etternavn", "fornavn",
     "efternamn", "fornamn", "zweiter vorname", "middle name", "geburtsdatum", "geburtstag",
     "date of birth", "birth date", "birthdate", "birthday", "dob", "data di nascita",
     "date de naissance", "fecha de nacimiento", "fodselsdato", "fodelsedatum", "id", "id1",
     "idnr", "id-nummer", "id number", "patient id"}
)  # fmt: skip
PLAUSIBLE = {"mass": (15.0, 350.0), "length": (80.0, 260.0)}
#: Unit of a number that has none, by the size it must have to be a person's.
_USUAL = {"mass": ("kg",), "length": ("cm", "m")}
_VALUE = re.compile(r"\s*([+-]?[\d.,]+)\s*([^\d\s].*)?")


def measure(rows: Iterable[Row], what: str) -> float | None:
    """Body mass in kg (`what` is "mass") or height in cm ("length"), None if not found."""
    names = MASS if what == "mass" else HEIGHT
    to = "kg" if what == "mass" else "cm"
    low, high = PLAUSIBLE[what]
    for label, unit, values in _pairs(rows):
        if label not in names:
            continue
        found = list(_quantities(unit, values, what))
        for value, said in sorted(found, key=lambda pair: pair[1] != to):
            result = float(convert(value, said, to))
            if low <= result <= high:
                return result
    return None


def private(rows: Iterable[Row]) -> dict[str, str]:
    """Names, identifiers and birth dates as written."""
    found: dict[str, str] = {}
    for label, _, values in _pairs(rows):
        if label in PRIVATE and values and not cell.is_missing(values[0]):
            found.setdefault(label, str(values[0]).strip())
    return found


def _pairs(rows: Iterable[Row]) -> Iterator[tuple[str, str, list[Cell]]]:
    """Label, unit in the label, and the filled cells after it."""
    for row in rows:
        filled = [c for c in row.cells if not cell.is_missing(c)]
        for at, text in enumerate(filled):
            if not isinstance(text, str) or len(text) > 200:
                continue
            label, _, inside = re.sub("=", ":", text, count=1).partition(":")
            bracket = re.match(r"^(.*?)\s*[\[(](.*?)[\])]", label)
            name, unit = (bracket[1], bracket[2]) if bracket else (label, "")
            values: list[Cell] = [inside] if inside.strip() else []
            yield fold(name), unit, values + filled[at + 1 : at + 5]


def _quantities(unit: str, values: list[Cell], what: str) -> Iterator[tuple[float, str]]:
    """Numbers with their units, up to the next label."""
    for at, value in enumerate(values):
        match = _VALUE.fullmatch(str(value))
        if match is None:
            if quantity(str(value).strip()) != what:
                return
            continue
        size = cell.number(match[1], "," in match[1])
        beside = values[at + 1] if at + 1 < len(values) else ""
        for said in (match[2], unit, beside):
            if size is not None and isinstance(said, str) and quantity(said.strip()) == what:
                yield size, said.strip()
                break
        else:
            low, high = PLAUSIBLE[what]
            for usual in _USUAL[what]:
                if size is not None and low <= float(convert(size, usual, _USUAL[what][0])) <= high:
                    yield size, usual
