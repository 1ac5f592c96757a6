"""Win rates of groups of snapshots: literal examples, the clustered bootstrap as a second opinion,
and how often the intervals hold the truth.

The worked example, horizon 30 days, cutoffs 2026-01-05 and 2026-01-12:

    lead  cutoff  in a  in b  won
    1     01-05   yes   no    no
    1     01-12   yes   yes   yes
    2     01-05   no    no    no
    2     01-12   yes   no    no
    3     01-05   no    yes   no
    4     01-12   no    no    yes
"""

import math

import numpy as np
import pytest
from scipy import stats

from features.result_json import to_json
from models.statistics.bootstrap import bootstrap, interval, rarer
from models.statistics.clustered import shares, win_rates

LEAD = [1, 1, 2, 2, 3, 4]
WON = [0, 1, 0, 0, 0, 1]
A = [True, True, False, True, False, False]
B = [False, True, False, False, True, False]


def of(*groups, lead=LEAD, won=WON, compared=1):
    return win_rates(np.array(groups, bool).T, lead, won, compared)


def test_of_the_worked_example():
    everyone, a, b = of([True] * 6, A, B)
    assert (everyone.snapshots, everyone.leads, everyone.wins) == (6, 4, 2)
    assert (a.snapshots, a.leads, a.wins) == (3, 2, 1)
    assert (a.rate.point, b.rate.point) == (1 / 3, 1 / 2)
    assert (everyone.lift.point, a.lift.point, b.lift.point) == (1, 1, 1.5)
    assert a.against_all == b.against_all == "not clear"  # two leads are too few to say
    assert everyone.lift == (1, 1, 1)


def test_one_snapshot_per_lead_is_wilson_s_interval():
    """As scipy has it, but with Student's quantile: 30 of 200."""
    (result,) = of([True] * 200, lead=range(200), won=[1] * 30 + [0] * 170)
    level = 1 - 2 * stats.norm.sf(stats.t.ppf(0.975, 199))
    wilson = stats.binomtest(30, 200).proportion_ci(level, method="wilson")
    assert result.rate.point == 0.15
    assert result.rate[1:] == pytest.approx([wilson.low, wilson.high], abs=2e-4)


def test_leads_of_equal_rates_count_by_their_snapshots():
    """40 leads, each won at one of two snapshots: no variance between leads, so 80 draws."""
    (result,) = of([True] * 80, lead=np.repeat(range(40), 2), won=[1, 0] * 40)
    level = 1 - 2 * stats.norm.sf(stats.t.ppf(0.975, 39))
    wilson = stats.binomtest(40, 80).proportion_ci(level, method="wilson")
    assert result.rate == pytest.approx((0.5, wilson.low, wilson.high), abs=1e-6)


def test_a_lead_seen_four_times_is_no_more_than_a_lead():
    """Leads who share one fate at all of their cutoffs tell as much as if seen once."""
    won = [1] * 30 + [0] * 170
    (once,) = of([True] * 200, lead=range(200), won=won)
    (often,) = of([True] * 800, lead=np.repeat(range(200), 4), won=np.repeat(won, 4))
    assert often.rate == pytest.approx(once.rate)
    assert (often.snapshots, often.leads) == (800, 200)


def test_none_won_and_all_won_count_each_lead_once():
    lead = np.repeat(range(40), 5)
    (none,) = of([True] * 200, lead=lead, won=[0] * 200)
    assert none.rate.point == none.rate.low == 0
    assert 0.08 < none.rate.high < 0.1  # Wilson of 0 in 40 is 0.088
    some = np.arange(200) < 100
    none, full = of(some, ~some, lead=lead, won=~some)
    assert (none.rate.point, full.rate.high) == (0, 1)
    assert (none.against_all, full.against_all) == ("not clear", "not clear")  # 20 leads each
    assert none.lift.point == none.lift.low == 0


