"""Entries of stages equal an oracle of lists and loops, and nothing at or after the time counts.

Worked example, until 2026-03-01 00:00, funnel lead > MQL > SQL > customer (LEADS below):

  ann  created 01-05, price list 01-20, won 02-10                 skipped SQL: passed on 02-10
  bob  created 01-05, accepted 02-01, won 2026-03-01 00:00 sharp   not known yet: still an SQL
  cid  created 01-05, lost 01-15, price list 01-20                 a lead, lost; the rest is gone
  dot  price list 01-20, recorded 2026-03-01 00:00                 not known yet: a lead
  eve  stages says MQL on 02-02; price list 01-20                  the row wins: MQL on 02-02
  fay  created 2026-03-01 00:00                                    not there yet
"""

import re
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.config import Engine, Features
from features.contract.database import open_frames
from features.contract.reading import Reading
from features.errors import Refused
from features.funnel import Funnel
from features.stages import entries
from tests.features.lead_databases import at

UNTIL = at("2026-03-01")
NO_FEATURES = Features()
FUNNEL = Funnel.model_validate(
    {
        "stage": [
            {"name": "lead", "created": True},
            {"name": "MQL", "actions": ["price list"]},
            {"name": "SQL", "contact": "accepted"},
            {"name": "customer", "won": True},
        ]
    }
)
TYPES = {
    "leads": ("lead_id", "created_at", "source"),
    "events": ("lead_id", "occurred_at", "action", "recorded_at"),
    "deals": ("lead_id", "closed_at", "outcome"),
    "contacts": ("lead_id", "contacted_at", "accepted"),
    "stages": ("lead_id", "stage", "entered_at"),
}
LEADS = [(name, at("2026-01-05"), "web") for name in ("ann", "bob", "cid", "dot", "eve")]
WORKED = {
    "leads": [*LEADS, ("fay", UNTIL, None)],
    "events": [
        ("ann", at("2026-01-20"), "price list", None),
        ("cid", at("2026-01-20"), "price list", None),
        ("dot", at("2026-01-20"), "price list", UNTIL),
        ("eve", at("2026-01-20"), "price list", None),
    ],
    "deals": [
        ("ann", at("2026-02-10"), "won"),
        ("bob", UNTIL, "won"),
        ("cid", at("2026-01-15"), "lost"),
    ],
    "contacts": [("bob", at("2026-02-01"), True), ("eve", at("2026-02-20"), False)],
    "stages": [("eve", "MQL", at("2026-02-02")), ("eve", "Mql", at("2026-02-01"))],
}


def opened(tables, features):
    """The database of these rows."""
    frames = {}
    for name, rows in tables.items():
        frame = pd.DataFrame(rows, columns=list(TYPES[name]))
        for column in frame:
            kind = str
            if column.endswith("_at"):
                frame[column] = pd.to_datetime(frame[column]).astype("datetime64[us]")
            elif column == "accepted":
                frame[column] = frame[column].astype("boolean")
            else:
                frame[column] = frame[column].astype(kind).where(frame[column].notna(), None)
        frames[name] = frame
    return open_frames(frames, Reading(features), Engine(threads=1))


def read(tables, until=UNTIL, funnel=FUNNEL, scored=None, features=NO_FEATURES):
    """Per lead: when it entered each stage (None: not), and when it was lost."""
    with opened(tables, features) as database:
        whole = entries(database, funnel, until, scored)
    times = whole.entered.astype(object).tolist()
    lost = [None if pd.isna(t) else t.to_pydatetime() for t in whole.leads["lost_at"]]
    rows = zip(whole.leads["lead_id"], times, lost, strict=True)
    return {lead: (*moments, gone) for lead, moments, gone in rows}, whole


def test_the_worked_example():
    stays, whole = read(WORKED)
    created = at("2026-01-05")
    won = at("2026-02-10")
    assert stays == {
        "ann": (created, at("2026-01-20"), won, won, None),
        "bob": (created, at("2026-02-01"), at("2026-02-01"), None, None),
        "cid": (created, None, None, None, at("2026-01-15")),
        "dot": (created, None, None, None, None),
        "eve": (created, at("2026-02-02"), None, None, None),
    }
    (note,) = whole.notes
    assert re.search(r"\bstages\b.* 1 rows.* Mql \(1\)", note)
    assert set(whole.leads["source"]) == {"web"}
    skips = dict(zip(whole.leads["lead_id"], whole.skipped.tolist(), strict=True))
    assert skips == {
        "ann": [False, False, True, False],
        "bob": [False, True, False, False],
        **dict.fromkeys(("cid", "dot", "eve"), [False] * 4),
    }


