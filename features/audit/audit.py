"""The leakage audit: what in a lead database reveals the outcome before it could be known.

It runs in `readiness check` and before every training, which refuses until each finding is
corrected, left out or listed in readiness.toml as accepted. docs/audit.md explains each kind.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from features.audit.data_end import closed_only, dated_later
from features.audit.deciding_actions import deciding_actions, deciding_attributes, near_close
from features.audit.event_times import history_leaks
from features.audit.finding import Finding, marked, refuse
from features.audit.lead_tables import attribute_leaks, lead_leaks, write_audited
from features.audit.single_features import about, separating, separating_attributes
from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset
from features.spec.spec import Spec
from features.spec.titles import OfColumn

MOST_CUTOFFS = 8  # at which single features are tested


def spread_out(cutoffs: Sequence[datetime]) -> list[datetime]:
    """At most eight of the cutoffs, evenly spread, with the first and the last.

    >>> [day.day for day in spread_out([datetime(2026, 1, day) for day in range(1, 31)])]
    [1, 5, 9, 13, 18, 22, 26, 30]
    """
    last, count = len(cutoffs) - 1, min(MOST_CUTOFFS, len(cutoffs))
    return [cutoffs[round(last * i / max(1, count - 1))] for i in range(count)]


def audit(
    database: LeadDatabase,
    config: Config,
    cutoffs: Sequence[datetime],
    dataset: Dataset | None,
    specs: Sequence[Spec],
) -> tuple[Finding, ...]:
    """Every finding, the accepted ones marked.

    `cutoffs` are those trained on; `specs` the features of the model. `dataset` has the columns of
    `specs` and of BANDS at least at the cutoffs that `spread_out` chooses of them; None where there
    are none.
    """
    end = cutoffs[-1] + timedelta(days=config.time.horizon_days) if cutoffs else database.data_end
    write_audited(database, end)
    attributes = [spec for spec in specs if isinstance(spec, OfColumn)]
    findings = [
        *_all_but_features(database, config, attributes, end),
        *(separating(dataset.at(spread_out(cutoffs)), specs) if dataset else ()),
    ]
    counts = Counter(map(about, specs))
    return marked((replace(each, features=counts[each.about]) for each in findings), config)


def _all_but_features(
    database: LeadDatabase, config: Config, attributes: Sequence[OfColumn], until: datetime
) -> Iterator[Finding]:
    yield from deciding_actions(database)
    yield from near_close(database)
    yield from closed_only(database, until)
    yield from history_leaks(database, config.time)
    columns = list({spec.column: spec for spec in reversed(attributes)}.values())[::-1]
    yield from deciding_attributes(database, columns)
    yield from attribute_leaks(database, columns)
    yield from dated_later(database, columns)
    yield from separating_attributes(database, attributes)
    yield from lead_leaks(database)


def refuse_leaks(findings: Sequence[Finding], config: Config) -> None:
    """Raises Refused with every finding that readiness.toml does not accept, and the advice."""
    refuse(
        findings,
        config,
        "The leakage audit found {things} that may reveal the outcome before it could be known",
        "Correct each, or leave it out (features.leave_out_actions, features.attributes, "
        "features.leave_out); docs/audit.md shows how. To accept what is honest",
    )
