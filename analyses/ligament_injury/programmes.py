"""Warm-up programmes: where each trial printed what a ratio needs."""

from __future__ import annotations

from retrostats.evidence.findings.trials import Effect, Trial

CONTAINS = "programme containing backward running"
OTHER = "programme, backward running not verified"
RATES = Effect("injury_rate_ratio", "injury rate ratio, programme / usual training", "li")
#: Headings of the programmes' forest.
VERIFIED = "Programmes documented to contain backward running"
UNVERIFIED = "Programmes in which it was not verified"
TOGETHER, COUNTED = "Together", "Every programme that counted injuries over time"
#: Warm-up programmes; only the first two are documented to contain backward running and print
#: what a ratio needs.
PROGRAMMES = (
    Trial(
        "silversgranelli2015",
        "Silvers-Granelli 2015, 11+",
        True,
        CONTAINS,
        counts="injury_rate_per_1000_ae",
        arms=("intervention 11+", "control"),
        clusters="injuries_per_team",
    ),
    Trial(
        "soligard2008",
        "Soligard 2008, 11+",
        True,
        CONTAINS,
        ratio="all_injuries_rate_ratio",
        counts="all_injuries",
        arms=("intervention 11+", "control"),
        adjusted="all_injuries_rate_ratio",
    ),
    Trial(
        "sportsmetrics2015",
        "Sportsmetrics 2015, ACL",
        False,
        OTHER,
        counts="noncontact_acl_injury_rate_per_1000_ae",
        arms=("trained female athletes 13-18 y", "control"),
    ),
    Trial(
        "hewett1999",
        "Hewett 1999, serious knee",
        False,
        OTHER,
        counts="serious_knee_injury",
        arms=("trained female (plyometric programme)", "untrained female"),
    ),
    Trial(
        "walden2012",
        "Walden 2012, ACL",
        False,
        OTHER,
        ratio="acl_injury_rate_ratio",
        counts="acl_injury_rate_per_1000_h",
        arms=("intervention Knee Control", "control"),
        adjusted="acl_injury_rate_ratio",
    ),
    Trial(
        "olsen2005",
        "Olsen 2005, knee and ankle",
        False,
        OTHER,
        ratio="players_injured_relative_risk",
        counts="players_injured",
        arms=("intervention warm-up", "control"),
        adjusted="players_injured_relative_risk",
    ),
    Trial(
        "labella2011",
        "LaBella 2011, lower limb",
        False,
        OTHER,
        ratio="acute_noncontact_lower_extremity_injury_rate_ratio",
        counts="acute_noncontact_lower_extremity_injuries_rate_per_1000_ae",
        arms=("intervention neuromuscular warm-up", "control"),
        adjusted="acute_noncontact_lower_extremity_injury_rate_ratio",
    ),
    Trial(
        "schoolnmt2018",
        "School programme 2018",
        False,
        OTHER,
        counts="injury_rate_per_1000_ae",
        arms=("CORE neuromuscular", "SHAM resisted running with elastic bands"),
    ),
    Trial(
        "rossler2018",
        "Rossler 2018, children",
        False,
        OTHER,
        ratio="all_injuries_hazard_ratio",
    ),
    Trial(
        "funball2024",
        "Obertinca 2024, football",
        False,
        OTHER,
        ratio="all_injuries_rate_ratio",
    ),
)
