"""Who was champion from when to when, and the way back to an earlier one.

Worked example: version 1 is promoted on 2026-03-02, version 2 on 2026-06-01, and on 2026-06-03 a
person goes back to 1. The reigns: 1 from 03-02 to 06-01, 2 to 06-03, 1 since then. A second
rollback is refused: there was no champion before version 1.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from features.config import Config
from features.errors import Refused
from models.registry import CHAMPION, Registry
from training.promotion.crown import TAG, Move, crown, how_ended, who, word
from training.promotion.move_log import Line, MoveLog, log_path, read


@dataclass(frozen=True)
class Reign:
    """One champion's time. since, until: ISO, UTC; `since` None where its beginning is not in the
    log (crowned elsewhere), `until` None for the one that reigns."""

    version: str
    since: str | None
    until: str | None
    kind: str
    by: str
    because: str
    forced: bool
    said: str
    judged: dict[str, Any]


@dataclass(frozen=True)
class History:
    """What `readiness history` shows. `fault`: why the log cannot be believed, "" if it can."""

    reigns: tuple[Reign, ...]
    champion: str | None
    fault: str
    notes: tuple[str, ...]

    def json_fields(self) -> dict[str, Any]:
        """What `history --json` prints."""
        return {
            "champion": self.champion,
            "log_is_whole": not self.fault,
            "fault": self.fault,
            "notes": self.notes,
            "reigns": self.reigns,
        }


def history(config: Config) -> History:
    """The log's reigns, held against what MLflow calls champion."""
    registry, log = Registry(config), read(log_path(config))
    champion = registry.find(CHAMPION)
    moves = moved(log, champion)
    notes = []
    broken_off = log.unfinished
    if broken_off is not None:
        ended = how_ended(broken_off, champion)
        notes.append(
            f"Move {broken_off['move']} (from {broken_off['from'] or 'none'} to "
            f"{broken_off['to']}) was broken off before its end was written; by MLflow it was "
            f"{ended}. The next move writes that down."
        )
    fault = f"{log.path}: {log.fault}" if log.fault else _cut_off(registry, champion, log)
    return History(tuple(reigns(moves, champion)), champion, fault, tuple(notes))


def moved(log: MoveLog, champion: str | None) -> list[Line]:
    """The intents of the moves that took place, the one that a crash broke off among them if the
    alias says so."""
    last = log.unfinished
    if last is None or how_ended(last, champion) == "abandoned":
        return log.done
    return [*log.done, last]


def reigns(moves: Iterable[Line], champion: str | None) -> Iterator[Reign]:
    """In order of time; a champion that the log does not know how it came by is among them."""
    reigning: Reign | None = None
    for move in moves:
        if move["from"] is not None and (reigning is None or reigning.version != move["from"]):
            if reigning is not None:
                yield reigning
            reigning = _unlogged(move["from"])
        if reigning is not None:
            yield replace(reigning, until=move["at"])
        told = {key: move[key] for key in ("kind", "by", "because", "forced", "said", "judged")}
        reigning = Reign(version=move["to"], since=move["at"], until=None, **told)
    if reigning is not None:
        yield reigning
    if champion is not None and (reigning is None or reigning.version != champion):
        yield _unlogged(champion)


def _unlogged(version: str) -> Reign:
    return Reign(version, None, None, "outside the log", "", "", False, "", {})


def _cut_off(registry: Registry, champion: str | None, log: MoveLog) -> str:
    """The champion's tag names the line that crowned it; if that is gone, so is a part."""
    named = None if champion is None else registry.tags(champion).get(TAG)
    if named is None or any(line["sha256"] == named for line in log.lines):
        return ""
    return (
        f"{log.path}: the line that crowned version {champion} is not in it. Lines were cut off or "
        "written anew, or the file was moved away."
    )


def standing_champions(moves: Iterable[Line]) -> list[str]:
    """The champions one may go back to, the oldest first, the present one last: a promotion puts
    its version on top, a rollback takes off all above the one it goes back to.

    >>> ways = [("promote", None, "1"), ("promote", "1", "2"), ("rollback", "2", "1")]
    >>> standing_champions([dict(zip(("kind", "from", "to"), way)) for way in ways])
    ['1']
    """
    stack: list[str] = []
    for move in moves:
        if move["from"] is not None and stack[-1:] != [move["from"]]:
            stack.append(move["from"])
        if move["kind"] == "rollback" and move["to"] in stack:
            last = len(stack) - 1 - stack[::-1].index(move["to"])
            del stack[last + 1 :]
        else:
            stack.append(move["to"])
    return stack


def rollback(config: Config, because: str, to: str | None = None, by: str | None = None) -> Move:
    """Crown the champion before this one, or version `to` of the earlier ones, on a person's word.

    Raises BadInput without a reason, Refused where there is no such champion to go back to.
    """
    because = word(because)
    registry, log = Registry(config), read(log_path(config))
    log.require_whole()
    champion = registry.find(CHAMPION)
    moves = moved(log, champion)
    target = _target(moves, champion, to)
    registry.load(target)  # before anything moves: it can still be read
    said = f"Version {target} is champion again, in place of version {champion}."
    move = Move("rollback", champion, target, who(by), because, False, said, {})
    crown(config, registry, move)
    return move


def _target(moves: list[Line], champion: str | None, to: str | None) -> str:
    if champion is None:
        raise Refused("There is no champion to go back from: promote one first.")
    if to is None:
        earlier = standing_champions(moves)
        while earlier[-1:] == [champion]:
            earlier.pop()
        if not earlier:
            raise Refused(
                f"Version {champion} is champion, and the log knows none before it: there is "
                "nothing to go back to. See readiness history."
            )
        return earlier[-1]
    once = sorted({reign.version for reign in reigns(moves, champion)} - {champion}, key=int)
    if to not in once:
        known = f"earlier champions: {', '.join(once)}" if once else "there was no other champion"
        raise Refused(
            f"Version {to} is no earlier champion ({known}). A version that never was champion is "
            "crowned by readiness promote."
        )
    return to


def taken_back(moves: list[Line], version: str) -> Line | None:
    """The rollback that took the crown from this version, if that is how it last lost it."""
    lost = [move for move in moves if move["from"] == version]
    return lost[-1] if lost and lost[-1]["kind"] == "rollback" else None
