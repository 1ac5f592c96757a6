"""The part of the model card that says what the version was made from, and how to make it again."""

import platform
import sys
from collections.abc import Iterable
from importlib.metadata import version

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from models.card import Grid, Section
from models.classifier.case_control import ALWAYS_ROWS, NOT_WON_PER_WON
from models.registry import Training
from training.record import Trained

LIBRARIES = ("scikit-learn", "numpy", "pandas", "duckdb", "skops", "mlflow")
TOP = 10
THINNED = (
    f"Where their cutoffs hold more than {ALWAYS_ROWS:,} snapshots, the trees are grown on all won "
    f"ones and a random part of the others: {NOT_WON_PER_WON} for each won one, or what makes "
    f"{ALWAYS_ROWS:,} in all. The calibration sees every snapshot of its own cutoffs."
)
TIMES = {
    "events": "occurred_at",
    "leads": "created_at",
    "deals": "closed_at",
    "contacts": "contacted_at",
    "stages": "entered_at",
}


def data(database: LeadDatabase, kept: Training) -> Section:
    """Rows, span of time and digest of every table."""
    rows = []
    for table, digest in kept.digests.items():
        count, _, of_rows = digest.split(" ")
        rows.append([table, f"{int(count):,}", *_span(database, table), of_rows])
    return Section(
        "Data",
        said=[f"Data end: {database.data_end:%Y-%m-%d %H:%M} UTC. {_outcomes(database)}"],
        grids=[Grid(["table", "rows", "from", "to", "digest of the rows"], rows)],
    )


def _span(database: LeadDatabase, table: str) -> list[str]:
    column = TIMES[table]
    (low, high) = database.query(f"SELECT min({column}) l, max({column}) h FROM {table}").iloc[0]
    return ["-" if pd.isna(at) else f"{at:%Y-%m-%d}" for at in (low, high)]


def _outcomes(database: LeadDatabase) -> str:
    counts = database.query("SELECT outcome, count(*) AS n FROM deals GROUP BY 1 ORDER BY 1 DESC")
    told = ", ".join(f"{n:,} {outcome}" for outcome, n in counts.itertuples(index=False))
    return f"Closed deals: {told}."


def cohort(found: Trained, kept: Training) -> Section:
    """Who was asked about, over which horizon, at which cutoffs."""
    fit, horizon = found.split.fit, found.model.horizon_days
    wins = int(kept.params["training_wins"])
    return Section(
        "Cohort and horizon",
        facts={
            "Who": "leads open at a cutoff: created before it, no deal closed before it",
            "Horizon": f"{horizon} days: a snapshot is won if its deal is won within them after "
            "the cutoff",
            "Trained on": f"{found.snapshots:,} snapshots, {wins:,} won "
            f"({wins / found.snapshots:.1%}), at {len(fit)} cutoffs from {fit[0]:%Y-%m-%d} to "
            f"{fit[-1]:%Y-%m-%d}",
            "Censored": "cutoffs whose horizon was not over by the data end: neither trained on "
            "nor judged",
        },
    )


def features(config: Config, found: Trained, kept: Training) -> Section:
    """How many, which were left out, and those it relies on most."""
    model = found.model
    names = {spec.name: spec.meaning(config.words) for spec in model.specs}
    costs = sorted(kept.documents["importance.json"], key=lambda row: -row["cost"])[:TOP]
    rows = [
        [names.get(row["feature"], row["feature"]), f"{row['cost']:.4f}", f"{row['spread']:.4f}"]
        for row in costs
    ]
    dropped = _listed(f"{name} ({why})" for name, why in model.dropped.items())
    return Section(
        "Features",
        facts={
            "In the model": f"{len(model.specs)}, from what was known strictly before the cutoff",
            "Dropped": f"{len(model.dropped)}{dropped}",
            "Actions left out": ", ".join(model.leave_out_actions) or "none",
            "Points table": f"{found.comparison.rules_name}, version "
            f"{found.comparison.rules_version}",
        },
        grids=[
            Grid(
                ["what it relies on most", "cost", "spread"],
                rows,
                "Cost: the rise of the log loss on the final test when the feature is shuffled.",
            )
        ],
    )


def _listed(names: Iterable[str], most: int = 12) -> str:
    listed = list(names)
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f": {', '.join(listed[:most])}{more}" if listed else ""


def settings(found: Trained) -> Section:
    """The settings chosen, and among how many."""
    chosen, model = found.chosen, found.model
    facts = {key.replace("_", " "): f"{value:g}" for key, value in chosen.settings.items()}
    if not chosen.folds:
        told = "Default settings: too few training cutoffs for a search."
    else:
        told = (
            f"Chosen among {len(found.candidates)} candidates on {len(chosen.folds)} earlier "
            f"periods: log loss {chosen.log_loss:.4f}, ROC AUC {chosen.roc_auc:.3f} there."
        )
    said = [told, *([THINNED] if found.snapshots > ALWAYS_ROWS and not model.is_linear else [])]
    return Section(f"Settings of the {model.way}", said=said, facts=facts)


def again(config: Config, found: Trained, kept: Training) -> Section:
    """What it takes to train the very same model."""
    python = f"Python {platform.python_version()} on {sys.platform}"
    return Section(
        "How to get it again",
        said=["readiness train on the same data, settings and seed gives bit-identical scores."],
        facts={
            "Run": f"{found.model.run_id}, experiment {config.mlflow.experiment}",
            "Seed": str(config.seed),
            "Code": str(kept.tags["code_version"]),
            "Libraries": ", ".join([python, *(f"{name} {version(name)}" for name in LIBRARIES)]),
        },
    )
