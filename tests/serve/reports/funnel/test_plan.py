"""A plan of companies whose future is known: exact figures, refusals, and how often it is right."""

from datetime import date, datetime, timedelta

import numpy as np
import pytest

from features.errors import BadInput, Refused
from features.funnel import Funnel, Stage
from serve.reports.funnel.plan import DIRECTLY, Target, plan, to_the_win
from tests.serve.reports.funnel.funnel_entries import UNTIL, funnel, made

DAY = timedelta(days=1)
TWO = funnel("lead", "customer")


def the_next_day(won=1, of=1, days=120):
    """One lead a day, at noon; `won` of `of` are won the next day, the others lost."""
    rows = []
    for n in range(days):
        came = UNTIL - (days - n - 0.5) * DAY
        end = came + DAY if came + DAY < UNTIL else None
        rows.append((came, end, None) if n % of < won else (came, None, end))
    return made(rows, TWO)


def until(days, deals, begin=None):
    return Target(deals, UNTIL + days * DAY, begin and UNTIL + begin * DAY)


def test_where_all_is_certain_the_plan_is_exact():
    """The lead of yesterday is won today; those of the days 0 to 27, four whole weeks, until day
    28, the last. (Of a week that is not whole chance decides which days bring leads.)"""
    result = plan(the_next_day(), until(29, deals=32), seed=1)
    assert result.wins == pytest.approx((29, 29, 29))
    assert (result.from_open, result.from_new) == pytest.approx((1, 28))
    assert result.chance == 0
    (phase,) = result.phases
    assert (phase.open, phase.half_of_wins) == (1, 2)
    assert phase.wins == pytest.approx(1)
    assert phase.chance == pytest.approx((1, 1, 1))
    needed = phase.further  # three more, two days before the end
    assert (needed.low, needed.even, needed.high) == (3, 3, 3)
    assert needed.by == UNTIL + 27 * DAY
    assert result.lifted["lead"] == pytest.approx((0, 0, 0), abs=1e-6)  # all go on already
    assert plan(the_next_day(), until(29, deals=29), seed=1).chance == 1
    assert "32 deals by 2026-03-29: expected 29 (29 to 29)" in result.verdict.headline
    assert f"3 further leads in lead by {needed.by:%Y-%m-%d}" in result.verdict.detail


def test_a_period_that_begins_later_has_no_wins_before_it():
    result = plan(the_next_day(), until(29, 5, begin=8), seed=1)
    assert (result.days, result.begin) == (21, UNTIL + 8 * DAY)
    assert result.wins == pytest.approx((21, 21, 21))
    assert result.from_open == pytest.approx(0)


def test_where_half_are_won_twice_as_many_leads_are_needed():
    result = plan(the_next_day(won=1, of=2), until(30, deals=30), seed=1)
    assert result.wins.point == pytest.approx(15, rel=0.05)
    assert result.wins.low <= 12
    assert result.wins.high > 18
    assert result.phases[0].further.even == pytest.approx(2 * 15, rel=0.15)
    assert result.lifted["lead"].point == pytest.approx(0.1 * result.wins.point)


def test_a_source_that_wins_more_is_the_one_to_have_more_of():
    """Of partners half are won, of ads a tenth; a tenth of the leads to come are shifted."""
    days = 400
    rows, names = [], []
    for n in range(days):
        came = UNTIL - (days - n - 0.5) * DAY / 2
        partner = n % 2 == 0
        won = n % 4 == 0 if partner else n % 20 == 1
        end = came + DAY if came + DAY < UNTIL else None
        rows.append((came, end, None) if won else (came, None, end))
        names.append("partner" if partner else "ads")
    result = plan(made(rows, TWO, names), until(50, deals=60), seed=1)
    by_name = {each.source: each for each in result.sources}
    assert by_name["partner"].per_week == pytest.approx(7)
    assert by_name["partner"].chance.point == pytest.approx(0.5, abs=0.03)
    assert by_name["ads"].chance.point == pytest.approx(0.1, abs=0.03)
    # of 100 leads to come 10 are partners' instead of ads', less those of the last day
    assert by_name["partner"].tenth_more.point == pytest.approx(10 * 0.4 * 49 / 50, rel=0.1)
    assert by_name["ads"].tenth_more.high < 0
    assert by_name["ads"].further.even > 3 * by_name["partner"].further.even
    total = sum(each.wins.point for each in result.sources)
    assert total == pytest.approx(result.wins.point)


