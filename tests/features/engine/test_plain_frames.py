"""Frames that need no reading yield what the database does, to the last bit; others nothing."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.conditions.segments import InSegment
from features.config import Engine, Exclude, Features
from features.contract.database import open_frames
from features.contract.reading import Reading
from features.engine.duckdb_engine import feature_frame
from features.engine.plain_frames import plain_frame
from features.snapshots import Snapshots
from features.spec.kinds import Attribute, DaysSinceDate, PastDeals
from tests.features.every_spec import EVERY_SPEC

CUTOFF = datetime(2026, 3, 1)
READING = Reading(Features(attributes=["country", "budget", "renewal"], leave_out_actions=["bot"]))
OF_LEADS = (Attribute("country", True), Attribute("budget", False), DaysSinceDate("renewal"))


def tables(seed, ids="int64"):
    """Leads of whom some are not open yet, and events with ties, late records, gaps and values that
    end in a half."""
    rng = np.random.default_rng(seed)
    lead_id = pd.Series(rng.permutation(40) + 1).astype(ids)
    before = pd.to_timedelta(rng.integers(-10, 60 * 86_400, 40), unit="s").astype("m8[us]")
    leads = pd.DataFrame(
        {
            "lead_id": lead_id,
            "created_at": pd.Series(np.datetime64(CUTOFF, "us") - before),
            "country": pd.Series(rng.choice(["DE", "AT 11-50", "", None], 40), dtype=object),
            "budget": rng.choice([1.5, 2e6, np.nan], 40),
            "renewal": pd.Series(np.datetime64("2026-06-01", "us") + before).where(before.days > 9),
        }
    )
    hours = pd.to_timedelta(rng.integers(-48, 60 * 24, 900), unit="h").astype("m8[us]")
    occurred = pd.Series(np.datetime64(CUTOFF, "us") - hours)
    late = pd.Series(pd.to_timedelta(rng.integers(0, 72, 900), unit="h").astype("m8[us]"))
    events = pd.DataFrame(
        {
            "lead_id": rng.choice(lead_id, 900),
            "occurred_at": occurred,
            "action": rng.choice(["visit", "chat", "mail", "bot", "ä"], 900),
            "source": pd.Series(rng.choice(["web", "ads", "Ä", None], 900), dtype=object),
            "content": pd.Series(rng.choice([*"abcdef", None], 900), dtype=object),
            "value": rng.choice([0.00005, -0.00015, 12.34565, 7.0, np.nan], 900),
            "recorded_at": (occurred + late).where(rng.random(900) < 0.5),
        }
    )
    events["lead_id"] = events["lead_id"].astype(lead_id.dtype)
    deals = leads[["lead_id"]].assign(closed_at=occurred, outcome="won").iloc[:0]
    return {"leads": leads, "events": events, "deals": deals}


def by_database(frames, specs, reading=READING):
    with open_frames(frames, reading, Engine(), specs) as database:
        return feature_frame(Snapshots.open_at(database, [CUTOFF]), specs)


@pytest.fixture(scope="module")
def specs():
    """Every spec that a plain frame has: features of deals are for the database."""
    frames = tables(0)
    readable = [spec for spec in EVERY_SPEC if not isinstance(spec, InSegment)]
    own = [spec for spec in readable if plain_frame(frames, READING, [spec], CUTOFF) is not None]
    assert len(own) > len(EVERY_SPEC) / 2
    return tuple(dict.fromkeys([*own, *OF_LEADS]))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ids", ["int64", "str"])
def test_as_the_database_has_it(specs, seed, ids):
    frames = tables(seed, ids)
    plain = plain_frame(frames, READING, specs, CUTOFF)
    pd.testing.assert_frame_equal(plain, by_database(frames, specs), check_exact=True)
    as_arrow = {
        name: pa.Table.from_pandas(rows, preserve_index=False) for name, rows in frames.items()
    }
    again = plain_frame(as_arrow, READING, specs, CUTOFF)
    pd.testing.assert_frame_equal(again, plain, check_exact=True)


def test_a_lead_without_events(specs):
    frames = tables(1)
    frames["events"] = frames["events"].iloc[:0]
    plain = plain_frame(frames, READING, specs, CUTOFF)
    pd.testing.assert_frame_equal(plain, by_database(frames, specs), check_exact=True)


CHANGES = {
    "a lead twice": ("leads", lambda t: pd.concat([t, t.iloc[:1]])),
    "no creation": ("leads", lambda t: t.assign(created_at=t["created_at"].where(t.index > 0))),
    "objected": ("leads", lambda t: t.assign(objected_at=t["created_at"])),
    "a number in a text": ("leads", lambda t: t.assign(budget="1,095")),
    "no attribute": ("leads", lambda t: t.drop(columns="country")),
    "no lead of an event": ("leads", lambda t: t.iloc[1:]),
    "lost digits": ("leads", lambda t: t.assign(lead_id="1.2E+16")),
    "a time in a text": ("events", lambda t: t.assign(occurred_at="2026-01-01")),
    "a time with a zone": (
        "events",
        lambda t: t.assign(occurred_at=t["occurred_at"].dt.tz_localize("UTC")),
    ),
    "no action": ("events", lambda t: t.assign(action=t["action"].where(t.index > 0))),
    "infinity": ("events", lambda t: t.assign(value=np.inf)),
    "a column twice": ("events", lambda t: pd.concat([t, t["value"]], axis=1)),
    "other ids": ("events", lambda t: t.assign(lead_id=t["lead_id"].astype(str))),
    "a deal": (
        "deals",
        lambda t: pd.DataFrame({"lead_id": [1], "closed_at": [CUTOFF], "outcome": ["won"]}),
    ),
    "no frame": ("leads", lambda t: t.to_dict("list")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_needs_the_database_is_left_to_it(what):
    frames = tables(2)
    assert plain_frame(frames, READING, OF_LEADS, CUTOFF) is not None
    table, change = CHANGES[what]
    frames[table] = change(frames[table])
    assert plain_frame(frames, READING, OF_LEADS, CUTOFF) is None


def test_settings_and_features_that_need_the_database():
    frames = tables(3)
    excluding = Reading(READING.features, exclude=Exclude(leads={"country": ["DE"]}))
    assert plain_frame(frames, excluding, OF_LEADS, CUTOFF) is None
    assert plain_frame(frames, READING, [PastDeals("won")], CUTOFF) is None
    later = datetime.now() + timedelta(days=9)
    assert plain_frame(frames, READING, OF_LEADS, later) is None
