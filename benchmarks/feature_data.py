"""The lead database and the 80 features that the contestants of `benchmarks.features` compute.

    python -m benchmarks.feature_data FOLDER EVENTS SNAPSHOTS [known at once]

Activity is skewed: the busiest percent of the leads does about a sixth of the events. They come in
visits, so that sessions mean something; three in a hundred are recorded up to three days late.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from features.spec.kinds import (
    ActiveDays,
    Age,
    Count,
    DaysSince,
    Decayed,
    DistinctContent,
    First,
    Last,
    Ratio,
    Sessions,
    Share,
    SumValue,
    Trend,
)
from features.spec.spec import Spec

ACTIONS = (
    "opened_mail",
    "visited_home",
    "visited_blog",
    "visited_service",
    "clicked_mail",
    "visited_pricing",
    "downloaded_paper",
    "joined_webinar",
    "began_form",
    "sent_form",
    "chatted",
    "called_in",
)
ACTION_WEIGHTS = np.array([26, 20, 15, 11, 8, 6, 5, 3, 2.5, 1.5, 1.2, 0.8])
SOURCES = ("search", "newsletter", "partner", "fair", "advert", "social", "direct", "referral")
CONTENTS = tuple(f"/page/{number}" for number in range(300))
START, DAYS = int(np.datetime64("2025-01-01", "us").astype(np.int64)), 180
CUTOFF_DAYS = (60, 90, 120, 150, 180)
DAY_US, MINUTE_US, SECOND_US = 86_400_000_000, 60_000_000, 1_000_000

ID_STEP = 7  # ids as a CRM has them: with gaps, unordered
ROW_GROUP = 1_000_000  # events at a time, so that memory stays small

HALF_LIFE = 14
SPECS: tuple[Spec, ...] = (
    Age(),
    *(Count(None, window) for window in (1, 7, 30, 90, None)),
    *(Count(action, window) for action in ACTIONS for window in (7, 30, None)),
    *(DaysSince(action) for action in (None, *ACTIONS)),
    *(Decayed(action, HALF_LIFE) for action in (None, *ACTIONS[5:8])),
    *(ActiveDays(window) for window in (7, 30, 90, None)),
    *(Sessions(window) for window in (7, 30, None)),
    *(Trend(None, window) for window in (7, 30)),
    *(Share(part, 90) for part in ("night", "weekend")),
    *(DistinctContent(window) for window in (30, None)),
    *(SumValue(None, window) for window in (30, 90, None)),
    *(First("source"), Last("source")),
    *(Ratio(Count(), Age()), Ratio(ActiveDays(), Age()), Ratio(Count(), Sessions())),
)

Ints = npt.NDArray[np.int64]


def write_lead_database(folder: Path, events: int, snapshots: int, some_late: bool = True) -> None:
    """Write events, leads, deals (none closed) and snapshots as Parquet; the same every time."""
    rng = np.random.default_rng(7)
    leads = max(1, snapshots // len(CUTOFF_DAYS))
    created = START + rng.integers(0, CUTOFF_DAYS[0] * DAY_US, leads)
    ids = rng.permutation(np.arange(1, leads + 1)) * ID_STEP
    none = np.array([], np.int64)
    cutoffs = START + np.array(CUTOFF_DAYS) * DAY_US
    tables = {
        "leads": {"lead_id": ids, "created_at": _times(created)},
        "deals": {"lead_id": none, "closed_at": _times(none), "outcome": pa.array([], pa.string())},
        "snapshots": {
            "lead_id": np.tile(ids, len(cutoffs)),
            "cutoff": _times(np.repeat(cutoffs, leads)),
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
    late_share = 0.03 if some_late else 0
    _write_events(folder / "events.parquet", rng, events, ids, created, late_share)


def _write_events(
    file: Path, rng: np.random.Generator, count: int, ids: Ints, created: Ints, late_share: float
) -> None:
    """Events in order of time: some three per visit, minutes apart, each visit with one source."""
    visits = max(1, count // 3)
    activity = rng.lognormal(0, 1.3, len(ids))
    who = rng.choice(len(ids), visits, p=activity / activity.sum())
    begun = created[who] + (rng.random(visits) * (START + DAYS * DAY_US - created[who])).astype(int)
    came_by = rng.integers(0, len(SOURCES), visits)
    visit = rng.integers(0, visits, count)
    occurred = begun[visit] + rng.integers(0, 40 * MINUTE_US, count)
    occurred -= occurred % SECOND_US  # as logs have them, so that some events share an instant
    order = np.argsort(occurred, kind="stable")
    writer: pq.ParquetWriter | None = None
    for first in range(0, count, ROW_GROUP):
        chosen = order[first : first + ROW_GROUP]
        own = visit[chosen]
        rows = _events(rng, ids[who[own]], occurred[chosen], came_by[own], late_share)
        writer = writer or pq.ParquetWriter(file, rows.schema)
        writer.write_table(rows)
    if writer:
        writer.close()


def _events(
    rng: np.random.Generator, lead: Ints, occurred: Ints, came_by: Ints, late_share: float
) -> pa.Table:
    count = len(lead)
    late = np.where(rng.random(count) < late_share, rng.integers(0, 3 * DAY_US, count), 0)
    action = rng.choice(len(ACTIONS), count, p=ACTION_WEIGHTS / ACTION_WEIGHTS.sum())
    cents = rng.integers(1, 1_000_000, count)
    return pa.table(
        {
            "lead_id": lead,
            "occurred_at": _times(occurred),
            "action": _text_column(ACTIONS, action, np.ones(count, bool)),
            "source": _text_column(SOURCES, came_by, rng.random(count) < 0.9),
            "content": _text_column(
                CONTENTS, rng.integers(0, len(CONTENTS), count), rng.random(count) < 0.7
            ),
            "value": pa.array(cents / 100, mask=rng.random(count) >= 0.1),
            "recorded_at": _times(occurred + late),
        }
    )


def _text_column(texts: Sequence[str], places: Ints, is_known: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(texts, pa.string()).take(pa.array(places, mask=~is_known))


def _times(micros: Ints) -> pa.Array:
    return pa.array(micros, pa.timestamp("us"))


if __name__ == "__main__":
    write_lead_database(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), not sys.argv[4:])
