"""A lead database of accounts equals its definition in plain Python: who is open when, labels,
attributes and features; and holds nothing of what comes later."""

import json
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.catalog import catalog_of
from features.contract.breaches import find_breaches
from features.engine.duckdb_engine import feature_frame
from features.labels import ending_sql, label_sql
from features.snapshots import Snapshots
from features.spec.accounts import (
    ActivePeople,
    Colleagues,
    DaysSinceFirst,
    DistinctActions,
    OpenPeople,
    People,
)
from features.spec.kinds import Age, Attribute, Count, DaysSince, Decayed, Last, Sessions
from features.spec.spec import OfAccount
from features.spec.titles import OfTitle, OpenPeopleOfTitle
from tests.features import oracle
from tests.features.adversarial import ACTIONS, CUTOFFS, some_deals, some_events
from tests.features.engine.test_accounts import ACCOUNT, ADVERSARIAL, of_accounts
from tests.features.engine.test_features_equal_oracle import is_same
from tests.features.engine.test_no_future import with_another_future
from tests.features.lead_databases import MICROSECOND, at, config_for, event, opened

pytestmark = pytest.mark.slow  # the compiled pass
FEATURES = {"account": ACCOUNT, "attributes": ["region"], "windows_days": [1, 7]}
HORIZON, DATA_END = 5, at("2026-03-20")
SPECS = [
    *(Age(), People(), OpenPeople(), Attribute("region", text=True), DaysSince(None)),
    *(Count(), Count(ACTIONS[0], 7), Decayed(None, 2), Sessions(7), Last("action")),
    *(ActivePeople(), ActivePeople(7, ACTIONS[0]), DistinctActions(7), DaysSinceFirst()),
]
RULES = st.sampled_from(["closed", "open_again"])


def opened_rows(rows, attributes=None, **sections):
    types = {ACCOUNT: pa.string(), "region": pa.string()} | (attributes or {})
    sections = {"unit": "account", "features": FEATURES} | sections
    return opened(rows.leads, rows.events, rows.deals, types, **sections)


def accounts_of(leads):
    """The people of each account, whenever they were created."""
    accounts = {}
    for lead in leads:
        name = (lead[ACCOUNT] or "").strip() or f"lead:{lead['lead_id']}"
        accounts.setdefault(name, []).append(lead)
    return accounts


def as_account(people, events, deals):
    """Events and deals as the account's: known from its person's creation on."""
    created = {lead["lead_id"]: lead["created_at"] for lead in people}
    own = [e | {"recorded_at": max(oracle.known_at(e), created[e["lead_id"]])}
           for e in events if e["lead_id"] in created]  # fmt: skip
    of_people = []
    for deal in deals:
        if deal["lead_id"] in created:
            since, opened_at = created[deal["lead_id"]], deal["opened_at"]
            opened_at = None if opened_at is None else max(opened_at, since)
            of_people.append(deal | {"opened_at": opened_at})
    return own, of_people


def closings_of(people, deals, outcome):
    every = [pair for lead in people for pair in oracle.closings(lead, deals)]
    return [when for when, how in every if how == outcome]


def is_open(people, events, deals, cutoff, outcomes):
    """Whether any of its people is open, and the account not won, or back since."""
    again = [how for how in ("won", "lost") if outcomes[f"after_{how}"] == "open_again"]
    if not any(oracle.is_open(lead, deals, cutoff, events, again) for lead in people):
        return False
    own, of_people = as_account(people, events, deals)
    past = [when for when in closings_of(people, deals, "won") if when < cutoff]
    if not past:
        return True
    if "won" not in again:
        return False
    last = max(past)
    begun = [(deal["opened_at"], deal) for deal in of_people if deal["opened_at"] is not None]
    for opened_at, deal in begun:
        lead = {"lead_id": deal["lead_id"]}
        if opened_at <= last and all(when > last for when, _ in oracle.closings(lead, [deal])):
            return True
    signs = [oracle.known_at(e) for e in oracle.known(own, cutoff)]
    return any(last < sign < cutoff for sign in (*signs, *(when for when, _ in begun)))


