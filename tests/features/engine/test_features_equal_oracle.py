"""Every feature equals its plain-Python definition, on databases that are out to break it."""

import math
from itertools import product

import pandas as pd
from hypothesis import HealthCheck, Phase, given, settings

from features.catalog import catalog
from features.config import Features
from features.engine.duckdb_engine import chunk_count, feature_frame
from features.engine.query import feature_sql
from features.snapshots import Chunk, Snapshots
from features.spec import kinds
from features.spec.compiled import compile_specs
from features.spec.spec import distinct
from features.spec.titles import OfTitle
from tests.features import oracle
from tests.features.adversarial import ACTIONS, ATTRIBUTES, CUTOFFS, WINDOWS, databases
from tests.features.every_spec import WHERES
from tests.features.lead_databases import opened

SETTINGS = Features(windows_days=WINDOWS, half_life_days=2, attributes=list(ATTRIBUTES))
SPANS = [1, 2, 7, None]
SO_LITTLE_GB = 5e-5
UNSEEN = "never done by anyone"
SOME_ACTIONS = [None, ACTIONS[0], ACTIONS[-3], UNSEEN]

LONGEST_AGO = kinds.Custom(
    "longest_ago", "max(age_us) FILTER (WHERE action <> 'visit') / 3.6e9", "hours since the first"
)
MAILS_AND_MORE = kinds.Custom(
    "contents_of_one_day",
    "count(DISTINCT content) FILTER (WHERE age_us <= 86400000000)",
    "contents",
)


def longest_ago(events, cutoff):
    ages = [oracle.days_ago(e, cutoff) * 24 for e in events if e["action"] != "visit"]
    return max(ages, default=None)


def contents_of_one_day(events, cutoff):
    """NULL, like every aggregate that nothing is known to."""
    seen = {e["content"] for e in oracle.within(events, cutoff, 1)}
    return len(seen - {None}) if events else None


CUSTOM = {LONGEST_AGO.name: longest_ago, MAILS_AND_MORE.name: contents_of_one_day}

EVERY_KIND = [
    *(kind(outcome) for kind in (kinds.PastDeals, kinds.DaysSinceDeal)
      for outcome in ("won", "lost")),
    *(kind(action, span) for kind, action, span in product(
        (kinds.Count, kinds.SumValue, kinds.MeanValue), SOME_ACTIONS, SPANS)),
    *(kinds.Faded(action, days) for action, days in product(SOME_ACTIONS, (1, 3, 40))),
    *(kinds.ActiveDays(span, action) for action, span in product(SOME_ACTIONS, SPANS)),
    *(kinds.Count(action, 7, where) for action, where in product((None, ACTIONS[0]), WHERES)),
    *(followed for action, where in product((None, ACTIONS[0]), WHERES[::4]) for followed in (
        kinds.Count(action, None, where), kinds.SumValue(action, 7, where),
        kinds.MeanValue(action, 7, where),
        kinds.DaysSince(action, where), kinds.Decayed(action, 2, 7, where),
        kinds.Faded(action, 7, where), kinds.ActiveDays(3, action, where))),
    *(kinds.DaysSince(action) for action in SOME_ACTIONS),
    *(kinds.Trend(action, span) for action, span in product(SOME_ACTIONS, SPANS[:-1])),
    *(kinds.Decayed(action, half_life, span) for action, half_life, span in product(
        SOME_ACTIONS, (0.5, 14), SPANS)),
    *(kind(span) for kind, span in product(
        (kinds.ActiveDays, kinds.Sessions, kinds.DistinctContent), SPANS)),
    *(kinds.Share(part, span) for part, span in product(("night", "weekend"), SPANS)),
    *(kind(column) for kind, column in product((kinds.First, kinds.Last), ("source", "action"))),
    kinds.Ratio(kinds.SumValue(None, 7), kinds.Count(ACTIONS[0], 7)),
    kinds.Ratio(kinds.DaysSince(ACTIONS[0]), kinds.DaysSince(None)),
    kinds.Ratio(kinds.Count(), kinds.Attribute("employees", text=False)),
    kinds.Ratio(kinds.Ratio(kinds.Count(None, 7), kinds.Count()), kinds.Sessions()),
    OfTitle("seniority", "region", '[["a", ["o clock", "arzt*"]], ["b\'s", ["*0", "ads"]]]'),
    OfTitle("department", "is_eu", '[["yes", ["true"]]]'),
    LONGEST_AGO,
    MAILS_AND_MORE,
]  # fmt: skip


