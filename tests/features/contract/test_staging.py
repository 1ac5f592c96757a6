"""Whatever the types of a user's tables, they arrive in the contract's own."""

from datetime import UTC, datetime
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pytest

from features.config import Engine
from features.contract.database import open_frames
from features.contract.reading import Reading
from features.engine.duckdb_engine import feature_frame
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spec.kinds import Attribute, Count, SumValue, attribute_feature
from tests.features.lead_databases import (
    COLUMNS,
    DEALS,
    EVENTS,
    LEADS,
    at,
    config_for,
    event,
    opened,
    refusal,
    staged_events,
    write_database,
    write_table,
)

pytestmark = pytest.mark.slow  # the compiled pass
LATER = at("2026-02-02")


def test_times_with_an_offset_become_utc(folder):
    (folder / "events.csv").write_text(
        "lead_id,occurred_at,action,recorded_at\n"
        "7,2026-01-04 01:30:00+02:00,visit,2026-01-04T00:00:00Z\n"
        "7,2026-01-05 00:00:00-05:00,visit,\n"
    )
    times = [(row[1], row[6]) for row in staged_events(folder, events="events.csv")]
    assert times == [
        (at("2026-01-03 23:30"), at("2026-01-04")),
        (at("2026-01-05 05:00"), None),
    ]


def test_texts_with_and_without_an_offset_in_one_column(folder):
    query = (
        "SELECT '7' AS lead_id, 'visit' AS action, unnest(['2026-01-04 01:30:00+02:00', "
        "'2026-01-05 06:00', '2026-01-06', 'soon']) AS occurred_at"
    )
    times = [row[1] for row in staged_events(folder, events=query)]
    assert times == [at("2026-01-03 23:30"), at("2026-01-05 06:00"), at("2026-01-06"), None]


