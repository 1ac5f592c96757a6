"""How often the intervals of a judgement hold the truth, as Markdown: 95 of 100 are promised.

    .venv/bin/python -m benchmarks.coverage [--repetitions 1000] [--seed SEED]

A model trained on one simulated company, and the starter's points table, are judged on the leads
of another, so large that its own figures are taken for the truth. From it companies are drawn:
leads, with replacement, each with all its snapshots, so that its figures are exactly what the drawn
ones scatter around. Each is judged as `readiness compare` judges, and the intervals that hold the
truth are counted; a company without intervals, for too few wins, is counted as that.

A calibration error has no interval but a bound, which chance alone should stay under 19 times of
20. That is counted where every promise is kept: outcomes are drawn from the readiness itself, once
for each lead, which wins at a cutoff if its draw lies below the readiness there. On the same
outcomes a readiness that is too high on purpose (odds times 1.6) should be reported as more than
chance.

The ways to make intervals and the bound were chosen by looking at seed 7; 303 was not looked at
before.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from features.catalog import catalog
from features.config import Capacity, load
from features.dataset import labelled
from features.open_database import open_database
from features.simulator.simulate import simulate, write
from features.spec.spec import distinct
from features.starter.starter import write_starter
from models.classifier.model import ReadinessModel
from models.rules.rules import load_rules
from models.statistics.bootstrap import FEW_WINS, Floats
from models.statistics.intervals import Estimate
from models.statistics.judge import Contender, Judgement, judge
from training.fit import fit
from training.search import DEFAULT
from training.splits import final_split

REPETITIONS, REPLICATES = 200, 400
POPULATION = 100_000  # leads of the company whose figures are the truth
SIZES = (2_000, 1_400, 500, 4_000)  # leads of a company drawn
TRAINED_ON, SEED = 5_000, 303
CAPACITY = Capacity(share=0.1)
SHOWN = ("precision", "gain", "roc_auc", "average_precision", "log_loss", "brier")
LEAST, MOST = 0.90, 0.97
BOUNDS = """Is a calibration error more than chance? The same companies (those with a won lead)
where every promise is kept, each lead drawing once by its readiness: their error should stay under
the bound. And the same outcomes with a readiness that is too high (odds times 1.6): reported
as more.

| leads | won leads | mean error | mean bound | under it | too high: mean error | more than chance |
|---|---|---|---|---|---|---|
"""
MODEL, RULES, HIGH = "model", "rules", "too high"


@dataclass(frozen=True)
class Scores:
    """Snapshots with lead_id and cutoff, their outcomes, readiness and points."""

    snapshots: pd.DataFrame
    won: Floats
    model: Floats
    rules: Floats

    def judged(self, rows: np.ndarray, lead: np.ndarray, replicates: int, seed: int) -> Judgement:
        """rows: places of the snapshots; lead: whose each is, as drawn."""
        model, rules = self.model[rows], self.rules[rows]
        contenders = [Contender(MODEL, model, True), Contender(RULES, rules, False)]
        snapshots = self.snapshots.iloc[rows].assign(lead_id=lead)
        return judge(snapshots, self.won[rows], contenders, CAPACITY, 0.05, replicates, seed)

    def with_promises_kept(
        self, rows: np.ndarray, lead: np.ndarray, replicates: int, seed: int
    ) -> Judgement:
        """The same where every promise of the model is kept, beside one that promises too much."""
        model = self.model[rows]
        won = np.random.default_rng([seed, 1]).random(lead.max() + 1)[lead] < model
        high = expit(logit(model) + np.log(1.6))
        contenders = [Contender(MODEL, model, True), Contender(HIGH, high, True)]
        snapshots = self.snapshots.iloc[rows].assign(lead_id=lead)
        return judge(snapshots, won, contenders, CAPACITY, 0.05, replicates, seed)


def scores(folder: Path, leads: int, seed: int) -> Scores:
    """Train in one company, score the final test of the other."""
    small, large = folder / "small", folder / "large"
    write(simulate(TRAINED_ON, seed), small)
    write_starter(small)
    model = _trained(small)
    write(simulate(leads, seed + 1), large)
    config, rules = load(small), load_rules(small / "rules.toml")
    config = config.model_copy(update={"path": large / "readiness.toml"})
    with open_database(config, rules.specs) as database:
        mature = config.time.mature_cutoffs(database.data_end, 30)
        tested = mature[-config.time.test_cutoffs :]
        test = labelled(database, distinct((*model.specs, *rules.specs)), tested, 30, 4)
    return Scores(
        test.frame[["lead_id", "cutoff"]], test.won, model.rank(test.frame), rules.rank(test.frame)
    )


def _trained(folder: Path) -> ReadinessModel:
    config = load(folder)
    with open_database(config) as database:
        times = config.time
        cutoffs = times.mature_cutoffs(database.data_end, 30)
        split = final_split(cutoffs, times.test_cutoffs, times.horizon_days)
        assert split.fit[-1] + timedelta(days=30) <= split.judge[0]
        specs = catalog(config.features, database.actions, database.attributes)
        past = labelled(database, specs, split.fit, times.horizon_days, 4)
    return fit(past, specs, DEFAULT, times.horizon_days, config.seed)


def companies(
    result: Scores, leads: int, repetitions: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of the snapshots of each company drawn, and whose each is, from 0."""
    lead, names = pd.factorize(result.snapshots["lead_id"])
    order = np.argsort(lead, kind="stable")
    begin = np.searchsorted(lead[order], np.arange(len(names) + 1))
    rng = np.random.default_rng([seed, leads])
    for number in range(repetitions):
        sample = rng.integers(len(names), size=rng.binomial(leads, len(names) / POPULATION))
        snapshots = np.concatenate([order[begin[each] : begin[each + 1]] for each in sample])
        yield snapshots, np.repeat(np.arange(len(sample)), begin[sample + 1] - begin[sample])
        if (number + 1) % 50 == 0:
            print(f"{leads} leads: {number + 1}/{repetitions}", file=sys.stderr)


