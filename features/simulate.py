"""A seeded lead database whose true chances of winning are known exactly.

    world = simulate(leads=20_000, seed=7)
    write(world, Path("data"))
    world.true_probability(snapshots, horizon_days=30)

The files hold only what a company would see. The truth is not written: the same (leads, seed,
days, start) always gives the same world, so simulate it again and ask it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import BadInput
from features.simulate_world import (
    ATTRIBUTES,
    DAY,
    HOUR,
    INTENTS,
    MINUTE,
    SOURCES,
    WON,
    WORKED,
    Bools,
    Codes,
    Floats,
    Ints,
    Law,
    Truth,
    cumulated,
    draw,
    people,
    time_of_day,
)

SIZES, MINIMUM_DAYS = (1_000, 1_000_000), 60
START = pd.Timestamp("2024-01-01")

# Sessions per day by intent (quiet ... postponed), times the activity of the lead.
SESSIONS = np.array([0.025, 0.18, 0.50, 0.75, 0.07])
WEEKEND_SESSIONS = 0.4
DEEDS_PER_SESSION = 2.5
OWL_SHIFT = 11  # hours by which owls lag behind the others
LATE, LATE_HOURS = 0.03, 14  # share of deeds recorded late, and the mean delay

# What is done, weighted by intent (quiet ... postponed), and the names of what was opened.
ACTIONS: dict[str, tuple[tuple[float, ...], tuple[str, ...]]] = {
    "email_opened": ((38, 18, 11, 9, 30), ("newsletter", "product_news", "case_story", "offer")),
    "email_clicked": ((10, 9, 7, 6, 10), ("product_news", "case_story", "offer")),
    "visited_homepage": ((18, 20, 14, 13, 16), ("/",)),
    "visited_blog": ((17, 22, 12, 5, 8), ("/blog/trends", "/blog/how_to", "/blog/mistakes")),
    "visited_service_page": ((7, 14, 19, 15, 13), ("/service/a", "/service/b", "/service/c")),
    "visited_pricing": ((1.2, 3, 11, 17, 8), ("/pricing",)),
    "downloaded_whitepaper": ((1.5, 4, 6, 3, 2), ("guide", "benchmark", "checklist")),
    "watched_webinar": ((1, 2.5, 4, 2, 2), ("introduction", "deep_dive")),
    "read_reference": ((0.6, 1.5, 6, 9, 3), ("/reference/mill", "/reference/clinic")),
    "chat_started": ((0.3, 0.8, 2.5, 5, 1.5), ("chat",)),
    "form_begun": ((0.7, 1.5, 4, 8, 2), ("contact_form", "quote_form")),
    "form_submitted": ((0.3, 0.6, 2.2, 6, 1), ("contact_form", "quote_form")),
    "opened_quote": ((0.1, 0.2, 1.2, 8, 3), ("quote",)),
    "called_in": ((0.1, 0.2, 1, 4, 1), ()),
    "unsubscribed": ((3, 0.5, 0.3, 0.1, 0.4), ()),
}
CONTENTS = tuple(dict.fromkeys(name for _, names in ACTIONS.values() for name in names))
# Half of the sessions come by the source that brought the lead, the rest by any of these.
CHANNELS = (*SOURCES, "direct")
OWN_SOURCE, CHANNEL_WEIGHTS = 0.5, [1, 2, 1, 30, 8, 15, 8, 35]
TEXTS = {
    "source": CHANNELS,
    "action": tuple(ACTIONS),
    "content": CONTENTS,
    "outcome": ("won", "lost"),
    "by": ("rep-1", "rep-2", "rep-3", "rep-4", "rep-5", "rep-6"),
    **{name: tuple(values) for name, values in ATTRIBUTES.items()},
}
CHANNEL_SHARES = cumulated(CHANNEL_WEIGHTS)
ACTION_SHARES = cumulated(np.transpose([weights for weights, _ in ACTIONS.values()]))
# (action, place): the code of a content name; each row goes round the names of its action.
CONTENT_CODES = np.array(
    [
        np.resize([CONTENTS.index(name) for name in names] or [-1], 12)
        for _, names in ACTIONS.values()
    ],
    dtype=np.int8,
)
QUOTE = tuple(ACTIONS).index("opened_quote")
NEVER = np.iinfo(np.int64).min  # becomes a null time


@dataclass(frozen=True)
class World:
    """A lead database as DESIGN.md contracts it, as known at `data_end`, and the truth behind it.

    Events come in order of occurred_at. Text that repeats is categorical. Some leads have no
    events; a lead without a deal is still open. `opened_at` of a deal is when sales took the lead
    up, null if never; `amount` is null unless won.
    """

    events: pd.DataFrame
    leads: pd.DataFrame
    deals: pd.DataFrame
    contacts: pd.DataFrame
    data_end: pd.Timestamp
    truth: Truth

    def true_probability(self, snapshots: pd.DataFrame, horizon_days: int) -> Floats:
        """The chance of a win in [cutoff, cutoff + horizon) given all there is to know at cutoff.

        `snapshots` has lead_id and cutoff, one row per probability returned, in the same order.
        Raises BadInput unless each cutoff is a midnight in [start, data_end] at which the lead is
        open.
        """
        return self.truth.win_probability(snapshots, horizon_days)

    def intents(self, snapshots: pd.DataFrame) -> npt.NDArray[np.str_]:
        """The hidden intent, one of INTENTS, of each snapshot; raises as true_probability."""
        return np.array(INTENTS)[self.truth.states(snapshots)[2] % WORKED]


def simulate(
    leads: int,
    seed: int,
    days: int = 540,
    start: pd.Timestamp = START,
    progress: Callable[[float], None] = lambda share: None,
) -> World:
    """A world of `leads` leads who arrive over [start, start + days).

    The same arguments give the same world. `progress` hears the share done after every day.
    Raises BadInput for a number of leads outside SIZES, fewer than MINIMUM_DAYS days, or a start
    that is no midnight.
    """
    if not SIZES[0] <= leads <= SIZES[1]:
        raise BadInput(f"{leads:,} leads asked for: give from {SIZES[0]:,} to {SIZES[1]:,}.")
    if days < MINIMUM_DAYS or start != start.normalize():
        raise BadInput(f"give at least {MINIMUM_DAYS} days, and a midnight to start at.")
    life = _Life(Law(start, days), leads, seed)
    for day in range(days):
        life.live(day)
        progress((day + 1) / days)
    return World(
        events=_frame(life.events.columns(), start),
        leads=_frame(life.leads(), start),
        deals=_frame(life.deals.columns(), start),
        contacts=_frame(life.contacts.columns(), start),
        data_end=start + pd.Timedelta(days=days),
        truth=Truth(life.law, start, life.people.classes, **life.changes.columns()),
    )


def write(world: World, directory: Path) -> list[Path]:
    """Write the four tables as Parquet files, each complete or not at all; returns their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name in ("events", "leads", "deals", "contacts"):
        path, unfinished = directory / f"{name}.parquet", directory / f".{name}.parquet.tmp"
        table = pa.Table.from_pandas(getattr(world, name), preserve_index=False)
        pq.write_table(table, unfinished)
        os.replace(unfinished, path)
        paths.append(path)
    return paths


