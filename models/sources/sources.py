"""Source baskets, read from sources.toml: who is called how soon, by where a lead comes from.

A source is a marketing activity: leads touch it (`source`, of a lead or an event), it brought them
(`brought_by`, of a lead alone), or they do it (`action`). It sits in one of four baskets, active-1
the best. Moves are appended, never rewritten: the basket of a source at a cutoff is that of its
last move up to that day, else the one it is listed with.

    [baskets.active-1]
    at_least = 0.20            # of its leads, this share is won within the horizon
    contact_within_hours = 4

    [[source]]
    name = "price list"
    action = "visited_pricing" # or: source = "newsletter", or: brought_by = "newsletter"
    basket = "active-1"

    [[move]]                   # written by `readiness sources --apply`
    source = "price list"
    from = "active-1"
    to = "active-2"
    on = 2026-03-02
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
from pydantic import Field, model_validator

from features.contract.database import LeadDatabase
from features.sql import literal
from features.toml import Strict, parse_toml, read_text
from features.touches import Mark, touches_sql

Basket = Literal["active-1", "active-2", "passive-1", "passive-2"]
BASKETS: tuple[Basket, ...] = ("active-1", "active-2", "passive-1", "passive-2")  # the best first
Share = Annotated[float, Field(gt=0, lt=1)]


class BasketSettings(Strict):
    """How soon sales contact a basket's leads, and the conversion at which the basket begins."""

    at_least: Share | None = None
    contact_within_hours: Annotated[float, Field(gt=0)]


class MoveSettings(Strict):
    """When a source is to move: over which window, how surely, on how many leads, how often.

    margin: how far beyond a boundary the conversion must lie, as a part of it: at a boundary of
    10% and a margin of 0.1 a source rises above 11% and falls below 9%.
    """

    window_days: Annotated[int, Field(ge=7, le=3650)] = 180
    probability: Annotated[float, Field(ge=0.5, lt=1)] = 0.975
    least_leads: Annotated[int, Field(ge=1)] = 50
    rest_days: Annotated[int, Field(ge=0, le=3650)] = 28
    margin: Annotated[float, Field(ge=0, lt=1)] = 0.1


class Source(Strict):
    """A source, what it is recognised by, and the basket that it begins in."""

    name: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)] | None = None
    brought_by: Annotated[str, Field(min_length=1)] | None = None
    action: Annotated[str, Field(min_length=1)] | None = None
    basket: Basket

    @model_validator(mode="after")
    def _one_of_them(self) -> Source:
        if len(self._marks()) != 1:
            raise ValueError(f"{self.name}: name one of `source`, `brought_by` and `action`")
        return self

    @property
    def mark(self) -> Mark:
        """What it is recognised by."""
        return self._marks()[0]

    def _marks(self) -> list[Mark]:
        kinds: tuple[Literal["source", "brought_by", "action"], ...]
        kinds = ("source", "brought_by", "action")
        return [Mark(self.name, kind, getattr(self, kind)) for kind in kinds if getattr(self, kind)]


