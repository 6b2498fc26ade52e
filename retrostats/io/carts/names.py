"""What a header of a cart export names, in the languages carts speak, and the unit beside it."""

from __future__ import annotations

import re
from functools import lru_cache

from retrostats.common.errors import InputError
from retrostats.common.units import parse_unit
from retrostats.io.tables import words
from retrostats.io.tables.words import without_accents, without_dots

#: Kind of column: names in English, German, French, Italian, Spanish, Norwegian, Swedish, Danish.
NAMES: dict[str, tuple[str, ...]] = {
    "time": (*words.TIME, "t", "zeit", "tid", "elapsed time", "elapsed",
             "test time", "zeit ab start", "temps ecoule", "tempo trascorso",
             "tiempo transcurrido", "timestamp", "clock time", "uhrzeit", "heure", "ora", "hora"),
    "oxygen": (*words.OXYGEN, "o2 consumption", "o2-aufnahme", "consommation doxygene",
               "consommation o2", "consumo ossigeno", "consumo o2", "oksygenopptak", "o2-opptak",
               "syreupptag", "syreupptagning", "iltoptagelse", "vo2 abs",
               "absolute vo2", "vo2 absolut"),
    "oxygen_kg": ("vo2/kg", "vo2 kg", "vo2kg", "rel vo2", "relative vo2", "vo2 rel", "vo2 relative",
                  "vo2 relativ", "vo2/bm", "vo2/bw", "vo2/mass", "vo2/masse", "vo2/peso"),
    "carbon_dioxide": (*words.CARBON_DIOXIDE, "co2 production", "carbon dioxide production",
                       "vco2 abs", "absolute vco2", "vco2 absolut",
                       "co2-abgabe", "koldioxidproduktion", "karbondioksidproduksjon"),
    "ventilation": ("ve", "v e", "minute ventilation", "ventilation", "pulmonary ventilation",
                    "atemminutenvolumen", "amv", "ventilazione", "ventilacion", "ventilasjon",
                    "ventilering", "debit ventilatoire", "minutenventilation"),
    "heart_rate": (*words.HEART_RATE, "fc", "heartrate", "ecg hr", "puls", "pulse", "pols",
                   "hjertefrekvens", "hjartfrekvens", "polso", "pulsfrekvens"),
    "rer": (*words.EXCHANGE_RATIO, "r", "qr", "rqr", "rpq",
            "respiratory quotient", "respiratorischer quotient", "quotient respiratoire",
            "quoziente respiratorio", "cociente respiratorio", "vco2/vo2"),
    "speed": (*words.SPEED, "spd", "tm spd", "tm speed", "mill speed", "geschw", "hastighet",
              "hastighed", "fart"),
    "gradient": (*words.GRADIENT, "grd", "tm grd", "tm grade", "mill grade", "inclination",
                 "elevation", "elev", "steig", "neigung", "inclinaison", "inclinazione",
                 "inclinacion", "stigning", "helning", "lutning",
                 "treadmill grade", "haeldning"),
    "power": ("p", "wr", "workr", "work rate", "workrate", "work", "power", "load", "workload",
              "watt", "watts", "last", "leistung", "belastung", "puissance", "charge", "potenza",
              "carico", "potencia", "carga", "belastning", "effekt", "ergometer load"),
    "phase": ("phase", "fase", "stage", "stufe", "belastungsstufe", "palier", "etapa", "stadium"),
    "marker": ("marker", "marke", "markers", "marqueur", "marcador", "marcatore", "event",
               "events", "kommentar", "comment", "markør"),
}  # fmt: skip

