"""By when a lead is won, and when to come back: the docstring's example with its dates first.

Monday 2026-03-02 + 18 days = Friday 2026-03-20
Monday 2026-03-02 + 40 days = Saturday 2026-04-11, so Monday 2026-04-13
"""

import json
from dataclasses import asdict
from datetime import datetime
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sksurv.nonparametric import cumulative_incidence_competing_risks

from models.timing.time_to_close import (
    COLUMNS,
    LEAST_WINS,
    TimeToClose,
    fit_time_to_close,
    from_dict,
    incidence_by_day,
)

MONDAY = datetime(2026, 3, 2)
REACH, HORIZON = 180, 30


def ramp(*corners):
    """A curve straight between (day, chance) corners."""
    days, chances = zip(*corners, strict=True)
    return tuple(float(chance) for chance in np.interp(np.arange(REACH + 1), days, chances))


# 10% within 10 days, 20% within 30, 36% within 180; hot leads are quicker, postponing slower.
COOL = ramp((0, 0), (10, 0.10), (30, 0.20), (180, 0.36))
HOT = ramp((0, 0), (2, 0.30), (30, 0.60), (180, 0.70))
SLOW = ramp((0, 0), (30, 0.10), (180, 0.50))
CURVES = TimeToClose(HORIZON, 0.08, (0.5,), (COOL, HOT), SLOW, COOL)


def leads(*days_since):
    return pd.DataFrame({"days_since": np.array(days_since, float)})


def test_the_worked_example():
    frame, readiness = leads(1), np.array([0.10])
    chances = CURVES.chances(frame, readiness, [10, 30, 180, 181])[0]
    assert chances[:3] == pytest.approx([0.05, 0.10, 0.28])
    assert np.isnan(chances[3])  # further than the data show
    low, median, high = CURVES.quantiles(frame, readiness)[0]
    assert low == 18  # 7% of 10% of the horizon's: 14% in the band, at day 10 + 4 / 0.5
    assert median == 64  # 4% of the 90% left: 20% + 80% x 0.04 / 0.9, day 30 + 33.3
    assert high == 122  # day 30 + 150 x (0.11 / 0.9 x 0.8) / 0.16 = 121.7


def test_come_back_when_a_quarter_would_be_won_on_a_weekday():
    result = CURVES.estimate(leads(1, 1, 8), np.array([0.10, 0.60, 0.10]), MONDAY)
    assert list(result) == COLUMNS
    # The third is silent: 50% in all, a quarter is 12.5%, at day 30 + 150 x 2.5 / 40 = 39.4.
    assert result["close_days_low"].tolist() == [18, 2, 40]
    friday, wednesday, monday = result["follow_up_on"]
    assert (friday, wednesday) == (pd.Timestamp("2026-03-20"), pd.Timestamp("2026-03-04"))
    assert monday == pd.Timestamp("2026-04-13")  # day 40 is Saturday, 11 April
    assert result["postponing"].tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("cutoff", "follow_up_on"),
    [
        ("2026-03-05", "2026-03-09"),
        ("2026-03-06 15:00", "2026-03-09"),
        ("2026-03-08", "2026-03-10"),
    ],
)
def test_a_weekend_is_moved_to_its_monday(cutoff, follow_up_on):
    """Two days on: Thursday gives Saturday, Friday Sunday, Sunday Tuesday."""
    result = CURVES.estimate(leads(1), np.array([0.60]), datetime.fromisoformat(cutoff))
    assert result["follow_up_on"].tolist() == [pd.Timestamp(follow_up_on)]


@pytest.mark.parametrize(
    ("readiness", "silent_days", "postpones"),
    [
        (0.08, 7.5, True),  # as ready as the average, silent for more than 7 days
        (0.08, 7.0, False),
        (0.0799, 90.0, False),
        (0.90, np.nan, False),  # nothing was ever heard of it
    ],
)
def test_who_postpones(readiness, silent_days, postpones):
    assert CURVES.postpones(leads(silent_days), np.array([readiness])).tolist() == [postpones]


def test_without_the_days_since_nobody_postpones():
    frame = pd.DataFrame({"age_days": [9.0]})
    assert not CURVES.estimate(frame, np.array([0.5]), MONDAY)["postponing"].any()


def test_no_leads_no_estimates():
    assert CURVES.estimate(leads(), np.empty(0), MONDAY).shape == (0, len(COLUMNS))


# --- against plain Python ----------------------------------------------------------------------

ENDINGS = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["won", "lost", "open"])), min_size=1, max_size=40
)


def by_hand(endings, reach):
    """The chance of a win before each day, one time after the other, in fractions."""
    still, chance, curve = Fraction(1), Fraction(0), []
    left = sorted(endings)
    for day in range(reach + 1):
        while left and left[0][0] < day:
            at = left[0][0]
            now = [ending for when, ending in left if when == at]
            chance += still * Fraction(now.count("won"), len(left))
            still *= 1 - Fraction(now.count("won") + now.count("lost"), len(left))
            left = left[len(now) :]
        curve.append(float(chance))
    return curve


def arrays(endings):
    days, names = zip(*endings, strict=True)
    return np.array(days, float), np.array(names, object)


@given(ENDINGS)
def test_the_cumulative_incidence_is_that_of_plain_python(endings):
    result = incidence_by_day(*arrays(endings), reach=13)
    assert result == pytest.approx(by_hand(endings, 13), abs=1e-7)


