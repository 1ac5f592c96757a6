"""The Olist example: its SQL against the figures in the data's README, and its review."""

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from features.contract.breaches import find_breaches
from features.open_database import open_database
from models.sources.sources import load_sources
from serve.reports.sources.figures import review, sources_path

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data" / "olist"
CONTACTS, WON = "olist_marketing_qualified_leads_dataset.csv", "olist_closed_deals_dataset.csv"

needs_data = pytest.mark.skipif(
    not (DATA / CONTACTS).exists(), reason=f"the data are not ours to ship: no {CONTACTS} in {DATA}"
)


@needs_data
def test_the_review_equals_counts_by_pandas() -> None:
    config = load(ROOT / "examples" / "olist")
    known = load_sources(sources_path(config))
    with open_database(config) as database:
        assert find_breaches(database.connection, database.columns, datetime(2026, 1, 1)) == []
        result = review(config, database, known, datetime(2018, 8, 1))
    contacts = pd.read_csv(DATA / CONTACTS, parse_dates=["first_contact_date"])
    deals = pd.read_csv(DATA / WON, parse_dates=["won_date"])[["mql_id", "won_date"]]
    leads = contacts.merge(deals, how="left", on="mql_id")
    leads = leads[leads.first_contact_date.between("2018-01-01", "2018-06-01")]
    days = (leads.won_date - leads.first_contact_date) / pd.Timedelta(days=1)
    origin = leads.origin.fillna("not recorded")[~(days < 0)]
    won = (days < 60).groupby(origin).sum()
    assert (len(leads), (days < 0).sum()) == (5_998, 1)
    assert {s.name: s.measures.whole.leads for s in result.sources} == dict(origin.value_counts())
    assert {s.name: s.measures.whole.won for s in result.sources} == dict(won)
    assert not result.notes