def label(people, deals, cutoff):
    end = cutoff + HORIZON * oracle.DAY
    wins = closings_of(people, deals, "won")
    return None if end > DATA_END else int(any(cutoff <= when < end for when in wins))


def expected_feature(spec, people, events, deals, cutoff, again):
    there = [lead for lead in people if lead["created_at"] < cutoff]
    first = min(people, key=lambda lead: (lead["created_at"], lead["lead_id"]))
    own, _ = as_account(people, events, deals)
    match spec:
        case OpenPeople():
            return sum(oracle.is_open(each, deals, cutoff, events, again) for each in there)
        case People() | ActivePeople() | DistinctActions() | DaysSinceFirst():
            return oracle.of_people(spec, there, own, cutoff, deals)
    return oracle.feature(spec, first, own, cutoff, {})


@ADVERSARIAL
@given(of_accounts(), RULES, RULES)
def test_cohort_label_and_features_of_accounts_equal_the_oracle(rows, after_won, after_lost):
    outcomes = {"after_won": after_won, "after_lost": after_lost}
    again = [how for how in ("won", "lost") if outcomes[f"after_{how}"] == "open_again"]
    with opened_rows(rows, outcomes=outcomes) as database:
        chosen = Snapshots.open_at(database, CUTOFFS)
        frame = feature_frame(chosen, SPECS)
        sql = label_sql(chosen, HORIZON, DATA_END)
        labels = database.connection.execute(f"SELECT * FROM ({sql})").fetchall()
    accounts = accounts_of(rows.leads)
    expected = [
        (name, cutoff, label(people, rows.deals, cutoff))
        for name, people in accounts.items()
        for cutoff in CUTOFFS
        if is_open(people, rows.events, rows.deals, cutoff, outcomes)
    ]
    assert sorted(labels) == sorted(expected)
    differing = []
    for name, cutoff, *values in frame.itertuples(index=False, name=None):
        given = accounts[name], rows.events, rows.deals, cutoff.to_pydatetime(), again
        for spec, got in zip(SPECS, values, strict=True):
            expected_value = expected_feature(spec, *given)
            if not is_same(got, expected_value):
                differing.append(
                    f"{spec.name} of {name!r} at {cutoff}: {got}, not {expected_value}"
                )
    assert differing == []
    assert len(frame) == len(expected)


@st.composite
def one_past_two_futures(draw):
    """The same past; other events and deals to come, and people who are created later."""
    rows, cutoff = draw(of_accounts()), draw(st.sampled_from(CUTOFFS))
    text = isinstance(rows.leads[0]["lead_id"], str)
    new = [
        lead | {"lead_id": f"0 {n}" if text else -n, "created_at": draw(st.sampled_from(CUTOFFS))}
        for n, lead in enumerate(rows.leads, start=1)
    ]
    new = [lead for lead in new if lead["created_at"] >= cutoff]
    everyone = [lead["lead_id"] for lead in rows.leads + new]
    others = draw(some_events(everyone))
    other = with_another_future(rows, cutoff, others, draw(some_deals(rows.leads)))
    ids = {lead["lead_id"] for lead in new}
    events = other.events + [each for each in others if each["lead_id"] in ids]
    created = {lead["lead_id"]: lead["created_at"] for lead in rows.leads}
    # A deal that is closed at the cutoff, before its lead is there, would be a fault.
    deals = [
        each
        for each in other.deals
        if each["outcome"] not in ("won", "lost") or each["closed_at"] >= created[each["lead_id"]]
    ] + draw(some_deals(new))
    return rows, replace(other, leads=rows.leads + new, events=events, deals=deals), cutoff


@ADVERSARIAL
@given(one_past_two_futures(), RULES)
def test_another_future_of_its_people_changes_nothing(futures, after_won):
    one, other, cutoff = futures
    outcomes = {"after_won": after_won, "after_lost": "open_again"}
    frames = []
    for rows in (one, other):
        with opened_rows(rows, outcomes=outcomes) as database:
            frames.append(feature_frame(Snapshots.open_at(database, [cutoff]), SPECS))
    pd.testing.assert_frame_equal(*frames, check_exact=True)


