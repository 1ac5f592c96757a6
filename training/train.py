"""`readiness train`: from a lead database to a registered challenger, judged on the final test."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from features.breaches import find_breaches
from features.catalog import catalog, distinct
from features.config import Config
from features.cutoffs import grid, mature
from features.database import LeadDatabase, open_database
from features.dataset import Dataset, labelled
from features.errors import BadInput
from features.progress import Progress, silent
from features.spec import Spec
from features.wording import meaning
from models import plots
from models.comparison import Comparison, compare_on
from models.importance import importance
from models.readiness import ReadinessModel
from models.registry import Child, Registry, Training
from models.rules import RuleScore, load_rules
from training.fit import fit
from training.search import Candidate, choose, draw, search
from training.splits import Split, final_split, rolling_origin


@dataclass(frozen=True)
class Trained:
    """What a training yields: the registered challenger, how it was found and how it did."""

    model: ReadinessModel
    comparison: Comparison
    chosen: Candidate
    candidates: Sequence[Candidate]
    split: Split
    snapshots: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """What `train --json` prints."""
        return self.comparison.to_json() | {
            "snapshots_trained_on": self.snapshots,
            "training_cutoffs": [f"{cutoff:%Y-%m-%d}" for cutoff in self.split.fit],
            "settings": dict(self.chosen.settings),
            "dropped_features": dict(self.model.dropped),
            "features": len(self.model.specs),
            "notes": list(self.notes),
        }


def train(config: Config, progress: Progress = silent) -> Trained:
    """Train, judge, track and register one model.

    Raises BadInput where the lead database breaches its contract, Refused where it holds too little
    to learn from.
    """
    registry = Registry(config)
    rules = load_rules(config.folder / config.rules)
    with open_database(config) as database:
        refuse_breaches(database, config)
        specs = catalog(config.features, database.actions, database.attributes)
        split = final_split(_mature(config, database), *_test(config))
        dataset = labelled(
            database,
            distinct((*specs, *rules.specs)),
            [*split.fit, *split.judge],
            config.time.horizon_days,
            config.engine.memory_gb,
            progress,
        )
        past, test = dataset.at(split.fit), dataset.at(split.judge)
        candidates = _candidates(config, past, specs, split, progress)
        chosen = choose(candidates)
        progress("fit", 0, 1)
        model = fit(past, specs, chosen.settings, config.time.horizon_days, config.seed)
        progress("fit", 1, 1)
        compared = compare_on(test, config, database.data_end, model, rules)
        found = Trained(
            model, compared, chosen, candidates, split, len(past.won), _notes(rules, database)
        )
        progress("register", 0, 1)
        record = _record(config, database, found, rules, specs, past, test)
        model = registry.log(record)
        progress("register", 1, 1)
    named = replace(compared, model_version=model.version, run_id=model.run_id)
    return replace(found, model=model, comparison=named)


def refuse_breaches(database: LeadDatabase, config: Config) -> None:
    """Raises BadInput with every breach of the contract: training on wrong rows teaches wrongly."""
    end = config.time.data_end or datetime.now(UTC).replace(tzinfo=None)
    found = find_breaches(database.connection, database.columns, end)
    if found:
        lines = "\n".join(f"  {breach}" for breach in found)
        raise BadInput(f"The lead database breaches its contract:\n{lines}")


def _mature(config: Config, database: LeadDatabase) -> list[datetime]:
    times = config.time
    cutoffs = grid(times.first_cutoff, times.cutoff_every_days, database.data_end)
    return mature(cutoffs, times.horizon_days, database.data_end)


def _test(config: Config) -> tuple[int, int]:
    return config.time.test_cutoffs, config.time.horizon_days


def _candidates(
    config: Config, past: Dataset, specs: Sequence[Spec], split: Split, progress: Progress
) -> list[Candidate]:
    settings = config.training
    folds = rolling_origin(split.fit, settings.folds, config.time.horizon_days)
    drawn = draw(settings.candidates, config.seed)
    return search(past, specs, folds, drawn, config.seed, settings.jobs, progress)


def _notes(rules: RuleScore, database: LeadDatabase) -> tuple[str, ...]:
    absent = sorted({rule.action for rule in rules.file.rule} - set(database.actions))
    if not absent:
        return ()
    return (f"The rules give points for actions that are not in the data: {', '.join(absent)}.",)


def _record(
    config: Config,
    database: LeadDatabase,
    found: Trained,
    rules: RuleScore,
    specs: Sequence[Spec],
    past: Dataset,
    test: Dataset,
) -> Training:
    """Everything that MLflow is to keep of this training."""
    settings = {f"setting_{key}": value for key, value in found.chosen.settings.items()}
    features = [{"name": s.name, "meaning": meaning(s, config.words)} for s in specs]
    costs = importance(found.model, test.frame, test.won, config.seed)
    return Training(
        model=found.model,
        rules_text=(config.folder / config.rules).read_text(encoding="utf-8"),
        params=settings
        | {
            "horizon_days": config.time.horizon_days,
            "cutoff_every_days": config.time.cutoff_every_days,
            "first_training_cutoff": found.split.fit[0],
            "last_training_cutoff": found.split.fit[-1],
            "test_cutoffs": ", ".join(f"{c:%Y-%m-%d}" for c in found.split.judge),
            "training_snapshots": len(past.won),
            "training_wins": past.wins,
            "features": len(found.model.specs),
            "rules_version": rules.version,
            "data_end": database.data_end,
            "seed": config.seed,
        },
        metrics=_metrics(found, past),
        digests=database.digests(),
        tags={"verdict": found.comparison.verdict, "code_version": code_version()},
        children=[Child(dict(c.settings), _folds(c)) for c in found.candidates],
        figures=_figures(found.comparison, test, costs),
        documents={
            "features.json": features,
            "dropped_features.json": dict(found.model.dropped),
            "test.json": found.comparison.to_json(),
            "importance.json": costs.to_dict("records"),
        },
        example=past.frame.head(5),
    )


def _metrics(found: Trained, past: Dataset) -> dict[str, float]:
    judged = found.comparison.judgement
    metrics = {
        f"test_{name}_{metric}": estimate.point
        for name, estimates in judged.estimates.items()
        for metric, estimate in estimates.items()
    }
    metrics |= {f"test_difference_{m}": e.point for m, e in judged.difference.items()}
    metrics |= {f"train_base_rate": float(past.won.mean())} | _folds(found.chosen)
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


def _figures(compared: Comparison, test: Dataset, costs: pd.DataFrame) -> dict[str, Figure]:
    scores = {"model": compared.model, "rules": compared.rules}
    cutoff, share = test.frame["cutoff"].to_numpy(), compared.judgement.share
    base_rate = float(test.won.mean())
    return {
        "calibration": plots.calibration(test.won, compared.model),
        "gain": plots.gain(test.won, scores, cutoff, share),
        "precision_by_capacity": plots.precision_by_capacity(
            test.won, scores, cutoff, base_rate, share
        ),
        "importance": plots.importance(costs["feature"], costs["cost"], costs["spread"]),
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
