"""A finding of the leakage audit: what it is, how it is shown, what to do. docs/audit.md has the
same table in more words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from features.toml import toml_value

LEVEL = 0.99  # of the intervals: many actions and values are looked at at once

# What to do about each kind, if it is not honest. `{}` is the subject.
KINDS = {
    "decides:won": (
        "Who has it is won: leave it out if it is written with the win; if it is known well before "
        "it, accept it."
    ),
    "decides:lost": (
        "Who has it is lost: leave it out if it is written with the loss; if it is known well "
        "before it, accept it (and make it a disqualifier of the rules)."
    ),
    "near_close": (
        "It goes with the closing, not before it: add it to features.leave_out_actions."
    ),
    "backfilled": (
        "Its past was learnt late, which no new lead's will be: mend recorded_at, or leave it out."
    ),
    "bulk_recorded": (
        "History came in at one stroke: begin time.first_cutoff after it, or leave its actions out."
    ),
    "before_creation": (
        "Nobody could know it of a lead that did not exist: mend the times, or leave it out."
    ),
    "burst": (
        "One job wrote these, not the leads: find the true times, or leave it out. If it is a "
        "mail to many at once, accept it."
    ),
    "date_only": (
        "Each cutoff sees up to a day ahead: have the query give the end of the day, or leave it "
        "out. If it is a job that runs at that time, accept it."
    ),
    "filled_after_close": (
        "It is filled in when a deal closes: take it off features.attributes, or read its value "
        "as it was at the lead's creation."
    ),
    "identifier": "It names leads, it says nothing of them: take it off features.attributes.",
    "separates": (
        "One fact alone is hardly ever that good: see where it comes from, and leave it out if it "
        "is written after the outcome is known."
    ),
    "born_at_close": (
        "These leads are in the data because they were won: leave them out in the query of "
        "tables.leads, or give them their true first contact."
    ),
    "created_after_deal": (
        "created_at is when a deal was made of the lead: read the time of the first contact."
    ),
    "events_only": (
        "Whether a history was kept tells the outcome: read the events of all leads alike."
    ),
}


@dataclass(frozen=True)
class Finding:
    """One leak as found, its code stable from run to run.

    said: the evidence in words; figures: the same as numbers; first: the first offenders;
    accepted: whether readiness.toml lists it under [audit].
    """

    kind: str
    subject: str
    said: str
    figures: dict[str, float]
    first: tuple[str, ...] = ()
    accepted: bool = False

    @property
    def code(self) -> str:
        """What readiness.toml lists to accept it.

        >>> Finding("near_close", "contract_sent", "...", {}).code
        'near_close(contract_sent)'
        """
        return f"{self.kind}({self.subject})"

    @property
    def advice(self) -> str:
        """What to do about it."""
        return KINDS[self.kind]

    def __str__(self) -> str:
        first = f" (first: {'; '.join(self.first)})" if self.first else ""
        return f"{self.code}: {self.said}{first}. {self.advice}"

    def json_fields(self) -> dict[str, Any]:
        """With its code, its advice and the whole as `text`."""
        return {"code": self.code, **vars(self), "advice": self.advice, "text": str(self)}


def to_paste(codes: Iterable[str]) -> str:
    """The lines of readiness.toml that accept these codes.

    >>> print(to_paste(["near_close(contract_sent)"]))
    [audit]
    accepted = ["near_close(contract_sent)"]
    """
    return f"[audit]\naccepted = {toml_value(list(codes))}"


def interval(hits: int, count: int) -> tuple[float, float]:
    """The 99 % interval of a share hits / count (Wilson, JASA 1927); count > 0.

    >>> [round(bound, 3) for bound in interval(40, 40)]
    [0.858, 1.0]
    """
    found = binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return float(found.low), float(found.high)
