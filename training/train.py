"""`readiness train`: from a lead database to a registered challenger, judged on the final test."""

from dataclasses import dataclass, replace

from features.audit.audit import audit, refuse_leaks
from features.audit.single_features import BANDS
from features.catalog import catalog_of
from features.check.gate import refuse_lacks
from features.check.inputs import inputs_at
from features.check.maturity import days_without_deals
from features.check.plausibility import refuse_implausible
from features.check.worked import worked
from features.conditions.segments import load_segments, opted_in
from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.dataset import Dataset
from features.errors import BadInput, Refused
from features.open_database import open_database
from features.progress import Progress, silent, step
from features.spark.buckets import breaches_of
from features.spec.spec import Spec, distinct
from features.spec.wording import plural
from models.comparison import compare_on
from models.fairness.figures import fairness_of
from models.fairness.groups import group_specs
from models.registry import EXPLORATION, Registry
from models.rules.rules import RuleScore, load_rules
from models.simpler import ONE_MODEL, Simpler, weigh, worse_text
from training.baselines import Baseline, baselines, side_by_side
from training.by_segment import choose_own_models, segment_feature
from training.card import card_files, card_of
from training.fit import with_own_models
from training.fit_engagement import with_fit_and_engagement
from training.groups import judged_groups
from training.learners import boosted_trees, logistic_regression, select_learner
from training.random_split import random_split
from training.record import Trained, record
from training.splits import Split, configured_split, labelled_sides
from training.timing import judged_timing, unseen_readiness, with_time_to_close


class WorseThanBaseRate(Refused):
    """A model was not registered, for it is worse than no model. `details` is what `--json` prints
    next to the message."""

    def __init__(self, simpler: Simpler) -> None:
        self.details = {"baselines": simpler}
        super().__init__(
            f"Nothing is registered. {worse_text(simpler.side_by_side)} Probabilities that are "
            "worse than one for all mislead whoever goes by them. Look for inputs that moved after "
            "the training cutoffs (readiness check), lengthen the history, or ask for another "
            'training.learner. To register it all the same: readiness train --accept "the reason".'
        )


@dataclass(frozen=True)
class JudgedTraining:
    """A training before it is registered, and what its record is made from."""

    trained: Trained
    specs: tuple[Spec, ...]
    past: Dataset
    test: Dataset


def train(config: Config, progress: Progress = silent, reason: str = "") -> Trained:
    """Train, judge, track and register one model. What is refused before the work leaves no run.
    Raises as `require_trainable`, `learn` and `register` do."""
    registry = Registry(config).prepared()
    rules = load_rules(config.folder / config.rules)
    segments = load_segments(config).specs  # which a model that is served names, too
    further = (*opted_in(config), *segments, *group_specs(config))
    with open_database(config, (*rules.specs, *further)) as database:
        require_trainable(config, database)
        with registry.training_run() as run_id:
            learned = learn(config, database, rules, progress)
            return register(config, database, rules, registry, learned, progress, reason, run_id)


def require_trainable(config: Config, database: LeadDatabase) -> None:
    """Raises BadInput where the lead database breaches its contract, Refused where it holds what
    can hardly be true, or too little to learn from."""
    refuse_breaches(database)
    refuse_implausible(database, config, utc_now())
    refuse_lacks(config, database)


