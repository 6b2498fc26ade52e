"""Flynn 1995, abstract: 5.6 (1.3) and 3.0 (0.6) BW at free speeds, n = 5; p only for newtons."""

from __future__ import annotations

from doors.evidence import HIGHEST_CORRELATION, correlation_range, printed_pair

from retrostats import load_published

CONDITIONS = ("backward", "forward")


def test_body_weight_pair_has_no_p_so_nothing_bounds_its_correlation() -> None:
    pair = printed_pair(
        load_published("ligament_injury"),
        CONDITIONS,
        study_id="flynn1995",
        outcome="patellofemoral_force_bw",
    )
    assert (pair.mean_2, pair.mean_1, pair.n) == (5.6, 3.0, 5)
    assert round(100 * (1 - pair.ratio)) == 46  # ours
    assert correlation_range(pair) == (-HIGHEST_CORRELATION, HIGHEST_CORRELATION)


def test_newtons_fall_as_much() -> None:
    pair = printed_pair(
        load_published("ligament_injury"),
        CONDITIONS,
        study_id="flynn1995",
        outcome="patellofemoral_force_n",
    )
    assert (pair.mean_2, pair.mean_1) == (4253, 2277)
    assert round(100 * (1 - pair.ratio)) == 46  # ours
