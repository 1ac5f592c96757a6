"""What routing must know of each lead beside its scores: what its deal would bring, its source, and
how soon it wants to be called."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.contract.tables import Column, cast, lead_id_type
from features.errors import BadInput
from features.snapshots import Snapshots
from models.sources.sources import Sources, load_sources

FACTS = ["lead_id", "source", "basket", "contact_within_hours", "amount"]


@dataclass(frozen=True)
class Amount:
    """What a deal brings: a column of leads, or, where that does not tell, the usual amount."""

    column: str | None
    usual: float | None


@dataclass(frozen=True)
class LeadFacts:
    """What is looked up of each lead; settled once, the same in every part of a lead database."""

    cutoff: datetime
    sources: Sources | None
    amount: Amount | None

    @classmethod
    def of_settings(cls, config: Config, database: LeadDatabase, cutoff: datetime) -> LeadFacts:
        """As the settings have it. Raises BadInput where leads are routed by value and nothing
        tells the amount of a deal."""
        path = config.optional_file("sources")
        amount = _amount(config, database, cutoff) if config.routing.by == "value" else None
        return cls(cutoff, load_sources(path) if path else None, amount)

    def of(self, database: LeadDatabase) -> pd.DataFrame:
        """FACTS of every lead that is open at the cutoff, and of others, lead_id as text; one row
        per lead, nulls where nothing is known.

        Source and basket are those of sources.toml; where there is no such file, the source is that
        of leads.
        """
        sourced = self._sourced(database)
        if self.amount is None:
            return sourced.assign(amount=None)[FACTS]
        amounts = _amounts(self.amount, database)
        return amounts.merge(sourced, on="lead_id", how="left")[FACTS]

    def _sourced(self, database: LeadDatabase) -> pd.DataFrame:
        """All FACTS but the amount; leads of which nothing is known may be left out."""
        if self.sources is not None:
            opened = Snapshots.open_at(database, [self.cutoff]).relation
            baskets = self.sources.baskets_of(database, self.cutoff, among=opened)
            return baskets.assign(lead_id=baskets["lead_id"].astype(str))
        return database.query(
            "SELECT lead_id::VARCHAR AS lead_id, min(source) AS source FROM leads "
            "WHERE lead_id IS NOT NULL GROUP BY 1"
        ).assign(basket=None, contact_within_hours=None)


def _amount(config: Config, database: LeadDatabase, cutoff: datetime) -> Amount:
    named = config.routing.amount
    if isinstance(named, float):
        return Amount(None, named)
    row = database.connection.execute(
        "SELECT median(amount) FROM deals WHERE outcome = 'won' AND closed_at < ?", [cutoff]
    ).fetchone()
    usual = row[0] if row else None
    columns = database.columns["leads"]
    if named is not None and named not in columns:
        raise BadInput(
            f"routing.amount names {named}, which tables.leads does not have. It has: "
            f"{', '.join(columns)}. Name one of them, or give a number."
        )
    if named is None and usual is None:
        raise BadInput(
            'routing.by = "value", but no deal won before the cutoff has an amount: give a number '
            "as routing.amount, or name a column of leads."
        )
    return Amount(named, usual)


def _amounts(amount: Amount, database: LeadDatabase) -> pd.DataFrame:
    """lead_id and amount of each lead, as known at the cutoff."""
    usual = "NULL" if amount.usual is None else f"{amount.usual}"
    lead, own, rows = "lead_id", "NULL", "leads"
    if amount.column is not None:
        columns = database.columns["leads"]
        own = cast(Column(amount.column, "DOUBLE"), columns, "")
        lead = cast(Column("lead_id", "LEAD_ID"), columns, lead_id_type(database.columns))
        rows = "raw_leads"
    return database.query(
        f"SELECT {lead}::VARCHAR AS lead_id, coalesce(max({own}), {usual})::DOUBLE AS amount "
        f"FROM {rows} WHERE lead_id IS NOT NULL GROUP BY 1"
    )
