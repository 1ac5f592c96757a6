"""Learners on the same folds of the same training snapshots, and their log losses beside ours.

The folds are rolling origins of the training cutoffs; no final test is looked at.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.baselines import bank
from benchmarks.public import formula_one
from benchmarks.small_data import company
from features.catalog import catalog_of
from features.config import load
from features.dataset import Dataset
from features.open_database import open_database
from features.spec.spec import Spec
from models.statistics.bootstrap import bootstrapped, rarer
from training.splits import Split, configured_split, labelled_sides, rolling_origin

SEED, FOLDS, REPLICATES = 7, 3, 400
Floats = NDArray[np.float64]


class Task(NamedTuple):
    """Labelled snapshots, their features, and the folds to judge on."""

    name: str
    dataset: Dataset
    specs: Sequence[Spec]
    horizon_days: int

    @property
    def columns(self) -> list[str]:
        """The features' names."""
        return [spec.name for spec in self.specs]

    @property
    def folds(self) -> list[Split]:
        """Rolling-origin folds of all its cutoffs."""
        return folds_of(self.dataset, self.horizon_days)


class Result(NamedTuple):
    """Of one learner on the later cutoffs of all folds: log loss per snapshot, and CPU seconds to
    fit."""

    losses: Floats
    seconds: float


Predict = Callable[[pd.DataFrame], Floats]  # the log-odds of the rows of a frame
Learners = Mapping[str, Callable[[Dataset, Task], Predict]]


def tasks() -> Iterator[Task]:
    """The bank's log, simulated companies, and rel-f1 before its test; those that are here."""
    with tempfile.TemporaryDirectory() as folder:
        config = bank(Path(folder) / "bpic2012")
        if config is not None:
            with open_database(config) as database:
                specs = catalog_of(config, database)
                split = configured_split(config, database.data_end)
                past, _ = labelled_sides(config, database, specs, split)
            yield Task("BPIC 2012", past, specs, config.time.horizon_days)
    for leads, seeds in ((5_000, (501,)), (1_000, (511, 512, 513, 514))):
        for seed in seeds:
            made = company(seed, leads)
            yield Task(f"simulator, {leads:,} leads", made.past, made.specs, made.horizon_days)
    config = load(formula_one.FOLDER)
    data = (config.folder / config.tables.folder).resolve()
    if data.is_dir():
        rows = formula_one.task_rows(formula_one.TASKS["driver-dnf"], data)
        rows = rows[(rows["split"] < 2) & (rows["cutoff"].dt.year >= 1990)]
        rows = rows.assign(seen_at=rows["cutoff"])
        frame, _ = formula_one.with_features(config, rows)
        frame = frame.sort_values(["cutoff", "lead_id"], ignore_index=True)
        dataset = Dataset(frame, frame["won"].to_numpy(np.float64))
        with open_database(config) as database:
            yield Task("rel-f1 driver-dnf", dataset, catalog_of(config, database), 30)


def folds_of(dataset: Dataset, horizon_days: int) -> list[Split]:
    """Rolling-origin folds of all its cutoffs."""
    cutoffs = sorted(cutoff.to_pydatetime() for cutoff in dataset.frame["cutoff"].unique())
    return rolling_origin(cutoffs, FOLDS, horizon_days)


Contest = tuple[pd.DataFrame, dict[str, Result]]


def contest(task: Task, learners: Learners) -> Contest:
    """lead_id and won of the judged snapshots, and each learner's result on them."""
    judged, losses, seconds = [], dict.fromkeys(learners, np.empty(0)), dict.fromkeys(learners, 0.0)
    for fold in task.folds:
        past, later = task.dataset.at(fold.fit), task.dataset.at(fold.judge)
        if not (past.has_both and later.has_both):
            continue
        judged.append(later.frame[["lead_id"]].assign(won=later.won))
        for name, fit in learners.items():
            start = process_time()
            predict = fit(past, task)
            seconds[name] += process_time() - start
            chance = np.clip(expit(predict(later.frame)), 1e-12, 1 - 1e-12)
            loss = -np.log(np.where(later.won == 1, chance, 1 - chance))
            losses[name] = np.append(losses[name], loss)
    rows = pd.concat(judged, ignore_index=True)
    return rows, {name: Result(losses[name], seconds[name]) for name in learners}


def pooled(several: list[Contest]) -> Contest:
    """The results of companies of one size as those of one: leads of different ones differ."""
    rows = [
        part.assign(lead_id=f"{number} " + part["lead_id"].astype(str))
        for number, (part, _) in enumerate(several)
    ]
    results = {}
    for name in several[0][1]:
        parts = [result[name] for _, result in several]
        losses = np.concatenate([part.losses for part in parts])
        results[name] = Result(losses, sum(part.seconds for part in parts))
    return pd.concat(rows, ignore_index=True), results


Line = tuple[str, str, str, str, str]  # data, learner, log loss, difference, CPU seconds to fit


def lines(name: str, rows: pd.DataFrame, results: dict[str, Result]) -> Iterator[Line]:
    """One per learner: log loss, and its difference to the first's with a paired interval."""
    ours = next(iter(results.values())).losses
    wins = rarer(rows["lead_id"], rows["won"])
    for learner, result in results.items():
        less = result.losses - ours

        def mean(weight: Floats, less: Floats = less) -> float:
            return float(np.average(less, weights=weight))

        gap = bootstrapped(mean, rows["lead_id"], wins, REPLICATES, SEED)
        difference = f"{gap.point:+.4f} ({gap.low:+.4f} to {gap.high:+.4f})"
        loss, seconds = f"{result.losses.mean():.4f}", f"{result.seconds:.1f}"
        yield name, learner, loss, "" if result.losses is ours else difference, seconds


def contests(learners: Learners) -> list[Line]:
    """The lines of all tasks, those of companies of one size taken together."""
    results: dict[str, list[Contest]] = {}
    for task in tasks():
        results.setdefault(task.name, []).append(contest(task, learners))
        print(task.name, file=sys.stderr, flush=True)
    return [line for name, several in results.items() for line in lines(name, *pooled(several))]