class _Log:
    """Columns gathered day by day."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Any]] = {}

    def add(self, **columns: Any) -> None:
        for name, column in columns.items():
            self._parts.setdefault(name, []).append(column)

    def columns(self) -> dict[str, Any]:
        """Every column in one piece. The log is empty afterwards, to spare memory."""
        return {name: np.concatenate(self._parts.pop(name)) for name in list(self._parts)}


class _Life:
    """The leads open at a midnight, and what has happened up to it.

    Times are microseconds since the start. Three streams of chance, so that what leads do never
    changes how they fare.
    """

    def __init__(self, law: Law, leads: int, seed: int) -> None:
        arriving, self.chance, self.whim = np.random.default_rng(seed).spawn(3)
        self.law, self.people = law, people(arriving, law, leads)
        self.arrived = np.searchsorted(self.people.created, np.arange(law.days + 1) * DAY)
        self.opened = np.full(leads, NEVER)
        self.lead, self.code = np.empty(0, np.int64), np.empty(0, np.int8)
        self.events, self.deals, self.contacts, self.changes = _Log(), _Log(), _Log(), _Log()

    def leads(self) -> dict[str, Any]:
        """The columns of the table of leads."""
        people, lead = self.people, np.arange(len(self.people.created))
        columns = {"lead_id": lead, "created_at": people.created, "source": people.source}
        return {**columns, **people.attributes}

    def live(self, day: int) -> None:
        """The day [day, day + 1): moves, calls and closings of open leads, deeds of all."""
        new = np.arange(self.arrived[day], self.arrived[day + 1])
        lead, before = np.append(self.lead, new), np.append(self.code, self.people.intent[new])
        until = np.full(len(lead), (day + 1) * DAY)
        after, called, accepted = self.law.step(
            self.chance, self.people.classes[self.lead], self.code, day
        )
        self._contact(self.lead[called], accepted[called], day)
        self._close(after, until, day)
        self._act(lead, before % WORKED, until, day)
        after = np.append(after, self.people.intent[new])
        changed = np.append(after[: len(self.lead)] != self.code, np.ones(len(new), bool))
        tomorrow = np.full(changed.sum(), day + 1)
        self.changes.add(lead=lead[changed], day=tomorrow, code=after[changed])
        self.lead, self.code = lead[after < WON], after[after < WON]

    def _contact(self, lead: Ints, accepted: Bools, day: int) -> None:
        when = _office_time(self.chance, len(lead), day)
        by = self.chance.integers(len(TEXTS["by"]), size=len(lead), dtype=np.int8)
        self.contacts.add(lead_id=lead, contacted_at=when, by=by, accepted=accepted)
        self.opened[lead[accepted]] = when[accepted]

    def _close(self, after: Codes, until: Ints, day: int) -> None:
        """Write down the deals closed on the day; nothing is done from `until` on."""
        closed = np.flatnonzero(after >= WON)
        lead, won = self.lead[closed], after[closed] == WON
        until[closed] = _office_time(self.chance, len(closed), day)
        self.deals.add(
            lead_id=lead,
            closed_at=until[closed],
            outcome=(~won).astype(np.int8),
            opened_at=self.opened[lead],
            amount=np.where(won, self.people.amount[lead].round(-2), np.nan),
        )

    def _act(self, lead: Ints, intent: Codes, until: Ints, day: int) -> None:
        """The day's sessions: who, when and by which source; then the deeds within each."""
        rng, people = self.whim, self.people
        new = people.created[lead] >= day * DAY
        pace = WEEKEND_SESSIONS if self.law.weekend[day] else 1.0
        count = rng.poisson(SESSIONS[intent] * people.activity[lead] * pace)
        who = np.repeat(np.arange(len(lead)), count + (new & ~people.offline[lead]))
        lead, intent, until, new, size = lead[who], intent[who], until[who], new[who], len(who)
        hours = time_of_day(rng, size) + people.owl[lead] * OWL_SHIFT * HOUR
        soon = people.created[lead] + rng.exponential(HOUR / 4, size).astype(np.int64)
        begun = np.where(new, soon, day * DAY + hours % DAY)
        own = new | (rng.random(size) < OWN_SOURCE)
        source = np.where(own, people.source[lead], draw(rng, CHANNEL_SHARES, size))

        length = rng.geometric(1 / DEEDS_PER_SESSION, size)
        session = np.repeat(np.arange(size), length)
        first = np.repeat(np.cumsum(length) - length, length)
        elapsed = np.cumsum(rng.exponential(2 * MINUTE, len(session)).astype(np.int64))
        when = begun[session] + elapsed - elapsed[first]
        order = np.argsort(when, kind="stable")
        order = order[when[order] < until[session[order]]]
        session = session[order]
        self._record(lead[session], intent[session], when[order], source[session])

    def _record(self, lead: Ints, intent: Codes, when: Ints, source: Ints) -> None:
        """What each deed was, and when it came to be known: never, if only after the data end."""
        rng, size = self.whim, len(lead)
        action = (rng.random((size, 1)) >= ACTION_SHARES[intent, :-1]).sum(axis=1)
        delay = (rng.random(size) < LATE) * rng.exponential(LATE_HOURS * HOUR, size)
        recorded = when + delay.astype(np.int64)
        quoted = self.people.amount[lead] * rng.lognormal(0.0, 0.2, size)
        known = recorded < self.law.days * DAY
        self.events.add(
            lead_id=lead[known],
            occurred_at=when[known],
            action=action[known].astype(np.int8),
            source=source[known].astype(np.int8),
            content=CONTENT_CODES[action, rng.integers(CONTENT_CODES.shape[1], size=size)][known],
            value=np.where(action == QUOTE, quoted.round(-1), np.nan)[known],
            recorded_at=recorded[known],
        )


def _office_time(rng: np.random.Generator, size: int, day: int) -> Ints:
    return day * DAY + rng.integers(9 * HOUR, 18 * HOUR, size=size)


def _frame(columns: dict[str, Any], start: pd.Timestamp) -> pd.DataFrame:
    """A table of the contract: ids from 1, microseconds to times, codes to the words of TEXTS."""
    columns["lead_id"] += 1
    for name, column in columns.items():
        if name.endswith("_at"):
            columns[name] = np.datetime64(start, "us") + column.view("timedelta64[us]")
        elif name in TEXTS:
            columns[name] = pd.Categorical.from_codes(column, pd.Index(TEXTS[name]))
    return pd.DataFrame(columns, copy=False)
