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
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from features.masking import without_secrets
from features.progress import Steps, measure

# Commands of this program in messages that take --question, and DIR.
_VERBS = (
    "check|train|promote|score|publish|monitor|movers|compare|explain|card|funnel|plan|segments|"
    "sources|feedback|effect|features|serve|override|rollback|history|"
    "rules (?:diff|learn|show|test)|ledger (?:runs|withdraw)"
)
_COMMAND = (
    rf"\breadiness (?:(?P<of_one>{_VERBS})|forget|titles)\b(?: LEAD\b| ACCOUNT\b| current \S+)?"
)


class Log:
    """Of one run of the command."""

    def __init__(self, as_json: bool) -> None:
        self.as_json, self.verb, self.run_id = as_json, "", str(uuid4())
        self.question, self.folder = "", ""  # that were named
        self._began = time.monotonic()
        self.steps = Steps(self._step)
        measure(self.steps)
        if as_json:
            logging.captureWarnings(True)
            logging.basicConfig(handlers=[_OfLibraries(self)], level=logging.WARNING, force=True)

    def pasted(self, value: Any, written: Callable[[str], str] = str) -> Any:
        """A text, or a result in whose texts the commands to paste name the folder and the question
        of this run: readiness check becomes readiness check DIR --question expansion; what is named
        already stays. `written`: how the folder is written in the text."""
        if not self.folder and not self.question:
            return value
        folder = f" {written(shlex.quote(self.folder))}" if self.folder else ""
        named = rf"(?P<folder> DIR\b|{re.escape(folder) or ' DIR'}(?![\w/]))?"
        command = re.compile(rf"(?P<verb>{_COMMAND}){named}(?P<question> --question)?")

        def in_full(match: re.Match[str]) -> str:
            is_new = self.question and match["of_one"] and not match["question"]
            question = f" --question {self.question}" if is_new else match["question"] or ""
            return match["verb"] + (folder or match["folder"] or "") + question

        return _each_text(value, lambda text: command.sub(in_full, text))

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
        text = json.dumps(
            _each_text(to_json(line | fields), without_secrets), allow_nan=False
        )  # all of it in ASCII
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


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """A value of JSON with its texts changed, but for its keys."""
    if isinstance(value, Mapping):
        return {name: _each_text(each, change) for name, each in value.items()}
    if isinstance(value, list):
        return [_each_text(each, change) for each in value]
    return change(value) if isinstance(value, str) else value
