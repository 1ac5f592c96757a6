"""The companies of `benchmarks.sources`: their true history, what weekly looks made of it, and when
a true change was followed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.simulator.simulate import START
from features.simulator.world import QualityChange
from models.sources.moves import Counted, MatureLeads, judge_sources
from models.sources.sources import BASKETS, Basket, MoveSettings

HORIZON, DAYS, EVERY = 30, 730, 7
CHANGE_DAYS = (300, 420)  # the changes come in [300, 420)
LEVELS = (0.09, 0.047, 0.024)  # as `readiness init` writes them for the simulated company
MOVES = MoveSettings()
WINDOW = MOVES.window_days


@dataclass(frozen=True)
class Made:
    """A move that was made: by which company and source, on which day, whether it was wrong."""

    company: int
    source: str
    day: int
    to: Basket
    wrong: bool


@dataclass(frozen=True)
class Found:
    """A true change, and after how many days and leads of the source the first move followed it in
    its direction; None where none did."""

    days: int | None
    leads: int | None


def right_basket(conversion: float) -> Basket:
    """Where a conversion belongs."""
    return BASKETS[sum(conversion < level for level in LEVELS)]


class History:
    """Leads, wins and true conversions per day of the first touch and source, as running sums."""

    def __init__(self, truth: pd.DataFrame, leads: pd.DataFrame, won: pd.DataFrame) -> None:
        self.names = list(truth.columns)
        parts = np.stack([leads, won, leads * truth]).astype(float)
        self._sums = np.concatenate([np.zeros_like(parts[:, :1]), parts.cumsum(axis=1)], axis=1)

    def tally(self, name: str, first: int, last: int) -> tuple[MatureLeads, float]:
        """What touched the source in the days [first, last), and its mean true conversion."""
        place = self.names.index(name)
        leads, won, expected = (self._sums[:, last] - self._sums[:, first])[:, place]
        return MatureLeads(int(leads), int(won)), expected / max(leads, 1)

    def baskets(self) -> dict[str, Basket]:
        """Where the sources belong over the first window."""
        return {name: right_basket(self.tally(name, 0, WINDOW)[1]) for name in self.names}


def run(company: int, history: History, days: int, moves: MoveSettings = MOVES) -> list[Made]:
    """Look every week and do what is recommended. Sources begin where they belong."""
    baskets, moved_on, made = history.baskets(), dict[str, date](), list[Made]()
    for day in range(WINDOW + HORIZON, days + 1, EVERY):
        last, on = day - HORIZON, START.date() + timedelta(days=day)
        counts, true = {}, {}
        for name, basket in baskets.items():
            whole, of_whole = history.tally(name, last - WINDOW, last)
            later, of_later = history.tally(name, last - WINDOW // 2, last)
            counts[name] = Counted(basket, whole, later, moved_on.get(name))
            true[name] = {later: of_later, whole: of_whole}
        for name, verdict in judge_sources(counts, LEVELS, moves, on).items():
            if verdict.to:
                wrong = is_wrong(true[name][verdict.seen], baskets[name], verdict.to)
                made.append(Made(company, name, day, verdict.to, wrong))
                baskets[name], moved_on[name] = verdict.to, on
    return made


def is_wrong(true: float, left: Basket, to: Basket) -> bool:
    """Whether the true conversion lies on the wrong side of the boundary crossed."""
    before, after = BASKETS.index(left), BASKETS.index(to)
    boundary = LEVELS[min(before, after)]
    return true < boundary if after < before else true > boundary


def detections(
    truth: pd.DataFrame, leads: pd.DataFrame, changes: Sequence[QualityChange], made: list[Made]
) -> Iterator[Found]:
    """The changes that take a source out of its basket by more than the margin."""
    for change in changes:
        before, after = truth[change.source].iloc[[change.day - 1, change.day + 30]]
        old, new = BASKETS.index(right_basket(before)), BASKETS.index(right_basket(after))
        if old == new:
            continue
        crossed = LEVELS[min(old, new) if new > old else old - 1]
        if abs(after / crossed - 1) <= MOVES.margin:
            continue
        follow = [
            move.day
            for move in made
            if move.source == change.source
            and move.day > change.day
            and (BASKETS.index(move.to) > old) == (new > old)
        ]
        seen = leads[change.source].iloc[change.day : follow[0]].sum() if follow else 0
        yield Found(follow[0] - change.day, int(seen)) if follow else Found(None, None)
