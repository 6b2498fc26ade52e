"""Analyses are one short file each; methods say what they do; what they read is read strictly."""

from __future__ import annotations

import ast
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from doors.audit import Context, load_analysis
from doors.common import data_dir
from doors.evidence import Assumption, Builders, Result, findings_of, methods_of, of_source
from doors.evidence import FindingsMeasure as Measure
from doors.io import read_findings_toml

import retrostats as rs
from retrostats import InputError, load_published

ROOT = Path(__file__).parents[1]
ANALYSES = sorted((ROOT / "analyses").iterdir())
MOST_LINES = 199
TOPICS = [path.stem for path in ANALYSES if path.suffix == ".py"]
#: Names of own cohorts' entries: their rows have the cohort's name.
OF_COHORTS = re.compile(r"-own-|-cohorts$")


def context_of(topic: str, audit: rs.Audit | None = None) -> Context:
    audit = audit or rs.load_audit()
    return Context(load_published(topic, folder=audit.data), audit.claims, audit)


@pytest.fixture(scope="module")
def found() -> dict[str, object]:
    return {
        topic: load_analysis(ROOT / "analyses" / f"{topic}.py").analyse(context_of(topic))
        for topic in TOPICS
    }


def test_each_analysis_is_one_file_that_can_be_read_at_a_sitting() -> None:
    files = [p for p in ANALYSES if p.name != "__pycache__"]
    assert [p.suffix for p in files] == [".py"] * 3
    for path in files:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES, path.name


@pytest.mark.parametrize("topic", TOPICS)
def test_every_step_of_an_analysis_is_a_paragraph_of_its_methods(topic: str) -> None:
    """METHODS names functions; one that builds is named itself or is a part of one that is."""
    tree = ast.parse((ROOT / "analyses" / f"{topic}.py").read_text(encoding="utf-8"))
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    called = {
        name: {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call)
               and isinstance(n.func, ast.Name)} & set(functions)
        for name, node in functions.items()
    }  # fmt: skip
    methods = next(
        [arg.id for arg in node.value.args]
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "METHODS"
    )
    named = set(methods) | {part for name in methods[1:] for part in called[name]}
    building = {n for n, node in functions.items() if any(a.arg == "build" for a in node.args.args)}
    assert building <= named
    reached, new = set(), {"analyse"}
    while new:
        reached, new = reached | new, {c for n in new for c in called[n]} - reached
    assert set(methods) <= reached, "a paragraph of METHODS that nothing runs"
    assert load_analysis(ROOT / "analyses" / f"{topic}.py").methods == tuple(
        " ".join(ast.get_docstring(functions[name]).split()) for name in methods
    )


def _numbers(text: str) -> set[str]:
    return {n.lstrip("-") for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\d)", text)}


@pytest.mark.parametrize("topic", TOPICS)
def test_what_methods_name_is_in_the_data(topic: str, found) -> None:
    """Studies with their years are rows of the findings; other numbers are printed, or ranges."""
    findings = found[topic]
    analysis = load_analysis(ROOT / "analyses" / f"{topic}.py")
    said = " ".join(analysis.methods)
    labels = " ".join(row.label for row in findings.estimates)
    studies = set(re.findall(r"[A-Z][a-z]+ (?:19|20)\d\d", said))
    assert studies
    assert {s for s in studies if s not in labels} == set()
    used = {row_id for row in findings.estimates for row_id in row.source_rows}
    printed = load_published(topic)
    cells = printed[printed["row_id"].isin(used)]
    known = _numbers(" ".join(map(str, cells.to_numpy().ravel()))) | {
        f"{abs(float(end)):g}"
        for measure in findings.measures
        for unknown in measure.unknowns
        for end in (getattr(unknown, "low", None), getattr(unknown, "high", None))
        if isinstance(end, int | float) and np.isfinite(end)
    }
    ranges = rs.load_audit().table("unprinted")
    ranges = ranges[ranges["row_id"].isin(used)]
    known |= {f"{abs(float(x)):g}" for c in ("low", "high") for x in ranges[c]}
    stated = _numbers(re.sub(r"[A-Z][a-z]+ (?:19|20)\d\d", "", said))
    assert stated - known == set()


@pytest.mark.parametrize("topic", TOPICS)
def test_every_row_of_the_file_is_built_and_every_builder_finds_its_row(topic: str, found) -> None:
    written = read_findings_toml(data_dir(), topic)
    shown = {row.estimate_id for row in found[topic].estimates}
    assert {name for name in written.rows if not OF_COHORTS.search(name)} <= shown
    assert {a.assumption_id for a in found[topic].assumptions} >= set(written.assumptions)


