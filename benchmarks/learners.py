"""What boosting costs, and how well it ranks: ours beside LightGBM and XGBoost.

    .venv/bin/python -m benchmarks.learners [LEADS] [--write]

Simulated companies, the same encoded snapshots, the same settings (those that training starts from)
in each library's own words, all cores. Log loss is that of the final test's outcomes, before
calibration; `to the truth` is what it costs beside the true chances (Kullback-Leibler). Ours is
scikit-learn's on the rows that models/classifier/subsample.py draws, drawing and correcting
included."""

import os
import sys
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import xgboost
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from benchmarks.measure import Cost, Stopwatch
from benchmarks.page import tell
from benchmarks.small_data import company
from models.classifier.encoding import encoded, ordinal, uninformative
from models.classifier.subsample import correct_prior, subsample
from training.search import DEFAULT

LEADS, SEEDS, ROUNDS = 20_000, (401, 402, 403), 3  # fresh: no choice was made looking at these
SEED = 7
OURS, ALL_ROWS, PEER = "ours", "scikit-learn, all rows", f"LightGBM {lightgbm.__version__}"
Floats = NDArray[np.float64]
Fit = Callable[[Floats, Floats], Callable[[Floats], Floats]]


class Row(NamedTuple):
    """One learner: the cost of each round, and by company log loss and distance from the truth."""

    costs: list[Cost]
    losses: list[float]
    aways: list[float]


def booster() -> HistGradientBoostingClassifier:
    """Unfitted, of the default settings."""
    return HistGradientBoostingClassifier(early_stopping=False, random_state=SEED, **DEFAULT)


def by_scikit_learn(X: Floats, won: Floats) -> Callable[[Floats], Floats]:
    """HistGradientBoostingClassifier on every row."""
    boost = booster().fit(X, won)
    return lambda requested: boost.predict_proba(requested)[:, 1]


def ours(X: Floats, won: Floats) -> Callable[[Floats], Floats]:
    """The same as training does it: on the rows drawn."""
    rows, share = subsample(won, SEED)
    boost = booster().fit(X[rows], won[rows])
    correct_prior(boost, X[rows], won[rows], share)
    return lambda requested: boost.predict_proba(requested)[:, 1]


def by_lightgbm_on_ours(X: Floats, won: Floats) -> Callable[[Floats], Floats]:
    """LightGBM on the rows that ours draws."""
    rows, share = subsample(won, SEED)
    predict = by_lightgbm(X[rows], won[rows])
    return lambda requested: expit(logit(predict(requested)) + np.log(share))


def by_lightgbm(X: Floats, won: Floats) -> Callable[[Floats], Floats]:
    """The same settings in LightGBM."""
    model = lightgbm.LGBMClassifier(
        n_estimators=DEFAULT["max_iter"],
        learning_rate=DEFAULT["learning_rate"],
        num_leaves=DEFAULT["max_leaf_nodes"],
        min_child_samples=DEFAULT["min_samples_leaf"],
        min_child_weight=0.0,
        reg_lambda=DEFAULT["l2_regularization"],
        feature_fraction_bynode=DEFAULT["max_features"],
        random_state=SEED,
        n_jobs=os.cpu_count(),
        verbose=-1,
    ).fit(X, won)
    return lambda requested: np.asarray(model.predict_proba(requested))[:, 1]


def by_xgboost(X: Floats, won: Floats) -> Callable[[Floats], Floats]:
    """The same settings in XGBoost, which bounds a leaf by its hessian and not by its rows."""
    share = float(won.mean())
    model = xgboost.XGBClassifier(
        n_estimators=DEFAULT["max_iter"],
        learning_rate=DEFAULT["learning_rate"],
        tree_method="hist",
        grow_policy="lossguide",
        max_depth=0,
        max_leaves=DEFAULT["max_leaf_nodes"],
        min_child_weight=DEFAULT["min_samples_leaf"] * share * (1 - share),
        reg_lambda=DEFAULT["l2_regularization"],
        colsample_bynode=DEFAULT["max_features"],
        random_state=SEED,
        n_jobs=os.cpu_count(),
    ).fit(X, won)
    return lambda requested: np.asarray(model.predict_proba(requested))[:, 1]


