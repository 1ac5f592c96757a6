"""When each lead entered each stage of the funnel, as known before a time.

Worked example, until 2026-03-01 00:00, stages lead > MQL > SQL > customer. A lead created on 01-05
visits the price list (MQL) on 01-20, is never accepted by sales (SQL), and is won on 02-10. It has
entered lead on 01-05, MQL on 01-20 and customer on 02-10, and skipped SQL: a lead that enters a
later stage has passed the earlier ones by then. Won at exactly 2026-03-01 00:00, it would still be
an MQL, as that is not known before the time. Lost on 01-15, it would have been a lead only: nothing
after a lost deal counts. No stage is entered before the lead's creation: what it did earlier counts
from its creation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.contract.database import LeadDatabase
from features.contract.open_periods import lost_sql
from features.errors import Refused
from features.funnel import Funnel, Stage
from features.sql import literal

Times = npt.NDArray[np.datetime64]
NO_SOURCE = "(none)"
SCORED = pa.schema({"lead_id": pa.string(), "stage": pa.string(), "entered_at": pa.timestamp("us")})


@dataclass(frozen=True)
class Entries:
    """Leads that entered at least one stage, ordered by lead_id.

    leads: lead_id, source, lost_at (NaT unless the deal was lost), n rows. entered: when, shape (n,
    stages), datetime64[us]; NaT where not (yet); never falling along a row, and all before `until`.
    skipped: of the same shape, True where a lead passed a stage by entering a later one, without
    having entered it before. funnel: of the stages that are judged, in order. notes: texts about
    stages, ways and leads that are left out.
    """

    funnel: Funnel
    leads: pd.DataFrame
    entered: Times
    skipped: npt.NDArray[np.bool_]
    until: datetime
    notes: tuple[str, ...]


def entries(
    database: LeadDatabase, funnel: Funnel, until: datetime, scored: pa.Table | None = None
) -> Entries:
    """Read every lead's entries from the tables, and from `scored` for the stages `by_score`.

    scored: lead_id (text), stage (its name), entered_at (when a score first led into it), at most
    one row per lead and stage; None where no lead has been scored yet.

    A stage that no lead entered by itself, although leads entered later ones, is left out and named
    in the notes: its figures would all be those of the next. Raises Refused where fewer than two
    stages are left or no lead entered any.
    """
    notes = list(_notes(database, funnel, scored is not None))
    scored = SCORED.empty_table() if scored is None else scored
    database.connection.register("funnel_scored", scored)
    try:
        database.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE funnel_own AS {_own_sql(database, funnel, until)}"
        )
    finally:
        database.connection.unregister("funnel_scored")
    judged = _judged(database, len(funnel.stage))
    for place, stage in enumerate(funnel.stage):
        if place not in judged:
            notes.append(f"The stage {stage.name} is left out: no lead entered it by itself.")
    stages = [funnel.stage[place] for place in judged]
    frame = database.query(_passed_sql(judged))
    if len(stages) < 2 or frame.empty:
        raise Refused(
            f"No funnel before {until:%Y-%m-%d %H:%M}: {len(frame):,} leads entered "
            f"{len(stages)} stages. Check the ways into the stages in funnel.toml.\n"
            + "\n".join(notes)
        )
    entered = frame[[f"entered_{place}" for place in judged]].to_numpy("datetime64[us]")
    skipped = frame[[f"skipped_{place}" for place in judged]].to_numpy(bool)
    shorter = Funnel.model_construct(**(dict(funnel) | {"stage": stages}))
    leads = frame[["lead_id", "source", "lost_at"]]
    return Entries(shorter, leads, entered, skipped, until, tuple(notes))


def _judged(database: LeadDatabase, stages: int) -> list[int]:
    """The places of the stages that are judged: those that some lead entered by itself, and those
    after the last of them, which no lead has reached yet."""
    rows = database.connection.execute("SELECT DISTINCT place FROM funnel_own").fetchall()
    own = {place for (place,) in rows}
    return [place for place in range(stages) if place in own or place > max(own, default=-1)]


def _own_sql(database: LeadDatabase, funnel: Funnel, until: datetime) -> str:
    """SELECT lead_id, place, entered_at, source, lost_at: the stages entered by themselves, before
    skipped ones count as passed. Rows of the table stages take precedence over the ways; what comes
    after a lost deal is left out."""
    end = f"TIMESTAMP {literal(str(until))}"
    ways = [
        f"SELECT lead_id, {place} AS place, entered_at FROM ({way})"
        for place, stage in enumerate(funnel.stage)
        for way in _ways(stage, place == len(funnel.stage) - 1, end, "contacts" in database.columns)
    ]
    return f"""
