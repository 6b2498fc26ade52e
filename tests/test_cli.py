"""Command line as a user meets it: exit codes, one message, whole output."""

from __future__ import annotations

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from doors.app import SHELLS, _parser, completion, main, new_audit
from doors.common import commands_of, options_of

FAST = ["--draws", "0", "--formats", "svg"]


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "retrostats.replicate", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def test_results_are_complete_and_repeat_to_the_byte(
    small, small_results, tmp_path, capsys
) -> None:
    results = small_results
    assert main([*small, str(tmp_path / "second")]) == 0
    assert "figures/" in (results / "report.html").read_text(encoding="utf-8")
    files = sorted(p.relative_to(results) for p in results.rglob("*.*"))
    assert {
        "verdicts.csv",
        "estimates.csv",
        "assumptions.csv",
        "report.html",
        "provenance.json",
    } <= {str(f) for f in files}
    for file in files:
        assert (results / file).read_bytes() == (tmp_path / "second" / file).read_bytes()
    record = json.loads((results / "provenance.json").read_text(encoding="utf-8"))
    assert any(name.startswith("data/published/") for name in record["inputs_sha256"])
    out = capsys.readouterr().out
    assert "Report:" in out


def test_module_and_help_start_fast_and_list_the_analyses(tmp_path) -> None:
    assert run("--help", cwd=tmp_path).returncode == 0
    listed = run("--list", cwd=tmp_path)
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        "metabolic-cost",
        "ligament-injury",
        "body-fat",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_package_itself_is_the_console_script(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["retrostats", "template", "body-fat"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("retrostats", run_name="__main__")
    assert ended.value.code == 0
    assert "subject" in capsys.readouterr().out


def test_help_of_the_main_job_imports_nothing_heavy(tmp_path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "retrostats.replicate", "--help"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "--themes" in ran.stdout
    imported = {line.rsplit("|", 1)[-1].strip() for line in ran.stderr.splitlines()}
    assert "retrostats.app.terminal" in imported
    assert not imported & {"numpy", "pandas", "matplotlib", "scipy"}


def test_help_imports_nothing_heavy(tmp_path) -> None:
    code = (
        "import sys, retrostats.app.cli\n"
        "try:\n    retrostats.app.cli.main(['replicate', '--help'])\n"
        "except SystemExit:\n    pass\n"
        "print([m for m in ('numpy', 'pandas', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


#: What a run on the numbers that ship asks nobody of: readers of cohorts, pages and streams, and
#: engines of other models.
ELSEWHERE = (
    *("io.cohort.normalise", "io.bounded.parent", "io.pages.page_table", "io.tables.distinct"),
    *("models.linear.streamed.source", "models.linear.repeated.fit"),
    *("models.linear.known_variance.fit", "models.linear.heteroscedastic.studies.inference"),
)


def test_the_main_job_imports_no_readers_and_engines_of_others() -> None:
    code = (
        "import sys, retrostats.app.path, retrostats.report.page.page\n"
        "import retrostats.models.linear.fit, retrostats.models.linear.reducing\n"
        "import retrostats.models.linear.heteroscedastic.engine\n"
        f"print([m for m in {ELSEWHERE} if f'retrostats.{{m}}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


BAD_USAGE = (
    (["nonsense"], "unknown analysis nonsense"),
    (["--formats", "gif"], "choose from svg, pdf, png"),
    (["--cohort", "missing.csv"], "missing.csv"),
    (["--check", "--out", "x"], "leave out --cohort and --out"),
    (["--draws", "many"], "invalid int value"),
    (["--no-such-option"], "unrecognized arguments"),
)


@pytest.mark.parametrize(("arguments", "says"), BAD_USAGE)
def test_bad_usage_is_one_message_and_exit_2_and_writes_nothing(
    tmp_path, monkeypatch, capsys, arguments, says
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        code = main(["replicate", *arguments])
    except SystemExit as ended:
        code = ended.code
    assert code == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_bad_usage_of_the_module_is_the_same(tmp_path) -> None:
    arguments, says = BAD_USAGE[0]
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_not_replaced(tmp_path, capsys) -> None:
    (tmp_path / "thesis.txt").write_text("two years of work", encoding="utf-8")
    assert main(["replicate", "body-fat", *FAST, "--out", str(tmp_path)]) == 2
    assert "not earlier results" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> list[str]:
    """A run that is over in a second, as a command but for its folder: of a small audit."""
    audit = new_audit(tmp_path_factory.mktemp("small") / "audit")
    return ["replicate", "--audit", str(audit), *FAST, "--tables", "csv", "--out"]


@pytest.fixture(scope="module")
def small_results(small, tmp_path_factory) -> Path:
    """What it wrote: to be copied, not changed."""
    folder = tmp_path_factory.mktemp("small_results") / "results"
    assert main([*small, str(folder)]) == 0
    return folder


def test_a_run_that_fails_while_writing_leaves_earlier_results_whole(
    small, small_results, tmp_path, monkeypatch
) -> None:
    out = shutil.copytree(small_results, tmp_path / "results")
    before = {p: p.read_bytes() for p in out.rglob("*.*")}

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("retrostats.report.page.page.write_report", full_disk)
    assert main([*small, str(out), "--seed", "7"]) == 2
    assert {p: p.read_bytes() for p in out.rglob("*.*")} == before
    assert [p.name for p in tmp_path.iterdir()] == ["results"]


def test_own_files_beside_the_results_survive_the_next_run(
    small, small_results, tmp_path, capsys
) -> None:
    """Whatever lay in the folder was once gone after the next run, with exit code 0."""
    out = shutil.copytree(small_results, tmp_path / "results")
    for place in (out, out / "figures"):
        (place / "thesis.docx").write_text("two years of work", encoding="utf-8")
    assert main([*small, str(out)]) == 0
    for place in (out, out / "figures"):
        assert (place / "thesis.docx").read_text(encoding="utf-8") == "two years of work"
    (out / "verdicts.csv").write_text("my corrections", encoding="utf-8")
    assert main([*small, str(out)]) == 2
    assert "verdicts.csv changed after it was written" in capsys.readouterr().err
    assert (out / "verdicts.csv").read_text(encoding="utf-8") == "my corrections"


def test_a_folder_of_another_tool_is_not_replaced(tmp_path, capsys) -> None:
    (tmp_path / "provenance.json").write_text('{"tool": "another"}', encoding="utf-8")
    assert main(["replicate", "body-fat", *FAST, "--out", str(tmp_path)]) == 2
    assert "not earlier results" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["provenance.json"]


def test_check_equals_the_reference_results_and_notices_a_change(
    capsys, monkeypatch, tmp_path
) -> None:
    assert main(["replicate", "body-fat", "--check"]) == 0
    assert "equals the pinned answers" in capsys.readouterr().out
    from doors.app import reference_results

    folder = tmp_path / "pinned"
    folder.mkdir()
    for name in ("verdicts.csv", "estimates.csv"):
        text = (reference_results.reference_dir() / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("drifted", "faithful"), encoding="utf-8")
    monkeypatch.setattr(reference_results, "reference_dir", lambda: folder)
    assert main(["replicate", "body-fat", "--check"]) == 1
    assert "body_fat_6wk, fidelity: pinned 'faithful', found 'drifted'" in capsys.readouterr().out


def test_without_a_command_it_says_what_there_is(capsys) -> None:
    assert main([]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in commands_of(_parser()))
    assert "Start with: retrostats replicate" in said
    told = {name: command.description for name, command in commands_of(_parser()).items()}
    for name, what in told.items():  # each on one line with what it does
        first = what.split(";")[0].split()[:3]
        assert re.search(rf"^ +{name} +{' '.join(map(re.escape, first))}", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["replicat"], "replicate"),
        (["plan", "energy_30", "--figrue", "a.svg"], "--figure"),
        (["plan", "enrgy_30"], "energy_30"),
        (["replicate", "metabolic-csot"], "metabolic-cost"),
        (["template", "bodyfat"], "body-fat"),
        (["completion", "zhs"], None),  # too short a word for a guess
    ],
)
def test_a_slip_of_the_pen_is_answered_with_the_word_meant(arguments, meant, capsys) -> None:
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code
    said = capsys.readouterr().err
    assert code == 2
    assert (f"did you mean '{meant}'?" in said) == (meant is not None)
    assert meant is not None or "did you mean" not in said


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_and_names(shell, capsys) -> None:
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for name, command in commands_of(_parser()).items():
        assert name in script
        prefix = "-l " if shell == "fish" else "--"
        assert all(f"{prefix}{option[2:]}" in script for option in options_of(command))
    assert "energy_30" in script
    assert "metabolic-cost" in script
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, "")


def test_bash_completes_what_was_begun() -> None:
    if not shutil.which("bash"):
        pytest.skip("no bash")
    words = {"analyses": ["metabolic-cost"], "claims": ["energy_30"]}
    script = completion("bash", _parser(), words)
    typed = {"retrostats re": "replicate", "retrostats plan en": "energy_30",
             "retrostats plan x --fig": "--figure", "retrostats completion fi": "fish"}  # fmt: skip
    for line, meant in typed.items():
        parts = line.split(" ")
        told = f"COMP_WORDS=({' '.join(parts)}); COMP_CWORD={len(parts) - 1}; _retrostats\n"
        ask = f'{script}\n{told}printf "%s\\n" "${{COMPREPLY[@]}}"'
        found = subprocess.run(["bash", "-c", ask], text=True, capture_output=True, check=True)
        assert found.stdout.split() == [meant], line


def test_a_plan_is_a_sentence_and_a_short_table_unless_all_is_asked_for(capsys) -> None:
    asked = ["plan", "energy_30", "--spread", "0.09", "--n", "30,60"]
    assert main(asked) == 0
    short = capsys.readouterr().out
    assert main([*asked, "--all"]) == 0
    whole = capsys.readouterr().out
    assert short.splitlines()[0] == whole.splitlines()[0]
    assert "A study alone settles the direction and the size, by its people:" in short
    assert len(short.splitlines()) < 14 < len(whole.splitlines())
