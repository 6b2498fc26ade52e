"""What a column of a lab's table is: names in five languages, and the unit written with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.common.units import Unit, parse_unit
from retrostats.io.cohort.own_words import own_column
from retrostats.io.tables import words
from retrostats.io.tables.words import letters, without_accents

#: Column of the normalised table: words that name it (English, German, French, Italian, Spanish).
NAMES: dict[str, tuple[str, ...]] = {
    "subject": ("subject", "subject id", "subj", "participant", "participant id", "id", "pid",
                "athlete", "runner", "person", "player", "spieler", "spielerin", "joueur",
                "joueuse", "giocatore", "giocatrice", "jugador", "jugadora", "volunteer",
                "proband", "probandin", "vp",
                "subjectname", "subject name", "subject code", "subject no", "subject number",
                "subjid",
                "subject nr", "participant name", "participant code", "participant number",
                "participant no", "ppt", "player name", "player id", "athlete name", "athlete id",
                "runner id", "patient", "patient id", "patient name", "volunteer id",
                "versuchsperson", "teilnehmer", "teilnehmerin", "laufer", "sujet", "participante",
                "coureur", "soggetto", "partecipante", "atleta", "sujeto"),
    "direction": ("direction", "running direction", "richtung", "laufrichtung", "sens",
                  "sens de course", "direzione", "direccion", "sentido"),
    "arm": ("arm", "group", "gruppe", "groupe", "gruppo", "grupo", "condition", "bedingung",
            "treatment", "treat", "trt", "trial arm", "treatment group", "study group"),
    "gait": ("gait", "gangart", "bewegungsart", "allure", "andatura", "marcha", "locomotion"),
    "time": (*words.TIME, "timepoint", "visit", "zeitpunkt", "messzeitpunkt", "moment", "momento",
             "session"),
    "time_weeks": words.WEEK,
    "speed": (*words.SPEED, "vitesse de course", "tempo km h", "pace"),
    "gradient_pct": words.GRADIENT,
    "oxygen": (*words.OXYGEN, "v o2", "vo2 net", "vo2 steady", "vo2 steady state", "net vo2",
               "oxygen", "vo2 kg", "vo2 per kg", "vo2 bm", "met", "mets"),
    "carbon_dioxide": (*words.CARBON_DIOXIDE, "v co2", "carbon dioxide"),
    "rer": words.EXCHANGE_RATIO,
    "energy_cost": ("energy cost", "cost of transport", "cost of running", "running cost",
                    "net cost of transport", "running economy", "cr",
                    "energiekosten", "energieaufwand", "cout energetique", "costo energetico",
                    "coste energetico", "cot", "ec"),
    "metabolic_rate": ("metabolic rate", "metabolic power", "energy expenditure", "ee",
                       "energieumsatz",
                       "puissance metabolique", "potenza metabolica", "potencia metabolica"),
    "heart_rate_bpm": words.HEART_RATE,
    "body_fat_pct": ("body fat", "percent body fat", "body fat percentage", "fat percent",
                     "fat percentage", "percent fat", "fat", "bf", "pct bf", "bf pct",
                     "pbf", "pcbfat", "pct bfat",
                     "fat pct dxa", "fat dxa", "pct fat",
                     "region pct fat", "total pct fat", "tissue pct fat", "total tissue pct fat",
                     "total body pct fat", "whole body pct fat", "wbtot pfat", "wbtot pct fat",
                     "total body fat", "whole body fat",
                     "korperfett", "korperfettanteil", "graisse corporelle",
                     "grasso corporeo", "grasa corporal"),
    "fat_mass_kg": ("fat mass", "fm", "fettmasse", "masse grasse", "massa grassa", "masa grasa"),
    "mass_kg": (*words.MASS, "bodymass", "bodyweight"),
    "height_cm": words.HEIGHT,
    "injuries": ("injuries", "injury count", "verletzungen", "blessures", "infortuni", "lesiones"),
    "exposure_h": ("exposure", "exposure hours", "hours", "training hours", "hours of training",
                   "hours trained", "training and match hours", "practice hours", "playing hours",
                   "exposure time", "hours of exposure", "exposure minutes",
                   "training minutes", "minutes played", "playing minutes", "match minutes",
                   "minutes of exposure", "minutes", "spielminuten", "athletic exposure hours",
                   "stunden",
                   "trainingsstunden", "heures", "ore", "horas"),
    "window_start_s": ("start", "window start", "from", "beginn", "debut", "inizio", "inicio"),
    "window_end_s": ("end", "window end", "until", "ende", "fin", "fine"),
    "sex": ("sex", "gender", "geschlecht", "sexe", "sesso", "sexo"),
    "age_y": ("age", "alter", "eta", "edad"),
}  # fmt: skip

#: Headers of the period of a crossover, of the order of its conditions, and of the lab.
PERIODS = ("period", "periode", "periodo", "test period", "study period")
SEQUENCES = ("sequence", "seq", "sequenz", "reihenfolge", "sequenza", "secuencia",
             "treatment order", "order", "test order", "ordre", "ordine", "orden")  # fmt: skip
LABS = ("lab", "laboratory", "site", "centre", "center", "labor", "zentrum", "laboratoire",
        "laboratorio", "centro")  # fmt: skip
#: Letters of a header from which a slip of the pen is looked for.
SUGGESTED_FROM = 6
#: Letters of a name of several words from which it is one without its blanks too ("bodyfat").
JOINED_FROM = 6
#: What each of these words names.
KIND_BY_WORD = {word: kind for kind, listed in NAMES.items() for word in listed}
#: Where the unit decides the column: quantity of the unit -> column and its unit.
BY_UNIT: dict[str, dict[str, tuple[str, str]]] = {
    "oxygen": {
        "oxygen_uptake": ("vo2_ml_kg_min", "ml/kg/min"),
        "gas_flow": ("vo2_ml_min", "ml/min"),
        "oxygen_cost": ("oxygen_cost_ml_kg_m", "ml/kg/m"),
    },
    "carbon_dioxide": {
        "gas_flow": ("vco2_ml_min", "ml/min"),
        "oxygen_uptake": ("vco2_ml_kg_min", "ml/kg/min"),
    },
    "energy_cost": {
        "energy_cost": ("energy_cost_j_kg_m", "J/kg/m"),
        "oxygen_cost": ("oxygen_cost_ml_kg_m", "ml/kg/m"),
    },
    "metabolic_rate": {
        "specific_power": ("metabolic_rate_w_kg", "W/kg"),
        "power": ("metabolic_rate_w", "W"),
    },
    "speed": {"speed": ("speed_m_s", "m/s")},
    "fat_mass_kg": {"mass": ("fat_mass_kg", "kg"), "percent": ("body_fat_pct", "%")},
    "mass_kg": {"mass": ("mass_kg", "kg")},
    "height_cm": {"length": ("height_cm", "cm")},
    "exposure_h": {"time": ("exposure_h", "h")},
    "window_start_s": {"time": ("window_start_s", "s")},
    "window_end_s": {"time": ("window_end_s", "s")},
    "body_fat_pct": {"percent": ("body_fat_pct", "%"), "mass": ("fat_mass_kg", "kg")},
    "gradient_pct": {"percent": ("gradient_pct", "%"), "angle": ("gradient_pct", "%")},
    "heart_rate_bpm": {"heart_rate": ("heart_rate_bpm", "bpm")},
}
#: Unit of a column that says none, where only one is usual; using it is listed as a guess.
USUAL = {
    "body_fat_pct": "%", "gradient_pct": "%", "heart_rate_bpm": "bpm", "mass_kg": "kg",
    "fat_mass_kg": "kg", "height_cm": "cm", "exposure_h": "h",
    "window_start_s": "s", "window_end_s": "s",
}  # fmt: skip


_JOINED = {
    word.replace(" ", ""): kind
    for kind, listed in NAMES.items()
    for word in listed
    if " " in word and len(word) > JOINED_FROM
}
#: Kinds that hold a measurement, not who, when or which way.
MEASURES = frozenset(NAMES) - {
    "subject", "direction", "arm", "gait", "time", "time_weeks", "sex", "age_y", "speed",
    "gradient_pct",
}  # fmt: skip
#: Words by which a measure is one per kilogram, or a share.
RELATIVE = frozenset({"rel", "relative", "relativ", "relatif", "relativo"})
#: Words beside the name of a measure that do not change what it is.
QUALIFIERS = frozenset({
    "mean", "avg", "average", "mw", "mittel", "mittelwert", "moyenne", "moyen", "media", "medio",
    "promedio", "value", "abs", "absolute", "absolut", "absolu", "assoluto", "absoluto", "gross",
    "brutto", "brut", "lordo", "bruto", *RELATIVE,
})  # fmt: skip
#: Kinds that hold words or names, even where they look like numbers.
TEXT = ("subject", "direction", "arm", "gait", "time", "sex")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a header was read as; `unit` is None for a column without one.

    `shown` are the headers of a wide table that it stood in, `first` its first value, as written
    and as converted, `words` each word of a column of codes with its code.
    """

    header: str
    column: str
    unit: Unit | None
    to: str
    guessed: str = ""
    shown: str = ""
    first: str = ""
    words: tuple[tuple[str, str], ...] = ()


