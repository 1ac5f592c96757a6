"""What a report on calibration says, against sums done apart, and against what was planted."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.result_json import to_json
from models.statistics.calibration_error import bin_numbers
from models.statistics.calibration_report import (
    brier_parts,
    calibration_report,
    reliability,
)
from models.statistics.metrics import Ranking, brier, calibration_curve

RNG = np.random.default_rng(3)
N = 4_000


def world(seed=0):
    """4,000 snapshots of 2,000 leads whose readiness is true, in three bands and two sources."""
    rng = np.random.default_rng(seed)
    lead = np.repeat(np.arange(N // 2), 2)
    p = np.repeat(rng.beta(2, 8, N // 2), 2)
    won = np.repeat(rng.random(N // 2), 2) < p
    frame = pd.DataFrame(
        {
            "lead_id": lead,
            "first_source": np.where(lead % 3 == 0, "fair", "ads").astype(object),
            "age_days": rng.uniform(0, 200, N),
        }
    )
    band = np.array(["cold", "warm", "hot"])[np.digitize(p, [0.15, 0.3])]
    return frame, won.astype(float), p, band


snapshot = st.tuples(
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1), st.booleans()
)


@given(st.lists(snapshot, min_size=1, max_size=60))
def test_the_parts_of_the_brier_score_add_up_exactly(given_snapshots):
    p, won = (np.array(column, float) for column in zip(*given_snapshots, strict=True))
    found = brier_parts(won, p)
    parts = found.reliability - found.resolution + found.uncertainty + found.within
    assert parts == pytest.approx(brier(won, p), abs=1e-12)
    assert found.brier == pytest.approx(brier(won, p), abs=1e-12)
    assert min(found.reliability, found.resolution, found.uncertainty) >= 0


def test_the_parts_by_hand():
    """0.2 twice (none won) and 0.6 twice (one won); base rate 1/4, nothing varies within."""
    found = brier_parts([0, 0, 1, 0], [0.2, 0.2, 0.6, 0.6], bins=2)
    assert found.reliability == pytest.approx((0.2**2 + 0.1**2) / 2)
    assert found.resolution == pytest.approx(0.25**2)
    assert found.uncertainty == 0.25 * 0.75
    assert found.within == pytest.approx(0)
    assert found.brier == pytest.approx((2 * 0.04 + 0.16 + 0.36) / 4)


@given(st.lists(snapshot, min_size=1, max_size=60))
def test_the_bins_are_those_of_the_calibration_error(given_snapshots):
    p, won = (np.array(column, float) for column in zip(*given_snapshots, strict=True))
    count, wins, promised = Ranking(won, p).tally().binned(10)
    number = bin_numbers(p)
    assert np.array_equal(np.bincount(number, minlength=10), count)
    assert np.array_equal(np.bincount(number, won, 10), wins)
    assert np.bincount(number, p, 10) == pytest.approx(promised)


def test_the_curve_is_the_plain_one_with_intervals_for_leads_that_recur():
    _, won, p, _ = world()
    plain = calibration_curve(won, p)
    lead = np.repeat(np.arange(N // 2), 2)
    alone, pairs = reliability(won, p, np.arange(N)), reliability(won, p, lead)
    columns = ["predicted", "observed", "count"]
    pd.testing.assert_frame_equal(pairs[columns], plain[columns])
    assert alone[["low", "high"]].to_numpy() == pytest.approx(plain[["low", "high"]], abs=2e-3)
    width = (pairs["high"] - pairs["low"]) / (alone["high"] - alone["low"])
    assert width.mean() == pytest.approx(np.sqrt(2), rel=0.05)  # half as many tell for themselves


def test_a_model_that_keeps_its_word_is_off_for_nobody_in_19_of_20():
    off = [len(calibration_report(*world(seed)).off) > 0 for seed in range(40)]
    assert sum(off) <= 6  # at a rate of 1 in 20 more than 6 of 40 come once in 300


def test_a_source_that_is_promised_too_much_is_named():
    frame, won, p, band = world()
    fair = (frame["first_source"] == "fair").to_numpy()
    spoilt = np.where(fair & (np.arange(N) // 2 % 2 == 0), 0.0, won)
    found = calibration_report(frame, spoilt, p, band)
    group = next(each for each in found.groups if each.name == "fair")
    assert group.off == "fewer"
    assert group.snapshots == fair.sum()
    assert group.promised == pytest.approx(p[fair].mean())
    assert group.won.point == pytest.approx(spoilt[fair].mean())
    assert group.won.low < group.won.point < group.won.high < group.promised
    assert not next(each for each in found.groups if each.name == "ads").off


def test_groups_are_by_band_source_and_age_and_the_entered_source_goes_first():
    frame, won, p, band = world()
    found = calibration_report(frame, won, p, band)
    assert [group.name for group in found.groups] == [
        *("all leads", "cold", "hot", "warm", "ads", "fair"),
        *("under a week", "1 to 4 weeks", "1 to 3 months", "older"),
    ]
    age = [group.snapshots for group in found.groups if group.kind == "age"]
    assert age == list(np.histogram(frame["age_days"], [0, 7, 30, 90, 1e9])[0])
    entered = frame.assign(**{"attribute(source)": "desk"})
    named = [g.name for g in calibration_report(entered, won, p, band).groups if g.kind == "source"]
    assert named == ["desk"]
    bare = calibration_report(frame[["lead_id"]], won, p, band)
    assert {group.kind for group in bare.groups} == {"everyone", "band"}


def test_what_is_too_small_to_tell_is_left_out_and_counted():
    frame, won, p, band = world()
    frame.loc[:9, "first_source"] = "a stand"  # five leads
    found = calibration_report(frame, won, p, band)
    assert "a stand" not in {group.name for group in found.groups}
    assert found.groups_too_small == 1


def test_json_holds_no_nan():
    frame, won, p, band = world()
    json.dumps(to_json(calibration_report(frame[:1], won[:1], p[:1], band[:1])), allow_nan=False)
    told = to_json(calibration_report(frame, won, p, band))
    assert set(told) == {"bins", "brier", "groups", "groups_too_small"}
    assert set(told["groups"][0]["won"]) == {"point", "low", "high"}
    assert len(told["bins"]) == 10
