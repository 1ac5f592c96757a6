"""What scoring a million leads costs: readiness, worded reasons, and what libraries take for it.

    .venv/bin/python -m benchmarks.scoring DIR [ROWS] [--write]

DIR is a folder with a champion, as `make demo` leaves it. The rows are the open leads of its last
cutoffs, drawn with replacement: many a row comes twice, which spares no work but the wording of
equal values, as in any large list. LightGBM learns to say what the champion says, with trees as
many and as large, so that it walks like ones. Slow peers do few rows; all rates are per row.
"""

import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm
import numpy as np
import pandas as pd
import shap
from numpy.typing import NDArray

from benchmarks.measure import Cost, Stopwatch, peak_gb
from benchmarks.page import tell
from features.config import load
from features.engine.duckdb_engine import feature_frame
from features.open_database import open_database
from features.snapshots import Snapshots
from models.classifier.classifier import BATCH, TREES
from models.classifier.model import ReadinessModel
from models.classifier.tree_nodes import tree_nodes
from models.explanations.contributions import contributions
from serve.scoring.scorer import Scorer

ROWS, CUTOFFS, SEED = 1_000_000, 6, 0
FEW, LEAST = 50_000, 5_000  # for LightGBM's contributions, and for shap's
Floats = NDArray[np.float64]


class Line(NamedTuple):
    """A way to do it: for so many rows, at this cost."""

    name: str
    rows: int
    cost: Cost


def main(folder: Path, rows: int) -> None:
    """Measure, and tell it in two Markdown tables."""
    scorer, sample = drawn_rows(folder)
    model = scorer.model
    if model.way != TREES:
        sys.exit(f"The champion is the {model.way}: train, and promote, one of trees.")
    boost = model.classifier.learner_[-1]
    frame = pd.concat([sample] * -(-rows // len(sample)), ignore_index=True).iloc[:rows]
    peer = taught(model, sample)
    parts = [frame.iloc[start : start + BATCH] for start in range(0, rows, BATCH)]
    scorer.score_frame(frame.head(10))  # what is made once is made now
    few = np.ascontiguousarray(model.encoded(frame.iloc[:FEW]))
    least = few[:LEAST]
    tree = shap.TreeExplainer(boost, feature_perturbation="tree_path_dependent")
    readiness = [
        timed("readiness, ours", rows, lambda: model.rank(frame)),
        timed("scikit-learn, in batches as ours", rows, lambda: by_sklearn(model, parts)),
        timed("scikit-learn, all at once", rows, lambda: by_sklearn(model, [frame])),
        timed("LightGBM, from the encoded rows", FEW, lambda: peer.predict(few)),
    ]
    reasons = [
        timed("readiness and three worded reasons, ours", rows, lambda: scorer.judged(frame)),
        timed("contributions alone, ours", FEW, lambda: contributions(boost, few)),
        timed("contributions alone, LightGBM", FEW, lambda: peer.predict(few, pred_contrib=True)),
        timed("contributions alone, shap", LEAST, lambda: tree.shap_values(least)),
    ]
    apart = np.abs(contributions(boost, least)[0] - np.asarray(tree.shap_values(least))).max()
    tell(
        "## A million leads scored, and why\n\n"
        f"{rows:,} rows, {len(model.specs)} features, {boost.n_iter_} trees; peak {peak_gb():.2f} "
        f"GB, {frame.memory_usage().sum() / 2**30:.2f} of it the frame. `per row` is the ratio to "
        f"ours.\n\n{table(readiness, 0)}\n\n{table(reasons, 1)}\n\nNo contribution is further than "
        f"{apart:.0e} from shap's.",
        "benchmarks.scoring",
    )


def drawn_rows(folder: Path) -> tuple[Scorer, pd.DataFrame]:
    """The champion of a folder, and 100,000 snapshots with its features."""
    config = load(folder)
    scorer = Scorer.champion(folder)
    with open_database(scorer.model.staged(config), scorer.specs) as database:
        end = database.data_end.replace(hour=0, minute=0, second=0, microsecond=0)
        cutoffs = [end - timedelta(weeks=week) for week in range(CUTOFFS)]
        frame = feature_frame(Snapshots.open_at(database, cutoffs), scorer.specs)
    return scorer, frame.sample(100_000, replace=True, random_state=SEED, ignore_index=True)


def taught(model: ReadinessModel, frame: pd.DataFrame) -> Any:
    """A LightGBM of as many trees with as many leaves, taught the champion's own log-odds."""
    boost = model.classifier.learner_[-1]
    leaves = int(max(nodes["is_leaf"].sum() for nodes in tree_nodes(boost)))
    X = np.ascontiguousarray(model.encoded(frame))
    data = lightgbm.Dataset(X, boost.decision_function(X))
    settings = {"num_leaves": leaves, "min_data_in_leaf": 1, "verbose": -1, "seed": SEED}
    return lightgbm.train(settings, data, num_boost_round=boost.n_iter_)


def by_sklearn(model: ReadinessModel, parts: list[pd.DataFrame]) -> None:
    """What scikit-learn's own classifier makes of the frame."""
    columns = [spec.name for spec in model.specs]
    for part in parts:
        model.classifier.learner_.predict_proba(part[columns])


def timed(name: str, rows: int, work: Callable[[], object]) -> Line:
    """Do it once."""
    watch = Stopwatch()
    work()
    return Line(name, rows, watch.lap())


def table(lines: list[Line], others: int) -> str:
    """A row per way; per row, relative to the line that is `beside`."""
    own = lines[others]
    text = ["| | rows | wall s | CPU s | wall per row | CPU per row |", "|---" + "|---:" * 5 + "|"]
    for name, rows, cost in lines:
        wall = cost.wall / rows / (own.cost.wall / own.rows)
        cpu = cost.cpu / rows / (own.cost.cpu / own.rows)
        text.append(
            f"| {name} | {rows:,} | {cost.wall:.1f} | {cost.cpu:.1f} | {wall:.2f} | {cpu:.2f} |"
        )
    return "\n".join(text)


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[2:] if each.isdigit()]
    main(Path(sys.argv[1]), *(given or [ROWS]))
