"""How often does the monitor cry wolf, and how soon does it find what is wrong?

    python -m benchmarks.monitoring              # six clean companies, two for each change
    python -m benchmarks.monitoring --seeds 2    # quicker, coarser
    python -m benchmarks.monitoring --first-seed 1

The limits were set by looking at seeds 1 to 6; 101 and on were not looked at before they were set.

Simulated companies are trained on once and then scored and monitored every week. In the clean ones
every red check is a false alarm. In the others something changes on a known day, and the table says
after how many weeks a status is red that names it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.catalog import catalog
from features.config import Config, load
from features.contract.database import LeadDatabase
from features.cutoffs import grid
from features.dataset import labelled
from features.open_database import open_database
from features.simulator.simulate import World, simulate, write
from features.spec.spec import distinct
from features.starter.starter import write_starter
from models.classifier.model import ReadinessModel
from models.decisions.place import LedgerPlace
from models.registry import CHAMPION
from models.rules.rules import load_rules
from serve.ledger.ledger import open_ledger
from serve.reports.monitor.figures import Monitoring, monitor
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from training.fit import fit
from training.search import draw

LEADS, DAYS = 3_000, 540
TRAINED_DAYS, CHANGED_DAYS = 300, 420  # from the start: the last training cutoff, the change
WEEK = timedelta(weeks=1)
FRESH = 101  # the first of the seeds that no limit was set by


def renamed(world: World, when: pd.Timestamp) -> World:
    """A web release gives an action another name."""
    events, action = world.events, world.events["action"].astype(str)
    late = (events["occurred_at"] >= when) & (action == "visited_service_page")
    return replace(world, events=events.assign(action=action.where(~late, "view_service")))


def vanished(world: World, when: pd.Timestamp) -> World:
    """A campaign ends: no more leads from it, and no more events by it."""
    events, leads = world.events, world.leads
    gone = (leads["source"] == "paid_search") & (leads["created_at"] >= when)
    late = (events["source"] == "paid_search") & (events["occurred_at"] >= when)
    late |= events["lead_id"].isin(leads.loc[gone, "lead_id"])
    deals = world.deals[~world.deals["lead_id"].isin(leads.loc[gone, "lead_id"])]
    return replace(world, events=events[~late], leads=leads[~gone], deals=deals)


def doubled(world: World, when: pd.Timestamp) -> World:
    """A tracker is built in twice."""
    late = world.events[world.events["occurred_at"] >= when]
    return replace(world, events=pd.concat([world.events, late], ignore_index=True))


def fewer_wins(world: World, when: pd.Timestamp) -> World:
    """Six in ten of the deals that would have been won are lost."""
    deals = world.deals
    luck = np.random.default_rng(1).random(len(deals)) < 0.6
    lost = luck & (deals["closed_at"] >= when) & (deals["outcome"] == "won")
    outcome = deals["outcome"].astype(str).where(~lost, "lost")
    return replace(world, deals=deals.assign(outcome=outcome))


@dataclass(frozen=True)
class Planted:
    """A change, and how the monitor should tell it: in one of these checks, with this word."""

    name: str
    change: Callable[[World, pd.Timestamp], World]
    checks: tuple[str, ...]
    word: str


PLANTED = (
    Planted("an action renamed", renamed, ("actions",), "view_service"),
    Planted("a source vanished", vanished, ("sources", "arrivals"), "paid_search"),
    Planted("events doubled", doubled, ("doubled",), "repeat"),
    Planted("60% fewer wins", fewer_wins, ("base_rate", "calibration"), ""),
)


def trained(config: Config, database: LeadDatabase, until: datetime) -> ReadinessModel:
    """A model of the cutoffs up to `until`, without search and registry."""
    specs = catalog(config.features, database.actions, database.attributes)
    times = config.time
    cutoffs = times.cutoffs(until)
    past = labelled(database, specs, cutoffs, times.horizon_days, 4)
    settings = draw(1, config.seed)[0]
    return replace(fit(past, specs, settings, times.horizon_days, config.seed), version="1")


def monitored(world: World, weeks: range, from_day: int) -> Iterator[Monitoring]:
    """The company trained once, then scored and monitored `weeks` weeks after a day."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(world, folder)
        write_starter(folder)
        config, start = load(folder), world.leads["created_at"].min().normalize()
        with open_database(config) as database:
            model = trained(config, database, (start + pd.Timedelta(days=TRAINED_DAYS)))
        rules = load_rules(folder / "rules.toml")
        scorer = Scorer(model, rules, config.words)
        models = {CHAMPION: model, "1": model}
        specs = distinct((*model.specs, *rules.specs))
        first = model.trained_until + WEEK * round((from_day - TRAINED_DAYS) / 7)
        with open_database(config, specs) as database, open_ledger(LedgerPlace(folder)) as ledger:
            fair = model.trained_until + timedelta(days=model.horizon_days)
            for cutoff in grid(fair, 14, first - WEEK):
                score_all(config, database, scorer, ledger, cutoff)
            for week in weeks:
                cutoff = first + week * WEEK
                score_all(config, database, scorer, ledger, cutoff)
                yield monitor(config, database, ledger, models, cutoff)


def false_alarms(seeds: range) -> None:
    """Print how often each status is on in companies where nothing changes."""
    red: Counter[str] = Counter()
    amber: Counter[str] = Counter()
    weeks, weeks_red, weeks_amber = 0, 0, 0
    last = (DAYS - TRAINED_DAYS) // 7
    for seed in seeds:
        result = list(monitored(simulate(LEADS, seed), range(2, last), TRAINED_DAYS))
        weeks += len(result)
        weeks_red += sum(bool(each.of("red")) for each in result)
        weeks_amber += sum(each.status == "amber" for each in result)
        print(f"company {seed}: {len(result)} weeks", flush=True)
        for each in result:
            red.update(check.key for check in each.of("red"))
            amber.update(check.key for check in each.of("amber"))
    print(f"\nClean: {len(seeds)} companies of {LEADS:,} leads, {weeks} weeks")
    print(f"weeks with a red check {weeks_red}, with amber at most {weeks_amber}")
    for key in sorted(red.keys() | amber.keys()):
        print(f"  {key:<20} red {red[key]:>3}  amber {amber[key]:>3}")


def planted(seeds: range) -> None:
    """Print after how many weeks each change is told in red and by name."""
    print("\n| what changed | found in | weeks until it is red, by company |\n|---|---|---|")
    for each in PLANTED:
        text, by = [], Counter[str]()
        for seed in seeds:
            world = simulate(LEADS, seed)
            when = world.leads["created_at"].min().normalize() + pd.Timedelta(days=CHANGED_DAYS)
            result = monitored(each.change(world, when), range(1, 17), CHANGED_DAYS)
            hits = ([c.key for c in week.of("red") if _names(c, each)] for week in result)
            week, hit = next(((str(n), hit) for n, hit in enumerate(hits, 1) if hit), ("never", []))
            text.append(week)
            by.update(hit)
        print(f"| {each.name} | {', '.join(by)} | {', '.join(text)} |", flush=True)


def _names(check: object, each: Planted) -> bool:
    return getattr(check, "key", "") in each.checks and each.word in getattr(check, "said", "")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    given = parser.parse_args()
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    planted(seeds[: max(1, len(seeds) // 3)])
    false_alarms(seeds)


if __name__ == "__main__":
    main()
