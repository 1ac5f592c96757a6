"""The classic points table of rules.toml (models/rules/file.py) as a ranker of snapshots.

The rule score asks for features like the model does, so one pass over the events serves both, and
it ranks the same snapshot frame. Points are never a probability.

Every rules file that was scored with is stored as `out/rules/<version>.toml`, as it was read. The
same content has the same version, so it is stored once, with the comments of its first use.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from features.config import Config
from features.errors import BadInput
from features.spec.spec import Spec, action_of, distinct
from features.spec.wording import Words
from features.toml import parse_toml, read_text
from features.whole_file import write_whole
from models.rules.file import Floats, RulesFile

Band = Literal["cold", "warm", "hot"]
DECIMALS = 9


def _sum(lines: Iterable[Floats], rows: int) -> Floats:
    """Sums of points of at most DECIMALS digits: exact, as whole numbers, up to 9 million points.

    >>> _sum([np.array([0.1]), np.array([0.2])], 1).tolist(), 0.1 + 0.2
    ([0.3], 0.30000000000000004)
    """
    total = np.zeros(rows)
    for line in lines:
        total += np.rint(line * 10**DECIMALS)
    return np.asarray(total / 10**DECIMALS, np.float64)


@dataclass(frozen=True, repr=False)
class RuleScore:
    """The points table as a ranker of snapshots."""

    file: RulesFile
    text: str = field(default="", compare=False)  # as read, with its comments
    name = "rules"

    def __repr__(self) -> str:
        rules, bands = len(self.file.rule), self.file.bands
        return (
            f"RuleScore({self.file.name!r}, version {self.version}, "
            f"{rules} rule{'s' * (rules != 1)}, warm from {bands.warm:g}, hot from {bands.hot:g})"
        )

    @cached_property
    def version(self) -> str:
        """Ten hex digits of the content: the same rules have the same version, whatever the layout,
        the comments, and defaults spelled out."""
        content = json.dumps(self.file.content(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:10]

    @property
    def specs(self) -> tuple[Spec, ...]:
        """The features that the frame must hold."""
        of_rules = [spec for rule in self.file.rule for spec in rule.specs]
        return distinct(of_rules + [spec for each in self.file.disqualify for spec in each.specs])

    @property
    def actions(self) -> frozenset[str]:
        """The actions that its features are about."""
        actions = (action_of(spec) for spec in self.specs)
        return frozenset(action for action in actions if action is not None)

    def lines(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One column per log line: each rule, what each group's bounds take away or add, and what
        those of the total do. In points of at most DECIMALS digits, which sum to the points."""
        return pd.DataFrame(self._lines(frame), index=frame.index)

    def _lines(self, frame: pd.DataFrame) -> dict[str, Floats]:
        lines: dict[str, Floats] = {}
        for number, rule in enumerate(self.file.rule, start=1):
            lines[f"{number}. {rule.label}"] = np.round(rule.give(frame), DECIMALS)
        each = list(lines.values())
        for group, limits in self.file.groups.items():
            members = [n for n, rule in enumerate(self.file.rule) if rule.group == group]
            total = _sum([each[n] for n in members], len(frame))
            for bound, added in limits.lines(total).items():
                lines[f"{bound} of {group}"] = np.round(added, DECIMALS)
        for bound, added in self.file.total.lines(_sum(lines.values(), len(frame))).items():
            lines[f"total {bound}"] = np.round(added, DECIMALS)
        return lines

    def line_words(self, words: Words | None = None) -> dict[str, str]:
        """The name of each rule's line, and the rule as people say it; a bound is called what it
        is."""
        rules = enumerate(self.file.rule, start=1)
        return {f"{number}. {rule.label}": rule.words(words) for number, rule in rules}

    def rank(self, frame: pd.DataFrame) -> Floats:
        """The points of each snapshot, exactly what its lines add up to."""
        return _sum(self._lines(frame).values(), len(frame))

    def disqualified(self, frame: pd.DataFrame, words: Words | None = None) -> list[str | None]:
        """Why sales are not to call each snapshot, by the first disqualifier that holds of it, or
        None. The points stay as they are.

        words: for actions and attributes, as in readiness.toml.
        """
        reasons: list[str | None] = [None] * len(frame)
        for each in reversed(self.file.disqualify):
            reason = f"{each.name}: {each.words(words)}"
            for row in np.flatnonzero(each.holds(frame)):
                reasons[row] = reason
        return reasons

    def limits_in_words(self) -> list[str]:
        """What bounds the groups and the total, a sentence each."""
        bounds = {f"Group {name}": limits for name, limits in self.file.groups.items()}
        limits = {
            name: limits.words for name, limits in (bounds | {"All": self.file.total}).items()
        }
        return [f"{name}: {words}." for name, words in limits.items() if words]

    def json_fields(self, words: Words | None = None) -> dict[str, Any]:
        """What `rules show --json` prints: the file's content, and each rule in words."""
        content = self.file.content()
        for rule, dumped in zip(self.file.rule, content["rule"], strict=True):
            dumped["in_words"] = rule.words(words)
        return {"version": self.version} | content

    def band(self, points: Floats) -> list[Band]:
        """The band of each number of points; a band begins at its own points."""
        bands = self.file.bands
        return ["hot" if p >= bands.hot else "warm" if p >= bands.warm else "cold" for p in points]


