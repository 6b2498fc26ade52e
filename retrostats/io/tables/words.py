"""How words of tables are compared, and the words that cohorts and cart exports share.

English, German, French, Italian and Spanish; what only one kind of table says stands beside its
reader.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from functools import lru_cache

#: Letters that lose their accent under no normalisation.
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "Ø": "O"})

OXYGEN = ("vo2", "o2 uptake", "oxygen uptake", "oxygen consumption", "sauerstoffaufnahme",
          "consommation d oxygene", "consumo di ossigeno", "consumo de oxigeno")  # fmt: skip
CARBON_DIOXIDE = ("vco2", "co2 output", "carbon dioxide output", "kohlendioxidabgabe",
                  "production de co2", "produzione di co2", "produccion de co2")  # fmt: skip
EXCHANGE_RATIO = ("rer", "rq", "respiratory exchange ratio")
HEART_RATE = ("heart rate", "hr", "herzfrequenz", "hf", "frequence cardiaque",
              "frequenza cardiaca", "frecuencia cardiaca")  # fmt: skip
SPEED = ("speed", "v", "velocity", "belt speed", "treadmill speed", "running speed", "run speed",
         "laufgeschwindigkeit", "bandgeschwindigkeit", "geschwindigkeit", "vitesse", "velocita",
         "velocidad")  # fmt: skip
GRADIENT = ("gradient", "grade", "slope", "incline", "steigung", "pente", "pendenza", "pendiente")
MASS = ("body mass", "mass", "weight", "body weight", "gewicht", "korpergewicht", "korpermasse",
        "poids", "masse corporelle", "peso", "massa corporea")  # fmt: skip
HEIGHT = ("height", "stature", "body height", "grosse", "korpergrosse", "taille", "altezza",
          "altura", "talla")  # fmt: skip
TIME = ("time", "temps", "tempo", "tiempo")
WEEK = ("week", "weeks", "woche", "wochen", "semaine", "settimana", "semana")
GAITS = {
    "run": ("run", "running", "jog", "jogging", "laufen", "lauf", "course", "courir", "corsa",
            "correre", "carrera", "correr"),
    "walk": ("walk", "walking", "gehen", "gang", "marche", "marcher", "cammino", "camminare",
             "caminar", "caminata"),
}  # fmt: skip
BEFORE = ("pre", "before", "baseline", "t0", "vorher", "avant", "prima", "antes")
AFTER = ("post", "after", "nachher", "apres", "dopo", "despues")


def without_accents(text: str) -> str:
    """Text without accents; its case stays.

    Examples
    --------
    >>> without_accents("Körpergröße")
    'Korpergrosse'
    """
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(c for c in apart if not unicodedata.combining(c))


def plain(text: str) -> str:
    """Lower case, no accents, no apostrophes, single blanks: how words are compared.

    Examples
    --------
    >>> plain(" Rückwärts"), plain("all’indietro")
    ('ruckwarts', 'all indietro')
    """
    bare = without_accents(text).lower().replace("'", " ").replace("’", " ")
    if not bare.isascii():  # no ASCII letter is of that category
        bare = "".join(c for c in bare if unicodedata.category(c) != "Cf")
    return " ".join(bare.split())


@lru_cache(maxsize=64)
def of_several_words(spoken: tuple[str, ...]) -> list[tuple[re.Pattern[str], str]]:
    """What finds each phrase of several words, the longest first, and it with its blanks closed.

    Examples
    --------
    >>> [(pattern, closed)] = of_several_words(("left", "to the left"))
    >>> pattern.sub(closed, " VO2 to_the left ")
    ' VO2 to~the~left '
    """
    found = []
    for phrase in sorted({w for w in spoken if " " in plain(w)}, key=len, reverse=True):
        blanks = r"[\s_.\-]+".join(map(re.escape, phrase.split()))
        pattern = re.compile(rf"(?i)(?<=[\s_.\-]){blanks}(?=[\s_.\-])")
        found.append((pattern, phrase.replace(" ", "~")))
    return found


def letters(text: str) -> str:
    """As `plain`, with a blank for all that is no letter or digit: how headers are compared.

    Examples
    --------
    >>> letters("V'O2_peak (net)")
    'v o2 peak net'
    """
    return re.sub(r"[^a-z0-9]+", " ", without_accents(text).lower()).strip()


def without_dots(header: str) -> str:
    """A header whose blanks, brackets and slashes a program replaced by dots, written back.

    R does so where a table is read with its names checked. Any other header stays as it is.

    Examples
    --------
    >>> without_dots("VO2..ml.kg.min."), without_dots("Body.height..cm."), without_dots("vo2.1")
    ('VO2 (ml/kg/min)', 'Body height (cm)', 'vo2.1')
    """
    found = re.fullmatch(r"(\w[\w.]*?)\.{2}((?:\w+\.)*\w+)\.", header.strip())
    if not found:
        return header
    unit = "/".join(part for part in found[2].split(".") if part != "1")  # "min-1" is "min.1"
    return f"{found[1].replace('.', ' ')} ({unit})"


def named(text: str, known: Mapping[str, Sequence[str]]) -> str | None:
    """What a word or phrase names: one of the keys of `known`, by its words; None if none.

    A phrase such as "walking uphill" names what exactly one of its words names.

    Examples
    --------
    >>> named("Marche", GAITS), named("running uphill", GAITS), named("run or walk", GAITS)
    ('walk', 'run', None)
    >>> named("no caffeine 3 mg", {"caffeine": ("caffeine",), "none": ("no caffeine",)})
    'none'
    """
    said = plain(text)
    words = {name: _folded(tuple(listed)) for name, listed in known.items()}
    exact = next((name for name, listed in words.items() if said in listed), None)
    if exact:
        return exact
    there = [(name, w) for name, listed in words.items() for w in listed if f" {w} " in f" {said} "]
    longest = {  # of "caffeine" in "no caffeine" the longer one is meant
        name for name, w in there
        if not any(f" {w} " in f" {other} " for _, other in there if other != w)
    }  # fmt: skip
    return longest.pop() if len(longest) == 1 else None


@lru_cache(maxsize=256)
def _folded(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(plain, words))
