"""What boosting costs, and how well it ranks: scikit-learn's beside LightGBM and XGBoost.

    .venv/bin/python -m benchmarks.learners [LEADS] [--write]

The same simulated company, the same encoded snapshots, the same settings (those that training
starts from) in each library's own words, all cores. Log loss is that of the final test's outcomes,
before calibration; `to the truth` is what it costs beside the true chances (Kullback-Leibler).
"""

import os
import sys
from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import xgboost
from numpy.typing import NDArray

from benchmarks.measure import Cost, Stopwatch
from benchmarks.page import tell
from benchmarks.small_data import company
from features.spec import is_text
from models.encoding import encoded
from models.metrics import log_loss
from models.readiness import trees, usable
from training.search import DEFAULT

LEADS, SEED, ROUNDS = 20_000, 7, 5
Floats = NDArray[np.float64]
Fit = Callable[[Floats, Floats], Callable[[Floats], Floats]]


class Row(NamedTuple):
    """One library: the cost of each round, and its chances of the test's snapshots."""

    name: str
    costs: list[Cost]
    chances: Floats


def ours(X: Floats, won: Floats) -> Callable[[Floats], Floats]:
    """HistGradientBoostingClassifier as training makes it."""
    boost = trees((), DEFAULT, SEED).named_steps["boost"].fit(X, won)
    return lambda asked: boost.predict_proba(asked)[:, 1]


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
    return lambda asked: np.asarray(model.predict_proba(asked))[:, 1]


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
    return lambda asked: np.asarray(model.predict_proba(asked))[:, 1]


LEARNERS: dict[str, Fit] = {
    "ours (scikit-learn)": ours,
    f"LightGBM {lightgbm.__version__}": by_lightgbm,
    f"XGBoost {xgboost.__version__}": by_xgboost,
}


def measured(leads: int = LEADS, rounds: int = ROUNDS) -> str:
    """The table, as Markdown."""
    made = company(SEED, leads)
    kept, _ = usable(made.past.frame, made.specs)
    encode = trees(kept, DEFAULT, SEED).named_steps["encode"].fit(made.past.frame)
    X, asked = encoded(encode, made.past.frame), encoded(encode, made.test.frame)
    found = {name: Row(name, [], np.empty(0)) for name in LEARNERS}
    for _ in range(rounds):
        for name, fit in LEARNERS.items():
            watch = Stopwatch()
            predict = fit(X, made.past.won)
            found[name].costs.append(watch.lap())
            found[name] = found[name]._replace(chances=np.asarray(predict(asked), np.float64))
    texts = sum(is_text(spec) for spec in kept)
    return (
        "## Training beside LightGBM and XGBoost\n\n"
        f"{len(X):,} snapshots to fit on ({int(made.past.won.sum()):,} won), {X.shape[1]} features "
        f"({texts} of them texts), {len(asked):,} to judge on; {DEFAULT['max_iter']} trees of at "
        f"most {DEFAULT['max_leaf_nodes']} leaves; {rounds} rounds in turn, medians of the ratios "
        f"per round.\n\n{table(list(found.values()), made.test.won, made.truth)}"
    )


def table(rows: list[Row], won: Floats, truth: Floats) -> str:
    """Seconds, and ratios to LightGBM round by round; quality."""
    peer = next(row for row in rows if row.name.startswith("LightGBM"))
    lines = [
        "| | wall s | CPU s | wall / LightGBM | CPU / LightGBM | log loss | to the truth |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} | {median(c.wall for c in row.costs):.2f} "
            f"| {median(c.cpu for c in row.costs):.2f} | {ratio(row, peer, 'wall'):.2f} "
            f"| {ratio(row, peer, 'cpu'):.2f} | {log_loss(won, row.chances):.5f} "
            f"| {away(truth, row.chances):.5f} |"
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
