"""Does the effect of the list hold the truth, and would a list by effect be another one?

    .venv/bin/python -m benchmarks.effects [COMPANIES] [--write]

Each simulated company makes lists for half a year by the product's own router with a
holdout, and its draws are read by the product's own `effect`. The chance of every lead to be won
within the horizon, called and not called, is known. Three kinds of companies: a call changes
nothing; it multiplies the odds of every lead alike; it helps the leads in the middle most, since
the readiest are won anyway.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit
from scipy.stats import binom

from benchmarks.measure import HOME
from benchmarks.page import put
from features.config import Routing
from models.effects.effect import Effect, effect, effect_by_thirds, order_by_effect
from models.effects.power import leads_needed
from models.routing import Router

COMPANIES, SEED, SHOWN_EVERY = 200, 15, 20
START, HORIZON = datetime(2026, 1, 5), 28
WEEKS, LATER, EVERY = 26, 8, 2  # lists that are measured, lists after them; weeks between two
STOCK, ARRIVALS, LOST = 800, 300, 0.2  # leads at first, new ones and share lost from list to list
MEAN, SPREAD, STEADY = -2.0, 1.0, 0.7  # of the log-odds of being won uncalled, within the horizon
BLUR = 0.3  # by how much the model's log-odds miss the true ones (standard deviation)
PLACES, HOLDOUT = 180, 0.2
READINESS, TRUTH, THIRDS, WHERE_SEEN, LOT = "readiness", "truth", "thirds", "where seen", "lot"
GROUPS = ("all", "readiest third", "middle third", "last third")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Kind:
    """A kind of company: what a call adds to the log-odds of a lead, by its log-odds uncalled."""

    name: str
    adds: Callable[[Floats], Floats]

    def gain(self, log_odds: Floats) -> Floats:
        """What a call adds to the chance of being won."""
        gain: Floats = expit(log_odds + self.adds(log_odds)) - expit(log_odds)
        return gain


KINDS = (
    Kind("nothing", lambda x: 0.0 * x),
    Kind("odds of all x 1.6", lambda x: np.full_like(x, np.log(1.6))),
    Kind("the middle most", lambda x: 1.2 * np.exp(-0.5 * ((x + 1.5) / 0.5) ** 2)),
)


@dataclass(frozen=True)
class Company:
    """first: the leads at their first place, of all lists: log_odds (of being won uncalled),
    readiness, holdout, cutoff, week; last: log_odds and readiness of all leads open at the last
    list."""

    first: pd.DataFrame
    last: pd.DataFrame

    def outcomes(self, kind: Kind, rng: np.random.Generator) -> pd.DataFrame:
        """The first places with gain, what a call adds to the chance of each, and won."""
        log_odds = self.first["log_odds"].to_numpy()
        gain = kind.gain(log_odds)
        chance = expit(log_odds) + np.where(self.first["holdout"], 0.0, gain)
        won = (rng.random(len(gain)) < chance).astype(int)
        return self.first.assign(gain=gain, won=won)


def company(number: int) -> Company:
    """Lists of leads that come, change and leave, each at the latest a horizon after its first
    place: so the lists are the same whatever a call changes."""
    rng = np.random.default_rng([SEED, number])
    leads, first = _newcomers(rng, 0, STOCK), []
    for week in range(0, WEEKS + LATER, EVERY):
        cutoff = START + timedelta(weeks=week)
        leads["readiness"] = expit(leads["log_odds"] + leads["blur"])
        places = _first_places(leads, cutoff)
        first.append(places[["log_odds", "readiness", "holdout"]].assign(cutoff=cutoff, week=week))
        last = leads[["log_odds", "readiness"]]
        leads.loc[places.index, "first_listed"] = cutoff
        leads.loc[places.index, "held_back"] = places["holdout"]
        later = _changed(rng, leads, cutoff)
        leads = pd.concat([later, _newcomers(rng, week + EVERY, ARRIVALS)], ignore_index=True)
    return Company(pd.concat(first, ignore_index=True), last)


def _first_places(leads: pd.DataFrame, cutoff: datetime) -> pd.DataFrame:
    """The leads that have a place for the first time, with their draw (holdout), by the router."""
    router = Router(PLACES, cutoff, Routing(holdout=HOLDOUT), horizon_days=HORIZON)
    routed = router.route(leads).set_index("lead_id")["holdout"].loc[leads["lead_id"]]
    in_draw = routed.notna().to_numpy() & leads["first_listed"].isna().to_numpy()
    return leads[in_draw].assign(holdout=routed[in_draw].to_numpy(bool))


def _newcomers(rng: np.random.Generator, week: int, count: int) -> pd.DataFrame:
    """New leads as the router takes them, with their hidden log-odds."""
    rows = range(count)
    return pd.DataFrame(
        {
            "lead_id": [f"{week}-{row}" for row in rows],
            "log_odds": rng.normal(MEAN, SPREAD, count),
            "blur": rng.normal(0, BLUR, count),
            "state": "scored",
            "state_reason": None,
            "rule_score": 1.0,
            "disqualified": None,
            "amount": np.nan,
            "basket": None,
            "contact_within_hours": np.nan,
            "is_new": True,
            "first_listed": pd.Series(pd.NaT, rows, "datetime64[us]"),
            "held_back": pd.Series(None, rows, object),
        }
    )


def _changed(rng: np.random.Generator, leads: pd.DataFrame, cutoff: datetime) -> pd.DataFrame:
    """Those that are still open at the next list, as they are then."""
    log_odds = leads["log_odds"].to_numpy()
    moved = MEAN + STEADY * (log_odds - MEAN)
    moved += rng.normal(0, SPREAD * np.sqrt(1 - STEADY**2), len(leads))
    over = leads["first_listed"] + timedelta(days=HORIZON) <= cutoff + timedelta(weeks=EVERY)
    later: pd.DataFrame = leads.assign(log_odds=moved)[~over & (rng.random(len(leads)) >= LOST)]
    return later


def groups(draws: pd.DataFrame) -> list[Effect]:
    """The product's figures: of all, then the readiest third, the middle, the last."""
    return [effect(draws), *effect_by_thirds(draws)]


