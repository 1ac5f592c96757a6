"""How often the intervals of a judgement hold the truth, as Markdown: 95 of 100 are promised.

    .venv/bin/python -m benchmarks.coverage

A model trained on one simulated company, and the starter's points table, are judged on the leads
of another, so large that its own figures are the truth. It is dealt out at random into 200 parts:
leads live apart from each other, so each part is a company drawn anew from the same law. Each part
is judged as `readiness compare` judges, and the intervals that hold the truth are counted. That the
truth is of a sample 200 times as large, not of all the leads there could be, moves the count
by a tenth of a point.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalog import catalog, distinct
from features.config import load
from features.contract.database import open_database
from features.cutoffs import grid, mature
from features.dataset import labelled
from features.simulator.simulate import simulate, write
from features.starter.starter import write_starter
from models.bootstrap import Floats
from models.judge import Contender, Estimate, Judgement, judge
from models.metrics import Capacity
from models.readiness import ReadinessModel
from models.rules.rules import load_rules
from training.fit import fit
from training.search import DEFAULT
from training.splits import final_split

REPETITIONS, REPLICATES = 200, 1_000
PARTS = (2_000, 500)  # leads of a part
TRAINED_ON, SEED = 5_000, 7
CAPACITY = Capacity(share=0.1)
SHOWN = ("precision", "gain", "roc_auc", "average_precision", "log_loss", "brier")
LEAST, MOST = 0.90, 0.97


@dataclass(frozen=True)
class Scores:
    """Snapshots with lead_id and cutoff, their outcomes, readiness and points."""

    snapshots: pd.DataFrame
    won: Floats
    model: Floats
    rules: Floats

    def judged(self, rows: np.ndarray, replicates: int, seed: int) -> Judgement:
        contenders = [
            Contender("model", self.model[rows], True),
            Contender("rules", self.rules[rows], False),
        ]
        won, snapshots = self.won[rows], self.snapshots[rows]
        return judge(snapshots, won, contenders, CAPACITY, 0.05, replicates, seed)


def scores(folder: Path, leads: int) -> Scores:
    """Train in one company, score the final test of the other."""
    small, large = folder / "small", folder / "large"
    write(simulate(TRAINED_ON, SEED), small)
    write_starter(small)
    model = _trained(small)
    write(simulate(leads, SEED + 1), large)
    config, rules = load(small), load_rules(small / "rules.toml")
    config = config.model_copy(update={"path": large / "readiness.toml"})
    with open_database(config, rules.specs) as database:
        cutoffs = grid(config.time.first_cutoff, config.time.cutoff_every_days, database.data_end)
        tested = mature(cutoffs, 30, database.data_end)[-config.time.test_cutoffs :]
        test = labelled(database, distinct((*model.specs, *rules.specs)), tested, 30, 4)
    return Scores(
        test.frame[["lead_id", "cutoff"]], test.won, model.rank(test.frame), rules.rank(test.frame)
    )


def _trained(folder: Path) -> ReadinessModel:
    config = load(folder)
    with open_database(config) as database:
        end, times = database.data_end, config.time
        cutoffs = mature(grid(times.first_cutoff, times.cutoff_every_days, end), 30, end)
        split = final_split(cutoffs, times.test_cutoffs, times.horizon_days)
        assert split.fit[-1] + timedelta(days=30) <= split.judge[0]
        specs = catalog(config.features, database.actions, database.attributes)
        past = labelled(database, specs, split.fit, times.horizon_days, 4)
    return fit(past, specs, DEFAULT, times.horizon_days, config.seed)


def counted(found: Scores, leads: int, parts: int) -> pd.DataFrame:
    """Every figure in every part: kind, metric, truth, point, low, high."""
    lead, names = pd.factorize(found.snapshots["lead_id"])
    part_of = np.random.default_rng(0).integers(parts, size=len(names))[lead]
    truth = _figures(found.judged(np.ones(len(lead), bool), 1, 0))
    rows = []
    for number in range(REPETITIONS):
        part = part_of == number
        judged = found.judged(part, REPLICATES, number)
        won = found.snapshots["lead_id"][part & (found.won == 1)].nunique()
        for key, estimate in _figures(judged).items():
            rows.append((leads, judged.snapshots, won, *key, truth[key].point, *estimate))
        if (number + 1) % 50 == 0:
            print(f"{leads} leads: {number + 1}/{REPETITIONS}", file=sys.stderr)
    return pd.DataFrame(
        rows,
        columns=["leads", "snapshots", "won", "kind", "metric", "truth", "point", "low", "high"],
    ).dropna()


def _figures(judged: Judgement) -> dict[tuple[str, str], Estimate]:
    kinds = {**judged.estimates, "model - rules": judged.difference}
    return {(kind, m): estimates[m] for kind, estimates in kinds.items() for m in SHOWN}


def coverage() -> str:
    """Both sizes of parts, as Markdown."""
    begun = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        found = scores(Path(folder), PARTS[0] * REPETITIONS)
    tables = [counted(found, leads, PARTS[0] * REPETITIONS // leads) for leads in PARTS]
    parts = "\n".join(_table(table) for table in tables)
    return (
        f"## Do 95 % intervals hold the truth? Simulator, {REPETITIONS} repetitions\n\n"
        f"By `python -m benchmarks.coverage`, {time.process_time() - begun:.0f} s of CPU. A model "
        f"trained on {TRAINED_ON:,} leads and the starter's points, judged on {REPETITIONS} parts "
        f"of a company of {PARTS[0] * REPETITIONS:,} leads whose figures as a whole are the truth; "
        f"{REPLICATES:,} bootstrap replicates each. Of 200 repetitions 95 % are counted as 92 to "
        f"98 % by chance alone.\n\n{parts}"
    )


def _table(found: pd.DataFrame) -> str:
    """How often each figure's interval held the truth, and on which side it missed."""
    leads, snapshots, won = (found[column].mean() for column in ("leads", "snapshots", "won"))
    head = (
        f"Parts of {leads:,.0f} leads: {snapshots:,.0f} snapshots and {won:.0f} won leads on "
        "average.\n\n| of | figure | truth | mean figure | held | truth above | truth below |\n"
        "|---|---|---|---|---|---|---|\n"
    )
    rows = []
    for (kind, metric), part in found.groupby(["kind", "metric"], sort=False):
        over, under = (part["high"] < part["truth"]).mean(), (part["low"] > part["truth"]).mean()
        held = round(1 - over - under, 4)
        marked = f"{held:.1%}" if LEAST <= held <= MOST else f"**{held:.1%}**"
        rows.append(
            f"| {kind} | {metric.replace('_', ' ')} | {part['truth'].iloc[0]:.4f} | "
            f"{part['point'].mean():.4f} | {marked} | {over:.1%} | {under:.1%} |\n"
        )
    return head + "".join(rows)


if __name__ == "__main__":
    print(coverage())
