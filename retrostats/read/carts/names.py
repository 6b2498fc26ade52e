"""What a header of a cart export names, in the languages carts speak, and the unit beside it."""

from __future__ import annotations

import re
from functools import lru_cache

from retrostats.errors import InputError
from retrostats.read.headers import without_accents
from retrostats.units import parse_unit

#: Kind of column: names in English, German, French, Italian, Spanish, Norwegian, Swedish, Danish.
NAMES: dict[str, tuple[str, ...]] = {
    "time": ("t", "time", "zeit", "temps", "tempo", "tiempo", "tid", "elapsed time", "elapsed",
             "test time", "zeit ab start", "temps ecoule", "tempo trascorso",
             "tiempo transcurrido", "timestamp", "clock time", "uhrzeit", "heure", "ora", "hora"),
    "oxygen": ("vo2", "o2 uptake", "oxygen uptake", "oxygen consumption", "o2 consumption",
               "o2-aufnahme", "sauerstoffaufnahme", "consommation doxygene",
               "consommation d oxygene", "consommation o2", "consumo di ossigeno",
               "consumo ossigeno", "consumo de oxigeno", "consumo o2", "oksygenopptak",
               "o2-opptak", "syreupptag", "syreupptagning", "iltoptagelse", "vo2 abs",
               "absolute vo2", "vo2 absolut"),
    "oxygen_kg": ("vo2/kg", "vo2 kg", "vo2kg", "rel vo2", "relative vo2", "vo2 rel", "vo2 relative",
                  "vo2 relativ", "vo2/bm", "vo2/bw", "vo2/mass", "vo2/masse", "vo2/peso"),
    "carbon_dioxide": ("vco2", "co2 output", "co2 production", "carbon dioxide output",
                       "carbon dioxide production", "co2-abgabe", "kohlendioxidabgabe",
                       "production de co2", "produzione di co2", "produccion de co2",
                       "koldioxidproduktion", "karbondioksidproduksjon"),
    "ventilation": ("ve", "v e", "minute ventilation", "ventilation", "pulmonary ventilation",
                    "atemminutenvolumen", "amv", "ventilazione", "ventilacion", "ventilasjon",
                    "ventilering", "debit ventilatoire", "minutenventilation"),
    "heart_rate": ("hr", "hf", "fc", "heartrate", "ecg hr", "heart rate", "herzfrequenz",
                   "puls", "pulse", "pols",
                   "frequence cardiaque", "frequenza cardiaca", "frecuencia cardiaca",
                   "hjertefrekvens", "hjartfrekvens", "polso", "pulsfrekvens"),
    "rer": ("rer", "r", "rq", "qr", "rqr", "rpq", "respiratory exchange ratio",
            "respiratory quotient", "respiratorischer quotient", "quotient respiratoire",
            "quoziente respiratorio", "cociente respiratorio", "vco2/vo2"),
    "speed": ("v", "speed", "velocity", "spd", "tm spd", "tm speed", "mill speed",
              "belt speed", "treadmill speed", "running speed",
              "geschw", "geschwindigkeit", "laufgeschwindigkeit", "bandgeschwindigkeit",
              "vitesse", "velocita", "velocidad", "hastighet", "hastighed", "fart"),
    "gradient": ("grade", "gradient", "grd", "tm grd", "tm grade", "mill grade",
                 "slope", "incline", "inclination", "elevation", "elev",
                 "steig", "steigung", "neigung", "pente", "inclinaison", "pendenza",
                 "inclinazione", "pendiente", "inclinacion", "stigning", "helning", "lutning",
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
DEGREES = frozenset({"°", "deg", "degree", "degrees", "grad"})

_KIND = {name: kind for kind, names in NAMES.items() for name in names}
_CONDITION = re.compile(r"[\s_(\[]*\b(stpd|btps|atps)\b[)\]]*", re.IGNORECASE)
_BRACKET = re.compile(r"^(.*?)\s*[\[(](.+?)[\])]?\s*$")


def fold(text: str) -> str:
    """Lower case without accents, dots above, apostrophes and repeated blanks.

    Examples
    --------
    >>> fold("V̇O₂"), fold("V'O2/kg"), fold("Größe:")
    ('vo2', 'vo2/kg', 'grosse')
    """
    plain = without_accents(text.replace("ß", "ss").replace("Ø", "o")).lower()
    plain = re.sub(r"['’‘`´˙∙·\"*]", "", plain).replace("_", " ").replace("ø", "o")
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
    text = _CONDITION.sub("", text)
    kind = _KIND.get(fold(text))
    if kind:
        return kind, "", condition
    bracket = _BRACKET.match(text)
    if bracket:
        kind = _KIND.get(fold(bracket[1]))
        return (kind, bracket[2].strip(), condition) if kind else None
    words = re.split(r"[,;:_\s]+", text.strip())
    for cut in range(len(words) - 1, 0, -1):
        kind = _KIND.get(fold(" ".join(words[:cut])))
        for unit in ("/".join(words[cut:]), "".join(words[cut:])):
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