LEADS = [
    {"lead_id": "A", "created_at": at("2026-01-05"), ACCOUNT: "ACME", "region": "north"},
    {"lead_id": "B", "created_at": at("2026-02-10"), ACCOUNT: "ACME", "region": "south"},
    {"lead_id": "C", "created_at": at("2026-01-05"), ACCOUNT: None, "region": "west"},
]
TYPES = {ACCOUNT: pa.string(), "region": pa.string()}


def deal(lead, closed_at, outcome):
    return {"lead_id": lead, "closed_at": at(closed_at), "outcome": outcome}


def periods(deals, leads=LEADS, events=(), merges=(), **sections):
    """account -> when it is open; of those in `left_out` the kind instead."""
    if merges:
        rows = ", ".join(f"('{one}', '{other}', TIMESTAMP '{when}')" for one, other, when in merges)
        table = f"SELECT * FROM (VALUES {rows}) t(lead_id, into_lead_id, merged_at)"
        sections |= {"tables": {"merges": table}}
    sections = {"unit": "account", "features": FEATURES} | sections
    with opened(leads, events, deals, TYPES, **sections) as database:
        rows = database.connection.execute("FROM open_periods ORDER BY ALL").fetchall()
        out = database.connection.execute("SELECT lead_id, kind, reason FROM left_out").fetchall()
        closings = database.connection.execute("FROM closings ORDER BY ALL").fetchall()
    open_at = {}
    for name, opens_at, closes_at in rows:
        open_at.setdefault(name, []).append((opens_at, closes_at))
    return open_at, {name: (kind, reason) for name, kind, reason in out}, closings


def test_the_worked_example():
    lost, won = deal("A", "2026-02-20", "lost"), deal("B", "2026-04-08", "won")
    open_at, _, closings = periods([lost, won])
    assert open_at["ACME"] == [(at("2026-01-05"), at("2026-04-08"))]
    assert open_at["lead:C"] == [(at("2026-01-05"), None)]
    assert closings == [("ACME", at("2026-04-08"), "won")]
    open_at, _, closings = periods([deal("A", "2026-02-01", "lost"), won])
    first, second = (at("2026-01-05"), at("2026-02-01")), (at("2026-02-10"), at("2026-04-08"))
    assert open_at["ACME"] == [first, second]
    assert closings == [("ACME", first[1], "lost"), ("ACME", second[1], "won")]


def test_the_ending_is_lost_where_nobody_is_left_who_is_open():
    deals = [deal("A", "2026-02-20", "lost"), deal("B", "2026-03-01", "lost")]
    with opened(LEADS, [], deals, TYPES, unit="account", features=FEATURES) as database:
        chosen = Snapshots.open_at(database, [at("2026-02-15")])
        endings = {
            until: dict(database.connection.execute(
                f"SELECT lead_id, ending FROM ({ending_sql(chosen, at(until))})").fetchall())
            for until in ("2026-02-25", "2026-03-05")
        }  # fmt: skip
    assert endings["2026-02-25"] == {"ACME": "open", "lead:C": "open"}
    assert endings["2026-03-05"] == {"ACME": "lost", "lead:C": "open"}


def test_a_person_of_before_its_creation_tells_the_account_nothing():
    """B's cookie came on 2026-02-01, B was created on 2026-02-10."""
    events = [event("A", at("2026-01-06")), event("B", at("2026-02-01"))]
    with opened(LEADS, events, (), TYPES, unit="account", features=FEATURES) as database:
        instants = [at("2026-02-10"), at("2026-02-10") + MICROSECOND]
        frame = feature_frame(Snapshots.open_at(database, instants), [Count(), People()])
    of_acme = frame[frame["lead_id"] == "ACME"]
    assert of_acme.iloc[:, 2:].to_numpy().tolist() == [[1, 1], [2, 2]]


