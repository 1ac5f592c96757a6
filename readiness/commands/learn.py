"""The verb that learns: train."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.table import Table

from readiness.commands.console import AsJson, err, out, print_json, print_path, progress_bars
from readiness.commands.data import Where

if TYPE_CHECKING:
    from training.record import Trained

# What the settings of the search are called in its table.
_SETTINGS = {
    "learning_rate": "learning\nrate",
    "max_iter": "trees",
    "max_leaf_nodes": "leaves",
    "min_samples_leaf": "least\nper leaf",
    "l2_regularization": "L2",
    "max_features": "features\nper split",
    "strength": "C, the smaller\nthe more shrunk",
}


def add_to(app: typer.Typer) -> None:
    """Add this verb to the command."""
    app.command("train")(train_verb)


def train_verb(where: Where = Path(), as_json: AsJson = False) -> None:
    """Learn from closed deals, judge on the last mature cutoffs, register the challenger.

    The final test lies a whole horizon after the last training cutoff, so that no training label
    overlaps it. Everything is tracked in MLflow: settings, figures, features, data digests, plots.

    Where there is too little to learn from, it exits 1 with every reason (docs/enough-data.md) and
    registers nothing; `readiness score` serves the points alone until then.
    """
    from features.check.gate import NotEnough
    from features.config import load
    from training.train import train

    config = load(where)
    try:
        with progress_bars() as told:
            trained = train(config, told)
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
    for note in trained.notes:
        err.print(f"[yellow]note[/] {escape(note)}")
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
    out.print(beside_table(trained.simpler.beside, trained.groups.beside))
    out.print(trained.simpler.verdict)
    out.print(str(trained.timing))
    out.print(trained.random_split.said)
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
    surely = "the first, unless another's log loss is surely lower"
    table = Table(
        title=f"The {way}: candidates on {periods} earlier period{'s' * (periods != 1)}",
        title_justify="left",
        caption=f"* chosen: {'the least log loss' if trained.model.is_linear else surely}",
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
