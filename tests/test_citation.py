"""One place says how the package is cited."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pandas as pd
import pytest
from doors.common import citation

import retrostats as rs


def test_the_citation_is_that_of_the_file_and_of_this_version() -> None:
    cited = rs.cite()
    assert cited.version == rs.__version__
    assert cited.title.startswith("retrostats: ")
    assert f"year = {{{cited.year}}}" in cited.bibtex()
    assert repr(cited).endswith(f"Version {rs.__version__}.")


@pytest.mark.parametrize("text", [None, "title: x\n"])
def test_a_file_that_is_gone_or_damaged(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "CITATION.cff"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(citation, "citation_file", lambda: path)
    with pytest.raises(rs.InputError, match=r"CITATION\.cff"):
        rs.cite()


def test_the_addresses_of_the_project_are_those_of_the_studies_it_checks() -> None:
    root = Path(__file__).parents[1]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    dois = set(pd.read_csv(root / "data" / "studies.csv", dtype=str)["doi"].dropna())
    addresses = project["urls"].values()
    assert addresses
    assert {address.removeprefix("https://doi.org/") for address in addresses} <= dois
