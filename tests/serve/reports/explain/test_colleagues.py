"""Who else is in the account, by hand."""

import pyarrow as pa

from serve.reports.explain.colleagues import Colleague, colleagues_of
from tests.features.lead_databases import at, event, opened

CUTOFF = at("2026-03-02")


def lead(name: str, account: str | None, created: str = "2026-01-01") -> dict[str, object]:
    return {"lead_id": name, "created_at": at(created), "company": account}


def test_colleagues_are_named_with_what_was_known_before_the_cutoff() -> None:
    leads = [lead(name, "ACME") for name in ("own", "quiet", "busy", "seller", "staff")]
    leads += [lead("later", "ACME", "2026-03-02"), lead("other", "BETA"), lead("alone", None)]
    events = [
        event("own", at("2026-03-01")),
        event("busy", at("2026-02-20"), "mail"),
        event("busy", at("2026-02-21"), "visit"),
        event("busy", at("2026-02-22"), "chat", recorded_at=CUTOFF),
        event("seller", at("2026-02-25"), "visit"),
        event("staff", at("2026-02-26"), "visit"),
    ]
    deals = [
        {"lead_id": "seller", "closed_at": at("2026-02-27"), "outcome": "won"},
        {"lead_id": "quiet", "closed_at": CUTOFF, "outcome": "lost"},
    ]
    exclude = {"leads": {"lead_id": ["staff"]}}
    sections = {"features": {"account": "company"}, "exclude": exclude}
    with opened(leads, events, deals, {"company": pa.string()}, **sections) as database:
        result = colleagues_of(database, "company", "own", CUTOFF)
        assert colleagues_of(database, "company", "alone", CUTOFF) == ()
    assert result == (
        Colleague("seller", 1, at("2026-02-25"), "visit", "won"),
        Colleague("busy", 2, at("2026-02-21"), "visit", None),
        Colleague("quiet", 0, None, None, None),
    )
