"""What a model saw of a lead database at its training, and how one of later differs from it.

It is stored with the model, for a database of today cannot say it: where all actions were renamed,
history and all, the past of today has the new names too.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.contract.database import LeadDatabase
from features.sql import quoted

WINDOW = 28  # days whose events are counted
NEWEST = 200  # leads, whose columns are looked at
MOST_NAMES = 1_000
FEWEST = 20  # events or leads, to say anything of
EXPECTED = 20  # events of an action, of which none came
NULLS, SURE = 0.2, 3.29  # a share of nulls differs by so much, and standard errors


@dataclass(frozen=True)
class Names:
    """Names of actions or sources: how many of the events (or leads) that were looked at have one,
    and each name's share of these, 0 for a name that occurred before only."""

    count: int
    shares: Mapping[str, float]

    def unknown(self, known: Collection[str]) -> dict[str, float]:
        """The shares of those that are not known, the largest first; none of fewer than FEWEST."""
        other = {n: s for n, s in self.shares.items() if s > 0 and n not in known}
        return dict(sorted(other.items(), key=lambda each: -each[1])) if self.enough else {}

    def vanished(self, now: Names) -> dict[str, float]:
        """The shares of those of which EXPECTED or more would be among the ones of now, and none
        is, the largest first. Worked example: an action was 3% of the events, and of 900 events
        of now none is one, where 27 were to be expected: renamed, or no longer recorded."""
        gone = {name: share for name, share in self.shares.items() if not now.shares.get(name)}
        return {name: share for name, share in gone.items() if share * now.count >= EXPECTED}

    @property
    def enough(self) -> bool:
        """Whether there are enough to say anything of."""
        return self.count >= FEWEST


@dataclass(frozen=True)
class Column:
    """An attribute: text, number or date, and the share of the newest leads that have none."""

    type: str
    nulls: float


@dataclass(frozen=True)
class Inputs:
    """What a lead database holds at an instant: the actions and sources of the events of 28 days,
    and the sources and attributes of the 200 newest leads."""

    actions: Names
    sources: Names
    arrivals: Names
    leads: int
    columns: Mapping[str, Column]

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Inputs:
        """What `dataclasses.asdict` gave."""
        names = {key: Names(**stored[key]) for key in ("actions", "sources", "arrivals")}
        columns = {name: Column(**column) for name, column in stored["columns"].items()}
        return cls(**names, leads=stored["leads"], columns=columns)


def inputs_at(database: LeadDatabase, cutoff: datetime) -> Inputs:
    """What is known strictly before the cutoff."""
    leads = (
        f"(SELECT * FROM leads WHERE created_at < TIMESTAMP '{cutoff}' "
        f"ORDER BY created_at DESC, lead_id DESC LIMIT {NEWEST})"
    )
    recent = (
        f"known_events WHERE known_at < TIMESTAMP '{cutoff}' "
        f"AND known_at >= TIMESTAMP '{cutoff}' - INTERVAL {WINDOW} DAY"
    )
    kinds = database.attributes
    nulls = "".join(f", count(*) FILTER ({quoted(name)} IS NULL)" for name in kinds)
    ((count, *without),) = database.connection.execute(
        f"SELECT count(*) {nulls} FROM {leads}"
    ).fetchall()
    execute = database.connection.execute
    actions, sources = Counter[str | None](), Counter[str | None]()
    for action, source, events in execute(
        f"SELECT action, source, count(*) FROM {recent} GROUP BY ALL"
    ).fetchall():
        actions[action] += events
        sources[source] += events
    arrivals = execute(f"SELECT source, count(*) FROM {leads} GROUP BY source").fetchall()
    return Inputs(
        _names(actions, database.actions),
        _names(sources, database.sources),
        _names(dict(arrivals), ()),
        count,
        {
            name: Column(kind, n / max(count, 1))
            for (name, kind), n in zip(kinds.items(), without, strict=True)
        },
    )


def _names(counts: Mapping[str | None, int], ever: Collection[str]) -> Names:
    """The names that are counted, None for rows without one, with those that ever occurred."""
    total = sum(counts.values())
    known = [(text, count) for text, count in counts.items() if text is not None]
    known.sort(key=lambda each: (-each[1], each[0]))
    shares = {text: count / total for text, count in known}
    names = list(dict.fromkeys([*shares, *ever]))[:MOST_NAMES]
    return Names(total, {name: shares.get(name, 0.0) for name in names})


def changed_columns(then: Inputs, now: Inputs) -> dict[str, str]:
    """The attributes that are not what they were, each with what differs, in words."""
    changes = {}
    for name, was in then.columns.items():
        column = now.columns.get(name)
        if column is None:
            continue
        if column.type != was.type:
            changes[name] = f"learnt as a {was.type}, arrives as a {column.type}"
        elif _nulls_differ(was.nulls, then.leads, column.nulls, now.leads):
            changes[name] = (
                f"{column.nulls:.0%} of the {now.leads:,} newest leads have none, "
                f"{was.nulls:.0%} of {then.leads:,} had none at the training"
            )
    return changes


def _nulls_differ(before: float, of: int, now: float, of_now: int) -> bool:
    """By a fifth of the leads, and beyond chance."""
    if min(of, of_now) < FEWEST or abs(now - before) < NULLS:
        return False
    pooled = (before * of + now * of_now) / (of + of_now)
    return abs(now - before) > SURE * math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_now))


def listed(shares: Mapping[str, float]) -> str:
    """The first names with their shares.

    >>> listed({"seen": 0.5, "sent": 0.25, "a": 0.1, "b": 0.05})
    "'seen' (50%), 'sent' (25%), 'a' (10%) and 1 more"
    """
    first = ", ".join(f"{name!r} ({share:.0%})" for name, share in list(shares.items())[:3])
    return first + (f" and {len(shares) - 3} more" if len(shares) > 3 else "")
