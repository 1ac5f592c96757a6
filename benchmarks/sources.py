"""How soon a true change of a source is found, and how often a source is moved wrongly.

    .venv/bin/python -m benchmarks.sources [--first-seed SEED]

The moves settings were set by looking at companies 0 to 79; those from 100 on were not looked at
before they were set.

In simulated companies the quality of two of the seven sources changes on a known day. Every week
`readiness sources` looks, and what it recommends is done. A move is wrong where the true
conversion over the leads that it was read from lies on the wrong side of the boundary crossed. True
conversions are exact (World.true_conversion). Most companies are drawn at the level of leads and
outcomes, straight from that truth; a few are whole databases, moved as `--apply` does.
"""

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.source_companies import (
    CHANGE_DAYS,
    DAYS,
    EVERY,
    HORIZON,
    LEVELS,
    MOVES,
    WINDOW,
    Found,
    History,
    Made,
    detections,
    is_wrong,
    run,
)
from features.config import load
from features.open_database import open_database
from features.simulator.simulate import START, simulate, write
from features.simulator.truth import conversion
from features.simulator.world import SOURCES, Law, QualityChange
from models.sources.sources import BASKETS, Basket, Move, MoveSettings, load_sources
from serve.reports.sources.figures import Review, apply_moves, review, sources_path

Floats = npt.NDArray[np.float64]
OLIST, OLIST_CUTOFF = Path(__file__).parent.parent / "examples" / "olist", datetime(2018, 8, 1)
COMPANIES = 40
FRESH = 100  # the first of the companies that no setting was chosen by
WHOLE, WHOLE_LEADS = 3, 27_000
NAIVE = MoveSettings(probability=0.95, margin=0.0)  # what many would begin with
LEADS_PER_WEEK = (65, 260, 1000)  # of the whole company; 65 are 5,000 leads in 540 days
SETTINGS = """
[tables]
events = "events.parquet"
leads = "leads.parquet"
deals = "deals.parquet"
[time]
first_cutoff = 2024-03-04
[capacity]
share = 0.1
"""


@dataclass
class Tallied:
    """What was seen over all companies of one kind."""

    made: list[Made]
    detected: list[Found]
    source_years: float

    def row(self, name: str) -> str:
        """A line of the table."""
        wrong = [move for move in self.made if move.wrong]
        share = len(wrong) / max(1, len(self.made))
        days = _quantiles([result.days for result in self.detected])
        leads = _quantiles([result.leads for result in self.detected])
        followed = sum(result.days is not None for result in self.detected)
        return (
            f"| {name} | {self.source_years:,.0f} | {len(self.made):,} | {len(wrong):,} "
            f"({share:.1%}) | {len(wrong) / self.source_years:.2%} | "
            f"{f'{followed} of {len(self.detected)}' if self.detected else '-'} "
            f"| {days} | {leads} |"
        )


def _quantiles(values: Sequence[int | None]) -> str:
    """Median and 80% quantile; those not found stand at the end."""
    if not values:
        return "-"
    ordered = sorted(float("inf") if value is None else value for value in values)
    parts = [ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.8)]
    return " / ".join("not found" if np.isinf(part) else f"{part:,.0f}" for part in parts)


def changes_of(company: int) -> list[QualityChange]:
    """Two sources, each with a quarter or four times its quality from a day on (5 at most)."""
    rng = np.random.default_rng([company, 1])
    chosen = rng.choice(list(SOURCES), 2, replace=False)
    result = []
    for source in chosen.tolist():
        quality = SOURCES[source][1]
        times = 4.0 if quality < 0.8 or (quality < 1.5 and rng.random() < 0.5) else 0.25
        day = int(rng.integers(*CHANGE_DAYS))
        result.append(QualityChange(source, day, min(quality * times, 5.0)))
    return result