@given(ENDINGS)
def test_where_nobody_is_censored_it_is_the_share_won_so_far(endings):
    closed = [(day, ending) for day, ending in endings if ending != "open"] or [(1, "won")]
    result = incidence_by_day(*arrays(closed), reach=13)
    for day, chance in enumerate(result):
        seen = sum(ending == "won" and when < day for when, ending in closed) / len(closed)
        assert chance == pytest.approx(seen, abs=1e-7)


def test_the_cumulative_incidence_is_scikit_survival_s():
    _, _, endings = company(2_000)
    days, ending = endings["days"].to_numpy(), endings["ending"].to_numpy(object)
    code = np.select([ending == "won", ending == "lost"], [1, 2], 0)
    times, chance = cumulative_incidence_competing_risks(code, days)
    before = np.searchsorted(times, np.arange(181)) - 1
    expected = np.where(before < 0, 0, chance[1][before])
    assert incidence_by_day(days, ending, 180) == pytest.approx(expected, abs=1e-7)


STEPS = st.lists(st.integers(0, 5), min_size=8, max_size=8)


@given(STEPS, st.floats(0.001, 0.999), st.integers(1, 8))
def test_quantiles_are_the_first_day_at_which_the_chance_is_reached(steps, readiness, within):
    curve = np.append(0.0, np.cumsum(steps)) / 60
    curve[1:] += 0.05  # the horizon of three days has wins
    one = TimeToClose(3, 0.5, (), (tuple(curve),), None, tuple(curve))
    chances = one.chances(leads(1), np.array([readiness]), range(9))[0]
    assert chances[3] == pytest.approx(readiness)
    assert (np.diff(chances) >= -1e-12).all()
    for quartile, result in zip(
        (0.25, 0.5, 0.75), one.quantiles(leads(1), np.array([readiness]), within)[0], strict=True
    ):
        enough = quartile * chances[within] - 1e-7
        assert chances[result] >= enough
        assert result == 1 or chances[result - 1] < enough + 2e-7


# --- learning ----------------------------------------------------------------------------------


def company(n=8_000, seed=0):
    """Snapshots whose wins come after an exponential time, sooner the readier; half are silent."""
    rng = np.random.default_rng(seed)
    readiness = rng.beta(1, 8, n)
    silent = np.where(rng.random(n) < 0.5, 1.0, 20.0)
    cutoff = pd.Timestamp("2025-01-06") + pd.to_timedelta(rng.integers(0, 30, n) * 7, unit="D")
    until = cutoff.max() + pd.Timedelta(days=HORIZON)
    days = rng.exponential(np.where(silent > 7, 60, 15) / (0.3 + readiness))
    ending = np.where(rng.random(n) < 0.2 + readiness / 2, "won", "lost").astype(object)
    followed = (until - cutoff) / pd.Timedelta(days=1)
    ending[days >= followed] = "open"
    endings = pd.DataFrame({"cutoff": cutoff, "days": np.minimum(days, followed), "ending": ending})
    return pd.DataFrame({"days_since": silent}), readiness, endings


def test_each_band_s_curve_is_that_of_its_snapshots():
    frame, readiness, endings = company()
    result = fit_time_to_close(frame, readiness, endings, HORIZON)
    won = (endings["ending"] == "won") & (endings["days"] < HORIZON)
    assert result.ready_from == won.mean()
    assert len(result.bands) == 4
    apart = (frame["days_since"] > 7) & (readiness >= won.mean())
    bounds = [-1, *result.edges, 2]
    for low, high, curve in zip(bounds[:-1], bounds[1:], result.bands, strict=True):
        inside = ~apart & (low <= readiness) & (readiness < high)
        rows = list(zip(endings["days"][inside], endings["ending"][inside], strict=True))
        assert curve[::30] == pytest.approx(by_hand(rows, 180)[::30], abs=1e-6)
        assert abs((won & inside).sum() - (won & ~apart).sum() / 4) <= 1
    rows = list(zip(endings["days"][apart], endings["ending"][apart], strict=True))
    assert result.postponing[::30] == pytest.approx(by_hand(rows, 180)[::30], abs=1e-6)


def test_no_further_ahead_than_a_fifth_was_followed():
    """Thirty weekly cutoffs, a horizon of 30 days: a fifth was followed for 168 + 30 days or so."""
    frame, readiness, endings = company()
    late = endings["cutoff"] >= "2025-06-02"  # the last nine: followed 30 to 86 days
    result = fit_time_to_close(frame[late], readiness[late], endings[late], HORIZON)
    followed = (endings["cutoff"].max() - endings["cutoff"][late]).dt.days + HORIZON
    assert 30 < result.reach < 86
    assert (followed >= result.reach).mean() >= 0.2 > (followed > result.reach).mean()
    assert fit_time_to_close(frame, readiness, endings, HORIZON).reach == 180


def test_too_few_wins_make_one_band_and_none_are_refused():
    frame, readiness, endings = company(400)
    result = fit_time_to_close(frame, readiness, endings, HORIZON)
    assert (endings["ending"] == "won").sum() < LEAST_WINS
    assert (result.edges, result.postponing, result.bands) == ((), None, (result.pooled,))
    with pytest.raises(ValueError, match="no snapshot was won"):
        fit_time_to_close(frame, readiness, endings.assign(ending="open"), HORIZON)


def test_a_journey_through_json_changes_nothing():
    result = fit_time_to_close(*company(), HORIZON)
    assert from_dict(json.loads(json.dumps(asdict(result)))) == result
