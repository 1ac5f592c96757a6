"""The worked example of the design, then what must hold for any grid, horizon and test."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.cutoffs import grid, mature
from features.errors import Refused
from training.splits import Split, final_split, rolling_origin, split_before

DAY = timedelta(days=1)
WEEKS = grid(datetime(2011, 10, 3), 7, datetime(2012, 3, 14, 15, 4))
TEST = [datetime(2012, 1, day) for day in (16, 23, 30)] + [
    datetime(2012, 2, day) for day in (6, 13)
]


def test_the_worked_example_of_the_design():
    """Horizon 30 days, test cutoffs from 2012-01-16: train until 2011-12-17 at the latest."""
    days = grid(datetime(2011, 10, 3), 1, datetime(2012, 1, 15))
    split = split_before(days, TEST, 30)
    assert split.fit[-1] == datetime(2011, 12, 17)
    assert split.fit[-1] + 30 * DAY == split.judge[0]
    assert split.fit == tuple(days[: days.index(datetime(2011, 12, 17)) + 1])


def test_the_final_test_of_bpi_2012():
    """The log ends on 2012-03-14 15:04, so the horizon of 2012-02-13 is the last within it."""
    cutoffs = mature(WEEKS, 30, datetime(2012, 3, 14, 15, 4))
    split = final_split(cutoffs, 5, 30)
    assert split.judge == tuple(TEST)
    assert split.fit[0] == datetime(2011, 10, 3)
    assert split.fit[-1] == datetime(2011, 12, 12)
    assert len(split.fit) == 11


def test_rolling_origins_of_a_horizon_of_two_weeks():
    splits = rolling_origin(WEEKS[:8], 2, 14)  # a quarter of eight to fit on, at least
    assert splits == [
        Split(tuple(WEEKS[:2]), tuple(WEEKS[3:5])),
        Split(tuple(WEEKS[:4]), tuple(WEEKS[5:8])),
    ]


def test_too_short_a_history_gives_fewer_folds_and_then_none():
    assert len(rolling_origin(WEEKS[:7], 5, 30)) == 1
    assert rolling_origin(WEEKS[:6], 5, 30) == []
    assert rolling_origin(WEEKS[:1], 3, 7) == []


def test_too_few_mature_cutoffs_are_refused_with_their_number():
    with pytest.raises(Refused, match=r"^0 mature cutoffs are too few: the last 5 are"):
        final_split([], 5, 30)
    with pytest.raises(Refused, match=r"^3 mature cutoffs .* which leaves 0 to train on"):
        final_split(WEEKS[:3], 5, 30)
    with pytest.raises(
        Refused, match=r"^10 mature cutoffs .* which leaves 1 to train on; at least"
    ):
        final_split(WEEKS[:10], 5, 30)
    assert len(final_split(WEEKS[:11], 5, 30).fit) == 2


GRIDS = st.builds(
    lambda first, every, cutoffs, late: (
        grid(first, every, first + timedelta(days=every * cutoffs)),
        first + timedelta(days=every * cutoffs) + late,
    ),
    st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)),
    st.integers(1, 40),
    st.integers(1, 60),
    st.timedeltas(timedelta(0), timedelta(days=20)),
)


@given(GRIDS, st.integers(1, 60), st.integers(1, 8))
def test_no_training_label_overlaps_the_final_test(grid_and_end, horizon, test_cutoffs):
    cutoffs, data_end = grid_and_end
    try:
        split = final_split(mature(cutoffs, horizon, data_end), test_cutoffs, horizon)
    except Refused:
        usable = [c for c in cutoffs if c + horizon * DAY <= data_end]
        first_judged = usable[-test_cutoffs:][:1]
        assert sum(c + horizon * DAY <= f for c in usable for f in first_judged) < 2
        return
    used = [*split.fit, *split.judge]
    assert used == sorted(set(used))
    assert split.fit[-1] + horizon * DAY <= split.judge[0]
    assert all(cutoff + horizon * DAY <= data_end for cutoff in used)  # nothing censored
    assert len(split.judge) == test_cutoffs
    between = [c for c in cutoffs if split.fit[-1] < c < split.judge[0]]
    assert all(cutoff + horizon * DAY > split.judge[0] for cutoff in between)  # none for nothing


@given(GRIDS, st.integers(1, 60), st.integers(1, 20))
def test_every_fold_is_later_than_what_it_is_fitted_on(grid_and_end, horizon, folds):
    cutoffs, _ = grid_and_end
    splits = rolling_origin(cutoffs, folds, horizon)
    judged = [cutoff for split in splits for cutoff in split.judge]
    assert judged == sorted(set(judged))
    assert set(judged) == {
        c for c in cutoffs if 4 * sum(f + horizon * DAY <= c for f in cutoffs) >= len(cutoffs)
    }
    assert len(splits) == min(folds, len(judged))
    for split in splits:
        assert split.fit == tuple(c for c in cutoffs if c + horizon * DAY <= split.judge[0])
        assert split.fit
    sizes = [len(split.judge) for split in splits]
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