def true_effects(draws: pd.DataFrame) -> list[float]:
    """What the call truly adds, in the same groups: the gains of the called through the very
    weights and thirds of the estimator."""
    gains = draws.assign(won=np.where(draws["holdout"], 0.0, draws["gain"]))
    return [each.difference.point for each in groups(gains)]


@dataclass(frozen=True)
class Measured:
    """Of one company. truth, estimates: by GROUPS; in_common, open_gain: of the lists of all open
    leads at capacity; seen: whether a third differs from the readiest one beyond chance; gain:
    extra wins per 100 calls of half of those who come to the list later, by the order."""

    draws: pd.DataFrame
    truth: list[float]
    estimates: list[Effect]
    in_common: float
    open_gain: dict[str, float]
    seen: bool
    gain: dict[str, float]
    gap: float


def measure(result: Company, kind: Kind, rng: np.random.Generator) -> Measured:
    """One company of a kind, by the product's estimator."""
    first = result.outcomes(kind, rng)
    open_now = result.last.assign(gain=kind.gain(result.last["log_odds"].to_numpy()))
    draws, later = (first[side] for side in (first["week"] < WEEKS, first["week"] >= WEEKS))
    truth, estimates = true_effects(draws), groups(draws)
    seen = bool(order_by_effect(estimates[1:]))
    by_thirds = _by_thirds(draws, estimates[1:], later["readiness"])
    orders = {
        READINESS: later["readiness"],
        TRUTH: later["gain"],
        THIRDS: by_thirds,
        WHERE_SEEN: by_thirds if seen else later["readiness"],
        LOT: pd.Series(0.0, later.index),
    }
    of_open = {READINESS: open_now["readiness"], TRUTH: open_now["gain"]}
    lists = [set(order.nlargest(PLACES).index) for order in of_open.values()]
    return Measured(
        draws=draws,
        truth=truth,
        estimates=estimates,
        in_common=len(lists[0] & lists[1]) / PLACES,
        open_gain=_gains(of_open, open_now["gain"], PLACES),
        seen=seen,
        gain=_gains(orders, later["gain"], len(later) // 2),
        gap=max(truth[1:]) - truth[1],
    )


def _by_thirds(draws: pd.DataFrame, thirds: list[Effect], readiness: pd.Series) -> pd.Series:
    """Leads by the estimated effect of their third, within it by readiness."""
    bounds = draws["readiness"].quantile([1 / 3, 2 / 3])
    effects = np.array([each.difference.point for each in reversed(thirds)])
    order = np.argsort(np.argsort(effects))
    return readiness + order[np.searchsorted(bounds, readiness)]


def _gains(orders: dict[str, pd.Series], gain: pd.Series, calls: int) -> dict[str, float]:
    """Extra wins per 100 calls of the first `calls` leads of each order; the mean where it ties all
    leads."""
    return {
        name: 100 * (gain[order.nlargest(calls).index] if order.any() else gain).mean()
        for name, order in orders.items()
    }


def section(results: dict[str, list[Measured]]) -> str:
    """The tables as Markdown; results by kind."""
    companies = len(results[KINDS[0].name])
    leads = np.mean([len(each.draws) for rows in results.values() for each in rows])
    places = f"a list of {PLACES} every {EVERY} weeks, {HOLDOUT:.0%} held back, {WEEKS} weeks"
    held = "\n".join(line for name, rows in results.items() for line in _held(name, rows))
    power = "\n".join(
        line
        for name, rows in results.items()
        if name != KINDS[0].name
        for line in _power(name, rows)
    )
    listed = "\n".join(_open(name, rows) for name, rows in results.items() if rows[0].truth[0])
    later = "\n".join(_later(name, rows) for name, rows in results.items())
    where_seen = "\n".join(_where_seen(name, rows) for name, rows in results.items())
    return f"""## On companies whose effect is known

{companies} simulated companies, {places}: {leads:,.0f} leads in
the draw of one. A call changes nothing; or multiplies the odds of every lead by 1.6; or helps
those in the middle most.
Shares and effects in percent and percentage points.

| a call changes | leads | true effect | mean estimate | interval holds it | truth above | below |
|---|---|---:|---:|---:|---:|---:|
{held}

Of {companies} companies 95% are counted as {_by_chance(companies)} by chance alone.

How often it is seen, said beforehand: `leads_needed` of the true figures, for four times in
five. Counted are so many of the draw, or all where it has fewer: by lot, or the first ones. The
first lists are of the stock and so readier than later ones, and a call changes more or less there.

| a call changes | leads | leads needed | in the draw | leads counted | seen, by lot | the first |
|---|---|---:|---:|---:|---:|---:|
{power}

The list by effect and the list by readiness, of all open leads, at capacity:

| a call changes | in common | extra wins per 100 calls: by readiness | by the true effect |
|---|---:|---:|---:|
{listed}

Of the leads that come to the list in the {LATER} weeks after, half are called: extra wins per 100
calls, by thirds also minus by readiness with its 95% interval over companies:

| a call changes | by lot | by readiness | by the true effect | by thirds | minus by readiness |
|---|---:|---:|---:|---:|---:|
{later}

The same where the order by thirds is taken only if a third has a larger effect than the readiest,
beyond chance:

| a call changes | leads needed | seen | extra wins per 100 calls |
|---|---:|---:|---:|
{where_seen}
"""


def _held(name: str, rows: list[Measured]) -> Iterator[str]:
    for place, group in enumerate(GROUPS):
        truth = np.array([each.truth[place] for each in rows])
        gaps = [each.estimates[place].difference for each in rows]
        point, low, high = np.array(gaps).T
        known = ~np.isnan(low)
        above, below = (truth > high)[known].mean(), (truth < low)[known].mean()
        held = f"{1 - above - below:.1%}" + ("" if known.all() else f" of {known.sum()}")
        yield (
            f"| {name} | {group} | {100 * truth.mean():+.1f} | {100 * point.mean():+.1f} | {held} "
            f"| {above:.1%} | {below:.1%} |"
        )


def _power(name: str, rows: list[Measured]) -> Iterator[str]:
    for place, group in enumerate(GROUPS):
        called = float(np.mean([each.estimates[place].called.share.point for each in rows]))
        gain = float(np.mean([each.truth[place] for each in rows]))
        needed = leads_needed(called, gain, HOLDOUT)
        assert needed is not None  # so much can be, for so much it is
        share = 3 if place else 1  # of the whole draw
        has = min(len(each.draws) for each in rows)
        count = min(needed * share, has)
        by_lot = [each.draws.sample(count, random_state=SEED).sort_index() for each in rows]
        seen = [
            np.mean([groups(draws)[place].difference.low > 0 for draws in chosen])
            for chosen in (by_lot, [each.draws.iloc[:count] for each in rows])
        ]
        counts = " | ".join(f"{each:,}" for each in (needed, has // share, count // share))
        yield f"| {name} | {group} | {counts} | {seen[0]:.1%} | {seen[1]:.1%} |"


def _open(name: str, rows: list[Measured]) -> str:
    gains = " | ".join(f"{np.mean([e.open_gain[o] for e in rows]):.1f}" for o in (READINESS, TRUTH))
    return f"| {name} | {np.mean([each.in_common for each in rows]):.1%} | {gains} |"


def _later(name: str, rows: list[Measured]) -> str:
    gain = {order: np.array([each.gain[order] for each in rows]) for order in rows[0].gain}
    means = [f"{gain[order].mean():.2f}" for order in (LOT, READINESS, TRUTH, THIRDS)]
    more = gain[THIRDS] - gain[READINESS]
    half = 1.96 * more.std(ddof=1) / np.sqrt(len(more))
    difference = f"{more.mean():+.2f} ({more.mean() - half:+.2f} to {more.mean() + half:+.2f})"
    return f"| {name} | {' | '.join([*means, difference])} |"


def _where_seen(name: str, rows: list[Measured]) -> str:
    gap = float(np.mean([each.gap for each in rows]))
    called = float(np.mean([each.estimates[0].called.share.point for each in rows]))
    # Two thirds of the draw, and the variance of two effects: six times the leads of one.
    needed = leads_needed(called, gap, HOLDOUT) if gap else None
    seen = np.mean([each.seen for each in rows])
    gain = np.mean([each.gain[WHERE_SEEN] for each in rows])
    return f"| {name} | {f'{6 * needed:,}' if needed else '-'} | {seen:.1%} | {gain:.2f} |"


def _by_chance(companies: int) -> str:
    low, high = binom.interval(0.95, companies, 0.95) / np.array(companies)
    return f"{low:.1%} to {high:.1%}"


def main(arguments: list[str]) -> None:
    """Print the tables, those of the companies so far now and then; with --write put the last ones
    into docs/effect.md."""
    numbers = [each for each in arguments if each != "--write"]
    results: dict[str, list[Measured]] = {kind.name: [] for kind in KINDS}
    companies = int(numbers[0]) if numbers else COMPANIES
    for number in range(companies):
        made = company(number)
        for place, kind in enumerate(KINDS):
            rng = np.random.default_rng([SEED, number, place])
            results[kind.name].append(measure(made, kind, rng))
        if (number + 1) % SHOWN_EVERY == 0 or number + 1 == companies:
            print(section(results), flush=True)
    if "--write" in arguments:
        command = " ".join(["python -m benchmarks.effects", *numbers])
        put(HOME / "docs" / "effect.md", section(results), command)


if __name__ == "__main__":
    main(sys.argv[1:])
