"""One lead's story: its scores and why, its past scores, what changed, what it did.

The page of `readiness explain --page`; its words and layout are in page.html.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from itertools import zip_longest
from typing import Any

from features.conditions.roles import load_roles
from features.config import Config
from features.contract.database import LeadDatabase
from features.errors import BadInput
from features.open_database import open_database
from features.spec.wording import Words, say
from features.sql import quoted
from models import plots
from models.rules.rules import RuleScore
from serve.ledger.ledger import Ledger, open_ledger_of
from serve.ledger.runs import Run
from serve.reports import page
from serve.reports.explain.change import Change
from serve.reports.explain.figures import (
    LeadExplained,
    PointsExplained,
    called_now,
    explain_change,
    explain_lead,
    explain_points,
)
from serve.reports.explain.history import LedgerLine, as_seen, lines_of
from serve.reports.explain.plot import history as picture
from serve.reports.people.figures import AccountPeople, account_of, account_people
from serve.scoring.points_only import PointsOnly
from serve.scoring.scorer import Scorer

SMALL = 0.02  # log-odds; less is added up in one line
MOST_BARS = 12
MOST_MOMENTS = 30  # of the timeline, before the rest is folded
_EVENTS = """
SELECT occurred_at, action FROM known_events
WHERE lead_id::VARCHAR = $lead AND known_at < $cutoff ORDER BY ALL"""
# Where the lead is an account, with who of it did each.
_EVENTS_OF_ACCOUNT = _EVENTS.replace("action FROM", "action, person::VARCHAR FROM")
_CONTACTS = """
SELECT contacted_at FROM contacts
WHERE lead_id::VARCHAR = $lead AND contacted_at < $cutoff ORDER BY ALL"""


@dataclass(frozen=True)
class Story:
    """All that `explain` knows of a lead. events: (occurred_at, action), known before the cutoff,
    as the contacts are; history up to the cutoff. horizon_days: 0 without a model, whose version is
    then "none". average: mean readiness of the list of the cutoff, None where it has none.
    attributes: of the lead, as the settings list them. rule_words: each line of the points in
    words. each: the points for one event of an action, before caps and fading. words: for actions.
    account: the people of its account; None where it has none. people: where the lead is itself an
    account, the lead that did each of the events; else empty. unit: "lead" or "account".
    """

    lead: PointsExplained
    horizon_days: int
    model_version: str
    rules_version: str
    history: tuple[LedgerLine, ...]
    change: Change | None
    events: tuple[tuple[datetime, str], ...]
    contacts: tuple[datetime, ...]
    average: float | None
    attributes: Mapping[str, str]
    rule_words: Mapping[str, str]
    each: Mapping[str, float]
    words: Words
    account: AccountPeople | None
    people: tuple[str, ...]
    unit: str

    @property
    def line(self) -> LedgerLine | None:
        """What the list of the cutoff has of it; None where it is on none."""
        seen = as_seen(self.history)
        return seen[-1] if seen and seen[-1].cutoff == self.lead.cutoff else None

    @property
    def is_to_call(self) -> bool:
        """Whether that list has it for sales."""
        return self.line is not None and self.line.decided_route == "sales"

    def json_fields(self) -> dict[str, Any]:
        """What `explain --json` prints, but for the name of the page."""
        return self.lead.json_fields() | {
            "model_version": self.model_version,
            "history": self.history,
            "change": self.change,
            "events": [
                {"occurred_at": when, "action": action} | ({"lead_id": who} if who else {})
                for (when, action), who in zip_longest(self.events, self.people)
            ],
            "contacts": self.contacts,
            "average_readiness": self.average,
            "attributes": self.attributes,
            "account": self.account,
        }


def tell(
    config: Config,
    scorer: Scorer | PointsOnly,
    lead: str,
    cutoff: datetime | None = None,
    since: datetime | None = None,
    since_last: bool = False,
) -> Story:
    """The story of a lead at a cutoff; with what changed `since`, or since the last list that had
    it. Raises BadInput where it is not open then."""
    staged, rules = scorer.staged(config), scorer.rules
    named, account = staged.features.account, None
    of_roles = () if named is None else load_roles(config).specs
    with open_database(staged, (*scorer.specs, *of_roles), [lead]) as database:
        now: PointsExplained
        if isinstance(scorer, PointsOnly):
            now = explain_points(config, database, scorer, lead, cutoff)
        else:
            now = explain_lead(config, database, scorer, lead, cutoff)
        with open_ledger_of(config) as ledger:
            history = lines_of(ledger, lead, now.cutoff)
            average = _average(ledger, history, now.cutoff)
            if named and config.unit == "account":  # its ledger has no scores of people
                account = account_people(staged, database.of_leads, None, lead, now.cutoff)
            elif named and (account_id := account_of(database, named, lead)):
                account = account_people(staged, database, ledger, account_id, now.cutoff)
        change = None
        if since:
            change = explain_change(config, database, scorer, lead, since, now.cutoff, history)
        elif since_last and (before := last_before(history, now.cutoff)):
            with suppress(BadInput):  # the data are others now: it was not open on that day
                change = explain_change(config, database, scorer, lead, before, now.cutoff, history)
        of_account = database.leads_of_accounts is not None
        events = _known(database, _EVENTS_OF_ACCOUNT if of_account else _EVENTS, now)
        contacts = _known(database, _CONTACTS, now) if "contacts" in database.columns else []
        attributes = _attributes(database, config.features.attributes, lead)
    story = Story(
        lead=now,
        horizon_days=scorer.model.horizon_days if isinstance(scorer, Scorer) else 0,
        model_version=scorer.model_version,
        rules_version=rules.version,
        history=history,
        change=change,
        events=tuple((when, action) for when, action, *_ in events),
        contacts=tuple(when for (when,) in contacts),
        average=average,
        attributes=attributes,
        rule_words=rules.line_words(scorer.words),
        each=_points_of_each(rules),
        words=config.words,
        account=account,
        people=tuple(who for *_, who in events) if of_account else (),
        unit=config.unit,
    )
    return replace(story, lead=called_now(now)) if story.is_to_call else story


def last_before(history: Sequence[LedgerLine], cutoff: datetime) -> datetime | None:
    """The cutoff of the last list before this one that scored the lead."""
    cutoffs = [
        line.cutoff
        for line in as_seen(history)
        if line.cutoff < cutoff and line.rule_score is not None
    ]
    return cutoffs[-1] if cutoffs else None


def _average(ledger: Ledger, history: Sequence[LedgerLine], cutoff: datetime) -> float | None:
    seen = [line for line in as_seen(history) if line.cutoff == cutoff]
    keys = {Run(line.cutoff, line.model_version, line.rules_version) for line in seen}
    return next((each.readiness for each in ledger.runs if each.run in keys), None)


def _attributes(database: LeadDatabase, names: Sequence[str], lead: str) -> dict[str, str]:
    """Those of the lead that are known."""
    listed = ", ".join(f"any_value({quoted(name)})::VARCHAR" for name in names)
    if not names:
        return {}
    row = database.connection.execute(
        f"SELECT {listed} FROM leads WHERE lead_id::VARCHAR = $lead", {"lead": lead}
    ).fetchone()
    values = zip(names, row or (), strict=False)
    return {name: str(value) for name, value in values if value is not None}


def _known(database: LeadDatabase, sql: str, lead: PointsExplained) -> list[Any]:
    """Rows about a lead, known before its cutoff."""
    given = {"lead": lead.lead_id, "cutoff": lead.cutoff}
    return database.connection.execute(sql, given).fetchall()


def _points_of_each(rules: RuleScore) -> dict[str, float]:
    """The points for one event of each action, before caps and fading."""
    each: dict[str, float] = {}
    for rule in rules.file.rule:
        if rule.action is not None and rule.where is None and rule.per == "occurrence":
            each[rule.action] = each.get(rule.action, 0.0) + rule.points
    return each


@dataclass(frozen=True)
class Moment:
    """What happened on a day: events of one kind and how many; a contact by sales has no points.
    who: the person of an account that did it."""

    day: date
    what: str
    count: int
    points_each: float | None
    is_contact: bool = False
    who: str | None = None


def timeline(story: Story) -> list[Moment]:
    """What the lead did and when sales contacted it, by day, the latest first."""
    did = Counter(
        (when.date(), action, who)
        for (when, action), who in zip_longest(story.events, story.people)
    )
    moments = [
        Moment(day, say(action, story.words), count, story.each.get(action), who=who)
        for (day, action, who), count in did.items()
    ]
    called = Counter(when.date() for when in story.contacts)
    moments += [Moment(day, "contacted by sales", n, None, True) for day, n in called.items()]
    return sorted(moments, key=lambda each: (each.day, each.what, each.who or ""), reverse=True)


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
    return page.render("explain/page.html", **page_values(story))


def page_values(story: Story) -> dict[str, Any]:
    """What the template of the card is made with."""
    seen = as_seen(story.history)
    rug = {"events": ([when for when, _ in story.events], plots.INK)}
    if story.contacts:
        rug["contacts by sales"] = (list(story.contacts), plots.FURTHER[0])
    pictures = {}
    if seen:
        readiness = {line.cutoff: line.readiness for line in seen}
        points = {line.cutoff: line.rule_score for line in seen}
        pictures = {
            "readiness": picture("Readiness on each list", readiness, plots.MODEL, rug, True),
            "points": picture("Points on each list", points, plots.RULES, rug, False),
        }
    is_ready = isinstance(story.lead, LeadExplained)
    reasons = story.lead.reasons if isinstance(story.lead, LeadExplained) else []
    shown = [reason for reason in reasons if abs(reason.log_odds) >= SMALL]
    lines = story.lead.lines.items()
    return {
        "story": story,
        "lead": story.lead,
        "line": story.line,
        "ready": is_ready,
        "change": story.change,
        "seen": seen,
        "small": SMALL,
        "shown_reasons": shown[:MOST_BARS],
        "strongest": max((abs(reason.log_odds) for reason in shown), default=1.0),
        "lines": [(story.rule_words.get(name, name), given) for name, given in lines],
        "most_points": max((abs(given) for _, given in lines), default=1.0) or 1.0,
        "timeline": timeline(story),
        "spell": partial(say, words=story.words),
        "pictures": {name: page.inline(figure, name) for name, figure in pictures.items()},
    }
