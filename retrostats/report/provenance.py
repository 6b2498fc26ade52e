"""The record of what went in: versions, seed and hashes of every input."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from retrostats.audit.analysis import Analysis, files_of
from retrostats.audit.audit import Audit

#: Packages whose version can change a number or a figure.
NAMED = ("numpy", "scipy", "pandas", "statsmodels", "pingouin", "matplotlib", "formulae")


def provenance(
    audit: Audit, analyses: Sequence[Analysis], cohorts: Sequence[Any], *, seed: int, draws: int
) -> dict[str, Any]:
    """Versions, seed and hashes of every input; nothing that changes between equal runs."""
    from retrostats import __version__

    inputs = dict(audit.inputs)
    for analysis in analyses:
        if audit.page is not None and analysis.path == audit.page.file:
            continue
        above = analysis.path.parent
        found = files_of(analysis.path)
        inputs |= {f"analyses/{p.relative_to(above).as_posix()}": p for p in found}
    return {
        "retrostats": __version__,
        "audit": audit.title,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in NAMED},
        "seed": seed,
        "draws": draws,
        "analyses": [a.name for a in analyses],
        "inputs_sha256": {name: _sha256(path) for name, path in inputs.items()},
        "cohorts": [dict(c.provenance) for c in cohorts],
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
