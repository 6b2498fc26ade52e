"""A run replaces what an earlier run wrote, and nothing else, whenever it is killed."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from doors.report import MANIFEST, replace

from retrostats import InputError

FIRST = {"verdicts.csv": "first\n", "figures/old.svg": "<svg/>", "figures/same.svg": "<svg>1</svg>"}
SECOND = {"verdicts.csv": "second\n", "figures/same.svg": "<svg>2</svg>", "tables/new.csv": "x\n"}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def read(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8")
        for p in folder.rglob("*")
        if p.is_file() and p.name != MANIFEST
    }


def run(folder: Path, files: dict[str, str]) -> Path:
    return replace(folder, lambda stage: write(stage, files))


@pytest.fixture
def results(tmp_path) -> Path:
    return run(tmp_path / "results", FIRST)


def test_own_files_stay_and_old_results_go(results) -> None:
    mine = {"thesis.docx": "two years", "figures/mine.svg": "mine", "notes/a/b.txt": "deep"}
    write(results, mine)
    (results / "plans").mkdir()
    run(results, SECOND)
    assert read(results) == SECOND | mine
    assert (results / "plans").is_dir()
    run(results, FIRST)
    assert read(results) == FIRST | mine
    assert [p.name for p in results.parent.iterdir()] == ["results"]


def test_links_stay_links_and_what_they_lead_to_is_untouched(results, tmp_path) -> None:
    far = tmp_path / "far"
    write(far, {"cohort.csv": "rows"})
    (results / "data").symlink_to(far)
    (results / "gone").symlink_to(tmp_path / "nowhere")
    run(results, SECOND)
    assert os.readlink(results / "data") == str(far)
    assert os.readlink(results / "gone") == str(tmp_path / "nowhere")
    assert read(far) == {"cohort.csv": "rows"}


@pytest.mark.parametrize("name", ["verdicts.csv", "figures/same.svg", "tables/new.csv"])
def test_a_file_changed_or_put_where_this_run_writes_is_refused(results, name) -> None:
    write(results, {name: "mine"})
    before = read(results)
    with pytest.raises(InputError, match=f"{name} changed after it was written"):
        run(results, SECOND)
    assert read(results) == before
    assert [p.name for p in results.parent.iterdir()] == ["results"]


def test_a_changed_file_that_this_run_does_not_write_stays(results) -> None:
    write(results, {"figures/old.svg": "edited"})
    run(results, SECOND)
    assert read(results) == SECOND | {"figures/old.svg": "edited"}


def test_a_folder_or_a_link_in_the_way_is_refused(results, tmp_path) -> None:
    (results / "tables").mkdir()
    (results / "tables" / "new.csv").mkdir()
    with pytest.raises(InputError, match=r"tables/new\.csv"):
        run(results, SECOND)
    (results / "tables" / "new.csv").rmdir()
    (results / "tables").rmdir()
    (results / "tables").write_text("a file where a folder goes", encoding="utf-8")
    with pytest.raises(InputError, match="tables changed"):
        run(results, SECOND)
    (results / "tables").unlink()
    (results / "verdicts.csv").rename(tmp_path / "moved.csv")
    (results / "verdicts.csv").symlink_to(tmp_path / "moved.csv")
    with pytest.raises(InputError, match=r"verdicts\.csv"):
        run(results, SECOND)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("thesis.docx", "two years"),
        ("provenance.json", '{"tool": "another"}'),
        (MANIFEST, '{"written_by": "another", "sha256": {}}'),
        (MANIFEST, '{"written_by": "retrostats"}'),
        (MANIFEST, "[]"),
        (MANIFEST, "not json"),
    ],
)
def test_a_folder_of_somebody_else_is_refused(tmp_path, name, text) -> None:
    folder = tmp_path / "results"
    write(folder, {name: text})
    with pytest.raises(InputError, match="not earlier results"):
        run(folder, SECOND)
    assert [p.name for p in folder.iterdir()] == [name]
    assert (folder / name).read_text(encoding="utf-8") == text


def test_the_list_holds_every_file_with_its_hash_and_repeats(results, tmp_path) -> None:
    manifest = json.loads((results / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["sha256"] == {
        name: hashlib.sha256(text.encode()).hexdigest() for name, text in FIRST.items()
    }
    again = run(tmp_path / "again", FIRST)
    assert (again / MANIFEST).read_bytes() == (results / MANIFEST).read_bytes()
    write(results, {"thesis.docx": "two years"})
    run(results, FIRST)
    assert (again / MANIFEST).read_bytes() == (results / MANIFEST).read_bytes()


def test_a_list_that_names_files_outside_touches_none(results, tmp_path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("mine", encoding="utf-8")
    manifest = json.loads((results / MANIFEST).read_text(encoding="utf-8"))
    manifest["sha256"]["../outside.txt"] = hashlib.sha256(b"mine").hexdigest()
    (results / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    run(results, SECOND)
    assert outside.read_text(encoding="utf-8") == "mine"


def test_a_fill_that_fails_changes_nothing(results) -> None:
    write(results, {"thesis.docx": "two years"})
    before = read(results)

    def full(stage: Path) -> None:
        write(stage, {"verdicts.csv": "half"})
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left on device"):
        replace(results, full)
    assert read(results) == before
    assert [p.name for p in results.parent.iterdir()] == ["results"]


#: Runs once more and dies, as by SIGKILL, at the given change of the file system.
KILLED = """
import json, os, sys
from pathlib import Path
from retrostats.report import folder
left = int(sys.argv[2])
def write(stage):
    for name, text in json.loads(sys.argv[3]).items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(text, encoding="utf-8")