class Move(Strict):
    """A move that was made, with its evidence: leads measured, how many were won, the conversion
    (posterior mean), and how probable it was that it lay beyond the boundary."""

    source: str
    left: Basket = Field(alias="from")
    to: Basket
    on: date
    leads: Annotated[int, Field(ge=0)] | None = None
    won: Annotated[int, Field(ge=0)] | None = None
    conversion: Annotated[float, Field(ge=0, le=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] | None = None


class SourcesFile(Strict):
    """The whole of sources.toml."""

    baskets: dict[Basket, BasketSettings]
    moves: MoveSettings = MoveSettings()
    source: list[Source] = Field(default_factory=list)
    move: list[Move] = Field(default_factory=list)

    @model_validator(mode="after")
    def _falling_boundaries(self) -> SourcesFile:
        missing = [name for name in BASKETS if name not in self.baskets]
        if missing:
            raise ValueError(f"write [baskets.{missing[0]}]: there are four, {', '.join(BASKETS)}")
        if self.baskets[BASKETS[-1]].at_least is not None:
            raise ValueError(f"{BASKETS[-1]} takes what is left: it has no at_least")
        levels = [self.baskets[name].at_least for name in BASKETS[:-1]]
        if None in levels:
            raise ValueError(f"{BASKETS[levels.index(None)]} lacks at_least, where it begins")
        listed = ", ".join(f"{level:g}" for level in levels if level is not None)
        given = [level for level in levels if level is not None]
        if sorted(given, reverse=True) != given or len(set(given)) < len(given):
            raise ValueError(f"at_least must fall from basket to basket; it is {listed}")
        if given[0] * (1 + self.moves.margin) >= 1:
            raise ValueError("active-1 begins so high that with the margin none could rise to it")
        return self

    @model_validator(mode="after")
    def _own_names(self) -> SourcesFile:
        named = [f"name {each.name}" for each in self.source]
        marked = [f"{each.mark.by} {each.mark.value}" for each in self.source]
        twice = [key for key, count in Counter(named + marked).items() if count > 1]
        if twice:
            raise ValueError(f"two sources share the {twice[0]}")
        return self

    @model_validator(mode="after")
    def _one_history(self) -> SourcesFile:
        """Each move leaves the basket that the source was in, and the days never go back."""
        now: dict[str, tuple[Basket, date]] = {s.name: (s.basket, date.min) for s in self.source}
        for number, move in enumerate(self.move, start=1):
            if move.source not in now:
                raise ValueError(f"move {number} is of {move.source}, which no [[source]] names")
            basket, since = now[move.source]
            if move.left != basket or move.on < since:
                raise ValueError(
                    f"move {number} takes {move.source} from {move.left} on {move.on}, but it was "
                    f"in {basket}" + (f" since {since}" if since > date.min else "")
                )
            now[move.source] = move.to, move.on
        return self


class Sources:
    """The sources with their baskets, as sources.toml has them."""

    def __init__(self, file: SourcesFile) -> None:
        self.file = file
        self.marks = tuple(source.mark for source in file.source)

    @property
    def levels(self) -> tuple[float, ...]:
        """The conversion at which each basket but the last begins, falling."""
        levels = (self.file.baskets[name].at_least for name in BASKETS)
        return tuple(level for level in levels if level is not None)

    def last_move(self, name: str, cutoff: datetime) -> Move | None:
        """The last move of a source up to the day of the cutoff: one made on that day counts."""
        moves = [m for m in self.file.move if m.source == name and m.on <= cutoff.date()]
        return moves[-1] if moves else None

    def baskets_at(self, cutoff: datetime) -> dict[str, Basket]:
        """The basket of each source, in the order of the file, at a cutoff."""
        baskets: dict[str, Basket] = {}
        for source in self.file.source:
            last = self.last_move(source.name, cutoff)
            baskets[source.name] = last.to if last else source.basket
        return baskets

    def baskets_of(
        self, database: LeadDatabase, cutoff: datetime, among: str = "leads"
    ) -> pd.DataFrame:
        """The best basket of every lead at a cutoff, by the sources touched strictly before it; of
        all leads, or of those `among` a relation with lead_id.

        Columns lead_id, source (its name), basket, contact_within_hours; one row per lead, ordered
        by it. Within the best basket, the source touched last. A lead that touched no source of
        the file is absent; a lead that is closed already is not.
        """
        baskets = self.baskets_at(cutoff)
        hours = {
            name: settings.contact_within_hours for name, settings in self.file.baskets.items()
        }
        rows = ", ".join(
            f"({literal(name)}, {number}, '{basket}', {BASKETS.index(basket)}, "
            f"CAST({hours[basket]!r} AS DOUBLE))"
            for number, (name, basket) in enumerate(baskets.items())
        )
        none = "(NULL::VARCHAR, 0, NULL::VARCHAR, 0, 0e0)"
        return database.query(f"""
SELECT t.lead_id, t.name AS source, b.basket, b.hours AS contact_within_hours
FROM ({touches_sql(self.marks, cutoff, among)}) t
JOIN (VALUES {rows or none}) AS b(name, place, basket, rank, hours) ON b.name = t.name
QUALIFY row_number() OVER (
  PARTITION BY t.lead_id ORDER BY b.rank, t.touched_at DESC, b.place) = 1
ORDER BY t.lead_id""")


def load_sources(path: Path) -> Sources:
    """Read sources.toml. Raises BadInput for a missing or faulty file."""
    advice = (
        "; readiness.toml names it under `sources`. `readiness init` writes a starter in a new "
        "folder; or write it as docs/sources.md shows."
    )
    return parse_sources(read_text(path, advice), path)


def parse_sources(text: str, path: Path) -> Sources:
    """Read the text of a sources.toml; `path` is for the message. Raises BadInput."""
    return Sources(parse_toml(text, path, SourcesFile))
