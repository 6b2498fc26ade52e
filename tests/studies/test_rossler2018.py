"""Rossler 2018 and Beaudouin 2019 print 3895 children: very likely one trial, counted once."""

from __future__ import annotations

from doors.io import load_studies

from retrostats import load_published


def test_one_trial_of_two_names_is_poolable_under_one() -> None:
    studies = load_studies().set_index("study_id")
    assert studies.loc["rossler2018", "n"] == studies.loc["beaudouin2019", "n"] == 3895
    rows = load_published("ligament_injury")
    poolable = rows[rows["poolable"]]
    assert (poolable["study_id"] == "rossler2018").any()
    assert not (poolable["study_id"] == "beaudouin2019").any()
