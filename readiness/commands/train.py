"""The verb that learns: train."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.spec.wording import plural
from readiness.commands.options import AsJson, Question, Where
from readiness.commands.printing import (
    out,
    print_json,
    print_notes,
    print_path,
    print_section,
    print_table,
    print_times,
    print_verdict,
    progress_bars,
    with_interval,
)

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


def verb(
    where: Where = Path(),
    question: Question = None,
    accept: Annotated[
        str,
        typer.Option(
            help="The reason to register a model that is worse than the base rate.",
            show_default=False,
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Train on closed deals, measure on the last mature cutoffs, register the challenger.

    The final test lies a whole horizon after the last training cutoff, so that no training label
    overlaps it. Everything is tracked in MLflow: settings, figures, features, data digests, plots.

    If there is too little data to learn from, it exits 1 with every reason (docs/enough-data.md)
    and registers nothing; until then `readiness score` uses the points alone. So it does for a
    model whose log loss is significantly worse than the base rate's, the same probability for all.
    """
    from readiness.settings import load
    from training.train import train

    config = load(where, question=question)
    with progress_bars() as progress:
        trained = train(config, progress, accept)
    print_notes(trained.notes)
    print_times()
    if as_json:
        print_json(trained)
        return
    print_trained(trained, config.mlflow_uri, config.unit)
    print_path("Next: readiness promote")


def print_trained(trained: "Trained", uri: str, unit: str = "lead") -> None:
    from readiness.commands.tables import print_beside, print_judgement

    compared = trained.comparison
    print_verdict(compared.verdict)
    print_section("Model and rules on the test cutoffs")
    print_judgement(compared.judgement, compared.calibration, unit)
    print_section("Simpler ways, and parts of the features")
    out.print(str(trained.simpler.verdict), markup=False)
    print_beside(trained.simpler.side_by_side, trained.groups.side_by_side)
    print_section("Time to close, and the test itself")
    for sentence in (trained.timing, trained.random_split.sentence):
        out.print(str(sentence), markup=False)
    print_section("How it was trained")
    _print_training(trained)
    _print_candidates(trained)
    _print_own_models(trained, unit)
    print_section("The challenger")
    if trained.accepted:
        out.print(f"Registered all the same, because: {trained.accepted}", markup=False)
    print_path(
        f"Registered as version {trained.model.version} (challenger), run {trained.model.run_id}.\n"
        f"It is the {trained.model.way}.\n"
        f"Look at it with: mlflow ui --backend-store-uri {uri}"
    )


def _print_training(trained: "Trained") -> None:
    fit, dropped = trained.split.fit, len(trained.model.dropped)
    out.print(
        f"{plural(trained.snapshots, 'snapshot')} of {plural(len(fit), 'cutoff')} "
        f"({fit[0]:%Y-%m-%d} to {fit[-1]:%Y-%m-%d}), "
        f"{plural(len(trained.model.specs), 'feature')}"
        + (f" ({dropped} dropped: all missing or constant)." if dropped else ".")
    )


def _print_own_models(trained: "Trained", unit: str) -> None:
    own = trained.own_models
    if own is None:
        return
    out.print(own.verdict, markup=False)
    rows = [
        (
            each.value,
            f"{each.wins:,}",
            f"{each.best:.0%}",
            with_interval(each.difference, "{:+.4f}"),
            f"{each.share:.0%}",
            each.why,
        )
        for each in own.values
    ]
    if rows:
        print_table(
            f"Own models by {own.feature}, on the earlier periods",
            [
                "value",
                f">won\n{unit}s",
                ">best\nshare",
                ">difference in log loss",
                ">share",
                "why none",
            ],
            rows,
            f"the mix minus the model of all {unit}s, lower is better; its 95% interval holds for "
            "all values and shares together",
        )


def _print_candidates(trained: "Trained") -> None:
    from models.classifier.classifier import AVERAGE

    if not trained.chosen.folds:
        out.print("No search: too few training cutoffs for a rolling origin; the default was used.")
        return
    chosen, way = trained.chosen, trained.model.way
    if way == AVERAGE:
        out.print(
            f"Either part has the settings chosen for it alone. On {len(chosen.folds)} earlier "
            f"periods: log loss {chosen.log_loss:.4f}, ROC AUC {chosen.roc_auc:.4f}."
        )
        return
    rows = [
        (
            *(f"{value:g}" for value in candidate.settings.values()),
            f"{candidate.log_loss:.4f}",
            f"{candidate.roc_auc:.4f}{' *' if candidate.settings == chosen.settings else '  '}",
        )
        for candidate in trained.candidates
    ]
    first = "the first, unless the log loss of another is significantly lower"
    settings = (_SETTINGS.get(key, key) for key in chosen.settings)
    print_table(
        f"The {way}: candidates on {plural(len(chosen.folds), 'earlier period')}",
        [*(f">{setting}" for setting in settings), ">log loss", ">ROC\nAUC"],
        rows,
        f"* chosen: {'the lowest log loss' if trained.model.is_linear else first}",
    )
