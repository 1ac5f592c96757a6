"""The list of leads, page by page: of one run, filtered and sorted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from serve.ledger.ledger import LIST_ORDER, Ledger
from serve.ledger.runs import RUN, Run

Sort = Literal["list", "readiness", "rule_score", "contact_by", "lead_id", "source"]
# Each filter by its parameter.
_FILTERS = {
    "route": "decided_route = $route",
    "band": "band = $band",
    "source": "source = $source",
    "basket": "basket = $basket",
    "segment": "list_contains(string_split(segments, '; '), $segment)",
    "marked": "marked = $marked",
    "text": "contains(lower(concat_ws(' ', lead_id, source, segments, reasons)), lower($text))",
}


@dataclass(frozen=True)
class LeadFilter:
    """Which leads: of a route (as decided), band, source, basket, segment or mark, and with a text
    in their id, source, segments or reasons. None: any."""

    route: str | None = None
    band: str | None = None
    source: str | None = None
    basket: str | None = None
    segment: str | None = None
    marked: str | None = None
    text: str | None = None

    @property
    def given(self) -> dict[str, str]:
        """Those that are set, by name."""
        return {name: value for name, value in vars(self).items() if value}

    @property
    def where(self) -> str:
        """The condition in SQL, on `decided`, with its parameters `given`."""
        return " AND ".join([RUN, *(_FILTERS[name] for name in self.given)])


@dataclass(frozen=True)
class LeadPage:
    """total: how many leads of the run pass the filter. rows: of the ledger, as dicts, each with
    its `rank` in the list for sales, None outside of it."""

    total: int
    rows: Sequence[Mapping[str, Any]]


def lead_page(
    ledger: Ledger,
    run: Run,
    which: LeadFilter,
    sort: Sort = "list",
    descending: bool = False,
    limit: int = 50,
    offset: int = 0,
) -> LeadPage:
    """The leads [offset, offset + limit) of a run that pass a filter. Sorted by "list" they stand
    as sales call them; leads without a value come last, whichever way it is sorted."""
    given, where = run.key | which.given, which.where
    way = "DESC" if descending else "ASC"
    order = LIST_ORDER if sort == "list" else f"{sort} {way} NULLS LAST, {LIST_ORDER}"
    total = ledger.value(f"SELECT count(*) FROM decided WHERE {where}", given)
    sql = f"SELECT * FROM decided WHERE {where} ORDER BY {order} LIMIT {limit} OFFSET {offset}"
    records = _records(ledger.query(sql, given))
    ranks = _ranks(ledger, run, [r["lead_id"] for r in records if r["decided_route"] == "sales"])
    return LeadPage(int(total), [row | {"rank": ranks.get(row["lead_id"])} for row in records])


def lead_rows(ledger: Ledger, lead_id: str, most: int = 100) -> Sequence[Mapping[str, Any]]:
    """A lead's rows, those of the newest cutoffs first."""
    order = f"ORDER BY cutoff DESC, scored_at DESC LIMIT {most}"
    sql = f"SELECT * FROM decided WHERE lead_id = $lead {order}"
    return _records(ledger.query(sql, {"lead": lead_id}))


def run_of(ledger: Ledger, cutoff: datetime | None) -> Run | None:
    """The run of a cutoff that was scored last; of the newest cutoff where none is given. None
    where there is no such run."""
    runs = [each for each in ledger.runs if cutoff in (None, each.cutoff)]
    last = max(runs, key=lambda each: (each.cutoff, each.scored_at, each.run), default=None)
    return last.run if last else None


def _records(rows: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows as dicts, None for what is null."""
    plain = rows.astype(object)
    return plain.where(rows.notna(), None).to_dict("records")


def _ranks(ledger: Ledger, run: Run, leads: Sequence[str]) -> dict[str, int]:
    """The places of leads in the list for sales, from 1 on."""
    if not leads:
        return {}
    sql = (
        f"SELECT lead_id, rank FROM (SELECT *, row_number() OVER (ORDER BY {LIST_ORDER}) AS rank "
        f"FROM decided WHERE {RUN} AND decided_route = 'sales') WHERE lead_id IN "
        "(SELECT unnest($leads))"
    )
    return dict(ledger.fetched(sql, run.key | {"leads": list(leads)}))
