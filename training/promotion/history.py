"""Who was champion from when to when, and the way back to an earlier one.

Worked example: version 1 is promoted on 2026-03-02, version 2 on 2026-06-01, and on 2026-06-03 a
person rolls back to 1. The periods: 1 in [03-02, 06-01), 2 in [06-01, 06-03), 1 since then. A
second rollback is refused: there was no champion before version 1.
"""

from dataclasses import dataclass, replace
from typing import Any

from features.config import Config
from features.errors import Refused
from models.decisions.champion_changes import ChampionChange, changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from models.registry import CHAMPION, Registry
from training.promotion.champion import TAG, approver, set_champion, settle, stripped_reason


@dataclass(frozen=True)
class Period:
    """The time of one champion, [since, until), ISO, UTC; until None for the current one. since and
    change: when and how it became champion, None where that is not in the history."""

    version: str
    since: str | None = None
    until: str | None = None
    change: ChampionChange | None = None

    def json_fields(self) -> dict[str, Any]:
        """One of the `periods` of `history --json`."""
        change = self.change
        return {
            "version": self.version,
            "since": self.since,
            "until": self.until,
            "kind": change.kind if change else "outside the log",
            "by": change.approved_by if change else "",
            "because": change.reason if change else "",
            "forced": change.forced if change else False,
            "said": change.summary if change else "",
            "judged": change.evidence if change else {},
        }


@dataclass(frozen=True)
class ChampionHistory:
    """changes: those that took place, in order. champion: MLflow's. fault: what the history misses,
    "" if nothing. notes: what became of a change that was interrupted."""

    changes: list[ChampionChange]
    champion: str | None
    fault: str
    notes: tuple[str, ...]

    @property
    def periods(self) -> list[Period]:
        """In order of time; champions that were set outside of this history are among them."""
        result: list[Period] = []
        for change in self.changes:
            if change.old_version and (not result or result[-1].version != change.old_version):
                result.append(Period(change.old_version))
            if result:
                result[-1] = replace(result[-1], until=change.decided_at)
            result.append(Period(change.new_version, change.decided_at, change=change))
        if self.champion and (not result or result[-1].version != self.champion):
            result.append(Period(self.champion))
        return result

    def rollback_of(self, version: str) -> ChampionChange | None:
        """The rollback that ended the last period of this version; None where none did."""
        ends = [change for change in self.changes if change.old_version == version]
        return ends[-1] if ends and ends[-1].kind == "rollback" else None

    def json_fields(self) -> dict[str, Any]:
        """What `history --json` prints."""
        return {
            "champion": self.champion,
            "log_is_whole": not self.fault,
            "fault": self.fault,
            "notes": self.notes,
            "periods": self.periods,
        }


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
