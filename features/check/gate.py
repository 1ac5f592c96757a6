"""Whether a lead database holds enough to learn from: the gate before every training.

One table, here and in docs/enough-data.md. `readiness check` tells beforehand what it would refuse,
`train` refuses with every reason at once, and where there is no model for it, `score` serves the
points alone and says why.

What is counted are leads, not snapshots: a deal won within 30 days is won at four weekly cutoffs,
and is one win all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.check.freshness import days_without_deals
from features.config import Config
from features.contract.database import LeadDatabase
from features.errors import Refused
from features.labels import label_sql
from features.snapshots import Snapshots

LEAST_CUTOFFS = 2  # of the training: the earlier for the trees, the later to calibrate
LEAST_ACTIONS = 2  # with one, there is nothing to weigh against another
LEAST_LOSSES = 60
CLASSES = 2


@dataclass(frozen=True)
class Lack:
    """A reason not to train. `code` is one of docs/enough-data.md; `found` of what is `counted`, of
    at least `needed`; `advice` says what to do."""

    code: str
    found: int
    needed: int
    counted: str
    advice: str

    @property
    def brief(self) -> str:
        """In a few words.

        >>> Lack("too_few_wins", 31, 60, "leads won", "Wait.").brief
        'too few wins: 31 of 60'
        """
        return f"{self.code.replace('_', ' ')}: {self.found:,} of {self.needed:,}"

    def __str__(self) -> str:
        return (
            f"{self.code}: {self.found:,} {self.counted}, at least {self.needed:,} are needed. "
            f"{self.advice}"
        )

    def json_fields(self) -> dict[str, Any]:
        """With the whole as `text`."""
        return vars(self) | {"text": str(self)}


class NotEnough(Refused):
    """Training was refused at the gate, for all of `lacks`. `details` is what `--json` prints next
    to the message."""

    def __init__(self, lacks: Sequence[Lack]) -> None:
        self.lacks = tuple(lacks)
        self.details = {"reasons": self.lacks}
        lines = "\n".join(f"  {lack}" for lack in lacks)
        super().__init__(
            f"There is not enough to learn from yet:\n{lines}\n"
            "Until there is, `readiness score` ranks by the points alone (docs/enough-data.md)."
        )


@dataclass(frozen=True)
class Counts:
    """What the gate counts: mature cutoffs, those of them to train on (a horizon or more before the
    first of the final test), the leads won within the horizon of a training cutoff, the other leads
    open there, the snapshots of the final test and those of them won, and the actions in use."""

    mature: int
    training: int
    wins: int
    losses: int
    test: int
    test_wins: int
    actions: int


def training_cutoffs(config: Config, data_end: datetime) -> list[datetime]:
    """The cutoffs that are trained on: a horizon or more before the first of the final test."""
    known = config.time.mature_cutoffs(data_end)
    gap = timedelta(days=config.time.horizon_days)
    return [cutoff for cutoff in known if cutoff + gap <= known[-config.time.test_cutoffs :][0]]


def lacks(config: Config, database: LeadDatabase) -> tuple[Lack, ...]:
    """Every reason not to train on a database; none where there is enough."""
    counts = count(config, database)
    found = [
        _cutoffs(config, counts),
        _wins(config, counts),
        _losses(counts),
        _actions(counts),
        _test(config, database, counts),
    ]
    return tuple(lack for lack in found if lack is not None and lack.found < lack.needed)


def refuse_lacks(config: Config, database: LeadDatabase) -> None:
    """Raises NotEnough with every reason not to train on a database."""
    found = lacks(config, database)
    if found:
        raise NotEnough(found)


def count(config: Config, database: LeadDatabase) -> Counts:
    """What the gate goes by, without any feature computed."""
    known = config.time.mature_cutoffs(database.data_end)
    fit = training_cutoffs(config, database.data_end)
    leads, won, _, _ = _labels(config, database, fit)
    _, _, test, test_wins = _labels(config, database, known[-config.time.test_cutoffs :])
    return Counts(len(known), len(fit), won, leads - won, test, test_wins, len(database.actions))


def _labels(
    config: Config, database: LeadDatabase, cutoffs: Sequence[datetime]
) -> tuple[int, int, int, int]:
    """Leads at the cutoffs, those of them won, snapshots, and those of them won."""
    if not cutoffs:
        return 0, 0, 0, 0
    labels = label_sql(Snapshots.at(database, cutoffs), config.time.horizon_days, database.data_end)
    leads, won, snapshots, wins = database.connection.execute(
        "SELECT count(DISTINCT lead_id), count(DISTINCT lead_id) FILTER (won = 1), count(*), "
        f"count(*) FILTER (won = 1) FROM ({labels})"
    ).fetchall()[0]
    return leads, won, snapshots, wins


def _cutoffs(config: Config, counts: Counts) -> Lack:
    times = config.time
    return Lack(
        "too_few_cutoffs",
        counts.training,
        LEAST_CUTOFFS,
        f"cutoffs to train on (of {counts.mature} mature ones, the last {times.test_cutoffs} are "
        f"the final test, and a gap of {times.horizon_days} days must lie before them)",
        "Begin the grid earlier (time.first_cutoff), test on fewer cutoffs (time.test_cutoffs), "
        "shorten time.horizon_days, or come back with later data.",
    )


def _wins(config: Config, counts: Counts) -> Lack:
    return Lack(
        "too_few_wins",
        counts.wins,
        config.training.least_wins,
        f"leads won within {config.time.horizon_days} days of a cutoff to train on",
        "Wait for more deals, begin the grid earlier (time.first_cutoff), or lengthen "
        "time.horizon_days. training.least_wins is the limit, for those who know their reasons.",
    )


def _losses(counts: Counts) -> Lack:
    return Lack(
        "too_few_losses",
        counts.losses,
        LEAST_LOSSES,
        "leads open at a cutoff to train on and not won within the horizon",
        "Does tables.leads hold only customers? A model needs the leads that did not buy, too.",
    )


def _actions(counts: Counts) -> Lack:
    return Lack(
        "one_action" if counts.actions else "no_action",
        counts.actions,
        LEAST_ACTIONS,
        f"action{'s' * (counts.actions != 1)} in events, without features.leave_out_actions",
        "Name what people did more finely in tables.events (its query may join the page or the "
        "form to the action), and see whether features.leave_out_actions leaves out too much.",
    )


def _test(config: Config, database: LeadDatabase, counts: Counts) -> Lack | None:
    """One outcome only in the final test; nothing where there is no final test at all."""
    if not counts.mature:
        return None
    return Lack(
        "one_class_in_split",
        (counts.test_wins > 0) + (counts.test_wins < counts.test),
        CLASSES,
        f"outcomes in the final test: of its {counts.test:,} snapshots {counts.test_wins:,} are "
        "won within the horizon",
        "Nothing can be judged on such a test. Give it more cutoffs (time.test_cutoffs), or wait "
        f"for outcomes. {days_without_deals(database)[1]}",
    )
