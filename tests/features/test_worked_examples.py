"""Features worked out by hand, so that the oracle too is held against something.

One lead, created 2026-02-20 00:00, seen from Monday 2026-03-02 00:00.
"""

import pytest

from features.engine.duckdb_engine import feature_frame
from features.snapshots import Snapshots
from features.spec.kinds import (
    ActiveDays,
    Age,
    Count,
    DaysSince,
    Decayed,
    DistinctContent,
    First,
    Last,
    Ratio,
    Sessions,
    Share,
    SumValue,
    Trend,
)
from tests.features.lead_databases import MICROSECOND, at, event, opened

CUTOFF = at("2026-03-02")
LEAD = {"lead_id": 1, "created_at": at("2026-02-20")}
VISITS = [
    event(1, at("2026-02-20 10:00"), "mail", source="ads", value=0.1),
    event(1, at("2026-02-23") - MICROSECOND, source=None),  # Sunday night, just outside 7 days
    event(1, at("2026-02-23"), source="web", content="/pricing", value=0.2),  # 7 days sharp
    event(1, at("2026-02-27 21:59:59"), source="web", content="/pricing"),  # Friday evening
    event(1, at("2026-02-27 22:00"), "mail", content="offer", value=float("nan")),
    event(1, at("2026-02-28 06:00"), source="Web", content="/"),  # Saturday morning
    event(1, at("2026-02-28 06:00"), "mail", source="fax"),  # at the same instant
    event(1, at("2026-03-01 12:00"), source=None, value=-1.5),  # Sunday noon
]


EXAMPLES = [
    (Count(), 8),
    (Count(None, 7), 6),
    (Count("visit", 7), 4),
    (Count("mail", 1), 0),
    (DaysSince(), 0.5),
    (DaysSince("mail"), 1.75),
    (DaysSince("call"), None),
    (ActiveDays(7), 4),  # 23, 27, 28 February, 1 March
    (ActiveDays(), 6),
    # 20th 10:00, 22nd midnight less a microsecond (with it the 23rd), 27th 21:59:59 (with it
    # 22:00), 28th 6:00, 1st 12:00
    (Sessions(), 5),
    (Sessions(7), 3),  # the visit of the 23rd began on the 22nd
    (First("source"), "ads"),
    (Last("source"), "fax"),  # at one instant "Web" < "fax": capitals come first
    (First("action"), "mail"),
    (Last("action"), "visit"),
    (Trend(None, 7), 6 / 8),
    (Trend("mail", 2), 1 / 2),
    (Trend("call", 7), None),
    (Share("night", 7), 2 / 6),  # 0:00 and 22:00; not 21:59:59, not 6:00
    (Share("weekend", 7), 3 / 6),
    (Share("weekend"), 4 / 8),
    (DistinctContent(7), 3),
    (DistinctContent(1), 0),
    (Decayed("visit", 3.5, 1), 0.5 ** (1 / 7)),  # only the visit half a day ago
    (Decayed("visit", 3.5, 7), 0.25 + 0.5 ** (180_001 / 302_400) + 0.5**0.5 + 0.5 ** (1 / 7)),
    (SumValue(), -1.2),
    (SumValue("mail"), 0.1),
    (SumValue("mail", 7), 0),
    (Age(), 10),
    (Ratio(Count(), Age()), 0.8),
    (Ratio(Count(), Count("call")), None),
    (Ratio(DaysSince("call"), Count()), None),
]


@pytest.fixture(scope="module")
def measured():
    with opened([LEAD], VISITS) as database:
        snapshot = f"(SELECT 1::BIGINT AS lead_id, TIMESTAMP '{CUTOFF}' AS cutoff)"
        frame = feature_frame(Snapshots(database, snapshot), [spec for spec, _ in EXAMPLES])
    return frame.iloc[0]


@pytest.mark.parametrize(("spec", "expected"), EXAMPLES)
def test_worked_by_hand(measured, spec, expected):
    value = measured[spec.name]
    if isinstance(expected, float):
        assert value == pytest.approx(expected, rel=1e-9, abs=1e-9)
    elif expected is None:
        assert value is None or value != value
    else:
        assert value == expected
