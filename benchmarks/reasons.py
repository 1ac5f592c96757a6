"""What readiness and worded reasons of 100,000 leads cost, and contributions beside shap's.

    .venv/bin/python -m benchmarks.reasons demo

DIR is a folder with a champion, as `make demo` leaves it. The rows are the open leads of its last
cutoffs, drawn with replacement: many a row comes twice, which spares no work but the wording of
equal values, as in any large list. shap's TreeExplainer does few rows, for it is slow.
"""

import sys
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import shap

from benchmarks.measure import Stopwatch, peak_gb
from features.config import load
from features.contract.database import open_database
from features.engine.duckdb_engine import feature_frame
from features.snapshots import cohort_sql
from models.contributions import contributions
from models.readiness import BATCH
from serve.scorer import Scorer

ROWS, SHAP_ROWS, CUTOFFS, SEED = 100_000, 5_000, 6, 0


def main(folder: Path) -> None:
    """Measure, and print a Markdown table."""
    scorer, frame = drawn(folder)
    model = scorer.model
    if model.is_linear:
        sys.exit("The champion is a logistic regression: train, and promote, one of trees.")
    boost = model.learner
    parts = [frame.iloc[start : start + BATCH] for start in range(0, ROWS, BATCH)]
    scorer.score_frame(parts[0].head(10))  # what is made once is made now
    watch = Stopwatch()
    for part in parts:
        scorer.judged(part)
    whole = watch.lap()
    encoded = [model.encoded(part) for part in parts]
    watch.lap()
    for each in encoded:
        contributions(boost, each)
    ours = watch.lap()
    few = encoded[0][:SHAP_ROWS]
    oracle = shap.TreeExplainer(boost, feature_perturbation="tree_path_dependent")
    watch.lap()
    theirs = np.asarray(oracle.shap_values(few))
    peer = watch.lap()
    apart = float(np.abs(contributions(boost, few)[0] - theirs).max())
    per_row, peer_row = ours.cpu / ROWS, peer.cpu / SHAP_ROWS
    print(
        f"{ROWS:,} rows, {len(model.specs)} features, {boost.n_iter_} trees; "
        f"peak {peak_gb():.2f} GB.\n\n"
        "| | rows | wall s | CPU s | rows per CPU s |\n|---|---:|---:|---:|---:|\n"
        f"| readiness and three worded reasons | {ROWS:,} | {whole.wall:.1f} | {whole.cpu:.1f} "
        f"| {ROWS / whole.cpu:,.0f} |\n"
        f"| contributions alone, ours | {ROWS:,} | {ours.wall:.1f} | {ours.cpu:.1f} "
        f"| {1 / per_row:,.0f} |\n"
        f"| contributions alone, shap | {SHAP_ROWS:,} | {peer.wall:.1f} | {peer.cpu:.1f} "
        f"| {1 / peer_row:,.0f} |\n\n"
        f"Contributions: {peer_row / per_row:,.0f} times the rows of shap per CPU second, no value "
        f"further than {apart:.0e} from shap's."
    )


def drawn(folder: Path) -> tuple[Scorer, pd.DataFrame]:
    """The champion of a folder, and ROWS snapshots with its features."""
    config = load(folder)
    scorer = Scorer.champion(folder)
    with open_database(scorer.model.staged(config), scorer.specs) as database:
        end = database.data_end.replace(hour=0, minute=0, second=0, microsecond=0)
        cutoffs = [end - timedelta(weeks=week) for week in range(CUTOFFS)]
        database.connection.execute(f"CREATE TABLE snapshots AS {cohort_sql(cutoffs)}")
        frame = feature_frame(database, scorer.specs, "snapshots")
    return scorer, frame.sample(ROWS, replace=True, random_state=SEED, ignore_index=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
