"""The compiled pass gives what the SQL gives, to the last bit, and what plain Python gives."""

from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest

from features.catalog import catalog
from features.config import load
from features.engine.duckdb_engine import feature_frame
from features.engine.kernel import FOREVER
from features.engine.one_pass import OnePass
from features.engine.plan import plan_of
from features.engine.query import feature_sql
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spec.kinds import (
    ActiveDays,
    Age,
    Attribute,
    Count,
    Custom,
    DaysSince,
    Ratio,
    SumValue,
    Trend,
)
from features.spec.where import Where
from tests.features.lead_databases import at, event, opened

CUTOFF = at("2026-03-02")
LEAD = {"lead_id": 1, "created_at": at("2026-01-05")}
OWN = Custom("oldest", "max(age_us)", "age of the oldest event")


def one_snapshot(lead=1):
    return f"(SELECT {lead} AS lead_id, TIMESTAMP '{CUTOFF}' AS cutoff)"


def test_the_catalog_on_a_simulated_company_equals_the_sql(demo_folder):
    with open_database(load(demo_folder)) as database:
        cutoffs = [database.data_end - timedelta(days=days) for days in (3, 50, 120)]
        snapshots = Snapshots.open_at(database, cutoffs)
        specs = catalog(load(demo_folder).features, database.actions, database.attributes)
        one_pass = OnePass.over(database, specs)
        assert one_pass.by_sql == ()
        (by_pass,) = one_pass.frames(snapshots, 1)
        by_sql = database.query(feature_sql(one_pass.compiled.leaves, snapshots))
    ratios = [spec for spec in specs if isinstance(spec, Ratio)]
    for ratio in ratios:
        over, under = by_sql[ratio.over.name], by_sql[ratio.under.name]
        by_sql[ratio.name] = over / under.where(under != 0)
    assert len(ratios) == 3
    by_sql = by_sql[by_pass.columns]
    assert len(by_pass) > 1_000
    pd.testing.assert_frame_equal(by_pass, by_sql, check_exact=True, check_dtype=False)


def test_the_number_of_threads_changes_nothing(demo_folder):
    frames = []
    with open_database(load(demo_folder)) as database:
        specs = catalog(load(demo_folder).features, database.actions, database.attributes)
        cohort = Snapshots.open_at(database, [database.data_end])
        for threads in (1, 5):
            database.connection.execute(f"SET threads = {threads}")
            frames.append(feature_frame(cohort, specs))
    pd.testing.assert_frame_equal(*frames, check_exact=True)


def test_a_pass_broken_off_or_beside_it_changes_nothing(demo_folder):
    """Three passes over one database: one is left after its first chunk, one goes on beside it."""
    with open_database(load(demo_folder)) as database:
        specs = catalog(load(demo_folder).features, database.actions, database.attributes)
        one_pass = OnePass.over(database, specs)
        earlier, later = (
            Snapshots.open_at(database, [database.data_end - timedelta(days=days)])
            for days in (90, 10)
        )
        expected = list(one_pass.frames(later, 5))
        left = one_pass.frames(earlier, 5)
        next(left)
        other_pass = one_pass.frames(later, 5)
        frames_of_other = [next(other_pass)]
        next(left)
        left.close()
        frames_of_other += other_pass
        again = list(one_pass.frames(later, 5))
        assert not any(database.scratch.glob("*/events*"))
    for frames in (frames_of_other, again):
        for frame, expected_frame in zip(frames, expected, strict=True):
            pd.testing.assert_frame_equal(frame, expected_frame, check_exact=True)


def test_what_the_pass_does_not_know_comes_from_sql_and_stands_in_its_place():
    events = [event(1, at("2026-03-01")), event(1, at("2026-02-01"), "mail", content="/a")]
    of_a = Count(None, None, Where(content="/a"))
    specs = [OWN, Count(), of_a, Ratio(Count(), OWN), Ratio(Count(), of_a), ActiveDays(7, "visit")]
    with opened([LEAD], events) as database:
        assert OnePass.over(database, specs).by_sql == (OWN, of_a, ActiveDays(7, "visit"))
        frame = feature_frame(Snapshots(database, one_snapshot()), specs)
    assert list(frame.columns) == ["lead_id", "cutoff", *(spec.name for spec in specs)]
    oldest = timedelta(days=29) / timedelta(microseconds=1)
    assert frame.iloc[0, 2:].tolist() == [oldest, 2, 1, 2 / oldest, 2, 1]


def test_sums_beyond_64_bits_are_exact():
    """Ten values near the greatest one, in ten-thousandths: 9e19, beyond 2**63."""
    values = [9e14 - place for place in range(10)] + [-1.5]
    days = [at("2026-01-10") + timedelta(days=place) for place in range(11)]
    events = [event(1, day, value=value) for day, value in zip(days, values, strict=True)]
    with opened([LEAD], events) as database:
        frame = feature_frame(Snapshots(database, one_snapshot()), [SumValue()])
    exact = sum(round(value * 10_000) for value in values)
    assert exact > 2**63
    assert frame["value_all"].tolist() == [float(exact) / 10_000]


@pytest.mark.parametrize("events", [[], [event(1, at("2026-03-05"))]])
def test_nothing_known_is_zero_or_null(events):
    specs = [Count(), SumValue(), DaysSince(), Trend(None, 7), Ratio(Count(), Count()), Age()]
    with opened([LEAD], events or [event(1, at("2026-03-02"))]) as database:
        frame = feature_frame(Snapshots(database, one_snapshot()), specs)
    assert frame.iloc[0, 2:4].tolist() == [0, 0]
    assert frame.iloc[0, 4:7].isna().all()
    assert frame.iloc[0, 7] == 56


def test_no_snapshot_is_an_empty_frame():
    with opened([LEAD], [event(1, at("2026-03-01"))]) as database:
        frame = feature_frame(
            Snapshots(database, f"(FROM {one_snapshot()} WHERE false)"), [Count()]
        )
    assert list(frame.columns) == ["lead_id", "cutoff", "count_all"]
    assert frame.empty


def test_a_numeric_attribute_can_stand_in_a_ratio_only():
    lead = LEAD | {"staff": 4}
    ratio = Ratio(Count(), Attribute("staff", text=False))
    with opened(
        [lead],
        [event(1, at("2026-03-01"))],
        attributes={"staff": pa.int64()},
        features={"attributes": ["staff"]},
    ) as database:
        frame = feature_frame(Snapshots(database, one_snapshot()), [ratio])
    assert frame.iloc[0, 2:].tolist() == [0.25]


def test_windows_of_the_plan_hold_each_other():
    read = [spec.cells for spec in (Count("a", 30), Trend("a", 7), Count("b"))]
    plan = plan_of(dict(enumerate(read)), ["a", "b"])
    days = plan.windows[:-1] // 86_400_000_000
    assert days.tolist() == [7, 14, 30]
    assert plan.windows[-1] == FOREVER
