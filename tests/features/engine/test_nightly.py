"""What is carried on from the night before equals what is measured anew, in every value and bit."""

import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.catalog import catalog, distinct
from features.config import load
from features.contract.database import open_database
from features.engine.duckdb_engine import feature_frame
from features.engine.nightly import Nightly, reach_days
from features.snapshots import cohort_sql
from features.spec import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    Decayed,
    First,
    InSegment,
    Ratio,
    Trend,
)
from tests.features.adversarial import ATTRIBUTES, databases
from tests.features.every_spec import EVERY_SPEC
from tests.features.lead_databases import at, event, opened

DAY = timedelta(days=1)
# Those that look back 17 days at most, or forever, so that within weeks leads are settled.
REACH = {
    spec: reach_days([spec]) for spec in EVERY_SPEC if not isinstance(spec, Attribute | InSegment)
}
SHORT = [spec for spec, reach in REACH.items() if reach is not None and reach <= 17]
MORE = [Ratio(Count(), Age()), Ratio(ActiveDays(), Count("visit", 7)), Attribute("region", True)]
SPECS = distinct([*SHORT[::4], *MORE, Attribute("employees", False)])
ATTRIBUTED = {"attributes": list(ATTRIBUTES)}
SLOW = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def both(database, cutoff, kept, specs=SPECS):
    """The frame of a night, the same measured anew, and how many leads the night carried on."""
    sql = cohort_sql([cutoff])
    database.connection.execute(f"CREATE OR REPLACE TABLE snapshots AS {sql}")
    nightly = Nightly(database, specs, cutoff, kept)
    frames = list(nightly.frames("snapshots", 4))
    frame = pd.concat(frames).sort_values("lead_id", ignore_index=True)
    return frame, feature_frame(database, specs, "snapshots"), nightly.carried


def equal(frame, anew):
    pd.testing.assert_frame_equal(frame, anew, check_exact=True)


@SLOW
@given(databases(), st.lists(st.integers(0, 40), min_size=3, max_size=4), st.data())
def test_every_night_equals_a_full_run(rows, days, data):
    """Nights in order, leads closing in between, and before the last one a deed gone missing."""
    cutoffs = sorted(at("2026-03-03") + DAY * day for day in days)
    with tempfile.TemporaryDirectory() as folder:
        kept, carried = Path(folder) / "kept.parquet", 0
        for night, cutoff in enumerate(cutoffs):
            events = rows.events
            if night == len(cutoffs) - 1:
                gone = data.draw(st.integers(0, len(events) - 1))
                events = events[:gone] + events[gone + 1 :]
            with opened(
                rows.leads, events, rows.deals, attributes=ATTRIBUTES, features=ATTRIBUTED
            ) as database:
                frame, anew, spared = both(database, cutoff, kept)
            equal(frame, anew)
            carried += spared


def test_nights_of_a_simulated_company(demo_folder, tmp_path):
    config = load(demo_folder)
    settings = config.features.model_copy(update={"windows_days": [7, 14], "half_life_days": 0.5})
    spared = []
    with open_database(config) as database:
        specs = catalog(settings, database.actions, database.attributes)
        for days in (60, 59, 40):
            cutoff = database.data_end - DAY * days
            frame, anew, carried = both(database, cutoff, tmp_path / "kept.parquet", specs)
            equal(frame, anew)
            spared.append(carried / len(frame))
    assert spared[0] == 0
    assert min(spared[1:]) > 0.2


LEADS = [
    {"lead_id": 1, "created_at": at("2026-01-05 10:00"), "region": "north"},
    {"lead_id": 2, "created_at": at("2026-01-06"), "region": "south"},
    {"lead_id": 3, "created_at": at("2026-01-07"), "region": "south"},
]
EVENTS = [event(1, at("2026-01-05 11:00")), event(2, at("2026-02-27"), source="ads")]
FEW = (Count("visit", 7), Count(), DaysSince(), Age(), First("source"), Attribute("region", True))
NIGHT = at("2026-03-02")


def a_night(kept, cutoff=NIGHT, leads=LEADS, events=EVENTS, specs=FEW):
    """How many leads were spared; the frame is held against one measured anew."""
    with opened(
        leads,
        events,
        attributes={"region": ATTRIBUTES["region"]},
        features={"attributes": ["region"]},
    ) as database:
        frame, anew, spared = both(database, cutoff, kept, specs)
    equal(frame, anew)
    return spared


@pytest.fixture
def kept(tmp_path):
    """Kept after the first night: leads 1 and 3 are settled, lead 2 was seen three days ago."""
    path = tmp_path / "out" / "nightly.parquet"
    assert a_night(path) == 0
    return path


