"""Which rules pay for themselves, by hand.

Ten snapshots of ten leads, of which 4 were won (40%). "chat" touched four of them, 3 won: 75%, a
lift of 1.875. "complain" touched three, none won: 0. "order" touched none.
"""

import math

import numpy as np
import pandas as pd
import pytest

from features.dataset import Dataset
from features.result_json import to_json
from models.rules.review import RuleLift, rule_lifts
from models.statistics.intervals import Estimate
from tests.models.rules.test_rules import table

RULES = "".join(
    f'[[rule]]\naction = "{action}"\npoints = {points}\n'
    for action, points in (("chat", 5), ("complain", -3), ("order", 20))
)
DATASET = Dataset(
    pd.DataFrame(
        {
            "lead_id": range(10),
            "count_all(chat)": [1.0, 2, 1, 3, 0, 0, 0, 0, 0, 0],
            "count_all(complain)": [0.0, 0, 0, 0, 0, 1, 1, 1, 0, 0],
            "count_all(order)": np.zeros(10),
        }
    ),
    np.array([1.0, 1, 1, 0, 1, 0, 0, 0, 0, 0]),
)


def test_leads_wins_and_lift_by_hand():
    chat, complain, order = rule_lifts(table(RULES), DATASET)
    assert (chat.rule, chat.points, chat.snapshots, chat.leads, chat.wins) == (
        "1. chat",
        5,
        4,
        4,
        3,
    )
    assert chat.lift.point == pytest.approx(0.75 / 0.4)
    assert chat.lift.low <= chat.lift.point <= chat.lift.high
    assert (complain.leads, complain.wins, complain.lift[:2]) == (3, 0, (0, 0))
    assert complain.lift.high > 1  # none won of three is no proof
    assert (order.leads, order.pays) == (0, "never used")
    assert math.isnan(order.lift.point)
    assert to_json(order)["lift"] is None


def test_a_lead_with_many_snapshots_is_drawn_whole():
    """Each lead four times over tells no more than once; all of one lead tells nothing."""
    once, *_ = rule_lifts(table(RULES), DATASET)
    four = Dataset(pd.concat([DATASET.frame] * 4, ignore_index=True), np.tile(DATASET.won, 4))
    chat, *_ = rule_lifts(table(RULES), four)
    assert chat.lift == pytest.approx(once.lift)
    assert (chat.snapshots, chat.leads) == (16, 4)
    one = Dataset(DATASET.frame.assign(lead_id=7), DATASET.won)
    assert math.isnan(rule_lifts(table(RULES), one)[0].lift.low)


@pytest.mark.parametrize(
    ("points", "leads", "lift", "pays"),
    [
        (5, 100, (2.0, 1.2, 2.8), "pays"),
        (5, 100, (2.0, 0.9, 2.8), "not clear"),
        (5, 100, (0.5, 0.2, 0.8), "wrong way"),
        (-5, 100, (0.5, 0.2, 0.8), "pays"),
        (-5, 100, (2.0, 1.2, 2.8), "wrong way"),
        (5, 29, (2.0, 1.2, 2.8), "not clear"),
    ],
)
def test_who_pays(points, leads, lift, pays):
    assert RuleLift("a", points, leads, leads, 1, Estimate(*lift)).pays == pays
