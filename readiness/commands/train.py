"""The verb that learns: train."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from readiness.commands.options import AsJson, Where
from readiness.commands.printing import err, out, print_json, print_notes, print_path, progress_bars

if TYPE_CHECKING:
    from training.record import Trained

# What the settings of the search are called in its table.
_SETTINGS = {
    "learning_rate": "learning\nrate",
    "max_iter": "trees",
    "max_leaf_nodes": "leaves",
    "min_samples_leaf": "minimum\nper leaf",
    "l2_regularization": "L2",
    "max_features": "features\nper split",
    "strength": "C (smaller:\nmore shrinkage)",
}


def verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Train on closed deals, measure on the last mature cutoffs, register the challenger.

    The final test lies a whole horizon after the last training cutoff, so that no training label
    overlaps it. Everything is tracked in MLflow: settings, figures, features, data digests, plots.

    If there is too little data to learn from, it exits 1 with every reason (docs/enough-data.md)
    and registers nothing; until then `readiness score` uses the points alone.
    """
    from features.check.gate import NotEnough
    from features.config import load
    from training.train import train

    config = load(where)
    try:
        with progress_bars() as progress:
            trained = train(config, progress)
    except NotEnough as refused:
        if not as_json:
            raise
        print_json({"error": str(refused), "reasons": refused.lacks})
        err.print(f"[bold red]readiness:[/] {escape(str(refused))}", soft_wrap=True)
        raise typer.Exit(1) from None
    if as_json:
        print_json(trained)
        return
    print_trained(trained, config.mlflow_uri)
    print_path(f"Next: readiness promote {where}")


def print_trained(trained: "Trained", uri: str) -> None:
    from readiness.commands.tables import beside_table, calibration_table, judgement_table

    fit, compared = trained.split.fit, trained.comparison
    print_notes(trained.notes)
    dropped = len(trained.model.dropped)
    out.print(
        f"Trained on {trained.snapshots:,} snapshots of {len(fit)} cutoffs ({fit[0]:%Y-%m-%d} to "
        f"{fit[-1]:%Y-%m-%d}), {len(trained.model.specs)} features"
        + (f" ({dropped} dropped: all missing or constant)." if dropped else ".")
    )
    _print_candidates(trained)
    out.print(judgement_table(compared.judgement))
    off = compared.calibration and calibration_table(compared.calibration)
    if off:
        out.print(off)
    out.print(f"[bold]{compared.verdict}[/]")
    out.print(beside_table(trained.simpler.side_by_side, trained.groups.side_by_side))
    out.print(trained.simpler.verdict)
    out.print(str(trained.timing))
    out.print(trained.random_split.sentence)
    print_path(
        f"Registered as version {trained.model.version} (challenger), run {trained.model.run_id}.\n"
        f"It is the {trained.model.way}.\n"
        f"Look at it with: mlflow ui --backend-store-uri {uri}"
    )


def _print_candidates(trained: "Trained") -> None:
    if not trained.chosen.folds:
        out.print("No search: too few training cutoffs for a rolling origin; the default was used.")
        return
    periods, way = len(trained.chosen.folds), trained.model.way
    first = "the first, unless the log loss of another is significantly lower"
    table = Table(
        title=f"The {way}: candidates on {periods} earlier period{'s' * (periods != 1)}",
        title_justify="left",
        caption=f"* chosen: {'the lowest log loss' if trained.model.is_linear else first}",
        caption_justify="left",
    )
    for heading in ("", *(_SETTINGS.get(key, key) for key in trained.chosen.settings)):
        table.add_column(heading, justify="right")
    table.add_column("log loss", justify="right")
    table.add_column("ROC\nAUC", justify="right")
    for candidate in trained.candidates:
        chosen = "*" if candidate is trained.chosen else ""
        settings = [f"{value:g}" for value in candidate.settings.values()]
        table.add_row(chosen, *settings, f"{candidate.log_loss:.4f}", f"{candidate.roc_auc:.4f}")
    out.print(table)
