"""Reference results: what the published numbers gave when a person last looked at them.

`python -m retrostats.app.reference_results` writes those of the audit that ships anew.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.common.errors import InputError
from retrostats.common.resources import data_dir
from retrostats.evidence.findings.cross_checks import COLUMNS, PINNED

if TYPE_CHECKING:
    import pandas as pd

    from retrostats.app.replication import Replication

#: Libraries and processors differ in the last digits; a change of any meaning is far larger.
TOLERANCE = 1e-6
NUMBERS = ("estimate", "std_error", "df", "conf_low", "conf_high", "sens_low", "sens_high")
LABELS = ("fidelity", "direction", "size", "certainty_direction", "certainty_size")
#: Probabilities of the verdicts.
GRADES = (
    "prob_direction",
    "prob_direction_min",
    "prob_direction_max",
    "prob_size",
    "prob_size_min",
    "prob_size_max",
)


def reference_dir() -> Path:
    """Folder of the pinned answers of the audit that ships."""
    return data_dir() / "pinned"


def _reference_for(replication: Replication) -> Path:
    """Folder of the pinned answers of the audit that was run."""
    audit = replication.audit
    folder = reference_dir() if audit.data == data_dir() else audit.pinned
    name = audit.data.parent if audit.page is None else audit.page.file
    if not (folder / "verdicts.csv").is_file():
        raise InputError(
            f"audit {name}: no pinned answers in {folder}; write them with "
            "retrostats.app.reference_results.pin(replication, folder) after looking at them"
        )
    return folder


def differences(replication: Replication) -> list[str]:
    """Every difference from the pinned answers of the analyses that ran, a line each.

    Raises
    ------
    InputError
        The audit has no pinned answers.
    """
    folder = _reference_for(replication)
    names = {a["name"] for a in replication.analyses}
    return [
        *_compare(replication.verdicts, folder, "claim_id", LABELS, GRADES, names),
        *_compare(replication.estimates, folder, "estimate_id", (), NUMBERS, names),
    ]


def pin(replication: Replication, folder: Path) -> None:
    """Write the answers of a replication as the pinned ones, those of other programs included."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = {
        "verdicts": ["analysis", "claim_id", *LABELS, *GRADES],
        "estimates": ["analysis", "estimate_id", *NUMBERS],
    }
    for name, wanted in columns.items():
        getattr(replication, name)[wanted].to_csv(
            folder / f"{name}.csv", index=False, lineterminator="\n"
        )
    if len(replication.cross_checks):
        answers = replication.cross_checks[list(COLUMNS)]
        answers.to_csv(folder / PINNED, index=False, lineterminator="\n")


def _compare(
    frame: pd.DataFrame,
    folder: Path,
    key: str,
    labels: tuple[str, ...],
    numbers: tuple[str, ...],
    analyses: set[str],
) -> list[str]:
    import pandas as pd

    name = "verdicts" if key == "claim_id" else "estimates"
    expected = pd.read_csv(folder / f"{name}.csv", keep_default_na=True)
    expected = expected[expected["analysis"].isin(analyses)].set_index(key)
    found = frame.set_index(key)
    lines = [
        f"{name}: {k} is pinned but was not found" for k in expected.index.difference(found.index)
    ]
    lines += [
        f"{name}: {k} was found but is not pinned" for k in found.index.difference(expected.index)
    ]
    for k in expected.index.intersection(found.index):
        for column in labels:
            want, have = _text(expected.at[k, column]), _text(found.at[k, column])
            if want != have:
                lines.append(f"{name}: {k}, {column}: pinned {want!r}, found {have!r}")
        for column in numbers:
            before, now = _number(expected.at[k, column]), _number(found.at[k, column])
            same = before == now or (before != before and now != now)
            if not same and not abs(before - now) <= TOLERANCE * max(1.0, abs(before)):
                lines.append(f"{name}: {k}, {column}: pinned {before!r}, found {now!r}")
    return lines


def _number(value: Any) -> float:
    return float(value)


def _text(value: object) -> str:
    return "" if value is None or value != value else str(value)


if __name__ == "__main__":
    from retrostats.app.path import replicate

    (reference_dir() / PINNED).unlink(missing_ok=True)  # the programs are asked anew
    pin(replicate(), reference_dir())
