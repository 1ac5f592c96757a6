"""Features of accounts equal their plain-Python definition, and hold nothing of what comes later:
neither of the lead itself nor of a colleague."""

from dataclasses import replace
from itertools import product

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.catalog import catalog, catalog_of
from features.check.notes import account_notes
from features.config import Features
from features.engine.duckdb_engine import chunk_count, feature_frame
from features.errors import BadInput
from features.snapshots import Snapshots
from features.spec.accounts import (
    ActivePeople,
    Colleagues,
    DaysSinceFirst,
    DistinctActions,
    People,
)
from features.spec.kinds import (
    ActiveDays,
    Count,
    DaysSince,
    DaysSinceDeal,
    Decayed,
    PastDeals,
    SumValue,
)
from features.spec.spec import OfAccount
from features.spec.where import Where
from tests.features import oracle
from tests.features.adversarial import ACTIONS, CUTOFFS, a_lead, databases, some_deals, some_events
from tests.features.engine.test_features_equal_oracle import (
    SO_LITTLE_GB,
    is_same,
    register,
    snapshots_of,
)
from tests.features.engine.test_no_future import with_another_future
from tests.features.lead_databases import at, config_for, event, opened

pytestmark = pytest.mark.slow  # the compiled pass
ACCOUNT = "customer"
NAMES = [None, "", " ", "ACME", "ACME", " ACME ", "acme", 'it\'s "%" 名', "7"]
SPANS = [1, 7, None]
SOME_ACTIONS = [None, ACTIONS[0], ACTIONS[-3], "never done by anyone"]
ADDED_UP = [
    *(kind(outcome) for kind, outcome in product((PastDeals,), ("won", "lost"))),
    *(Count(action, span) for action, span in product(SOME_ACTIONS, SPANS)),
    *(ActivePeople(span, action) for action, span in product(SOME_ACTIONS, SPANS)),
    *(Decayed(action, 2) for action in SOME_ACTIONS),
    Count(None, 7, Where(content="/pricing*")),
    People(),
]
SPECS = [
    *(OfAccount(spec, ACCOUNT) for spec in ADDED_UP),
    *(Colleagues(spec, ACCOUNT) for spec in ADDED_UP),
    *(OfAccount(DaysSince(action), ACCOUNT) for action in SOME_ACTIONS),
    *(OfAccount(kind(span), ACCOUNT) for kind, span in product(
        (DistinctActions, ActiveDays), SPANS)),
    *(OfAccount(DaysSinceDeal(outcome), ACCOUNT) for outcome in ("won", "lost")),
    OfAccount(SumValue(None, 7), ACCOUNT),
    OfAccount(DaysSinceFirst(), ACCOUNT),
]  # fmt: skip
FEATURES = {"windows_days": [1, 7], "half_life_days": 2, "account": ACCOUNT}
ADVERSARIAL = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@st.composite
def of_accounts(draw):
    rows = draw(databases(least_leads=3))
    return replace(rows, leads=[in_account(draw, lead) for lead in rows.leads])


def in_account(draw, lead):
    return lead | {ACCOUNT: draw(st.sampled_from(NAMES))}


def opened_rows(rows, **sections):
    attributes = {ACCOUNT: pa.string()}
    sections = {"features": FEATURES} | sections
    return opened(rows.leads, rows.events, rows.deals, attributes, **sections)


@ADVERSARIAL
@given(of_accounts())
def test_every_feature_of_an_account_equals_the_oracle(rows):
    with opened_rows(rows) as database:
        specs = (*SPECS, *of_catalog(database))
        chosen = register(database, snapshots_of(rows))
        frame = feature_frame(chosen, specs)
    leads = {lead["lead_id"]: lead for lead in rows.leads}
    differing = []
    for lead_id, cutoff, *values in frame.itertuples(index=False, name=None):
        given = leads[lead_id], rows.leads, rows.events, cutoff.to_pydatetime(), rows.deals
        for spec, got in zip(specs, values, strict=True):
            expected = oracle.feature_of_account(spec, *given)
            if not is_same(got, expected):
                differing.append(f"{spec.name} of {lead_id!r} at {cutoff}: {got}, not {expected}")
    assert differing == []


@settings(ADVERSARIAL, max_examples=1)
@given(of_accounts())
def test_chunks_of_accounts_and_leads_change_nothing(rows):
    with opened_rows(rows) as database:
        chosen = register(database, snapshots_of(rows))
        whole = feature_frame(chosen, SPECS)
        assert chunk_count(chosen, len(SPECS), SO_LITTLE_GB) > 1
        in_chunks = feature_frame(chosen, SPECS, memory_gb=SO_LITTLE_GB)
    pd.testing.assert_frame_equal(in_chunks, whole, check_exact=True)


def of_catalog(database):
    """Those of the catalog that are not in SPECS."""
    specs = catalog(Features(**FEATURES), database.actions, {}, past_deals=True)
    return tuple(s for s in specs if isinstance(s, OfAccount | Colleagues) and s not in SPECS)