def counted(result: Scores, leads: int, repetitions: int, seed: int) -> pd.DataFrame:
    """Every figure of every company drawn: kind, metric, truth, point, low, high; low and high are
    NaN where it has too few wins."""
    everyone = pd.factorize(result.snapshots["lead_id"])[0]
    truth = _figures(result.judged(np.arange(len(everyone)), everyone, 1, 0))
    rows = []
    for number, company in enumerate(companies(result, leads, repetitions, seed)):
        judged = result.judged(*company, REPLICATES, number)
        for key, estimate in _figures(judged).items():
            rows.append((judged.snapshots, judged.rarer, *key, truth[key].point, *estimate))
    columns = ["snapshots", "won", "kind", "metric", "truth", "point", "low", "high"]
    return pd.DataFrame(rows, columns=columns).dropna(subset="truth")


def promised(result: Scores, leads: int, repetitions: int, seed: int) -> pd.DataFrame:
    """The same companies where every promise is kept: won leads, and of the model and of the one
    that is too high the calibration error and what chance alone shows; NaN where no lead won."""
    rows = []
    for number, company in enumerate(companies(result, leads, repetitions, seed)):
        judged = result.with_promises_kept(*company, REPLICATES, number)
        row: dict[str, float] = {"won": judged.rarer}
        for name in judged.names:
            row[name] = judged.estimates[name]["ece"].point
            row[f"{name} by chance"] = judged.ece_by_chance.get(name, np.nan)
        rows.append(row)
    return pd.DataFrame(rows)


def _figures(judged: Judgement) -> dict[tuple[str, str], Estimate]:
    """By kind and metric."""
    kinds = {**judged.estimates, "model - rules": judged.difference}
    return {(kind, metric): result[metric] for kind, result in kinds.items() for metric in SHOWN}


def coverage(repetitions: int = REPETITIONS, seed: int = SEED) -> str:
    """All sizes, as Markdown."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = scores(Path(folder), POPULATION, seed)
    tables, bounds = [], []
    for leads in SIZES:
        tables.append(_table(leads, counted(result, leads, repetitions, seed)))
        bounds.append(_bounds(leads, promised(result, leads, repetitions, seed)))
        print(tables[-1], bounds[-1], file=sys.stderr)
    parts = "\n".join([*tables, BOUNDS + "".join(bounds)])
    return (
        f"## Do 95% intervals hold the truth? Simulator, {repetitions:,} repetitions\n\n"
        f"By `python -m benchmarks.coverage`, {time.process_time() - begun:.0f} s of CPU. A model "
        f"trained on {TRAINED_ON:,} leads and the starter's points, judged on {repetitions:,} "
        f"companies drawn from one of {POPULATION:,} leads, whose figures are the truth (seed "
        f"{seed}); {REPLICATES:,} bootstrap replicates each (`compare` takes 1,000). Of 200 "
        "repetitions 95% are counted as 92 to 98% by chance alone. Counted are companies with "
        f"intervals: those of {FEW_WINS} won leads or more.\n\n{parts}"
    )


def _table(leads: int, result: pd.DataFrame) -> str:
    """How often each figure's interval held the truth, and on which side it missed."""
    printed = result.dropna(subset="low")
    companies = result.groupby(["kind", "metric"]).size().iloc[0]
    refused = 1 - len(printed) / len(result)
    head = (
        f"Companies of {leads:,} leads: {result['snapshots'].mean():,.0f} snapshots and "
        f"{result['won'].mean():.0f} won leads on average; without intervals, for too few wins: "
        f"{refused * companies:.0f} of {companies:,}.\n"
    )
    if refused > 0.5:
        return head
    head += (
        "\n| of | figure | truth | mean figure | held | truth above | truth below |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    rows = []
    for (kind, metric), part in printed.groupby(["kind", "metric"], sort=False):
        over, under = (part["high"] < part["truth"]).mean(), (part["low"] > part["truth"]).mean()
        held = round(1 - over - under, 4)
        marked = f"{held:.1%}" if LEAST <= held <= MOST else f"**{held:.1%}**"
        rows.append(
            f"| {kind} | {metric.replace('_', ' ')} | {part['truth'].iloc[0]:.4f} | "
            f"{part['point'].mean():.4f} | {marked} | {over:.1%} | {under:.1%} |\n"
        )
    return head + "".join(rows)


def _bounds(leads: int, result: pd.DataFrame) -> str:
    """How often an error that is all chance stays under the bound, and one that is not lies above:
    of the companies that have a lead won."""
    text = result.dropna()
    under = (text[MODEL] <= text[f"{MODEL} by chance"]).mean()
    marked = f"{under:.1%}" if LEAST <= under <= MOST else f"**{under:.1%}**"
    return (
        f"| {leads:,} | {text['won'].mean():.0f} | {text[MODEL].mean():.4f} | "
        f"{text[f'{MODEL} by chance'].mean():.4f} | {marked} | {text[HIGH].mean():.4f} | "
        f"{(text[HIGH] > text[f'{HIGH} by chance']).mean():.1%} |\n"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    print(coverage(given.repetitions, given.seed))


if __name__ == "__main__":
    main()