WITH derived AS (
  SELECT lead_id, place, min(entered_at) AS entered_at
  FROM ({" UNION ALL ".join(ways)}) GROUP BY lead_id, place
),
explicit AS ({_explicit(funnel, end, "stages" in database.columns)}),
entries AS (
  SELECT lead_id, place, coalesce(e.entered_at, d.entered_at) AS entered_at
  FROM derived d FULL JOIN explicit e USING (lead_id, place)
)
SELECT lead_id, place, greatest(e.entered_at, l.created_at) AS entered_at, l.source, d.lost_at
FROM entries e
JOIN leads l USING (lead_id)
LEFT JOIN ({lost_sql(until)}) d USING (lead_id)
WHERE l.created_at < {end}
  AND NOT EXISTS (SELECT 1 FROM left_out f WHERE f.lead_id = e.lead_id)
  AND (d.lost_at IS NULL OR e.entered_at <= d.lost_at)"""


def _passed_sql(judged: list[int]) -> str:
    """SELECT lead_id, source, lost_at, entered_<place>, skipped_<place>, ...: when each stage was
    entered or passed, over the table funnel_own."""
    passed = "".join(
        f""",
  min(entered_at) FILTER (WHERE place >= {place}) AS entered_{place},
  coalesce(min(entered_at) FILTER (WHERE place > {place}) <
    coalesce(min(entered_at) FILTER (WHERE place = {place}), TIMESTAMP 'infinity'), false)
    AS skipped_{place}"""
        for place in judged
    )
    return f"""
SELECT lead_id, coalesce(any_value(source), {literal(NO_SOURCE)}) AS source,
  any_value(lost_at) AS lost_at{passed}
FROM funnel_own GROUP BY lead_id ORDER BY lead_id"""


def _explicit(funnel: Funnel, end: str, there: bool) -> str:
    if not there:
        return "SELECT lead_id, 0 AS place, created_at AS entered_at FROM leads WHERE false"
    names = " ".join(f"WHEN {literal(s.name)} THEN {n}" for n, s in enumerate(funnel.stage))
    return (
        f"SELECT lead_id, CASE stage {names} END AS place, min(entered_at) AS entered_at "
        f"FROM stages WHERE entered_at < {end} AND place IS NOT NULL GROUP BY ALL"
    )


def _ways(stage: Stage, last: bool, end: str, contacts: bool) -> Iterator[str]:
    """Queries for lead_id, entered_at, one per way into the stage that the data allow."""
    if stage.created:
        yield f"SELECT lead_id, created_at AS entered_at FROM leads WHERE created_at < {end}"
    if stage.actions:
        # At occurred_at, once it is known. From `events`, not `known_events`: an action that
        # reveals the outcome is no feature, but may well be a stage.
        listed = ", ".join(map(literal, stage.actions))
        yield (
            f"SELECT lead_id, occurred_at AS entered_at FROM events WHERE action IN ({listed}) "
            f"AND greatest(occurred_at, coalesce(recorded_at, occurred_at)) < {end}"
        )
    if stage.contact and contacts:
        accepted = " AND accepted" if stage.contact == "accepted" else ""
        yield (
            "SELECT lead_id, contacted_at AS entered_at FROM contacts "
            f"WHERE contacted_at < {end}{accepted}"
        )
    if last:  # a lead that is won has passed every stage, whatever the last one is
        yield (
            "SELECT lead_id, closed_at AS entered_at FROM closings "
            f"WHERE outcome = 'won' AND closed_at < {end}"
        )
    if stage.by_score:
        yield (
            "SELECT l.lead_id, s.entered_at FROM funnel_scored s JOIN leads l "
            f"ON l.lead_id::VARCHAR = s.lead_id WHERE s.stage = {literal(stage.name)} "
            f"AND s.entered_at < {end}"
        )


def _notes(database: LeadDatabase, funnel: Funnel, are_scored: bool) -> Iterator[str]:
    # Of all events, also those of actions that are left out of the features.
    rows = database.connection.execute("SELECT DISTINCT action FROM events").fetchall()
    seen = {action for (action,) in rows}
    for stage in funnel.stage:
        if stage.by_score and not are_scored:
            yield (
                f"{stage.name} is entered by score, but no lead has been scored yet. "
                "`readiness score` writes the ledger, one cutoff per run."
            )
        if stage.contact and "contacts" not in database.columns:
            yield f"{stage.name} needs the table contacts, which readiness.toml does not name."
        absent = [name for name in stage.actions or [] if name not in seen]
        if absent:
            yield f"{stage.name} names actions that do not occur: {', '.join(absent)}."
    yield from _unnamed(database, funnel)
    left = database.value("SELECT count(*) FROM left_out SEMI JOIN leads USING (lead_id)")
    if left:
        yield f"{left:,} leads breach the contract or are excluded; see `readiness check`."


def _unnamed(database: LeadDatabase, funnel: Funnel) -> Iterator[str]:
    if "stages" not in database.columns:
        return
    names = ", ".join(literal(stage.name) for stage in funnel.stage)
    rows = database.connection.execute(
        "SELECT stage, count(*) FROM stages WHERE stage IS NOT NULL "
        f"AND stage NOT IN ({names}) GROUP BY stage ORDER BY 2 DESC, 1"
    ).fetchall()
    if rows:
        first = ", ".join(f"{stage} ({count:,})" for stage, count in rows[:3])
        yield (
            f"The table stages has {sum(count for _, count in rows):,} rows of stages that "
            f"funnel.toml does not have: {first}{', ...' if len(rows) > 3 else ''}."
        )
