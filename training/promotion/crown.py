"""Moving the alias `champion`, never without a line in the log that says who, when and why."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from features.config import Config
from features.cutoffs import utc_now
from features.errors import BadInput, Refused
from models.registry import CHAMPION, Registry
from training.promotion.move_log import Line, MoveLog, append, locked, log_path, read

TAG = "champion_move_sha256"


@dataclass(frozen=True)
class Move:
    """A change of champion. `before` None: there was none. `forced`: against the figures; `said`:
    the decision in one sentence; `judged`: the figures that it went by, empty for a rollback."""

    kind: Literal["promote", "rollback"]
    before: str | None
    to: str
    by: str
    because: str
    forced: bool
    said: str
    judged: Mapping[str, Any]


def who(by: str | None) -> str:
    """The name given, else that of the account."""
    try:
        return by or getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as containers have
        return "unknown"


def word(because: str | None) -> str:
    """A reason, without blanks around it. Raises BadInput for one that says nothing."""
    if because is not None and not because.strip():
        raise BadInput("Say why, in a few words: whoever reads the history later will ask.")
    return (because or "").strip()


def crown(config: Config, registry: Registry, move: Move) -> None:
    """Log the intent, move the alias, log that it is done; one process at a time.

    Raises Refused where the log's chain is broken, or the champion is no longer the one that the
    move was decided against.
    """
    path = log_path(config)
    with locked(path):
        log = _ended(read(path), registry)
        actual = registry.find(CHAMPION)
        if actual != move.before:
            raise Refused(
                f"The champion is {_named(actual)} by now, not {_named(move.before)}: somebody "
                "changed it meanwhile. Nothing was moved; look at readiness history, and try again."
            )
        number = 1 + max((line["move"] for line in log.lines), default=0)
        log = append(log, _intent(number, move))
        registry.crown(move.to, _tags(move, log.last_digest))
        append(log, _end(number, "done"))


def _ended(log: MoveLog, registry: Registry) -> MoveLog:
    """The log after the end that a crash left out, by where the alias points."""
    log.require_whole()
    broken_off = log.unfinished
    if broken_off is None:
        return log
    return append(log, _end(broken_off["move"], how_ended(broken_off, registry.find(CHAMPION))))


def how_ended(intent: Line, champion: str | None) -> Literal["done", "abandoned"]:
    """Whether an unfinished move took place: the champion is the one that it was to crown."""
    return "done" if champion == intent["to"] else "abandoned"


def _intent(number: int, move: Move) -> dict[str, Any]:
    return {
        "move": number,
        "step": "intent",
        "kind": move.kind,
        "at": utc_now().isoformat(timespec="seconds"),
        "by": move.by,
        "because": move.because,
        "forced": move.forced,
        "from": move.before,
        "to": move.to,
        "said": move.said,
        "judged": dict(move.judged),
    }


def _end(number: int, step: Literal["done", "abandoned"]) -> dict[str, Any]:
    return {"move": number, "step": step, "at": utc_now().isoformat(timespec="seconds")}


def _tags(move: Move, digest: str) -> dict[str, str]:
    return {
        TAG: digest,
        "champion_by": move.by,
        "champion_because": move.because or move.said,
        "champion_move": f"{move.kind} from {move.before or 'none'}",
    }


def _named(version: str | None) -> str:
    return "nobody" if version is None else f"version {version}"
