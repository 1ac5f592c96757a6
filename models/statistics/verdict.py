"""Verdicts: a headline and what stands behind it; and the verdict that ends a judgement."""

from dataclasses import dataclass

from features.spec.wording import percent, plural
from models.statistics.intervals import FEW_LEADS
from models.statistics.judge import Judgement


@dataclass(frozen=True)
class Verdict:
    """A finding: in a few words, and what stands behind it ("" where the headline says it all).

    >>> str(Verdict("No clear winner", "too few leads."))
    'No clear winner: too few leads.'
    """

    headline: str
    detail: str = ""

    def __post_init__(self) -> None:
        """A headline begins with a capital, also where it begins with a name."""
        object.__setattr__(self, "headline", self.headline[:1].upper() + self.headline[1:])

    def __str__(self) -> str:
        return f"{self.headline}: {self.detail}" if self.detail else self.headline

    def json_fields(self) -> str:
        """In JSON it is its text."""
        return str(self)


def verdict(judgement: Judgement) -> Verdict:
    """For sales: who had it right, by how much, and how sure that is."""
    j = judgement
    if j.leads < FEW_LEADS:
        few = f"{too_few_leads(j.leads)} to judge by; wait for {FEW_LEADS} or more."
        return Verdict("No verdict", few)
    better, worse = j.names
    point, low, high = j.difference["precision"]
    if j.winner == worse:
        better, worse, point, low, high = worse, better, -point, -high, -low
    won = {name: percent(each["precision"].point) for name, each in j.estimates.items()}
    slots = j.share * j.snapshots / len(j.cutoffs)
    figures = (
        f"calling the top {100 * j.share:.3g}% ({_counted(slots, 'lead')} per cutoff), "
        f"{won[better]} of the leads listed by the {better} were won, {won[worse]} of those listed "
        f"by the {worse} and {percent(j.baselines['random']['precision'])} at random"
    )
    if j.too_few:
        return Verdict(f"No verdict, {j.too_few}; {figures}.")
    interval = f"95% interval {100 * low:.1f} to {100 * high:.1f}"
    if j.winner is None:
        chance = (
            f"the difference of {100 * point:.1f} percentage points ({interval}) may be chance."
        )
        return Verdict("No clear winner", f"{figures}; {chance}")
    return Verdict(
        f"The {better} had it right",
        f"{figures}: {100 * point:.1f} percentage points more ({interval}), "
        f"about {_counted(point * slots, 'more won deal')} on each list.",
    )


def too_few_leads(leads: int) -> str:
    """That so many leads are too few.

    >>> too_few_leads(1), too_few_leads(12)
    ('1 lead is too few', '12 leads are too few')
    """
    return f"{plural(leads, 'lead')} {'is' if leads == 1 else 'are'} too few"


def _counted(number: float, noun: str) -> str:
    """A number that is not always whole, with its noun."""
    text = f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
    return f"{text} {noun}{'' if text == '1' else 's'}"


def exploration(judgement: Judgement) -> Verdict:
    """The verdict on a random share of the leads, on artificial days: its headline says so."""
    usual = verdict(judgement)
    return Verdict(
        f"Exploration only, on a random share of the leads. {usual.headline}",
        f"{usual.detail} Without times nobody can know what was known before the outcome: this is "
        "no reason to use the model.",
    )
