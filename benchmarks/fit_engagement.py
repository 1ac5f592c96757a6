"""The learner of both axes, and the grid, of any project's folder, as Markdown.

    .venv/bin/python -m benchmarks.fit_engagement FOLDER ...

Regression and boosted trees of default settings on the same snapshots, judged on the final test.
"""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sklearn.metrics import log_loss, roc_auc_score

from features.catalog import catalog_of
from features.config import load
from features.open_database import open_database
from models.classifier.logistic import LogisticSettings
from models.fit_engagement.grid import grid_of
from models.statistics.clustered import WinRate
from training.fit import fit
from training.fit_engagement import specs_of, with_fit_and_engagement
from training.search import DEFAULT
from training.splits import configured_split, labelled_sides

REGRESSION = LogisticSettings(strength=1e-3)


def report(folder: Path) -> Iterator[str]:
    """The lines of one project."""
    config = load(folder)
    with open_database(config) as database:
        specs = catalog_of(config, database)
        split = configured_split(config, database.data_end)
        past, test = labelled_sides(config, database, specs, split)
    horizon, seed = config.time.horizon_days, config.seed
    yield f"## {folder.name}: {len(past.won):,} snapshots, {test.wins:,} of {len(test.won):,} won\n"
    yield "| axis | learner | ROC AUC | log loss | CPU s |\n|---|---|---:|---:|---:|"
    for axis, some in specs_of(specs).items():
        for learner, settings in (("regression", REGRESSION), ("trees", DEFAULT)):
            begun = time.process_time()
            probability = fit(past, some, settings, horizon, seed).rank(test.frame)
            took = time.process_time() - begun
            area, loss = roc_auc_score(test.won, probability), log_loss(test.won, probability)
            yield f"| {axis} | {learner} | {area:.3f} | {loss:.4f} | {took:.1f} |"
    model = fit(past, specs, REGRESSION, horizon, seed)
    axes = with_fit_and_engagement(model, past, REGRESSION, seed).fit_engagement
    grid = grid_of(axes, test.frame, test.won, seed)
    if axes is None or grid is None:
        yield "\nAn axis is missing."
        return
    ranks = {name: axis.ranks(axis.probability(test.frame)) for name, axis in axes.axes.items()}
    both = roc_auc_score(test.won, sum(ranks.values()))
    readiness = roc_auc_score(test.won, model.rank(test.frame))
    yield f"\nROC AUC of the readiness {readiness:.3f}, of both ranks added up {both:.3f}.\n"
    yield from grid.verdicts()
    yield "\n| fit | engagement 1 | 2 | 3 | 4 | any |\n|---|---:|---:|---:|---:|---:|"
    for at, rank in enumerate(grid.ranks["fit"]):
        cells = [*(cell.won for cell in grid.cells[4 * at : 4 * at + 4]), rank.won]
        yield f"| {rank.rank} | {' | '.join(map(_written, cells))} |"
    yield f"| any | {' | '.join(_written(each.won) for each in grid.ranks['engagement'])} | |"


def _written(won: WinRate) -> str:
    rate = won.rate
    return f"{rate.point:.1%} ({rate.low:.1%} to {rate.high:.1%}) of {won.snapshots:,}"


if __name__ == "__main__":
    for each in sys.argv[1:]:
        print("\n".join(report(Path(each))), flush=True)
