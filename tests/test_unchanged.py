"""Results of which nothing changed are kept, and only those."""

from __future__ import annotations

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path

import pytest
from doors.app import main, unchanged

from retrostats import InputError

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "nordic.toml"
BEGAN = "computing began"
KEPT = "Nothing changed: results are kept (--fresh computes anew)\n"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A folder in which a page was run once, as it was then, and what that run said."""
    folder = tmp_path_factory.mktemp("first") / "work"
    folder.mkdir()
    for suffix in (".toml", ".csv"):
        shutil.copy(EXAMPLE.with_suffix(suffix), folder / f"page{suffix}")
    said, progress = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RETROSTATS_CACHE", str(folder / "cache"))
        with redirect_stdout(said), redirect_stderr(progress):
            assert main(_asked(folder / "page.toml")) == 0
    shutil.copytree(folder, folder.with_name("kept"))  # with the times of the files
    told, of_itself = (_text(stream) for stream in (said, progress))
    return folder, told.partition("\nReport:")[0], of_itself


def _text(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


@pytest.fixture
def page(first: tuple[Path, str, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page with its table, its results, and a cache in which this one run is noted."""
    folder = first[0]
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("kept"), folder)
    monkeypatch.setenv("RETROSTATS_CACHE", str(folder / "cache"))
    return folder / "page.toml"


def _asked(page: Path) -> list[str]:
    out = str(page.parent / "out")
    return ["replicate", "--audit", str(page), "--out", out, "--draws", "64", "--formats", "svg",
            "--tables", "csv"]  # fmt: skip


def _ran(page: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[str, str]:
    """What a run says, without its time, and what it says of itself."""
    assert main([*_asked(page), *more]) == 0
    said = capsys.readouterr()
    return said.out.partition("\nReport:")[0], said.err


@pytest.fixture
def computes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Whether a run begins to compute, which it is not let do: it writes nothing."""

    def began(page: Path, *more: str) -> bool:
        with monkeypatch.context() as patch:
            patch.setattr(import_module("retrostats.app.path"), "read", _refuse)
            code = main([*_asked(page), *more])
        return (code, BEGAN in capsys.readouterr().err) == (2, True)

    return began


def _refuse(*_: object) -> None:
    raise InputError(BEGAN)


def _times(page: Path) -> dict[str, int]:
    files = (p for p in (page.parent / "out").rglob("*") if p.is_file())
    return {str(p): p.stat().st_mtime_ns for p in files}


def test_a_second_run_leaves_the_results_and_says_the_same(first, page, capsys, computes) -> None:
    _, told, progress = first
    assert "Judging" in progress
    times = _times(page)
    second, said = _ran(page, capsys)
    assert said == KEPT
    assert second == told
    assert _times(page) == times
    assert not computes(page)


def _edited(page: Path) -> None:
    table = page.with_suffix(".csv")
    table.write_text(table.read_text(encoding="utf-8") + "\n", encoding="utf-8")


OTHERS = [("--draws", "65"), ("--tables", "html"), ("--themes", "dark")]


@pytest.mark.parametrize(
    "more",
    [("--seed", "2"), ("--fresh",), *(pytest.param(o, marks=pytest.mark.thorough) for o in OTHERS)],
)
def test_other_options_compute(page, computes, more) -> None:
    assert computes(page, *more)


def test_a_changed_table_computes(page, computes) -> None:
    _edited(page)
    assert computes(page)


def test_changed_code_computes(page, capsys, computes, tmp_path, monkeypatch) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "fit.py").write_text("a = 1", encoding="utf-8")
    monkeypatch.setattr(unchanged, "_PACKAGE", code)
    _ran(page, capsys)
    assert _ran(page, capsys)[1] == KEPT
    (code / "fit.py").write_text("a = 2", encoding="utf-8")
    assert computes(page)


@pytest.mark.parametrize("harm", ["missing", pytest.param("folder", marks=pytest.mark.thorough)])
def test_results_that_are_not_whole_are_written(page, capsys, harm) -> None:
    out = page.parent / "out"
    if harm == "missing":
        (out / "verdicts.csv").unlink()
    else:
        shutil.rmtree(out)
    assert "Judging" in _ran(page, capsys)[1]
    assert (out / "verdicts.csv").is_file()


def test_an_edited_result_is_refused_as_ever(page, capsys) -> None:
    (page.parent / "out" / "verdicts.csv").write_text("mine", encoding="utf-8")
    assert main(_asked(page)) == 2
    assert "verdicts.csv changed after it was written" in capsys.readouterr().err


def test_a_folder_from_elsewhere_says_nothing_of_itself(page, computes, monkeypatch) -> None:
    """With a right manifest, and of these very inputs: but this user's runs did not write it."""
    monkeypatch.setenv("RETROSTATS_CACHE", str(page.parent / "of_another_user"))
    assert computes(page)


def test_a_spoilt_note_and_no_cache_compute(page, capsys, computes, monkeypatch) -> None:
    (note,) = (page.parent / "cache" / "results").glob("*.json")
    note.write_text('{"manifest": 1, "frames": []}', encoding="utf-8")
    assert computes(page)
    (page.parent / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("RETROSTATS_CACHE", str(page.parent / "file"))
    assert "Judging" in _ran(page, capsys)[1]


def test_half_a_note_on_a_full_disk_goes(page, capsys, monkeypatch) -> None:
    """Found by a run whose cache lay on a disk of 4 KiB."""
    notes = page.parent / "cache" / "results"
    before = list(notes.iterdir())
    written = Path.write_text

    def full(path: Path, text: str, **how: str) -> int:
        if path.parent != notes:
            return written(path, text, **how)
        written(path, text[:100], **how)
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", full)
    assert "Judging" in _ran(page, capsys, "--seed", "2")[1]
    assert list(notes.iterdir()) == before


def test_what_python_of_another_audit_reads_is_not_known(
    tmp_path, capsys, computes, monkeypatch
) -> None:
    monkeypatch.setenv("RETROSTATS_CACHE", str(tmp_path / "cache"))
    assert main(["new-audit", str(tmp_path / "audit"), "--folder"]) == 0
    capsys.readouterr()
    assert "Judging" in _ran(tmp_path / "audit", capsys)[1]
    assert computes(tmp_path / "audit")
    assert not (tmp_path / "cache").exists()


def test_the_oldest_notes_go(page, capsys, monkeypatch) -> None:
    notes = page.parent / "cache" / "results"
    (old,) = notes.glob("*")
    monkeypatch.setattr(unchanged, "MOST", 2)
    for name in ("between.json", "later.json"):
        shutil.copy(old, notes / name)
    _ran(page, capsys, "--seed", "2")
    assert len(list(notes.glob("*"))) == 2
    assert {old, notes / "between.json"}.isdisjoint(notes.glob("*"))
