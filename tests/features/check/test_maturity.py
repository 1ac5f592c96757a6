"""The share won that late cutoffs will come to: by hand, and against a chance that is known."""

import re

import numpy as np
import pytest

from features.check.maturity import maturity
from features.check.worked import worked
from features.labels import worked_sql
from features.open_database import open_database
from features.snapshots import Snapshots
from tests.features.lead_databases import at, config_for, event, write_database

DAY = np.timedelta64(1, "D")


def won(lead, when):
    return {"lead_id": lead, "closed_at": when, "outcome": "won"}


def maturity_of(folder, created, deals, end, **times):
    leads = [{"lead_id": lead, "created_at": when} for lead, when in created.items()]
    write_database(folder, leads, [event(leads[0]["lead_id"], at(end))], deals)
    with open_database(config_for(folder, time=times)) as database:
        return maturity(database, config_for(folder, time=times))


def test_by_hand(tmp_path):
    """Cutoffs 01-12 and 01-19, 10 days, data up to 01-25: ten leads at the first, of which four are
    won after 0.5, 1.5, 4.0 and 9.5 days; 8 are left at 01-19, six whole days old, of which one."""
    created = dict.fromkeys(range(10), at("2026-01-01"))
    times = ("01-12 12:00", "01-13 12:00", "01-16 00:00", "01-21 12:00")
    deals = [won(lead, at(f"2026-{when}")) for lead, when in enumerate(times)]
    seen = maturity_of(
        tmp_path, created, deals, "2026-01-25", first_cutoff=at("2026-01-12"), horizon_days=10
    )
    assert seen.delay.seen == (0, 0.25, 0.5, 0.5, 0.5, 0.75, 0.75, 0.75, 0.75, 0.75, 1)
    (late,) = seen.late
    assert (late.days, late.seen, late.snapshots, late.won) == (6, 0.75, 7, 1)
    assert late.expected == pytest.approx(1 / 0.75 / 7)
    assert re.findall(r"days? (\d+)", str(seen))[:2] == ["2", "10"]  # a half, and nine tenths


def test_the_corrected_share_is_unbiased_and_the_naive_one_is_not(tmp_path):
    """150 leads a week, each won at the rate of one in 60 days, whatever its age: within 28 days of
    any cutoff 1 - exp(-28 / 60) = 37.3 % are won."""
    rng = np.random.default_rng(7)
    created, deals, weeks = {}, [], 60
    start = np.datetime64("2025-01-06", "us")
    end = start + weeks * 7 * DAY
    for lead in range(weeks * 150):
        born = start + (lead // 150) * 7 * DAY + np.timedelta64(1, "h")
        closed = born + np.timedelta64(int(rng.exponential(60) * 86400), "s")
        created[lead] = born.item()
        if closed < end:
            deals.append(won(lead, closed.item()))
    seen = maturity_of(
        tmp_path, created, deals, str(end.item()), first_cutoff=at("2025-02-03"), horizon_days=28
    )
    truth = 1 - np.exp(-28 / 60)
    late = [each for each in seen.late if each.expected is not None]
    assert [each.days for each in late] == [21, 14, 7]
    for each in late:
        noise = np.sqrt(each.won) / each.seen / each.snapshots
        assert each.expected == pytest.approx(truth, abs=3 * noise)
        assert each.won / each.snapshots < truth - 3 * noise  # the naive one
    assert np.mean([each.expected for each in late]) == pytest.approx(truth, rel=0.05)


def test_without_a_win_there_is_no_text(tmp_path):
    seen = maturity_of(
        tmp_path, {1: at("2026-01-01")}, [], "2026-01-25", first_cutoff=at("2026-01-12")
    )  # fmt: skip
    assert (seen.late, str(seen)) == ((), "")


def test_who_was_never_worked(tmp_path):
    """Of four leads: 1 contacted and won, 2 contacted only after its win, 3 and 4 never; 4 won."""
    created = [{"lead_id": lead, "created_at": at("2026-01-01")} for lead in (1, 2, 3, 4)]
    deals = [won(lead, at("2026-01-15")) for lead in (1, 2, 4)]
    write_database(tmp_path, created, [event(1, at("2026-02-01"))], deals)
    contacts = "SELECT * FROM (VALUES (1, TIMESTAMP '2026-01-10'), (2, TIMESTAMP '2026-01-16')) "
    config = config_for(tmp_path, tables={"contacts": contacts + "t(lead_id, contacted_at)"})
    with open_database(config) as database:
        counts = worked(database, [at("2026-01-12")])
        cohort = Snapshots.open_at(database, [at("2026-01-12")])
        assert "contacts" in worked_sql(cohort, at("2026-02-01"))
    assert counts is not None
    assert (counts.leads, counts.never, counts.never_won, counts.worked_won) == (4, 3, 2, 1)
    assert re.findall(r"\d[\d.]*%?", str(counts)) == ["4", "3", "75%", "66.7%", "100.0%"]


def test_without_contacts_nothing_is_claimed(tmp_path):
    created = [{"lead_id": 1, "created_at": at("2026-01-01")}]
    write_database(tmp_path, created, [event(1, at("2026-02-01"))])
    with open_database(config_for(tmp_path)) as database:
        assert worked(database, [at("2026-01-12")]) is None