#: Quantity of the unit decides the column: kind -> quantity -> column and its unit.
TARGETS: dict[str, dict[str, tuple[str, str]]] = {
    "oxygen": {
        "gas_flow": ("vo2_ml_min", "ml/min"),
        "oxygen_uptake": ("vo2_ml_kg_min", "ml/kg/min"),
    },
    "oxygen_kg": {"oxygen_uptake": ("vo2_ml_kg_min", "ml/kg/min")},
    "carbon_dioxide": {"gas_flow": ("vco2_ml_min", "ml/min")},
    "ventilation": {"gas_flow": ("ve_l_min", "l/min")},
    "heart_rate": {"heart_rate": ("heart_rate_bpm", "bpm")},
    "speed": {"speed": ("speed_m_s", "m/s")},
    "gradient": {"percent": ("gradient_pct", "%")},
    "power": {"power": ("power_w", "W"), "speed": ("speed_m_s", "m/s")},
    "time": {"time": ("time_s", "s")},
}
GASES = frozenset({"oxygen", "oxygen_kg", "carbon_dioxide", "ventilation"})
#: Unit texts that a per-kilogram column of a cart prints short ("ml/kg/m" for a narrow column).
SHORT_PER_KG = {
    "ml/kg/m": "ml/kg/min", "ml/min": "ml/kg/min", "ml/kg": "ml/kg/min", "l/min": "l/kg/min",
}  # fmt: skip
#: Headers of a time that name its unit alone.
SECONDS = frozenset({"sec", "secs", "second", "seconds", "sek", "sekunden", "secondes", "secondi"})
DEGREES = frozenset({"°", "deg", "degree", "degrees", "grad"})

_KIND = {name: kind for kind, names in NAMES.items() for name in names}
_CONDITION = re.compile(r"[\s_(\[]*\b(stpd|btps|atps)\b[)\]]*", re.IGNORECASE)
#: The number by which a program told two columns of one name apart: "VO2...4", "vo2.1".
_MADE_UNIQUE = re.compile(r"(?<=\S)\s*(\.{3}\d{1,4}|\.\d{1,2})$")
_BRACKET = re.compile(r"^(.*?)\s*[\[(](.+?)[\])]?\s*$")


def fold(text: str) -> str:
    """Lower case without accents, dots above, apostrophes and repeated blanks.

    Examples
    --------
    >>> fold("V̇O₂"), fold("V'O2/kg"), fold("Größe:")
    ('vo2', 'vo2/kg', 'grosse')
    """
    plain = without_accents(text).lower()
    plain = re.sub(r"['’‘`´˙∙·\"*]", "", plain).replace("_", " ")
    plain = re.sub(r"\s+", " ", plain).strip(" :;.,")
    plain = re.sub(r"\s*/\s*", "/", plain)
    return re.sub(r"\bv[\s.\-]+(?=(o2|co2|e)\b)", "v", plain)


@lru_cache(maxsize=4096)
def read_name(text: str) -> tuple[str, str, str] | None:
    """Kind, unit text and reference condition of a header, None if it names nothing known.

    Examples
    --------
    >>> read_name("VO2 (L/min STPD)"), read_name("speed_kmh"), read_name("VO2/HF")
    (('oxygen', 'L/min', 'stpd'), ('speed', 'kmh', ''), None)
    """
    if len(text) > 80:
        return None
    found = _CONDITION.search(text)
    condition = found[1].lower() if found else ""
    text = without_dots(_CONDITION.sub("", _MADE_UNIQUE.sub("", text)))
    if fold(text) in SECONDS:
        return "time", "s", condition
    kind = _KIND.get(fold(text))
    if kind:
        return kind, "", condition
    bracket = _BRACKET.match(text)
    if bracket and bracket[2].count(")") > bracket[2].count("("):
        return None  # "P(a-et)CO2" is a name, not a P in a unit
    if bracket:
        kind = _KIND.get(fold(bracket[1]))
        return (kind, bracket[2].strip(), condition) if kind else None
    parts = re.split(r"[,;:_\s]+", text.strip())
    for cut in range(len(parts) - 1, 0, -1):
        kind = _KIND.get(fold(" ".join(parts[:cut])))
        for unit in ("/".join(parts[cut:]), "".join(parts[cut:])):
            if kind and _measures(kind, unit):
                return kind, unit, condition
    return None


def quantity(unit: str) -> str | None:
    """Quantity that a unit text measures, None if it is no unit."""
    if len(unit) > 40:
        return None
    try:
        found = parse_unit(unit).quantity
    except InputError:
        return None
    return "gas_flow" if found == "ventilation" else found


def _measures(kind: str, unit: str) -> bool:
    return quantity(unit) in TARGETS.get(kind, {})
