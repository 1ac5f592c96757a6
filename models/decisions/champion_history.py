"""Who was champion from when to when, read off the changes of champion.

Worked example: version 1 is promoted on 2026-03-02, version 2 on 2026-06-01, and on 2026-06-03 a
person rolls back to 1. The periods: 1 in [03-02, 06-01), 2 in [06-01, 06-03), 1 since then.
"""

from dataclasses import dataclass, replace
from typing import Any

from models.decisions.champion_changes import ChampionChange


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
