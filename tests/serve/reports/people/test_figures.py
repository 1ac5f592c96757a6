"""The people of an account, by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from features.conditions.roles import DEFAULT, Roles, load_roles
from features.config import Config
from features.open_database import open_database
from features.toml import parse_toml, read_text
from models.decisions.place import LedgerPlace
from models.routing import Router
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.reports.people import figures
from serve.reports.people.figures import (
    AccountPeople,
    Person,
    account_of,
    account_people,
    reading,
)
from tests.features.lead_databases import at, config_for, event, write_database

CUTOFF = at("2026-03-02")
ATTRIBUTES = {"company": pa.string(), "job": pa.string(), "buying_role": pa.string()}


def lead(name: str, account: str | None, job: str | None = None, **more: object) -> dict:
    given = {"lead_id": name, "created_at": at("2026-01-01"), "company": account, "job": job}
    return given | more


def visits(name: str, count: int, action: str = "visited_blog") -> list[dict]:
    return [event(name, at(f"2026-02-{day:02}"), action) for day in range(1, count + 1)]


LEADS = [
    lead("reader", "ACME", "Analyst"),
    lead("boss", "ACME", "Geschäftsführerin"),
    lead("buyer", "ACME", "Leiter Einkauf"),
    lead("tester", "ACME"),
    lead("quiet", "ACME", "Astronaut"),
    lead("staff", "ACME", "CEO"),
    lead("later", "ACME", "CEO", created_at=CUTOFF),
    lead("other", "BETA", "CEO"),
    lead("alone", None, "CEO"),
]
EVENTS = [
    *visits("reader", 20),
    *visits("boss", 2),
    *visits("tester", 3, "tried_demo"),
    event("tester", at("2026-02-27"), "visited_blog"),
    event("reader", at("2026-02-28"), "tried_demo", recorded_at=CUTOFF),
    event("staff", at("2026-02-26")),
    event("other", at("2026-02-26")),
]
DEALS = [
    {"lead_id": "boss", "closed_at": at("2026-02-27"), "outcome": "won"},
    {"lead_id": "quiet", "closed_at": CUTOFF, "outcome": "lost"},
]


@contextmanager
def acme(
    folder: Path, roles: str = "", account: str = "ACME", **features: object
) -> Iterator[AccountPeople]:
    write_database(folder, LEADS, EVENTS, DEALS, ATTRIBUTES)
    if roles:
        (folder / "roles.toml").write_text(roles)
    config = settings(folder, **features)
    with (
        open_database(config, load_roles(config).specs) as database,
        open_ledger(LedgerPlace.of(config)) as ledger,
    ):
        yield account_people(config, database, ledger, account, CUTOFF)


def settings(folder: Path, **features: object) -> Config:
    exclude = {"leads": {"lead_id": ["staff"]}}
    named = {"account": "company", "title": "job"} | features
    return config_for(folder, features=named, exclude=exclude)


def test_who_did_what_with_which_role_as_known_before_the_cutoff(tmp_path: Path) -> None:
    with acme(tmp_path) as account:
        people = account.people
    assert (account.account_id, account.count, account.list_of) == ("ACME", 5, None)
    assert [(each.lead_id, each.role) for each in people] == [
        ("buyer", "signs"),
        ("boss", "decides"),
        ("tester", "evaluates"),
        ("reader", "researches"),
        ("quiet", None),
    ]
    buyer, boss, tester, reader, quiet = people
    assert (buyer.seniority, buyer.department, buyer.did) == ("director", "purchasing", {})
    assert (boss.title, boss.seniority, boss.outcome) == ("Geschäftsführerin", "executive", "won")
    assert "Geschäftsführerin" in boss.because
    assert tester.did == {"evaluating": 3, "reading": 1}
    assert (tester.last_at, tester.last_action) == (at("2026-02-27"), "visited_blog")
    assert reader.did == {"reading": 20}  # what is recorded at the cutoff is not known before it
    assert "20" in reader.because
    assert "23" in reader.because
    assert (quiet.did, quiet.last_at, quiet.outcome) == ({}, None, None)
    assert quiet.first_seen == at("2026-01-01")


def test_the_sentence_names_who_does_most_and_who_buys(tmp_path: Path) -> None:
    with acme(tmp_path) as account:
        pass
    for text in (
        "5 people",
        "reader (20 of",
        "26 events",
        "buyer signs",
        "boss decides",
        "none",
    ):
        assert text in account.reading


@pytest.mark.parametrize(
    ("buying", "texts"),
    [
        ({"reader": "decides"}, ["2 people", "reader (3 of", "4 events", "is the one who decides"]),
        ({"quiet": "decides"}, ["reader", "not the one who buys: quiet decides"]),
        (
            {"quiet": "signs", "reader": "decides"},
            ["one of those", "reader decides", "quiet signs"],
        ),
        ({}, ["reader", "not known", "nobody", "signs or decides"]),
    ],
)
def test_the_most_active_is_named_as_buyer_only_if_it_is(
    buying: dict[str, str], texts: list[str]
) -> None:
    roles = parse_toml(read_text(DEFAULT), DEFAULT, Roles)
    people = [
        Person(name, CUTOFF, None, None, None, None, buying.get(name), "", did, None, None)
        for name, did in (("quiet", {"reading": 1}), ("reader", {"reading": 2, "other": 1}))
    ]
    assert all(text in reading(people, roles) for text in texts)
    silent = [replace(each, did={}) for each in people]
    assert "reader (" not in reading(silent, roles)
    assert "1 person" in reading(people[:1], roles)


def test_without_titles_behaviour_alone_decides(tmp_path: Path) -> None:
    with acme(tmp_path, title=None) as account:
        roles = {each.lead_id: each.role for each in account.people}
    assert roles == {
        "buyer": None,
        "boss": None,
        "tester": "evaluates",
        "reader": "researches",
        "quiet": None,
    }
    assert "nobody is known who signs or decides" in account.reading


def test_a_role_that_a_column_states_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated = '{attribute = "buying_role", is = ["DECISION_MAKER"]}'
    recent = '{action = "tried_demo", window_days = 30, at_least = 3}'
    roles = f"""
