"""Copies of the audit that ships, to change."""

from __future__ import annotations

import shutil
from pathlib import Path

import retrostats as rs


def audit_copy(folder: Path, *, pinned: bool) -> Path:
    """A copy in an empty folder, with the pinned answers of other programs or without."""
    audit = rs.load_audit()
    shutil.copytree(audit.data, folder / "data")
    shutil.copytree(audit.scripts, folder / "analyses")
    if not pinned:
        (folder / "data" / "pinned" / "cross_checks.csv").unlink()
    return folder
