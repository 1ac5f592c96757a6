"""The pictures show what the metrics say: what is drawn is held against models.metrics."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from features.config import Capacity
from models import plots
from models.statistics.calibration_report import reliability
from models.statistics.metrics import Ranking, capacity_curve

RNG = np.random.default_rng(7)
SIGNAL = RNG.normal(size=400)
PROBABILITY = 1 / (1 + np.exp(1 - SIGNAL))
WON = (RNG.random(400) < PROBABILITY).astype(float)
LEAD = np.arange(400)
CUTOFF = np.repeat(pd.date_range("2012-01-16", periods=4, freq="7D"), 100)
SCORES = {"model": PROBABILITY, "rules": np.round(SIGNAL + RNG.normal(size=400))}


def line(figure: Figure, label: str):
    (result,) = (sampled for sampled in figure.axes[0].lines if sampled.get_label() == label)
    return result


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(mpl.text.Text)]


@pytest.mark.parametrize("name", ["model", "rules"])
def test_gain_draws_the_capacity_curve_from_nothing_called(name):
    figure = plots.gain(WON, SCORES, CUTOFF, share=0.1)
    expected = capacity_curve(WON, SCORES[name], CUTOFF)
    x, y = line(figure, name).get_data()
    np.testing.assert_allclose(x, [0, *expected["share"]])
    np.testing.assert_allclose(y, [0, *expected["gain"]])
    assert line(figure, "chance").get_xydata().tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize("name", ["model", "rules"])
def test_precision_draws_the_capacity_curve_above_the_base_rate(name):
    figure = plots.precision_by_capacity(WON, SCORES, CUTOFF, WON.mean(), share=0.1)
    expected = capacity_curve(WON, SCORES[name], CUTOFF)
    np.testing.assert_allclose(line(figure, name).get_xdata(), expected["share"])
    np.testing.assert_allclose(line(figure, name).get_ydata(), expected["precision"])
    assert line(figure, "chance").get_ydata() == [WON.mean(), WON.mean()]


def test_the_capacity_is_marked_on_each_curve_even_between_whole_percents():
    share = 0.1234
    figure = plots.gain(WON, SCORES, CUTOFF, share)
    for name, score in SCORES.items():
        gain = Ranking(WON, score, CUTOFF).at_capacity(Capacity(share=share)).gain
        curve = line(figure, name)
        assert gain in curve.get_ydata()
        (dot,) = (
            sampled
            for sampled in figure.axes[0].lines
            if sampled.get_marker() == "o" and sampled.get_color() == curve.get_color()
        )
        assert dot.get_xydata().tolist() == [[share, gain]]
        assert f"{name} {100 * gain:.1f}%" in words(figure)
    assert "in the top 12.3%:" in words(figure)


def test_the_model_and_the_rules_keep_their_colours_beside_others():
    scores = {"points table": SCORES["rules"], **SCORES, "champion": PROBABILITY}
    figure = plots.gain(WON, scores, CUTOFF, share=0.1)
    colours = {name: line(figure, name).get_color() for name in scores}
    assert colours["model"] == plots.MODEL
    assert colours["rules"] == plots.RULES
    assert len(set(colours.values())) == 4


def test_calibration_draws_the_bins_with_their_intervals():
    figure = plots.calibration(WON, PROBABILITY, LEAD)
    expected = reliability(WON, PROBABILITY, LEAD)
    (container,) = figure.axes[0].containers
    dots, _, (bars,) = container.lines
    np.testing.assert_allclose(dots.get_xdata(orig=False), expected["predicted"])
    np.testing.assert_allclose(dots.get_ydata(orig=False), expected["observed"])
    low, high = np.array([segment[:, 1] for segment in bars.get_segments()], float).T
    np.testing.assert_allclose(low, expected["low"])
    np.testing.assert_allclose(high, expected["high"])
    promise = f"{100 * expected['predicted'].iloc[-1]:.2g}%"
    assert figure.get_suptitle() == f"When the model says {promise}, are {promise} won?"


def test_the_histogram_counts_every_prediction_even_one_beyond_the_axis():
    rare = np.append(np.linspace(0.01, 0.03, 399), 0.9)
    figure = plots.calibration(np.zeros(400), rare, LEAD)
    curve, histogram = figure.axes
    assert curve.get_ylim()[1] < 0.5
    counts = [bar.get_height() for bar in histogram.patches]
    assert sum(counts) == 400
    assert counts[-1] == 1


def test_importance_shows_the_dearest_features_first():
    cost = RNG.permutation(np.arange(25) / 1000)
    names = [f"costs ${1000 * c:.0f} a$" for c in cost]  # dollars are no formula
    figure = plots.importance(names, cost, np.full(25, 0.0005))
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == sorted(cost, reverse=True)[: plots.TOP]
    labels = axes.texts
    assert len(labels) == plots.TOP
    assert labels[0].get_text() == "costs $24 a$"
    assert not any(label.get_parse_math() for label in labels)
    assert axes.yaxis_inverted()


@pytest.mark.parametrize("won", [np.zeros(400), np.ones(400), WON])
def test_all_can_be_drawn_and_nothing_is_left_behind(won, tmp_path):
    before = dict(mpl.rcParams)
    for number, figure in enumerate(
        [
            plots.gain(won, SCORES, CUTOFF, 0.1),
            plots.precision_by_capacity(won, SCORES, CUTOFF, won.mean(), 0.1),
            plots.calibration(won, PROBABILITY, LEAD),
            plots.importance(["a", "b"], [0.1, -0.1], [0.0, 0.0]),
        ]
    ):
        assert isinstance(figure, Figure)
        figure.savefig(tmp_path / f"{number}.png")
    assert dict(mpl.rcParams) == before
    assert mpl._pylab_helpers.Gcf.get_all_fig_managers() == []


def test_without_wins_the_gain_is_unknown():
    assert "model -" in words(plots.gain(np.zeros(400), SCORES, CUTOFF, 0.1))
