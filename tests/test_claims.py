"""The table of claims: what a claim may be, and what is refused with a word."""

from __future__ import annotations

import pytest

from retrostats.audit.claims import KINDS, claims_from_frame
from retrostats.audit.verdict import Candidate, judge
from retrostats.common.errors import InputError
from retrostats.evidence.result.estimate import Interval
from retrostats.io.published.published import load_claims_table


def test_a_kind_that_no_rule_knows_is_named() -> None:
    table = load_claims_table()
    assert set(table["kind"]) <= set(KINDS)
    table.loc[2, "kind"] = "rumour"
    with pytest.raises(InputError, match="kind: found 'rumour'; allowed: "):
        claims_from_frame(table)


def test_ends_in_the_wrong_order_are_named() -> None:
    table = load_claims_table()
    table.loc[0, ["range_low", "range_high"]] = [2.0, 1.0]
    with pytest.raises(InputError, match=r"range_low 2\.0 is above range_high 1\.0"):
        claims_from_frame(table)


def test_a_lone_interval_is_called_one_and_several_are_not() -> None:
    claim = claims_from_frame(load_claims_table())["energy_30"]
    one = Candidate(Interval(1.3, 1.1, 1.5))
    other = Candidate(Interval(1.2, 1.05, 1.4))
    assert "(95% interval)" in judge(claim, [one]).direction.reason
    both = judge(claim, [one, other]).direction.reason
    assert "(over everything not printed)" in both
