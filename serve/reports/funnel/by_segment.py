"""The funnel by segment.

A lead counts in the segments that it was in just before it entered the phase, by what was known
strictly before then. Asked at the end instead, a segment would tell what became of the lead:
"quiet for 14 days" holds those that were lost.
"""

import pandas as pd

from features.conditions.segments import Segments
from features.config import Config
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frames
from features.progress import Progress
from features.stages import Entries
from serve.reports.funnel.transitions import Measured, Way, measure

NOWHERE = "(in no segment)"


def by_segment(
    config: Config,
    database: LeadDatabase,
    segments: Segments,
    entries: Entries,
    ways: list[Way],
    progress: Progress,
) -> dict[str, list[Measured]]:
    """Every way, measured for each segment, and for the leads that were in none. A lead may be in
    several; who skipped a stage is in none of its phase's."""
    groups: dict[str, list[Measured]] = {name: [] for name in [*segments.names, NOWHERE]}
    for done, way in enumerate(ways, start=1):
        members = _members(config, database, segments, entries, way)
        members[NOWHERE] = ~members.any(axis=1)
        for name, measured in groups.items():
            measured.append(measure(way.of(members[name].to_numpy(bool))))
        progress("segments", done, len(ways))
    return groups


def _members(
    config: Config, database: LeadDatabase, segments: Segments, entries: Entries, way: Way
) -> pd.DataFrame:
    """A column of bools per segment, in the rows' order of the way."""
    leads = entries.leads["lead_id"].iloc[way.lead]
    asked = pd.DataFrame({"lead_id": leads.to_numpy(), "cutoff": way.start})
    database.connection.register("funnel_asked", asked)
    database.connection.execute(
        "CREATE OR REPLACE TABLE snapshots AS SELECT lead_id, cutoff FROM funnel_asked"
    )
    database.connection.unregister("funnel_asked")
    frames = feature_frames(database, segments.specs, "snapshots", config.engine.memory_gb)
    held = [segments.members(frame).set_index(frame["lead_id"]) for frame in frames]
    return pd.concat(held).loc[leads].reset_index(drop=True)