def deadly(call):
    def counted(*a, **k):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        return call(*a, **k)
    return counted
for owner, name in ((os, "link"), (Path, "rename"), (Path, "unlink"), (Path, "rmdir")):
    setattr(owner, name, deadly(getattr(owner, name)))
folder.replace(Path(sys.argv[1]), write)
"""


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 4, 5, 6, 8, 50])
def test_killed_anywhere_nothing_is_lost_and_the_next_run_mends(results, steps) -> None:
    mine = {"thesis.docx": "two years"}
    write(results, mine)
    command = [sys.executable, "-c", KILLED, str(results), str(steps), json.dumps(SECOND)]
    done = subprocess.run(command, check=False)
    assert done.returncode == (0 if steps == 50 else 9)
    there = results if results.is_dir() else results.parent / ".results.previous"
    assert read(there) in (FIRST | mine, SECOND | mine)  # whole, the earlier or the new
    third = {"verdicts.csv": "third\n"}
    run(results, third)
    assert read(results) == third | mine
    assert [p.name for p in results.parent.iterdir()] == ["results"]


def test_what_is_saved_while_the_folders_change_names_is_not_lost(results, monkeypatch) -> None:
    from doors.report import folder

    write(results, {"thesis.docx": "two years"})
    keep = folder._keep

    def saved_late(directory: Path, stage: Path) -> None:
        keep(directory, stage)
        (directory / "thesis.docx").unlink()  # as an editor saves: a new file of the same name
        write(directory, {"thesis.docx": "and a day", "late.txt": "late"})

    monkeypatch.setattr(folder, "_keep", saved_late)
    run(results, SECOND)
    found = read(results)
    assert found == SECOND | {
        "thesis.docx": "two years", "thesis (2).docx": "and a day", "late.txt": "late",
    }  # fmt: skip


def test_copies_stand_in_where_the_disk_has_no_links(results, monkeypatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    write(results, {"thesis.docx": "two years"})
    run(results, SECOND)
    assert read(results) == SECOND | {"thesis.docx": "two years"}


def test_a_folder_that_cannot_be_read_stops_the_run(results) -> None:
    locked = results / "locked"
    write(locked, {"thesis.docx": "two years"})
    locked.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read every folder")
        with pytest.raises(InputError, match="cannot write"):
            run(results, SECOND)
    finally:
        locked.chmod(0o755)
    assert read(results) == FIRST | {"locked/thesis.docx": "two years"}
