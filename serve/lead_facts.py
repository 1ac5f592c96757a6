"""What routing must know of each lead beside its scores: what its deal would bring, its source, and
how soon it wants to be called."""

from datetime import datetime

import pandas as pd

from features.config import Config
from features.contract.database import LeadDatabase
from features.contract.tables import Column, cast, lead_id_type
from features.errors import BadInput
from models.sources.sources import load_sources

FACTS = ["lead_id", "source", "basket", "contact_within_hours", "amount"]


def facts_of(config: Config, database: LeadDatabase, cutoff: datetime) -> pd.DataFrame:
    """FACTS of every lead, lead_id as text; one row per lead, nulls where nothing is known.

    Source and basket are those of sources.toml; where there is no such file, the source is that of
    leads. Raises BadInput where leads are routed by value and nothing tells the amount of a deal.
    """
    sourced = _sourced(config, database, cutoff)
    if config.routing.by != "value":
        return sourced.assign(amount=None)[FACTS]
    amounts = _amounts(config, database, cutoff)
    return amounts.merge(sourced, on="lead_id", how="left")[FACTS]


def _sourced(config: Config, database: LeadDatabase, cutoff: datetime) -> pd.DataFrame:
    """All FACTS but the amount; leads of which nothing is known may be left out."""
    path = config.folder / config.sources
    if path.is_file() or "sources" in config.model_fields_set:
        found = load_sources(path).baskets_of(database, cutoff)
        return found.assign(lead_id=found["lead_id"].astype(str))
    return database.query(
        "SELECT lead_id::VARCHAR AS lead_id, min(source) AS source FROM leads "
        "WHERE lead_id IS NOT NULL GROUP BY 1"
    ).assign(basket=None, contact_within_hours=None)


def _amounts(config: Config, database: LeadDatabase, cutoff: datetime) -> pd.DataFrame:
    """lead_id and amount of each lead, as known at the cutoff."""
    named = config.routing.amount
    usual = f"{float(named)}" if isinstance(named, float) else "NULL"
    own = "NULL"
    if not isinstance(named, float):
        row = database.connection.execute(
            "SELECT median(amount) FROM deals WHERE outcome = 'won' AND closed_at < ?", [cutoff]
        ).fetchone()
        usual = f"{row[0]}" if row and row[0] is not None else "NULL"
    found = database.columns["leads"]
    if isinstance(named, str):
        if named not in found:
            raise BadInput(
                f"routing.amount names {named}, which tables.leads does not have. It has: "
                f"{', '.join(found)}. Name one of them, or give a number."
            )
        own = cast(Column(named, "DOUBLE"), found, "")
    elif usual == "NULL":
        raise BadInput(
            'routing.by = "value", but no deal won before the cutoff has an amount: give a number '
            "as routing.amount, or name a column of leads."
        )
    lead = cast(Column("lead_id", "LEAD_ID"), found, lead_id_type(database.columns))
    return database.query(
        f"SELECT {lead}::VARCHAR AS lead_id, coalesce(max({own}), {usual})::DOUBLE AS amount "
        "FROM raw_leads WHERE lead_id IS NOT NULL GROUP BY 1"
    )
