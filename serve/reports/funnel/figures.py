"""`readiness funnel`: how far leads come, how fast, and which phase is the bottleneck."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from features.check.maturity import days_without_deals
from features.conditions.segments import Segments, require_segments
from features.config import Config
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frames
from features.errors import BadInput, Refused
from features.funnel import Funnel, Stage, load_funnel
from features.open_database import open_database
from features.progress import Progress, silent
from features.snapshots import Snapshots
from features.spec.wording import percent, plural
from features.sql import literal
from features.stages import Entries, entries
from models.statistics.verdict import Verdict
from serve.ledger.ledger import open_ledger_of
from serve.reports.funnel.bottleneck import Shortfall, shortfalls, verdict
from serve.reports.funnel.groups import GroupedBy, grouped
from serve.reports.funnel.plan import DIRECTLY, Plan, Target, is_to_the_win, plan, to_the_win
from serve.reports.funnel.transitions import Measured, Way, measure, ways

By = GroupedBy | Literal["segment"]
NO_SEGMENT = "(in no segment)"
BANDS_FROM = {"warm": ["warm", "hot"], "hot": ["hot"]}


@dataclass(frozen=True)
class FunnelReport:
    """The funnel as measured.

    reached: per stage, the leads that entered it or skipped it. steps: from each stage to the next.
    whole: from the first to the last. groups: per group, every step and then the whole. plan: for
    the target, where there is one.
    """

    until: datetime
    first: datetime
    funnel: Funnel
    reached: Mapping[str, int]
    steps: Sequence[Measured]
    whole: Measured
    by: By | None
    groups: Mapping[str, Sequence[Measured]]
    shortfalls: Sequence[Shortfall]
    verdict: Verdict
    notes: tuple[str, ...]
    ways: Sequence[Way]
    plan: Plan | None

    @property
    def measured(self) -> Sequence[Measured]:
        """Every step, and the whole where that is more than one step."""
        return [*self.steps, self.whole] if len(self.steps) > 1 else self.steps

    @property
    def greatest_loss(self) -> Verdict:
        """In which phase most leads were lost, by their number: of the mature leads of each phase,
        within its days."""
        most = max(self.steps, key=lambda step: step.lost)
        if not most.lost:
            return Verdict("No lead has been lost", "of those that had the time of a phase.")
        still = f"; {percent(most.still / most.mature)} were still there" if most.still else ""
        lossy = [step for step in self.steps if step.lost]
        part, only = ("Most leads", "") if len(lossy) > 1 else ("Leads", " only")
        return Verdict(
            f"{part} are lost from {most.begin} to {most.to}{only}: {most.lost:,}",
            f"of the {plural(most.mature, 'lead')} that entered {most.begin} "
            f"{plural(most.within, 'day')} or more before the end, "
            f"{percent(most.lost / most.mature)} were lost within them, "
            f"{percent(most.rate.point)} went on{still}.",
        )

    def json_fields(self) -> dict[str, Any]:
        """What `funnel --json` prints."""
        return {
            "greatest_loss": self.greatest_loss,
            "until": self.until,
            "stages": self.reached,
            "phases": self.steps,
            "whole": self.whole,
            "by": self.by,
            "groups": self.groups,
            "judged": self.shortfalls,
            "finding": self.verdict,
            "notes": self.notes,
            "plan": self.plan,
        }


def funnel_report(
    config: Config,
    until: datetime | None = None,
    by: By | None = None,
    progress: Progress = silent,
    target: Target | None = None,
) -> FunnelReport:
    """Read and measure the funnel as known before `until` (default: the data end), with a plan for
    the target, or for that of funnel.toml (of which a note says why where none can be made).

    With a target and without a funnel.toml the funnel is lead to customer. Raises BadInput without
    either, for an `until` after the data end, and as `plan` for the target; Refused where no lead
    is in the funnel, there is no segment to look by, and as `plan`.
    """
    is_direct = target is not None and config.optional_file("funnel") is None
    funnel = DIRECTLY if is_direct else load_funnel(config)
    segments = require_segments(config) if by == "segment" else Segments()
    with open_database(config, segments.specs) as database:
        until = until or database.data_end
        if until > (end := database.data_end):
            raise BadInput(
                f"The data end on {end:%Y-%m-%d %H:%M} UTC: a funnel until {until:%Y-%m-%d %H:%M} "
                "would take leads for waiting of whom nothing is known. Name an earlier time."
            )
        stage_entries = entries(database, funnel, until, _first_scored(config, funnel))
        every = ways(stage_entries)
        if by == "segment":
            groups = _by_segment(config, database, segments, stage_entries, every, progress)
        else:
            groups = grouped(stage_entries, every, by) if by else {}
        notes = [*stage_entries.notes, *_silence(database, until)]
        planned = None
        try:
            if aim := target or Target.of(funnel):
                notes += _plan_notes(config, funnel, is_direct)
                planned = _plan(config, database, funnel, stage_entries, aim)
                notes += planned.notes
        except (BadInput, Refused) as error:
            if target:
                raise
            notes.append(f"No plan for [plan] of funnel.toml: {error}")
    measured = []
    for way in every:
        measured.append(measure(way))
        progress("funnel", len(measured), len(every))
    steps = len(stage_entries.funnel.stage) - 1
    counts = (~np.isnat(stage_entries.entered)).sum(axis=0).tolist()
    judged = shortfalls(every[:steps], funnel.recent_days)
    return FunnelReport(
        until=until,
        first=stage_entries.entered[:, 0].min().astype("datetime64[us]").item(),
        funnel=stage_entries.funnel,
        reached=dict(
            zip((stage.name for stage in stage_entries.funnel.stage), counts, strict=True)
        ),
        steps=measured[:steps],
        whole=measured[-1],
        by=by,
        groups=groups,
        shortfalls=judged,
        verdict=verdict(judged, steps),
        notes=tuple(notes),
        ways=every,
        plan=planned,
    )


def _plan(
    config: Config, database: LeadDatabase, funnel: Funnel, seen: Entries, target: Target
) -> Plan:
    """By the entries of the funnel, or of one with the win as a further stage."""
    if not is_to_the_win(funnel):
        scored = _first_scored(config, funnel)
        seen = entries(database, to_the_win(funnel), seen.until, scored)
    return plan(seen, target, config.seed)


def _plan_notes(config: Config, funnel: Funnel, is_direct: bool) -> Iterator[str]:
    if is_direct:
        yield (
            "There is no funnel.toml: the plan goes from lead to customer directly. With its "
            "stages it also sees how far each lead has come (docs/funnel.md)."
        )
    elif not is_to_the_win(funnel):
        yield f"The plan has a further stage after {funnel.stage[-1].name}: won."
    if config.outcomes.after_won == "open_again":
        yield "Planned is the first win of each lead: a customer who buys again counts once."


def _by_segment(
    config: Config,
    database: LeadDatabase,
    segments: Segments,
    stage_entries: Entries,
    every: list[Way],
    progress: Progress,
) -> dict[str, list[Measured]]:
    """Every way, measured for each segment, and for the leads that were in none. A lead may be in
    several; who skipped a stage is in none of its phase's.

    A lead counts in the segments that it was in just before it entered the phase, by what was known
    strictly before then. Asked at the end instead, a segment would tell what became of the lead:
    "quiet for 14 days" holds those that were lost.
    """
    groups: dict[str, list[Measured]] = {name: [] for name in [*segments.names, NO_SEGMENT]}
    for done, way in enumerate(every, start=1):
        leads = stage_entries.leads["lead_id"].iloc[way.lead]
        members = _members(config, database, segments, leads, way)
        members[NO_SEGMENT] = ~members.any(axis=1)
        for name, measured in groups.items():
            measured.append(measure(way.of(members[name].to_numpy(bool))))
        progress("segments", done, len(every))
    return groups


def _members(
    config: Config, database: LeadDatabase, segments: Segments, leads: pd.Series[Any], way: Way
) -> pd.DataFrame:
    """A column of bools per segment, in the rows' order of the way."""
    entered = pd.DataFrame({"lead_id": leads.to_numpy(), "cutoff": way.start})
    with Snapshots.of(database, entered) as snapshots:
        frames = feature_frames(snapshots, segments.specs, config.engine.memory_gb)
        held = [segments.members(frame).set_index(frame["lead_id"]) for frame in frames]
    return pd.concat(held).loc[leads].reset_index(drop=True)