def test_an_account_that_merges_away_ends_then_and_was_won_where_its_survivor_is():
    """C, an account of its own, is merged into B of ACME on 2026-02-20; B is won on 03-01."""
    merges, won = [("C", "B", "2026-02-20")], [deal("B", "2026-03-01", "won")]
    open_at, _, closings = periods(won, merges=merges)
    assert open_at["lead:C"] == [(at("2026-01-05"), at("2026-02-20"))]
    assert open_at["ACME"] == [(at("2026-01-05"), at("2026-03-01"))]
    assert ("lead:C", at("2026-02-20"), "merged") in closings
    assert ("lead:C", at("2026-03-01"), "won") in closings
    before = [deal("B", "2026-02-19", "won")]
    assert ("lead:C", at("2026-02-19"), "won") not in periods(before, merges=merges)[2]


def test_who_is_excluded_is_none_of_its_people_and_an_account_of_such_alone_is_left_out():
    exclude = {"leads": {"region": ["north", "west"]}}
    open_at, left_out, _ = periods([], exclude=exclude)
    assert open_at["ACME"] == [(at("2026-02-10"), None)]
    assert set(left_out) == {"lead:C"}
    assert left_out["lead:C"][0] == "excluded"
    assert "west" not in left_out["lead:C"][1]  # a person's value, which `forget` would not find
    assert open_at["lead:C"] == [(at("2026-01-05"), None)]  # listed, with the reason


def test_a_faulty_person_leaves_its_account_out_and_is_named():
    faulty = [{"lead_id": "B", "closed_at": None, "outcome": "won"}]
    _, left_out, _ = periods(faulty)
    assert left_out["ACME"][0] == "fault"
    assert "lead B" in left_out["ACME"][1]
    twice = [*LEADS, LEADS[2] | {ACCOUNT: "New"}]
    open_at, left_out, _ = periods([], twice)
    assert (set(left_out), set(open_at)) == ({"lead:C"}, {"ACME"})
    of_two = [*LEADS, LEADS[1] | {ACCOUNT: "New"}, LEADS[2] | {"lead_id": "D", ACCOUNT: "New"}]
    open_at, left_out, _ = periods([], of_two)  # B is of ACME, or of New: of none
    assert (set(left_out), set(open_at)) == ({"lead:B"}, {"ACME", "New", "lead:C"})
    assert set(periods([], [*LEADS, LEADS[1]])[1]) == {"ACME"}
    with opened(LEADS, [], faulty, TYPES, unit="account", features=FEATURES) as database:
        (breach,) = find_breaches(database.of_leads.connection, database.columns, at("2027-01-01"))
    assert "lead B" in breach.first[0]


def test_open_people_are_counted_by_seniority():
    """A, a director, is lost on 2026-02-20; B is a manager, C has no title that is known."""
    titles = {"A": "Head of Sales", "B": "Office Manager", "C": "Yogi"}
    leads = [lead | {"title": titles[lead["lead_id"]]} for lead in LEADS]
    table = json.dumps([["director", ["head of"]], ["manager", ["manager"]]])
    seniority = OfTitle("seniority", "title", table)
    specs = [OpenPeopleOfTitle(seniority, value) for value in seniority.values]
    sections = {"unit": "account", "features": FEATURES | {"title": "title"}}
    lost = [deal("A", "2026-02-20", "lost")]
    with opened(leads, [], lost, TYPES | {"title": pa.string()}, **sections) as database:
        cutoffs = [at("2026-02-10"), at("2026-02-20"), at("2026-02-21")]
        frame = feature_frame(Snapshots.open_at(database, cutoffs), specs)
    of_acme = frame[frame["lead_id"] == "ACME"]
    assert of_acme.iloc[:, 2:].to_numpy().tolist() == [[1, 0], [1, 1], [0, 1]]
    assert frame[frame["lead_id"] == "lead:C"].iloc[:, 2:].to_numpy().sum() == 0


def test_the_catalog_of_accounts_has_people_and_no_colleagues(tmp_path):
    sections = {"unit": "account", "features": FEATURES}
    events = [event("A", at("2026-01-06"))]
    with opened(LEADS, events, (), TYPES, **sections) as database:
        specs = catalog_of(config_for(tmp_path, **sections), database)
    assert {People(), OpenPeople(), ActivePeople(7, "visit")} <= set(specs)
    assert not any(isinstance(spec, OfAccount | Colleagues) for spec in specs)