def oracle(tables, until):
    """The same by loops, from the module's docstring: per lead (passed, lost, skipped)."""
    deals = {lead: (closed, how) for lead, closed, how in tables["deals"] if closed < until}
    stays = {}
    for lead, created, _ in tables["leads"]:
        if created >= until:
            continue
        ways = {0: [created], 1: [], 2: [], 3: []}
        for who, occurred, action, recorded in tables["events"]:
            known = max(occurred, recorded) if recorded else occurred
            if who == lead and action == "price list" and known < until:
                ways[1].append(occurred)
        for who, contacted, accepted in tables["contacts"]:
            if who == lead and accepted and contacted < until:
                ways[2].append(contacted)
        closed, how = deals.get(lead, (None, None))
        if how == "won":
            ways[3].append(closed)
        for place, name in enumerate(("lead", "MQL", "SQL", "customer")):
            explicit = [
                t for who, s, t in tables["stages"] if (who, s) == (lead, name) and t < until
            ]
            ways[place] = explicit or ways[place]
        lost = closed if how == "lost" else None
        own = [min(times, default=None) for times in ways.values()]
        own = [max(t, created) if t else None for t in own]
        own = [t if t and (lost is None or t <= lost) else None for t in own]
        passed = [min((t for t in own[n:] if t), default=None) for n in range(4)]
        if any(passed):
            skipped = [bool(p) and own[n] != p for n, p in enumerate(passed)]
            stays[lead] = (passed, lost, skipped)
    return stays


times = st.integers(0, 16).map(lambda halves: at("2026-02-21") + timedelta(hours=12 * halves))
ids = st.sampled_from(["a", "b", "c", "d"])
databases = st.fixed_dictionaries(
    {
        "leads": st.lists(
            st.tuples(ids, times, st.none()), min_size=1, max_size=4, unique_by=lambda row: row[0]
        ),
        "events": st.lists(
            st.tuples(ids, times, st.sampled_from(["price list", "mail"]), st.none() | times),
            min_size=1,
            max_size=8,
        ),
        "deals": st.lists(
            st.tuples(ids, times, st.sampled_from(["won", "lost"])),
            max_size=4,
            unique_by=lambda row: row[0],
        ),
        "contacts": st.lists(st.tuples(ids, times, st.booleans() | st.none()), max_size=6),
        "stages": st.lists(
            st.tuples(ids, st.sampled_from(["lead", "MQL", "SQL", "customer"]), times), max_size=6
        ),
    }
)


def sound(tables):
    """Without what `check` calls a breach: rows of unknown leads, deals before the lead."""
    created = {lead: moment for lead, moment, _ in tables["leads"]}
    usable = {name: [r for r in rows if r[0] in created] for name, rows in tables.items()}
    usable["deals"] = [row for row in usable["deals"] if row[1] >= created[row[0]]]
    return usable


# Lost on the day of its creation, before it was a lead: it entered the last stage alone by itself.
ONE_STAGE = {
    "leads": [("d", at("2026-02-21"), None)],
    "events": [],
    "deals": [("d", at("2026-02-21"), "lost")],
    "contacts": [],
    "stages": [("d", "lead", at("2026-02-22")), ("d", "customer", at("2026-02-21"))],
}


@settings(max_examples=30)
@given(tables=databases.map(sound))
@example(ONE_STAGE)
def test_entries_equal_the_oracle(tables):
    expected = oracle(tables, UNTIL)
    try:
        stays, whole = read(tables)
    except Refused:  # nobody entered any, or all of them the last one alone by itself
        for passed, _, skipped in expected.values():
            assert all(skipped[n] for n in range(3) if passed[n])
        return
    names = [stage.name for stage in whole.funnel.stage]
    judged = [n for n, stage in enumerate(FUNNEL.stage) if stage.name in names]
    assert stays == {
        lead: (*(passed[n] for n in judged), lost) for lead, (passed, lost, _) in expected.items()
    }
    assert whole.skipped.tolist() == [
        [skipped[n] for n in judged] for _, (_, _, skipped) in sorted(expected.items())
    ]
    # what is left out was skipped by everyone who passed it, and somebody did
    for n in set(range(4)) - set(judged):
        marks = [skipped[n] for passed, _, skipped in expected.values() if passed[n]]
        assert marks
        assert all(marks)


