"""`readiness segments`: who is in each segment, what it is worth, how they overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.cohort import cohort_at
from features.conditions.segments import Segments, require_segments
from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.dataset import labelled
from features.engine.duckdb_engine import feature_frames
from features.errors import Refused
from features.open_database import open_database
from features.progress import Progress
from features.spec.spec import distinct
from features.spec.wording import percent, plural
from models.classifier.model import ReadinessModel
from models.registry import Registry
from models.rules.rules import RuleScore, load_rules
from models.statistics.clustered import Bools, WinRate, win_rates
from models.statistics.verdict import Verdict
from serve.scoring.batch import cutoff_notes
from serve.scoring.scored import default_cutoff


@dataclass(frozen=True)
class SegmentGroup:
    """A segment, or one of the two groups it is held against: its open leads at the cutoff, its
    conversion, their mean readiness (None without a model) and points (None without leads)."""

    name: str
    meaning: str
    open_leads: int
    conversion: WinRate
    readiness: float | None
    points: float | None


@dataclass(frozen=True)
class SegmentsReport:
    """The names are those of `segments --json`. overlap: the share of the row's open leads that is
    also in the column. cutoffs: the mature ones that conversion is measured on."""

    cutoff: datetime
    horizon_days: int
    cutoffs: Sequence[datetime]
    model_version: str | None
    rules_version: str
    all_open_leads: SegmentGroup
    in_no_segment: SegmentGroup
    segments: Sequence[SegmentGroup]
    overlap: pd.DataFrame
    notes: Sequence[str]

    @property
    def verdict(self) -> Verdict:
        """The segment that converts best, if it is surely better than all leads."""
        everyone, days = self.all_open_leads.conversion.rate.point, self.horizon_days
        if math.isnan(everyone):
            return Verdict("Nothing can be said of conversion yet", "no cutoff's horizon is over.")
        better = [group for group in self.segments if group.conversion.against_all == "more"]
        if not better:
            return Verdict(
                "No segment is surely better than the rest",
                f"of all open leads {percent(everyone)} are won within {plural(days, 'day')}, and "
                "none is surely above that.",
            )
        best = max(better, key=lambda group: group.conversion.rate.point)  # of equals the first
        rate, lift = best.conversion.rate, best.conversion.lift
        return Verdict(
            f"{best.name} converts best",
            f"{percent(rate.point)} of its leads are won within {plural(days, 'day')} (95% "
            f"interval {100 * rate.low:.1f} to {100 * rate.high:.1f}), {lift.point:.1f} times as "
            f"many as of all open leads ({percent(everyone)}); {best.open_leads:,} of its leads "
            "are open now.",
        )

    def json_fields(self) -> dict[str, Any]:
        """What `segments --json` prints."""
        return vars(self) | {
            "cutoffs": [cutoff.date() for cutoff in self.cutoffs],
            "overlap": self.overlap.to_dict("index"),
            "finding": self.verdict,
        }


def segments_report(
    config: Config, which: str, cutoff: datetime | None, progress: Progress
) -> SegmentsReport:
    """Measure every segment: now (`cutoff`, default as for scoring), and on the mature cutoffs
    whose horizon ended before it.

    `which` names the model; "" takes the champion, else the challenger, else none. Raises Refused
    where there is no segment, or no open lead.
    """
    segments = require_segments(config)
    rules, model = load_rules(config.folder / config.rules), Registry(config).pick(which)
    staged = model.staged(config) if model else config
    horizon = model.horizon_days if model else config.time.horizon_days
    of_model = model.specs if model else ()
    with open_database(staged, (*of_model, *segments.specs, *rules.specs)) as database:
        cutoff = cutoff or default_cutoff(database.data_end, utc_now())
        past = config.time.mature_cutoffs(min(cutoff, database.data_end), horizon)
        measured = _measured(config, database, segments, past, horizon, progress)
        groups, now = _open_now(config, database, segments, rules, model, cutoff, progress)
        notes = _notes(segments, database, past, horizon) + same_leads(groups, measured, segments)
        notes += cutoff_notes(cutoff, database.data_end, model) if model else ()
    everyone, nowhere, *others = (
        SegmentGroup(name, words, int(held.sum()), conversion, *_means(now[held]))
        for (name, words), held, conversion in zip(
            _named(segments, config), groups.T, measured, strict=True
        )
    )
    return SegmentsReport(
        cutoff=cutoff,
        cutoffs=past,
        horizon_days=horizon,
        all_open_leads=everyone,
        in_no_segment=nowhere,
        segments=others,
        overlap=overlap(pd.DataFrame(groups[:, 2:], columns=segments.names)),
        model_version=model.version if model else None,
        rules_version=rules.version,
        notes=notes,
    )


def _with_bases(members: pd.DataFrame) -> Bools:
    """Two columns before those of the segments: everyone, and who is in none of them."""
    held = members.to_numpy(np.bool_)
    return np.column_stack([np.ones(len(held), np.bool_), ~held.any(axis=1), held])


def _named(segments: Segments, config: Config) -> list[tuple[str, str]]:
    bases = [("all open leads", ""), ("in no segment", "")]
    return bases + [(each.name, each.words(config.words)) for each in segments.segments]


def _measured(
    config: Config,
    database: LeadDatabase,
    segments: Segments,
    cutoffs: Sequence[datetime],
    horizon_days: int,
    progress: Progress,
) -> list[WinRate]:
    memory_gb, compared = config.engine.memory_gb, len(segments.segments)
    if not cutoffs:
        return win_rates(np.empty((0, compared + 2), np.bool_), [], [], compared)
    past = labelled(database, segments.specs, cutoffs, horizon_days, memory_gb, progress)
    groups = _with_bases(segments.members(past.frame))
    return win_rates(groups, past.frame["lead_id"], past.won, compared)


def _open_now(
    config: Config,
    database: LeadDatabase,
    segments: Segments,
    rules: RuleScore,
    model: ReadinessModel | None,
    cutoff: datetime,
    progress: Progress,
) -> tuple[Bools, pd.DataFrame]:
    """The groups of each open lead, shape (leads, groups), and its readiness and points."""
    snapshots = cohort_at(database, [cutoff])
    specs = distinct((*(model.specs if model else ()), *rules.specs, *segments.specs))
    memory_gb = config.engine.memory_gb
    groups, figures = [], []
    for frame in feature_frames(snapshots, specs, memory_gb, progress):
        groups.append(_with_bases(segments.members(frame)))
        readiness = model.rank(frame) if model else np.full(len(frame), np.nan)
        figures.append(pd.DataFrame({"readiness": readiness, "points": rules.rank(frame)}))
    now = pd.concat(figures, ignore_index=True)
    if now.empty:
        raise Refused(f"No lead is open at {cutoff:%Y-%m-%d %H:%M} UTC: there is none to sort.")
    return np.concatenate(groups), now


def same_leads(now: Bools, past: Sequence[WinRate], segments: Segments) -> list[str]:
    """A note on each set of segments that hold the same leads, now and as far as was measured.

    now: shape (leads, 2 + segments), as of `_with_bases`; past: of the same groups.
    """
    alike: dict[tuple[bytes, str], list[str]] = {}
    for name, held, rate in zip(segments.names, now.T[2:], past[2:], strict=True):
        alike.setdefault((held.tobytes(), repr(rate)), []).append(name)
    return [
        f"The same leads are in {' and '.join(names)}: what is found of one is found of the other."
        for names in alike.values()
        if len(names) > 1
    ]


def overlap(members: pd.DataFrame) -> pd.DataFrame:
    """Of the leads of each segment (row), the share that is also in each other (column); NaN in the
    row of a segment without leads.

    >>> overlap(pd.DataFrame({"a": [True, True, False], "b": [True, False, False]}))
         a    b
    a  1.0  0.5
    b  1.0  1.0
    """
    held = members.to_numpy(np.float64)
    sizes = held.sum(axis=0)[:, None]
    shares = np.divide(
        held.T @ held, sizes, out=np.full((len(sizes),) * 2, np.nan), where=sizes > 0
    )
    return pd.DataFrame(shares, index=members.columns, columns=members.columns)


def _means(figures: pd.DataFrame) -> tuple[float | None, float | None]:
    readiness, points = (float(figures[name].mean()) for name in ("readiness", "points"))
    return (None if math.isnan(readiness) else readiness, None if math.isnan(points) else points)


def _notes(
    segments: Segments, database: LeadDatabase, cutoffs: Sequence[datetime], horizon_days: int
) -> list[str]:
    notes = (
        []
        if cutoffs
        else [f"No cutoff's horizon of {plural(horizon_days, 'day')} is over: no conversion."]
    )
    for each in segments.segments:
        actions = {one.action for one in (*each.all, *each.any, *each.none)} - {None}
        absent = sorted(str(action) for action in actions - set(database.actions))
        if absent:
            notes.append(
                f"{each.name} asks for actions that are not in the data, or left out: "
                f"{', '.join(absent)}."
            )
    return notes
