"""Features of accounts on Spark are those of DuckDB to the last bit: wherever a lead is worked on,
its colleagues are there, in buckets and in samples."""

from functools import partial

import pandas as pd
import pyarrow as pa
import pytest

from features.engine.duckdb_engine import KEY, feature_frame
from features.labels import labels
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spark.buckets import breaches_of, features_on_spark
from features.spec.accounts import ActivePeople, Colleagues, OpenPeople, People
from features.spec.kinds import Attribute, Count, Decayed, Last, PastDeals, SumValue
from features.spec.spec import OfAccount
from features.spec.titles import OfTitle, OpenPeopleOfTitle
from tests.features.adversarial import CUTOFFS
from tests.features.engine.test_accounts import ACCOUNT, FEATURES, NAMES, SPECS
from tests.features.lead_databases import (
    at,
    config_for,
    event,
    refusal,
    write_database,
)
from tests.golden_logs import golden_log

SPARK = {"kind": "spark"}
DOMAIN = f"domain({ACCOUNT})"
OF_FIRM = OfTitle("seniority", ACCOUNT, '[["firm", ["firm"]]]')
OF_UNIT = [
    *(People(), OpenPeople(), OpenPeopleOfTitle(OF_FIRM, "firm"), Attribute(ACCOUNT, text=True)),
    *(Count(), ActivePeople(7), Decayed(None, 2), SumValue(None, 7), Last("action")),
    PastDeals("won"),
]
END = at("2026-03-15")


def by_duckdb(config, specs, cutoffs):
    with open_database(config) as database:
        return feature_frame(Snapshots.open_at(database, cutoffs), specs)


def by_spark(config, specs, cutoffs):
    with open_database(config.model_copy(update={"engine": engine(config)})) as database:
        frame = features_on_spark(database, specs, cutoffs).toArrow().to_pandas()
    return frame.sort_values(["cutoff", "lead_id"], ignore_index=True)


def engine(config, **spark):
    return config.engine.model_validate(SPARK | {"spark": spark})


@pytest.fixture(scope="module")
def golden(tmp_path_factory):
    """Settings for a folder with names of accounts that are not ASCII, quoted, padded or empty;
    leads in two rows, and of two accounts; a lead's events without its row; staff and who objected
    in the midst of accounts."""
    folder = tmp_path_factory.mktemp("golden")
    rows = golden_log("text")
    names = [*NAMES, *(f"firm {number // 4}" for number in range(60))]
    leads = [lead | {ACCOUNT: names[n % len(names)]} for n, lead in enumerate(rows.leads)]
    twice = leads[12] | {ACCOUNT: "firm 14"}
    leads = [lead for n, lead in enumerate(leads) if n != 17] + [twice]
    leads[20]["objected_at"] = CUTOFFS[2]
    attributes = {ACCOUNT: pa.string(), "objected_at": pa.timestamp("us")}
    write_database(folder, leads, rows.events, rows.deals, attributes)
    staff = {"leads": {"lead_id": [leads[30]["lead_id"]]}}
    return partial(config_for, folder, features=FEATURES, exclude=staff)


def test_the_engines_agree_to_the_last_bit(spark, golden):
    config = golden()
    expected = by_duckdb(config, SPECS, CUTOFFS)
    assert len(expected) > 50
    people = expected[Colleagues(People(), ACCOUNT).name]
    assert (people > 0).sum() > 50 > (people == 0).sum() > 10
    frame = by_spark(config, SPECS, CUTOFFS)
    pd.testing.assert_frame_equal(frame, expected, check_exact=True, check_dtype=False)


@pytest.mark.long
def test_accounts_that_are_scored_are_those_of_duckdb(spark, golden):
    config = golden(unit="account", outcomes={"after_won": "open_again"}, time={"data_end": END})
    with open_database(config) as database:
        chosen = Snapshots.open_at(database, CUTOFFS)
        expected = feature_frame(chosen, OF_UNIT).merge(labels(chosen, 5), on=KEY)
        left_out = database.value("SELECT count(*) FROM left_out WHERE kind = 'fault'")
        breaches = breaches_of(database, END)
    assert left_out > 0
    assert len(expected) > 50
    assert set(expected["won"].dropna()) == {0, 1}
    assert expected["won"].isna().any()
    assert expected[OpenPeopleOfTitle(OF_FIRM, "firm").name].nunique() > 1
    with open_database(config.model_copy(update={"engine": engine(config)})) as database:
        frame = features_on_spark(database, OF_UNIT, CUTOFFS, 5).toArrow().to_pandas()
        assert breaches_of(database, END) == breaches
    frame = frame.sort_values(KEY[::-1], ignore_index=True)
    pd.testing.assert_frame_equal(frame, expected, check_exact=True, check_dtype=False)


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "account", "values"),
    [
        (pa.float64(), ACCOUNT, [1.0, 1.0, 2.0, None, 1e300, 2.0]),
        (
            pa.string(),
            DOMAIN,
            ["a@ACME.de", "B <b@acme.DE>", "c@gmail.com", "d@gmail.com", "", "İ@İ"],
        ),
    ],
)
def test_accounts_of_numbers_and_by_domain(spark, kind, account, values, tmp_path):
    leads = [
        {"lead_id": n, "created_at": at("2026-01-01"), ACCOUNT: value}
        for n, value in enumerate(values * 5)
    ]
    events = [event(n, at("2026-02-01")) for n in range(0, 30, 2)]
    write_database(tmp_path, leads, events, (), {ACCOUNT: kind})
    specs = [OfAccount(People(), account), Colleagues(Count(), account)]
    config = config_for(tmp_path, features={"account": account})
    expected = by_duckdb(config, specs, CUTOFFS[:1])
    assert expected.iloc[:, 2].max() >= 10
    frame = by_spark(config, specs, CUTOFFS[:1])
    pd.testing.assert_frame_equal(frame, expected, check_exact=True, check_dtype=False)


@pytest.mark.long
@pytest.mark.parametrize(("unit", "named"), [("lead", "lead 399"), ("account", "firm 99")])
def test_a_sample_holds_whole_accounts_and_the_one_that_is_named(spark, unit, named, tmp_path):
    leads = [
        {"lead_id": f"lead {n}", "created_at": at("2026-01-01"), ACCOUNT: f"firm {n // 4}"}
        for n in range(400)
    ]
    events = [event(lead["lead_id"], at("2026-02-01")) for lead in leads]
    events += [event("nobody's", at("2026-02-01"))] * 3
    write_database(tmp_path, leads, events, (), {ACCOUNT: pa.string()})
    config = config_for(tmp_path, features=FEATURES, unit=unit)
    config = config.model_copy(update={"engine": engine(config, most_leads=40)})
    with open_database(config, leads=[named]) as opened:
        database = opened.of_leads
        rows = database.connection.execute("SELECT lead_id FROM leads").fetchall()
        active = "(SELECT DISTINCT lead_id FROM events) SEMI JOIN leads USING (lead_id)"
        assert database.value(f"SELECT count(*) FROM {active}") == len(rows)
    sampled = {int(lead.removeprefix("lead ")) for (lead,) in rows}
    assert sampled == {4 * (n // 4) + k for n in sampled for k in range(4)}
    assert 399 in sampled
    assert 8 <= len(sampled) <= 100


def test_an_account_that_is_no_column_is_refused(spark, folder):
    refused = refusal(folder, engine=SPARK, features={"account": "customers"})
    assert "features.account" in refused
    assert "customers" in refused
