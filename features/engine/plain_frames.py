"""The features of a few leads out of frames that need no reading: what a service asks for.

Opening a lead database costs the same for one lead as for thousands, some fifty statements. Frames
that are plain, typed and without a fault, as a service builds them, hold nothing that these would
find, so the pass over the events can begin at once. Whatever is not plain is for the database: a
text that holds a number, a lead without a row, a deal, an exclusion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract.reading import Reading
from features.contract.tables import CONTRACT, Column
from features.cutoffs import utc_now
from features.engine.event_rows import EVENT, Rows
from features.engine.one_pass import OnePass
from features.spec.cells import DAY
from features.spec.kinds import Age, Attribute, DaysSinceDate
from features.spec.spec import OfLead, Spec

_TIME, _TEXT, _NUMBER, _ID = pa.timestamp("us"), pa.string(), pa.float64(), pa.int64()
_TYPES = {"TIMESTAMP": _TIME, "VARCHAR": _TEXT, "DOUBLE": _NUMBER}
_FIRST, _LAST = (pa.scalar(datetime(year, 1, 1), _TIME) for year in (1700, 2200))
MOST_ACTIONS = 1_000  # of a plan, unless a single call has more
_LARGEST = 1e11  # of the values of events
_LIKE_A_NUMBER = "^[-+ 0-9.,']+[eE]"  # in an id, digits that were lost; in an attribute, overflow


def plain_frame(
    frames: Mapping[str, Any], reading: Reading, specs: Sequence[Spec], cutoff: datetime
) -> pd.DataFrame | None:
    """The frame of `feature_frame` for the leads of the frames, by table name, that are open at the
    cutoff, to the last bit; None where the frames are not plain."""
    exclude = reading.exclude
    if (
        cutoff > utc_now()
        or reading.membership
        or exclude.leads
        or exclude.machine_clicks
        or exclude.machine_opens
    ):
        return None
    tables = {name: _table(name, rows) for name, rows in frames.items()}
    leads, events, deals = (tables.get(name) for name in ("leads", "events", "deals"))
    if leads is None or events is None or ("deals" in frames and (deals is None or len(deals))):
        return None
    if len({table["lead_id"].type for table in (leads, events, deals) if table is not None}) > 1:
        return None
    events = _counted(events, reading.features.leave_out_actions)
    one_pass = _planned(tuple(specs), frozenset(events["action"].unique().to_pylist()))
    of_lead = [leaf for leaf in one_pass.compiled.leaves if isinstance(leaf, OfLead)]
    columns = {leaf.name: _measured(leaf, leads, cutoff) for leaf in of_lead}
    others = set(reading.attributes).difference(leads.schema.names)
    unread = any(values is None for values in columns.values())
    if unread or others or one_pass.by_sql or one_pass.compiled.of_account:
        return None
    is_open = pc.less(leads["created_at"], pa.scalar(cutoff, _TIME))
    snapshots = pa.table({"lead_id": leads["lead_id"], **columns}).filter(is_open)
    snapshots = snapshots.sort_by("lead_id")
    count = len(snapshots)
    number = pc.index_in(events["lead_id"], snapshots["lead_id"])
    unknown = pc.index_in(events["lead_id"], leads["lead_id"]).null_count
    if not count or unknown or len(leads["lead_id"].unique()) < len(leads):
        return None
    moment = pa.scalar(cutoff, _TIME)
    for name, values in {
        "cutoff": pa.repeat(moment, count),
        "cutoff_us": pa.repeat(moment.cast(_ID), count),
        "number": pa.array(np.arange(count, dtype=np.int32)),
    }.items():
        snapshots = snapshots.append_column(name, values)
    sources = tuple(sorted(events["source"].unique().drop_null().to_pylist()))
    rows = _rows(
        events.append_column("number", number).filter(number.is_valid()), one_pass, sources
    )
    return replace(one_pass, sources=sources).frame(1, (snapshots, rows))


@lru_cache(maxsize=8)
def _plans(specs: tuple[Spec, ...]) -> list[OnePass]:
    """The pass that was planned last for these specs; none at first."""
    return []


def _planned(specs: tuple[Spec, ...], actions: frozenset[str]) -> OnePass:
    """A pass over events of these actions, and of those of calls before: as each lead has others,
    a plan for its own alone would be made anew at every call."""
    plans = _plans(specs)
    known = frozenset(plans[-1].actions) if plans else frozenset()
    if plans and actions <= known:
        return plans[-1]
    together = actions | known
    plan = OnePass.planned(specs, together if len(together) <= MOST_ACTIONS else actions, ())
    plans[:] = [plan]
    return plan


def _table(name: str, rows: Any) -> pa.Table | None:
    """A table with the columns of the contract, null where they may be missing, each of the
    contract's type and without a fault; leads with their other columns. None where it is not."""
    try:
        table = rows if isinstance(rows, pa.Table) else None
        if isinstance(rows, pd.DataFrame):
            table = pa.Table.from_pandas(rows, preserve_index=False)
    except (pa.ArrowException, ValueError, TypeError):
        return None
    if table is None or len(set(table.schema.names)) < table.num_columns:
        return None
    columns = {each: table[each] for each in table.schema.names} if name == "leads" else {}
    for column in CONTRACT[name]:
        if name == "leads" and not column.required and column.name not in columns:
            continue  # who asks for it is told so by the database
        values = _column(table, column)
        if values is None or (name == "leads" and column.name == "objected_at" and _any(values)):
            return None
        columns[column.name] = values
    return pa.table(columns)


