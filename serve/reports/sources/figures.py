"""`readiness sources`: what each source is worth, which should change its basket, and the moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from features.config import Config
from features.contract.database import LeadDatabase
from features.cutoffs import utc_now
from features.errors import BadInput
from features.toml import read_text, toml_value
from features.touches import outcomes_sql, unlisted_sql, window_start
from features.whole_file import write_whole
from models.sources.measures import Measures, measure
from models.sources.moves import Counted, SourceVerdict, judge_sources
from models.sources.sources import BASKETS, Basket, Sources, load_sources, parse_sources
from serve.scoring.scored import default_cutoff

SHOWN = 5  # values that no source of the file names


@dataclass(frozen=True)
class Reviewed:
    """One source at the cutoff: where it is, what was measured, and what becomes of it."""

    name: str
    basket: Basket
    measures: Measures
    verdict: SourceVerdict

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of its conversion."""
        return self.verdict.belief.interval()

    def json_fields(self) -> dict[str, Any]:
        """One of `sources` in `sources --json`."""
        measures, verdict = self.measures, self.verdict
        low, high = self.interval
        return {
            "source": self.name,
            "basket": self.basket,
            "leads": measures.whole.leads,
            "won": measures.whole.won,
            "immature": measures.immature,
            "conversion": verdict.belief.mean,
            "interval": {"low": low, "high": high},
            "trend": measures.trend,
            "days_to_win": measures.days_to_win,
            "probability": verdict.probability,
            "to": verdict.to,
            "why": verdict.why,
        }


@dataclass(frozen=True)
class Review:
    """Every source at the cutoff. Measured are touches in [first, last), whose horizon is over;
    `unlisted` are values of leads.source that the file does not name, with their leads."""

    cutoff: datetime
    first: datetime
    last: datetime
    horizon_days: int
    known: Sources
    sources: tuple[Reviewed, ...]
    unlisted: dict[str, int]
    notes: tuple[str, ...]

    @property
    def moving(self) -> list[Reviewed]:
        """The sources that should change their basket."""
        return [source for source in self.sources if source.verdict.to]

    @property
    def by_basket(self) -> dict[Basket, list[Reviewed]]:
        """The sources of each basket, the best conversion first."""
        ranked = sorted(self.sources, key=lambda source: -source.verdict.belief.mean)
        return {name: [s for s in ranked if s.basket == name] for name in BASKETS}

    def json_fields(self) -> dict[str, Any]:
        """What `sources --json` prints, the page and the applied moves aside."""
        return {
            "cutoff": self.cutoff,
            "horizon_days": self.horizon_days,
            "measured": {"first": self.first, "before": self.last},
            "baskets": {k: v.model_dump() for k, v in self.known.file.baskets.items()},
            "sources": self.sources,
            "moves": [source.name for source in self.moving],
            "unlisted": self.unlisted,
            "notes": self.notes,
        }


def sources_path(config: Config) -> Path:
    """Where sources.toml is."""
    return config.folder / config.sources


def review(
    config: Config, database: LeadDatabase, known: Sources, cutoff: datetime | None = None
) -> Review:
    """Judge every source by what was known strictly before the cutoff.

    Worked example, cutoff 2026-07-30, horizon 30 days, window 180 days: leads that touched a source
    in [2026-01-01, 2026-06-30) are measured; later ones are not mature, and count nowhere as lost.
    Raises BadInput where the file names no source.
    """
    if not known.file.source:
        raise BadInput(f"{sources_path(config)} names no source: write a [[source]] for each.")
    cutoff = cutoff or default_cutoff(database.data_end, utc_now())
    horizon, moves = config.time.horizon_days, known.file.moves
    end = min(cutoff, database.data_end)
    first, last = window_start(end, moves.window_days, horizon), end - timedelta(days=horizon)
    touches = database.query(outcomes_sql(known.marks, horizon, first, end))
    middle = first + (last - first) / 2
    measured = {
        mark.name: measure(touches[touches["name"] == mark.name], middle) for mark in known.marks
    }
    baskets = known.baskets_at(cutoff)
    counts = {}
    for name, measures in measured.items():
        moved = known.last_move(name, cutoff)
        moved_on = moved.on if moved else None
        counts[name] = Counted(baskets[name], measures.whole, measures.later, moved_on)
    verdicts = judge_sources(counts, known.levels, moves, cutoff.date())
    unlisted = database.query(unlisted_sql(known.marks, cutoff))
    values = dict(zip(unlisted["value"], unlisted["leads"].astype(int).tolist(), strict=True))
    return Review(
        *(cutoff, first, last, horizon, known),
        sources=tuple(Reviewed(n, baskets[n], measured[n], verdicts[n]) for n in measured),
        unlisted=values,
        notes=tuple(_notes(values, cutoff, database.data_end, len(touches))),
    )


def _notes(
    unlisted: dict[str, int], cutoff: datetime, data_end: datetime, touches: int
) -> Iterator[str]:
    if unlisted:
        shown = ", ".join(f"{value} ({leads:,})" for value, leads in list(unlisted.items())[:SHOWN])
        more = " ..." if len(unlisted) > SHOWN else ""
        yield f"In no basket, with their leads: {shown}{more}. Write a [[source]] for each."
    if cutoff > data_end + timedelta(days=2):
        yield (
            f"The data end on {data_end:%Y-%m-%d}, before the cutoff {cutoff:%Y-%m-%d}: measured "
            "are leads whose horizon was over by then."
        )
    if not touches:
        yield "No lead touched a source in the window: earlier data, or a longer window_days?"


def apply_moves(config: Config, reviewed: Review) -> list[str]:
    """Append the moves to sources.toml, whole or not at all; return the names that moved.

    The text above stays as it is. Raises BadInput where the file has moves of a later day.
    """
    path, on = sources_path(config), reviewed.cutoff.date()
    later = [move for move in load_sources(path).file.move if move.on > on]
    if later:
        raise BadInput(
            f"{path} has moves after {on} (the first on {later[0].on}, of {later[0].source}): "
            "history is not rewritten. Leave out --apply, or name a later --cutoff."
        )
    moving = reviewed.moving
    if moving:
        text = read_text(path)
        text = text.rstrip("\n") + "\n" + "".join(_as_toml(m, reviewed.cutoff) for m in moving)
        parse_sources(text, path)  # what cannot be read again is not written
        write_whole(path, text)
    return [source.name for source in moving]


def _as_toml(source: Reviewed, cutoff: datetime) -> str:
    verdict = source.verdict
    return (
        f"\n[[move]]\nsource = {toml_value(source.name)}\n"
        f'from = "{source.basket}"\nto = "{verdict.to}"\non = {cutoff:%Y-%m-%d}\n'
        f"leads = {verdict.seen.leads}\nwon = {verdict.seen.won}\n"
        f"conversion = {verdict.seen_belief.mean:.4f}\nprobability = {verdict.probability:.4f}\n"
    )
