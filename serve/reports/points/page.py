"""The page of `readiness rules learn`: what the points table overpays and underpays; the layout is
in page.html. The service's editor of points shows the same review, from the JSON of the verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from features.spec.wording import Words, plural
from models.rules.rules import RuleScore
from models.statistics.intervals import UNKNOWN, Estimate
from models.statistics.verdict import Verdict
from serve.reports import page

OVERPAID = ("overpaid", "takes too little", "wrong way")
UNDERPAID = ("underpaid", "takes too much")
SHOWN = 2  # rules of either kind in the verdict


@dataclass(frozen=True)
class ReviewedRule:
    """A rule in words, with its points, and by the review what outcomes would pay for it, the lift
    by itself and the verdict; these are unknown and "" where the rule was not reviewed."""

    words: str
    points: float
    fair: Estimate = UNKNOWN
    lift: Estimate = UNKNOWN
    verdict: str = ""

    @property
    def place(self) -> int:
        """What to change comes first: the overpaid, then the underpaid."""
        return next((i for i, of in enumerate((OVERPAID, UNDERPAID)) if self.verdict in of), 2)

    @property
    def gap(self) -> float:
        """Points above what is fair; below 0 where the rule is underpaid."""
        return self.points - self.fair.point


def reviewed(
    rules: RuleScore, words: Words | None, stored: Mapping[str, Any]
) -> list[ReviewedRule]:
    """Each rule of the table, in order, with its review. stored: what `rules learn --json` printed;
    of another version of the rules, or {}, it says nothing."""
    texts = [page.begun(rule.words(words)) for rule in rules.file.rule]
    by_hand = stored.get("hand_written", {})
    if by_hand.get("version") != rules.version:
        return [
            ReviewedRule(text, rule.points)
            for text, rule in zip(texts, rules.file.rule, strict=True)
        ]
    return [
        ReviewedRule(
            text,
            each["points"],
            Estimate.from_json(each["fair"]),
            Estimate.from_json(each["lift"]),
            each["verdict"],
        )
        for text, each in zip(texts, by_hand["rules"], strict=True)
    ]


def verdict(rules: Sequence[ReviewedRule]) -> Verdict:
    """How many rules are overpaid and underpaid, and which the most."""
    over = sorted((r for r in rules if r.verdict in OVERPAID), key=lambda r: -r.gap)
    under = sorted((r for r in rules if r.verdict in UNDERPAID), key=lambda r: r.gap)
    if not (over or under):
        return Verdict(
            f"No clear fault in {plural(len(rules), 'rule')}",
            "the points of each lie within the interval of what outcomes would pay, or too few "
            "leads show it.",
        )
    parts = [
        f"{name}: {'; '.join(map(_gap, each[:SHOWN]))}."
        for name, each in (("Most overpaid", over), ("Most underpaid", under))
        if each
    ]
    counts = [
        f"{len(each)} {name}" for name, each in (("overpaid", over), ("underpaid", under)) if each
    ]
    headline = f"Of {plural(len(rules), 'rule')} {' and '.join(counts)}"
    return Verdict(headline, " ".join(parts))


def _gap(rule: ReviewedRule) -> str:
    text = rule.words[:1].lower() + rule.words[1:].replace(":", ",")
    return f"{text} ({whole(rule.points)} points, by outcomes {whole(rule.fair.point)})"


def whole(points: float) -> str:
    """Points as a whole number with its sign.

    >>> whole(12.4), whole(-0.3), whole(-7.0)
    ('+12', '0', '\\u22127')
    """
    rounded = round(points)
    return f"{rounded:+d}".replace("-", page.MINUS) if rounded else "0"


def render(rules: RuleScore, words: Words | None, stored: Mapping[str, Any]) -> str:
    """The page as text; the same review gives the same page."""
    each = reviewed(rules, words, stored)
    return page.render(
        "points/page.html",
        rules=rules,
        reviewed=each,
        learned=stored["rules"]["rule"],
        learned_verdict=stored["verdict"],
        model_version=stored["model_version"],
        stored=stored,
        verdict=verdict(each),
        whole=whole,
        shade_of=shade_of,
    )


def shade_of(verdict: str) -> str:
    """The class of a verdict's colour."""
    return "over" if verdict in OVERPAID else "under" if verdict in UNDERPAID else ""