def _column(table: pa.Table, column: Column) -> pa.ChunkedArray | None:
    kind = _TYPES.get(column.type, _ID)
    if column.name not in table.schema.names:
        return None if column.required else pa.chunked_array([pa.nulls(len(table), kind)])
    values = _unified(table[column.name])
    if pa.types.is_null(values.type) and (column.nullable or not len(values)):
        return values.cast(kind)
    if column.type == "LEAD_ID" and values.type == _TEXT:
        kind = _TEXT
    if values.type != kind or (values.null_count and not column.nullable):
        return None
    sound = {
        _TIME: lambda: pc.and_(pc.greater(values, _FIRST), pc.less(values, _LAST)),
        _NUMBER: lambda: pc.less(pc.abs(values), _LARGEST),
        _TEXT: lambda: pc.invert(pc.match_substring_regex(values, _LIKE_A_NUMBER)),
    }
    check = sound.get(kind) if kind != _TEXT or column.type == "LEAD_ID" else None
    return values if check is None or _all(check()) else None


def _unified(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(_TEXT) if pa.types.is_large_string(values.type) else values


def _all(flags: pa.ChunkedArray) -> bool:
    return bool(pc.all(flags, min_count=0).as_py())


def _any(values: pa.ChunkedArray) -> bool:
    return bool(values.null_count < len(values))


def _counted(events: pa.Table, left_out: Sequence[str]) -> pa.Table:
    if not left_out:
        return events
    return events.filter(pc.invert(pc.is_in(events["action"], pa.array(left_out, _TEXT))))


def _measured(leaf: OfLead, leads: pa.Table, cutoff: datetime) -> pa.ChunkedArray | None:
    """A feature of the leads alone; None for what only the database can measure."""
    if isinstance(leaf, Age):
        return _days(leads["created_at"], cutoff)
    if not isinstance(leaf, Attribute | DaysSinceDate) or leaf.column not in leads.schema.names:
        return None
    values = _unified(leads[leaf.column])
    if isinstance(leaf, DaysSinceDate):
        return _days(values, cutoff) if values.type == _TIME else None
    if leaf.text:
        odd = values.type != _TEXT or not _all(
            pc.invert(pc.match_substring_regex(values, _LIKE_A_NUMBER))
        )
        return None if odd else values
    return values.cast(_NUMBER) if values.type in (_NUMBER, pa.int32(), _ID) else None


def _days(times: pa.ChunkedArray, cutoff: datetime) -> pa.ChunkedArray:
    elapsed = pc.subtract(pa.scalar(cutoff, _TIME).cast(_ID), times.cast(_ID))
    return pc.divide(elapsed.cast(_NUMBER), float(DAY))


def _rows(events: pa.Table, one_pass: OnePass, sources: Sequence[str]) -> Rows:
    """The events as `event_chunks` has them, for one chunk. A content is numbered by its place
    among all, for its hash need only tell it from others."""
    occurred = events["occurred_at"]
    known = pc.max_element_wise(occurred, events["recorded_at"])
    value = pc.fill_null(events["value"], 0.0).to_numpy() * 10_000
    whole = np.trunc(value)
    rows = np.empty(len(events), EVENT)
    rows["number"] = events["number"].to_numpy()
    rows["occurred"], rows["known"] = (times.cast(_ID).to_numpy() for times in (occurred, known))
    for name, texts in (("action", one_pass.actions), ("source", sources)):
        codes = pc.index_in(events[name], pa.array(texts, _TEXT))
        rows[name] = pc.fill_null(codes, -1).to_numpy()
    contents = pc.index_in(events["content"], events["content"].unique().drop_null())
    rows["content"] = pc.fill_null(pc.add(contents, 1), 0).to_numpy()
    rows["value"] = whole + np.where(np.abs(value - whole) >= 0.5, np.sign(value), 0)
    return rows
