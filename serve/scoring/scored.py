"""What a scoring run did; also known without scoring (unchanged.py), so that nothing here imports a
model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from features.cutoffs import utc_now
from features.errors import Refused
from serve.ledger.ledger import Ledger
from serve.ledger.runs import Run

NO_MODEL = "none"


@dataclass(frozen=True)
class Unscored:
    """The open leads that are not scored: how many breach the contract, the first of them in words
    ("" where there is none), and how many are outside the cohort."""

    faulty: int
    first: str
    outside: int

    @classmethod
    def of(cls, others: pd.DataFrame) -> Unscored:
        """Of the rows as `LeadRows.open_leads` has them."""
        faulty = others[others["state"] == "not scored"]
        first = faulty[["lead_id", "state_reason"]].head(1).itertuples(index=False)
        texts = [f"lead {lead}: {reason}" for lead, reason in first]
        return cls(len(faulty), "".join(texts), len(others) - len(faulty))

    @classmethod
    def total(cls, parts: Iterable[Unscored]) -> Unscored:
        """Of all parts of the leads."""
        several = list(parts)
        first = min((each.first for each in several if each.first), default="")
        faulty = sum(each.faulty for each in several)
        return cls(faulty, first, sum(each.outside for each in several))


@dataclass(frozen=True)
class Scored:
    """What a scoring run did: how many leads are in the ledger for it, and how many it added.

    `breaches` are those of the contract: rows that do not read were not seen by any score.
    `data_end` is that of the lead database. shadow_failed: whether a challenger could not be scored
    beside it.
    """

    run: Run
    open_leads: int
    unscored: Unscored
    added: int
    breaches: tuple[str, ...]
    notes: tuple[str, ...]
    data_end: datetime
    ledger: Ledger
    shadow_failed: bool = False

    @property
    def rows(self) -> pd.DataFrame:
        """All of the run's rows, in memory; `ledger` yields some of them, or exports them."""
        return self.ledger.rows(self.run)

    @property
    def by_points(self) -> bool:
        """Whether there was no model, and the points alone ranked."""
        return self.run.model_version == NO_MODEL

    def json_fields(self) -> dict[str, Any]:
        """What `score --json` prints; all but open_leads is counted in the ledger."""
        states = self.ledger.counts(self.run, "state")
        return {
            "cutoff": self.run.cutoff,
            "model_version": self.run.model_version,
            "rules_version": self.run.rules_version,
            "open_leads": self.open_leads,
            "scored": states.get("scored", 0),
            "not_scored": states.get("not scored", 0),
            "outside": states.get("outside", 0),
            "added": self.added,
            "routes": self.ledger.counts(self.run, "route"),
            "decided_routes": self.ledger.counts(self.run, "decided_route"),
            "decided_otherwise": sum(self.ledger.counts(self.run, "decided_because").values()),
            "marked": self.ledger.counts(self.run, "marked"),
            "postponing": self.ledger.counts(self.run, "postponing").get("True", 0),
            "bands": self.ledger.counts(self.run, "band"),
            "breaches": self.breaches,
            "notes": self.notes,
        }

    def of_segment(self, segment: str) -> dict[str, Any]:
        """What `score --segment NAME --json` prints besides: the segment's part of it."""
        routes = self.ledger.counts(self.run, "route", segment)
        return {"name": segment, "open_leads": sum(routes.values()), "routes": routes}


def default_cutoff(data_end: datetime, now: datetime) -> datetime:
    """The first midnight after the data end; before that midnight has come, just after the data
    end itself. So the nightly run over data up to 2026-11-20 23:58 has the cutoff 2026-11-21
    00:00, however often it is repeated.

    >>> default_cutoff(datetime(2026, 11, 20, 23, 58), datetime(2026, 11, 21, 4, 0))
    datetime.datetime(2026, 11, 21, 0, 0)
    """
    midnight = datetime(data_end.year, data_end.month, data_end.day) + timedelta(days=1)
    return midnight if midnight <= now else data_end + timedelta(microseconds=1)


def refuse_future(cutoff: datetime | None, writes: str, cure: str) -> None:
    """Raises Refused for a cutoff later than now: what is written at it, by a slip such as
    2062-11-29 for 2026-11-29, would be newer than all that is written until then."""
    now = utc_now()
    if cutoff is not None and cutoff > now:
        raise Refused(
            f"The cutoff {cutoff} is in the future (it is {now:%Y-%m-%d %H:%M} UTC): nothing is "
            f"{writes}. {cure}"
        )
