"""What is written only later is found at the data end; what is planned or done in time is not.

Worked by hand, of an action: 40 leads met on 1 June, half of them closed 10 days after it and half
60. 20 leads met on 11 December, 20 days before the data end: half of them should still be open.
"""

import numpy as np
import pandas as pd
import pytest

from benchmarks.audit import audited
from benchmarks.audit_plants import Frames
from features.audit.audit import audit
from features.audit.data_end import too_few
from tests.features.lead_databases import at, config_for, event, opened

END = pd.Timestamp("2025-12-31")


def met(still_open, visitors_open):
    """The findings where so many of the 20 recent leads that met are still open, and so many of 60
    others of that time, which only visited. The rest of them is closed after 10 days."""
    leads, events, deals = [], [], []

    def add(action, day, lives):
        for days in lives:
            lead = len(leads)
            leads.append({"lead_id": lead, "created_at": at(day) - pd.Timedelta("30D")})
            events.append(event(lead, at(day), action))
            if days is not None:
                closed, outcome = at(day) + pd.Timedelta(days=days), ("won", "lost")[lead // 2 % 2]
                deals.append({"lead_id": lead, "closed_at": closed, "outcome": outcome})

    add("meeting", "2025-06-01", [10, 60] * 20)
    add("visit", "2025-06-01", [10, 60] * 30)
    add("meeting", "2025-12-11", [None] * still_open + [10] * (20 - still_open))
    add("visit", "2025-12-11", [None] * visitors_open + [10] * (60 - visitors_open))
    events.append(event(0, END, "the data end"))
    with opened(leads, events, deals) as database:
        findings = audit(database, config_for("."), [], None, ())
    return [each for each in findings if each.kind == "closed_only"]


def test_meetings_that_are_written_down_at_the_closing():
    (finding,) = met(still_open=0, visitors_open=30)
    assert finding.code == "closed_only(meeting)"
    assert finding.figures == {"leads": 20, "open": 0, "expected": pytest.approx(10)}


@pytest.mark.parametrize(
    ("still_open", "visitors_open"),
    [
        (10, 30),  # as many as expected
        (5, 30),  # fewer, as may be chance
        (0, 0),  # old deals were cleaned up, whatever the lead did
        (0, 3),
    ],
)
def test_meetings_that_are_written_down_in_time(still_open, visitors_open):
    assert met(still_open, visitors_open) == []


def test_too_few_is_rare_where_the_number_is_chance():
    rng = np.random.default_rng(3)
    for mean in (5, 8, 12, 30):
        assert np.mean([too_few(n, mean) for n in rng.poisson(mean, 5_000)]) < 0.001


BORN = pd.Series(pd.date_range("2024-01-01 10:00", periods=500, freq="D"))
ENDS = BORN.max()
RNG = np.random.default_rng(5)
CLOSED = BORN + pd.to_timedelta(RNG.integers(5, 120, len(BORN)), "D")
PLANNED = BORN + pd.to_timedelta(np.resize([30, 200], len(BORN)), "D")
OPEN = CLOSED > ENDS
LATER = ENDS + pd.to_timedelta(RNG.integers(1, 90, len(BORN)), "D")
DAY = pd.Timedelta("1D")

WRITTEN_LATER = {
    "recorded when it happened": PLANNED.where(PLANNED <= ENDS),
    "exported three days after": PLANNED.where(PLANNED <= ENDS, ENDS + 3 * DAY),
    "expected closing, corrected": CLOSED.where(~OPEN, LATER),
    "next step, a week from the closing": CLOSED.where(~OPEN, LATER)
    + pd.Series(pd.to_timedelta(RNG.integers(-7, 8, len(BORN)), "D")),
    "days open": ((CLOSED.where(~OPEN, ENDS) - BORN) / DAY).round(),
}
KNOWN_BEFORE = {
    "planned": PLANNED,
    "some in the past": PLANNED - 100 * DAY,
    "end of a trial": BORN + 30 * DAY,
    "one day for all": pd.Series(pd.Timestamp("2025-03-01"), BORN.index),
    "founded": BORN - pd.to_timedelta(RNG.integers(100, 9_000, len(BORN)), "D"),
    "confirmed within days": BORN + pd.to_timedelta(RNG.exponential(1, len(BORN)), "D"),
    "employees": pd.Series(RNG.integers(1, 300, len(BORN)).astype(float)),
    "rises with time": pd.Series(np.arange(len(BORN)) // 7, dtype=float),
    "the same for all": pd.Series(30.0, BORN.index),
}


def dated(column, closed=CLOSED):
    """What is found in a company in which a lead comes every day and is closed after 5 to 119
    days, every second one won, and has this attribute."""
    number = np.arange(len(BORN))
    days = pd.date_range(BORN.min(), ENDS, freq="D")
    times = pd.api.types.is_datetime64_any_dtype(column)
    known = closed <= ENDS
    frames = Frames(
        pd.DataFrame({"lead_id": 0, "occurred_at": days, "action": "a"}),
        pd.DataFrame(
            {
                "lead_id": number,
                "created_at": BORN,
                "column": column.dt.as_unit("us") if times else column,
            }
        ),
        pd.DataFrame(
            {
                "lead_id": number[known],
                "closed_at": closed[known],
                "outcome": np.resize(["won", "lost"], len(BORN))[known],
            }
        ),
        ("column",),
    )
    findings = audited(frames, features=False)
    return [each.code for each in findings if each.kind == "dated_later"]


@pytest.mark.parametrize("name", WRITTEN_LATER)
def test_what_is_written_when_it_happens(name):
    assert dated(WRITTEN_LATER[name]) == ["dated_later(column)"]


@pytest.mark.parametrize("name", KNOWN_BEFORE)
def test_what_was_known_before(name):
    assert dated(KNOWN_BEFORE[name]) == []
    on_one_day = pd.Series(ENDS - 40 * DAY, BORN.index).where(CLOSED < ENDS - 40 * DAY, CLOSED)
    assert dated(KNOWN_BEFORE[name], on_one_day.where(on_one_day > BORN, CLOSED)) == []