def _copy(tmp_path: Path, old: str, new: str) -> Builders:
    data = tmp_path / "audit" / "data"
    shutil.copytree(data_dir(), data)
    file = data / "findings" / "metabolic_cost.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    audit = rs.load_audit(tmp_path / "audit")
    return Builders.of(context_of("metabolic_cost", audit), "metabolic_cost")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("label = \"Wright", "lable = \"Wright", r"\[rows\.mc-wright\]: lable is read by nothing"),
        ("label = \"Wright & Weyand 2001, run\"", "label = 3", r"label = 3; it needs a text"),
        ("name = \"Wright & Weyand 2001\"\n", "", r"\[rows\.mc-wright\]: no name"),
        ("like = \"running\"", "like = \"flying\"", r"like = 'flying'; there is no"),
        ("[rows.mc-wright]", "[rows.mc-wrong]", r"no \[rows\.mc-wright\]"),
        ("[kinds.running]", "[sorts.running]", r"unknown section sorts"),
        ("[kinds.running]", "[kinds]\nrun = 3\n[kinds.running]", r"\[kinds\]: 'run' is no section"),
        ("[kinds.running]", "[kinds.running", r"not a TOML file"),
        ("why = \"less", "because = \"less", r"\[assumptions\.mc-paes-flag\]: no why"),
        ("quantity = \"energy of one", "what = \"energy of one", r"wegner-energy\]: what is"),
    ],
)  # fmt: skip
def test_a_file_of_findings_says_what_is_wrong_where(tmp_path, old, new, said) -> None:
    def build() -> None:
        made = _copy(tmp_path, old, new)
        made.percentage("mc-wright")
        made.assumptions()
        made.percent_checks()

    with pytest.raises(InputError, match=said) as raised:
        build()
    assert "metabolic_cost.toml" in str(raised.value)


def test_a_missing_file_of_findings_is_named() -> None:
    with pytest.raises(InputError, match=r"findings/no_topic\.toml: .*docs/builders\.md"):
        Builders.of(context_of("metabolic_cost"), "no_topic")


def test_a_result_without_an_error_enters_no_pool() -> None:
    build = Builders.of(context_of("metabolic_cost"), "metabolic_cost")
    wuhan = build.shown("mc-wuhan", lambda percent: 1 + percent / 100)
    for refused in (lambda: build.pool("mc-pool", [wuhan]), lambda: of_source(wuhan)):
        with pytest.raises(InputError, match="Wuhan 2004, run, implausible outlier has neither"):
            refused()


def test_a_difference_of_open_effects_is_that_of_their_numbers() -> None:
    build = Builders.of(context_of("metabolic_cost"), "metabolic_cost")
    wright, pair = build.percentage("mc-wright"), build.crossover("mc-bws")
    one, two = of_source(wright), of_source(pair)
    apart = one.minus(two)
    from doors.evidence import Space

    space = Space.of(apart.unknowns)
    v = space.values(space.reference_point)
    value, error, _ = apart.parts(v)
    assert value == one.parts(v)[0] - two.parts(v)[0]
    assert error == np.hypot(one.parts(v)[1], two.parts(v)[1])
    assert apart.n == one.n + two.n
    twice = apart.scaled(lambda v: 2.0).parts(v)
    assert (twice[0], twice[1]) == (2 * value, 2 * error)


def test_findings_list_what_is_shared_once_and_drop_what_moves_nothing() -> None:
    build = Builders.of(context_of("metabolic_cost"), "metabolic_cost")
    wright = build.percentage("mc-wright")
    assumed = Assumption("a", "kind", "statement", "why")
    bare = Measure("x", "x", lambda level: lambda v: (1.0, 1.0, 1.0))
    parts = [
        [wright, replace(wright, assumptions=(assumed,))],
        wright.only_measure(),
        assumed,
        bare,
    ]
    found = findings_of(parts, {"energy_30": "mc-wright"})
    assert len(found.estimates) == len(found.measures) == len(found.assumptions) == 1
    kept = findings_of([Result(measure=replace(bare, claim_id="energy_30"))])
    assert len(kept.measures) == 1


def test_an_average_takes_the_place_of_the_literature_which_stays_beside_it() -> None:
    build = Builders.of(context_of("metabolic_cost"), "metabolic_cost")
    alone, average = build.percentage("mc-wright"), build.percentage("mc-rasica")
    assert alone.joined_by(None) is alone
    joined = alone.joined_by(average)
    assert (joined.measure, joined.without_cohorts) == (average.measure, alone.measure)
    silent = alone.judging("energy_30").only_shown()
    assert (silent.claim_id, silent.without_cohorts.claim_id) == ("", "energy_30")


def test_a_step_without_words_is_no_method() -> None:
    def silent() -> None: ...

    with pytest.raises(InputError, match="silent has no docstring"):
        methods_of(silent)
