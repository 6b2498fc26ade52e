"""Results whose inputs and code did not change are kept: a second run computes nothing.

Results are the same bytes for the same inputs, code and options. So this user's cache notes, under
a hash of all of those (the key), the manifest that a run wrote and what a terminal was told. A
later run with that key into a folder whose files are all those of that manifest leaves it as it is.
The note lies in the user's cache and not with the results: a folder that somebody else sends can
say nothing about itself. `--fresh` computes anyway.

Only runs of the audit that ships, or of a page, without own cohorts, are noted: what the Python of
another audit reads is not known.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrostats.audit.audit import Audit
from retrostats.report.folder import manifest_of

if TYPE_CHECKING:
    import pandas as pd

#: Notes that are kept; the oldest go.
MOST = 20
#: Frames that a terminal is told of a run.
FRAMES = ("verdicts", "estimates", "claims")
_PACKAGE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class KeptRun:
    """What a terminal is told of a run: a part of `Replication`."""

    audit: Audit
    verdicts: pd.DataFrame
    estimates: pd.DataFrame
    claims: pd.DataFrame


def key_of(audit: Audit, options: Mapping[str, Any]) -> str:
    """A hash of everything that results depend on: inputs, code, libraries and options.

    Parameters
    ----------
    audit
        One that ships, or of a page.
    options
        What the run is asked for, as JSON can hold it; not who computes it.
    """
    found = hashlib.sha256()
    above = sorted({str(p) for p in sys.path if Path(p).is_dir()})
    libraries = sorted(
        name for folder in above for name in os.listdir(folder) if name.endswith(".dist-info")
    )
    machine = (platform.python_version(), sys.platform, platform.machine())
    found.update(json.dumps([dict(options), machine, libraries], sort_keys=True).encode())
    scripts = _code(audit.scripts) if audit.page is None else ()
    for name, path in [*sorted(audit.inputs.items()), *_code(_PACKAGE), *scripts]:
        found.update(f"{name}\0".encode())
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


def _code(folder: Path) -> Iterator[tuple[str, Path]]:
    """Every file of a folder of code by its name, without what Python makes of it."""
    for above, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(names):
            path = Path(above) / name
            yield path.relative_to(folder).as_posix(), path


def kept(key: str, directory: Path, audit: Audit) -> KeptRun | None:
    """What was told when `directory` was written under this key; None if it must be written."""
    try:
        note = json.loads(_note(key).read_text(encoding="utf-8"))
        manifest = manifest_of(directory.resolve())
        if manifest is None or note["manifest"] != manifest:
            return None
        return KeptRun(audit, *(_frame(note["frames"][name]) for name in FRAMES))
    except (OSError, ValueError, KeyError, TypeError):  # no note, or one that nobody can read
        return None


def note(key: str, directory: Path, replication: Any) -> None:
    """Remember what a run wrote and told; where there is no cache, nothing is remembered."""
    frames = {name: getattr(replication, name) for name in FRAMES}
    held = {name: {"columns": list(f), "rows": f.to_numpy().tolist()} for name, f in frames.items()}
    with contextlib.suppress(OSError, TypeError):
        text = json.dumps({"manifest": manifest_of(directory.resolve()), "frames": held})
        place = _note(key)
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        begun = place.with_suffix(f".{os.getpid()}")
        try:
            begun.write_text(text, encoding="utf-8")
            begun.replace(place)
        finally:
            begun.unlink(missing_ok=True)  # half a note on a full disk
        notes = sorted(place.parent.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for old in notes[:-MOST]:
            old.unlink()


def _frame(held: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(held["rows"], columns=held["columns"])


def _note(key: str) -> Path:
    """Place of a note: in RETROSTATS_CACHE, or else in the cache of the user (XDG Base Directory;
    LOCALAPPDATA on Windows)."""
    named = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME", "")
    above = Path(named) if named else Path(os.path.expanduser("~")) / ".cache"
    folder = os.environ.get("RETROSTATS_CACHE", "") or above / "retrostats"
    return Path(folder) / "results" / f"{key}.json"