def call_order(rules: RuleScore, frame: pd.DataFrame) -> Floats:
    """The points; for disqualified leads one less than the lowest."""
    points = rules.rank(frame)
    out = np.array([reason is not None for reason in rules.disqualified(frame)], bool)
    return np.where(out, points.min(initial=0.0) - 1, points)


def load_rules(path: Path) -> RuleScore:
    """Read rules.toml. Raises BadInput for a missing or faulty file."""
    return parse_rules(read_text(path, "; readiness.toml names it under `rules`."), path)


def parse_rules(text: str, path: Path) -> RuleScore:
    """Read the text of a rules.toml; `path` is for the message. Raises BadInput."""
    return RuleScore(parse_toml(text, path, RulesFile), text)


def rules_folder(config: Config) -> Path:
    """The folder of the stored versions."""
    return config.out_folder / "rules"


def store(rules: RuleScore, folder: Path) -> Path:
    """Store the rules' text in a folder, made if need be, whole or not at all; return its path."""
    path = folder / f"{rules.version}.toml"
    if not path.exists():
        write_whole(path, rules.text)
    return path


def current_rules(config: Config) -> RuleScore:
    """The rules file that readiness.toml names."""
    return load_rules(config.folder / config.rules)


def find_rules(named: str, config: Config) -> RuleScore:
    """The rules of a file, of a stored version (its first digits will do), or `current`.

    Raises BadInput where there are none, or several versions begin so.
    """
    if named == "current":
        return current_rules(config)
    if Path(named).suffix == ".toml" or Path(named).is_file():
        return load_rules(Path(named))
    folder, current = rules_folder(config), current_rules(config)
    versions = sorted({current.version, *(path.stem for path in folder.glob("*.toml"))})
    matches = [version for version in versions if version.startswith(named)]
    if matches == [current.version]:
        return current
    if len(matches) == 1:
        rules = load_rules(folder / f"{matches[0]}.toml")
        if rules.version != matches[0]:  # it is a digest of the content
            raise BadInput(
                f"{folder / matches[0]}.toml was changed: its rules are those of version "
                f"{rules.version}. Put it back from a backup, or name another file."
            )
        return rules
    if matches:
        raise BadInput(
            f"Several versions begin with {named}: {', '.join(matches)}. Name more of it."
        )
    raise BadInput(
        f"There are no rules {named!r}: name a .toml file, `current`, or one of the versions "
        f"{', '.join(versions)} (what was scored with is stored in {folder})."
    )
