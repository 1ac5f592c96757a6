"""The sentence that ends a judgement."""

from models.statistics.estimate import FEW_LEADS
from models.statistics.judge import Judgement


def verdict(judgement: Judgement) -> str:
    """One sentence for sales: who had it right, by how much, and how sure that is."""
    j = judgement
    if j.leads < FEW_LEADS:
        return f"No verdict: {j.leads} leads are too few to judge by; wait for {FEW_LEADS} or more."
    better, worse = j.names
    point, low, high = j.difference["precision"]
    if j.winner == worse:
        better, worse, point, low, high = worse, better, -point, -high, -low
    slots = j.share * j.snapshots / len(j.cutoffs)
    found = (
        f"calling the top {100 * j.share:.3g} % ({_round(slots)} leads per cutoff), "
        f"{_percent(j, better)} of the leads listed by the {better} were won, "
        f"{_percent(j, worse)} of those listed by the {worse} "
        f"and {100 * j.baselines['random']['precision']:.1f} % at random"
    )
    if j.too_few:
        return f"No verdict, {j.too_few}; {found}."
    sure = f"95 % interval {100 * low:.1f} to {100 * high:.1f}"
    if j.winner is None:
        return (
            f"No clear winner: {found}; the difference of {100 * point:.1f} points "
            f"({sure}) may be chance."
        )
    return (
        f"The {better} had it right: {found}: {100 * point:.1f} points more ({sure}), "
        f"about {_round(point * slots)} more won deals on each list."
    )


def _percent(judgement: Judgement, name: str) -> str:
    return f"{100 * judgement.estimates[name]['precision'].point:.1f} %"


def _round(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
