"""Roles by literal people: the default table, and what the keys of an entry ask for."""

from pathlib import Path

import pytest

from features.conditions.roles import DEFAULT, OTHER, Roles, Shown, load_roles
from features.errors import BadInput
from features.toml import parse_toml, read_text
from tests.features.lead_databases import config_for

DEFAULTS = parse_toml(read_text(DEFAULT), DEFAULT, Roles)


def table(text: str) -> Roles:
    return parse_toml(text, Path("roles.toml"), Roles)


def person(seniority: str | None = None, department: str | None = None, **did: int) -> Shown:
    return Shown("Title", seniority, department, did, dict.fromkeys(did, 100))


def role_of(roles: Roles, shown: Shown) -> str | None:
    role = roles.role_of(shown, [True] * len(roles.role))
    return role.name if role else None


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (person("executive", "management", reading=2), "decides"),
        (person("director", "purchasing"), "signs"),
        (person("staff", "legal", reading=50), "signs"),
        (person("staff", None, reading=34, evaluating=2), "researches"),
        (person("owner", "management", reading=34), "decides"),  # who decides may read, too
        (person("staff", "it", evaluating=5, reading=10), "evaluates"),
        (person("manager", None, contract=2, reading=2), "signs"),
        (person("manager", None, contract=1), None),
        (person("staff", None, reading=4), None),
        (person(other=40), None),
        (person(), None),
    ],
)
def test_the_default_by_examples(shown: Shown, expected: str | None) -> None:
    assert role_of(DEFAULTS, shown) == expected


@pytest.mark.parametrize(
    ("action", "group"),
    [
        ("visited_pricing", "evaluating"),
        ("visited_blog", "reading"),
        ("asked_for_terms", "contract"),
        ("E-Mail geöffnet", "reading"),
        ("Angebot angefordert", "evaluating"),
        ("signed_up", "evaluating"),
        ("opened contract", "contract"),
        ("called", OTHER),
        ("border_crossed", OTHER),  # whole words: no "order"
    ],
)
def test_actions_are_grouped_by_words_of_their_names(action: str, group: str) -> None:
    assert DEFAULTS.group_of(action) == group


def test_all_that_an_entry_asks_must_hold_and_the_first_entry_decides() -> None:
    roles = table("""
[[group]]
name = "pages"
words = ["page*"]
[[role]]
name = "stated"
where = [{attribute = "buying_role", is = ["BUYER"]}]
[[role]]
name = "both"
seniority = ["a", "b"]
department = ["c"]
did = "pages"
at_least = 3
share_from = 0.5
[[role]]
name = "rest"
did = "pages"
""")
    full = person("b", "c", pages=3, other=3)
    assert roles.role_of(full, [True, True, True]).name == "stated"
    assert roles.role_of(full, [False, True, True]).name == "both"
    for lacks in (
        person("d", "c", pages=3, other=3),
        person("b", None, pages=3, other=3),
        person("b", "c", pages=2),
        person("b", "c", pages=3, other=4),
    ):
        assert roles.role_of(lacks, [False, True, True]).name == "rest"
    assert roles.role_of(person("b", "c", other=3), [False, True, True]) is None
    assert (roles.names, roles.buying) == (["stated", "both", "rest"], [])


def test_why_names_title_counts_and_shares() -> None:
    because = DEFAULTS.role[1].because(person("owner"), {})
    assert "owner" in because
    assert "Title" in because
    reads = person(reading=34, other=6)
    why = DEFAULTS.role_of(reads, [True] * len(DEFAULTS.role)).because(reads, {})
    assert all(figure in why for figure in ("reading", "34", "100", "85.0%"))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('[[role]]\nname = "buys"\nbuys = true', ["seniority", "did"]),
        ('[[role]]\nname = "buys"\nseniority = ["owner"]\nat_least = 3', ["at_least", "did"]),
        (
            '[[group]]\nname = "reading"\nwords = ["page"]\n[[role]]\nname = "r"\ndid = "readin"',
            ["readin", "reading"],
        ),
        ('[[group]]\nname = "other"\nwords = ["page"]', ["other"]),
        ('[[group]]\nname = "all"\nwords = ["*"]', ["words"]),
        ('[[role]]\nname = "r"\nsenority = ["owner"]', ["senority", "seniority"]),
        ('[[role]]\nname = "r"\nwhere = [{atribute = "x", is = "y"}]', ["atribute"]),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, named: list[str]) -> None:
    with pytest.raises(BadInput) as refused:
        table(text)
    assert all(word in str(refused.value) for word in named)


def test_a_file_takes_the_place_of_the_default(tmp_path: Path) -> None:
    config = config_for(tmp_path)
    assert load_roles(config) == DEFAULTS
    (tmp_path / "roles.toml").write_text('[[role]]\nname = "boss"\nseniority = ["owner"]')
    assert load_roles(config).names == ["boss"]
