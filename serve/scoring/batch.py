"""`readiness score`: every open lead at a cutoff, in batches, into the ledger, exactly once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from features.check.inputs import WINDOW, Inputs, changed_columns, inputs_at, listed
from features.check.plausibility import implausible
from features.config import Config
from features.contract.breaches import find_breaches
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.errors import Refused
from features.progress import Progress, silent, step
from features.spark.whole import SparkSample
from features.spec.wording import plural
from models.classifier.model import ReadinessModel
from models.routing import Router
from models.rules.rules import rules_folder, store
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run
from serve.scoring.lead_facts import LeadFacts
from serve.scoring.lead_rows import LeadRows, Unscored
from serve.scoring.on_spark import ScoringResult, score_on_spark
from serve.scoring.points_only import NO_MODEL, PointsOnly
from serve.scoring.prior_shift import shifted
from serve.scoring.scorer import Scorer

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


def refuse_future(cutoff: datetime | None, writes: str, cure: str) -> None:
    """Raises Refused for a cutoff later than now: what is written at it, by a slip such as
    2062-11-29 for 2026-11-29, would be newer than all that is written until then."""
    now = utc_now()
    if cutoff is not None and cutoff > now:
        raise Refused(
            f"The cutoff {cutoff} is in the future (it is {now:%Y-%m-%d %H:%M} UTC): nothing is "
            f"{writes}. {cure}"
        )


@dataclass(frozen=True)
class Scored:
    """What a scoring run did: how many leads are in the ledger for it, and how many it added.

    `breaches` are those of the contract: rows that do not read were not seen by any score.
    `data_end` is that of the lead database.
    """

    run: Run
    open_leads: int
    unscored: Unscored
    added: int
    breaches: tuple[str, ...]
    notes: tuple[str, ...]
    data_end: datetime
    ledger: Ledger

    @property
    def rows(self) -> pd.DataFrame:
        """All of the run's rows, in memory; `ledger` yields some of them, or exports them."""
        return self.ledger.rows(self.run)

    @property
    def by_points(self) -> bool:
        """Whether there was no model, and the points alone ranked."""
        return self.run.model_version == NO_MODEL

    def json_fields(self) -> dict[str, Any]:
        """What `score --json` prints; all but open_leads is counted in the ledger."""
        states = self.ledger.counts(self.run, "state")
        return {
            "cutoff": self.run.cutoff,
            "model_version": self.run.model_version,
            "rules_version": self.run.rules_version,
            "open_leads": self.open_leads,
            "scored": states.get("scored", 0),
            "not_scored": states.get("not scored", 0),
            "outside": states.get("outside", 0),
            "added": self.added,
            "routes": self.ledger.counts(self.run, "route"),
            "decided_routes": self.ledger.counts(self.run, "decided_route"),
            "decided_otherwise": sum(self.ledger.counts(self.run, "decided_because").values()),
            "marked": self.ledger.counts(self.run, "marked"),
            "postponing": self.ledger.counts(self.run, "postponing").get("True", 0),
            "bands": self.ledger.counts(self.run, "band"),
            "breaches": self.breaches,
            "notes": self.notes,
        }

    def of_segment(self, segment: str) -> dict[str, Any]:
        """What `score --segment NAME --json` prints besides: the segment's part of it."""
        routes = self.ledger.counts(self.run, "route", segment)
        return {"name": segment, "open_leads": sum(routes.values()), "routes": routes}


def default_cutoff(data_end: datetime, now: datetime) -> datetime:
    """The first midnight after the data end; before that midnight has come, just after the data
    end itself. So the nightly run over data up to 2026-11-20 23:58 has the cutoff 2026-11-21
    00:00, however often it is repeated.

    >>> default_cutoff(datetime(2026, 11, 20, 23, 58), datetime(2026, 11, 21, 4, 0))
    datetime.datetime(2026, 11, 21, 0, 0)
    """
    midnight = datetime(data_end.year, data_end.month, data_end.day) + timedelta(days=1)
    return midnight if midnight <= now else data_end + timedelta(microseconds=1)


def score_all(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    ledger: Ledger,
    cutoff: datetime | None = None,
    progress: Progress = silent,
    accept: bool = False,
) -> Scored:
    """Score every open lead. A lead whose rows breach the contract is in the ledger too, as not
    scored and with the reason. By the points alone, the reason why stands in each route_reason.

    Raises UnknownActions, before anything is written, where neither model nor rules know nearly any
    of the recent events' actions, unless `accept`.
    """
    now = utc_now()
    cutoff = cutoff or default_cutoff(database.data_end, now)
    run = Run(cutoff, scorer.model_version, scorer.rules.version)
    differences = tuple(_differences(database, scorer, cutoff, accept))
    shift = None
    if isinstance(scorer, PointsOnly):
        scorer = scorer.with_reason(config, database)
    else:
        model, shift = shifted(config, database, scorer.model, cutoff)
        scorer = replace(scorer, model=model)
    facts = LeadFacts.of_settings(config, database, cutoff)
    rows = LeadRows(scorer, facts, cutoff, config.engine.memory_gb)
    store(scorer.rules, rules_folder(config))
    if isinstance(database, SparkSample):
        progress("score", 0, 1)
        result = score_on_spark(config, database.whole, rows, run, now)
        progress("score", 1, 1)
    else:
        result = _score_here(database, rows, now, progress)
    without = scorer.why if isinstance(scorer, PointsOnly) else ""
    slots = config.capacity
    scorable = result.open_leads - result.unscored.outside
    router = Router.of(slots, scorable, cutoff, config.routing, without)
    with step("write the ledger"):
        added = ledger.write(run, result.parts, result.open_leads, router, now)
    messages = tuple(str(breach) for breach in result.breaches)
    notes = tuple(_notes(cutoff, database.data_end, scorer))
    notes += (str(shift),) if shift else ()
    notes += differences
    notes += tuple(str(each) for each in implausible(database, config, now) if not each.accepted)
    end = database.data_end
    return Scored(run, result.open_leads, result.unscored, added, messages, notes, end, ledger)


def _score_here(
    database: LeadDatabase, rows: LeadRows, now: datetime, progress: Progress
) -> ScoringResult:
    scorable, others = rows.open_leads(database)
    parts = rows.parts(scorable, others, progress)
    breaches = find_breaches(database.connection, database.columns, now)
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
    if share >= NOTED:
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
    fair = model and model.trained_until + timedelta(days=model.horizon_days)
    if model and fair and cutoff < fair:
        yield (
            f"Version {model.version} learnt from outcomes up to {fair:%Y-%m-%d}: at the cutoff "
            f"{cutoff:%Y-%m-%d} it tells what it has seen. Good to look at, no test of it."
        )
    if cutoff > data_end + timedelta(days=2):
        yield (
            f"The data end on {data_end:%Y-%m-%d}, "
            f"{plural((cutoff - data_end).days, 'day')} before the "
            "cutoff: every lead looks as if it had done nothing since."
        )
