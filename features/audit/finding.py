"""A finding of the leakage audit, and the advice for each kind; docs/audit.md says more of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from features.toml import toml_value

LEVEL = 0.99  # of the intervals, as many actions and values are tested at once

# What to do about each kind.
KINDS = {
    "decides:won": (
        "Nearly all leads that have it are won. Leave it out if it is recorded with the win; "
        "accept it if it is known well before the win."
    ),
    "decides:lost": (
        "Nearly all leads that have it are lost. Leave it out if it is recorded with the loss; "
        "accept it if it is known well before the loss (and make it a disqualifier of the rules)."
    ),
    "near_close": ("It happens because the deal closes. Add it to features.leave_out_actions."),
    "backfilled": (
        "Old events were recorded late, which does not happen for new leads. Correct recorded_at, "
        "or leave the action out."
    ),
    "bulk_recorded": (
        "History was imported in one batch. Set time.first_cutoff after the import, or leave its "
        "actions out."
    ),
    "before_creation": (
        "These events are dated before their lead existed. Correct the times, or leave the action "
        "out."
    ),
    "burst": (
        "A job wrote these events, not the leads. Use the true times, or leave the action out. "
        "Accept it if it is an e-mail to many leads at once."
    ),
    "date_only": (
        "Each cutoff sees up to a day ahead. Have the query give the end of the day, or leave the "
        "action out. Accept it if it is a job that runs at that time."
    ),
    "filled_after_close": (
        "It is filled in when a deal closes. Remove it from features.attributes, or read its value "
        "as it was when the lead was created."
    ),
    "identifier": (
        "It identifies leads and does not describe them. Remove it from features.attributes."
    ),
    "separates": (
        "A single feature is hardly ever that good. Check where it comes from, and leave it out if "
        "it is recorded after the outcome is known."
    ),
    "born_at_close": (
        "These leads are in the data because they were won. Leave them out in the query of "
        "tables.leads, or use the time of their first contact as created_at."
    ),
    "created_after_deal": (
        "created_at is the time when the lead became a deal. Use the time of the first contact."
    ),
    "events_only": (
        "Whether a lead has events reveals its outcome. Read the events of all leads in one way."
    ),
}


@dataclass(frozen=True)
class Finding:
    """One possible leak; its code is the same in every run.

    evidence: in words (`said` in JSON); figures: the same as numbers; first: the first rows that
    show it; accepted: whether readiness.toml lists it under [audit].
    """

    kind: str
    subject: str
    evidence: str
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
        return f"{self.code}: {self.evidence}{first}. {self.advice}"

    def json_fields(self) -> dict[str, Any]:
        """With its code, its advice and the whole as `text`; the evidence is called `said`."""
        fields = vars(self) | {"said": self.evidence}
        del fields["evidence"]
        return {"code": self.code, **fields, "advice": self.advice, "text": str(self)}


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
    bounds = binomtest(hits, count).proportion_ci(LEVEL, method="wilson")
    return float(bounds.low), float(bounds.high)
