"""Results of which nothing changed are kept, and only those."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from doors.app import main, unchanged

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "nordic.toml"
KEPT = "Nothing changed: results are kept (--fresh computes anew)\n"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with its table, and a cache in which nothing is noted."""
    monkeypatch.setenv("RETROSTATS_CACHE", str(tmp_path / "cache"))
    for suffix in (".toml", ".csv"):
        shutil.copy(EXAMPLE.with_suffix(suffix), tmp_path / f"page{suffix}")
    return tmp_path / "page.toml"


def _ran(page: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[str, str]:
    """What a run says, without its time, and what it says of itself."""
    out = str(page.parent / "out")
    asked = ["--audit", str(page), "--out", out, "--draws", "64", "--formats", "svg"]
    assert main(["replicate", *asked, *more]) == 0
    said = capsys.readouterr()
    return said.out.partition("\nReport:")[0], said.err


def _times(page: Path) -> dict[str, int]:
    files = (p for p in (page.parent / "out").rglob("*") if p.is_file())
    return {str(p): p.stat().st_mtime_ns for p in files}


def test_a_second_run_leaves_the_results_and_says_the_same(page, capsys) -> None:
    first, progress = _ran(page, capsys)
    assert "Judging" in progress
    times = _times(page)
    second, said = _ran(page, capsys)
    assert said == KEPT
    assert second == first
    assert _times(page) == times


def _edited(page: Path) -> None:
    table = page.with_suffix(".csv")
    table.write_text(table.read_text(encoding="utf-8") + "\n", encoding="utf-8")


@pytest.mark.parametrize("more", [("--seed", "2"), ("--draws", "65"), ("--tables", "csv"),
                                  ("--fresh",), ("--themes", "dark")])  # fmt: skip
def test_other_options_compute(page, capsys, more) -> None:
    _ran(page, capsys)
    assert "Judging" in _ran(page, capsys, *more)[1]


def test_a_changed_table_computes(page, capsys) -> None:
    _ran(page, capsys)
    _edited(page)
    assert "Judging" in _ran(page, capsys)[1]


def test_changed_code_computes(page, capsys, tmp_path, monkeypatch) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "fit.py").write_text("a = 1", encoding="utf-8")
    monkeypatch.setattr(unchanged, "_PACKAGE", code)
    _ran(page, capsys)
    assert _ran(page, capsys)[1] == KEPT
    (code / "fit.py").write_text("a = 2", encoding="utf-8")
    assert "Judging" in _ran(page, capsys)[1]


@pytest.mark.parametrize("harm", ["missing", "folder"])
def test_results_that_are_not_whole_are_written(page, capsys, harm) -> None:
    _ran(page, capsys)
    out = page.parent / "out"
    if harm == "missing":
        (out / "verdicts.csv").unlink()
    else:
        shutil.rmtree(out)
    assert "Judging" in _ran(page, capsys)[1]
    assert (out / "verdicts.csv").is_file()


def test_an_edited_result_is_refused_as_ever(page, capsys) -> None:
    _ran(page, capsys)
    (page.parent / "out" / "verdicts.csv").write_text("mine", encoding="utf-8")
    out = str(page.parent / "out")
    asked = ["--audit", str(page), "--out", out, "--draws", "64", "--formats", "svg"]
    assert main(["replicate", *asked]) == 2
    assert "verdicts.csv changed after it was written" in capsys.readouterr().err


def test_a_folder_from_elsewhere_says_nothing_of_itself(page, capsys, monkeypatch) -> None:
    """With a right manifest, and of these very inputs: but this user's runs did not write it."""
    _ran(page, capsys)
    monkeypatch.setenv("RETROSTATS_CACHE", str(page.parent / "of_another_user"))
    assert "Judging" in _ran(page, capsys)[1]


def test_a_spoilt_note_and_no_cache_compute(page, capsys, monkeypatch) -> None:
    _ran(page, capsys)
    (note,) = (page.parent / "cache" / "results").glob("*.json")
    note.write_text('{"manifest": 1, "frames": []}', encoding="utf-8")
    assert "Judging" in _ran(page, capsys)[1]
    (page.parent / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("RETROSTATS_CACHE", str(page.parent / "file"))
    assert "Judging" in _ran(page, capsys)[1]


def test_what_python_of_another_audit_reads_is_not_known(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setenv("RETROSTATS_CACHE", str(tmp_path / "cache"))
    assert main(["new-audit", str(tmp_path / "audit"), "--folder"]) == 0
    capsys.readouterr()
    for _ in range(2):
        _, said = _ran(tmp_path / "audit", capsys)
        assert "Judging" in said
    assert not (tmp_path / "cache").exists()


def test_the_oldest_notes_go(page, capsys, monkeypatch) -> None:
    monkeypatch.setattr(unchanged, "MOST", 2)
    for seed in ("1", "2", "3"):
        _ran(page, capsys, "--seed", seed)
    assert len(list((page.parent / "cache" / "results").glob("*"))) == 2
