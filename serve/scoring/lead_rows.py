"""What scoring says of the leads of a lead database: of all of it, or of one bucket of leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frames
from features.progress import Progress, silent
from features.snapshots import Snapshots
from models.classifier.classifier import BATCH
from serve.scoring.lead_facts import LeadFacts

if TYPE_CHECKING:
    from serve.scoring.points_only import PointsOnly
    from serve.scoring.scorer import Scorer

# A faulty lead is closed only if every deal of it surely is.
_UNSCORABLE = """
SELECT f.lead_id::VARCHAR AS lead_id, f.reason FROM lead_faults f
WHERE NOT coalesce((
  SELECT bool_and(coalesce(closed_at < TIMESTAMP '{cutoff}' AND outcome IN ('won', 'lost'), false))
  FROM deals d WHERE d.lead_id = f.lead_id), false)
AND (
  EXISTS (SELECT 1 FROM known_events e
    WHERE e.lead_id = f.lead_id AND e.known_at < TIMESTAMP '{cutoff}')
  OR EXISTS (SELECT 1 FROM leads l WHERE l.lead_id = f.lead_id
    AND (l.created_at IS NULL OR l.created_at < TIMESTAMP '{cutoff}')))
ORDER BY f.lead_id
"""


@dataclass(frozen=True)
class LeadRows:
    """How the rows of the ledger are made, of whichever leads: by whom, at which cutoff."""

    scorer: Scorer | PointsOnly
    facts: LeadFacts
    cutoff: datetime
    memory_gb: float

    def open_leads(self, database: LeadDatabase) -> tuple[Snapshots, pd.DataFrame]:
        """The open leads that can be scored, and those that cannot, with the reason."""
        unscorable = database.query(_UNSCORABLE.format(cutoff=self.cutoff))
        return Snapshots.at(database, [self.cutoff]), unscorable

    def parts(
        self, scorable: Snapshots, unscorable: pd.DataFrame, progress: Progress = silent
    ) -> Iterator[pd.DataFrame]:
        """The rows of all `open_leads`: columns of `serve.ledger.schema.ROW`."""
        frames = feature_frames(scorable, self.scorer.specs, self.memory_gb, progress)
        facts = self.facts.of(scorable.database)
        for part in self._scored(frames, unscorable, scorable.count, progress):
            yield part.merge(facts, on="lead_id", how="left")

    def _scored(
        self, frames: Iterable[pd.DataFrame], unscorable: pd.DataFrame, of: int, progress: Progress
    ) -> Iterator[pd.DataFrame]:
        done = 0
        for frame in frames:
            for start in range(0, len(frame), BATCH):
                scored = self.scorer.score_frame(frame.iloc[start : start + BATCH])
                done += len(scored)
                progress("score", done, of)
                yield scored.assign(lead_id=scored["lead_id"].astype(str), state="scored")
        if len(unscorable):
            yield unscorable.rename(columns={"reason": "state_reason"}).assign(state="not scored")


def first_of(unscorable: pd.DataFrame) -> str:
    """The first lead that cannot be scored, in words; "" where there is none."""
    return "" if unscorable.empty else "lead {}: {}".format(*unscorable.iloc[0])
