"""What scoring says of the leads of a lead database: of all of it, or of one bucket of leads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from features.cohort import cohort_at
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frames
from features.progress import Progress, silent, timed
from features.snapshots import Snapshots
from features.spec.spec import Spec
from features.spec.wording import Words
from features.sql import literal
from serve.scoring.lead_facts import LeadFacts

if TYPE_CHECKING:
    from serve.scoring.points_only import PointsOnly
    from serve.scoring.scorer import Scorer

Frames = Callable[[Snapshots, Sequence[Spec], float, Progress], Iterator[pd.DataFrame]]
# A faulty lead is closed only if every deal of it surely is. Who is left out for another reason, or
# is outside the cohort, is listed while it is open.
_NOT_SCORED = """
SELECT f.lead_id::VARCHAR AS lead_id, 'not scored' AS state, f.reason AS state_reason,
  NULL AS disqualified
FROM left_out f
WHERE f.kind = 'fault' AND NOT coalesce((
  SELECT bool_and(coalesce(closed_at < TIMESTAMP '{cutoff}' AND outcome IN ('won', 'lost'), false))
  FROM deals d WHERE d.lead_id = f.lead_id), false)
AND (
  EXISTS (SELECT 1 FROM known_events e
    WHERE e.lead_id = f.lead_id AND e.known_at < TIMESTAMP '{cutoff}')
  OR EXISTS (SELECT 1 FROM leads l WHERE l.lead_id = f.lead_id
    AND (l.created_at IS NULL OR l.created_at < TIMESTAMP '{cutoff}')))
UNION ALL
SELECT f.lead_id::VARCHAR, 'outside', f.reason, CASE f.kind WHEN 'excluded' THEN f.reason END
FROM left_out f JOIN open_periods p ON p.lead_id = f.lead_id AND f.kind <> 'fault'
WHERE p.opens_at < TIMESTAMP '{cutoff}'
  AND (p.closes_at IS NULL OR p.closes_at >= TIMESTAMP '{cutoff}')
UNION ALL
SELECT lead_id::VARCHAR, 'outside', {outside}, NULL
FROM {opened} o ANTI JOIN {scorable} s USING (lead_id)
ORDER BY state, lead_id
"""


def open_leads(
    database: LeadDatabase, cutoff: datetime, words: Words
) -> tuple[Snapshots, pd.DataFrame]:
    """The open leads that are scored at a cutoff; and the others: lead_id, state (not scored,
    because its rows breach the contract, or outside the cohort), state_reason, disqualified."""
    scorable, membership = cohort_at(database, [cutoff]), database.membership
    conditions = membership.words(words) if membership else ""
    others = _NOT_SCORED.format(
        cutoff=cutoff,
        outside=literal(f"outside the cohort: not {conditions}"),
        opened=Snapshots.open_at(database, [cutoff]).relation,
        scorable=scorable.relation,
    )
    return scorable, database.query(others)


@dataclass(frozen=True)
class LeadRows:
    """How the rows of the ledger are made, of whichever leads: by whom, at which cutoff."""

    scorer: Scorer | PointsOnly
    facts: LeadFacts
    cutoff: datetime
    memory_gb: float

    def open_leads(self, database: LeadDatabase) -> tuple[Snapshots, pd.DataFrame]:
        """The open leads that are scored, and the others."""
        return open_leads(database, self.cutoff, self.scorer.words)

    def parts(
        self,
        scorable: Snapshots,
        others: pd.DataFrame,
        progress: Progress = silent,
        seen: Callable[[pd.DataFrame], object] | None = None,
        measure: Frames = feature_frames,
    ) -> Iterator[pd.DataFrame]:
        """The rows of all `open_leads`: columns of `serve.ledger.schema.ROW`. seen: called with
        every frame of features. measure: where these come from."""
        frames = measure(scorable, self.scorer.specs, self.memory_gb, progress)
        if seen:
            frames = _shown(frames, seen)
        facts = self.facts.of(scorable.database).set_index("lead_id")
        for part in timed("score", self._scored(frames, others, scorable.count, progress)):
            yield part.join(facts.reindex(part["lead_id"]).set_axis(part.index))

    def _scored(
        self, frames: Iterable[pd.DataFrame], others: pd.DataFrame, of: int, progress: Progress
    ) -> Iterator[pd.DataFrame]:
        done = 0
        for scored in self.scorer.score_frames(frames):
            done += len(scored)
            progress("score", done, of)
            yield scored.assign(lead_id=scored["lead_id"].astype(str), state="scored")
        if len(others):
            yield others


def _shown(
    frames: Iterable[pd.DataFrame], seen: Callable[[pd.DataFrame], object]
) -> Iterator[pd.DataFrame]:
    for frame in frames:
        seen(frame)
        yield frame