MOMENT = datetime(2026, 1, 4, 12, 0, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("arrow_type", "expected"),
    [
        (pa.timestamp("us", "America/New_York"), at("2026-01-04 12:00:00.000001")),
        (pa.timestamp("us", "UTC"), at("2026-01-04 12:00:00.000001")),
        (pa.timestamp("ns"), at("2026-01-04 12:00:00.000001")),
        (pa.timestamp("ns", "UTC"), at("2026-01-04 12:00:00.000001")),
        (pa.timestamp("ms"), at("2026-01-04 12:00")),
        (pa.timestamp("s"), at("2026-01-04 12:00")),
        (pa.date32(), at("2026-01-04")),
    ],
)
def test_every_type_of_time(folder, arrow_type, expected):
    """Parquet from pandas (ns), Spark (with a zone) or a calendar (dates)."""
    moment = pa.array([MOMENT], pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    zoned = getattr(arrow_type, "tz", None)
    source = pa.array([MOMENT], pa.timestamp("us", "UTC")) if zoned else moment
    column = source.cast(arrow_type, safe=False).to_pylist()
    row = {"lead_id": "7", "occurred_at": column[0], "action": "visit"}
    columns = {"occurred_at": arrow_type, "action": pa.string()}
    write_table(folder / "events.parquet", [row], columns, pa.string())
    assert [event[1] for event in staged_events(folder)] == [expected]


@pytest.mark.parametrize(
    ("lead_ids", "event_ids", "staged"),
    [
        (pa.int32(), pa.int64(), [7]),
        (pa.int64(), pa.string(), ["7"]),
        (pa.string(), pa.int64(), ["7"]),
        (pa.string(), pa.string(), ["7"]),
        (pa.uint16(), pa.int8(), [7]),
    ],
)
def test_ids_meet_whatever_their_types(tmp_path, lead_ids, event_ids, staged):
    """All integers stay integers; any text makes all of them text."""
    an_id = {True: "7", False: 7}
    rows = {
        "leads": [{"created_at": at("2026-01-01")}],
        "events": [event(None, at("2026-01-04"))],
        "deals": [],
    }
    types = {"leads": lead_ids, "events": event_ids, "deals": pa.int64()}
    for table, kind in types.items():
        given = [row | {"lead_id": an_id[pa.types.is_string(kind)]} for row in rows[table]]
        write_table(tmp_path / f"{table}.parquet", given, COLUMNS[table], kind)
    snapshots = f"(SELECT lead_id, TIMESTAMP '{LATER}' AS cutoff FROM leads)"
    with open_database(config_for(tmp_path)) as database:
        frame = feature_frame(Snapshots(database, snapshots), [Count()])
    assert frame["lead_id"].tolist() == staged
    assert frame["count_all"].tolist() == [1]


def test_integers_beside_a_missing_id_still_meet(tmp_path):
    """pandas keeps such a column as floats: 7.0."""
    leads = [{"lead_id": 7, "created_at": at("2026-01-01")}]
    write_database(tmp_path, leads, [])
    events = [event(7.0, at("2026-01-04")), event(None, at("2026-01-04"))]
    write_table(tmp_path / "events.parquet", events, COLUMNS["events"], pa.float64())
    snapshots = f"(SELECT lead_id, TIMESTAMP '{LATER}' AS cutoff FROM leads)"
    with open_database(config_for(tmp_path)) as database:
        assert feature_frame(Snapshots(database, snapshots), [Count()])["count_all"].tolist() == [1]


def test_nan_and_infinity_are_no_values():
    values = [float("nan"), float("inf"), float("-inf"), 2.5, None]
    events = [event("7", at("2026-01-04"), value=value) for value in values]
    snapshots = f"(SELECT '7' AS lead_id, TIMESTAMP '{LATER}' AS cutoff)"
    with opened(LEADS, events) as database:
        staged = database.connection.execute("SELECT value FROM events").fetchall()
        frame = feature_frame(Snapshots(database, snapshots), [SumValue()])
    assert sorted(staged, key=str) == [(2.5,), (None,), (None,), (None,), (None,)]
    assert frame["value_all"].tolist() == [2.5]


def test_an_action_that_is_left_out_is_gone_from_everything():
    """Its time still tells how far the data reach: they were seen until then."""
    decided = [event("7", at("2026-01-20"), "decision's made"), event("7", at("2026-01-21"), "odd")]
    snapshots = f"(SELECT '7' AS lead_id, TIMESTAMP '{LATER}' AS cutoff)"
    left_out = ["decision's made", "odd", "never seen"]
    with opened(LEADS, EVENTS + decided, features={"leave_out_actions": left_out}) as database:
        assert database.actions == ("mail", "visit")
        assert database.data_end == at("2026-01-21")
        frame = feature_frame(
            Snapshots(database, snapshots), [Count(), Count("odd"), Count("decision's made")]
        )
    assert frame.iloc[0, 2:].tolist() == [1, 0, 0]


def test_actions_are_listed_most_frequent_first():
    names = ["b", "a", "c", "c"]
    with opened(LEADS, [event("7", at("2026-01-04"), name) for name in names]) as database:
        assert database.actions == ("c", "a", "b")


def test_attributes_are_only_what_is_listed_and_known():
    leads = [LEADS[0] | {"region": "north", "staff": 3, "source": "ads"}]
    types = {"region": pa.string(), "staff": pa.int32()}
    listed = {"attributes": ["staff", "source"]}
    with opened(leads, [], attributes=types, features=listed) as database:
        assert database.attributes == {"staff": "number", "source": "text"}
        specs = [attribute_feature(name, kind) for name, kind in database.attributes.items()]
        snapshots = f"(SELECT '007' AS lead_id, TIMESTAMP '{LATER}' AS cutoff)"
        frame = feature_frame(Snapshots(database, snapshots), specs)
        assert "region" not in database.query("FROM leads").columns
    assert frame.iloc[0, 2:].tolist() == [3, "ads"]


def test_an_attribute_that_leads_do_not_have(folder):
    message = refusal(folder, features={"attributes": ["region", "source"]})
    assert message == (
        "features.attributes lists region, which the table leads does not have. "
        "It has: lead_id, created_at, source."
    )


def test_an_attribute_may_be_called_what_it_likes():
    """Even like a column of the query that computes it."""
    names = ["cutoff", "snapshot", "known_at", "s", 'a "b"', "count_all"]
    leads = [LEADS[0] | {name: f"its {name}" for name in names}]
    types = dict.fromkeys(names, pa.string())
    snapshots = f"(SELECT '007' AS lead_id, TIMESTAMP '{LATER}' AS cutoff)"
    specs = [Count(), *(Attribute(name, text=True) for name in names)]
    with opened(leads, [], attributes=types, features={"attributes": names}) as database:
        frame = feature_frame(Snapshots(database, snapshots), specs)
    assert frame.iloc[0, 2:].tolist() == [0, *(f"its {name}" for name in names)]


@pytest.mark.parametrize(
    ("arrow_type", "value", "kind"),
    [
        (pa.string(), "x", "text"),
        (pa.bool_(), True, "text"),
        (pa.dictionary(pa.int8(), pa.string()), "x", "text"),
        (pa.uint8(), 3, "number"),
        (pa.float32(), 0.5, "number"),
        (pa.decimal128(9, 2), Decimal("0.50"), "number"),
        (pa.timestamp("us"), at("2026-01-01"), "date"),
        (pa.timestamp("us", "UTC"), at("2026-01-01"), "date"),
        (pa.date32(), at("2026-01-01").date(), "date"),
        (pa.list_(pa.int64()), [1], None),
        (pa.binary(), b"x", None),
    ],
)
def test_an_attribute_is_text_a_number_a_date_or_refused(tmp_path, arrow_type, value, kind):
    write_database(tmp_path, [LEADS[0] | {"it": value}], [], [], {"it": arrow_type})
    listed = {"attributes": ["it"]}
    if kind is None:
        message = refusal(tmp_path, features=listed)
        assert message.startswith("features.attributes lists it, which is a ")
    else:
        with open_database(config_for(tmp_path, features=listed)) as database:
            assert database.attributes == {"it": kind}


def test_the_end_of_the_data_is_its_latest_time_or_as_configured():
    late = [event("7", at("2026-01-04"), recorded_at=at("2026-03-01"))]
    with opened(LEADS, late, DEALS) as database:
        assert database.data_end == at("2026-03-01")
    with opened(LEADS, late, DEALS, time={"data_end": at("2026-01-31")}) as database:
        assert database.data_end == at("2026-01-31")


def test_a_planned_time_does_not_move_the_end_of_the_data():
    """Else every label would look mature, and an open deal lost."""
    planned = [
        event("7", at("2026-01-04")),
        event("7", at("2999-01-01")),
        event("7", at("9999-01-01")),
    ]
    never = [{"lead_id": "7", "closed_at": at("9999-12-31"), "outcome": "lost"}]
    with opened(LEADS, planned, never) as database:
        assert database.data_end == at("2026-01-04")


@pytest.mark.parametrize("never", ["infinity", "-infinity", "99999-01-01", "44-03-15 (BC)"])
@pytest.mark.parametrize("kind", ["VARCHAR", "TIMESTAMP", "TIMESTAMPTZ"])
def test_a_time_beyond_every_calendar_is_no_time(folder, never, kind):
    query = (
        f"SELECT '7' AS lead_id, 'visit' AS action, '{never}'::{kind} AS recorded_at, "
        "TIMESTAMP '2026-01-04' AS occurred_at"
    )
    assert [row[6] for row in staged_events(folder, events=query)] == [None]


def test_a_database_without_any_time_is_refused(tmp_path):
    write_database(tmp_path, [], [], [])
    assert "no readable time at all" in refusal(tmp_path)


def test_nothing_is_left_behind():
    with opened(LEADS, EVENTS) as database:
        scratch = database.scratch
        assert scratch.is_dir()
    assert not scratch.exists()


def test_frames_give_what_files_give(folder):
    """The same rows in pandas, deals not known."""
    names = ["leads", "events"]
    frames = {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}
    snapshots = f"(SELECT lead_id, TIMESTAMP '{LATER}' AS cutoff FROM leads)"
    specs = [Count(), SumValue(), Count("mail", 30)]
    with open_database(config_for(folder)) as database:
        of_files = feature_frame(Snapshots(database, snapshots), specs)
    with open_frames(frames, Reading(), Engine()) as database:
        of_frames = feature_frame(Snapshots(database, snapshots), specs)
        assert database.value("SELECT count(*) FROM deals") == 0
    pd.testing.assert_frame_equal(of_frames, of_files, check_exact=True)


def test_a_digest_tells_the_rows_not_their_order():
    def digest(events):
        with opened(LEADS, events) as database:
            return database.digests()["events"]

    assert digest(EVENTS) == digest(EVENTS[::-1])
    assert digest(EVENTS) != digest(EVENTS * 2)
    assert digest(EVENTS) != digest([EVENTS[0], EVENTS[1] | {"content": None}])
    assert digest(EVENTS).rows == 2
    assert str(digest(EVENTS)).startswith("2 rows ")
