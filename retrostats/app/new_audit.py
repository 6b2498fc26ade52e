"""A new audit: a folder of invented rows that runs as it stands and says what to fill in.

Tables take their schemas from the audit that ships, so that both keep one layout.
"""

from __future__ import annotations

import copy
import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from retrostats.common.errors import InputError
from retrostats.common.resources import data_dir
from retrostats.io.published.published import MAY_BE_ABSENT, PUBLISHED, topics_of
from retrostats.io.published.table_schema import descriptor

TOPIC = "example"
INVENTED = "INVENTED EXAMPLE, replace"
#: What each table of the package holds; the topic's own stands in `published/`.
TITLES = {
    "studies": "Studies and other sources",
    "claims": "Claims, with the range that would make each true",
    "claim_fidelity": "What is claimed against what its source says, element by element",
    "claim_evidence": "Printed results that bear on a claim by sign only",
}
DESCRIPTIONS = {
    "condition": "Condition, where people are measured in both; of groups use arm",
    "pct_change": "Printed percentage: change from baseline, or one condition against the other",
}
CLAIMS: tuple[Mapping[str, str], ...] = (
    {
        "claim_id": "lowers",
        "statement": f"{INVENTED}: the treatment lowers the outcome by about 4 units",
        "attributed_to": "whom the post credits",
        "role": "core",
        "cited_study": "invented2001",
        "quantity": "mean_difference",
        "scale": "difference",
        "unit": "units, treated - untreated",
        "null_value": "0",
        "claimed_direction": "below",
        "range_low": "-5",
        "range_high": "-3",
        "range_basis": "'about 4' rounds to whole units; fix it before any result is computed",
        "compare_with": f"{TOPIC}: outcome_units by arm",
        "kind": "causal",
    },
    {
        "claim_id": "lasts",
        "statement": f"{INVENTED}: the effect lasts for a year",
        "attributed_to": "no source is given",
        "role": "audit",
        "quantity": "mean_difference_after_a_year",
        "scale": "difference",
        "unit": "units, treated - untreated",
        "null_value": "0",
        "claimed_direction": "below",
        "range_basis": "no size is named",
        "compare_with": f"{TOPIC}: time after a year",
        "kind": "causal",
    },
)
FIDELITY: tuple[Mapping[str, str], ...] = (
    {
        "claim_id": "lowers", "element": "the figure", "agrees": "yes",
        "post_says": "about 4 units", "source_says": "4.1 units (invented)",
        "source_rows": "ex-invented2001-treated; ex-invented2001-untreated",
    },
    {
        "claim_id": "lasts", "element": "the source", "agrees": "unknown",
        "post_says": "it lasts for a year", "source_says": "no source is given",
    },
)  # fmt: skip
EVIDENCE: tuple[Mapping[str, str], ...] = (
    {
        "claim_id": "lasts", "row_id": "ex-invented2003-after-a-year", "bears": "for",
        "comparison": "treated vs untreated", "direct": "yes",
        "why": f"{INVENTED}: lower after a year in words, no number printed",
    },
)  # fmt: skip
#: Study, people an arm, mean and SD of the treated, mean and SD of the untreated.
NUMBERS = (
    ("invented2001", "20", "15.9", "4.2", "20.0", "4.6"),
    ("invented2002", "35", "16.6", "4.9", "20.3", "4.4"),
    ("invented2003", "28", "15.1", "4.0", "19.6", "5.1"),
)


def new_audit(directory: str | Path) -> Path:
    """Make a folder with everything an audit needs: invented rows, one analysis, what to fill in.

    Parameters
    ----------
    directory
        A folder that does not exist yet, or an empty one.

    Returns
    -------
    Path
        The folder; `retrostats.replicate(audit=...)` runs it as it stands.

    Raises
    ------
    InputError
        The folder holds something, is a file, or cannot be written.

    Examples
    --------
    >>> import tempfile, retrostats as rs
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = new_audit(folder)
    ...     verdicts = rs.replicate(audit=made, draws=50).verdicts
    >>> list(verdicts["direction"])
    ['supported', 'open']
    """
    folder = Path(directory)
    try:
        _refuse_used(folder)
        for name, text in _texts().items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _write_tables(folder / "data")
    except OSError as error:
        raise InputError(
            f"new audit {folder}: {error.strerror or error}; give a folder that can be written"
        ) from None
    return folder


def what_to_fill_in(folder: Path) -> str:
    """The same steps as in the folder's README, for the terminal."""
    steps = "\n".join(f"  {i}. {step}" for i, step in enumerate(STEPS, 1))
    return (
        f"Made {folder}. Every number and study in it is invented. It runs as it stands:\n"
        f"  retrostats replicate --audit {folder} --out results\nFill in, in this order:\n{steps}"
    )


