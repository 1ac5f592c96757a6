"""A sources.toml for the tests."""

from pathlib import Path

from models.sources.sources import Sources, parse_sources

BASKETS = """
[baskets.active-1]
at_least = 0.20
contact_within_hours = 4
[baskets.active-2]
at_least = 0.10
contact_within_hours = 24
[baskets.passive-1]
at_least = 0.05
contact_within_hours = 72
[baskets.passive-2]
contact_within_hours = 168
"""


def one(name: str, basket: str, mark: str | None = None) -> str:
    """A [[source]]; recognised by leads.source or events.source unless told otherwise."""
    return f'[[source]]\nname = "{name}"\n{mark or f"source = {name!r}"}\nbasket = "{basket}"\n'


def move(source: str, left: str, to: str, on: str) -> str:
    """A [[move]] without evidence."""
    return f'[[move]]\nsource = "{source}"\nfrom = "{left}"\nto = "{to}"\non = {on}\n'


def sources(*parts: str) -> Sources:
    """The sources of the four baskets above and these parts."""
    return parse_sources(BASKETS + "".join(parts), Path("sources.toml"))
