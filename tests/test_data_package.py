"""The data package: valid by two validators, nothing poolable twice, every number located."""

from __future__ import annotations

import csv
import json
import re

import pytest
from doors.common import data_dir
from doors.io import load_claims_table, load_retellings, load_studies, load_table, topics_of

from retrostats import load_published

PACKAGE = json.loads((data_dir() / "datapackage.json").read_text(encoding="utf-8"))
RESOURCES = [resource["name"] for resource in PACKAGE["resources"]]


@pytest.fixture(scope="module")
def published():
    return load_published()


@pytest.mark.filterwarnings("ignore")  # the validator's own dependencies warn
def test_frictionless_finds_the_package_valid():
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(data_dir() / "datapackage.json"))
    found = [(t.name, e.row_number, e.message) for t in report.tasks for e in t.errors if e]
    assert report.valid, found


@pytest.mark.parametrize("name", RESOURCES)
def test_every_table_passes_our_own_loader(name):
    assert len(load_table(name)) > 0 or name == "certainty"  # no row: the rules alone


@pytest.mark.parametrize("resource", PACKAGE["resources"], ids=lambda r: r["name"])
def test_descriptor_lists_columns_in_file_order_and_describes_each(resource):
    with (data_dir() / resource["path"]).open(encoding="utf-8", newline="") as handle:
        header = next(csv.reader(handle))
    fields = resource["schema"]["fields"]
    assert [field["name"] for field in fields] == header
    assert all(field["description"] for field in fields)


def test_no_copy_compilation_or_retelling_is_poolable(published):
    marked = published[published["independence"] != "independent"]
    assert set(marked["independence"]) == {"NOT_INDEPENDENT", "SECONDARY", "DUPLICATE"}
    assert not marked["poolable"].any()
    assert not published.loc[published["reading"] == "inferred", "poolable"].any()


def test_a_number_shared_by_two_tables_is_poolable_once(published):
    pooled = published[published["poolable"] & published["mean"].notna()]
    key = [
        "study_id",
        "mean_text",
        "spread_text",
        "unit",
        "direction",
        "arm",
        "time",
        "speed_printed",
    ]
    shared = pooled.groupby(key)["topic"].nunique()
    assert (shared == 1).all(), shared[shared > 1]
    wright = published[(published["study_id"] == "wright2001") & (published["mean_text"] == "35")]
    assert wright["poolable"].sum() == 1


def test_p_below_a_threshold_alone_is_never_poolable(published):
    alone = published[
        published["p_operator"].isin(["<", "<=", ">", ">=", "NS", ""])
        & published["spread"].isna()
        & published["change_spread"].isna()
        & published["events"].isna()
        & published["ci_low"].isna()
    ]
    assert len(alone) > 100
    assert not alone["poolable"].any()


def test_every_row_says_where_it_was_read(published):
    assert (published["locator"].str.strip() != "").all()
    nowhere = published[published["source_url"] == ""]
    assert set(nowhere["study_id"]) <= {"compendium2011", "lee2016"}  # their locator says why


def test_row_ids_are_unique_over_all_topics(published):
    assert published["row_id"].is_unique
    prefix = (
        published["row_id"].str[:2].map(dict(zip(("mc", "li", "bf"), topics_of(), strict=True)))
    )
    assert (prefix == published["topic"]).all()


def test_one_study_has_one_id():
    studies = load_studies()
    for key in ("doi", "pmid"):
        given = studies.loc[studies[key] != "", key].str.lower()
        assert given.is_unique, given[given.duplicated(keep=False)]


def test_audit_tables_rest_on_printed_rows(published):
    known = set(published["row_id"])
    for table, column in (("claim_fidelity", "source_rows"), ("claim_evidence", "row_id")):
        for joined in load_table(table)[column]:
            assert set(filter(None, joined.split("; "))) <= known, joined


def test_bibliography_keys_are_study_ids():
    text = (data_dir() / "references.bib").read_text(encoding="utf-8")
    keys = re.findall(r"^@\w+\{([^,]+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) > 100
    studies = load_studies().set_index("study_id")
    assert set(keys) <= set(studies.index)
    for doi in studies.loc[studies["doi"] != "", "doi"]:
        assert f"doi = {{{doi}}}" in text, doi
    assert text.count("{") == text.count("}")


def test_claims_fix_their_range_beforehand():
    claims = load_claims_table().set_index("claim_id")
    assert list(claims.index[claims["role"] == "core"]) == [
        "energy_30",
        "ligament_tears",
        "body_fat_6wk",
        "more_than_forward",
    ]
    energy = claims.loc["energy_30", ["null_value", "range_low", "range_high"]]
    assert tuple(energy) == (1, 1.25, 1.35)
    assert tuple(claims.loc["body_fat_6wk", ["range_low", "range_high"]]) == (-3, -2)
    directed = claims["claimed_direction"] != "none"
    assert claims.loc[directed, "null_value"].notna().all()
    assert (claims["range_low"].isna() == claims["range_high"].isna()).all()


def test_each_retelling_descends_from_an_earlier_one():
    chain = load_retellings()
    place = dict(zip(chain["source"], chain["order"], strict=True))
    for row in chain[chain["parent"] != ""].itertuples():
        assert place[row.parent] < row.order
        assert row.parent_status in ("stated", "inferred")
    assert chain["changed"].iloc[0] == ""
    assert (chain["changed"].iloc[1:] != "").all()


def test_a_spread_is_called_sd_only_where_labelled(published):
    labelled = published[published["spread_type"] == "SD"]
    assert set(labelled["study_id"]) == {"silversgranelli2015", "kaplan2014", "park2024"}
    assert set(published.loc[published["spread_type"] == "SE", "study_id"]) == {
        "wright2001",
        "macpherson2011",
    }
    assert (published["spread"].notna() == (published["spread_type"] != "")).all()
    assert (published["change_spread"].notna() == (published["change_spread_type"] != "")).all()


#: Endings of an outcome's name that are a unit, and the unit they stand for.
UNIT_ENDINGS = {
    "_ml_kg_min": "ml/kg/min",
    "_ml_min": "ml/min",
    "_l_min": "L/min",
    "_j_kg_m": "J/kg/m",
    "_bpm": "bpm",
    "_kg_m2": "kg/m2",
    "_m_s2": "m/s2",
    "_m_s": "m/s",
    "_km_h": "km/h",
    "_kg": "kg",
    "_cm": "cm",
    "_per_1000_h": "injuries per 1000 h",
    "_per_1000_ae": "injuries per 1000 AE",
    "_per_10000_ae": "injuries per 10000 AE",
}


@pytest.mark.parametrize("topic", topics_of())
def test_an_outcome_named_after_a_unit_is_printed_and_read_in_it(topic):
    printed = load_table(topic)
    for rows in (printed, load_published(topic)):
        for row in rows[rows["unit"] != ""].itertuples():
            ending = next((e for e in UNIT_ENDINGS if row.outcome.endswith(e)), None)
            if ending is not None and row.unit not in ("%", "SMD", "percentage points"):
                assert row.unit == UNIT_ENDINGS[ending], row.row_id