def read_header(header: str, unit: str | None = None) -> Meaning | None:
    """Meaning of one header, or None for a column that is not used.

    Parameters
    ----------
    header
        As written: "VO2 (ml/kg/min)", "vo2_ml_kg_min", "Körperfett [%]", "speed_kmh".
    unit
        Overrides what the header says (a unit row, a spec).

    Raises
    ------
    InputError
        The name is known and its unit is not, or does not measure it.

    Examples
    --------
    >>> read_header("Geschwindigkeit (km/h)").column
    'speed_m_s'
    """
    name, said = split_unit(header)
    kind = None if own_column(header) else _kind(_letters(name))
    if kind is None:
        return None
    if kind not in BY_UNIT:
        return Meaning(header, kind, None, "")
    if unit and said and parse_unit(unit) != parse_unit(said):
        raise InputError(f"column {header!r}: its name says {said}, but {unit} is given for it")
    text = unit or said
    guessed = ""
    if text is None and letters(name) in ("met", "mets"):
        text, guessed = "MET", "1 MET is 3.5 ml/kg/min"
    if text is None and kind == "exposure_h" and "minute" in letters(name):
        text, guessed = "min", "minutes by its name"
    if text is None and kind == "oxygen" and _per_kg(name):
        text, guessed = "ml/kg/min", "no unit given, taken as ml/kg/min"
    if text is None:
        if kind not in USUAL:
            raise InputError(
                f"column {header!r}: no unit; a unit of {', '.join(BY_UNIT[kind])}, as "
                f"{kind.replace('_', ' ')} ({_example(kind)})"
            )
        text, guessed = USUAL[kind], f"no unit given, taken as {USUAL[kind]}"
    parsed = parse_unit(text)
    if parsed.quantity == "gas_flow" and kind == "oxygen" and _per_kg(name):
        parsed, guessed = parse_unit(f"{text}/kg"), f"{text} of a value per kilogram"
    quantity = "gas_flow" if parsed.quantity == "ventilation" else parsed.quantity
    if quantity not in BY_UNIT[kind]:
        raise InputError(
            f"column {header!r}: unit {text!r} measures {parsed.quantity}; "
            f"allowed is a unit of {', '.join(BY_UNIT[kind])}, as {_example(kind)}"
        )
    column, to = BY_UNIT[kind][quantity]
    return Meaning(header, column, parsed, to, guessed)


