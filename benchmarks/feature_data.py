"""The lead database and the 80 features that the contestants of `benchmarks.features` compute.

Activity is skewed: the busiest percent of the leads does about a sixth of the deeds. Deeds come in
visits, so that sessions mean something; three in a hundred are recorded up to three days late.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.spec import (
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
    Spec,
    SumValue,
    Trend,
)

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
START, DAYS = pd.Timestamp("2025-01-01"), 180
CUTOFF_DAYS = (60, 90, 120, 150, 180)
DAY_US, MINUTE_US, SECOND_US = 86_400_000_000, 60_000_000, 1_000_000

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


def write_lead_database(folder: Path, events: int, snapshots: int, seed: int = 7) -> None:
    """Write events, leads, deals (none closed) and snapshots as Parquet; the same every time."""
    rng = np.random.default_rng(seed)
    leads = max(1, snapshots // len(CUTOFF_DAYS))
    created = rng.integers(0, CUTOFF_DAYS[0] * DAY_US, leads)
    ids = rng.permutation(np.arange(1, leads + 1)) * 7  # as a CRM has them: with gaps, unordered
    start = START.value // 1000
    tables = {
        "events": _events(rng, events, ids, created + start),
        "leads": pd.DataFrame({"lead_id": ids, "created_at": _times(created + start)}),
        "deals": pd.DataFrame(
            {
                "lead_id": np.array([], np.int64),
                "closed_at": _times(np.array([], np.int64)),
                "outcome": np.array([], str),
            }
        ),
        "snapshots": pd.DataFrame(
            {
                "lead_id": np.tile(ids, len(CUTOFF_DAYS)),
                "cutoff": _times(np.repeat(np.array(CUTOFF_DAYS) * DAY_US + start, leads)),
            }
        ),
    }
    for name, table in tables.items():
        table.to_parquet(folder / f"{name}.parquet", index=False)


def _events(rng: np.random.Generator, count: int, ids: Ints, created: Ints) -> pd.DataFrame:
    """Deeds in order of time: some three per visit, minutes apart, each visit with one source."""
    visits = max(1, count // 3)
    activity = rng.lognormal(0, 1.3, len(ids))
    who = rng.choice(len(ids), visits, p=activity / activity.sum())
    end = START.value // 1000 + DAYS * DAY_US
    begun = created[who] + (rng.random(visits) * (end - created[who])).astype(np.int64)
    came_by = rng.integers(0, len(SOURCES), visits)
    visit = rng.integers(0, visits, count)
    occurred = begun[visit] + rng.integers(0, 40 * MINUTE_US, count)
    occurred -= occurred % SECOND_US  # as logs have them, so that some deeds share an instant
    order = np.argsort(occurred, kind="stable")
    visit, occurred = visit[order], occurred[order]
    late = np.where(rng.random(count) < 0.03, rng.integers(0, 3 * DAY_US, count), 0)
    shares = ACTION_WEIGHTS / ACTION_WEIGHTS.sum()
    action = rng.choice(len(ACTIONS), count, p=shares)
    content = np.where(rng.random(count) < 0.7, rng.integers(0, len(CONTENTS), count), -1)
    source = np.where(rng.random(count) < 0.9, came_by[visit], -1)
    worth = np.where(rng.random(count) < 0.1, rng.integers(1, 1_000_000, count) / 100, np.nan)
    return pd.DataFrame(
        {
            "lead_id": ids[who[visit]],
            "occurred_at": _times(occurred),
            "action": np.array(ACTIONS, object)[action],
            "source": np.array([*SOURCES, None], object)[source],
            "content": np.array([*CONTENTS, None], object)[content],
            "value": worth,
            "recorded_at": _times(occurred + late),
        }
    )


def _times(micros: Ints) -> npt.NDArray[np.datetime64]:
    return micros.astype("datetime64[us]")
