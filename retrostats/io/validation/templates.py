"""Templates: a CSV to fill in, with example people who are never data; a commented spec."""

from __future__ import annotations

from pathlib import Path

from retrostats.common.errors import InputError
from retrostats.common.nearest import suggestion
from retrostats.common.vocabulary import Vocabulary
from retrostats.io.cohort.headers import kind_of
from retrostats.io.cohort.meanings import unit_at_end
from retrostats.io.energy import EQUATIONS
from retrostats.io.published.audit_toml import vocabulary_of

_HEAD = """\
# What retrostats cannot guess about a table for {analysis}. Every entry is optional.
# Save it beside the table under the same name (lab.csv, lab.toml), or name it with --spec.

# analysis = "{analysis}"   # or "none": for a table that is only meant for a model of your own
# name = "Our lab"          # in figures and tables
# allocation = "by lot"   # how people came into their groups: by lot, by choice or not told
{speeds}
[file]      # how to read it
# sheet = "Data"
# header_row = 4
# delimiter = ";"
# decimal = ","
# missing = ["999", "-99"]    # codes that stand for no value

[columns]   # header in the file = column of the template
# "{header}" = "{column}"
# columns of the template: {columns}

[units]     # header in the file = its unit{converts}
# "{header}" = "{unit}"

[levels]    # value in the {compares} column = {arms}
# "A" = "{first}"

[times]     # the times of the table, the first one first
# order = ["initial", "final"]

"""
#: What a table of people who move at a speed, or whose gases were measured, may say too.
_SPEEDS = """\
# speeds = ["8 km/h", "10 km/h"]   # nominal ones, where measured speeds scatter around them
"""
_GASES = """\
[constants] # column of the template = value that holds for the whole file
# speed = "9 km/h"

[filter]    # header in the file = value, or list of values, of the rows to use
# "include" = ["yes", "1"]
# "method" = "DXA"    # which of several rows of a person: they are never averaged over a method

[energy]    # metabolic rate from VO2 and VCO2: {equations}
# equation = "brockway"

[wide]      # a column for each direction, time or speed
# "VO2 A 8" = {{ column = "vo2", unit = "ml/kg/min", direction = "{first}", speed = "8 km/h" }}
"""
_OTHER = """\
[filter]    # header in the file = value, or list of values, of the rows to use
# "include" = ["yes", "1"]
# "method" = "A"    # which of several rows of a person: they are never averaged over a method

[wide]      # a column for each {compares} or time
# "{header} A" = {{ column = "{column}", {wide} }}
"""
#: Columns that make a table one of gases or speeds.
_OF_GASES = frozenset({"oxygen", "carbon_dioxide", "energy_cost", "metabolic_rate", "speed"})


def template(analysis: str, audit: Vocabulary | str | Path | None = None) -> str:
    """CSV with example people, to be replaced by one's own: their codes keep them out of a cohort.

    Parameters
    ----------
    analysis
        Name of an analysis whose topic has a template.
    audit
        Or its folder; None for the one that ships.

    Raises
    ------
    InputError
        No such topic in the audit.

    Examples
    --------
    >>> template(next(iter(templates()))).splitlines()[0].split(",")[0]
    'subject'
    """
    known = templates(audit)
    if analysis not in known:
        raise InputError(
            f"no template for {analysis!r}{suggestion(str(analysis), list(known))}; choose from "
            f"{', '.join(known) or 'none'}, or make one: "
            'cohort = { outcome = "column" } under the claim of a page, template under [topics] in '
            "the audit.toml of a folder"
        )
    return known[analysis]


def template_spec(analysis: str, audit: Vocabulary | str | Path | None = None) -> str:
    """Commented TOML spec for an analysis; arguments as of `template`.

    Its examples are columns of the analysis itself; speeds and gases stand in it where those are.
    """
    names = template(analysis, audit).splitlines()[0].split(",")
    vocabulary = vocabulary_of(audit)
    topic = next(t for t in vocabulary.topics.values() if t.analysis == analysis)
    conditions = vocabulary.conditions
    *others, last = (f'"{name}"' for name in conditions.arms)
    compares = "condition" if topic.own and topic.compares == "direction" else topic.compares
    gases = any(kind_of(name) in _OF_GASES for name in (*names, *topic.outcomes))
    outcome = next((name for name in topic.outcomes if name in names), names[-1])
    unit = unit_at_end(outcome)
    first = conditions.first or conditions.control
    said = {
        "header": "Sauerstoff" if gases else "Our column",
        "column": "vo2_ml_kg_min" if gases else outcome.removeprefix("outcome_"),
        "unit": "ml/min/kg" if gases else unit.symbol if unit else "kg",
        "converts": f", converted to {unit.symbol}" if unit and not gases else "",
        "wide": 'time = "before"' if topic.compares == "arm" else f'direction = "{first}"',
        "arms": f"{', '.join(others)} or {last}" if others else last,
        "analysis": analysis, "columns": ", ".join(names), "compares": compares, "first": first,
        "equations": ", ".join(EQUATIONS), "speeds": _SPEEDS if gases else "",
    }  # fmt: skip
    return (_HEAD + (_GASES if gases else _OTHER)).format(**said)


def templates(audit: Vocabulary | str | Path | None = None) -> dict[str, str]:
    """Every template of an audit, by analysis."""
    topics = vocabulary_of(audit).topics.values()
    return {topic.analysis: topic.template for topic in topics if topic.template}
