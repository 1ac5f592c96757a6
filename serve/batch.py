"""`readiness score`: every open lead at a cutoff, in batches, into the ledger, exactly once."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from features.config import Config
from features.contract.breaches import find_breaches
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.engine.duckdb_engine import feature_frames
from features.engine.nightly import Nightly
from features.progress import Progress, silent
from features.snapshots import cohort_sql
from models.comparison import capacity_of
from models.readiness import BATCH, ReadinessModel
from models.routing import Router
from models.rules.history import keep, rules_folder
from serve.lead_facts import facts_of
from serve.ledger.ledger import Ledger, Run
from serve.points_only import NO_MODEL, PointsOnly
from serve.prior_shift import shifted
from serve.scorer import Scorer

# A faulty lead is closed only if every deal of it surely is.
_UNSCORABLE = """
SELECT f.lead_id::VARCHAR AS lead_id, f.reason FROM lead_faults f
WHERE NOT coalesce((
  SELECT bool_and(coalesce(closed_at < TIMESTAMP '{cutoff}' AND outcome IN ('won', 'lost'), false))
  FROM deals d WHERE d.lead_id = f.lead_id), false)
AND (
  EXISTS (SELECT 1 FROM deeds e WHERE e.lead_id = f.lead_id AND e.known_at < TIMESTAMP '{cutoff}')
  OR EXISTS (SELECT 1 FROM leads l WHERE l.lead_id = f.lead_id
    AND (l.created_at IS NULL OR l.created_at < TIMESTAMP '{cutoff}')))
ORDER BY f.lead_id
"""


@dataclass(frozen=True)
class Scored:
    """What a scoring run did: how many leads are in the ledger for it, and how many it added.

    `breaches` are those of the contract: rows that do not read were not seen by any score.
    """

    run: Run
    open_leads: int
    unscored: int
    first_unscored: str
    added: int
    breaches: tuple[str, ...]
    notes: tuple[str, ...]
    ledger: Ledger

    @property
    def rows(self) -> pd.DataFrame:
        """All of the run's rows, in memory; `ledger` yields some of them, or exports them."""
        return self.ledger.rows(self.run)

    @property
    def by_points(self) -> bool:
        """Whether there was no model, and the points alone ranked."""
        return self.run.model_version == NO_MODEL

    def to_json(self) -> dict[str, Any]:
        """What `score --json` prints; all but open_leads is counted in the ledger."""
        states = self.ledger.counts(self.run, "state")
        return {
            "cutoff": self.run.cutoff.isoformat(),
            "model_version": self.run.model_version,
            "rules_version": self.run.rules_version,
            "open_leads": self.open_leads,
            "scored": states.get("scored", 0),
            "not_scored": states.get("not scored", 0),
            "added": self.added,
            "routes": self.ledger.counts(self.run, "route"),
            "decided_routes": self.ledger.counts(self.run, "decided_route"),
            "decided_otherwise": sum(self.ledger.counts(self.run, "decided_because").values()),
            "marked": self.ledger.counts(self.run, "marked"),
            "postponing": self.ledger.counts(self.run, "postponing").get("True", 0),
            "bands": self.ledger.counts(self.run, "band"),
            "breaches": list(self.breaches),
            "notes": list(self.notes),
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
) -> Scored:
    """Score every open lead. A lead whose rows breach the contract is in the ledger too, as not
    scored and with the reason. By the points alone, the reason why stands in each route_reason."""
    now = utc_now()
    cutoff = cutoff or default_cutoff(database.data_end, now)
    run = Run(cutoff, scorer.model_version, scorer.rules.version)
    shift = None
    if isinstance(scorer, PointsOnly):
        scorer = scorer.told_why(config, database)
    else:
        model, shift = shifted(config, database, scorer.model, cutoff)
        scorer = replace(scorer, model=model)
    database.connection.execute(f"CREATE OR REPLACE TABLE snapshots AS {cohort_sql([cutoff])}")
    scorable = database.value("SELECT count(*) FROM snapshots")
    unscorable = database.query(_UNSCORABLE.format(cutoff=cutoff))
    open_leads = scorable + len(unscorable)
    without = scorer.why if isinstance(scorer, PointsOnly) else ""
    router = Router.of(capacity_of(config), open_leads, cutoff, config.routing, without)
    facts = facts_of(config, database, cutoff)
    nightly = Nightly(database, scorer.specs, cutoff, _kept(config, run))
    parts = _parts(config, nightly, scorer, unscorable, progress)
    keep(scorer.rules, rules_folder(config))
    with_facts = (part.merge(facts, on="lead_id", how="left") for part in parts)
    added = ledger.write(run, with_facts, open_leads, router, now)
    breaches = find_breaches(database.connection, database.columns, now)
    told = tuple(str(breach) for breach in breaches)
    notes = tuple(_notes(cutoff, database.data_end, scorer))
    notes += (str(shift),) if shift else ()
    notes += (_spared(nightly, scorable),) if config.engine.incremental else ()
    first = "" if unscorable.empty else "lead {}: {}".format(*unscorable.iloc[0])
    return Scored(run, open_leads, len(unscorable), first, added, told, notes, ledger)


def _kept(config: Config, run: Run) -> Path:
    """Where the night's features are kept for the next: may be deleted at any time."""
    return config.out_folder / "nightly" / f"features-{run.model_version}.parquet"


def _spared(nightly: Nightly, leads: int) -> str:
    return (
        f"The features of {nightly.carried:,} of {leads:,} leads were carried on from the night "
        "before; the others' were measured anew (engine.incremental)."
    )


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
            f"The data end on {data_end:%Y-%m-%d}, {(cutoff - data_end).days} days before the "
            "cutoff: every lead looks as if it had done nothing since."
        )


def _parts(
    config: Config,
    nightly: Nightly,
    scorer: Scorer | PointsOnly,
    unscorable: pd.DataFrame,
    progress: Progress,
) -> Iterator[pd.DataFrame]:
    memory_gb, database = config.engine.memory_gb, nightly.database
    done, of = 0, database.value("SELECT count(*) FROM snapshots")
    if config.engine.incremental:
        frames = nightly.frames("snapshots", memory_gb, progress)
    else:
        frames = feature_frames(database, scorer.specs, "snapshots", memory_gb, progress)
    for frame in frames:
        for start in range(0, len(frame), BATCH):
            scored = scorer.score_frame(frame.iloc[start : start + BATCH])
            done += len(scored)
            progress("score", done, of)
            yield scored.assign(lead_id=scored["lead_id"].astype(str), state="scored")
    if len(unscorable):
        yield unscorable.rename(columns={"reason": "state_reason"}).assign(state="not scored")
