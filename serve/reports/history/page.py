"""The page of `readiness history`: each champion with who set it, when, and why; the layout is in
page.html."""

from collections.abc import Mapping
from typing import Any

from models.decisions.champion_changes import ChampionChange
from models.decisions.champion_history import ChampionHistory
from models.statistics.intervals import Estimate
from models.statistics.verdict import Verdict
from serve.reports import page


def render(history: ChampionHistory) -> str:
    """The page as text; the same history gives the same page."""
    return page.render(
        "history/page.html",
        history=history,
        verdict=verdict(history),
        notes=[*history.notes, *([f"Not complete: {history.fault}"] if history.fault else [])],
        periods=history.periods[::-1],
        moment=moment,
        evidence=evidence,
    )


def verdict(history: ChampionHistory) -> Verdict:
    """Who is champion, since when, by whom and why."""
    if not history.champion:
        return Verdict("No version is champion", "readiness promote makes one.")
    now = history.periods[-1]
    change = now.change
    if change is None:
        return Verdict(
            f"Version {now.version} is champion", "it was set as champion outside of this history."
        )
    reason = f", because: {change.reason}" if change.reason else ""
    detail = f"set by {change.approved_by}{reason}. {change.summary}"
    return Verdict(f"Version {now.version} is champion since {change.decided_at[:10]}", detail)


def moment(at: str | None, otherwise: str) -> str:
    """A time of the history as it is read.

    >>> moment("2026-03-02T09:30:11", "now"), moment(None, "now")
    ('2026-03-02 09:30', 'now')
    """
    return otherwise if at is None else at[:16].replace("T", " ")


def evidence(change: ChampionChange) -> list[str]:
    """The figures that a decision went by, a sentence each; none of a rollback."""
    evidence = change.evidence
    metric = str(evidence.get("metric", "")).replace("_", " ")
    sentences = [
        f"{metric} against {_whom(other)}: {_signed(difference)}"
        for other, difference in (evidence.get("difference") or {}).items()
    ]
    cutoffs = evidence.get("cutoffs")
    if cutoffs and {"snapshots", "leads", "wins"} <= evidence.keys():
        sentences.append(
            f"judged on {evidence['snapshots']:,} snapshots of {evidence['leads']:,} leads, "
            f"{evidence['wins']:,} won, at {len(cutoffs)} cutoffs from {cutoffs[0]} to "
            f"{cutoffs[-1]}"
        )
    if evidence.get("rules_version"):
        sentences.append(f"rules version {evidence['rules_version']}")
    return [f"{page.begun(each)}." for each in sentences]


def _whom(name: str) -> str:
    return "the rules" if name == "rules" else f"the {name}"


def _signed(stored: Mapping[str, Any]) -> str:
    """A difference with its interval, as it is stored: null where there is none."""
    point, low, high = (stored.get(key) for key in Estimate._fields)
    if point is None:
        return "unknown"
    interval = f" (95% interval {low:+.3f} to {high:+.3f})" if low is not None else ""
    return f"{point:+.3f}{interval}".replace("-", page.MINUS)