def kind_of(header: str) -> str | None:
    """What a header names, whatever its unit; None for an outcome of the audit that is read for.

    Examples
    --------
    >>> kind_of("Laufrichtung"), kind_of("VO2 (l/min)"), kind_of("remarks")
    ('direction', 'oxygen', None)
    """
    return None if own_column(header) else _kind_of(header)


def role_of(header: str) -> str | None:
    """What a header names where no audit has an outcome of its own.

    Examples
    --------
    >>> role_of("Time"), role_of("group")
    ('time', 'arm')
    """
    return _kind_of(header)


@lru_cache(maxsize=4096)
def _kind_of(header: str) -> str | None:
    return _kind(_letters(split_unit(header)[0])) if len(header) <= 200 else None


def split_unit(header: str) -> tuple[str, str | None]:
    """Name and unit text: brackets first, else the tail of a snake_case name."""
    plain = words.without_dots(without_accents(header))
    bracket = re.match(r"^(.*?)[\s_]*[\[(](.+)[\])]\s*$", plain)
    if bracket and re.fullmatch(r"%\s*fat", bracket[2], re.IGNORECASE):  # "Tissue (%Fat)" of DXA
        return f"{bracket[1]} % fat", "%"
    if bracket:
        return bracket[1], bracket[2]
    parts = re.split(r"[_\s]+", plain.strip().lower())
    for cut in range(1, len(parts)):
        name, tail = " ".join(parts[:cut]), parts[cut:]
        if _kind(letters(name)) is None:
            continue
        for text in ("/".join(tail), "".join(tail)):
            try:
                parse_unit(text)
            except InputError:
                continue
            return name, text
    return plain, None


