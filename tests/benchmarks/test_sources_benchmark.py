"""The benchmark of the sources counts as it says."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.source_companies import (
    DAYS,
    LEVELS,
    Found,
    History,
    Made,
    detections,
    is_wrong,
    right_basket,
    run,
)
from features.simulator.world import QualityChange

CHANGE = QualityChange("social", 300, 3.0)


def company() -> tuple[pd.DataFrame, pd.DataFrame]:
    """True conversions, and leads: social rises on day 300, from 3 to 15%; referral stays."""
    rises = np.where(np.arange(DAYS) < CHANGE.day, 0.03, 0.15)
    truth = pd.DataFrame({"social": rises, "referral": 0.07})
    return truth, truth * 0 + 10.0


def test_a_clear_change_is_found_and_nothing_else_moves() -> None:
    truth, leads = company()
    made = run(0, History(truth, leads, (leads * truth)), DAYS)
    assert [(move.source, move.to) for move in made] == [
        ("social", "active-2"),
        ("social", "active-1"),
    ]
    assert not any(move.wrong for move in made)
    (result,) = detections(truth, leads, [CHANGE], made)
    assert result == Found(made[0].day - 300, 10 * (made[0].day - 300))
    assert result.days is not None
    assert result.days < 120


def test_a_change_within_a_basket_is_none_and_one_not_followed_is_not_found() -> None:
    truth, leads = company()
    assert list(detections(truth, leads, [CHANGE], [])) == [Found(None, None)]
    assert list(detections(truth.clip(upper=0.04), leads, [CHANGE], [])) == []


@pytest.mark.parametrize(
    ("true", "left", "to", "wrong"),
    [
        (0.10, "active-2", "active-1", False),
        (0.08, "active-2", "active-1", True),
        (0.08, "active-1", "active-2", False),
        (0.10, "active-1", "active-2", True),
        (0.03, "passive-2", "passive-1", False),
        (0.02, "passive-2", "passive-1", True),
    ],
)
def test_what_is_wrong(true: float, left: str, to: str, wrong: bool) -> None:
    assert LEVELS == (0.09, 0.047, 0.024)
    assert is_wrong(true, left, to) is wrong
    assert right_basket(0.09) == "active-1"
    assert Made(0, "social", 1, to, wrong).wrong is wrong
