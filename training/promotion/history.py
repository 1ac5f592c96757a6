"""The history of champions, and the way back to an earlier one.

In the worked example of models/decisions/champion_history.py a second rollback is refused: there
was no champion before version 1.
"""

from features.config import Config
from features.errors import Refused
from models.decisions.champion_changes import ChampionChange, changes_at
from models.decisions.champion_history import ChampionHistory
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from models.registry import CHAMPION, Registry
from training.promotion.champion import TAG, approver, set_champion, settle, stripped_reason


def history(config: Config) -> ChampionHistory:
    """The history as it is, once an interrupted change is settled."""
    registry = Registry(config)
    with open_decisions(LedgerPlace.of(config)) as store, transaction(store):
        notes = settle(store, config, registry)
        changes, champion = changes_at(store, "done"), registry.find(CHAMPION)
    number = champion and registry.tags(champion).get(TAG)
    fault = ""
    if number and number not in {str(c.number) for c in changes if c.new_version == champion}:
        fault = (
            f"{LedgerPlace.of(config).decisions}: change {number}, which set version {champion} as "
            "champion, is missing. The file was removed, or is an older copy."
        )
    return ChampionHistory(changes, champion, fault, notes)


def rollback(
    config: Config, reason: str, to: str | None = None, by: str | None = None
) -> ChampionChange:
    """Set the champion before this one, or version `to` of the earlier ones, as champion.

    Raises BadInput without a reason, Refused where there is no such champion to go back to.
    """
    reason = stripped_reason(reason)
    registry, past = Registry(config), history(config)
    champion, target = past.champion, _target(past, to)
    registry.load(target)  # before anything changes: it can still be read
    summary = f"Version {target} is champion again, in place of version {champion}."
    change = ChampionChange("rollback", champion, target, approver(by), reason, False, summary, {})
    set_champion(config, registry, change)
    return change


def _target(past: ChampionHistory, to: str | None) -> str:
    """Version `to` if it was champion before; else the one before this one, without those rolled
    back: a promotion puts its version on the stack, a rollback takes off all above its own."""
    champion = past.champion
    if champion is None:
        raise Refused("There is no champion to go back from: promote one first.")
    versions = {period.version for period in past.periods} - {champion}
    if to in versions:
        return to
    if to is not None:
        known = f"earlier champions: {', '.join(sorted(versions, key=int)) or 'none'}"
        raise Refused(
            f"Version {to} is no earlier champion ({known}). A version that never was champion "
            "becomes it by readiness promote."
        )
    stack: list[str] = []
    for change in past.changes:
        old, new = change.old_version, change.new_version
        if old and stack[-1:] != [old]:
            stack.append(old)
        if change.kind == "rollback" and new in stack:
            while stack[-1] != new:
                stack.pop()
        else:
            stack.append(new)
    before = [version for version in stack if version != champion]
    if not before:
        raise Refused(
            f"Version {champion} is champion, and the history has none before it: there is nothing "
            "to go back to. See readiness history."
        )
    return before[-1]
