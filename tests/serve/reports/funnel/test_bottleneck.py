"""The phase that fell is named with its figures; chance, and too few leads, are not."""

from datetime import timedelta

import numpy as np
import pytest

from serve.reports.funnel.bottleneck import shortfalls, verdict, worst
from serve.reports.funnel.transitions import ways
from tests.serve.reports.funnel.funnel_entries import UNTIL, funnel, made

DAY = timedelta(days=1)


def halves(before, after, leads=200, qualified=1.0):
    """Leads lead > MQL > customer, of which a share comes from MQL to customer the next day.
    `qualified`: the share of all that comes to MQL; the others are leads besides."""
    rows = []
    for n in range(2 * leads):
        start = UNTIL - 100 * DAY + n * DAY / 10
        wins = after if n >= leads else before
        won = start + 2 * DAY if n % leads < wins * leads else None
        rows.append((start, start + DAY, won, None))
        if n % 10 < 10 * (1 / qualified - 1):
            rows.append((start, None, None, None))
    return rows


def test_the_phase_that_fell_is_named_with_its_figures():
    requested = funnel("lead", "MQL", "customer", within_days=30)
    steps = ways(made(halves(0.31, 0.12, qualified=0.5), requested))[:2]
    result = shortfalls(steps)
    held = worst(result)
    assert held is not None
    assert (held.begin, held.to, held.rate, held.expected) == ("MQL", "customer", 0.12, 0.31)
    assert held.fewer == pytest.approx(38)
    text = str(verdict(result, 2))
    assert text.startswith(
        "MQL to customer holds the funnel back the most: of the 200 leads that entered MQL from "
        "2025-12-12 to 2025-12-31, 12.0% came to customer within 30 days, against 31.0% of the "
        "200 before (difference -19.0 percentage points, 95% interval "
    )
    assert text.endswith(", for 2 phases together): about 38 fewer.")


def test_the_only_phase_that_loses_leads_is_compared_with_itself_alone():
    """Every lead comes to MQL, so that no phase can be worse than another."""
    requested = funnel("lead", "MQL", "customer", within_days=30)
    result = shortfalls(ways(made(halves(0.31, 0.12), requested))[:2])
    assert [each.rate for each in result] == [1.0, 0.12]
    finding = verdict(result, 2)
    assert finding.headline.startswith("MQL to customer is below")
    assert "12.0%" in finding.detail
    assert "31.0% of the 200 before" in finding.detail


def test_a_late_drop_is_seen_against_all_that_was_before():
    """It fell in the last 10 of 40 days only: the later half hides it, the recent days do not."""
    rows = halves(0.3, 0.3)
    late = [
        (*row[:2], row[2] if n < 300 or n % 25 == 0 else None, None) for n, row in enumerate(rows)
    ]
    steps = ways(made(late, funnel("lead", "MQL", "customer", within_days=30)))[:2]
    held = worst(shortfalls(steps, recent_days=9))
    assert held is not None
    assert (held.leads, held.before, held.since) == (91, 309, "2025-12-22")


def test_what_may_be_chance_is_not_named():
    requested = funnel("lead", "MQL", "customer", within_days=30)
    result = shortfalls(ways(made(halves(0.31, 0.28), requested))[:2])
    assert worst(result) is None
    assert str(verdict(result, 2)).startswith("No phase stands out")


def test_a_reference_is_held_against_all_mature_leads():
    rows = halves(0.3, 0.3)
    low = funnel("lead", "customer", within_days=30, reference=[0.5, 0.6])
    lives = [(row[0], row[2], None) for row in rows]
    text = str(verdict(shortfalls(ways(made(lives, low))), 1))
    assert "30.0% came to customer" in text
    assert (
        "against at least 50.0% as the reference has it (difference -20.0 percentage points" in text
    )
    met = funnel("lead", "customer", within_days=30, reference=[0.3, 0.6])
    assert worst(shortfalls(ways(made(lives, met)))) is None


def test_few_leads_are_not_judged():
    requested = funnel("lead", "MQL", "customer", within_days=30)
    result = shortfalls(ways(made(halves(0.9, 0.0, leads=20), requested))[:2])
    assert result == []
    assert str(verdict(result, 2)).endswith("2 of 2 could not be judged: too few leads yet.")


def test_a_steady_funnel_is_seldom_blamed():
    """Nothing changes; of 120 draws of three phases at most about 5% may name one."""
    rng = np.random.default_rng(3)
    requested = funnel("a", "b", "c", "d", within_days=10)
    blamed = 0
    for _ in range(120):
        start = UNTIL - 90 * DAY + np.arange(400) * timedelta(hours=4)
        stays = rng.random((400, 3)) < (0.7, 0.5, 0.4)
        rows = []
        for moment, (b, c, d) in zip(start, stays, strict=True):
            later = [moment + DAY * n for n in (1, 2, 3)]
            passed = [
                t if ok else None for t, ok in zip(later, (b, b and c, b and c and d), strict=True)
            ]
            rows.append((moment, *passed, None))
        blamed += worst(shortfalls(ways(made(rows, requested))[:3])) is not None
    assert blamed <= 9  # one-sided: about 2.5% are expected, 3 of 120
