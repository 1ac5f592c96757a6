"""Baselines hold the figures that plain scikit-learn gives, see no test outcome, and may win.

The verdicts: where the truth is a straight line and the rows few, a logistic regression does as
well as boosting; where it is a checkerboard, nothing simpler does.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from features.config import Capacity, Config, Tables, Times
from features.dataset import Dataset
from features.result_json import to_json
from features.spec.kinds import Age, Attribute
from models.classifier.classifier import AVERAGE, LOGISTIC, TREES
from models.rules.rules import parse_rules
from models.simpler import (
    CALIBRATED_RULES,
    LEARNED_POINTS,
    MODEL,
    RULES,
    SideBySide,
    Simpler,
    weigh,
)
from models.statistics.intervals import Estimate
from models.statistics.judge import METRICS
from tests.models.small_model import SETTINGS, SPECS
from tests.training.few_cutoffs import sampled, week, weeks
from training.baselines import baselines, side_by_side
from training.fit import calibration_split, fit
from training.learners import FittedLearner, logistic_regression, select_learner, simplest
from training.search import WITHOUT_FOLDS, Candidate

FIT, JUDGE = weeks(*range(9)), weeks(14, 15)
POINTS = """name = "visits"
[bands]
warm = 1
hot = 3
[[rule]]
action = "visit"
points = 2
cap = 10
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory):
    return parse_rules(POINTS, tmp_path_factory.mktemp("rules") / "rules.toml")


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    return Config(
        path=tmp_path_factory.mktemp("none") / "readiness.toml",
        tables=Tables(events="e.csv", leads="l.csv", deals="d.csv"),
        time=Times(first_cutoff=week(0), horizon_days=30),
        capacity=Capacity(share=0.1),
    )


def parts(dataset):
    return dataset.at(FIT), dataset.at(JUDGE)


def learnt(past, specs, settings):
    chosen = Candidate(settings, ())
    return FittedLearner(fit(past, specs, settings, 30, seed=0), chosen, [chosen])


def compared(config, rules, dataset, specs, learner="trees"):
    """What is registered, and what is simpler held against it."""
    past, test = parts(dataset)
    requested = config.training.model_copy(update={"learner": learner})
    config = config.model_copy(update={"training": requested})
    trees = learnt(past, specs, SETTINGS)
    logistic = logistic_regression(config, past, specs, FIT)
    learners = select_learner(config, past, specs, FIT, trees, logistic)
    model = learners.registered.model
    others = [*baselines(past, specs, rules), *(other.way for other in learners.others)]
    held = side_by_side(config, test, model.rank(test.frame), others)
    return weigh(held, config.promotion.metric), model, past, test


def test_figures_are_those_of_scikit_learn(config, rules):
    result, model, past, test = compared(config, rules, sampled(16), SPECS)
    points = np.clip(2 * test.frame["count_all(visit)"], None, 10)
    assert result.side_by_side.figures[RULES]["roc_auc"].point == pytest.approx(
        roc_auc_score(test.won, points)
    )
    latest = past.at(calibration_split(past).judge)
    before = np.clip(2 * latest.frame[["count_all(visit)"]], None, 10)
    line = LogisticRegression(C=1e6).fit(before.to_numpy(), latest.won)
    chance = line.predict_proba(points.to_numpy()[:, None])[:, 1]
    report = result.side_by_side.figures[CALIBRATED_RULES]
    assert report["log_loss"].point == pytest.approx(log_loss(test.won, chance), abs=1e-4)
    assert report["brier"].point == pytest.approx(brier_score_loss(test.won, chance), abs=1e-4)
    same = np.full(len(test.won), past.won.mean())
    alike = result.side_by_side.figures["base rate"]
    assert alike["log_loss"].point == pytest.approx(log_loss(test.won, same))
    gap = result.side_by_side.difference["base rate"]["average_precision"].point
    ours = average_precision_score(test.won, model.rank(test.frame))
    assert gap == pytest.approx(ours - test.won.mean())


def test_the_regression_is_that_of_pandas_and_scikit_learn(config, rules):
    """Without folds, one strength; encoded by hand."""
    past, test = parts(sampled(16))
    ours = learnt(past, SPECS, WITHOUT_FOLDS.settings).way
    split = calibration_split(past)
    early, latest = past.at(split.fit), past.at(split.judge)

    def encode(frame):
        sources = [early.frame[c].fillna("none") for c in ("first_source", "last_source")]
        texts = pd.get_dummies(
            pd.DataFrame({s.name: frame[s.name].fillna("none") for s in sources}), dtype=float
        )
        names = [s.name for s in SPECS if not s.name.endswith("source")]
        bent, before = np.arcsinh(frame[names]), np.arcsinh(early.frame[names])
        gone = frame[names].isna().astype(float)[[n for n in names if before[n].isna().any()]]
        return np.hstack([texts, bent.fillna(before.mean()), gone])

    seen = encode(early.frame)
    mean, spread = seen.mean(axis=0), seen.std(axis=0)
    line = LogisticRegression(C=1e-3, tol=1e-8, max_iter=5000).fit(
        (seen - mean) / spread, early.won
    )
    later, requested = (
        line.decision_function((encode(d.frame) - mean) / spread) for d in (latest, test)
    )
    sigmoid = LogisticRegression(C=1e6).fit(later[:, None], latest.won)
    expected = sigmoid.predict_proba(requested[:, None])[:, 1]
    assert ours.name == LOGISTIC
    assert ours.rank(test.frame) == pytest.approx(expected, abs=0.01)
    assert np.corrcoef(ours.rank(test.frame), expected)[0, 1] > 0.9999


