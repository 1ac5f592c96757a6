"""The law of the simulated world: who arrives, how intent moves, and the chance of a win.

A lead is a Markov chain in steps of one day. Its rates depend on its class (source and hidden
fit), on whether sales has accepted it, and on the weekday, and on nothing else: so the chance of
a win within any number of days follows exactly, by a recursion backwards over the days.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import BadInput

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

MINUTE, HOUR, DAY = 60_000_000, 3_600_000_000, 86_400_000_000  # in microseconds

# Share of new leads, and quality, by source, the best first. Quality multiplies every rise of
# intent.
SOURCES = {
    "partner": (0.08, 2.4),
    "referral": (0.10, 1.8),
    "trade_fair": (0.10, 1.35),
    "organic": (0.26, 1.0),
    "paid_search": (0.20, 0.72),
    "newsletter": (0.12, 0.5),
    "social": (0.14, 0.3),
}
# How well the lead fits what is sold: share and quality. Hidden; attributes hint at it, weakly.
FITS = {"poor": (0.45, 0.45), "fair": (0.4, 1.1), "strong": (0.15, 2.2)}

INTENTS = ("quiet", "browsing", "researching", "ready", "postponed")
# A code is an intent, + WORKED once sales has accepted the lead; two more codes end the chain.
WORKED = len(INTENTS)
WON, LOST = 2 * WORKED, 2 * WORKED + 1
OUTCOMES = (*INTENTS, "won", "lost")
INITIAL = (0.25, 0.60, 0.13, 0.02, 0.0)

# Chances per day. Rises are multiplied by the lead's quality, wins and losses by the day's pace.
RISES = {
    ("quiet", "browsing"): 0.016,
    ("browsing", "researching"): 0.028,
    ("researching", "ready"): 0.035,
}
FADES = {
    ("browsing", "quiet"): 0.070,
    ("researching", "browsing"): 0.035,
    ("researching", "quiet"): 0.020,
    ("ready", "researching"): 0.020,
    ("ready", "postponed"): 0.025,
    ("postponed", "ready"): 0.016,
    ("postponed", "quiet"): 0.004,
}
WINS = {("ready", "won"): 0.035}
LOSSES = {
    ("quiet", "lost"): 0.014,
    ("browsing", "lost"): 0.005,
    ("researching", "lost"): 0.005,
    ("ready", "lost"): 0.012,
    ("postponed", "lost"): 0.004,
}
WORKED_RISE, WORKED_WIN = 1.5, 2.0
MOST_QUALITY = 5.0  # of a source, so that no day's chances sum to more than 1
WEEKEND_PACE = 0.2

# Sales calls on weekdays only, and only so many leads: CALLS_PER_LEAD over the whole period, spread
# evenly. Calls go at random, by weight, to leads not yet accepted, since intent shows.
CALLS_PER_LEAD = 0.6
CALL_WEIGHT = np.array([0.3, 1.0, 3.0, 6.0, 1.5] + [0.0] * WORKED)
ACCEPTED = np.array([0.1, 0.3, 0.7, 0.95, 0.5] + [0.0] * WORKED)

# Explicit attributes: values with their shares in leads of poor and of strong fit, not far apart.
ATTRIBUTES = {
    "industry": {"machines": (24, 30), "health": (16, 20), "retail": (34, 26), "public": (26, 24)},
    "company_size": {"1-9": (34, 25), "10-49": (30, 30), "50-249": (22, 26), "250+": (14, 19)},
    "country": {"DE": (50, 54), "AT": (20, 20), "CH": (18, 16), "NL": (12, 10)},
}
TYPICAL_AMOUNT = np.array([4_000.0, 9_000.0, 20_000.0, 45_000.0])  # by company_size
ARRIVALS_AT_WEEKEND = 0.4
# Weights of the 24 hours of a day, from 0:00.
MORNING = [1, 1, 1, 1, 1, 2, 5, 12, 25, 34, 36, 32]
HOURS = [*MORNING, 22, 28, 34, 33, 28, 20, 12, 10, 9, 8, 5, 2]
ACTIVITY_SPREAD = 1.0  # of the logarithm; the mean activity is 1
OWLS, OFFLINE = 0.08, 0.15  # shares of leads; see People

_shares, _qualities = (np.array(column) for column in zip(*SOURCES.values(), strict=True))
_fit_shares, _fit_qualities = (np.array(column) for column in zip(*FITS.values(), strict=True))
# A class is source * len(FITS) + fit.
CLASS_SHARE: Floats = np.outer(_shares, _fit_shares).ravel()
CLASS_QUALITY: Floats = np.outer(_qualities, _fit_qualities).ravel()


def draw(rng: np.random.Generator, cumulative: Floats, size: int) -> Ints:
    """Random indexes, by their cumulative shares; `cumulative` ends at 1, up to rounding."""
    return np.searchsorted(cumulative[:-1], rng.random(size), side="right")


def cumulated(weights: npt.ArrayLike) -> Floats:
    """Cumulative shares along the last axis, ending at 1."""
    shares: Floats = np.cumsum(weights, axis=-1)
    return shares / shares[..., -1:]


OFFICE_HOURS = 9, 18  # sales call and close deals within [9:00, 18:00)


def time_of_day(rng: np.random.Generator, size: int) -> Ints:
    """Microseconds since midnight, distributed as HOURS."""
    return draw(rng, cumulated(HOURS), size) * HOUR + rng.integers(HOUR, size=size)


@dataclass(frozen=True)
class QualityChange:
    """From midnight of `day` (counted from 0) on, new leads of the source have this quality.

    Leads that arrived before keep theirs. Raises BadInput for an unknown source, a day before 0, or
    a quality outside (0, MOST_QUALITY].
    """

    source: str
    day: int
    quality: float

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise BadInput(f"no source {self.source!r}: there are {', '.join(SOURCES)}.")
        if self.day < 0 or not 0 < self.quality <= MOST_QUALITY:
            raise BadInput(
                f"{self}: give a day from 0 on, and a quality above 0, {MOST_QUALITY} at most."
            )


def _moves(pace: float, class_quality: Floats) -> Floats:
    """(class, code, code): chance of each move in one day, before sales accepts leads."""
    moves = np.zeros((len(class_quality), LOST + 1, LOST + 1))

    def put(rates: dict[tuple[str, str], float], scale: float | Floats, worked: int) -> None:
        for (before, after), rate in rates.items():
            to = OUTCOMES.index(after)
            column = to + WORKED if to >= WORKED else to + worked
            moves[:, INTENTS.index(before) + worked, column] = rate * scale

    for worked, rise, win in ((0, 1.0, 1.0), (WORKED, WORKED_RISE, WORKED_WIN)):
        put(RISES, class_quality * rise, worked)
        put(FADES, 1.0, worked)
        put(WINS, pace * win, worked)
        put(LOSSES, pace, worked)
    diagonal = np.arange(LOST + 1)
    moves[:, diagonal, diagonal] = 1 - moves.sum(axis=2)
    return moves


def _taken_up(moves: Floats) -> Floats:
    """The same moves of leads that sales accepts on that day, where they stay open."""
    shifted = moves.copy()
    shifted[:, :WORKED, :WORKED] = 0
    shifted[:, :WORKED, WORKED:WON] = moves[:, :WORKED, :WORKED]
    return shifted


class Law:
    """Transition chances of every day in [0, days) counted from `start`, and beyond.

    Sales' limited capacity makes leads depend on each other. Here they depend on the expected
    number of leads in each state, not on the simulated one: each day's call rate is fixed in
    advance, and the leads' chains are independent. Beyond `days` the last week's rates repeat.
    """

    def __init__(
        self, start: pd.Timestamp, days: int, changes: Sequence[QualityChange] = ()
    ) -> None:
        self.days = days
        self.weekend: Bools = (start.day_of_week + np.arange(days)) % 7 >= 5
        self.changes = sorted(changes, key=lambda change: change.day)
        changed = [np.multiply(change.quality, _fit_qualities) for change in self.changes]
        quality = np.concatenate([CLASS_QUALITY, *changed])
        self._moves = _moves(1.0, quality), _moves(WEEKEND_PACE, quality)
        self._taken_up = _taken_up(self._moves[0]), _taken_up(self._moves[1])
        chances = [moves * (1 - np.eye(LOST + 1)) for moves in self._moves]
        self._leaving = [c.reshape(-1, LOST + 1).cumsum(axis=1) for c in chances]
        self.arrivals: Floats = np.where(self.weekend, ARRIVALS_AT_WEEKEND, 1.0)
        self.arrivals /= self.arrivals.sum()
        self.call_rate = self._planned_calls()

    def _planned_calls(self) -> Floats:
        """Calls per unit of CALL_WEIGHT on each day: capacity over the expected weight waiting."""
        capacity = CALLS_PER_LEAD / max(1, (~self.weekend).sum())
        before = np.arange(len(CLASS_SHARE))
        newcomers = np.zeros((len(self._moves[0]), LOST + 1))
        expected = np.zeros_like(newcomers)
        rate = np.zeros(self.days)
        for day in range(self.days):
            waiting = expected[:, :WON].sum(axis=0) @ CALL_WEIGHT
            if not self.weekend[day] and waiting > 0:
                rate[day] = min(capacity / waiting, 1 / CALL_WEIGHT.max())
            moved = (expected[:, None, :] @ self._matrix(day, rate[day]))[:, 0]
            newcomers[:, :WORKED] = 0
            newcomers[self.classes_on(day, before), :WORKED] = np.outer(CLASS_SHARE, INITIAL)
            expected = moved + newcomers * self.arrivals[day]
        return rate

    def classes_on(self, day: int | Ints, classes: Ints) -> Ints:
        """The classes of leads that arrive on `day`, with the changes applied to `classes`: the
        n-th change has classes of its own, one per fit, after those of SOURCES."""
        after = classes
        for number, change in enumerate(self.changes, start=len(SOURCES)):
            fits, own = classes % len(FITS), list(SOURCES).index(change.source)
            changed = (classes // len(FITS) == own) & (np.asarray(day) >= change.day)
            after = np.where(changed, number * len(FITS) + fits, after)
        return after

    def _matrix(self, day: int, call_rate: float) -> Floats:
        taken = np.zeros((LOST + 1, 1))
        taken[:WON, 0] = call_rate * CALL_WEIGHT * ACCEPTED
        kind = int(self.weekend[day])
        return self._moves[kind] * (1 - taken) + self._taken_up[kind] * taken

    def _known_day(self, day: int) -> int:
        return day if day < self.days else self.days - 7 + (day - self.days) % 7

    def step(
        self, rng: np.random.Generator, classes: Ints, codes: Codes, day: int
    ) -> tuple[Codes, Bools, Bools]:
        """One day of open leads: the codes at its end, who was called, and who was accepted."""
        day = self._known_day(day)
        leaving = self._leaving[int(self.weekend[day])]
        rows = classes * (LOST + 1) + codes
        luck = rng.random(len(codes))
        movers = np.flatnonzero(luck < leaving[rows, -1])
        after = codes.copy()
        after[movers] = (luck[movers, None] >= leaving[rows[movers]]).sum(axis=1)
        called = rng.random(len(codes)) < self.call_rate[day] * CALL_WEIGHT[codes]
        called &= after < WON
        accepted = called & (rng.random(len(codes)) < ACCEPTED[codes])
        after[accepted] += WORKED
        return after, called, accepted

    def win_probability(self, day: int, horizon: int) -> Floats:
        """(class, code): chance of a win in the days [day, day + horizon), exactly."""
        chance = np.zeros((len(self._moves[0]), LOST + 1, 1))
        chance[:, WON] = 1
        for later in reversed(range(day, day + horizon)):
            known = self._known_day(later)
            chance = self._matrix(known, self.call_rate[known]) @ chance
        return chance[:, :, 0]


@dataclass(frozen=True)
class People:
    """Leads in order of creation: n values each. Attributes are numbers of their values."""

    created: Ints  # microseconds since the start
    classes: Ints
    source: Ints
    intent: Codes
    attributes: dict[str, Ints]
    amount: Floats
    activity: Floats
    owl: Bools  # active at night
    offline: Bools  # entered by hand, from a card or a list: no session marks the creation


def people(rng: np.random.Generator, law: Law, leads: int) -> People:
    """Random leads, whose fit shows weakly in their attributes."""
    day = draw(rng, law.arrivals.cumsum(), leads)
    classes = draw(rng, CLASS_SHARE.cumsum(), leads)
    strength = classes[:, None] % len(FITS) / (len(FITS) - 1)
    attributes = {}
    for name, values in ATTRIBUTES.items():
        poor, strong = np.array(list(values.values())).T / 100
        chances = (poor + strength * (strong - poor)).cumsum(axis=1)
        attributes[name] = (rng.random((leads, 1)) >= chances[:, :-1]).sum(axis=1)
    created = np.sort(day * DAY + time_of_day(rng, leads))
    return People(
        created=created,
        classes=law.classes_on(created // DAY, classes),
        source=classes // len(FITS),
        intent=draw(rng, np.cumsum(INITIAL), leads).astype(np.int8),
        attributes=attributes,
        amount=TYPICAL_AMOUNT[attributes["company_size"]] * rng.lognormal(0.0, 0.6, leads),
        activity=rng.lognormal(-(ACTIVITY_SPREAD**2) / 2, ACTIVITY_SPREAD, leads),
        owl=rng.random(leads) < OWLS,
        offline=rng.random(leads) < OFFLINE,
    )