def simulated_companies(companies: range) -> dict[str, Tallied]:
    """Companies of each size, drawn from the truth; the same truth for every size."""
    result = {f"{size:,} leads a week": Tallied([], [], 0.0) for size in LEADS_PER_WEEK}
    for company in companies:
        changes = changes_of(company)
        law = Law(START, DAYS, changes)
        truth = conversion(law, START, HORIZON)
        shares = np.array([share for share, _ in SOURCES.values()])
        for size, tallied in zip(LEADS_PER_WEEK, result.values(), strict=True):
            rng = np.random.default_rng([company, size])
            per_day = np.outer(law.arrivals * DAYS * size / 7, shares)
            _tally(tallied, company, truth, per_day, rng, changes)
    return result


def _tally(
    tallied: Tallied,
    company: int,
    truth: pd.DataFrame,
    per_day: Floats,
    rng: np.random.Generator,
    changes: Sequence[QualityChange],
    moves: MoveSettings = MOVES,
) -> None:
    leads = truth.copy()
    leads[:] = rng.poisson(per_day)
    won = truth.copy()
    won[:] = rng.binomial(leads.to_numpy(int), truth.to_numpy())
    made = run(company, History(truth, leads, won), len(truth), moves)
    tallied.made += made
    tallied.detected += detections(truth, leads, changes, made)
    tallied.source_years += truth.shape[1] * (len(truth) - WINDOW - HORIZON) / 365


def at_the_boundary(companies: range, moves: MoveSettings, name: str) -> dict[str, Tallied]:
    """The hardest case: six sources for ever a thousandth on their own side of a boundary."""
    values = {
        f"{side} {level}": level * (0.999 if side == "below" else 1.001)
        for level in LEVELS
        for side in ("below", "above")
    }
    truth = pd.DataFrame(values, index=range(DAYS))
    result = {}
    for per_source in (5, 20, 100):
        tallied = Tallied([], [], 0.0)
        per_day = np.full(truth.shape, per_source / 7)
        for company in companies:
            rng = np.random.default_rng([company, per_source])
            _tally(tallied, company, truth, per_day, rng, [], moves)
        result[f"{name}, {per_source} leads a week each"] = tallied
    return result


def whole_databases(companies: range) -> dict[str, Tallied]:
    """Whole simulated databases, looked at and moved as the command does, by its files."""
    tallied = Tallied([], [], 0.0)
    for company in companies:
        changes = changes_of(company)
        world = simulate(WHOLE_LEADS, company, DAYS, changes=changes)
        truth = world.true_conversion(HORIZON)
        created = (world.leads["created_at"].dt.normalize(), world.leads["source"])
        leads = pd.crosstab(*created).reindex(index=truth.index, columns=truth.columns)
        leads = leads.fillna(0).rename_axis(None)
        history = History(truth, leads, leads * 0)
        with tempfile.TemporaryDirectory() as folder:
            write(world, Path(folder))
            moves = _by_the_command(Path(folder), history.baskets())
        made = [_judged(company, move, history) for move in moves]
        tallied.made += made
        tallied.detected += detections(truth, leads, changes, made)
        tallied.source_years += truth.shape[1] * (DAYS - WINDOW - HORIZON) / 365
    size = f"{WHOLE_LEADS * 7 / DAYS:,.0f} leads a week"
    return {f"{len(companies)} whole databases, {size}": tallied}


def _by_the_command(folder: Path, baskets: Mapping[str, Basket]) -> list[Move]:
    """The moves that `readiness sources --apply` writes, run every week."""
    (folder / "readiness.toml").write_text(SETTINGS)
    levels = [f"at_least = {level}\n" for level in LEVELS] + [""]
    parts = [
        f"[baskets.{basket}]\n{level}contact_within_hours = 24\n"
        for basket, level in zip(BASKETS, levels, strict=True)
    ]
    parts += [
        f'[[source]]\nname = "{name}"\nbrought_by = "{name}"\nbasket = "{basket}"\n'
        for name, basket in baskets.items()
    ]
    (folder / "sources.toml").write_text("".join(parts))
    config = load(folder)
    with open_database(config) as database:
        for day in range(WINDOW + HORIZON, DAYS, EVERY):
            known = load_sources(sources_path(config))
            cutoff = START.to_pydatetime() + timedelta(days=day)
            apply_moves(config, review(config, database, known, cutoff))
    return load_sources(sources_path(config)).file.move


