"""Setting the champion: MLflow's alias, and a row of the history, in three steps.

1. intent: the row, with who, why and the figures. 2. alias moved: MLflow's alias `champion` points
to the new version. 3. done: the version's tags in MLflow hold it too. Each is a transaction of its
own. A crash leaves a row that says how far the change came, and the next command that reads or
changes the history settles it: completed where the alias has moved, abandoned otherwise.

Worked example: the power fails after MLflow moved the alias and before step 2 was committed. The
row says intent, the alias stands at the new version: the next command tags that and marks it done.

Of two processes at once, the second abandons an intent of the first whose alias has not moved; the
first then sees that, and changes nothing.
"""

import getpass

from sqlalchemy import Connection

from features.config import Config
from features.errors import BadInput, Refused
from features.masking import without_secrets
from models.decisions.champion_changes import (
    UNFINISHED,
    ChampionChange,
    Step,
    add,
    changes_at,
    mark,
)
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from models.registry import CHAMPION, Registry
from training.promotion.old_log import import_old_log

TAG = "champion_change"  # in MLflow: the number of the change that set a version as champion


def approver(by: str | None) -> str:
    """The name given, else that of the account."""
    try:
        return by or getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have
        return "unknown"


def stripped_reason(reason: str | None) -> str:
    """A reason without blanks around it, "" for None. Raises BadInput for one that is blank."""
    if reason is not None and not reason.strip():
        raise BadInput("Say why, in a few words: whoever reads the history later will ask.")
    return without_secrets((reason or "").strip())


def set_champion(config: Config, registry: Registry, change: ChampionChange) -> None:
    """Make `change.new_version` the champion, in the three steps.

    Raises Refused where the champion is not the one that the change was decided against, or where
    another process changes it at the same time.
    """
    again = "Nothing was changed; see readiness history, and try again."
    with open_decisions(LedgerPlace.of(config)) as store:
        with transaction(store):
            settle(store, config, registry)
            champion = registry.find(CHAMPION)
            if champion != change.old_version:
                raise Refused(
                    f"The champion is version {champion or 'none'} by now, not version "
                    f"{change.old_version or 'none'}: somebody changed it meanwhile. {again}"
                )
            number = add(store, change)
        with transaction(store):
            if number not in {each.number for each in changes_at(store, "intent")}:
                raise Refused(f"Another command read or changed the history meanwhile. {again}")
            registry.set_champion(change.new_version)
            mark(store, number, "alias moved")
        with transaction(store):
            settle(store, config, registry)


def settle(store: Connection, config: Config, registry: Registry) -> tuple[str, ...]:
    """Complete or abandon the unfinished change and return a note on it; first import the log of an
    earlier release. Within a transaction only."""
    import_old_log(store, config, registry)
    notes = []
    for change in changes_at(store, *UNFINISHED):  # one at most
        old, new = change.old_version or "none", change.new_version
        moved = change.step == "alias moved" or registry.find(CHAMPION) == new
        if moved:
            tags = {
                TAG: str(change.number),
                "champion_by": change.approved_by,
                "champion_because": change.reason or change.summary,
                "champion_move": f"{change.kind} from {old}",
            }
            registry.tag(new, tags)
        end: Step = "done" if moved else "abandoned"
        mark(store, change.number, end)
        notes.append(
            f"Change {change.number} (from {old} to {new}) was interrupted "
            f"{'after' if moved else 'before'} the alias moved in MLflow, and is now {end}."
        )
    return tuple(notes)
