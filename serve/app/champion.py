"""The champion in memory, changed for the new one without a restart."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from features.config import Config
from models.registry import CHAMPION, Registry
from serve.app.scoring_process import ScoringProcess
from serve.scoring.scorer import Scorer

LOOK_SECONDS = 3.0
_log = logging.getLogger("uvicorn.error")
_Seen = tuple[str | None, tuple[int, ...]]


class Champion:
    """Whose `process` scores with the champion beside the rules and segments of now; None without
    one.

    A process never changes its scorer: a request takes it once and ends with it, also where another
    one is champion by then. Raises BadInput where it cannot be loaded at the start.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.fault = ""  # why what is there now could not be loaded
        self._registry = Registry(config)
        self._files = (config.folder / config.rules, config.folder / config.segments)
        self._seen, self.process = self._load()
        self._stopped = threading.Event()

    def look(self) -> None:
        """Load the champion anew where it is another one, or its rules and segments were changed.
        What cannot be loaded leaves the one of before in place."""
        try:
            if self._now() != self._seen:
                seen, process = self._load()
                if process is not None:
                    process.warm().result()  # the one of before scores meanwhile
                before, self.process, self._seen = self.process, process, seen
                if before is not None:
                    before.stop()
                _log.info("champion: version %s, rules %s", self.version, self.rules)
            self.fault = ""
        except Exception as error:  # of whatever kind: the service goes on with the one that it has
            if str(error) != self.fault:
                _log.error("the champion of now cannot be loaded: %s", error)
            self.fault = str(error)

    @property
    def scorer(self) -> Scorer | None:
        """What the process scores with."""
        return self.process.scorer if self.process else None

    @property
    def version(self) -> str | None:
        """The version in use."""
        return self.scorer.model_version if self.scorer else None

    @property
    def rules(self) -> str | None:
        """The version of the rules in use."""
        return self.scorer.rules.version if self.scorer else None

    def _now(self) -> _Seen:
        return self._registry.find(CHAMPION), tuple(map(_changed_at, self._files))

    def _load(self) -> tuple[_Seen, ScoringProcess | None]:
        now = self._now()
        return now, ScoringProcess(Scorer.of(self.config, now[0])) if now[0] else None

    def watch(self) -> None:
        """Begin the process, and look every few seconds, on a thread, until `stop`."""
        if self.process is not None:
            self.process.warm()
        threading.Thread(target=self._watch, name="champion", daemon=True).start()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            self.look()

    def stop(self) -> None:
        """End the watch and the process."""
        self._stopped.set()
        if self.process is not None:
            self.process.stop()


def _changed_at(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