def test_the_settled_are_spared(kept):
    assert a_night(kept, NIGHT + DAY) == 2
    assert a_night(kept, NIGHT + 4 * DAY) == 2
    # A deed of 2026-02-27 00:00 is in [cutoff - 7 d, cutoff) up to the cutoff 2026-03-06 00:00.
    assert a_night(kept, NIGHT + 5 * DAY) == 2
    assert a_night(kept, NIGHT + 6 * DAY) == 3


def test_a_new_deed_is_seen(kept):
    assert a_night(kept, NIGHT + DAY, events=[*EVENTS, event(3, at("2026-03-02 09:00"))]) == 1


def test_a_deed_entered_late_is_seen(kept):
    late = event(1, at("2026-01-20"), recorded_at=at("2026-03-02 15:00"))
    assert a_night(kept, NIGHT + DAY, events=[*EVENTS, late]) == 1
    assert a_night(kept, NIGHT + 2 * DAY, events=[*EVENTS, late]) == 2


def test_a_deed_changed_or_gone_is_seen(kept):
    changed = [EVENTS[0] | {"source": "fair"}, EVENTS[1]]
    assert a_night(kept, NIGHT + DAY, events=changed) == 1
    assert a_night(kept, NIGHT + 2 * DAY, events=EVENTS[1:]) == 1


def test_a_changed_row_of_the_lead_is_seen(kept):
    moved = [LEADS[0] | {"region": "east"}, LEADS[1], LEADS[2] | {"created_at": at("2026-01-08")}]
    assert a_night(kept, NIGHT + DAY, leads=moved) == 0


def test_new_leads_come_in(kept):
    more = [*LEADS, {"lead_id": 4, "created_at": at("2026-03-02 12:00"), "region": None}]
    assert a_night(kept, NIGHT + DAY, leads=more) == 2
    assert a_night(kept, NIGHT + 2 * DAY, leads=more) == 3


@pytest.mark.parametrize(
    "night",
    [
        {"specs": (*FEW, Count("mail", 7))},
        {"specs": (*FEW, Custom("oldest", "max(age_us)", "age of the oldest deed"))},
        {"cutoff": NIGHT - DAY},
    ],
)
def test_other_features_or_an_earlier_cutoff_carry_nothing_on(kept, night):
    assert a_night(kept, **{"cutoff": NIGHT + DAY} | night) == 0


def test_how_long_a_lead_must_be_silent_is_told(tmp_path):
    fading = Ratio(Decayed("visit", 30), Age())
    with opened(LEADS, EVENTS) as database:
        told = [
            Nightly(database, specs, NIGHT, tmp_path / "kept").silence
            for specs in (FEW, (*FEW, fading), (*FEW, Custom("oldest", "max(age_us)", "oldest")))
        ]
    assert told == [7, 1_020, None]


@pytest.mark.parametrize("bad", [b"", b"not Parquet"])
def test_what_cannot_be_read_is_made_anew(kept, bad):
    kept.write_bytes(bad)
    assert a_night(kept, NIGHT + DAY) == 0
    assert a_night(kept, NIGHT + DAY) == 2


def test_a_night_that_breaks_off_leaves_the_file_as_it_was(kept):
    before = kept.read_bytes()
    with opened(LEADS, EVENTS) as database:
        database.connection.execute(f"CREATE TABLE snapshots AS {cohort_sql([NIGHT + DAY])}")
        frames = Nightly(database, FEW[:4], NIGHT + DAY, kept).frames("snapshots", 4)
        next(frames)
        frames.close()
    assert kept.read_bytes() == before
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]


def test_the_clock_is_exact_over_a_thousand_nights(tmp_path):
    """Days since, carried on night by night, are those of whole microseconds."""
    kept = tmp_path / "kept.parquet"
    moment = datetime(2026, 1, 5, 11, 3, 7, 123_457)
    with opened(LEADS[:1], [event(1, moment)]) as database:
        for night in range(0, 1_000, 37):
            cutoff = NIGHT + DAY * night + timedelta(microseconds=night)
            frame, _, _ = both(database, cutoff, kept, (DaysSince(), Age()))
            expected = (cutoff - moment) // timedelta(microseconds=1) / 86_400_000_000
            assert frame["days_since"].tolist() == [expected]


def test_how_far_features_look_back():
    assert reach_days([Count(), Count("a", 30), Age()]) == 30
    assert reach_days([Trend("a", 30)]) == 60
    assert reach_days([Ratio(Count("a", 90), Age())]) == 90
    faded = np.rint(0.5 ** np.array([33.0, 34.0]) * 2**32)
    assert faded.tolist() == [0.0, 0.0]
