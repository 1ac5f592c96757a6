"""The log of a run on standard error: text or, with --log-format json, an object a line.

Each line has time (UTC), level, verb, run_id (of this run of the command), the question where one
was named, event and message, and further keys by the event. Secrets are masked and control
characters escaped. The last line, event `end`, has exit_code, seconds, peak_memory_mb and the
seconds of each step.
"""

import json
import logging
import re
import resource
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from features.masking import without_secrets
from features.progress import Steps, measure

# Commands of this program in messages, that take --question.
_VERBS = (
    "check|train|promote|score|publish|monitor|movers|compare|explain|card|funnel|plan|segments|"
    "sources|feedback|effect|features|serve|override|rollback|history|"
    "rules (?:diff|learn|show|test)|ledger (?:runs|withdraw)"
)
_COMMAND = re.compile(rf"\breadiness (?:{_VERBS})\b(?! --question)")


class Log:
    """Of one run of the command."""

    def __init__(self, as_json: bool) -> None:
        self.as_json, self.verb, self.run_id = as_json, "", str(uuid4())
        self.question = ""  # that was named
        self._began = time.monotonic()
        self.steps = Steps(self._step)
        measure(self.steps)
        if as_json:
            logging.captureWarnings(True)
            logging.basicConfig(handlers=[_OfLibraries(self)], level=logging.WARNING, force=True)

    def pasted(self, text: str) -> str:
        """A text whose commands to paste name the question of this run: readiness check becomes
        readiness check --question expansion."""
        return _COMMAND.sub(rf"\g<0> --question {self.question}", text) if self.question else text

    def write(self, level: str, event: str, message: str = "", **fields: Any) -> None:
        """A line of JSON."""
        from features.result_json import to_json  # which imports pandas

        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "level": level,
            "verb": self.verb,
            "run_id": self.run_id,
            **({"question": self.question} if self.question else {}),
            "event": event,
            "message": self.pasted(message),
        }
        text = json.dumps(_masked(to_json(line | fields)), allow_nan=False)  # all of it in ASCII
        sys.stderr.write(text.replace("\x7f", "\\u007f") + "\n")

    def _step(self, event: str, name: str, seconds: float) -> None:
        if self.as_json:
            more = {"seconds": round(seconds, 3)} if event == "end" else {}
            self.write("info", f"step {event}", name, step=name, **more)

    @property
    def figures(self) -> Mapping[str, Any]:
        """Time and memory so far: of this process, in MiB, at its largest; seconds by step, the
        longest first, and `other` for what is in none."""
        seconds = time.monotonic() - self._began
        steps = self.steps.seconds | {"other": seconds - sum(self.steps.seconds.values())}
        ordered = sorted(steps.items(), key=lambda item: -item[1])
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "seconds": round(seconds, 3),
            "peak_memory_mb": round(peak / (2**20 if sys.platform == "darwin" else 2**10)),
            "steps": {name: round(each, 3) for name, each in ordered},
        }

    def end(self, exit_code: int) -> None:
        """The last line."""
        if self.as_json:
            level = "info" if exit_code == 0 else "error"
            self.write(level, "end", exit_code=exit_code, **self.figures)


class _OfLibraries(logging.Handler):
    """What libraries log or warn of."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        self.log.write(record.levelname.lower(), "library", message, logger=record.name)


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return without_secrets(value) if isinstance(value, str) else value
