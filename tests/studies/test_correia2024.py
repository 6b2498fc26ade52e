"""Correia 2024: walking speed +0.16 m/s (0.06 to 0.27) after stroke, backward against forward."""

from __future__ import annotations

from retrostats import load_published


def test_speed_as_printed_beside_a_value_that_cannot_be_metres_a_second() -> None:
    rows = load_published("body_fat")
    speed = rows[(rows["study_id"] == "correia2024") & (rows["outcome"] == "walking_speed_m_s")]
    direct = speed[speed["condition"] == ""].iloc[0]
    assert (direct["change"], direct["ci_low"], direct["ci_high"]) == (0.16, 0.06, 0.27)
    older = rows.set_index("row_id").loc[
        "bf-wang2018-forward-gait-speed-backward-v-forward-walking-training-post"
    ]
    assert older["change"] > direct["ci_high"]
    assert not rows.loc[rows["study_id"].isin(["correia2024", "wang2018"]), "poolable"].any()
