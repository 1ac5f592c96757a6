"""Whether a lead database has enough data to train on: the gate before every training.

The limits are in one table, here and in docs/enough-data.md. `readiness check` reports beforehand
what `train` would refuse. `train` refuses with all reasons at once. Without a model `score` serves
the points alone and says why.

Leads are counted, not snapshots: a deal won within 30 days is won at four weekly cutoffs, but is
one win.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.check.maturity import days_without_deals
from features.cohort import cohort_at
from features.config import Config
from features.contract.database import LeadDatabase
from features.errors import Refused
from features.labels import label_sql

LEAST_CUTOFFS = 2  # of the training: the earlier to fit, the later to calibrate
CLASSES = 2


@dataclass(frozen=True)
class Lack:
    """A reason not to train: `count` (`found` in JSON) of what is `counted`, fewer than `needed`.
    `code` is one of docs/enough-data.md; `advice` says what to do."""

    code: str
    count: int
    needed: int
    counted: str
    advice: str

    @property
    def brief(self) -> str:
        """In a few words.

        >>> Lack("too_few_wins", 31, 60, "leads won", "Wait.").brief
        'too few wins: 31 of 60'
        """
        return f"{self.code.replace('_', ' ')}: {self.count:,} of {self.needed:,}"

    def __str__(self) -> str:
        return (
            f"{self.code}: {self.count:,} {self.counted}; at least {self.needed:,} are needed. "
            f"{self.advice}"
        )

    def json_fields(self) -> dict[str, Any]:
        """With the count as `found`, and the whole as `text`."""
        fields = {"code": self.code, "found": self.count} | vars(self) | {"text": str(self)}
        del fields["count"]
        return fields


class NotEnough(Refused):
    """Training was refused at the gate, for all of `lacks`. `details` is what `--json` prints next
    to the message."""

    def __init__(self, lacks: Sequence[Lack]) -> None:
        self.lacks = tuple(lacks)
        self.details = {"reasons": self.lacks}
        lines = "\n".join(f"  {lack}" for lack in lacks)
        super().__init__(
            f"There is not enough data to train on yet:\n{lines}\n"
            "Until there is, `readiness score` ranks by the points alone (docs/enough-data.md)."
        )


@dataclass(frozen=True)
class Counts:
    """What the gate counts: mature cutoffs, those of them to train on, the leads won within the
    horizon of a training cutoff, the other leads open there, the snapshots of the final test, those
    of them won, and the actions and attributes in use."""

    mature: int
    training: int
    wins: int
    losses: int
    test: int
    test_wins: int
    inputs: int


def training_cutoffs(config: Config, data_end: datetime) -> list[datetime]:
    """The cutoffs to train on: a horizon or more before the first cutoff of the final test."""
    known = config.time.mature_cutoffs(data_end)
    gap = timedelta(days=config.time.horizon_days)
    return [cutoff for cutoff in known if cutoff + gap <= known[-config.time.test_cutoffs :][0]]


def lacks(config: Config, database: LeadDatabase) -> tuple[Lack, ...]:
    """Every reason not to train on a database; none where there is enough."""
    counts, times = count(config, database), config.time
    outcomes = (counts.test_wins > 0) + (counts.test_wins < counts.test)
    table = [
        Lack(
            "too_few_cutoffs",
            counts.training,
            LEAST_CUTOFFS,
            f"cutoffs to train on (of {counts.mature} mature ones the last {times.test_cutoffs} "
            f"are the final test, after a gap of {times.horizon_days} days)",
            "Start the cutoffs earlier (time.first_cutoff), test on fewer of them "
            "(time.test_cutoffs), shorten time.horizon_days, or wait for later data.",
        ),
        Lack(
            "too_few_wins",
            counts.wins,
            config.training.least_wins,
            f"leads won within {times.horizon_days} days of a training cutoff",
            "Wait for more deals, start the cutoffs earlier (time.first_cutoff), or lengthen "
            "time.horizon_days. Lower the limit, training.least_wins, only with good reason.",
        ),
        Lack(
            "too_few_losses",
            counts.losses,
            config.training.least_wins,
            "leads open at a training cutoff and not won within the horizon",
            "Does tables.leads have customers only? A model also needs the leads that did not buy.",
        ),
        Lack(
            "no_features",
            counts.inputs,
            1,
            "actions in events (without features.leave_out_actions) and attributes",
            "Name tables.events, list attributes of leads in features.attributes, and check that "
            "features.leave_out_actions does not remove too many.",
        ),
        Lack(
            "one_class_in_split",
            outcomes if counts.mature else CLASSES,  # without mature cutoffs there is no test
            CLASSES,
            f"outcomes in the final test: of its {counts.test:,} snapshots {counts.test_wins:,} "
            "are won within the horizon",
            "Such a test cannot judge a model. Give it more cutoffs (time.test_cutoffs), or wait "
            f"for outcomes. {days_without_deals(database)[1]}",
        ),
    ]
    return tuple(lack for lack in table if lack.count < lack.needed)


def refuse_lacks(config: Config, database: LeadDatabase) -> None:
    """Raises NotEnough with every reason not to train on a database."""
    reasons = lacks(config, database)
    if reasons:
        raise NotEnough(reasons)


def count(config: Config, database: LeadDatabase) -> Counts:
    """What the gate counts; no features are computed."""
    known = config.time.mature_cutoffs(database.data_end)
    fit = training_cutoffs(config, database.data_end)
    _, won, lost, _, _ = _labels(config, database, fit)
    *_, test, test_wins = _labels(config, database, known[-config.time.test_cutoffs :])
    inputs = len(database.actions) + len(database.attributes)
    return Counts(len(known), len(fit), won, lost, test, test_wins, inputs)


def _labels(
    config: Config, database: LeadDatabase, cutoffs: Sequence[datetime]
) -> tuple[int, int, int, int, int]:
    """Leads at the cutoffs, those of them won at any, those that were not won at any (or, where a
    lead may be won again, at some), snapshots, and those of them won."""
    if not cutoffs:
        return 0, 0, 0, 0, 0
    labels = label_sql(cohort_at(database, cutoffs), config.time.horizon_days, database.data_end)
    ((leads, won, not_always, snapshots, wins),) = database.connection.execute(
        "SELECT count(DISTINCT lead_id), count(DISTINCT lead_id) FILTER (won = 1), count(DISTINCT "
        f"lead_id) FILTER (won = 0), count(*), count(*) FILTER (won = 1) FROM ({labels})"
    ).fetchall()
    lost = not_always if config.outcomes.open_again else leads - won
    return leads, won, lost, snapshots, wins
