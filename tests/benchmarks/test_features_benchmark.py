"""The benchmark at a small size: the contestants agree on every value. Time is not asserted."""

import pandas as pd

from benchmarks import features
from benchmarks.measure import Cost


def test_contestants_give_equal_values():
    differing, rounds = features.contest(events=20_000, snapshots=2_000, rounds=1)
    assert differing == []
    assert [set(each) for each in rounds] == [set(features.CONTESTANTS)]
    page = features.report(rounds, 20_000, 2_000)
    assert all(f"| {contestant} |" in page for contestant in features.CONTESTANTS)


def test_a_difference_in_one_row_is_told():
    ours = pd.DataFrame({"lead_id": [1, 2], "count_all": [3.0, 4.0], "first_source": ["a", None]})
    other = ours.assign(count_all=[3.0, 5.0], first_source=["b", None])
    assert features.differences(ours, ours.copy()) == []
    assert features.differences(ours, other) == [
        "count_all: 4.0 not 5.0, 1 rows",
        "first_source: a not b, 1 rows",
    ]


def test_slower_means_slower_in_both():
    def rounds(wall, cpu):
        polars = features.Run(Cost(0, 0), Cost(1, 1), 1)
        return [
            {features.OURS: features.Run(Cost(0, 0), Cost(wall, cpu), 1), features.POLARS: polars}
        ]

    assert features.is_slower(rounds(wall=2, cpu=2))
    assert not features.is_slower(rounds(wall=0.9, cpu=2))
    assert not features.is_slower(rounds(wall=2, cpu=0.9))
