"""Rows that are no people: means by word and by arithmetic, blocks below."""

from __future__ import annotations

import pytest
from cohort_tables import METABOLIC, plain, same_as_template

import retrostats as rs

WIDE = plain().pivot(index="subject", columns="direction", values="vo2_ml_kg_min")
HEAD = "subject,VO2 forward (ml/kg/min),VO2 backward (ml/kg/min)\n"
PEOPLE = "".join(f"{s},{r.forward},{r.backward}\n" for s, r in WIDE.iterrows())
MEAN = f"{WIDE['forward'].mean():.2f},{WIDE['backward'].mean():.2f}"


def load(tmp_path, text: str, name: str = "wide.csv") -> rs.Cohort:
    path = tmp_path / name
    path.write_text(text)
    return rs.load_cohort(path)


@pytest.mark.parametrize(
    "below",
    [
        f"Grand mean,{MEAN}\n",
        f"Group mean,{MEAN}\nSD,1.6,2.0\n",
        f"Overall,{MEAN}\n",
        f"All,{MEAN}\nSEM,0.7,0.9\n",
        "Avg,26.9,33.2\nSt.dev,1.7,2.1\n",
        f"Mean,{MEAN}\nSD,1.6,2.0\np-value,,0.001\n",
        "p value,,p < 0.01\n",
        f"Gruppe,{MEAN}\n",
        f"xbar,{MEAN}\ns,1.6,2.0\n",
        f"\nTable 2. Men and women\ngroup,VO2 men,VO2 women\n1,{MEAN}\n2,20.0,40.0\n",
        f"{MEAN}\n* measured after lunch\n".split("\n", 1)[1],
    ],
    ids=["grand mean", "group mean", "overall", "all", "avg", "p", "p text", "by arithmetic",
         "arithmetic and s", "second block", "note"],
)  # fmt: skip
def test_what_sums_people_up_is_left_out_and_said(below, tmp_path) -> None:
    """Found in use: each of these became a person."""
    cohort = load(tmp_path, HEAD + PEOPLE + below)
    same_as_template(cohort)
    assert cohort.n_subjects == 6
    counts = cohort.provenance
    assert counts["rows_in"] == counts["rows_used"] + counts["rows_explained"]
    reasons = set(counts["explained"])
    assert reasons & {"a summary, not a person", "below the table"}
    assert cohort.problems["action"].str.contains("summary|not used", regex=True).any()


def test_group_means_in_a_long_table_are_left_out(tmp_path) -> None:
    lines = METABOLIC.splitlines()
    for way in ("forward", "backward"):
        lines.append(f"Gruppe 1,{way},2.5,{WIDE[way].mean():.2f}")
    same_as_template(load(tmp_path, "\n".join(lines)))


def test_a_person_near_the_mean_stays(tmp_path) -> None:
    """Their code is like the others', and two rounded values may be the mean's by chance."""
    people = PEOPLE + f"person7,{WIDE['forward'].mean():.1f},{WIDE['backward'].mean():.1f}\n"
    assert load(tmp_path, HEAD + people).n_subjects == 7
    assert load(tmp_path, HEAD + PEOPLE + "Dev,30.1,36\n").n_subjects == 7


def test_a_blank_row_between_people_ends_no_table(tmp_path) -> None:
    half = PEOPLE.splitlines(keepends=True)
    text = HEAD + "".join(half[:3]) + "\n" + "".join(half[3:])
    same_as_template(load(tmp_path, text))
