"""A seeded lead database whose true chances of winning are known exactly.

    world = simulate(leads=20_000, seed=7)
    write(world, Path("data"))
    world.true_probability(snapshots, horizon_days=30)

The files hold only what a company would see, not the truth. The same (leads, seed, days, start)
always gives the same world: simulate it again to get the true probabilities.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import BadInput
from features.simulator.behaviour import (
    ACTION_SHARES,
    CHANNEL_SHARES,
    CONTENT_CODES,
    EVENTS_PER_SESSION,
    LATE,
    LATE_HOURS,
    OWL_SHIFT,
    OWN_SOURCE,
    QUOTE,
    SESSIONS,
    TEXTS,
    WEEKEND_SESSIONS,
)
from features.simulator.simulated import START, Simulated, office_time, refuse_sizes
from features.simulator.truth import Truth, conversion
from features.simulator.world import (
    DAY,
    HOUR,
    INTENTS,
    MINUTE,
    WON,
    WORKED,
    Bools,
    Codes,
    Floats,
    Ints,
    Law,
    QualityChange,
    draw,
    people,
    time_of_day,
)
from features.whole_file import whole

MOST = 1_000_000  # leads
NEVER = np.iinfo(np.int64).min  # becomes a null time


@dataclass(frozen=True)
class World:
    """A lead database by the contract, as known at `data_end`, and the truth behind it.

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

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The four tables by name."""
        return {name: getattr(self, name) for name in ("events", "leads", "deals", "contacts")}

    def true_probability(self, snapshots: pd.DataFrame, horizon_days: int) -> Floats:
        """The probability of a win in [cutoff, cutoff + horizon) given the full state at cutoff.

        `snapshots` has lead_id and cutoff, one row per probability returned, in the same order.
        Raises BadInput unless each cutoff is a midnight in [start, data_end] at which the lead is
        open.
        """
        return self.truth.win_probability(snapshots, horizon_days)

    def true_conversion(self, horizon_days: int) -> pd.DataFrame:
        """The probability that a lead is won in [created_at, created_at + horizon): a row per day
        of creation, a column per source."""
        return conversion(self.truth.law, self.truth.start, horizon_days)

    def intents(self, snapshots: pd.DataFrame) -> npt.NDArray[np.str_]:
        """The hidden intent, one of INTENTS, of each snapshot; raises as true_probability."""
        return np.array(INTENTS)[self.truth.states(snapshots)[2] % WORKED]


def simulate(
    leads: int,
    seed: int,
    days: int = 540,
    start: pd.Timestamp = START,
    progress: Callable[[float], None] = lambda share: None,
    changes: Sequence[QualityChange] = (),
) -> World:
    """A world of `leads` leads who arrive over [start, start + days).

    The same arguments give the same world. `progress` is called with the share done after every
    day. `changes` apply to the leads that arrive from their day on.

    Raises BadInput for fewer than 1,000 leads or more than 1,000,000, for fewer than 60 days, and
    for a start that is no midnight.
    """
    refuse_sizes(leads, days, MOST)
    if start != start.normalize():
        raise BadInput("Give a midnight as start.")
    life = _Life(Law(start, days, changes), leads, seed)
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


def write(world: World | Simulated, directory: Path) -> list[Path]:
    """Write the tables, those of the contract as Parquet and any other as CSV, each whole or not at
    all; return their paths."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in world.tables.items():
        of_contract = "lead_id" in table
        path = directory / f"{name}.{'parquet' if of_contract else 'csv'}"
        with whole(path) as unfinished:
            if of_contract:
                pq.write_table(pa.Table.from_pandas(table, preserve_index=False), unfinished)
            else:
                table.to_csv(unfinished, index=False)
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
        """Every column in one piece. The log is empty afterwards, to save memory."""
        return {name: np.concatenate(self._parts.pop(name)) for name in list(self._parts)}


class _Life:
    """The leads open at a midnight, and what has happened up to it.

    Times are microseconds since the start. Arrivals, outcomes (`chance`) and behaviour (`whim`)
    have random generators of their own, so that what leads do does not change their outcomes.
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
        """The day [day, day + 1): moves, calls and closings of open leads, events of all."""
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
        when = day * DAY + office_time(self.chance, len(lead))
        by = self.chance.integers(len(TEXTS["by"]), size=len(lead), dtype=np.int8)
        self.contacts.add(lead_id=lead, contacted_at=when, by=by, accepted=accepted)
        self.opened[lead[accepted]] = when[accepted]

    def _close(self, after: Codes, until: Ints, day: int) -> None:
        """Record the deals closed on the day; their leads do nothing from then on (`until`)."""
        closed = np.flatnonzero(after >= WON)
        lead, won = self.lead[closed], after[closed] == WON
        until[closed] = day * DAY + office_time(self.chance, len(closed))
        self.deals.add(
            lead_id=lead,
            closed_at=until[closed],
            outcome=(~won).astype(np.int8),
            opened_at=self.opened[lead],
            amount=np.where(won, self.people.amount[lead].round(-2), np.nan),
        )

    def _act(self, lead: Ints, intent: Codes, until: Ints, day: int) -> None:
        """The day's sessions: who, when and by which source; then the events within each."""
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

        length = rng.geometric(1 / EVENTS_PER_SESSION, size)
        session = np.repeat(np.arange(size), length)
        first = np.repeat(np.cumsum(length) - length, length)
        elapsed = np.cumsum(rng.exponential(2 * MINUTE, len(session)).astype(np.int64))
        when = begun[session] + elapsed - elapsed[first]
        order = np.argsort(when, kind="stable")
        order = order[when[order] < until[session[order]]]
        session = session[order]
        self._record(lead[session], intent[session], when[order], source[session])

    def _record(self, lead: Ints, intent: Codes, when: Ints, source: Ints) -> None:
        """Record the events, but for those that are recorded after the data end."""
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


def _frame(columns: dict[str, Any], start: pd.Timestamp) -> pd.DataFrame:
    """A table of the contract: ids from 1, microseconds to times, codes to the words of TEXTS."""
    columns["lead_id"] += 1
    for name, column in columns.items():
        if name.endswith("_at"):
            columns[name] = np.datetime64(start, "us") + column.view("timedelta64[us]")
        elif name in TEXTS:
            columns[name] = pd.Categorical.from_codes(column, pd.Index(TEXTS[name]))
    return pd.DataFrame(columns, copy=False)