def test_no_baseline_sees_the_test(config, rules):
    dataset = sampled(16)
    past, test = parts(dataset)
    upside_down = Dataset(pd.concat([past.frame, test.frame]), np.r_[past.won, 1 - test.won])
    straight, *_ = compared(config, rules, dataset, SPECS)
    turned, *_ = compared(config, rules, upside_down, SPECS)
    for name in (RULES, CALIBRATED_RULES, LEARNED_POINTS, LOGISTIC):
        right = straight.side_by_side.figures[name]["roc_auc"].point
        wrong = turned.side_by_side.figures[name]["roc_auc"].point
        assert right + wrong == pytest.approx(1), name  # the same ranks, all outcomes turned


TWO = (Age(), Attribute("a", False), Attribute("b", False))


def made(log_odds, each, seed):
    """16 weeks of `each` snapshots with two numbers, whose log-odds are a function of both."""
    rng = np.random.default_rng(seed)
    a, b = rng.uniform(-1, 1, (2, 16 * each))
    frame = pd.DataFrame(
        {
            "lead_id": np.arange(16 * each),
            "cutoff": np.repeat([week(n) for n in range(16)], each),
            "age_days": rng.uniform(1, 300, 16 * each),
            "attribute(a)": a,
            "attribute(b)": b,
            "count_all(visit)": rng.poisson(1, 16 * each).astype(float),
        }
    )
    return Dataset(frame, (rng.random(16 * each) < expit(log_odds(a, b))).astype(float))


STRAIGHT = made(lambda a, b: -1 + 2 * a + 2 * b, each=80, seed=1)
CHECKERED = made(lambda a, b: 3 * np.sign(a * b), each=200, seed=2)


def test_a_straight_line_is_drawn_as_well_by_a_logistic_regression(config, rules):
    result, model, *_ = compared(config, rules, STRAIGHT, TWO)
    assert model.way == TREES
    assert result.simplest == LOGISTIC
    assert result.verdict.startswith(("Simpler does as well: a log", "Simpler is better: a log"))
    assert result.side_by_side.behind(LOGISTIC, "average_precision").low <= 0


def test_where_it_does_as_well_the_logistic_regression_is_registered(config, rules):
    result, model, _, test = compared(config, rules, STRAIGHT, TWO, "simplest")
    assert model.way == LOGISTIC
    assert result.side_by_side.others[-1] == TREES
    assert TREES not in result.side_by_side.simpler
    ours = average_precision_score(test.won, model.rank(test.frame))
    assert result.side_by_side.figures["model"]["average_precision"].point == pytest.approx(ours)
    named = " The model is a logistic regression, simpler than the boosted trees, which have "
    assert named in result.verdict
    report = to_json(result)
    assert to_json(Simpler.from_json(report)) == report


def test_a_checkerboard_takes_boosting(config, rules):
    for learner in ("trees", "simplest"):
        result, model, *_ = compared(config, rules, CHECKERED, TWO, learner)
        assert model.way == TREES
        assert result.simplest is None
        assert result.verdict.startswith("Nothing simpler does as well: the next best, ")
        for name in result.side_by_side.others:
            assert result.side_by_side.behind(name, "average_precision").low > 0


def test_the_average_may_be_asked_for_and_stands_beside_both_of_its_parts(config, rules):
    result, model, past, _ = compared(config, rules, STRAIGHT, TWO, "average")
    assert model.way == AVERAGE
    assert result.side_by_side.others[-2:] == [LOGISTIC, TREES]
    assert TREES not in result.side_by_side.simpler
    assert f" The model is the {AVERAGE}; the boosted trees alone have " in result.verdict
    settings = SETTINGS | {"strength": model.classifier.strength}
    assert np.array_equal(
        model.rank(past.frame), fit(past, TWO, settings, 30, seed=config.seed).rank(past.frame)
    )


def test_of_three_the_simplest_that_is_as_good_is_chosen():
    """By hand: the average is the model; what is surely worse than it by either figure is out."""

    def judged(**losses):
        """Differences of the log loss to the average; 0.01 is surely worse, the rest is chance."""
        figures = {name: {m: Estimate(0.2, 0.1, 0.3) for m in METRICS} for name in (MODEL, *losses)}
        apart = {
            name: dict.fromkeys(METRICS, Estimate(0.0, -0.1, 0.1))
            | {"log_loss": Estimate(-loss, -loss - 0.005, -loss + 0.005)}
            for name, loss in losses.items()
        }
        return SideBySide(100, figures, apart)

    metric = "average_precision"
    for line, trees, expected in (
        (0.0, 0.0, "logistic"),
        (0.01, 0.0, "trees"),
        (0.0, 0.01, "logistic"),
        (0.01, 0.01, "average"),
    ):
        assert simplest(metric, judged(**{LOGISTIC: line, TREES: trees}))[0] == expected
    assert simplest(metric, None)[0] == "trees"
    few = replace(judged(**{LOGISTIC: 0.0, TREES: 0.0}), leads=5)
    assert simplest(metric, few)[0] == "trees"


def test_a_person_may_have_the_regression_where_the_trees_are_surely_better(config, rules):
    result, model, *_ = compared(config, rules, CHECKERED, TWO, "logistic")
    assert model.way == LOGISTIC
    assert result.side_by_side.difference[TREES]["average_precision"].high < 0
    assert not result.verdict.endswith("which may be chance.")


def test_what_is_kept_is_read_back(config, rules):
    result, *_ = compared(config, rules, sampled(16, each=60), SPECS)
    report = to_json(result)
    assert to_json(Simpler.from_json(report)) == report
    assert list(report["figures"])[:2] == ["model", "base_rate"]
    assert report["figures"]["rules"]["log_loss"] is None
