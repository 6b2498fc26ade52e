"""Replace a folder of results as a whole, and nothing in it that somebody else put there.

Everything is made in a hidden folder beside it; then the two change names. A file belongs to this
program if `manifest.json` lists it and its bytes are still the listed ones. Every other file, an
edited one as well, is somebody's work: it stays where it lies, and if this run would write a file
of that name the run is refused and changes nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from retrostats.common.errors import InputError
from retrostats.report.exchange import abandoned, exchange, flush, held

#: Lists the files that were written, with their hashes; only a folder with it may be replaced.
MANIFEST = "manifest.json"
WRITTEN_BY = "retrostats"
_LONG_NAME = 200  # bytes; hidden names beside the folder add some


def replace(directory: Path, fill: Callable[[Path], None]) -> Path:
    """Let `fill` write a new folder, then put it in the place of `directory`.

    Parameters
    ----------
    directory
        Missing, empty, or written by an earlier call.
    fill
        Writes everything into the empty folder it is given.

    Returns
    -------
    Path
        The folder, resolved.

    Raises
    ------
    InputError
        If `directory` is a file, was not written by this program, holds somebody's file where
        this run writes one, or cannot be written. What was there is then as it was.
    """
    directory = usable(directory)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as kept:
            # no other run sees a folder that nobody holds yet
            with held(directory.parent, wait=True):
                _bring_back(directory)
                refuse_foreign(directory)
                stage = _stage(directory)
                kept.callback(shutil.rmtree, stage, ignore_errors=True)
                kept.enter_context(held(stage, wait=False))
            fill(stage)
            _list(stage)
            with held(directory.parent, wait=True):  # two runs into one folder: one after the other
                _bring_back(directory)
                _keep(directory, stage)
                flush(stage)
                _swap(stage, directory)
    except OSError as error:
        raise InputError(
            f"cannot write {directory}: {error.strerror or error}; give another folder with --out"
        ) from None
    return directory


def usable(directory: Path) -> Path:
    """The folder, resolved, if results can go there; asked before anything is computed.

    Raises
    ------
    InputError
        If it is a file, somebody else's folder, the one the program stands in, cannot be written,
        or its path leads nowhere.
    """
    try:
        resolved = directory.resolve()
        here = Path.cwd()
        if resolved == here or resolved in here.parents:
            raise InputError(
                f"--out {directory}: results replace their folder as a whole, and this is the "
                "folder you stand in; give a folder inside it, as --out results"
            )
        refuse_foreign(resolved)
        above = next(parent for parent in resolved.parents if parent.exists())
    except InputError:
        raise
    except (OSError, RuntimeError, ValueError, StopIteration) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"--out {str(directory)[:200]}: no folder can be made there ({reason}); give another"
        ) from None
    if not (above.is_dir() and os.access(above, os.W_OK | os.X_OK)):
        raise InputError(
            f"--out {directory}: nothing can be written in {above}; give another folder"
        )
    return resolved


def refuse_foreign(directory: Path) -> None:
    """Refuse a folder that this program did not write.

    Raises
    ------
    InputError
        If `directory` is a file, or holds files but no list of this program.
    """
    if directory.exists() and not directory.is_dir():
        raise InputError(f"--out {directory}: this is a file; give a folder")
    if directory.is_dir() and any(directory.iterdir()) and _listed(directory) is None:
        raise InputError(
            f"--out {directory}: the folder holds files that are not earlier results "
            f"(no {MANIFEST} of this program); give an empty or a new folder"
        )


def _listed(directory: Path) -> Mapping[str, str] | None:
    """Hash of each file that was written here, by its path; None without a list of our own."""
    try:
        parsed = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(parsed, dict) or parsed.get("written_by") != WRITTEN_BY:
        return None
    files = parsed.get("sha256")
    return files if isinstance(files, dict) else None


def manifest_of(directory: Path) -> str | None:
    """Hash of the manifest of a folder of which every listed file is still as it was written.

    None where one changed or is missing, and where nothing was written.
    """
    listed = _listed(directory)
    if listed is None or not set(listed) <= _ours(directory):
        return None
    return _sha256(directory / MANIFEST)


def _list(stage: Path) -> None:
    files = {name: _sha256(stage / name) for name in sorted(_files(stage))}
    text = json.dumps({"written_by": WRITTEN_BY, "sha256": files}, indent=2, ensure_ascii=False)
    (stage / MANIFEST).write_text(text + "\n", encoding="utf-8")


def _files(directory: Path) -> Iterator[str]:
    """Every file and link below `directory`, by its path with slashes; links are not followed."""
    for root, folders, names in os.walk(directory, onerror=_raise):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        for name in (*names, *links):
            yield (Path(root) / name).relative_to(directory).as_posix()


def _folders(directory: Path) -> Iterator[str]:
    """Every folder below `directory`, parents first."""
    for root, folders, _ in os.walk(directory, onerror=_raise):
        for name in folders:
            if not (Path(root) / name).is_symlink():
                yield (Path(root) / name).relative_to(directory).as_posix()


def _raise(error: OSError) -> None:
    """A folder that cannot be read must stop the run, not count as empty."""
    raise error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _ours(directory: Path) -> set[str]:
    """Files that were written by an earlier run and are still what it wrote."""
    listed = _listed(directory)
    if listed is None:
        return set()
    unchanged = {
        name
        for name in _files(directory)
        if name in listed
        and (directory / name).is_file()
        and not (directory / name).is_symlink()
        and _sha256(directory / name) == listed[name]
    }
    return unchanged | {MANIFEST}


def _keep(directory: Path, stage: Path) -> None:
    """Give the new folder what is somebody else's: linked, or copied where links are refused."""
    if not directory.is_dir():
        return
    ours = _ours(directory)
    theirs = [name for name in _files(directory) if name not in ours]
    written = set(_files(stage))
    _nothing_in_the_way(directory, theirs, written)
    empty = {name for name in _folders(directory) if not any((directory / name).iterdir())}
    for name in sorted(empty):
        (stage / name).mkdir(parents=True, exist_ok=True)
    for name in theirs:
        target = stage / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(directory / name, target, follow_symlinks=False)
        except OSError:
            shutil.copy2(directory / name, target, follow_symlinks=False)


