"""The learner chosen on the rolling-origin folds, or on the final test, and what each does there.

.venv/bin/python -m benchmarks.learner_choice [SEED ...]    # docs/adr/0030 has what it said

The bank's log, and of each seed a simulated company of 1,000, 2,500 and 6,000 leads.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks.baselines import bank
from features.catalog import catalog_of
from features.conditions.segments import opted_in
from features.config import Config, load
from features.errors import Refused
from features.open_database import open_database
from features.progress import silent
from features.simulator.simulate import simulate, write
from features.starter.starter import write_starter
from models.classifier.classifier import LOGISTIC, TREES
from models.simpler import MODEL, does_as_well
from training.baselines import Baseline, same_for_all, side_by_side
from training.learners import boosted_trees, logistic_regression, select_learner
from training.splits import configured_split, labelled_sides

SEEDS, SIZES = (0, 1, 2, 3), (1_000, 2_500, 6_000)
HEAD = """| data | won leads | on folds | on the test | log loss: base rate | trees | regression \
| average precision: trees | regression |
|---|---|---|---|---|---|---|---|---|"""


def line(name: str, config: Config) -> str:
    """One row: what either way of choosing registers, and the figures of both on the test."""
    training = config.training.model_copy(update={"learner": "simplest"})
    config = config.model_copy(update={"training": training})
    metric = config.promotion.metric
    with open_database(config, opted_in(config)) as database:
        specs = catalog_of(config, database)
        split = configured_split(config, database.data_end)
        past, test = labelled_sides(config, database, specs, split)
    trees = boosted_trees(config, past, specs, split.fit, silent)
    logistic = logistic_regression(config, past, specs, split.fit)
    chosen = select_learner(config, past, specs, split.fit, trees, logistic)
    others = [logistic.way, Baseline("base rate", True, same_for_all(past))]
    judged = side_by_side(config, test, trees.model.rank(test.frame), others)
    on_test = LOGISTIC if does_as_well(judged, LOGISTIC, metric) else TREES
    ways = (MODEL, LOGISTIC)
    losses = [judged.figures[way]["log_loss"].point for way in ("base rate", *ways)]
    ranks = [judged.figures[way][metric].point for way in ways]
    won = past.frame.loc[past.won == 1, "lead_id"].nunique()
    figures = [f"{each:.4f}" for each in losses] + [f"{each:.3f}" for each in ranks]
    return f"| {name} | {won} | {chosen.registered.model.way} | {on_test} | {' | '.join(figures)} |"


def main(seeds: tuple[int, ...]) -> None:
    """Print the table, a row as soon as it is known."""
    print(HEAD, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        log = bank(Path(folder) / "bpic2012")
        if log is not None:
            print(line("BPI Challenge 2012", log), flush=True)
        for leads in SIZES:
            for seed in seeds:
                place = Path(folder) / f"{leads}-{seed}"
                write(simulate(leads, seed), place)
                write_starter(place)
                try:
                    row = line(f"simulator, {leads:,} leads, seed {seed}", load(place))
                except Refused as error:
                    row = f"| simulator, {leads:,} leads, seed {seed} | {error} |"
                print(row, flush=True)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or SEEDS)
