"""One lead's story: its scores and why, its past scores, what changed, what it did.

The page of `readiness explain --page`; its words and layout are in page.html.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.contract.database import LeadDatabase
from models import plots
from serve.reports import page
from serve.reports.explain.change import Change
from serve.reports.explain.figures import LeadExplained, PointsExplained
from serve.reports.explain.history import LedgerLine, as_seen
from serve.reports.explain.plot import history as picture
from serve.scoring.points_only import PointsOnly
from serve.scoring.scorer import Scorer

SMALL = 0.02  # log-odds; less is added up in one line
_EVENTS = """
SELECT occurred_at, action FROM known_events
WHERE lead_id::VARCHAR = $lead AND known_at < $cutoff ORDER BY ALL"""
_CONTACTS = """
SELECT contacted_at FROM contacts
WHERE lead_id::VARCHAR = $lead AND contacted_at < $cutoff ORDER BY ALL"""


@dataclass(frozen=True)
class Story:
    """All that `explain` knows of a lead. events: (occurred_at, action), known before the cutoff,
    as the contacts are; history up to the day of the cutoff or beyond, as the ledger has it.
    horizon_days: 0 without a model, whose version is then "none"."""

    lead: PointsExplained
    horizon_days: int
    model_version: str
    history: tuple[LedgerLine, ...]
    change: Change | None
    events: tuple[tuple[datetime, str], ...]
    contacts: tuple[datetime, ...]

    def json_fields(self) -> dict[str, Any]:
        """What `explain --json` prints, but for the name of the page."""
        return self.lead.json_fields() | {
            "model_version": self.model_version,
            "history": self.history,
            "change": self.change,
            "events": [{"occurred_at": when, "action": action} for when, action in self.events],
            "contacts": self.contacts,
        }


def story_of(
    database: LeadDatabase,
    scorer: Scorer | PointsOnly,
    lead: PointsExplained,
    history: tuple[LedgerLine, ...],
    change: Change | None,
) -> Story:
    """Beside its scores, what the lead did and when sales contacted it."""
    given = {"lead": lead.lead_id, "cutoff": lead.cutoff}
    events = database.connection.execute(_EVENTS, given).fetchall()
    contacts: list[tuple[datetime]] = []
    if "contacts" in database.columns:
        contacts = database.connection.execute(_CONTACTS, given).fetchall()
    return Story(
        lead=lead,
        horizon_days=scorer.model.horizon_days if isinstance(scorer, Scorer) else 0,
        model_version=scorer.model_version,
        history=history,
        change=change,
        events=tuple((when, action) for when, action in events),
        contacts=tuple(when for (when,) in contacts),
    )


def page_name(lead: str) -> str:
    """The file of a lead's page: each lead has its own, in the folder, whatever its id.

    >>> page_name("1999"), page_name("../../etc/passwd"), page_name("A")
    ('explain-1999.html', 'explain-etc-passwd-3754d6cb.html', 'explain-A-559aead0.html')
    """
    if re.fullmatch(r"[0-9a-z_]{1,40}", lead):
        return f"explain-{lead}.html"
    # Some file systems take A for a, or shorten: what is not plain gets its digest too.
    plain = "-".join(re.findall(r"[0-9A-Za-z_]+", lead))[:40] or "lead"
    return f"explain-{plain}-{hashlib.sha256(lead.encode()).hexdigest()[:8]}.html"


def render(story: Story) -> str:
    """The page as text; the same story gives the same page."""
    seen = as_seen(story.history)
    rug = {"events": ([when for when, _ in story.events], plots.INK)}
    if story.contacts:
        rug["contacts by sales"] = (list(story.contacts), plots.FURTHER[0])
    pictures = {}
    if seen:
        readiness = {line.cutoff: line.readiness for line in seen}
        points = {line.cutoff: line.rule_score for line in seen}
        pictures = {
            "readiness": picture("Readiness at each cutoff", readiness, plots.MODEL, rug, True),
            "points": picture("Points at each cutoff", points, plots.RULES, rug, False),
        }
    return page.render(
        "explain/page.html",
        story=story,
        lead=story.lead,
        ready=isinstance(story.lead, LeadExplained),
        change=story.change,
        seen=seen,
        small=SMALL,
        pictures={name: page.inline(figure, name) for name, figure in pictures.items()},
    )