@st.composite
def one_past_two_futures(draw):
    """The same past; other events and deals to come, and colleagues who are created later, also
    with events and deals from before."""
    rows, cutoff = draw(of_accounts()), draw(st.sampled_from(CUTOFFS))
    text = isinstance(rows.leads[0]["lead_id"], str)
    ids = ["new 1", "new 2", "new 3"] if text else [101, 102, 103]
    created_at = st.sampled_from([each for each in CUTOFFS if each >= cutoff])
    new = [
        in_account(draw, draw(a_lead(lead_id))) | {"created_at": draw(created_at)}
        for lead_id in ids
    ]
    everyone = rows.leads + new
    others = draw(some_events([lead["lead_id"] for lead in everyone]))
    other = with_another_future(rows, cutoff, others, draw(some_deals(rows.leads)))
    of_new = [each for each in others if each["lead_id"] in ids]
    events = other.events + of_new
    deals = other.deals + draw(some_deals(new))
    return rows, replace(other, leads=everyone, events=events, deals=deals), cutoff


@ADVERSARIAL
@given(one_past_two_futures())
def test_another_future_of_a_colleague_changes_nothing(futures):
    one, other, cutoff = futures
    frames = []
    for rows in (one, other):
        sections = {"outcomes": {"after_won": "open_again", "after_lost": "open_again"}}
        with opened_rows(rows, **sections) as database:
            frames.append(feature_frame(Snapshots.open_at(database, [cutoff]), SPECS[::2]))
    pd.testing.assert_frame_equal(*frames, check_exact=True)


CUTOFF = at("2026-03-02")
LEADS = [
    {"lead_id": lead, "created_at": at("2026-01-01"), ACCOUNT: account}
    for lead, account in (("A", "X"), ("B", "Y"), ("C", "Y"), ("D", None))
]
EVENTS = [
    event("A", at("2026-02-01")),
    event("A", at("2026-02-27"), "mail"),
    event("B", at("2026-02-03")),
    event("C", at("2026-02-04")),
    event("D", at("2026-02-05")),
]


def seen(spec, cutoff=CUTOFF, merges=(), leads=LEADS, events=EVENTS, deals=(), **sections):
    """lead -> the value of a feature, at the cutoff."""
    if merges:
        rows = ", ".join(f"('{one}', '{other}', TIMESTAMP '{when}')" for one, other, when in merges)
        table = f"SELECT * FROM (VALUES {rows}) t(lead_id, into_lead_id, merged_at)"
        sections |= {"tables": {"merges": table}}
    sections = {"features": {"account": ACCOUNT}} | sections
    with opened(leads, events, deals, {ACCOUNT: pa.string()}, **sections) as database:
        frame = feature_frame(Snapshots.open_at(database, [cutoff]), [spec])
    return dict(zip(frame["lead_id"], frame.iloc[:, 2].tolist(), strict=True))


def test_a_lead_that_is_merged_into_another_account_takes_its_events_along_and_counts_once():
    """Of A, in X, merged into B, in Y, on 2026-02-20: what A did is Y's from then on, and B's."""
    merge = [("A", "B", "2026-02-20")]
    everyone, others = OfAccount(Count(), ACCOUNT), Colleagues(Count(), ACCOUNT)
    before, after = at("2026-02-20"), at("2026-02-20 00:00:00.000001")
    assert seen(everyone, before, merge) == {"A": 1, "B": 2, "C": 2, "D": 1}
    assert seen(others, before, merge) == {"A": 0, "B": 1, "C": 1, "D": 0}
    assert seen(everyone, after, merge) == {"B": 3, "C": 3, "D": 1}
    assert seen(others, after, merge) == {"B": 1, "C": 2, "D": 0}
    assert seen(everyone, CUTOFF, merge) == {"B": 4, "C": 4, "D": 1}
    assert seen(others, CUTOFF, merge) == {"B": 1, "C": 3, "D": 0}


def test_a_merged_lead_is_the_same_person_from_the_merge_on():
    merge = [("B", "C", "2026-02-20")]
    for spec in (People(), ActivePeople()):
        assert seen(OfAccount(spec, ACCOUNT), at("2026-02-20"), merge)["C"] == 2
        assert seen(Colleagues(spec, ACCOUNT), at("2026-02-20"), merge)["C"] == 1
        assert seen(OfAccount(spec, ACCOUNT), CUTOFF, merge)["C"] == 1
        assert seen(Colleagues(spec, ACCOUNT), CUTOFF, merge)["C"] == 0
    assert seen(OfAccount(Count(), ACCOUNT), CUTOFF, merge)["C"] == 2
    assert seen(Colleagues(Count(), ACCOUNT), CUTOFF, merge)["C"] == 0


