"""What can be asked of a list of leads: filters, an order, a page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from features.errors import BadInput
from models.routing import ROUTES

PER_PAGE, MOST_PER_PAGE = 50, 1_000
ANY_MARK = "any"
# Each filter, and the column that it filters by.
FILTERS = {
    "route": "decided_route",
    "band": "band",
    "source": "source",
    "basket": "basket",
    "segment": "segments",
    "marked": "marked",
}
_ROUTE = " ".join(f"WHEN '{route}' THEN {place}" for place, route in enumerate(ROUTES))
_ROUTE = f"CASE decided_route {_ROUTE} END"
# What a list can be sorted by: the expression, and whether its greatest comes first on the pages.
SORTS = {
    "list": (_ROUTE, False),
    "readiness": ("readiness", True),
    "rule_score": ("rule_score", True),
    "contact_by": ("contact_by", False),
    "lead_id": ("lead_id", False),
    "source": ("source::sources", False),
}


@dataclass(frozen=True)
class Question:
    """Which leads, in which order, which page. "" is any; route is where the lead goes as people
    decided; marked may also be `any` (of the two marks); text is looked for in id, source, segments
    and reasons, in either case. sort: "list" is the order in which sales call. descending None: as
    SORTS has it. page: from 1."""

    route: str = ""
    band: str = ""
    source: str = ""
    basket: str = ""
    segment: str = ""
    marked: str = ""
    text: str = ""
    sort: str = "list"
    descending: bool | None = None
    page: int = 1
    per_page: int = PER_PAGE

    def __post_init__(self) -> None:
        if self.sort not in SORTS:
            raise BadInput(f"Leads cannot be sorted by {self.sort!r}: by {', '.join(SORTS)}.")
        if self.page < 1 or not 1 <= self.per_page <= MOST_PER_PAGE:
            raise BadInput(
                f"There is no page {self.page} of {self.per_page} leads: pages are counted from 1, "
                f"and have 1 to {MOST_PER_PAGE} leads."
            )

    @property
    def downwards(self) -> bool:
        """Whether the greatest comes first."""
        return SORTS[self.sort][1] if self.descending is None else self.descending

    @property
    def where(self) -> tuple[str, Mapping[str, Any]]:
        """The condition in SQL on a prepared list (prepared.py), and its parameters."""
        conditions, given = ["true"], {}
        for name, column in FILTERS.items():
            chosen = getattr(self, name)
            if (name, chosen) == ("marked", ANY_MARK):
                conditions.append("marked IS NOT NULL")
            elif chosen:
                given[name] = chosen
                within = f"list_contains(string_split({column}, '; '), ${name})"
                conditions.append(within if name == "segment" else f"{column} = ${name}")
        if self.text:
            given["text"] = self.text.lower()
            conditions.append("contains(searched, $text)")
        return " AND ".join(conditions), given

    @property
    def order(self) -> str:
        """The order in SQL; leads without a value come last, whichever way it is sorted."""
        way = "DESC" if self.downwards else "ASC"
        if self.sort == "list":
            return f"{_ROUTE} {way}, place {way}"
        return f"{SORTS[self.sort][0]} {way} NULLS LAST, {_ROUTE}, place"


def parts(value: str | None) -> tuple[str, ...]:
    """What a text of the ledger names, as its segments and reasons.

    >>> parts("came back; read up"), parts(None)
    (('came back', 'read up'), ())
    """
    return tuple(value.split("; ")) if value else ()
