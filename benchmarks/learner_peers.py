"""Would another learner predict better? Ours beside LightGBM, CatBoost and an average, as Markdown.

    .venv/bin/pip install lightgbm catboost
    .venv/bin/python -m benchmarks.learner_peers [--write]    # docs/adr/0043 says what it means

Each learner sees the same encoded features of the same snapshots and is judged on the later cutoffs
of the same rolling-origin folds of the training cutoffs; no final test is looked at. None is
calibrated. The settings are those that training starts from, in each library's own words.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
import pandas as pd
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.baselines import bank
from benchmarks.page import tell
from benchmarks.public import formula_one
from benchmarks.small_data import company
from features.catalog import catalog_of
from features.config import load
from features.dataset import Dataset
from features.open_database import open_database
from models.classifier.classifier import ReadinessClassifier
from models.classifier.encoding import encoded, ordinal, uninformative
from models.statistics.bootstrap import bootstrapped, rarer
from training.search import DEFAULT
from training.splits import Split, configured_split, labelled_sides, rolling_origin

SEED, FOLDS, REPLICATES = 7, 3, 400
TREES, REGRESSION, AVERAGE = "boosted trees (ours)", "regression (ours)", "average of both"
Floats = NDArray[np.float64]
Predict = Callable[[pd.DataFrame], Floats]


class Task(NamedTuple):
    """Labelled snapshots, the features, and the folds to judge on."""

    name: str
    dataset: Dataset
    columns: list[str]
    folds: list[Split]


class Result(NamedTuple):
    """Of one learner on the later cutoffs of all folds: log loss per snapshot, and CPU seconds to
    fit."""

    losses: Floats
    seconds: float


def trees(past: Dataset, columns: list[str]) -> Predict:
    """The product's trees."""
    return _ours(ReadinessClassifier(calibration="none", random_state=SEED), past, columns)


def regression(past: Dataset, columns: list[str]) -> Predict:
    """The product's regression, of its default strength."""
    return _ours(ReadinessClassifier("logistic", calibration="none"), past, columns)


def _ours(model: ReadinessClassifier, past: Dataset, columns: list[str]) -> Predict:
    model.fit(past.frame[columns], past.won)
    return lambda frame: model.decision_function(frame[columns])


def average(past: Dataset, columns: list[str]) -> Predict:
    """The mean of the log-odds of both."""
    parts = [fit(past, columns) for fit in (trees, regression)]
    return lambda frame: np.mean([part(frame) for part in parts], axis=0)


def by_lightgbm(past: Dataset, columns: list[str]) -> Predict:
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
    return _peer(model, past, columns, lambda X: model.predict(X, raw_score=True))


def by_catboost(past: Dataset, columns: list[str]) -> Predict:
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
    return _peer(model, past, columns, lambda X: model.predict(X, prediction_type="RawFormulaVal"))


def by_catboost_as_it_comes(past: Dataset, columns: list[str]) -> Predict:
    """CatBoost's own settings, with a third of its trees."""
    model = CatBoostClassifier(
        iterations=330, random_seed=SEED, thread_count=1, verbose=False, allow_writing_files=False
    )
    return _peer(model, past, columns, lambda X: model.predict(X, prediction_type="RawFormulaVal"))


def _peer(
    model: LGBMClassifier | CatBoostClassifier,
    past: Dataset,
    columns: list[str],
    log_odds: Callable[[Floats], Floats],
) -> Predict:
    frame = past.frame[columns]
    frame = frame.drop(columns=list(uninformative(frame)))
    encode = ordinal(frame).fit(frame)
    model.fit(encoded(encode, frame), past.won)
    return lambda later: np.asarray(log_odds(encoded(encode, later)), np.float64)


LEARNERS: dict[str, Callable[[Dataset, list[str]], Predict]] = {
    TREES: trees,
    REGRESSION: regression,
    AVERAGE: average,
    "LightGBM": by_lightgbm,
    "CatBoost": by_catboost,
    "CatBoost, own settings": by_catboost_as_it_comes,
}


