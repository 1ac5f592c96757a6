"""What `readiness check` reports, as typed records.

Breaches of the contract have to be corrected before any training. Notes are allowed, and true of
many good databases, but deserve a look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.audit.finding import Finding
from features.check.gate import Lack
from features.check.maturity import Maturity
from features.check.worked import Worked
from features.contract.breaches import Breach
from features.errors import shortened


@dataclass(frozen=True)
class TableSpan:
    """A table's rows, and the first and last value of its main time."""

    table: str
    rows: int
    first: datetime | None
    last: datetime | None


@dataclass(frozen=True)
class ActionCount:
    """An action's events, leads and share of all events; whether leave_out_actions names it."""

    action: str
    events: int
    leads: int
    share: float
    left_out: bool


@dataclass(frozen=True)
class CutoffCount:
    """A cutoff of the grid: its snapshots, and those of them won within the horizon; None where
    there are no snapshots or they are censored (not mature)."""

    cutoff: datetime
    mature: bool
    snapshots: int
    won: int | None


@dataclass(frozen=True)
class Note:
    """What is allowed and deserves a look: how many, what to do, the first of them."""

    title: str
    count: int
    advice: str
    first: tuple[str, ...] = ()

    def __str__(self) -> str:
        first = f" (first: {'; '.join(map(shortened, self.first))})" if self.first else ""
        return f"{self.title}: {self.count:,}{first}. {self.advice}"

    def json_fields(self) -> dict[str, Any]:
        """With the whole as `text`."""
        return vars(self) | {"text": str(self)}


@dataclass(frozen=True)
class Report:
    """What is in a lead database.

    `actions` begin with the most frequent. `deals` has won, lost and open (leads without a deal);
    `snapshots` has mature, censored and won; `features` counts each kind; `counts` has a number for
    each of `notes.ROWS`. `won_share` is the share won of the mature snapshots, `recorded_late` the
    share of events recorded after they occurred; either is None where there are none. `findings`
    are those of the leakage audit, which does not run where the contract is breached; `implausible`
    what can hardly be true (features/check/plausibility.py); `lacks` are the reasons why training
    would refuse for too little data. `worked` counts the leads open at the mature cutoffs,
    contacted or not; None without contacts.
    """

    data_end: datetime
    horizon_days: int
    tables: tuple[TableSpan, ...]
    actions: tuple[ActionCount, ...]
    deals: dict[str, int]
    counts: dict[str, int]
    recorded_late: float | None
    snapshots: dict[str, int]
    won_share: float | None
    cutoffs: tuple[CutoffCount, ...]
    features: dict[str, int]
    notes: tuple[Note, ...]
    breaches: tuple[Breach, ...]
    findings: tuple[Finding, ...] = ()
    implausible: tuple[Finding, ...] = ()
    lacks: tuple[Lack, ...] = ()
    maturity: Maturity | None = None
    worked: Worked | None = None

    @property
    def ok(self) -> bool:
        """Whether the contract is met; notes and findings of the audit do not count."""
        return not self.breaches

    @property
    def refused(self) -> tuple[Finding, ...]:
        """The findings, of the audit and of what can hardly be true, that readiness.toml does not
        accept: training refuses."""
        return tuple(each for each in (*self.findings, *self.implausible) if not each.accepted)

    def json_fields(self) -> dict[str, Any]:
        """As `check --json` prints it: the reasons not to train are under `training`."""
        training = {
            "passes": self.ok and not self.refused and not self.lacks,
            "reasons": self.lacks,
        }
        shown = {name: value for name, value in vars(self).items() if name != "lacks"}
        return {"ok": self.ok, **shown, "training": training}


def totals(cutoffs: Sequence[CutoffCount]) -> dict[str, int]:
    """Snapshots of all cutoffs: mature, censored, and won."""
    return {
        "mature": sum(c.snapshots for c in cutoffs if c.mature),
        "censored": sum(c.snapshots for c in cutoffs if not c.mature),
        "won": sum(c.won or 0 for c in cutoffs),
    }
