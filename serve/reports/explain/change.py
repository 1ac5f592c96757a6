"""Why a lead's readiness and points changed between two cutoffs, adding up exactly.

What one model says at both cutoffs differs by what the lead did, or left undone: that is shown by
factor. Where the ledger holds what another model said of the earlier cutoff, the rest is due to the
change of model, a part of its own; likewise with the points table.

Worked example: on 2026-03-02 version 1 said a log-odds of -1.0. Version 2 says -1.2 of the same
day and -0.8 of 2026-03-09: -0.2 is the change of model, +0.4 what the lead did, +0.2 in all.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from features.spec.spec import Spec
from features.spec.wording import Words, movement
from models.explanations.explain import Explained
from models.explanations.movements import movements
from models.rules.rules import RuleScore
from serve.reports.explain.history import LedgerLine, as_seen
from serve.scoring.scorer import Scorer

THEN, NOW = 0, 1  # rows of the frame
NOISE = 1e-9  # log-odds or points; less is rounding
DIGITS = 12  # of a difference: without the noise of binary fractions, as in 0.3 - 0.1


@dataclass(frozen=True)
class Part:
    """What a topic or a line of the points table gave at the earlier cutoff and gives at the later
    one, and the fact that moved it."""

    name: str
    then: float
    now: float
    text: str

    @property
    def difference(self) -> float:
        """By how much it moved the whole."""
        return round(self.now - self.then, DIGITS)

    def json_fields(self) -> dict[str, Any]:
        """With the difference."""
        names = ("name", "then", "now", "difference", "text")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Difference:
    """`before` + the sum of the parts' differences + `revised` = `after`, in log-odds or points.

    before: what the ledger said of the earlier cutoff, else what is said of it today. revised: what
    the change of model or rules (or of the data) since then made of it, explained by `because`.
    """

    before: float
    after: float
    parts: tuple[Part, ...]
    revised: float
    because: str

    @property
    def total(self) -> float:
        """The whole change."""
        return round(self.after - self.before, DIGITS)

    def json_fields(self) -> dict[str, Any]:
        """`log_odds` and `points` of `change` in `explain --json`."""
        return {
            "before": self.before,
            "after": self.after,
            "difference": self.total,
            "parts": self.parts,
            "revised": self.revised,
            "revised_because": self.because,
        }


@dataclass(frozen=True)
class Change:
    """The change of one lead between two cutoffs. ledger: its line of the earlier one, None
    where there is none; readiness and log_odds: None where the points alone judge."""

    since: datetime
    cutoff: datetime
    ledger: LedgerLine | None
    readiness: tuple[float, float] | None
    log_odds: Difference | None
    points: Difference


def change_between(
    explained: Explained,
    scorer: Scorer,
    history: Sequence[LedgerLine],
    shifts: tuple[float, float] = (0.0, 0.0),
) -> Change:
    """explained: of a frame of two rows, one lead at the earlier and at the later cutoff. shifts:
    what is added to every log-odds at each of them (serve/scoring/prior_shift.py), a part of its
    own."""
    frame, model = explained.frame, scorer.model
    change = change_of_points(frame, scorer.rules, scorer.words, history)
    scored, before = change.ledger, None
    log_odds = explained.base + explained.by_feature.sum(axis=1) + shifts
    ready = [float(expit(each)) for each in log_odds]
    if scored is not None and scored.readiness is not None:  # None: scored by points alone
        before = math.log(scored.readiness / (1 - scored.readiness))
        ready[THEN] = scored.readiness
    because = _because("model version", scored.model_version if scored else "", model.version)
    both = [float(each) for each in log_odds]
    parts = chain(by_topic(explained), by_shift(*shifts))
    moved = _difference(both, before, parts, because)
    return replace(change, readiness=(ready[THEN], ready[NOW]), log_odds=moved)


def change_of_points(
    frame: pd.DataFrame, rules: RuleScore, words: Words, history: Sequence[LedgerLine]
) -> Change:
    """Of the points alone. frame: two rows, one lead at the earlier and at the later cutoff."""
    since, cutoff = (stamp.to_pydatetime() for stamp in frame["cutoff"])
    seen = [scored for scored in as_seen(history) if scored.cutoff == since]
    scored = next((each for each in seen if each.rule_score is not None), None)
    points = _difference(
        [float(each) for each in rules.rank(frame)],
        scored.rule_score if scored else None,
        by_line(frame, rules, words),
        _because("rules", scored.rules_version if scored else "", rules.version),
    )
    return Change(since, cutoff, scored, readiness=None, log_odds=None, points=points)


def _because(what: str, then: str, now: str) -> str:
    if then != now:
        return f"{what} {then} -> {now}: the same facts, judged anew"
    return "the data up to then, or the settings, have changed since they were scored"


def _difference(
    today: list[float], before: float | None, parts: Iterator[Part], because: str
) -> Difference:
    """today: what is said of both cutoffs today."""
    revised = 0.0 if before is None else round(today[THEN] - before, DIGITS)
    if abs(revised) <= NOISE:
        before, revised, because = today[THEN], 0.0, ""
    moved = sorted(parts, key=lambda part: -abs(part.difference))
    start = today[THEN] if before is None else before
    return Difference(start, today[NOW], tuple(moved), revised, because)


def by_topic(explained: Explained) -> Iterator[Part]:
    """Each topic whose addition to the log-odds differs between the two rows."""
    for number, topic in enumerate(explained.topics):
        then, now = explained.by_topic[:, number].tolist()
        if then != now:
            (text,) = movements(explained, number, np.array([0]))
            yield Part(topic, then, now, text)


def by_shift(then: float, now: float) -> Iterator[Part]:
    """The win rate that scoring follows, where it moved in between."""
    if then != now:
        text = f"prior shift of every lead {then:+.2f} -> {now:+.2f}"
        yield Part("prior shift", then, now, text)


def by_line(frame: pd.DataFrame, rules: RuleScore, words: Words) -> Iterator[Part]:
    """Each line of the points table that gives another number of points in the two rows."""
    lines = rules.lines(frame)
    for place, name in enumerate(lines.columns):
        then, now = (float(each) for each in lines[name])
        if then != now:
            specs = rules.file.rule[place].specs if place < len(rules.file.rule) else ()
            yield Part(str(name), then, now, _moved(frame, specs, words))


def _moved(frame: pd.DataFrame, specs: Sequence[Spec], words: Words) -> str:
    """The first of a rule's facts that changed; none of a bound, which has no fact of its own."""
    for spec in specs:
        then, now = (spec.phrase(value, words) for value in frame[spec.name])
        if then != now:
            return movement(then, now)
    return ""
