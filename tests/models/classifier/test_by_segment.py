"""Own models beside the model of all leads: log-odds and reasons are weighted means, whatever the
learner; who has no own model is scored as before; stored and read back to the last bit."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, logit
from skops.io import dump, get_untrusted_types

from models.classifier.artefact import TRUSTED, from_bytes, stored_form, to_bytes
from models.classifier.by_segment import BySegment, Shares
from models.classifier.calibration_line import CalibrationLine
from models.classifier.classifier import ReadinessClassifier
from models.classifier.logistic import LogisticSettings
from models.explanations.explain import explain
from models.explanations.importance import importance
from tests.models.small_model import (
    AVERAGE,
    SETTINGS,
    fitted,
    learner,
    names,
    snapshots,
)

COLUMN = "first_source"
SHARES = {"ads": 0.25, "referral": 1.0}
LINE = CalibrationLine(0.9, -0.3)
LEARNERS = {"trees": SETTINGS, "logistic": LogisticSettings(strength=0.01), "average": AVERAGE}
UNSEEN = snapshots(300, seed=1)[0].replace({COLUMN: {"fair": "never seen"}})


def by_hand(value, settings):
    """A classifier of the rows of one value (None: of all), fitted apart."""
    frame, won = snapshots(1_500)
    rows = np.ones(len(won), bool) if value is None else (frame[COLUMN] == value).to_numpy()
    columns = [name for name in names() if value is None or name != COLUMN]
    return ReadinessClassifier.of(settings, 0, "none").fit(frame.loc[rows, columns], won[rows])


@pytest.fixture(scope="module", params=LEARNERS)
def served(request):
    """A model with own models of two values, and the settings of its learners."""
    settings = LEARNERS[request.param]
    frame, won = snapshots(1_500)
    of_all = learner(frame, won, settings=settings)
    own = BySegment.fit(of_all, Shares(COLUMN, SHARES), frame[names()], won).with_line(LINE)
    return replace(fitted(300), classifier=own, dropped={}), settings


def test_log_odds_are_weighted_means_of_models_that_are_fitted_apart(served):
    model, settings = served
    expected = by_hand(None, settings).decision_function(UNSEEN[names()])
    for value, share in SHARES.items():
        rows = (UNSEEN[COLUMN] == value).to_numpy()
        assert rows.sum() > 20
        apart = by_hand(value, settings)
        own = apart.decision_function(UNSEEN.loc[rows, list(apart.feature_names_in_)])
        expected[rows] = share * own + (1 - share) * expected[rows]
    assert model.rank(UNSEEN) == pytest.approx(expit(0.9 * expected - 0.3), abs=1e-12)


def test_who_has_no_own_model_is_scored_by_the_model_of_all_leads(served):
    model, settings = served
    others = ~UNSEEN[COLUMN].isin(SHARES)
    assert UNSEEN.loc[others, COLUMN].isna().any()
    assert (UNSEEN.loc[others, COLUMN] == "never seen").any()
    of_all = by_hand(None, settings).learner_log_odds(UNSEEN[others])
    assert np.array_equal(model.rank(UNSEEN)[others], LINE.probability(of_all))


def test_reasons_are_weighted_means_and_add_up_to_the_log_odds(served):
    model, settings = served
    reasons = explain(model, UNSEEN)
    total = reasons.base + reasons.by_feature.sum(axis=1)
    assert total == pytest.approx(logit(model.rank(UNSEEN)), abs=1e-9)
    of_all = replace(model, classifier=by_hand(None, settings).with_line(LINE))
    rows = (UNSEEN[COLUMN] == "ads").to_numpy()
    apart = by_hand("ads", settings)
    specs = tuple(spec for spec in model.specs if spec.name in apart.feature_names_in_)
    own = explain(replace(model, classifier=apart.with_line(LINE), specs=specs), UNSEEN[rows])
    both = explain(of_all, UNSEEN[rows])
    assert reasons.base == pytest.approx(both.base)
    for place, spec in enumerate(model.specs):
        if spec.name == COLUMN:  # a constant of the own model, which starts elsewhere
            expected = 0.75 * both.by_feature[:, place] + 0.25 * (own.base - both.base)
        else:
            theirs = own.by_feature[:, [s.name for s in specs].index(spec.name)]
            expected = 0.25 * theirs + 0.75 * both.by_feature[:, place]
        assert reasons.by_feature[rows, place] == pytest.approx(expected, abs=1e-9)


def test_a_lead_alone_is_scored_as_among_others(served):
    model, _ = served
    together = model.rank(UNSEEN)
    alone = [model.rank(UNSEEN.iloc[[row]])[0] for row in range(40)]
    assert together[:40].tolist() == alone
    assert model.rank(UNSEEN.iloc[:0]).shape == (0,)


def test_it_is_stored_in_trusted_types_and_read_back_to_the_last_bit(served, tmp_path):
    model, _ = served
    dump(stored_form(model.classifier), tmp_path / "model.skops")
    assert set(get_untrusted_types(file=tmp_path / "model.skops")) <= set(TRUSTED)
    back = replace(model, classifier=from_bytes(to_bytes(model.classifier)))
    assert back.classifier.line_ == LINE
    assert {value: own.share for value, own in back.classifier.own.items()} == SHARES
    assert np.array_equal(back.rank(UNSEEN), model.rank(UNSEEN))
    assert np.array_equal(explain(back, UNSEEN).by_feature, explain(model, UNSEEN).by_feature)


@pytest.mark.parametrize("count", [1, 3])
def test_scikit_learn_alone_scores_the_stored_form_alike(count):
    """One own model has one output of the shares, several have as many."""
    frame, won = snapshots(900)
    shares = dict([("ads", 0.5), ("referral", 0.75), ("fair", 1.0)][:count])
    of_all = learner(frame, won)
    own = BySegment.fit(of_all, Shares(COLUMN, shares), frame[names()], won).with_line(LINE)
    chances = stored_form(own).predict_proba(UNSEEN[names()])[:, 1]
    assert chances == pytest.approx(replace(fitted(300), classifier=own).rank(UNSEEN), abs=1e-12)
    assert own.own.keys() == shares.keys()


def test_a_value_with_one_outcome_gets_no_own_model():
    frame, won = snapshots(600)
    never = np.where(frame[COLUMN] == "ads", 0.0, won)
    own = BySegment.fit(learner(frame, never), Shares(COLUMN, SHARES), frame[names()], never)
    assert list(own.own) == ["referral"]


def test_what_moves_the_own_models_is_important(served):
    model, _ = served
    frame, won = snapshots(400, seed=2)
    costs = importance(model, frame, won, seed=0).set_index("feature")["cost"]
    assert set(costs.index) == set(names())
    assert {"count_7d(visit)", "age_days"} & set(costs.index[:3])
    assert all(first >= second for first, second in pairwise(costs))
