"""What routing knows of each lead: its amount as known at the cutoff, and its basket."""

from pathlib import Path

import pyarrow as pa
import pytest

from features.errors import BadInput
from features.open_database import open_database
from serve.scoring.lead_facts import LeadFacts
from tests.features.lead_databases import TIME, at, config_for, event, write_database, write_table
from tests.models.sources_text import BASKETS, one

CUTOFF = at("2026-03-02")
LEADS = [
    {"lead_id": 7, "created_at": at("2026-01-05"), "source": "ads", "size": 50},
    {"lead_id": 8, "created_at": at("2026-01-05"), "size": None},
]
DEALS = [
    {"lead_id": 1, "closed_at": at("2026-02-01"), "outcome": "won", "amount": 100.0},
    {"lead_id": 2, "closed_at": at("2026-02-02"), "outcome": "won", "amount": 300.0},
    {"lead_id": 3, "closed_at": at("2026-02-03"), "outcome": "lost", "amount": 9e6},
    {"lead_id": 4, "closed_at": CUTOFF, "outcome": "won", "amount": 9e6},  # not known yet
]


def facts(folder: Path, deals: list[dict] = DEALS, **routing) -> dict[str, dict]:
    write_database(folder, LEADS, [event(7, CUTOFF)], attributes={"size": pa.int64()})
    columns = {"closed_at": TIME, "outcome": pa.string(), "amount": pa.float64()}
    write_table(folder / "deals.parquet", deals, columns, pa.int64())
    config = config_for(folder, routing=routing)
    with open_database(config) as database:
        result = LeadFacts.of_settings(config, database, CUTOFF).of(database)
    return result.astype(object).where(result.notna(), None).set_index("lead_id").to_dict("index")


def test_the_amount_is_that_of_the_median_deal_won_before_the_cutoff(tmp_path: Path) -> None:
    result = facts(tmp_path, by="value", cost_per_contact=9)
    assert {lead: each["amount"] for lead, each in result.items()} == {"7": 200, "8": 200}
    assert result["7"]["source"] == "ads"


def test_the_amount_is_a_column_of_leads_where_it_tells(tmp_path: Path) -> None:
    result = facts(tmp_path, by="value", cost_per_contact=9, amount="size")
    assert {lead: each["amount"] for lead, each in result.items()} == {"7": 50, "8": 200}
    alone = facts(tmp_path, [], by="value", cost_per_contact=9, amount="size")
    assert {lead: each["amount"] for lead, each in alone.items()} == {"7": 50, "8": None}


def test_the_amount_is_a_number(tmp_path: Path) -> None:
    result = facts(tmp_path, [], by="value", cost_per_contact=9, amount=5000)
    assert {each["amount"] for each in result.values()} == {5000}


def test_nothing_tells_the_amount(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no deal won before the cutoff has an amount"):
        facts(tmp_path, [], by="value", cost_per_contact=9)
    with pytest.raises(BadInput, match=r"routing\.amount names sise, .* size"):
        facts(tmp_path, by="value", cost_per_contact=9, amount="sise")


def test_the_basket_is_that_of_sources_toml(tmp_path: Path) -> None:
    assert {each["basket"] for each in facts(tmp_path).values()} == {None}
    (tmp_path / "sources.toml").write_text(BASKETS + one("ads", "active-1"), encoding="utf-8")
    result = facts(tmp_path)["7"]
    assert (result["source"], result["basket"]) == ("ads", "active-1")
    assert result["contact_within_hours"] == 4