def learn(
    config: Config, database: LeadDatabase, rules: RuleScore, progress: Progress = silent
) -> JudgedTraining:
    """Train and judge one model of a database that is trainable; nothing is written. Raises Refused
    where leaks are suspected, or nothing can be learnt."""
    specs = catalog_of(config, database)
    segment_feature(config, specs)  # which is refused before the work, if at all
    split = configured_split(config, database.data_end)
    needed = distinct((*specs, *rules.specs, *BANDS))
    with step("labels"):
        past, test = labelled_sides(config, database, needed, split, progress)
    with step("audit"):
        findings = audit(database, config, split.fit, past, specs)
    refuse_leaks(findings, config)
    with step("search"):
        trees = boosted_trees(config, past, specs, split.fit, progress)
    progress("fit", 0, 1)
    logistic = logistic_regression(config, past, specs, split.fit)
    learners = select_learner(config, past, specs, split.fit, trees, logistic)
    fitted, chosen = learners.registered, learners.registered.chosen
    others = [*baselines(past, specs, rules), *(other.way for other in learners.others)]
    own = choose_own_models(config, past, specs, split.fit, chosen.settings)
    shares, model = own.shares if own else None, fitted.model
    if shares is not None:
        others.append(Baseline(ONE_MODEL, True, model.rank))
        model = with_own_models(model, past, shares)
    model = replace(
        model,
        leave_out_actions=tuple(config.features.leave_out_actions),
        inputs=inputs_at(database, database.data_end),
        account=config.account,
    )
    unseen = unseen_readiness(past, model, chosen.settings, config.seed, shares)
    model = with_time_to_close(database, model, past, split, unseen)
    model = with_fit_and_engagement(model, past, logistic.chosen.settings, config.seed)
    progress("fit", 1, 1)
    progress("judge", 0, 1)
    compared = compare_on(test, config, database.data_end, model, rules)
    timing = judged_timing(database, model, test, split)
    scores = {"model": compared.model, "rules": compared.rules}
    fairness = fairness_of(config, database, compared.snapshots, compared.won, scores)
    judged = compared.judgement
    shuffled = random_split(past, test, specs, chosen.settings, judged, config.seed, shares)
    progress("judge", 1, 1)
    progress("baselines", 0, 1)
    simpler = weigh(
        side_by_side(config, test, compared.model, others), config.promotion.metric, config.unit
    )
    groups = judged_groups(config, past, test, specs, compared.model, chosen.settings)
    progress("baselines", 1, 1)
    trained = Trained(
        model=model,
        comparison=compared,
        timing=timing,
        simpler=simpler,
        groups=groups,
        chosen=chosen,
        candidates=fitted.candidates,
        split=split,
        snapshots=len(past.won),
        notes=_notes(learners.why, rules, database, split),
        findings=findings,
        random_split=shuffled,
        own_models=own,
        fairness=fairness,
    )
    return JudgedTraining(trained, specs, past, test)


def register(
    config: Config,
    database: LeadDatabase,
    rules: RuleScore,
    registry: Registry,
    learned: JudgedTraining,
    progress: Progress = silent,
    reason: str = "",
    run_id: str | None = None,
) -> Trained:
    """Track a training in MLflow and register its model as challenger. run_id: of the run that has
    been open since the training began.

    Raises WorseThanBaseRate for a model that is surely worse than the base rate, unless a person
    gives a reason.
    """
    trained, test = learned.trained, learned.test
    if trained.simpler.side_by_side.worse_than_base_rate:
        if not reason.strip():
            raise WorseThanBaseRate(trained.simpler)
        trained = replace(trained, accepted=reason.strip())
    progress("register", 0, 1)
    to_store = record(config, database, rules, trained, learned.specs, learned.past, test)
    model = registry.log(to_store, run_id)
    compared = replace(trained.comparison, model_version=model.version, run_id=model.run_id)
    trained = replace(trained, model=model, comparison=compared)
    if config.training.split == "random":
        registry.tag(model.version, {EXPLORATION: "random split"})
    card = card_of(config, database, trained, to_store)
    registry.attach(model.run_id, card_files(card, to_store))
    registry.describe(model, card.head())
    progress("register", 1, 1)
    return trained


def refuse_breaches(database: LeadDatabase) -> None:
    """Raises BadInput with every breach of the contract: training on wrong rows teaches wrongly."""
    breaches = breaches_of(database, utc_now())
    if breaches:
        lines = "\n".join(f"  {breach}" for breach in breaches)
        raise BadInput(f"The lead database breaches its contract:\n{lines}")


def _notes(learner: str, rules: RuleScore, database: LeadDatabase, split: Split) -> tuple[str, ...]:
    notes = [f"Registered is the {learner}."] if learner else []
    contacted = worked(database, split.fit)
    if contacted and contacted.never:
        notes.append(f"At the training cutoffs: {contacted}")
    absent = sorted(rules.actions - set(database.actions))
    if absent:
        actions = ", ".join(absent)
        notes.append(f"The rules give points for actions that are not in the data: {actions}.")
    days, advice = days_without_deals(database)
    if days:
        notes.append(f"{plural(days, 'day')} without a deal before the data end. {advice}")
    return tuple(notes)
