"""Who becomes champion: the one table of docs/promotion.md, as code.

A difference is the challenger's figure minus an opponent's, with its 95% interval. It decides what
it takes to promote the challenger; the opponent that takes most decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from models.statistics.intervals import FEW_LEADS, Estimate


class Takes(IntEnum):
    """What a promotion takes: nothing more, a person's approval, or theirs against the figures."""

    NOTHING = 0
    APPROVAL = 1
    FORCE = 2


class Standing(IntEnum):
    """How the challenger stands against an opponent; BEHIND and AHEAD are within noise."""

    WORSE = 0
    BEHIND = 1
    AHEAD = 2
    BETTER = 3


# Against the rules, the simplest there is, being ahead suffices; against a champion only being
# surely better does, for each change costs trust.
AGAINST_RULES = {
    Standing.BETTER: Takes.NOTHING,
    Standing.AHEAD: Takes.NOTHING,
    Standing.BEHIND: Takes.APPROVAL,
    Standing.WORSE: Takes.FORCE,
}
AGAINST_CHAMPION = {
    Standing.BETTER: Takes.NOTHING,
    Standing.AHEAD: Takes.FORCE,
    Standing.BEHIND: Takes.FORCE,
    Standing.WORSE: Takes.FORCE,
}
AGAINST_STALE_CHAMPION = AGAINST_CHAMPION | {
    Standing.AHEAD: Takes.APPROVAL,
    Standing.BEHIND: Takes.APPROVAL,
}
# The simpler of two models is preferred where they differ by no more than noise (docs/adr/0017).
AGAINST_LESS_SIMPLE_CHAMPION = AGAINST_CHAMPION | {
    Standing.AHEAD: Takes.NOTHING,
    Standing.BEHIND: Takes.NOTHING,
}


def standing(difference: Estimate, leads: int) -> Standing:
    """Of too few leads (below 30), or without an interval (too few wins), all is within noise.

    >>> standing(Estimate(0.05, -0.01, 0.11), leads=500)
    <Standing.AHEAD: 2>
    """
    sure = leads >= FEW_LEADS
    if sure and difference.low > 0:
        return Standing.BETTER
    if sure and difference.high < 0:
        return Standing.WORSE
    return Standing.AHEAD if difference.point > 0 else Standing.BEHIND


@dataclass(frozen=True)
class Decision:
    """`takes`: what promoting the challenger takes; `short`: the opponents for whose sake it takes
    more than nothing, with the standing against each."""

    takes: Takes
    short: Mapping[str, Standing]


def decide(
    differences: Mapping[str, Estimate], leads: int, stale: bool, doubted: bool, simpler: bool
) -> Decision:
    """differences: by opponent, `rules` and, where there is one, `champion`. leads: how many were
    judged by. stale: whether the champion is. doubted: whether this very version was rolled back,
    or something simpler did as well at its training; then it takes an approval. simpler: whether
    the challenger is the simpler of the two models, and its probabilities are not surely worse.
    """
    against_champion = AGAINST_STALE_CHAMPION if stale else AGAINST_CHAMPION
    known = leads >= FEW_LEADS and all(each.known for each in differences.values())
    if simpler and known:  # where nothing is known, nothing is preferred
        against_champion = AGAINST_LESS_SIMPLE_CHAMPION
    tables = {"rules": AGAINST_RULES, "champion": against_champion}
    standings = {name: standing(difference, leads) for name, difference in differences.items()}
    needed = {name: tables[name][each] for name, each in standings.items()}
    return Decision(
        takes=max(Takes.APPROVAL if doubted else Takes.NOTHING, *needed.values()),
        short={name: each for name, each in standings.items() if needed[name] > Takes.NOTHING},
    )


def summarise(
    version: str,
    metric: str,
    differences: Mapping[str, Estimate],
    decision: Decision,
    given: Takes,
    simpler: bool,
) -> str:
    """The decision and the figures behind it; where it is not promoted, what that would take.

    given: how much a person approves.
    """
    words, short = metric.replace("_", " "), decision.short
    figures = "; ".join(_against(name, differences[name]) for name in short or differences)
    as_good = simpler and differences["champion"].low <= 0
    fine = "the simpler, and as good in" if as_good else "better in"
    if given < decision.takes:
        verdict = f"is not promoted, though {fine}"
        if short:
            only_ahead = set(short.values()) == {Standing.AHEAD}
            why = "not surely better in" if only_ahead else "it falls short in"
            verdict = f"is not promoted: {why}"
        return f"Version {version} {verdict} {words}: {figures}. {_way(decision, given)}"
    if decision.takes is Takes.NOTHING:
        return f"Version {version} is champion: {fine} {words}: {figures}."
    how = "against the figures" if decision.takes is Takes.FORCE else "by a person"
    return f"Version {version} is champion, approved {how}: in {words} {figures}."


def _way(decision: Decision, given: Takes) -> str:
    if decision.takes is Takes.APPROVAL:
        return 'It takes an approval: readiness promote --because "...".'
    more = "--force" if given is Takes.APPROVAL else '--force --because "..."'
    return f"It takes an approval against the figures: readiness promote {more}."


def _against(name: str, difference: Estimate) -> str:
    if not difference.known:
        return f"{difference.point:+.3f} against the {name} (too few wins for an interval)"
    within_noise = difference.low <= 0 <= difference.high and difference.point != 0
    chance = ", so it may be chance" if within_noise else ""
    interval = f"95% interval {difference.low:+.3f} to {difference.high:+.3f}{chance}"
    return f"{difference.point:+.3f} against the {name} ({interval})"
