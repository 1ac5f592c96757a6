"""The sources.toml of `readiness init` can be read, and lists the sources in guessed baskets."""

import tempfile
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.starter.guesses import guess_basket
from features.starter.sources import sources_text
from models.sources.sources import parse_sources
from tests.features.lead_databases import event, opened

START = datetime(2026, 1, 1)


def leads_of(sources, per_source=1):
    return [
        {"lead_id": number, "created_at": START, "source": source}
        for number, source in enumerate(source for source in sources for _ in range(per_source))
    ]


@pytest.mark.parametrize(
    ("name", "basket"),
    [
        ("partner", "active-1"), ("referral", "active-1"), ("Demo request", "active-1"),
        ("direct_traffic", "active-2"), ("trade_fair", "active-2"), ("visitedPricing", "active-2"),
        ("organic_search", "passive-1"), ("paid_search", "passive-1"), ("", "passive-1"),
        ("newsletter", "passive-2"), ("social", "passive-2"), ("email", "passive-2"),
    ],
)  # fmt: skip
def test_baskets_are_guessed_from_words(name: str, basket: str) -> None:
    assert guess_basket(name) == basket


def test_sources_are_listed_and_active_actions_are_off() -> None:
    leads = leads_of(["social", "partner"], per_source=100)
    events = [event(1, START, "visited_pricing", source="direct"), event(1, START, "read")]
    won_at = START + timedelta(days=9)
    deals = [{"lead_id": n, "closed_at": won_at, "outcome": "won"} for n in range(20)]
    with opened(leads, events, deals, time={"data_end": datetime(2026, 6, 1)}) as database:
        text = sources_text(database, 30)
    sources = parse_sources(text, Path("sources.toml"))
    assert [(s.name, s.mark.by, s.basket) for s in sources.file.source] == [
        ("partner", "brought_by", "active-1"),
        ("social", "brought_by", "passive-2"),
        ("direct", "source", "active-2"),
    ]
    # 20 of 200 leads are won, odds 1 to 9; twice and half of them are 2/11 and 1/19
    assert sources.levels == (0.18, 0.1, 0.053)
    on = "\n".join(
        line.removeprefix("# ") for line in text.split(" switch one on.\n")[1].split("\n")
    )
    assert tomllib.loads(on)["source"] == [
        {"name": "visited_pricing", "action": "visited_pricing", "basket": "active-2"}
    ]


names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.none() | names, min_size=1, max_size=5, unique=True))
def test_any_source_survives_the_file(values) -> None:
    with tempfile.TemporaryDirectory(), opened(leads_of(values), [event(0, START)]) as database:
        sources = parse_sources(sources_text(database, 30), Path("sources.toml"))
        assert {s.mark.value for s in sources.file.source} == {value for value in values if value}
        known = sources.baskets_of(database, START + timedelta(days=1))
    assert len(known) == sum(bool(value) for value in values)
