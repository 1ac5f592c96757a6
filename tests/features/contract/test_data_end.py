"""Outcomes that look complete but are not."""

from datetime import datetime

import pytest

from features.check.maturity import days_without_deals
from features.errors import BadInput
from tests.features.lead_databases import at, event, opened

LEADS = [{"lead_id": n, "created_at": at("2026-01-01")} for n in (1, 2)]
DEALS = [{"lead_id": 1, "closed_at": at("2026-01-20"), "outcome": "won"}]


def test_deals_that_end_long_before_the_events_are_noted():
    with opened(LEADS, [event(2, at("2026-01-27"))], DEALS) as database:
        assert days_without_deals(database)[0] == 0  # a quiet week
    with opened(LEADS, [event(2, at("2026-03-01"))], DEALS) as database:
        days, advice = days_without_deals(database)
    assert days == 40
    assert "2026-01-20" in advice
    assert "time.data_end" in advice


def test_a_data_end_in_the_future_is_refused():
    given = {"data_end": datetime(2099, 1, 1)}
    with (
        pytest.raises(BadInput, match=r"time\.data_end is 2099-01-01 00:00:00, in the future"),
        opened(LEADS, [event(2, at("2026-01-02"))], DEALS, time=given),
    ):
        pass