def _judged(company: int, move: Move, history: History) -> Made:
    """Whether a move was right over the leads that it was read from."""
    day = (move.on - START.date()).days
    last = day - HORIZON
    spans = (history.tally(move.source, last - span, last) for span in (WINDOW, WINDOW // 2))
    (true,) = (true for tally, true in spans if tally.leads == move.leads)
    return Made(company, move.source, day, move.to, is_wrong(true, move.left, move.to))


TEXT = """\
## Source baskets: how soon a true change is found, how often a source moves wrongly

Printed by `python -m benchmarks.sources`, with the moves settings that `readiness init` writes. In
companies of two years, two of seven sources become worth a quarter, or four times as much, on a
known day; `readiness sources --apply` is run every week. Nobody looked at these companies while the
settings were chosen. Wrong: the true conversion over the leads
that the move was read from lies on the wrong side of the boundary crossed. True change: one that
takes a source out of its basket by more than the margin. Until found: days, and leads of the
source, from the change to the first move in its direction (median / 80% quantile; "not found" by
the end of the data). "At a boundary" is the hardest case: six sources for ever a thousandth on
their own side of one, where every move is wrong but those that undo a wrong one; the last rows are
what a plain 95% without a margin would do there.

| company | source-years | moves | wrong moves | wrong moves per source-year \
| true changes found | days until found | leads until found |
|---|---|---|---|---|---|---|---|
"""


def simulated(first: int = FRESH) -> str:
    """The simulated companies as Markdown, counted from `first`."""
    some = range(first, first + 2 * COMPANIES)
    kinds = simulated_companies(some[:COMPANIES]) | whole_databases(some[:WHOLE])
    kinds |= at_the_boundary(some, MOVES, "at a boundary")
    kinds |= at_the_boundary(some[: COMPANIES // 2], NAIVE, "at a boundary, 95%, no margin")
    return TEXT + "\n".join(tallied.row(name) for name, tallied in kinds.items()) + "\n"


def olist() -> str:
    """The origins of Olist's leads as Markdown."""
    title = "## Olist: where its leads come from\n\n"
    config = load(OLIST)
    data = (OLIST / config.tables.folder).resolve()
    if not data.is_dir():
        return f"{title}Not run: the data are not in {data}.\n"
    with open_database(config) as database:
        result = review(config, database, load_sources(sources_path(config)), OLIST_CUTOFF)
    return title + describe(result)


def describe(result: Review) -> str:
    """A review as Markdown."""
    rows = []
    for basket, sources in result.by_basket.items():
        for source in sources:
            measures, (low, high) = source.measures, source.interval
            trend, days = measures.trend, measures.days_to_win
            cells = (
                *(source.name, basket, f"{measures.whole.leads:,}", f"{measures.whole.won:,}"),
                f"{source.verdict.belief.mean:.1%} ({100 * low:.1f} to {100 * high:.1f})",
                "-" if trend is None else f"{100 * trend.point:+.1f}{'*' * trend.significant}",
                "-" if days is None else f"{days:.0f}",
                f"to {source.verdict.to}" if source.verdict.to else "stays",
            )
            rows.append(f"| {' | '.join(cells)} |")
    return (
        f"Printed by `readiness sources examples/olist --cutoff {result.cutoff:%Y-%m-%d}`, as "
        "known "
        f"before that day: leads first touched from {result.first:%Y-%m-%d} up to "
        f"{result.last:%Y-%m-%d}, won within {result.horizon_days} days. The baskets are guessed "
        "by "
        f"name; they begin at {', '.join(f'{level:g}' for level in result.known.levels)}. "
        "Conversion: shrunk towards the basket, with a 95% interval. Trend: later minus earlier "
        "half of the window, in percentage points (* beyond chance). Half won: days in which half "
        "of the wins come.\n\n"
        "| origin | basket | leads | won | conversion | trend | half won | verdict |\n"
        "|---|---|---|---|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first-seed", type=int, default=FRESH)
    print(simulated(parser.parse_args().first_seed) + "\n" + olist())


if __name__ == "__main__":
    main()
