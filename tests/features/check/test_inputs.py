"""What a database held at its training is stored; what differs later is named, chance is not."""

import json
from dataclasses import asdict
from datetime import timedelta

import pyarrow as pa
import pytest

from features.check.inputs import Column, Inputs, Names, changed_columns, inputs_at, listed
from tests.features.lead_databases import at, event, opened

CUTOFF = at("2026-03-01")


def database(kind="int64", size=lambda n: n % 7):
    """250 leads, an hour apart up to the cutoff, the newest with the highest number; each with an
    event an hour before the cutoff, those of `old` done in January only."""
    leads = [
        {
            "lead_id": n,
            "created_at": CUTOFF - timedelta(hours=250 - n),
            "source": "ads" if n % 4 else None,
            "size": size(n),
        }
        for n in range(250)
    ]
    events = [
        event(n, CUTOFF - timedelta(hours=1), ("seen", "sent", "sent")[n % 3], source="web")
        for n in range(240)
    ]
    events += [event(1, at("2026-01-05"), "old"), event(1, CUTOFF, "after")]
    features = {"attributes": ["size"]}
    return opened(leads, events, (), {"size": pa.type_for_alias(kind)}, features=features)


def seen(**how):
    with database(**how) as opened_database:
        return inputs_at(opened_database, CUTOFF)


def test_what_is_recorded():
    inputs = seen()
    shares = {"sent": pytest.approx(2 / 3), "seen": pytest.approx(1 / 3), "old": 0, "after": 0}
    assert inputs.actions == Names(240, shares)
    assert inputs.sources == Names(240, {"web": 1.0})
    assert inputs.arrivals == Names(200, {"ads": 0.75})
    assert (inputs.leads, inputs.columns) == (200, {"size": Column("number", 0.0)})


def test_it_is_stored_and_read_back():
    inputs = seen()
    assert Inputs.from_dict(json.loads(json.dumps(asdict(inputs)))) == inputs


def test_a_number_that_arrives_as_text_is_named():
    then, now = seen(), seen(kind="string", size=lambda n: f"1,{n:03}")
    assert changed_columns(then, now) == {"size": "learnt as a number, arrives as a text"}


def test_another_share_of_nulls_is_named_if_it_is_large_and_no_chance():
    then = seen()
    third, sixth = (seen(size=lambda n, k=k: None if n % k == 0 else n) for k in (3, 6))
    (change,) = changed_columns(then, third).values()
    assert "33%" in change or "34%" in change
    assert changed_columns(then, sixth) == {}  # 17 points
    few = Inputs(then.actions, then.sources, then.arrivals, 5, {"size": Column("number", 0.4)})
    assert changed_columns(then, few) == {}


def test_a_frequent_name_that_vanished():
    then = Names(1000, {"seen": 0.6, "sent": 0.3, "asked": 0.1, "old": 0.0})
    assert then.vanished(Names(200, {"seen": 1.0})) == {"sent": 0.3, "asked": 0.1}  # 60, 20
    assert then.vanished(Names(199, {"seen": 1.0})) == {"sent": 0.3}  # of asked 19.9 were expected
    assert then.vanished(Names(200, {"seen": 0.99, "sent": 0.005, "asked": 0.005})) == {}
    assert then.vanished(Names(200, {"seen": 1.0, "sent": 0.0})) == {"sent": 0.3, "asked": 0.1}


def test_unknown_names():
    names = Names(240, {"seen": 0.25, "sent": 0.5, "new": 0.25, "gone": 0.0})
    assert names.unknown({"seen"}) == {"sent": 0.5, "new": 0.25}
    assert list(names.unknown({"seen"})) == ["sent", "new"]
    assert Names(19, names.shares).unknown({"seen"}) == {}  # too few to say
    assert listed({"a\u200b": 1.0}) == r"'a\u200b' (100%)"
