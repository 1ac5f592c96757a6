"""What a training yields, and what of it MLflow stores."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from features.audit.finding import Finding
from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset
from features.result_json import to_json
from features.spec.spec import Spec
from features.spec.wording import plural
from models import plots
from models.classifier.model import ReadinessModel
from models.comparison import Comparison
from models.explanations.importance import importance
from models.fairness.figures import Fairness
from models.from_events import FromEvents, kind_of
from models.registry import TEST, Child, DatasetRecord, TrainingRecord
from models.rules.rules import RuleScore
from models.simpler import STORED_AS, Simpler
from models.timing.timing import Timing
from training.fit import OF_SMALL, calibration_split
from training.groups import Groups
from training.random_split import RandomSplit
from training.search import Candidate
from training.splits import Split


@dataclass(frozen=True, repr=False)
class Trained:
    """What a training yields: the registered challenger, its settings and its figures. fairness:
    None where no groups are named. accepted: why a person had it registered although it is worse
    than the base rate, "" where it is not."""

    model: ReadinessModel
    comparison: Comparison
    timing: Timing
    simpler: Simpler
    groups: Groups
    chosen: Candidate
    candidates: Sequence[Candidate]
    split: Split
    snapshots: int
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    random_split: RandomSplit
    fairness: Fairness | None = None
    accepted: str = ""

    def __repr__(self) -> str:
        return (
            f"Trained({self.model!r}, "
            f"{plural(self.snapshots, 'snapshot')})\n{self.comparison.verdict}"
        )

    def json_fields(self) -> dict[str, Any]:
        """What `train --json` prints."""
        return self.comparison.json_fields() | {
            "snapshots_trained_on": self.snapshots,
            "training_cutoffs": [cutoff.date() for cutoff in self.split.fit],
            "learner": self.model.way,
            "settings": self.chosen.settings,
            "dropped_features": self.model.dropped,
            "features": len(self.model.specs),
            "time_to_close": self.timing,
            "baselines": self.simpler,
            "feature_groups": self.groups,
            "calibrator": self.model.calibrator,
            "notes": self.notes,
            "findings": self.findings,
            "random_split": self.random_split,
            "fairness": self.fairness,
            "accepted": self.accepted or None,
        }


def record(
    config: Config,
    database: LeadDatabase,
    rules: RuleScore,
    trained: Trained,
    specs: Sequence[Spec],
    past: Dataset,
    test: Dataset,
) -> TrainingRecord:
    """Everything that MLflow stores of this training."""
    settings = {f"setting_{key}": value for key, value in trained.chosen.settings.items()}
    features = [{"name": s.name, "meaning": s.meaning(config.words)} for s in specs]
    costs = importance(trained.model, test.frame, test.won, config.seed)
    return TrainingRecord(
        model=trained.model,
        rules_text=rules.text,
        params=settings
        | {
            "horizon_days": config.time.horizon_days,
            "cutoff_every_days": config.time.cutoff_every_days,
            "first_training_cutoff": trained.split.fit[0],
            "last_training_cutoff": trained.split.fit[-1],
            "test_cutoffs": ", ".join(f"{c:%Y-%m-%d}" for c in trained.split.judge),
            "training_snapshots": len(past.won),
            "training_wins": past.wins,
            "features": len(trained.model.specs),
            "learner": trained.model.way,
            "calibrator": trained.model.calibrator.kind if trained.model.calibrator else "sigmoid",
            "rules_version": trained.comparison.rules_version,
            "data_end": database.data_end,
            "seed": config.seed,
        },
        metrics=_metrics(trained, past),
        digests=database.digests(),
        tags={
            "verdict": trained.comparison.verdict.headline,
            "simplest_as_good": trained.simpler.simplest or "none",
            "code_version": code_version(),
            **({"accepted_worse_than_base_rate": trained.accepted} if trained.accepted else {}),
        },
        children=[Child(dict(c.settings), _folds(c)) for c in trained.candidates],
        figures=_figures(trained.comparison, test, _in_words(costs, features)),
        documents={
            "features.json": features,
            "dropped_features.json": dict(trained.model.dropped),
            "test.json": to_json(trained.comparison),
            "audit.json": to_json(trained.findings),
            STORED_AS: to_json(trained.simpler),
            "feature_groups.json": to_json(trained.groups),
            "importance.json": costs.to_dict("records"),
        },
        from_events=FromEvents.of(config, database, trained.model, rules),
        datasets=[*_snapshots(trained, past, test), *_tables(database)],
    )


def _snapshots(trained: Trained, past: Dataset, test: Dataset) -> Iterator[DatasetRecord]:
    """The snapshots that fitted the learner, calibrated it and tested the model; a small training
    fits and calibrates on all of its own (training/fit.py)."""
    parts = {"training": past}
    if trained.chosen.settings not in OF_SMALL:
        split = calibration_split(past)
        parts = {"training": past.at(split.fit), "calibration": past.at(split.judge)}
    for name, part in {**parts, TEST: test}.items():
        frame = part.frame[["lead_id", "cutoff", *(spec.name for spec in trained.model.specs)]]
        frame = frame.assign(won=part.won)
        cutoffs = frame["cutoff"]
        yield DatasetRecord(
            name=name,
            context=name,
            digest=f"{pd.util.hash_pandas_object(frame, index=False).sum():016x}",
            columns={str(column): _kind(values) for column, values in frame.items()},
            profile={
                "num_rows": len(frame),
                "leads": int(frame["lead_id"].nunique()),
                "won": part.wins,
                "cutoffs": f"{cutoffs.min():%Y-%m-%d} to {cutoffs.max():%Y-%m-%d}",
            },
        )


def _tables(database: LeadDatabase) -> Iterator[DatasetRecord]:
    """The tables of the lead database, with all their columns."""
    for table, digest in database.digests().items():
        columns = {name: kind_of(type_) for name, type_ in database.columns[table].items()}
        yield DatasetRecord(table, "table", digest.content, columns, {"num_rows": digest.rows})


def _kind(values: "pd.Series[Any]") -> str:
    """MLflow's type of a column."""
    if values.dtype.kind == "M":
        return "datetime"
    return {"i": "long", "u": "long", "f": "double", "b": "boolean"}.get(
        values.dtype.kind, "string"
    )