def snapshots_of(rows):
    """Every lead at every cutoff that it was created before."""
    return [
        (lead, cutoff) for cutoff in CUTOFFS for lead in rows.leads if lead["created_at"] < cutoff
    ]


def register(database, snapshots):
    frame = pd.DataFrame(
        [(lead["lead_id"], cutoff) for lead, cutoff in snapshots], columns=["lead_id", "cutoff"]
    ).astype({"cutoff": "datetime64[us]"})
    database.connection.register("asked_for", frame)
    return Snapshots(database, "asked_for")


def is_same(got, expected):
    if expected is None:
        return got is None or got != got
    if isinstance(expected, float):
        return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-9)
    return got == expected


def differences(frame, specs, rows):
    """What a frame of features and the oracle disagree on."""
    events = {lead["lead_id"]: [] for lead in rows.leads}
    for each in rows.events:
        events[each["lead_id"]].append(each)
    leads = {lead["lead_id"]: lead for lead in rows.leads}
    differing = []
    for lead_id, cutoff, *values in frame.itertuples(index=False, name=None):
        for spec, got in zip(specs, values, strict=True):
            of_lead = (leads[lead_id], events[lead_id], cutoff.to_pydatetime())
            expected = oracle.feature(spec, *of_lead, CUSTOM, rows.deals)
            if not is_same(got, expected):
                differing.append(
                    f"{spec.name} of {lead_id!r} at {cutoff}: {got!r}, not {expected!r}"
                )
    return differing


ADVERSARIAL = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking a whole database takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@ADVERSARIAL
@given(databases())
def test_every_feature_equals_the_oracle(rows):
    snapshots = snapshots_of(rows)
    with opened(
        rows.leads, rows.events, rows.deals, ATTRIBUTES, features=dict(SETTINGS)
    ) as database:
        offered = catalog(SETTINGS, database.actions, database.attributes)
        specs = distinct([*offered, *EVERY_KIND])
        registered = register(database, snapshots)
        frame = feature_frame(registered, specs)
        in_sql_order = f"SELECT cutoff, lead_id FROM {registered.relation} ORDER BY cutoff, lead_id"
        ordered = database.connection.execute(in_sql_order).fetchall()
    got = list(zip(frame["cutoff"], frame["lead_id"], strict=True))
    assert got == ordered == sorted((cutoff, lead["lead_id"]) for lead, cutoff in snapshots)
    assert list(frame.columns) == ["lead_id", "cutoff", *(each.name for each in specs)]
    assert differences(frame, specs, rows) == []


@settings(ADVERSARIAL, max_examples=4)
@given(databases(least_leads=6))
def test_chunks_of_leads_change_nothing(rows):
    leaves = compile_specs(EVERY_KIND).leaves
    specs = distinct([*leaves, *EVERY_KIND])
    with opened(
        rows.leads, rows.events, attributes=ATTRIBUTES, features=dict(SETTINGS)
    ) as database:
        registered = register(database, snapshots_of(rows))
        whole = feature_frame(registered, specs)
        queries = [feature_sql(leaves, registered, Chunk(index, 3)) for index in range(3)]
        parts = [database.connection.execute(sql).to_arrow_table().to_pandas() for sql in queries]
        assert 1 < chunk_count(registered, len(specs), SO_LITTLE_GB) < 30
        in_chunks = feature_frame(registered, specs, memory_gb=SO_LITTLE_GB)
    pd.testing.assert_frame_equal(in_chunks, whole, check_exact=True)
    leads_of = [set(part["lead_id"]) for part in parts]
    assert sum(map(len, leads_of)) == len(set.union(*leads_of)) == whole["lead_id"].nunique()
    together = pd.concat(parts).sort_values(["cutoff", "lead_id"], ignore_index=True)
    of_leaves = whole[together.columns]
    pd.testing.assert_frame_equal(together, of_leaves, check_exact=True, check_dtype=False)
