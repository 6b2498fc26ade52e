"""The promises to those who extend: the example of CONTRIBUTING runs, public names resolve."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from doors.app import new_audit
from doors.audit import files_of, load_analysis

import retrostats as rs
from retrostats import InputError

ROOT = Path(__file__).parent.parent


def block(file: str, start: str) -> str:
    text = (ROOT / file).read_text(encoding="utf-8")
    return next(b for b in re.findall(r"```python\n(.*?)```", text, re.S) if start in b)


def test_the_analysis_in_contributing_runs_from_anywhere(tmp_path) -> None:
    path = tmp_path / "heart_rate.py"
    path.write_text(block("CONTRIBUTING.md", "NAME ="), encoding="utf-8")
    found = rs.replicate([str(path)], draws=0)
    row = found.estimates.iloc[0]
    assert (row["analysis"], row["study_id"]) == ("heart-rate", "williford1998")
    assert row["estimate"] == pytest.approx(132 / 113)
    found.save(tmp_path / "results", formats=("svg",))
    assert found.drawings["heart_rate"].analysis == "heart-rate"
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    section = page.split('id="a-heart-rate"')[1].split("</section>")[0]
    assert "<figcaption>Heart rate in walking, backward / forward.</figcaption>" in section


def test_an_incomplete_analysis_file_says_what_is_missing(tmp_path) -> None:
    path = tmp_path / "half.py"
    path.write_text("NAME = 'half'\n", encoding="utf-8")
    with pytest.raises(InputError, match="TITLE, QUESTION"):
        rs.replicate([str(path)])


@pytest.mark.parametrize("name", rs.__all__)
def test_every_public_name_resolves(name) -> None:
    assert getattr(rs, name) is not None


def test_replicate_is_callable_whatever_was_imported_first() -> None:
    from retrostats import replicate
    from retrostats import replicate as name

    assert callable(name)
    assert callable(rs.replicate)
    assert replicate.__name__ == "replicate"


def test_an_analysis_may_be_a_folder_whose_files_know_one_another(tmp_path) -> None:
    """Two folders of one name, one after the other: each is its own, and its files are named."""
    whole = new_audit(tmp_path / "made") / "analyses" / "example.py"
    for place, title in (("a", "First"), ("b", "Second")):
        folder = tmp_path / place / "toy"
        folder.mkdir(parents=True)
        (folder / "words.py").write_text(f'TITLE = "{title}"\n', encoding="utf-8")
        text = whole.read_text(encoding="utf-8") + "\nfrom .words import TITLE\n"
        (folder / "__init__.py").write_text(text, encoding="utf-8")
        assert load_analysis(folder).title == title
        assert [p.name for p in files_of(folder)] == ["__init__.py", "words.py"]
    (folder / "words.py").write_text("TITLE = 1 / 0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"analysis toy/words\.py, line 1: ZeroDivisionError"):
        load_analysis(folder)
    (folder / "words.py").write_text("TITLE = (\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"analysis toy/words\.py, line 1: "):
        load_analysis(folder)
    with pytest.raises(InputError, match="no such file"):
        load_analysis(tmp_path / "a")


def test_every_file_of_an_analysis_is_in_the_provenance() -> None:
    found = rs.replicate(["body-fat"], draws=0).provenance["inputs_sha256"]
    assert "analyses/body_fat.py" in found
    assert "data/findings/body_fat.toml" in found