def _letters(name: str) -> str:
    """As `letters`, the sign of a percent as a word where the name needs it ("Region %Fat")."""
    bare = letters(name)
    spelled = letters(name.replace("%", " pct "))
    return spelled if spelled != bare and _kind(bare) is None else bare


def _kind(name: str) -> str | None:
    kind = _exactly(name)
    if kind is None:
        bare = " ".join(word for word in name.split() if word not in QUALIFIERS)
        kind = _exactly(bare) if bare != name else None
        if kind == "fat_mass_kg" and RELATIVE & set(name.split()):
            return "body_fat_pct"  # a share of the body
        kind = kind if kind in MEASURES else None
    return kind


def _exactly(name: str) -> str | None:
    exact = (kind for kind in NAMES if name == kind.replace("_", " "))
    found = next(exact, next((kind for kind, names in NAMES.items() if name in names), None))
    return found or _JOINED.get(name)


def _per_kg(name: str) -> bool:
    """Whether the name of an oxygen uptake says that it is per kilogram."""
    said = set(letters(name).split())
    return bool(said & {*RELATIVE, "kg", "bm"})


def without_number(header: str) -> str:
    """A header without the number by which a program made it unique; else the header.

    Examples
    --------
    >>> without_number("VO2...4"), without_number("vo2.1"), without_number("VO2.125")
    ('VO2', 'vo2', 'VO2.125')
    """
    found = re.fullmatch(r"(.*?\S)\s*(?:\.{3}\d{1,4}|[._]\d{1,2}|\s?\(\d\))", header)
    return found[1] if found else header


def near_header(header: str) -> str:
    """ " (did you mean ...?)" for a header that is nearly a known name.

    Nothing for a short one: "gain" is no slip of "gait".

    Examples
    --------
    >>> near_header("Directoin"), near_header("gain")
    (" (did you mean 'direction'?)", '')
    """
    return suggestion(header.lower(), KIND_BY_WORD) if len(header) >= SUGGESTED_FROM else ""


def _example(kind: str) -> str:
    return next(iter(BY_UNIT[kind].values()))[1]


def example_unit(header: str) -> str:
    """A unit that a header could have; "..." where it names no quantity.

    Examples
    --------
    >>> example_unit("VO2 (furlong)"), example_unit("remarks")
    ('ml/kg/min', '...')
    """
    kind = kind_of(header) or kind_of(without_number(header))
    return _example(kind) if kind in BY_UNIT else "..."


def columns_of(header: str) -> frozenset[str]:
    """Every column that a header could become, whatever its unit."""
    kind = kind_of(header) or kind_of(without_number(header)) or ""
    return frozenset(column for column, _ in BY_UNIT.get(kind, {}).values())


def column_words(column: str) -> str:
    """A column of a cohort in words, with its unit.

    Examples
    --------
    >>> column_words("vo2_ml_kg_min"), column_words("gradient_pct"), column_words("falls")
    ('VO2 (ml/kg/min)', 'gradient (%)', 'falls')
    """
    units = {name: unit for known in BY_UNIT.values() for name, unit in known.values()}
    unit = units.get(column, "")
    tail = "pct" if unit == "%" else unit.replace("/", "_").lower()
    name = (column.removesuffix(f"_{tail}") if tail else column).removeprefix("outcome_")
    words = name.replace("_", " ").replace("vo2", "VO2").replace("vco2", "VCO2")
    return f"{words} ({unit})" if unit else words