def test_what_cannot_be_known_is_unknown():
    nobody, one = of([False] * 6, [True, True, *[False] * 4])
    assert nobody.leads == 0
    assert math.isnan(nobody.rate.point)
    assert math.isnan(nobody.lift.point)
    assert one.rate.point == 0.5
    assert math.isnan(one.rate.low)
    assert math.isnan(one.lift.low)
    (unwon,) = of([True] * 6, won=[0] * 6)
    assert math.isnan(unwon.lift.point)
    assert to_json(unwon)["lift"] == {"point": None, "low": None, "high": None}
    (empty,) = win_rates(np.empty((0, 1), bool), [], [], 1)
    assert (empty.snapshots, empty.against_all) == (0, "not clear")


def sampled(seed, leads=400):
    """Leads of different chances and lengths; those of the better half may be in the group."""
    rng = np.random.default_rng(seed)
    lead = np.repeat(range(leads), rng.integers(1, 9, leads))
    chance = rng.beta(1, 6, leads)
    group = (rng.random(len(lead)) < 0.4) & (rng.random(leads) < 0.3 + chance)[lead]
    won = rng.random(len(lead)) < chance[lead]
    return lead, group, won


def test_the_intervals_are_those_of_the_bootstrap():
    lead, group, won = sampled(3, leads=3_000)
    _, result = of(np.ones(len(lead)), group, lead=lead, won=won)

    def measure(weight):
        rate = (weight * group * won).sum() / (weight * group).sum()
        return np.array([rate, rate / ((weight * won).sum() / weight.sum())])

    again = bootstrap(measure, lead, 1_500, seed=0)
    for estimate, replicated in zip((result.rate, result.lift), again.T, strict=True):
        width = estimate.high - estimate.low
        assert estimate[1:] == pytest.approx(
            tuple(interval(replicated, rarer(lead, won))), abs=0.1 * width
        )
    assert result.against_all == "more"


def test_about_95_in_100_intervals_hold_the_truth():
    """The truth is what 200,000 leads of the same kind show."""
    lead, group, won = sampled(0, leads=200_000)
    rate = won[group].mean()
    lift = rate / won.mean()
    held = np.zeros(2)
    for seed in range(1, 401):
        lead, group, won = sampled(seed, leads=120)
        _, result = of(np.ones(len(lead)), group, lead=lead, won=won)
        held += [
            result.rate.low <= rate <= result.rate.high,
            result.lift.low <= lift <= result.lift.high,
        ]
    assert (held / 400 > 0.92).all()
    assert (held / 400 < 0.985).all()


def test_sure_of_all_groups_together():
    """A difference that is sure for one group alone may be chance among fifty."""
    lead = np.arange(2_000)
    won = (lead % 100) < np.where(lead < 1_000, 9, 13)
    group = lead >= 1_000
    alone, among = (of(group, lead=lead, won=won, compared=many)[0] for many in (1, 200))
    assert alone.lift.low > 1
    assert (alone.against_all, among.against_all) == ("more", "not clear")
    assert of(~group, lead=lead, won=won)[0].against_all == "fewer"


def test_shares_of_parts_are_the_weighted_mean_at_any_level():
    """Snapshots that are in a group, or have the outcome, in part: numpy's average."""
    rng = np.random.default_rng(6)
    lead, parts, outcome = np.repeat(range(60), 3), rng.random((180, 2)), rng.random(180)
    wide, narrow = shares(parts, lead, outcome, level=0.99), shares(parts, lead, outcome)
    for at, (sure, usual) in enumerate(zip(wide, narrow, strict=True)):
        assert usual.point == pytest.approx(np.average(outcome, weights=parts[:, at]))
        assert sure.low < usual.low < usual.point < usual.high < sure.high
    assert np.isnan(shares(np.zeros((180, 1)), lead, outcome)[0]).all()


def test_shares_of_whole_groups_are_win_rates():
    groups = np.array([A, B], bool).T
    assert shares(groups, LEAD, WON) == [each.rate for each in win_rates(groups, LEAD, WON)]
