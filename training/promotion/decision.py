"""Who becomes champion: the one table of docs/promotion.md, as code.

A difference is the challenger's figure minus an opponent's, with its 95 % interval. What it says
decides what it takes to crown the challenger; the opponent that asks for most decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from models.statistics.judge import FEW_LEADS, Estimate


class Takes(IntEnum):
    """What a promotion takes: nothing more, a person's word, or their word against the figures."""

    NOTHING = 0
    WORD = 1
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
    Standing.BEHIND: Takes.WORD,
    Standing.WORSE: Takes.FORCE,
}
AGAINST_CHAMPION = {
    Standing.BETTER: Takes.NOTHING,
    Standing.AHEAD: Takes.FORCE,
    Standing.BEHIND: Takes.FORCE,
    Standing.WORSE: Takes.FORCE,
}
AGAINST_STALE_CHAMPION = AGAINST_CHAMPION | {
    Standing.AHEAD: Takes.WORD,
    Standing.BEHIND: Takes.WORD,
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
    """`takes`: what crowning the challenger takes; `short`: the opponents for whose sake it takes
    more than nothing, with the standing against each."""

    takes: Takes
    short: Mapping[str, Standing]


def decide(
    differences: Mapping[str, Estimate], leads: int, stale: bool, doubted: bool, simpler: bool
) -> Decision:
    """differences: by opponent, `rules` and, where there is one, `champion`. leads: how many were
    judged by. stale: whether the champion is. doubted: whether a person took the crown from this
    very version, or something simpler did as well at its training; then it is not crowned by
    itself. simpler: whether the challenger is the simpler of the two models, and its probabilities
    are not surely worse.
    """
    against_champion = AGAINST_STALE_CHAMPION if stale else AGAINST_CHAMPION
    known = leads >= FEW_LEADS and all(found.known for found in differences.values())
    if simpler and known:  # where nothing is known, nothing is preferred
        against_champion = AGAINST_LESS_SIMPLE_CHAMPION
    tables = {"rules": AGAINST_RULES, "champion": against_champion}
    found = {name: standing(difference, leads) for name, difference in differences.items()}
    needed = {name: tables[name][found[name]] for name in found}
    return Decision(
        takes=max(Takes.WORD if doubted else Takes.NOTHING, *needed.values()),
        short={name: found[name] for name in found if needed[name] > Takes.NOTHING},
    )


def told(
    version: str,
    metric: str,
    differences: Mapping[str, Estimate],
    decision: Decision,
    given: Takes,
    simpler: bool,
) -> str:
    """What was decided, by which figures; where it was not crowned, what that would take.

    given: how much a person stood for.
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
    how = "against the figures, " if decision.takes is Takes.FORCE else ""
    return f"Version {version} is champion, {how}on a person's word: in {words} {figures}."


def _way(decision: Decision, given: Takes) -> str:
    if decision.takes is Takes.WORD:
        return 'A person\'s word crowns it: readiness promote --because "...".'
    more = "--force" if given is Takes.WORD else '--force --because "..."'
    return f"Only a person's word against the figures crowns it: readiness promote {more}."


def _against(name: str, found: Estimate) -> str:
    if not found.known:
        return f"{found.point:+.3f} against the {name} (too few wins for an interval)"
    within_noise = found.low <= 0 <= found.high and found.point != 0
    chance = ", so it may be chance" if within_noise else ""
    interval = f"95 % interval {found.low:+.3f} to {found.high:+.3f}{chance}"
    return f"{found.point:+.3f} against the {name} ({interval})"
