"""A picture of odd data is drawn all the same: NaN, infinity, nothing, one, all alike."""

import math
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from models import plots
from serve.reports.explain.plot import history
from serve.reports.monitor import plot as monitor
from serve.reports.monitor.drift import Drift
from serve.reports.monitor.outcomes import past_scores
from serve.reports.sources.plot import Row, baskets

NAN, INF = math.nan, math.inf
DAY = datetime(2026, 3, 2)
ONE = np.array([1.0])


def runs(readiness, points, hot=0.0):
    return pd.DataFrame(
        {
            "cutoff": pd.date_range(DAY, periods=2, freq="7D"),
            "readiness": readiness,
            "points": points,
            "hot": hot,
            "model_version": "none",
            "rules_version": "r",
        }
    )


PICTURES = {
    "no drift is known": lambda: monitor.drifts([Drift("a", NAN, INF, "grey")] * 3),
    "one drift is known": lambda: monitor.drifts(
        [Drift("a", 0.3, INF, "green"), Drift("b", INF, 0.1, "red"), Drift("c", NAN, INF, "grey")]
    ),
    "no drift": lambda: monitor.drifts([]),
    "past scores of one": lambda: monitor.past_scores([past_scores(ONE / 2, ONE)]),
    "runs by points alone": lambda: monitor.over_time(runs(NAN, 3.0)),
    "runs without points": lambda: monitor.over_time(runs(NAN, NAN, NAN)),
    "points below 0": lambda: monitor.over_time(runs(0.1, -5.0)),
    "one cutoff, one lead": lambda: plots.gain(ONE, {"model": ONE}, [DAY], 0.1),
    "nothing won": lambda: plots.precision_by_capacity(
        np.zeros(3), {"model": np.ones(3)}, [DAY] * 3, 0.0, 0.1
    ),
    "capacity of less than a lead": lambda: plots.precision_by_capacity(
        np.ones(2), {"model": np.ones(2)}, [DAY] * 2, NAN, 1e-6
    ),
    "calibration of one lead": lambda: plots.calibration(ONE, ONE / 2, [1]),
    "calibration of leads all alike": lambda: plots.calibration(
        np.zeros(40), np.full(40, 1e-12), np.arange(40)
    ),
    "no feature": lambda: plots.importance([], [], []),
    "one feature of no importance": lambda: plots.importance(["a"], [0.0], [NAN]),
    "a lead without a score": lambda: history(
        "lead", {DAY: None}, "#000000", {"a": ([], "red")}, True
    ),
    "points without end": lambda: history(
        "lead", {DAY: -INF}, "#000000", {"a": ([], "red")}, False
    ),
    "a source without leads": lambda: baskets(
        [Row("ads", "active-1", NAN, NAN, NAN, None)], [0.2, 0.1, 0.05], 30
    ),
    "no source": lambda: baskets([], [0.2, 0.1, 0.05], 30),
}


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.filterwarnings("error")
def test_it_is_drawn(name):
    svg = plots.svg(PICTURES[name](), "picture")
    assert svg.startswith("<svg")
    assert "nan" not in svg.lower().replace("finance", "")


def test_only_what_can_be_compared_is_a_bar():
    figure = PICTURES["one drift is known"]()
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == [0.3]
    assert figure.axes[0].get_xlim() == (0, pytest.approx(0.33))
