"""`readiness score`: every open lead at a cutoff, in batches, into the ledger, exactly once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from features.check.inputs import WINDOW, Inputs, changed_columns, inputs_at, listed
from features.check.plausibility import implausible_at
from features.config import Config, Routing
from features.contract.breaches import find_breaches
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.engine.duckdb_engine import feature_frames
from features.errors import BadInput, Refused
from features.progress import Progress, silent, step
from features.spark.whole import SparkSample
from features.spec.wording import plural
from models.classifier.model import ReadinessModel
from models.fit_engagement.axes import NEITHER
from models.routing import Router
from models.rules.rules import rules_folder, store
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run
from serve.scoring.lead_facts import LeadFacts
from serve.scoring.lead_rows import Frames, LeadRows
from serve.scoring.movers import new_movers
from serve.scoring.on_spark import ScoringResult, score_on_spark
from serve.scoring.points_only import PointsOnly
from serve.scoring.prior_shift import shifted
from serve.scoring.scored import Scored, Unscored, default_cutoff
from serve.scoring.scorer import Scorer
from serve.scoring.shadow import Shadows

LIST_IN_TIME = timedelta(days=7)  # from a cutoff to the making of its list
LONG_AFTER = timedelta(days=7)  # the data end; `late_events` is stricter where events have a rhythm
NOTED, NEARLY_ALL = 0.1, 0.9  # share of the recent events whose actions are unknown


class UnknownActions(Refused):
    """Nearly all recent events have actions that neither model nor rules know. `details` is what
    `--json` prints next to the message."""

    def __init__(
        self, version: str, unknown: Mapping[str, float], events: int, then: Inputs
    ) -> None:
        share = sum(unknown.values())
        self.details = {"unknown_actions": dict(unknown), "unknown_share": share, "events": events}
        super().__init__(
            f"Nothing was scored or written to the ledger: {share:.0%} of the {events:,} events of "
            f"{WINDOW} days before the cutoff have an action that neither version {version} of the "
            f"model nor the rules know: {listed(unknown)}. At the training they were "
            f"{listed(then.actions.shares)}. If actions were renamed, give them their old names in "
            "the query of tables.events, or train again. To score all the same: readiness score "
            "--accept"
        )


def score_all(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    ledger: Ledger,
    cutoff: datetime | None = None,
    progress: Progress = silent,
    accept: bool = False,
    measure: Frames = feature_frames,
) -> Scored:
    """Score every open lead. A lead whose rows breach the contract is in the ledger too, as not
    scored and with the reason. By the points alone, the reason why stands in each route_reason.
    measure: where the features come from, by this machine.

    Raises, before anything is written, BadInput where [routing] asks for a rank that the model does
    not give, and UnknownActions where neither model nor rules know nearly any
    of the recent events' actions, unless `accept`.
    """
    now = utc_now()
    judge, cutoff = scorer, cutoff or default_cutoff(database.data_end, now)
    run = Run(cutoff, scorer.model_version, scorer.rules.version)
    differences = tuple(_differences(database, scorer, cutoff, accept))
    shift = None
    if isinstance(scorer, PointsOnly):
        scorer = scorer.with_reason(config, database)
    else:
        _require_ranks(config, scorer)
        model, shift = shifted(config, database, scorer.model, cutoff)
        scorer = replace(scorer, model=model)
    facts = LeadFacts.of_settings(config, database, cutoff)
    rows = LeadRows(scorer, facts, cutoff, config.engine.memory_gb)
    shadows = Shadows.of_run(config, database, scorer, cutoff)
    store(scorer.rules, rules_folder(config))
    if isinstance(database, SparkSample):
        progress("score", 0, 1)
        result = score_on_spark(config, database.whole, rows, run, now)
        progress("score", 1, 1)
    else:
        result = _score_here(database, rows, now, progress, shadows, measure)
    without = scorer.why if isinstance(scorer, PointsOnly) else ""
    slots = config.capacity
    scorable = result.open_leads - result.unscored.outside
    routing, late = _holdout_of(config, cutoff, now)
    router = Router.of(slots, scorable, cutoff, routing, without, config.time.horizon_days)
    movers = partial(new_movers, config, database, judge, ledger, run)
    with step("write the ledger"):
        added = ledger.write(run, result.parts, result.open_leads, router, now, movers)
    messages = tuple(str(breach) for breach in result.breaches)
    notes = tuple(_notes(cutoff, database.data_end, scorer))
    notes += (str(shift),) if shift else ()
    notes += late
    notes += differences
    notes += implausible_at(database, config, now, cutoff)
    failed = shadows.write(ledger, run, now)
    return Scored(
        run,
        result.open_leads,
        result.unscored,
        added,
        messages,
        notes + failed,
        database.data_end,
        ledger,
        bool(failed),
    )


def _holdout_of(config: Config, cutoff: datetime, now: datetime) -> tuple[Routing, tuple[str, ...]]:
    """The routing of a list, without a holdout where the list is made long after its cutoff, and
    a note of it: nobody was held back by a list that sales did not have."""
    routing = config.routing
    if not routing.holdout or now - cutoff <= LIST_IN_TIME:
        return routing, ()
    note = (
        f"No holdout is drawn for the cutoff {cutoff:%Y-%m-%d %H:%M}: the list is made "
        f"{plural((now - cutoff).days, 'day')} later, so it has held nobody back."
    )
    return routing.model_copy(update={"holdout": 0.0}), (note,)


def _require_ranks(config: Config, scorer: Scorer) -> None:
    """Raises BadInput where nobody could be called, for the model has not the axis."""
    there = (scorer.model.fit_engagement or NEITHER).axes
    lacking = [axis for axis in config.routing.ranks_from if axis not in there]
    if lacking:
        raise BadInput(
            f"routing.{lacking[0]}_from in {config.path.name}: version {scorer.model.version} of "
            f"the model ranks no lead by {lacking[0]}. It was trained before there were such ranks "
            "(train again), or nothing of it tells leads apart (its card says so: readiness card). "
            f"Or take {lacking[0]}_from out."
        )


def _score_here(
    database: LeadDatabase,
    rows: LeadRows,
    now: datetime,
    progress: Progress,
    shadows: Shadows,
    measure: Frames,
) -> ScoringResult:
    scorable, others = rows.open_leads(database)
    parts = rows.parts(scorable, others, progress, shadows.see, measure)
    breaches = find_breaches(database.of_leads.connection, database.columns, now)
    return ScoringResult(parts, scorable.count + len(others), Unscored.of(others), breaches)


def _differences(
    database: LeadDatabase, scorer: Scorer | PointsOnly, cutoff: datetime, accept: bool
) -> Iterator[str]:
    """What the model would not recognise of the lead database that it is to score."""
    if isinstance(scorer, PointsOnly):
        return
    then = scorer.model.inputs
    if then is None:
        yield (
            f"Version {scorer.model.version} was stored before a training recorded what it saw: "
            "actions and columns are not compared with it. The next training records them."
        )
        return
    now = inputs_at(database, cutoff)
    unknown = now.actions.unknown({*then.actions.shares, *scorer.rules.actions})
    share = sum(unknown.values())
    if share >= NEARLY_ALL and not accept:
        raise UnknownActions(scorer.model.version, unknown, now.actions.count, then)
    gone = then.actions.vanished(now.actions)
    if gone:
        new = f" New, {share:.0%} of them all: {listed(unknown)}." if unknown else ""
        yield (
            f"Frequent at the training, and in none of the {now.actions.count:,} events of "
            f"{WINDOW} days: {listed(gone)}.{new} If an action was renamed, give it its old name "
            "in the query of tables.events, or train again."
        )
    elif share >= NOTED:
        yield (
            f"{share:.0%} of the {now.actions.count:,} events of {WINDOW} days have an action that "
            f"neither model nor rules know: {listed(unknown)}. Were actions renamed?"
        )
    for name, change in changed_columns(then, now).items():
        yield f"leads.{name}: {change}. Correct it in the query of tables.leads, or train again."


def _notes(cutoff: datetime, data_end: datetime, scorer: Scorer | PointsOnly) -> Iterator[str]:
    if isinstance(scorer, PointsOnly):
        yield (
            f"Rules only: {scorer.why}. Leads are listed by points, readiness is left empty; "
            "readiness check tells what is missing."
        )
    model = None if isinstance(scorer, PointsOnly) else scorer.model
    yield from cutoff_notes(cutoff, data_end, model)


def cutoff_notes(
    cutoff: datetime, data_end: datetime, model: ReadinessModel | None
) -> Iterator[str]:
    """What is to be said of a readiness (None: of points alone) at this cutoff."""
    fair = model and model.fair_from
    if model and fair and cutoff < fair:
        yield (
            f"Version {model.version} learnt from outcomes up to {fair:%Y-%m-%d}: at the cutoff "
            f"{cutoff:%Y-%m-%d} it tells what it has seen. Good to look at, no test of it."
        )
    if cutoff > data_end + LONG_AFTER:
        yield (
            f"The data end on {data_end:%Y-%m-%d}, "
            f"{plural((cutoff - data_end).days, 'day')} before the "
            "cutoff: every lead looks as if it had done nothing since."
        )
