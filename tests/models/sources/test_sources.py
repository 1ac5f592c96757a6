"""sources.toml is read strictly, and says which basket a lead is in at a cutoff.

Literal example: lead 1 comes by social (passive-2) on 2026-01-05 and looks at prices (active-2) on
2026-01-10; the prices fall to passive-1 on 2026-02-01. Its basket: passive-2 up to the cutoff
2026-01-10 00:00, active-2 from the next microsecond on, passive-1 from 2026-02-01 on.
"""

from pathlib import Path

import pytest

from features.errors import BadInput
from models.sources.sources import load_sources
from tests.features.lead_databases import MICROSECOND, at, event, opened
from tests.models.sources_text import move, one, sources

FALL = move("prices", "active-2", "passive-1", "2026-02-01")
THREE = (
    one("social", "passive-2"),
    one("newsletter", "passive-2"),
    one("prices", "active-2", 'action = "visited_pricing"'),
)


def test_the_literal_example() -> None:
    leads = [
        {"lead_id": 1, "created_at": at("2026-01-05"), "source": "social"},
        {"lead_id": 2, "created_at": at("2026-01-05"), "source": "unknown"},
    ]
    known = sources(*THREE, FALL)
    with opened(leads, [event(1, at("2026-01-10"), "visited_pricing")]) as database:
        for cutoff, expected in (
            (at("2026-01-05"), []),
            (at("2026-01-10"), [(1, "social", "passive-2", 168.0)]),
            (at("2026-01-10") + MICROSECOND, [(1, "prices", "active-2", 24.0)]),
            (at("2026-01-31 23:59"), [(1, "prices", "active-2", 24.0)]),
            (at("2026-02-01"), [(1, "prices", "passive-1", 72.0)]),
        ):
            result = known.baskets_of(database, cutoff)
            assert list(result.columns) == ["lead_id", "source", "basket", "contact_within_hours"]
            assert list(result.itertuples(index=False, name=None)) == expected


def test_within_a_basket_the_source_touched_last_is_named() -> None:
    leads = [{"lead_id": "a", "created_at": at("2026-01-05"), "source": "social"}]
    events = [event("a", at("2026-01-06"), "read", source="newsletter")]
    with opened(leads, events) as database:
        (row,) = sources(*THREE).baskets_of(database, at("2026-02-01")).itertuples(index=False)
    assert (row.lead_id, row.source, row.basket) == ("a", "newsletter", "passive-2")


def test_what_brought_a_lead_is_not_what_it_touched_later() -> None:
    leads = [{"lead_id": 1, "created_at": at("2026-01-05"), "source": "fair"}]
    events = [event(1, at("2026-01-06"), "read", source="newsletter")]
    brought = sources(
        one("fair", "passive-1", 'brought_by = "fair"'),
        one("newsletter", "active-1", 'brought_by = "newsletter"'),
    )
    with opened(leads, events) as database:
        (row,) = brought.baskets_of(database, at("2026-02-01")).itertuples(index=False)
    assert (row.source, row.basket) == ("fair", "passive-1")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (('[[source]]\nname = "x"\nbasket = "active-1"\n',), "x: name one of"),
        ((THREE[0], THREE[0]), "two sources share the name social"),
        ((THREE[0], one("s", "active-1", 'source = "social"')), "share the source social"),
        ((one("x", "active-3"),), "should be 'active-1', 'active-2'"),
        ((THREE[0], FALL), "move 1 is of prices, which no"),
        ((*THREE, FALL, FALL), "move 2 takes prices from active-2 .* it was in passive-1 since"),
        ((THREE[0].replace("basket", "baskett"),), "did you mean basket"),
        ((THREE[0] + "[moves]\nmargin = 4.5\n",), "moves.margin: should be less than 1"),
    ],
)
def test_faults_are_told(parts: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        sources(*parts)


def test_an_absent_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="readiness init"):
        load_sources(tmp_path / "sources.toml")