[[role]]
name = "champion"
buys = true
where = [{stated}]
[[role]]
name = "tries"
where = {{any = [{recent}]}}
"""
    reader = {**LEADS[0], "buying_role": "DECISION_MAKER"}
    monkeypatch.setitem(globals(), "LEADS", [reader, *LEADS[1:]])
    with acme(tmp_path, roles) as account:
        named = [(each.lead_id, each.role) for each in account.people if each.role]
    assert named == [("reader", "champion"), ("tester", "tries")]
    assert "reader" in account.reading


def test_many_people_are_bounded_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "MOST", 2)
    with acme(tmp_path) as account:
        assert (account.count, [each.lead_id for each in account.people]) == (5, ["buyer", "boss"])


def test_a_lead_without_an_account_has_none(tmp_path: Path) -> None:
    write_database(tmp_path, LEADS, EVENTS, DEALS, ATTRIBUTES)
    with open_database(settings(tmp_path)) as database:
        named = [account_of(database, "company", each) for each in ("boss", "alone", "nobody")]
    assert named == ["ACME", None, None]


def test_scores_are_those_of_the_newest_list_up_to_the_cutoff(tmp_path: Path) -> None:
    with open_ledger(LedgerPlace.of(settings(tmp_path))) as ledger:
        for cutoff, ready in ((at("2026-02-23"), 0.1), (CUTOFF, 0.4), (at("2026-03-09"), 0.9)):
            scored = {"lead_id": ["boss", "other"], "state": "scored", "rule_score": 12.0}
            rows = pd.DataFrame(scored | {"readiness": [ready, 0.05]})
            ledger.write(Run(cutoff, "1", "r"), [rows], 2, Router(1, cutoff), cutoff)
    with acme(tmp_path) as account:
        lines = {each.lead_id: (each.readiness, each.points, each.route) for each in account.people}
    assert account.list_of == CUTOFF
    assert lines.pop("boss") == (0.4, 12.0, "sales")
    assert set(lines.values()) == {(None, None, None)}