def test_a_merged_lead_without_a_row_brings_its_events_to_the_survivors_account():
    merge = [("A", "B", "2026-02-20")]
    leads = LEADS[1:]
    assert seen(OfAccount(Count(), ACCOUNT), CUTOFF, merge, leads) == {"B": 4, "C": 4, "D": 1}
    assert seen(Colleagues(ActivePeople(), ACCOUNT), CUTOFF, merge, leads)["B"] == 1


def test_a_burst_that_a_merge_makes_is_the_survivors_alone():
    leads = [lead | {ACCOUNT: "Y"} for lead in LEADS]
    burst = [event(lead, at("2026-02-21 09:00"), "click") for lead in "AABB"]
    merge = [("A", "B", "2026-02-20")]
    exclude = {"machine_clicks": True, "burst_events": 3}
    got = seen(Colleagues(Count("click"), ACCOUNT), CUTOFF, merge, leads, burst, exclude=exclude)
    assert got == {"B": 2, "C": 2, "D": 2}  # B's four are a burst, but A's two were none


def test_staff_and_who_objected_are_no_colleagues():
    leads = [lead | {ACCOUNT: "Y"} for lead in LEADS]
    got = seen(Colleagues(Count(), ACCOUNT), leads=leads, exclude={"leads": {"lead_id": ["A"]}})
    assert got == {"B": 2, "C": 2, "D": 2}


def test_a_colleagues_past_deal_counts_from_its_closing_on():
    deals = [{"lead_id": "B", "closed_at": CUTOFF, "outcome": "won"}]
    spec = OfAccount(PastDeals("won"), ACCOUNT)
    assert seen(spec, CUTOFF, deals=deals)["C"] == 0
    assert seen(spec, at("2026-03-02 00:00:00.000001"), deals=deals) == {"A": 0, "C": 1, "D": 0}


def test_accounts_by_the_domain_of_an_address_leave_free_mail_out():
    addresses = ["a@acme.com", "Bea <B@ACME.com>", " c@Acme.COM ", "d@gmail.com", "e@gmail.com",
                 "no address", None, "f@mail.acme.com"]  # fmt: skip
    leads = [
        {"lead_id": number, "created_at": at("2026-01-01"), ACCOUNT: address}
        for number, address in enumerate(addresses)
    ]
    spec = OfAccount(People(), f"domain({ACCOUNT})")
    features = {"account": f"domain({ACCOUNT})"}
    got = seen(spec, leads=leads, events=[], features=features)
    assert list(got.values()) == [3, 3, 3, 1, 1, 1, 1, 1]


def test_whole_numbers_beside_missing_ones_are_accounts():
    leads = [
        {"lead_id": number, "created_at": at("2026-01-01"), ACCOUNT: account}
        for number, account in enumerate([1.0, 1.0, 2.0, None, None])
    ]
    with opened(leads, [], (), {ACCOUNT: pa.float64()}, features={"account": ACCOUNT}) as database:
        cohort = Snapshots.open_at(database, [CUTOFF])
        frame = feature_frame(cohort, [OfAccount(People(), ACCOUNT)])
    assert frame.iloc[:, 2].tolist() == [2, 2, 1, 1, 1]


def test_nobody_asked_for_has_no_features():
    with opened(LEADS, EVENTS, (), {ACCOUNT: pa.string()}, features=FEATURES) as database:
        nobody = Snapshots.open_at(database, [at("2025-01-01")])
        frame = feature_frame(nobody, SPECS)
    assert frame.empty
    assert list(frame.columns) == ["lead_id", "cutoff", *(spec.name for spec in SPECS)]


def test_what_names_no_account_is_refused():
    reserved = [lead | {ACCOUNT: "lead:7"} for lead in LEADS]
    with pytest.raises(BadInput, match=r"4 leads.*lead:"):
        seen(OfAccount(People(), ACCOUNT), leads=reserved)
    with pytest.raises(BadInput, match=ACCOUNT):
        seen(OfAccount(People(), ACCOUNT), features={"account": "customers"})


def test_without_the_setting_there_are_no_such_features(tmp_path):
    for features in ({}, {"account": ACCOUNT}):
        sections = {"features": features}
        with opened(LEADS, EVENTS, (), {ACCOUNT: pa.string()}, **sections) as database:
            specs = catalog_of(config_for(tmp_path, **sections), database)
        of_account = [spec for spec in specs if isinstance(spec, OfAccount | Colleagues)]
        assert bool(of_account) == bool(features)


def test_check_says_how_many_are_in_accounts(tmp_path):
    config = config_for(tmp_path, features=FEATURES)
    with opened(LEADS, EVENTS, (), {ACCOUNT: pa.string()}, features=FEATURES) as database:
        (note,) = account_notes(database, config)
        assert account_notes(database, config_for(tmp_path)) == []
    assert (note.count, note.first) == (3, ("Y: 2 leads", "X: 1 lead"))
    assert "2 accounts" in note.title
