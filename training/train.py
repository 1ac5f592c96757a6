"""`readiness train`: from a lead database to a registered challenger, judged on the final test."""

from dataclasses import dataclass, replace

from features.audit.audit import audit, refuse_leaks
from features.catalog import catalog
from features.check.gate import refuse_lacks
from features.check.maturity import days_without_deals
from features.check.worked import worked
from features.conditions.segments import opted_in
from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.dataset import Dataset, labelled
from features.errors import BadInput
from features.open import open_database
from features.progress import Progress, silent
from features.spark.buckets import breaches_of
from features.spec.spec import Spec, distinct
from models.classifier.model import ReadinessModel
from models.comparison import compare_on
from models.registry import Registry
from models.rules.rules import RuleScore, load_rules
from models.simpler import weigh
from training.baselines import beside
from training.card import card_files
from training.groups import judged_groups
from training.learners import Learnt, boosted_trees, logistic_regression, simplest
from training.random_split import random_split
from training.record import Trained, record
from training.splits import Split, final_split
from training.timing import judged_timing, unseen_readiness, with_time_to_close


@dataclass(frozen=True)
class Learned:
    """A training before it is registered, and what its record is made from."""

    trained: Trained
    specs: tuple[Spec, ...]
    past: Dataset
    test: Dataset


def train(config: Config, progress: Progress = silent) -> Trained:
    """Train, judge, track and register one model. Raises as `learn` does."""
    registry = Registry(config).prepared()
    rules = load_rules(config.folder / config.rules)
    with open_database(config, (*rules.specs, *opted_in(config))) as database:
        learned = learn(config, database, rules, progress)
        return register(config, database, rules, registry, learned, progress)


def learn(
    config: Config, database: LeadDatabase, rules: RuleScore, progress: Progress = silent
) -> Learned:
    """Train and judge one model; nothing is written.

    Raises BadInput where the lead database breaches its contract, Refused where it holds too little
    to learn from.
    """
    refuse_breaches(database)
    refuse_lacks(config, database)
    specs = catalog(config.features, database.actions, database.attributes, opted_in(config))
    times = config.time
    mature = times.mature_cutoffs(database.data_end)
    split = final_split(mature, times.test_cutoffs, times.horizon_days)
    dataset = labelled(
        database,
        distinct((*specs, *rules.specs)),
        [*split.fit, *split.judge],
        config.time.horizon_days,
        config.engine.memory_gb,
        progress,
    )
    past, test = dataset.at(split.fit), dataset.at(split.judge)
    findings = audit(database, config, split.fit, past, specs)
    refuse_leaks(findings, config)
    trees = boosted_trees(config, past, specs, split.fit, progress)
    progress("fit", 0, 1)
    logistic = logistic_regression(config, past, specs, split.fit)
    learnt, others = simplest(config, past, test, specs, rules, trees, logistic)
    chosen = learnt.chosen
    model = _finished(config, database, past, learnt, split)
    progress("fit", 1, 1)
    progress("judge", 0, 1)
    compared = compare_on(test, config, database.data_end, model, rules)
    timing = judged_timing(database, model, test, split)
    shuffled = random_split(past, test, specs, chosen.settings, compared.judgement, config.seed)
    progress("judge", 1, 1)
    progress("baselines", 0, 1)
    simpler = weigh(beside(config, test, compared.model, others), config.promotion.metric)
    groups = judged_groups(config, past, test, specs, compared.model, chosen.settings)
    progress("baselines", 1, 1)
    notes = _notes(rules, database, split)
    trained = Trained(
        *(model, compared, timing, simpler, groups, chosen, learnt.candidates, split),
        *(len(past.won), notes, findings, shuffled),
    )
    return Learned(trained, specs, past, test)


def register(
    config: Config,
    database: LeadDatabase,
    rules: RuleScore,
    registry: Registry,
    learned: Learned,
    progress: Progress = silent,
) -> Trained:
    """Track a training in MLflow and register its model as challenger."""
    progress("register", 0, 1)
    trained, test = learned.trained, learned.test
    kept = record(config, database, rules, trained, learned.specs, learned.past, test)
    model = registry.log(kept)
    compared = replace(trained.comparison, model_version=model.version, run_id=model.run_id)
    trained = replace(trained, model=model, comparison=compared)
    registry.attach(model.run_id, card_files(config, database, trained, kept))
    progress("register", 1, 1)
    return trained


def refuse_breaches(database: LeadDatabase) -> None:
    """Raises BadInput with every breach of the contract: training on wrong rows teaches wrongly."""
    found = breaches_of(database, utc_now())
    if found:
        lines = "\n".join(f"  {breach}" for breach in found)
        raise BadInput(f"The lead database breaches its contract:\n{lines}")


def _finished(
    config: Config, database: LeadDatabase, past: Dataset, learnt: Learnt, split: Split
) -> ReadinessModel:
    """The model with its time to close."""
    model = replace(learnt.model, leave_out_actions=tuple(config.features.leave_out_actions))
    unseen = unseen_readiness(past, model, learnt.chosen.settings, config.seed)
    return with_time_to_close(database, model, past, split, unseen)


def _notes(rules: RuleScore, database: LeadDatabase, split: Split) -> tuple[str, ...]:
    notes = []
    contacted = worked(database, split.fit)
    if contacted and contacted.never:
        notes.append(f"At the training cutoffs: {contacted}")
    absent = sorted(rules.actions - set(database.actions))
    if absent:
        actions = ", ".join(absent)
        notes.append(f"The rules give points for actions that are not in the data: {actions}.")
    days, advice = days_without_deals(database)
    if days:
        notes.append(f"{days} days without a deal before the data end. {advice}")
    return tuple(notes)