def tasks() -> Iterator[Task]:
    """The bank's log, simulated companies, and rel-f1 before its test; those that are here."""
    with tempfile.TemporaryDirectory() as folder:
        config = bank(Path(folder) / "bpic2012")
        if config is not None:
            with open_database(config) as database:
                specs = catalog_of(config, database)
                split = configured_split(config, database.data_end)
                past, _ = labelled_sides(config, database, specs, split)
            folds = folds_of(past, config.time.horizon_days)
            yield Task("BPIC 2012", past, [spec.name for spec in specs], folds)
    for leads, seeds in ((5_000, (501,)), (1_000, (511, 512, 513, 514))):
        for seed in seeds:
            made = company(seed, leads)
            cutoffs = sorted(
                cutoff.to_pydatetime() for cutoff in made.past.frame["cutoff"].unique()
            )
            folds = rolling_origin(cutoffs, FOLDS, made.horizon_days)
            columns = [spec.name for spec in made.specs]
            yield Task(f"simulator, {leads:,} leads", made.past, columns, folds)
    config = load(formula_one.FOLDER)
    data = (config.folder / config.tables.folder).resolve()
    if data.is_dir():
        rows = formula_one.task_rows(formula_one.TASKS["driver-dnf"], data)
        rows = rows[(rows["split"] < 2) & (rows["cutoff"].dt.year >= 1990)]
        rows = rows.assign(seen_at=rows["cutoff"])
        frame, columns = formula_one.with_features(config, rows)
        frame = frame.sort_values(["cutoff", "lead_id"], ignore_index=True)
        dataset = Dataset(frame, frame["won"].to_numpy(np.float64))
        yield Task("rel-f1 driver-dnf", dataset, columns, folds_of(dataset, horizon_days=30))


def folds_of(dataset: Dataset, horizon_days: int) -> list[Split]:
    """Rolling-origin folds of all its cutoffs."""
    cutoffs = sorted(cutoff.to_pydatetime() for cutoff in dataset.frame["cutoff"].unique())
    return rolling_origin(cutoffs, FOLDS, horizon_days)


Contest = tuple[pd.DataFrame, dict[str, Result]]


def contest(task: Task) -> Contest:
    """lead_id and won of the judged snapshots, and each learner's result on them."""
    judged, losses, seconds = [], dict.fromkeys(LEARNERS, np.empty(0)), dict.fromkeys(LEARNERS, 0.0)
    for fold in task.folds:
        past, later = task.dataset.at(fold.fit), task.dataset.at(fold.judge)
        if not (past.has_both and later.has_both):
            continue
        judged.append(later.frame[["lead_id"]].assign(won=later.won))
        for name, fit in LEARNERS.items():
            start = process_time()
            predict = fit(past, task.columns)
            seconds[name] += process_time() - start
            chance = np.clip(expit(predict(later.frame)), 1e-12, 1 - 1e-12)
            loss = -np.log(np.where(later.won == 1, chance, 1 - chance))
            losses[name] = np.append(losses[name], loss)
    rows = pd.concat(judged, ignore_index=True)
    return rows, {name: Result(losses[name], seconds[name]) for name in LEARNERS}


def pooled(several: list[Contest]) -> Contest:
    """The results of companies of one size as those of one: leads of different ones differ."""
    rows = [
        part.assign(lead_id=f"{number} " + part["lead_id"].astype(str))
        for number, (part, _) in enumerate(several)
    ]
    results = {}
    for name in LEARNERS:
        parts = [result[name] for _, result in several]
        losses = np.concatenate([part.losses for part in parts])
        results[name] = Result(losses, sum(part.seconds for part in parts))
    return pd.concat(rows, ignore_index=True), results


def lines(name: str, rows: pd.DataFrame, results: dict[str, Result]) -> str:
    """One line per learner: log loss, and its difference to our trees with a paired interval."""
    text, ours = [], results[TREES].losses
    wins = rarer(rows["lead_id"], rows["won"])
    for learner, result in results.items():
        less = result.losses - ours

        def mean(weight: Floats, less: Floats = less) -> float:
            return float(np.average(less, weights=weight))

        gap = bootstrapped(mean, rows["lead_id"], wins, REPLICATES, SEED)
        cell = "" if learner == TREES else f"{gap.point:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
        text.append(
            f"| {name} | {learner} | {result.losses.mean():.4f} | {cell} | {result.seconds:.1f} |"
        )
    return "\n".join(text)


def measured() -> str:
    """The table, as Markdown."""
    results: dict[str, list[Contest]] = {}
    for task in tasks():
        results.setdefault(task.name, []).append(contest(task))
        print(task.name, file=sys.stderr, flush=True)
    body = "\n".join(lines(name, *pooled(several)) for name, several in results.items())
    return (
        "## Other learners on the same folds\n\n"
        "Log loss on the later cutoffs of rolling-origin folds, uncalibrated; the difference to "
        "our trees with its 95% interval, paired and clustered by lead (below 0: better than "
        "ours); CPU seconds to fit, one thread. Of 1,000 leads there are four companies, taken "
        "together.\n\n"
        "| data | learner | log loss | difference to our trees | CPU s |\n"
        f"|---|---|---:|---|---:|\n{body}\n"
    )


if __name__ == "__main__":
    tell(measured(), "benchmarks.learner_peers")