def _nothing_in_the_way(directory: Path, theirs: list[str], written: set[str]) -> None:
    above = {parent.as_posix() for name in written for parent in Path(name).parents}
    taken = {n for n in theirs if n in written or n in above}
    taken |= {n for n in _folders(directory) if n in written}
    if taken:
        names = ", ".join(sorted(taken))
        raise InputError(
            f"--out {directory}: {names} changed after it was written, or is not from this "
            "program, and would be replaced; rename it, move it away, or give another folder"
        )


def _stage(directory: Path) -> Path:
    """A fresh hidden folder beside `directory`; leftovers of killed runs are cleared."""
    start = f"{_hidden(directory)}.partial-"
    with os.scandir(directory.parent) as entries:
        left = [directory.parent / e.name for e in entries if e.name.startswith(start)]
    for old in left:
        if abandoned(old):
            shutil.rmtree(old, ignore_errors=True)
    # process numbers repeat in containers; this does not
    stage = directory.parent / f"{start}{secrets.token_hex(8)}"
    stage.mkdir()
    return stage


def _swap(stage: Path, directory: Path) -> None:
    """Put the new folder in the place of the earlier one.

    In one step where the system can exchange names; a run killed before or after it leaves the
    other folder as `_backup`, which the next run clears. Elsewhere in two, and the next run brings
    the earlier folder back if this one is killed between them.
    """
    backup = _backup(directory)
    if not directory.exists():
        stage.rename(directory)
        return
    stage.rename(backup)
    if not exchange(backup, directory):
        backup.rename(stage)
        directory.rename(backup)
        try:
            stage.rename(directory)
        except BaseException:
            if backup.exists():
                backup.rename(directory)
            raise
    _retire(backup, directory)


def _backup(directory: Path) -> Path:
    return directory.parent / f"{_hidden(directory)}.previous"


def _hidden(directory: Path) -> str:
    """Start of the hidden names beside a folder, short enough for any file system."""
    name = directory.name
    if len(os.fsencode(name)) > _LONG_NAME:
        name = hashlib.sha256(os.fsencode(name)).hexdigest()[:32]
    return f".{name}"


def _bring_back(directory: Path) -> None:
    """A run killed while the folders changed names: put the earlier one back, or clear it."""
    backup = _backup(directory)
    if backup.is_dir() and not directory.exists():
        backup.rename(directory)
    elif directory.is_dir():
        _retire(backup, directory)


def _retire(backup: Path, directory: Path) -> None:
    """Clear the earlier folder, file by file: what was saved there meanwhile moves over first."""
    if not backup.is_dir() or (_listed(backup) is None and any(_files(backup))):
        return
    for name in ("", *_folders(backup)):
        _let_write(backup / name)
    ours = _ours(backup) - {MANIFEST}
    for name in sorted(_files(backup)):
        if name != MANIFEST:  # the last to go: it says what is ours if this is interrupted
            _clear(backup / name, directory / name, ours=name in ours)
    (backup / MANIFEST).unlink(missing_ok=True)
    for name in sorted(_folders(backup), reverse=True):
        (backup / name).rmdir()
    backup.rmdir()


def _let_write(folder: Path) -> None:
    """An earlier result in a folder made read-only is still an earlier result."""
    mode = folder.stat().st_mode
    if mode & stat.S_IRWXU != stat.S_IRWXU:
        with contextlib.suppress(OSError):
            folder.chmod(mode | stat.S_IRWXU)


def _clear(old: Path, new: Path, *, ours: bool) -> None:
    if ours or _same(old, new):
        old.unlink()
        return
    target, i = new, 1
    while os.path.lexists(target):
        i += 1
        target = new.with_name(f"{new.stem} ({i}){new.suffix}")
    target.parent.mkdir(parents=True, exist_ok=True)
    old.rename(target)


def _same(old: Path, new: Path) -> bool:
    """Whether both are one file, equal links, or hold the same bytes."""
    if not os.path.lexists(new):
        return False
    if old.is_symlink() or new.is_symlink():
        return old.is_symlink() and new.is_symlink() and os.readlink(old) == os.readlink(new)
    if not (old.is_file() and new.is_file()):
        return os.path.samefile(old, new)
    return os.path.samefile(old, new) or _sha256(old) == _sha256(new)