LEARNERS: dict[str, Fit] = {
    OURS: ours,
    ALL_ROWS: by_scikit_learn,
    PEER: by_lightgbm,
    f"{PEER}, on our rows": by_lightgbm_on_ours,
    f"XGBoost {xgboost.__version__}": by_xgboost,
}


def measured(leads: int = LEADS, rounds: int = ROUNDS) -> str:
    """The table, as Markdown."""
    result = {name: Row([], [], []) for name in LEARNERS}
    sizes = [contest(seed, leads, rounds, result) for seed in SEEDS]
    rows, wins, seen = (", ".join(f"{size[i]:,}" for size in sizes) for i in range(3))
    return (
        "## Training beside LightGBM and XGBoost\n\n"
        f"{len(SEEDS)} companies, {rows} snapshots to fit on ({wins} won, ours sees {seen} rows), "
        f"{sizes[0][3]} features; {DEFAULT['max_iter']} trees of at most "
        f"{DEFAULT['max_leaf_nodes']} leaves; {rounds} rounds of each in turn, medians of the "
        f"ratios per round, means of log losses.\n\n{table(result)}"
    )


def contest(seed: int, leads: int, rounds: int, result: dict[str, Row]) -> tuple[int, ...]:
    """Let all learners fit one company, and note what it cost and how good it was. How many
    snapshots there were, how many won, how many ours saw, and the features."""
    made = company(seed, leads)
    columns = made.past.frame[[spec.name for spec in made.specs]]
    columns = columns.drop(columns=list(uninformative(columns)))
    encode = ordinal(columns).fit(columns)
    X, requested = encoded(encode, made.past.frame), encoded(encode, made.test.frame)
    chances = {}
    for _ in range(rounds):
        for name, fit in LEARNERS.items():
            watch = Stopwatch()
            predict = fit(X, made.past.won)
            result[name].costs.append(watch.lap())
            chances[name] = np.asarray(predict(requested), np.float64)
    for name, chance in chances.items():
        result[name].losses.append(log_loss(made.test.won, chance))
        result[name].aways.append(away(made.truth, chance))
    return len(X), int(made.past.won.sum()), len(subsample(made.past.won, SEED)[0]), X.shape[1]


def table(result: dict[str, Row]) -> str:
    """Seconds, and ratios to LightGBM round by round; quality, and its largest gap to LightGBM's
    in any company."""
    peer = result[PEER]
    lines = [
        "| | wall s | CPU s | wall / LightGBM | CPU / LightGBM | log loss | largest gap "
        "| to the truth |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, row in result.items():
        gaps = np.subtract(row.losses, peer.losses)
        lines.append(
            f"| {name} | {median(c.wall for c in row.costs):.2f} "
            f"| {median(c.cpu for c in row.costs):.2f} | {ratio(row, peer, 'wall'):.2f} "
            f"| {ratio(row, peer, 'cpu'):.2f} | {np.mean(row.losses):.5f} "
            f"| {gaps[np.abs(gaps).argmax()]:+.5f} | {np.mean(row.aways):.5f} |"
        )
    return "\n".join(lines)


def ratio(row: Row, peer: Row, of: str) -> float:
    """The median over the rounds of what this took for each second of the peer."""
    pairs: Any = zip(row.costs, peer.costs, strict=True)
    return median(getattr(mine, of) / getattr(theirs, of) for mine, theirs in pairs)


def away(truth: Floats, chances: Floats) -> float:
    """Mean Kullback-Leibler divergence of the chances from the true ones, in nats."""
    won = truth * np.log(np.maximum(truth, 1e-12) / chances)
    lost = (1 - truth) * np.log((1 - truth) / (1 - chances))
    return float(np.mean(won + lost))


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:] if each.isdigit()]
    tell(measured(*given), "benchmarks.learners")
