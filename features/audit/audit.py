"""The leakage audit: what in a lead database tells the outcome before it could be known.

Part of `readiness check` and of every training, which refuses until each finding is mended, left
out or listed in readiness.toml as accepted. docs/audit.md says what each kind means.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from features.audit.attributes import attribute_leaks
from features.audit.deciding import deciding_actions, deciding_attributes, near_close
from features.audit.finding import Finding, to_paste
from features.audit.history import history_leaks
from features.audit.leads import lead_leaks, write_audited
from features.audit.single import separating, separating_attributes
from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset
from features.errors import Refused
from features.spec.spec import Spec

MOST_CUTOFFS = 8  # at which single features are looked at, spread over all


def spread_out(cutoffs: Sequence[datetime]) -> list[datetime]:
    """At most eight of the cutoffs, the first and the last among them, as evenly as can be.

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
    """Every finding, the accepted ones marked. `cutoffs` are those trained on, `dataset` has the
    specs at some of them or more, or is None where there are none."""
    end = cutoffs[-1] + timedelta(days=config.time.horizon_days) if cutoffs else database.data_end
    write_audited(database, end)
    found = [
        *_all_but_features(database, config),
        *(separating(dataset.at(spread_out(cutoffs)), specs) if dataset else ()),
    ]
    accepted = set(config.audit.accepted)
    return tuple(replace(each, accepted=each.code in accepted) for each in found)


def _all_but_features(database: LeadDatabase, config: Config) -> Iterator[Finding]:
    yield from deciding_actions(database)
    yield from near_close(database)
    yield from history_leaks(database, config.time.first_cutoff)
    yield from deciding_attributes(database)
    yield from attribute_leaks(database)
    yield from separating_attributes(database)
    yield from lead_leaks(database)


def refuse_leaks(findings: Sequence[Finding], config: Config) -> None:
    """Raises Refused with every finding that readiness.toml does not accept, and what to do."""
    new = [each for each in findings if not each.accepted]
    if not new:
        return
    lines = "\n".join(f"  {each}" for each in new)
    codes = [*config.audit.accepted, *(each.code for each in new)]
    raise Refused(
        f"The leakage audit found {len(new)} thing{'s' * (len(new) != 1)} that may tell the "
        f"outcome before it could be known:\n{lines}\nMend each, or leave it out "
        "(features.leave_out_actions, features.attributes); docs/audit.md tells how. What is "
        f"honest, accept in {config.path.name}, with a comment that says why: these lines, in "
        "place of its [audit]:\n"
        f"{to_paste(dict.fromkeys(codes))}"
    )
