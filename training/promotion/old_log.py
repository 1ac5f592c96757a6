"""`promotions.jsonl`, the log of champions of earlier releases: imported once, then never read.

One JSON object a line, each with the SHA-256 of its own content and of the line before. A change is
two lines: its intent, and `done` or `abandoned`. A last line without its line break is what a crash
left; it does not count. The file stays as it is, and may be deleted once it is imported.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

from sqlalchemy import Connection

from features.config import Config
from features.errors import Refused
from models.decisions.champion_changes import ChampionChange, Step, add, changes_at
from models.registry import CHAMPION, Registry


def import_old_log(store: Connection, config: Config, registry: Registry) -> None:
    """Add the changes of the old log, if there is one and the history has none yet.

    Raises Refused where a line was changed, added or removed. Within a transaction only.
    """
    path = config.out_folder / "promotions.jsonl"
    if changes_at(store, *get_args(Step)) or not path.exists():
        return
    lines = list(_checked(path))
    champion = registry.find(CHAMPION)
    tag = registry.tags(champion).get("champion_move_sha256") if champion else None
    if tag and tag not in {line["sha256"] for line in lines}:
        raise _broken(path, f"the line that made version {champion} champion is missing")
    steps = {line["move"]: line["step"] for line in lines}
    for line in lines:
        if line["step"] == "intent":
            add(
                store,
                ChampionChange(
                    kind=line["kind"],
                    old_version=line["from"],
                    new_version=line["to"],
                    approved_by=line["by"],
                    reason=line["because"],
                    forced=line["forced"],
                    summary=line["said"],
                    evidence=line["judged"],
                    decided_at=line["at"],
                    step=steps[line["move"]],
                    number=line["move"],
                ),
            )


def _checked(path: Path) -> Iterator[dict[str, Any]]:
    previous = "0" * 64
    for number, text in enumerate(path.read_bytes().split(b"\n")[:-1], start=1):
        try:
            line = json.loads(text)
            content = {name: value for name, value in line.items() if name != "sha256"}
            digest = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
            is_whole = (line["previous"], line["sha256"]) == (previous, digest)
        except (ValueError, AttributeError, KeyError):
            is_whole = False
        if not is_whole:
            fault = f"line {number} does not follow the line before it as it was written"
            raise _broken(path, f"{fault}: a line was changed, added or removed")
        yield line
        previous = digest


def _broken(path: Path, fault: str) -> Refused:
    return Refused(
        f"{path}: {fault}, so it is not imported. Put the file back as it was, from a backup; or "
        "move it away, and the history begins with the champion of today."
    )
