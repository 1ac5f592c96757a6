"""Training, points tables and their comparison for Python users."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.progress import Progress, silent
from features.starter.starter import common_actions, rules_text
from features.toml import toml_text
from models.classifier.model import ReadinessModel
from models.comparison import Comparison
from models.fairness.groups import group_specs
from models.registry import Registry
from models.rules import rules as rules_file
from models.rules.rules import RuleScore, parse_rules
from readiness.leads import Leads
from serve.reports.compare import figures
from training.record import Trained
from training.train import learn, register, require_trainable


def load_rules(source: str | Path | Mapping[str, Any]) -> RuleScore:
    """Read a points table (docs/points.md).

    Parameters
    ----------
    source : the path of a rules.toml, its text, or its content as a mapping.

    Raises
    ------
    BadInput for a missing file, broken TOML, and unknown or faulty keys.

    Examples
    --------
    >>> import readiness as rd
    >>> rules = rd.load_rules('''
    ... name = "ours"
    ... bands = { warm = 20, hot = 50 }
    ... [[rule]]
    ... action = "visited_pricing"
    ... points = 10
    ... ''')
    >>> rules
    RuleScore('ours', version ab4dd51227, 1 rule, warm from 20, hot from 50)
    """
    if isinstance(source, Mapping):
        return parse_rules(toml_text(source), Path("rules"))
    if isinstance(source, str) and ("\n" in source or "=" in source):
        return parse_rules(source, Path("rules"))
    return rules_file.load_rules(Path(source))


def train(
    leads: Leads,
    rules: RuleScore | None = None,
    *,
    track_in: str | Path | None = None,
    accept: str = "",
    progress: Progress = silent,
) -> Trained:
    """Train a model and judge it on the last mature cutoffs, as `readiness train` does.

    Parameters
    ----------
    leads : with outcomes. Its settings say horizon, cutoffs, features, search and seed.
    rules : the points table to judge against. Default: that of the settings; for frames the points
        that `readiness init` would guess from the names of the actions.
    track_in : a folder for MLflow (mlflow.db and its artefacts): the training is tracked there and
        its model registered as challenger. None: nothing is written anywhere.
    accept : the reason to register a model that is worse than the base rate.
    progress : called with (what, done, of).

    Returns
    -------
    Trained : `model` for `Scorer` and `compare`, `comparison` against the rules on the final test,
        `notes`; `to_json` gives every figure.

    Raises
    ------
    BadInput where the rows breach the contract; Refused, with every reason, where there is too
    little to learn from, the leakage audit reports something (docs/audit.md), or a model to be
    registered is worse than the base rate.
    """
    rules = rules or _rules_of(leads)
    config, registry = leads.config, None
    if track_in is not None:
        folder = Path(track_in).resolve()
        store = {"uri": f"sqlite:///{folder / 'mlflow.db'}"}
        update = {"mlflow": config.mlflow.model_copy(update=store), "out": str(folder)}
        config = config.model_copy(update=update)
        registry = Registry(config).prepared()
    with leads.staged((*rules.specs, *group_specs(config))) as database:
        require_trainable(config, database)
        if registry is None:
            return learn(config, database, rules, progress).trained
        with registry.training_run() as run:
            learnt = learn(config, database, rules, progress)
            return register(config, database, rules, registry, learnt, progress, accept, run)


def compare(
    model: Trained | ReadinessModel, rules: RuleScore, leads: Leads, progress: Progress = silent
) -> Comparison:
    """Model against points table on real outcomes, as `readiness compare` does.

    Parameters
    ----------
    model : of `train`, or `Scorer.model`.
    rules : see `load_rules`.
    leads : with outcomes; all mature cutoffs a horizon or more after the last one that the model
        was trained on are compared, in lists of the capacity of the settings.

    Returns
    -------
    Comparison : `verdict`, `judgement` with every figure and interval (`to_json`).

    Raises
    ------
    Refused where no such cutoff is mature yet.
    """
    fitted = model.model if isinstance(model, Trained) else model
    config = fitted.staged(leads.config)
    with leads.staged(rules.specs, config) as database:
        return figures.compare(config, database, fitted, rules, progress)


def _rules_of(leads: Leads) -> RuleScore:
    path = leads.config.folder / leads.config.rules
    if leads.in_memory:
        actions, common = leads.database.actions, common_actions(leads.database)
        return parse_rules(rules_text(actions, common), Path("guessed rules"))
    return rules_file.load_rules(path)
