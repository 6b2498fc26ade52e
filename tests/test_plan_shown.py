"""Plans as they are shown: text, figure, command, and what cannot be planned."""

from __future__ import annotations

from pathlib import Path

import pytest
from doors.app import main
from doors.report import DARK_LOOK as DARK

import retrostats as rs
from retrostats import InputError

pytestmark = pytest.mark.usefixtures("evidence_once")

TRAINING = Path(__file__).resolve().parent.parent / "examples" / "training.toml"
NAN = float("nan")


def test_a_plan_shows_itself() -> None:
    found = rs.plan("energy_30", spread=0.09, people=[60])
    assert repr(found).startswith("<Plan for energy_30: paired, truth 1.3, needed: direction")
    assert len(repr(found)) < 120
    assert found._repr_html_().count("<table") == 3
    for text in ("61 people", "The study alone", "Today's pool with it"):
        assert text in found.summary()
    alone = (
        found.summary()
        .splitlines()
        .index("A study judged by itself, today's results left out, needs")
    )
    assert found.summary().splitlines()[alone + 1].startswith("direction: 4 people")
    gids = {a.get_gid() for axes in found.figure().axes for a in axes.get_children()}
    assert {"power-size", "power-direction", "needed-size", "precision", "claim-band"} <= gids


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"claim": "nothing"}, "not in this audit; choose from energy_30"),
        ({"claim": "fat_by_energy"}, "neither a direction nor a size"),
        ({"claim": "ligament_tears"}, "give truth"),
        ({"claim": "ligament_tears", "truth": 2}, "counts need rate and exposure"),
        ({"claim": "ligament_tears", "truth": 2, "rate": 5, "exposure": -1}, "exposure -1"),
        ({"claim": "strengthens_muscles", "truth": 1}, "give spread"),
        ({"claim": "more_than_forward", "design": "counts"}, "counts give a ratio"),
        ({"claim": "energy_30", "design": "survey"}, "paired, two-arm"),
        ({"claim": "energy_30", "rate": 5}, "rate and exposure are of counts"),
        ({"claim": "energy_30", "truth": -1.0}, "give a finite number above 0"),
        ({"claim": "energy_30", "truth": NAN}, "allowed is one finite number"),
        ({"claim": "energy_30", "spread": 0.0}, "give a number above 0"),
        ({"claim": "energy_30", "spread": (0.2, 0.1)}, "the lower first"),
        ({"claim": "energy_30", "spread": (0.1, 0.2, 0.3)}, "two ends of a range"),
        ({"claim": "energy_30", "people": []}, "people: found nothing"),
        ({"claim": "energy_30", "people": [0]}, "people: found 0"),
        ({"claim": "energy_30", "people": [2]}, "at least 3"),
        ({"claim": "energy_30", "power": 1.0}, "power=1.0"),
        ({"claim": "energy_30", "draws": 5}, "draws must be 100 or more"),
        ({"claim": "energy_30", "seed": -1}, "seed must be 0 or more"),
    ],
)
def test_bad_plans_are_one_message(arguments, says) -> None:
    with pytest.raises(InputError, match=says):
        rs.plan(**arguments)


def test_the_command_plans_and_draws(tmp_path, capsys) -> None:
    figure = tmp_path / "plan.svg"
    arguments = ["plan", "energy_30", "--spread", "0.09", "--n", "30,60", "--figure", str(figure)]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "size: 61 people in all" in said
    assert "spread 0.09" in said
    assert figure.read_text(encoding="utf-8").startswith("<?xml")
    counts = ["--truth", "1.5", "--rate", "2,8", "--exposure", "100", "--n", "50,300"]
    assert main(["plan", "ligament_tears", *counts]) == 0
    assert "2 to 8 events per 1000" in capsys.readouterr().out
    assert main(["plan", "works", "--audit", str(TRAINING), "--n", "100"]) == 0
    assert "Training improves what it trains" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["energy_30", "--n", "3,a"], "give whole numbers"),
        (["energy_30", "--spread", "wide"], "give numbers"),
        (["energy_30", "--spread", "1,2,3"], "give one number, or two"),
        (["energy_30", "--figure", "plan.gif"], "must end with .svg"),
        (["energy_30", "--figure", "no/such/folder/plan.svg"], "can be written"),
        (["ligament_tears"], "give truth (--truth)"),
    ],
)
def test_bad_usage_of_the_command_is_one_message(arguments, says, capsys) -> None:
    assert main(["plan", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("retrostats: ")
    assert says in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "wrong",
    [["--figure", "plan.gif"], ["--figure", "plan.svg", "--formats", "gif"],
     ["--figure", "plan.svg", "--themes", "pink"]],
)  # fmt: skip
def test_a_figure_that_cannot_be_is_refused_before_anything_is_computed(
    wrong, monkeypatch, capsys
) -> None:
    def computed(*_: object, **__: object) -> None:
        raise AssertionError("the plan was computed")

    monkeypatch.setattr("retrostats.planning.plan.plan", computed)
    assert main(["plan", "energy_30", *wrong]) == 2
    assert capsys.readouterr().err.startswith("retrostats: ")


def test_a_figure_is_written_in_every_format_and_version_and_says_what_it_shows(tmp_path) -> None:
    made = rs.plan("energy_30", people=[20, 200])
    written = made.save(tmp_path / "my_plan.svg", ["pdf", "svg"], ["85mm", "dark"])
    names = ["my_plan.svg", "my_plan.pdf", "my_plan-85mm.svg", "my_plan-85mm.pdf"]
    names += ["my_plan-dark.svg", "my_plan-dark.pdf"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    svg = (tmp_path / "my_plan.svg").read_text(encoding="utf-8")
    assert "<title>My plan</title><desc>Study that would settle" in svg
    assert made.claim.statement in svg
    assert 'width="240.9448' in (tmp_path / "my_plan-85mm.svg").read_text(encoding="utf-8")
    assert DARK.paper in (tmp_path / "my_plan-dark.svg").read_text(encoding="utf-8")
    for words, given in (
        ("themes: found sepia; choose from 85mm, dark, slide", {"themes": ["sepia"]}),
        ("formats: found gif; choose from svg, pdf, png", {"formats": ["gif"]}),
    ):
        with pytest.raises(InputError, match=words):
            made.save(tmp_path / "no.svg", **given)
    assert not (tmp_path / "no.svg").exists()