def _first_scored(config: Config, funnel: Funnel) -> pa.Table | None:
    """When each lead was first scored as each stage asks, as `entries` takes it: at the cutoff of
    the ledger's row. None where no stage asks for it, or there is no ledger."""
    stages = [stage for stage in funnel.stage if stage.by_score]
    if not stages:
        return None
    first = [
        f"SELECT lead_id, {literal(stage.name)} AS stage, min(cutoff) AS entered_at FROM scores "
        f"WHERE state = 'scored' AND ({' OR '.join(_conditions(stage))}) GROUP BY lead_id"
        for stage in stages
    ]
    with open_ledger_of(config) as ledger:
        if not ledger.runs:
            return None
        return pa.Table.from_pandas(ledger.query(" UNION ALL ".join(first)), preserve_index=False)


def _conditions(stage: Stage) -> Iterator[str]:
    """What a stage asks of a score, as conditions of SQL; one is enough."""
    if stage.readiness_from is not None:
        yield f"readiness >= {stage.readiness_from!r}"
    if stage.points_from is not None:
        yield f"rule_score >= {float(stage.points_from)!r}"
    if stage.band is not None:
        yield f"band IN ({', '.join(map(literal, BANDS_FROM[stage.band]))})"
    if stage.route is not None:
        yield f"route = {literal(stage.route)}"


def _silence(database: LeadDatabase, until: datetime) -> list[str]:
    days, _ = days_without_deals(database)
    last = database.data_end - timedelta(days=days)
    if not days or until <= last + timedelta(days=1):
        return []
    return [
        f"No deal has closed in the last {plural(days, 'day')} of the data: outcomes may be "
        f"missing there. Then read it with --until {last:%Y-%m-%d}."
    ]
