"""Why leads moved, in words: the additive change of their readiness and points, for all at once.

As `readiness explain LEAD --since` says it of one lead: what one model says of both cutoffs differs
by what the lead did or left undone; the rest of what the ledger holds is the change of the model's
version, a part of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import logit

from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frames
from features.snapshots import Snapshots
from features.spec.wording import Words
from models.classifier.model import ReadinessModel
from models.explanations.explain import explain
from models.explanations.movements import movements
from models.rules.rules import RuleScore
from serve.ledger.runs import Run
from serve.movers.moves import HOT, OFF, ON

MOST = 2  # parts that are named
SMALL = 0.005  # log-odds that would be shown as 0.00
EDGE = 1e-12  # of a readiness of 0 or 1, whose log-odds would be infinite

Part = tuple[float, str]  # the difference, and its fact in words


class Parts(NamedTuple):
    """The largest parts of a lead's change, and the sum of all that one model, or one points table,
    says of it."""

    largest: list[Part]
    total: float


@dataclass(frozen=True)
class Explainer:
    """Who explains: the model (None: the points alone) and the rules of the later list. shift: how
    much further every log-odds was moved at the later cutoff (serve/scoring/prior_shift.py)."""

    database: LeadDatabase
    model: ReadinessModel | None
    rules: RuleScore
    words: Words
    memory_gb: float
    shift: float = 0.0

    def parts(
        self, leads: pd.Series[str], since: Run, run: Run
    ) -> tuple[dict[str, Parts], dict[str, Parts]]:
        """By lead that was open at both cutoffs: of its log-odds, and of its points."""
        execute = self.database.connection.execute
        self.database.connection.register("moving_leads", leads.to_frame())
        execute("CREATE OR REPLACE TEMP TABLE moving AS SELECT lead_id FROM moving_leads")
        self.database.connection.unregister("moving_leads")
        opened = Snapshots.open_at(self.database, [since.cutoff, run.cutoff])
        snapshots = opened.where("lead_id::VARCHAR IN (SELECT lead_id FROM moving)")
        specs = (*(self.model.specs if self.model else ()), *self.rules.specs)
        log_odds: dict[str, Parts] = {}
        points: dict[str, Parts] = {}
        try:
            for frame in feature_frames(snapshots, list(dict.fromkeys(specs)), self.memory_gb):
                both = frame[frame.groupby("lead_id")["lead_id"].transform("size") == 2]
                both = both.reset_index(drop=True)  # all of the earlier cutoff, then the later one
                ids = both["lead_id"].iloc[: len(both) // 2].astype(str)
                if len(ids):
                    points |= zip(ids, self._of_points(both), strict=True)
                    if self.model:
                        log_odds |= zip(ids, self._of_log_odds(self.model, both), strict=True)
        finally:
            execute("DROP TABLE moving")
        return log_odds, points

    def _of_log_odds(self, model: ReadinessModel, both: pd.DataFrame) -> Iterator[Parts]:
        explained = explain(model, both, self.words)
        half = len(both) // 2
        moved = explained.by_topic[half:] - explained.by_topic[:half]
        largest = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :MOST]
        texts = np.full(largest.shape, "", dtype=object)
        for topic in np.unique(largest):
            cells = (largest == topic) & (np.abs(np.take_along_axis(moved, largest, 1)) >= SMALL)
            rows = np.flatnonzero(cells.any(axis=1))
            if len(rows):
                texts[cells] = movements(explained, int(topic), rows)
        return _each(moved, largest, texts, self.shift)

    def _of_points(self, both: pd.DataFrame) -> Iterator[Parts]:
        lines = self.rules.lines(both)
        given, half = lines.to_numpy(np.float64), len(both) // 2
        moved = given[half:] - given[:half]
        largest = np.argsort(-np.abs(moved), axis=1, kind="stable")[:, :MOST]
        spoken = self.rules.line_words(self.words)
        texts = np.array([spoken.get(name, name) for name in lines.columns], dtype=object)
        return _each(moved, largest, texts[largest], 0.0)


def _each(
    moved: npt.NDArray[np.float64],
    largest: npt.NDArray[np.intp],
    texts: npt.NDArray[np.object_],
    shift: float,
) -> Iterator[Parts]:
    amounts = np.take_along_axis(moved, largest, axis=1)
    more = [(shift, "the win rate that all scores follow")] if shift else []
    for row, (which, words) in enumerate(zip(amounts.tolist(), texts.tolist(), strict=True)):
        yield Parts([*zip(which, words, strict=True), *more], float(moved[row].sum()) + shift)


def because(moves: pd.DataFrame, before: Run, run: Run, explainer: Explainer | None) -> list[str]:
    """For each row of moves (serve/movers/moves.py), why. Without an explainer (Spark) the words
    have the figures of both lists, and no parts."""
    known = moves.loc[(moves["state"] == "scored") & (moves["state_before"] == "scored"), "lead_id"]
    log_odds, points = explainer.parts(known, before, run) if explainer else ({}, {})
    words = _Words(log_odds, points, before, run)
    return [words.of(lead) for lead in moves.to_dict("records")]


@dataclass(frozen=True)
class _Words:
    log_odds: Mapping[str, Parts]
    points: Mapping[str, Parts]
    before: Run
    run: Run

    def of(self, lead: Mapping[Any, Any]) -> str:
        if pd.notna(lead["moved_because"]):
            return str(lead["moved_because"])  # of a lead that is no longer open
        moves = str(lead["moved"]).split("; ")
        if (ON in moves or OFF in moves) and (outright := _outright(lead)):
            return outright
        if lead["is_new"]:
            return _joined("new since the list before", lead["reasons"])
        for state, what in (("state", "now"), ("state_before", "then")):
            if lead[state] != "scored":
                reason = lead[state.replace("state", "state_reason")]
                return f"{what} {lead[state]}: {reason}"
        texts = []
        if lead["moved"] != HOT and pd.notna(lead["readiness"]):
            texts.append(self._readiness(lead))
        if not texts or HOT in moves:
            texts.append(self._points(lead))
        rose = lead["readiness"] - lead["readiness_before"]
        if (ON in moves and rose <= 0) or (OFF in moves and rose >= 0):  # others moved
            texts.append(str(lead["route_reason"]))
        return "; ".join(texts)

    def _readiness(self, lead: Mapping[Any, Any]) -> str:
        then, now = lead["readiness_before"], lead["readiness"]
        if pd.isna(then):
            return _joined(f"readiness {now:.1%}, none before", lead["reasons"])
        parts = self.log_odds.get(lead["lead_id"])
        ready = f"readiness {then:.1%} -> {now:.1%}"
        if parts is None:
            return ready
        whole = float(np.diff(logit(np.clip([then, now], EDGE, 1 - EDGE)))[0])
        revised = (
            whole - parts.total,
            _revised("model version", self.before.model_version, self.run.model_version),
        )
        return _joined(ready, _as_text(parts.largest, revised, "{:+.2f}", SMALL))

    def _points(self, lead: Mapping[Any, Any]) -> str:
        then, now = lead["rule_score_before"], lead["rule_score"]
        parts = self.points.get(lead["lead_id"])
        text = f"points {then:g} -> {now:g}"
        if parts is None:
            return text
        revised = (
            now - then - parts.total,
            _revised("rules", self.before.rules_version, self.run.rules_version),
        )
        return _joined(text, _as_text(parts.largest, revised, "{:+g}", 1e-9))


def _outright(lead: Mapping[Any, Any]) -> str | None:
    """What decides about the list whatever the scores are."""
    for when, name in (("", "decided_because"), ("until now ", "decided_because_before")):
        if pd.notna(lead[name]):
            return f"{when}decided by people: {lead[name]}"
    if lead["holdout_before"] is True:
        return f"no longer held back: {lead['route_reason']}"
    if pd.notna(lead["disqualified"]) or lead["exploration"] is True:
        return str(lead["route_reason"])
    return None


def _revised(what: str, then: str, now: str) -> str:
    if then != now:
        return f"{what} {then} -> {now}"
    return "data or settings changed since they were scored"


def _as_text(largest: Sequence[Part], revised: Part, form: str, small: float) -> str:
    """The largest parts, the change of version always among them where there is one."""
    parts = sorted(largest, key=lambda part: -abs(part[0]))[:MOST]
    shown = [part for part in (*parts, revised) if abs(part[0]) >= small]
    shown.sort(key=lambda part: -abs(part[0]))
    return ", ".join(f"{text} ({form.format(round(amount, 9))})" for amount, text in shown) or (
        "hardly a change of its own"
    )


def _joined(text: str, more: object) -> str:
    return f"{text}: {more}" if isinstance(more, str) and more else text
