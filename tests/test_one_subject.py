"""No word of one subject in what another audit prints, draws or writes.

Each example is run with an own cohort made of its template, and everything it says is searched.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from doors.app import main
from doors.io import templates

EXAMPLES = Path(__file__).parent.parent / "examples"
#: Words and columns of the audit that ships; "the post" where the source is none.
OF_ONE_SUBJECT = re.compile(
    r"backward|forward|\bgait\b|gait_|gradient|ligament|\brunning\b|speed_m_s|gradient_pct|"
    r"treadmill|the post\b",
    re.IGNORECASE,
)
WRITTEN = (".csv", ".html", ".tex", ".json", ".svg", ".toml")
CAFFEINE = """title = "Caffeine before a time trial"
subject = "caffeine"
source = { kind = "review", name = "Doe 2020", doi = "10.1000/xyz" }
compared = ["caffeine", "placebo"]

[claims.faster]
says = "Caffeine makes a time trial 3% faster"
by = "Doe 2020"
cause = true
measure = "percent"
true_if = "-3.5 to -2.5"
because = "3% to one digit"
cohort = { outcome = "time_s" }
better = "lower"

[claims.stronger]
says = "Caffeine makes the grip stronger"
by = "Doe 2020"
cause = true
measure = "mean difference"
true_if = "above 0"
because = "no size is named"
cohort = { outcome = "grip_kg" }
"""
CAFFEINE_ROWS = """claim,study,design,allocation,n,first,second,estimate,p
faster,Alpha 2001,crossover,by lot,12,38.35 SD 1.53 min,39.20 SD 1.60 min,,0.01
faster,Beta 2005,crossover,by lot,9,61.1 SD 3.0 min,62.9 SD 3.4 min,,0.04
faster,Gamma 2009,crossover,by lot,14,,,-1.1%,
stronger,Delta 2005,parallel,by lot,31 / 30,26 SD 6 -> 28.1 SD 6.0 kg,26.2 SD 6 -> 27.9 SD 5.8 kg,,
stronger,Eps 2006,parallel,by lot,21 / 20,26 SD 6 -> 28.9 SD 6.0 kg,26.0 SD 6 -> 27.0 SD 5.8 kg,,
"""


@pytest.fixture
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param != "caffeine":
        return EXAMPLES / f"{request.param}.toml"
    file = tmp_path / "caffeine.toml"
    file.write_text(CAFFEINE)
    file.with_suffix(".csv").write_text(CAFFEINE_ROWS)
    return file


def own_cohorts(page: Path, folder: Path) -> list[Path]:
    """The audit's templates with people of a lab in them."""
    found = []
    for name, text in templates(page).items():
        file = folder / f"lab_{name}.csv"
        file.write_text(text.replace("EXAMPLE-", "p"))
        found.append(file)
    return found


def read_again(page: Path) -> str:
    return page.read_text() + page.with_suffix(".csv").read_text()


@pytest.mark.parametrize(
    "page",
    [
        *(
            pytest.param(p.stem, marks=pytest.mark.thorough)
            for p in sorted(EXAMPLES.glob("*.toml"))
        ),
        "caffeine",
    ],
    indirect=True,
)
def test_an_audit_says_nothing_of_another_subject(page, tmp_path, capsys) -> None:
    cohorts, out = own_cohorts(page, tmp_path), tmp_path / "out"
    options = [word for file in cohorts for word in ("--cohort", str(file))]
    assert main(["check-audit", str(page)]) == 0
    for file in cohorts:
        assert main(["validate", str(file), "--audit", str(page)]) == 0
    assert main(["replicate", "--audit", str(page), *options, "--out", str(out), "--draws", "16",
                 "--formats", "svg"]) == 0  # fmt: skip
    said = {"terminal": "".join(capsys.readouterr())}
    said |= {file.name: file.read_text() for file in cohorts}
    said |= {
        str(file.relative_to(out)): file.read_text(encoding="utf-8")
        for file in sorted(out.rglob("*")) if file.suffix in WRITTEN
    }  # fmt: skip
    assert {"report.html", "verdicts.csv"} <= set(said)
    allowed = read_again(page).lower()
    found = {
        f"{name}: {match[0]}"
        for name, text in said.items() for match in OF_ONE_SUBJECT.finditer(text)
        if match[0].lower() not in allowed
    }  # fmt: skip
    assert not found
    if page.stem == "nordic":  # events are summed: no line is a person
        assert not [name for name, text in said.items() if "a person each" in text]
    for file in out.rglob("*.csv"):
        header = next(csv.reader([file.read_text(encoding="utf-8").split("\n", 1)[0]]))
        assert not {"gait", "speed_m_s", "gradient_pct"} & set(header)


def test_messages_use_the_words_of_their_audit(tmp_path, capsys) -> None:
    page = tmp_path / "caffeine.toml"
    page.write_text(CAFFEINE)
    page.with_suffix(".csv").write_text(CAFFEINE_ROWS)
    wrong = {
        "no placebo row; allowed both conditions": "subject,condition,time_s\na,caffeine,3\n"
                                                   "b,caffeine,4\n",
        "nobody measured in both conditions": "subject,condition,time_s\na,caffeine,3\n"
                                              "b,placebo,4\n",
        "faster: subject, condition": "subject,condition,foo\na,caffeine,3\nb,placebo,4\n",
    }  # fmt: skip
    for says, text in wrong.items():
        file = tmp_path / "lab.csv"
        file.write_text(text)
        assert main(["validate", str(file), "--audit", str(page)]) == 2
        message = " ".join("".join(capsys.readouterr()).split())
        assert says in message
        assert not re.search(r"\bdirections?\b|outcome_", message), message
        assert not OF_ONE_SUBJECT.search(message), message