@settings(max_examples=12)
@given(tables=databases.map(sound), later=databases)
def test_what_comes_at_or_after_the_time_changes_nothing(tables, later):
    created = {lead for lead, *_ in tables["leads"]}
    dealt = {lead for lead, *_ in tables["deals"]}
    more = {
        name: rows
        + [
            (row[0], *(v + timedelta(days=8) if isinstance(v, datetime) else v for v in row[1:]))
            for row in later[name]
            if name != "leads" and row[0] in created and (name != "deals" or row[0] not in dealt)
        ]
        for name, rows in tables.items()
    }
    try:
        before, _ = read(tables)
    except Refused:
        return
    assert read(more)[0] == before


def test_past_scores_lead_in_before_the_time_and_only_their_own_lead():
    rows = [
        ("ann", "hot", at("2026-02-02")),
        ("bob", "hot", UNTIL),
        ("cid", "cold", at("2026-02-02")),
        ("nobody", "hot", at("2026-02-02")),
    ]
    scored = pa.table(pd.DataFrame(rows, columns=["lead_id", "stage", "entered_at"]))
    stages = [{"name": "lead", "created": True}, {"name": "hot", "readiness_from": 0.3}]
    tables = WORKED | {"deals": [], "stages": []}
    stays, _ = read(tables, funnel=Funnel.model_validate({"stage": stages}), scored=scored)
    assert {lead: hot for lead, (_, hot, _) in stays.items() if hot} == {"ann": at("2026-02-02")}


def test_a_stage_without_its_source_is_left_out_and_named():
    stages = [stage.model_dump(exclude_defaults=True) for stage in FUNNEL.stage]
    stages[1] = {"name": "MQL", "points_from": 40, "actions": ["pricelist"]}
    tables = {name: rows for name, rows in WORKED.items() if name not in ("contacts", "stages")}
    stays, whole = read(tables, funnel=Funnel.model_validate({"stage": stages}))
    assert stays["ann"] == (at("2026-01-05"), at("2026-02-10"), None)
    parts = [
        ("MQL", "ledger", "readiness score"),
        ("MQL", "actions", "pricelist"),
        ("SQL", "table contacts", "readiness.toml"),
        ("MQL", "left out"),
        ("SQL", "left out"),
    ]
    for note, expected in zip(whole.notes, parts, strict=True):
        assert all(part in note for part in expected), note


def test_an_action_that_is_left_out_of_the_features_may_be_a_stage():
    left_out = Features(leave_out_actions=["price list"])
    assert read(WORKED, features=left_out)[0] == read(WORKED)[0]


def test_stages_that_nobody_has_reached_yet_stay():
    _, whole = read(WORKED, until=at("2026-01-10"))
    assert [stage.name for stage in whole.funnel.stage] == ["lead", "MQL", "SQL", "customer"]
    assert np.isnat(whole.entered[:, 1:]).all()


def test_no_lead_at_all_is_refused():
    with pytest.raises(Refused, match="No funnel before 2026-01-01 00:00: 0 leads entered"):
        read(WORKED, until=at("2026-01-01"))


def test_leads_that_breach_the_contract_are_left_out_and_counted():
    too_early = WORKED | {"deals": [*WORKED["deals"], ("ann", at("2025-02-11"), "lost")]}
    stays, whole = read(too_early)
    assert "ann" not in stays
    assert any(note.startswith("1 leads breach the contract") for note in whole.notes)


def test_a_lead_that_came_back_or_won_later_is_not_lost():
    deals = [("ann", at("2026-01-10"), "lost"), ("bob", at("2026-01-10"), "lost"), *WORKED["deals"]]
    stays, _ = read(WORKED | {"deals": deals})
    assert stays["ann"][-1] is None
    assert stays["ann"][-2] == at("2026-02-10")
    assert stays["bob"][-1] == at("2026-01-10")  # won at the time sharp, which nobody knows yet