def _metrics(trained: Trained, past: Dataset) -> dict[str, float]:
    judged = trained.comparison.judgement
    metrics = {
        f"test_{name}_{metric}": estimate.point
        for name, estimates in judged.estimates.items()
        for metric, estimate in estimates.items()
    }
    metrics |= {f"test_{name}_ece_by_chance": e for name, e in judged.ece_by_chance.items()}
    metrics |= {f"test_difference_{m}": e.point for m, e in judged.difference.items()}
    metrics |= trained.timing.metrics() | trained.random_split.metrics()
    metrics |= {f"baseline/{name}": f for name, f in trained.simpler.side_by_side.metrics().items()}
    metrics |= {f"features/{name}": f for name, f in trained.groups.side_by_side.metrics().items()}
    grid = trained.comparison.fit_engagement
    if grid:
        metrics |= {f"test_{axis}_concordance": e.point for axis, e in grid.concordance.items()}
    metrics |= {"train_base_rate": float(past.won.mean())} | _folds(trained.chosen)
    return {name: value for name, value in metrics.items() if value == value}


def _folds(candidate: Candidate) -> dict[str, float]:
    folds = {
        f"fold_{number}_{name}": value
        for number, fold in enumerate(candidate.folds)
        for name, value in (("log_loss", float(fold.losses.mean())), ("roc_auc", fold.roc_auc))
    }
    if candidate.folds:
        folds |= {"folds_log_loss": candidate.log_loss, "folds_roc_auc": candidate.roc_auc}
    return folds


def _in_words(costs: pd.DataFrame, features: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """The cost of features that are named as people say it."""
    meanings = {each["name"]: each["meaning"] for each in features}
    return costs.assign(feature=[meanings.get(name, name) for name in costs["feature"]])


def _figures(compared: Comparison, test: Dataset, costs: pd.DataFrame) -> dict[str, Figure]:
    scores = {"model": compared.model, "rules": compared.rules}
    cutoff, share = test.frame["cutoff"].to_numpy(), compared.judgement.share
    base_rate = float(test.won.mean())
    return {
        "calibration": plots.calibration(test.won, compared.model, test.frame["lead_id"]),
        "gain": plots.gain(test.won, scores, cutoff, share),
        "precision_by_capacity": plots.precision_by_capacity(
            test.won, scores, cutoff, base_rate, share
        ),
        "importance": plots.importance(list(costs["feature"]), costs["cost"], costs["spread"]),
    }


def code_version() -> str:
    """The package's version and, in a git checkout, the commit, marked + where files differ."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        described = "no git"
    return f"{version('sales-readiness')} ({described})"