def _refuse_used(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"new audit {folder}: a file of that name exists; give a new folder")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"new audit {folder}: the folder is not empty, and nothing in it was touched; give a "
            "new or an empty one"
        )


def _write_tables(data: Path) -> None:
    package = _package()
    rows: dict[str, Sequence[Mapping[str, str]]] = {
        TOPIC: _published(),
        "studies": _studies(),
        "claims": [{**claim, "analysis": TOPIC} for claim in CLAIMS],
        "claim_fidelity": FIDELITY,
        "claim_evidence": EVIDENCE,
    }
    text = json.dumps(package, indent=1, ensure_ascii=False)
    (data / "datapackage.json").write_text(text + "\n", encoding="utf-8")
    for resource in package["resources"]:
        path = data / resource["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        names = [field["name"] for field in resource["schema"]["fields"]]
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, names, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows[resource["name"]])


def _package() -> dict[str, Any]:
    """Descriptor of the new data package, with the schemas of the one that ships."""
    shipped = descriptor(data_dir())
    topic = copy.deepcopy(shipped[topics_of()[0]])
    topic |= {
        "name": TOPIC,
        "path": f"{PUBLISHED}/{TOPIC}.csv",
        "title": f"{INVENTED}: printed results, one row an arm",
    }
    resources = [topic]
    for name, title in TITLES.items():
        resources.append(copy.deepcopy(shipped[name]) | {"title": title})
    for resource in resources:
        schema = resource["schema"]
        schema["fields"] = [f for f in schema["fields"] if f["name"] not in MAY_BE_ABSENT]
        for field in schema["fields"]:
            _without_subject(field)
    return {
        "profile": "data-package",
        "name": "my-audit",
        "title": f"{INVENTED}: what these numbers are",
        "version": "0.1.0",
        "description": "See README.md.",
        "resources": resources,
    }


def _without_subject(field: dict[str, Any]) -> None:
    """Take the words of the audit that ships out of one field."""
    name = field["name"]
    field["description"] = DESCRIPTIONS.get(name, field["description"])
    if name == "row_id" and "pattern" in field["constraints"]:
        field["constraints"]["pattern"] = "^ex-[a-z0-9]+(-[a-z0-9]+)*$"
    elif name == "analysis":
        field["constraints"]["enum"] = [TOPIC]


def _published() -> list[dict[str, str]]:
    found = []
    shared = {
        "outcome": "outcome_units",
        "outcome_printed": f"{INVENTED}: outcome",
        "independence": "independent",
        "reading": "printed",
        "locator": f"{INVENTED}: table, page",
    }
    for study, n, *cells in NUMBERS:
        for arm, mean, spread in (("treated", *cells[:2]), ("untreated", *cells[2:])):
            found.append(
                {
                    **shared, "row_id": f"ex-{study}-{arm}", "study_id": study, "arm": arm,
                    "time": "post", "n": n, "mean": mean, "spread": spread, "spread_type": "SD",
                    "unit": "units",
                }
            )  # fmt: skip
    found.append(
        {
            **shared,
            "row_id": "ex-invented2003-after-a-year",
            "study_id": "invented2003",
            "arm": "treated vs untreated",
            "time": "after a year",
            "statistic": "lower among the treated, in words",
        }
    )
    return found


def _studies() -> list[dict[str, str]]:
    return [
        {
            "study_id": study,
            "citation": f"{INVENTED}: nobody, no journal {study[-4:]}",
            "year": study[-4:],
            "design": "controlled trial, two arms",
            "n": str(2 * int(n)),
            "population": "invented people",
            "open_access": "unknown",
            "note": INVENTED,
        }
        for study, n, *_ in NUMBERS
    ]


STEPS = (
    "data/audit.toml: title, subject, the post, the two conditions, one section a topic",
    "data/claims.csv: each claim in your own words, with the range that would make it true, fixed "
    "before any result is computed",
    f"data/studies.csv, data/references.bib, data/{PUBLISHED}/{TOPIC}.csv: every printed number "
    "with where it stands (locator, source_url); what is not printed stays empty",
    "data/claim_fidelity.csv: what is claimed against what the source says; "
    "data/claim_evidence.csv: results in words that bear by sign only",
    f"analyses/{TOPIC}.py: from rows to estimates, a pool, the measures that judge each claim, "
    "and the figures",
    "names: row ids begin with ex- and analyses are called example in data/datapackage.json; "
    "change both there with your own",
)


