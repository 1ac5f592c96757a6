"""Would another learner predict better? Ours beside LightGBM, CatBoost and an average, as Markdown.

    .venv/bin/pip install lightgbm catboost
    .venv/bin/python -m benchmarks.learner_peers [--write]    # docs/adr/0043 says what it means

Each learner sees the same encoded features of the same snapshots and is judged on the later cutoffs
of the same rolling-origin folds of the training cutoffs; no final test is looked at. None is
calibrated. The settings are those that training starts from, in each library's own words.
"""

from collections.abc import Callable

import numpy as np
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier

from benchmarks.learner_contest import SEED, Floats, Learners, Predict, Task, contests
from benchmarks.page import tell
from features.dataset import Dataset
from models.classifier.classifier import ReadinessClassifier
from models.classifier.encoding import encoded, ordinal, uninformative
from training.search import DEFAULT

TREES, REGRESSION, AVERAGE = "boosted trees (ours)", "regression (ours)", "average of both"


def trees(past: Dataset, task: Task) -> Predict:
    """The product's trees."""
    return _ours(ReadinessClassifier(calibration="none", random_state=SEED), past, task)


def regression(past: Dataset, task: Task) -> Predict:
    """The product's regression, of its default strength."""
    return _ours(ReadinessClassifier("logistic", calibration="none"), past, task)


def _ours(model: ReadinessClassifier, past: Dataset, task: Task) -> Predict:
    model.fit(past.frame[task.columns], past.won)
    return lambda frame: model.decision_function(frame[task.columns])


def average(past: Dataset, task: Task) -> Predict:
    """The mean of the log-odds of both."""
    parts = [fit(past, task) for fit in (trees, regression)]
    return lambda frame: np.mean([part(frame) for part in parts], axis=0)


def by_lightgbm(past: Dataset, task: Task) -> Predict:
    """The trees' settings in LightGBM."""
    model = LGBMClassifier(
        n_estimators=DEFAULT["max_iter"],
        learning_rate=DEFAULT["learning_rate"],
        num_leaves=DEFAULT["max_leaf_nodes"],
        min_child_samples=DEFAULT["min_samples_leaf"],
        min_child_weight=0.0,
        reg_lambda=DEFAULT["l2_regularization"],
        feature_fraction_bynode=DEFAULT["max_features"],
        random_state=SEED,
        n_jobs=1,
        verbose=-1,
    )
    return _peer(model, past, task, lambda X: model.predict(X, raw_score=True))


def by_catboost(past: Dataset, task: Task) -> Predict:
    """The trees' settings in CatBoost: its trees are symmetric, of 8 leaves."""
    model = CatBoostClassifier(
        iterations=DEFAULT["max_iter"],
        learning_rate=DEFAULT["learning_rate"],
        depth=3,
        l2_leaf_reg=DEFAULT["l2_regularization"],
        rsm=DEFAULT["max_features"],
        random_seed=SEED,
        thread_count=1,
        verbose=False,
        allow_writing_files=False,
    )
    return _peer(model, past, task, lambda X: model.predict(X, prediction_type="RawFormulaVal"))


def by_catboost_as_it_comes(past: Dataset, task: Task) -> Predict:
    """CatBoost's own settings, with a third of its trees."""
    model = CatBoostClassifier(
        iterations=330, random_seed=SEED, thread_count=1, verbose=False, allow_writing_files=False
    )
    return _peer(model, past, task, lambda X: model.predict(X, prediction_type="RawFormulaVal"))


def _peer(
    model: LGBMClassifier | CatBoostClassifier,
    past: Dataset,
    task: Task,
    log_odds: Callable[[Floats], Floats],
) -> Predict:
    frame = past.frame[task.columns]
    frame = frame.drop(columns=list(uninformative(frame)))
    encode = ordinal(frame).fit(frame)
    model.fit(encoded(encode, frame), past.won)
    return lambda later: np.asarray(log_odds(encoded(encode, later)), np.float64)


LEARNERS: Learners = {
    TREES: trees,
    REGRESSION: regression,
    AVERAGE: average,
    "LightGBM": by_lightgbm,
    "CatBoost": by_catboost,
    "CatBoost, own settings": by_catboost_as_it_comes,
}


def measured() -> str:
    """The table, as Markdown."""
    return (
        "## Other learners on the same folds\n\n"
        "Log loss on the later cutoffs of rolling-origin folds, uncalibrated; the difference to "
        "our trees with its 95% interval, paired and clustered by lead (below 0: better than "
        "ours); CPU seconds to fit, one thread. Of 1,000 leads there are four companies, taken "
        "together.\n\n"
        "| data | learner | log loss | difference to our trees | CPU s |\n"
        "|---|---|---:|---|---:|\n"
        + "".join(f"| {' | '.join(line)} |\n" for line in contests(LEARNERS))
    )


if __name__ == "__main__":
    tell(measured(), "benchmarks.learner_peers")
