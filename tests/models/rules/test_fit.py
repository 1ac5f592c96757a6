"""The numbers behind learned points, on data whose truth is known."""

import numpy as np
import pytest
from scipy.special import expit

from models.rules.fit import errors, evidence, weights, whole_points

RNG = np.random.default_rng(3)
N = 6_000
TWIN = RNG.random(N) < 0.4
# two events that mostly go together, one that means nothing, one bad sign
COLUMNS = np.column_stack(
    [TWIN, TWIN ^ (RNG.random(N) < 0.05), RNG.random(N) < 0.3, RNG.random(N) < 0.2]
).astype(float)
WON = (RNG.random(N) < expit(-1.5 + COLUMNS @ [1.2, 0.0, 0.0, -1.0])).astype(float)
LEADS = np.arange(N)


def test_evidence_is_signed_and_counts_leads():
    report = evidence(COLUMNS, WON, LEADS)
    assert report.leads.tolist() == COLUMNS.sum(axis=0).tolist()
    assert (report.clear[[0, 1]] > 10).all()
    assert abs(report.clear[2]) < 3 < -report.clear[3]


def test_snapshots_of_one_lead_are_one_witness():
    """Everything ten times over is ten times as clear only if leads were not counted as one."""
    tenfold = [np.repeat(each, 10, axis=0) for each in (COLUMNS, WON, LEADS)]
    once, again = evidence(COLUMNS, WON, LEADS), evidence(*tenfold)
    assert again.clear == pytest.approx(once.clear)
    assert again.leads.tolist() == once.leads.tolist()
    result = weights(COLUMNS, WON, np.zeros(4))
    assert errors(*tenfold, result) == pytest.approx(errors(COLUMNS, WON, LEADS, result), rel=1e-2)


def test_a_good_event_is_never_punished_for_its_twin():
    """Without the sign, the twin that means nothing could get a weight below 0."""
    columns = COLUMNS * [1, 1, 1, -1]
    result = weights(columns, WON, np.zeros(4))
    assert (result[1:] >= 0).all()
    assert result[[1, 4]] == pytest.approx([1.2, 1.0], abs=0.3)
    report = evidence(columns, WON, LEADS)
    penalised = weights(columns, WON, 2 * report.noise)
    assert penalised[3] == 0  # what means nothing is left out


def test_the_error_of_one_event_is_the_textbook_s():
    """The variance of a log odds ratio is the sum of 1 / (n p (1 - p)) over its two groups."""
    fitted = weights(COLUMNS[:, :1], WON, np.zeros(1))
    groups = [WON[TWIN], WON[~TWIN]]
    variance = sum(1 / (g.size * g.mean() * (1 - g.mean())) for g in groups)
    error = errors(COLUMNS[:, :1], WON, LEADS, fitted)
    assert error == pytest.approx([variance**0.5], rel=0.01)


def test_whole_points_keep_the_proportions():
    columns = COLUMNS[:, [0, 2, 3]] * [1, 1, -1]
    points = whole_points(columns, WON, np.array([-1.5, 1.2, 0.0, 1.0]), 20 / 1.2, np.full(3, 20.0))
    assert points.dtype.kind == "i"
    assert points[1] == 0  # nothing stays nothing
    assert points[0] == pytest.approx(20, abs=3)
    assert points[2] == pytest.approx(17, abs=4)