def _texts() -> dict[str, str]:
    """Text files of the folder by their path in it."""
    steps = "\n".join(f"{i}. {step}" for i, step in enumerate(STEPS, 1))
    bib = "\n".join(
        f"@misc{{{study},\n  title = {{{INVENTED}}},\n  author = {{Nobody}},\n"
        f"  year = {{{study[-4:]}}}\n}}\n"
        for study, *_ in NUMBERS
    )
    return {
        "README.md": README.replace("STEPS", steps),
        "data/audit.toml": AUDIT_TOML,
        "data/references.bib": bib,
        f"analyses/{TOPIC}.py": ANALYSIS,
    }


README = """# An audit

Every number, study and claim in this folder is invented. It runs as it stands:

    retrostats replicate --audit . --out results

## What to fill in
STEPS

Cells marked INVENTED EXAMPLE must all be gone at the end. Each run checks every table against
`data/datapackage.json` and names file, row and column of what does not fit.
"""

AUDIT_TOML = """\
# What this audit is about. Fill in every line; the program knows no other words of your subject.

# Heading of the report.
title = "INVENTED EXAMPLE: what was claimed, what was printed"
# What it is on, in a few words.
subject = "an invented treatment"

# The text whose claims are checked; leave empty what is not known.
[post]
name = "an invented post"
date = ""
address = ""

# Effects are the first condition against the second.
[conditions]
compared = ["treated", "untreated"]
# What a reader's own table may call them:
# [conditions.synonyms]
# treated = ["intervention"]

# One section a topic: its table is data/published/NAME.csv, its analysis analyses/NAME.py.
[topics.example]
analysis = "example"
# What separates the conditions: "arm" (people in groups) or "direction" (a column of every row).
compares = "arm"
# What a reader's own cohort needs; without outcomes the topic takes none.
# needs = ["subject", "time"]
# outcomes = ["outcome_units"]
"""

ANALYSIS = '''\
"""INVENTED EXAMPLE: mean differences of two arms, their random-effects pool, one forest."""

import math

from retrostats.evidence.findings.pooled import pooled_measure, pooled_row
from retrostats.evidence.printed.pair import one_row
from retrostats.evidence.result.estimate import Estimate
from retrostats.evidence.result.findings import EstimateRow, Findings
from retrostats.evidence.unreported.pooled import method_choice
from retrostats.evidence.unreported.sources import known_source

# For the reader and the command line; NAME is that of this file, TOPIC a table in published/.
NAME = "example"
TITLE = "An invented outcome"
TOPIC = "example"
QUESTION = "Does the invented treatment lower the invented outcome?"
METHODS = ("Mean difference of two independent arms; random-effects pool (REML, Knapp-Hartung).",)
ARMS = ("treated", "untreated")
QUANTITY = "mean_difference"
UNIT = "units, treated - untreated"


def difference(rows, study):
    """Mean difference of one study, with the standard error of two independent arms."""
    cells = [one_row(rows, study_id=study, arm=arm, time="post") for arm in ARMS]
    treated, untreated = cells
    variance = sum(cell["spread"] ** 2 / cell["n"] for cell in cells)
    source = tuple(cell["row_id"] for cell in cells)
    df = treated["n"] + untreated["n"] - 2
    value = treated["mean"] - untreated["mean"]
    return Estimate(value, math.sqrt(variance), df, "difference", UNIT, source)


def analyse(context):
    """From printed rows to estimates, and to the measures that judge the claims."""
    # Only rows with an effect and its error may enter a pool.
    rows = context.published[context.published["poolable"]]
    effects = {study: difference(rows, study) for study in dict.fromkeys(rows["study_id"])}
    shown = [
        EstimateRow.of(effect, f"ex-{study}", study, quantity=QUANTITY, role="recomputed",
                       study_id=study, pooled=True, directness="direct")
        for study, effect in effects.items()
    ]
    pool, _ = pooled_row(list(effects.values()), "ex-pool", "Pool", quantity=QUANTITY,
                         claim_id="lowers")
    # A measure judges a claim over everything left open; here only the pool's estimator is.
    sources = [known_source(study, effect) for study, effect in effects.items()]
    measure = pooled_measure(sources, "ex-pool", "mean difference", [method_choice()], log=False,
                             claim_id="lowers")
    return Findings(estimates=(*shown, pool), measures=(measure,), judged={"lowers": "ex-pool"})


def draw(frames, claims):
    """One forest; the band is the range that would make the claim true."""
    from retrostats.report.figures import Drawing, band_of, panel_of, rows_of, stack

    panel = panel_of(rows_of(frames["estimates"], QUANTITY), "Mean difference, units",
                     band=band_of(claims.get("lowers")))
    figure = stack([panel], "data/published/example.csv")
    return {"example": Drawing(figure, "Mean difference in three invented studies and their pool")}
'''