def test_a_lead_that_has_been_there_for_long_is_not_like_a_fresh_one():
    """Half are won on the fifth day, nobody later: who is older will not be."""
    rows = [
        (came := UNTIL - (400 - n) * DAY / 2, came + 4 * DAY if n % 2 else None, None)
        for n in range(380)
    ]
    (phase,) = plan(made(rows, TWO), until(30, 10), seed=1).phases
    assert phase.open > 150
    assert phase.wins < 3
    assert phase.chance.point == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize(
    ("target", "error", "text"),
    [
        (until(0, 5), BadInput, "2026-02-28 is over"),
        (until(-40, 5), BadInput, "is over"),
        (until(30, 5, begin=-3), BadInput, "would begin on 2026-02-26"),
        (until(30, 5, begin=30), BadInput, "would begin on 2026-03-31"),
        (until(400, 5), Refused, "go back 120 days"),
    ],
)
def test_what_cannot_be_planned(target, error, text):
    with pytest.raises(error, match=text):
        plan(the_next_day(), target, seed=1)


def test_without_a_win_nothing_is_known():
    with pytest.raises(Refused, match="No deal was won in the 120 days before 2026-03-01"):
        plan(the_next_day(won=0), until(30, 5), seed=1)


def test_too_few_wins_have_no_interval():
    result = plan(the_next_day(won=1, of=7), until(30, deals=30), seed=1)
    assert result.measured_wins == 17
    assert "17 of the 20 needed" in result.no_interval
    assert result.wins.point == pytest.approx(30 / 7, rel=0.15)
    assert (result.chance, result.phases[0].further) == (None, None)
    assert not result.wins.known
    assert not result.sources[0].chance.known
    assert "17 of the 20 needed" in str(result.verdict)


def test_a_period_shorter_than_the_quickest_win():
    rows = [
        (came := UNTIL - (100 - n) * DAY, came + 9 * DAY if n < 80 else None, None)
        for n in range(100)
    ]
    (note,) = plan(made(rows, TWO), until(5, 3), seed=1).notes
    assert "took 9 days" in note


def test_a_day_counts_whole():
    target = Target.by(40, date(2027, 3, 31))
    assert (target.end, target.last_day) == (datetime(2027, 4, 1), datetime(2027, 3, 31))


def test_a_funnel_that_does_not_end_with_the_win_gets_it():
    offers = Funnel(stage=[Stage(name="lead", created=True), Stage(name="offer", actions=["sent"])])
    assert [stage.name for stage in to_the_win(offers).stage] == ["lead", "offer", "won"]
    assert to_the_win(DIRECTLY) is DIRECTLY


def company(seed, days=300, quarter=90):
    """Leads of a known law, three stages, until 90 days after UNTIL; the entries at UNTIL, and the
    wins that came after it."""
    rng = np.random.default_rng(seed)
    rows, wins = [], 0
    for _ in range(rng.poisson(3.0 * (days + quarter))):
        came = UNTIL + float(rng.uniform(-days, quarter)) * DAY
        good = rng.random() < 0.3  # which nobody sees
        moments = [came]
        for share, mean in ((0.5 if good else 0.3, 20), (0.6 if good else 0.3, 15)):
            if rng.random() > share:
                break
            moments.append(moments[-1] + float(rng.gamma(2, mean / 2)) * DAY)
        lost = moments[-1] + float(rng.exponential(30)) * DAY if len(moments) < 3 else None
        wins += len(moments) == 3 and UNTIL <= moments[2] < UNTIL + quarter * DAY
        if came < UNTIL:
            known = [each if each < UNTIL else None for each in moments]
            known += [None] * (3 - len(known))
            rows.append((*known, lost if lost and lost < UNTIL else None))
    return made(rows, funnel("lead", "MQL", "customer")), wins


@pytest.mark.slow
def test_the_interval_holds_what_comes_about_four_times_of_five():
    """60 companies; by chance 12 of them is three standard errors."""
    held, expected, came = 0, 0.0, 0
    for seed in range(60):
        entries, wins = company(seed)
        result = plan(entries, until(90, 40), seed, changes=False)
        held += result.wins.low <= wins <= result.wins.high
        expected, came = expected + result.wins.point, came + wins
    assert 39 <= held <= 58
    assert expected == pytest.approx(came, rel=0.05)
