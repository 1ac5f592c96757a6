"""Does a source belong in another basket? Its conversion, shrunk towards its basket, held against
the basket's boundaries. Pure arithmetic on counts.

A source's conversion has a Beta prior, fitted to the sources of its basket by marginal likelihood
(empirical Bayes); with its own leads the posterior is a Beta again. It moves by one basket where
that posterior says, with more than `probability`, that the conversion lies beyond the boundary by
the margin: over the whole window, or over its later half, which tells sooner of a great change.

Worked example: a boundary of 10%, margin 0.1, prior Beta(4, 46), 300 leads of which 48 are won:
the posterior Beta(52, 298) has mean 14.9% and lies above 11% with probability 0.985.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, expit, logit
from scipy.stats import beta

from models.sources.sources import BASKETS, Basket, MoveSettings

Floats = npt.NDArray[np.float64]
ENOUGH_SOURCES = 3  # to fit a prior to
LEAST_WEIGHT = 2.0  # in leads; the prior of sources that have nothing in common


@dataclass(frozen=True)
class Belief:
    """What is believed of a conversion: a Beta distribution.

    >>> belief = Belief(4, 46).after(leads=300, won=48)
    >>> round(belief.mean, 3), round(belief.above(0.11), 3)
    (0.149, 0.985)
    """

    alpha: float
    beta: float

    def after(self, leads: int, won: int) -> "Belief":
        """The posterior once so many leads were seen, of which so many were won."""
        return Belief(self.alpha + won, self.beta + leads - won)

    @property
    def mean(self) -> float:
        """The expected conversion."""
        return self.alpha / (self.alpha + self.beta)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The equal-tailed interval that holds the conversion with probability `level`."""
        low, high = beta.interval(level, self.alpha, self.beta)
        return float(low), float(high)

    def above(self, conversion: float) -> float:
        """The probability that the conversion is higher."""
        return float(beta.sf(conversion, self.alpha, self.beta))

    def below(self, conversion: float) -> float:
        """The probability that the conversion is lower."""
        return float(beta.cdf(conversion, self.alpha, self.beta))


class MatureLeads(NamedTuple):
    """Mature leads, and how many of them were won within the horizon."""

    leads: int
    won: int


def fit_prior(tallies: Sequence[MatureLeads], most_weight: float) -> Belief:
    """The Beta under which the tallies of some sources are likeliest.

    Its weight (alpha + beta, in leads) is kept within [LEAST_WEIGHT, most_weight], so that few and
    similar sources cannot make a prior that no evidence moves. The likelihood may have two peaks,
    as with 0 of 1 lead won beside twice 59 of 61: the higher one is taken.
    """
    n, k = np.array(tallies, float).reshape(-1, 2).T

    def loss(place: Floats) -> float:
        mean, weight = expit(place[0]), np.exp(place[1])
        a, b = mean * weight, (1 - mean) * weight
        return float(-(betaln(a + k, b + n - k) - betaln(a, b)).sum())

    pooled = (k.sum() + 0.5) / (n.sum() + 1)
    weights = np.log([LEAST_WEIGHT, max(most_weight, LEAST_WEIGHT)])
    bounds = [(-9.0, 9.0), (weights[0], weights[1])]
    peaks = [
        minimize(loss, [logit(pooled), start], bounds=bounds, method="L-BFGS-B")
        for start in (weights.mean(), *weights)
    ]
    best = min(peaks, key=lambda peak: peak.fun).x
    mean, weight = float(expit(best[0])), float(np.exp(best[1]))
    return Belief(mean * weight, (1 - mean) * weight)


@dataclass(frozen=True)
class Counted:
    """What was measured of a source: its basket, the whole window and the later half of it, and
    the day of its last move, if there was one."""

    basket: Basket
    whole: MatureLeads
    later: MatureLeads
    moved_on: date | None = None


@dataclass(frozen=True)
class SourceVerdict:
    """What becomes of a source. belief: of its conversion, over the whole window. to: None where it
    stays, and `why` says why. seen, seen_belief, probability: what speaks most for a move, and how
    surely the conversion lies beyond the boundary."""

    belief: Belief
    to: Basket | None
    why: str
    seen: MatureLeads
    seen_belief: Belief
    probability: float

    @property
    def sure(self) -> str:
        """The probability in words."""
        return percent_sure(self.probability)


def percent_sure(probability: float) -> str:
    """A probability in words.

    >>> percent_sure(0.9876), percent_sure(0.99999)
    ('98.8%', 'more than 99.9%')
    """
    return "more than 99.9%" if probability > 0.999 else f"{100 * probability:.1f}%"


def priors(
    counts: Iterable[Counted], levels: Sequence[float], most_weight: float
) -> dict[Basket, Belief]:
    """The prior of each basket, fitted to its sources. With fewer than ENOUGH_SOURCES it lies in
    the middle of the basket: who put a source there believed that it belongs there.

    >>> middle = priors([], (0.2, 0.1, 0.05), 50)
    >>> [round(middle[basket].mean, 3) for basket in BASKETS]
    [0.25, 0.15, 0.075, 0.025]
    """
    by_basket: dict[Basket, list[MatureLeads]] = {basket: [] for basket in BASKETS}
    for count in counts:
        if count.whole.leads:
            by_basket[count.basket].append(count.whole)
    edges = [min(1.5 * levels[0], (1 + levels[0]) / 2), *levels, 0.0]
    fitted = {}
    for basket, high, low in zip(BASKETS, edges, edges[1:], strict=False):
        tallies, middle = by_basket[basket], (high + low) / 2
        enough = len(tallies) >= ENOUGH_SOURCES
        unfitted = Belief(middle * most_weight, (1 - middle) * most_weight)
        fitted[basket] = fit_prior(tallies, most_weight) if enough else unfitted
    return fitted


def judge_sources(
    counts: Mapping[str, Counted], levels: Sequence[float], moves: MoveSettings, on: date
) -> dict[str, SourceVerdict]:
    """The verdict on each source at a day. levels: where each basket but the last begins, falling.

    The prior weighs no more than `least_leads` leads do.
    """
    prior = priors(counts.values(), levels, moves.least_leads)
    return {name: _judge(c, prior[c.basket], levels, moves, on) for name, c in counts.items()}


def _judge(
    count: Counted, prior: Belief, levels: Sequence[float], moves: MoveSettings, on: date
) -> SourceVerdict:
    """The whole window and its later half are two chances to be wrong, so each has to be twice as
    sure (Bonferroni): what is left of doubt is doubled before it is compared."""
    place = BASKETS.index(count.basket)
    possible: list[tuple[float, Basket, MatureLeads]] = []
    for tally in (count.whole, count.later):
        belief = prior.after(*tally)
        if tally.leads >= moves.least_leads and place > 0:
            rises = belief.above(levels[place - 1] * (1 + moves.margin))
            possible.append((rises, BASKETS[place - 1], tally))
        if tally.leads >= moves.least_leads and place < len(levels):
            falls = belief.below(levels[place] * (1 - moves.margin))
            possible.append((falls, BASKETS[place + 1], tally))
    belief = prior.after(*count.whole)
    if not possible:
        few = f"too few mature leads: {count.whole.leads} of {moves.least_leads}"
        return SourceVerdict(belief, None, few, count.whole, belief, 0.0)
    raw, to, seen = max(possible, key=lambda each: each[0])
    probability = max(0.0, 1 - 2 * (1 - raw))
    stays = _why_it_stays(count.moved_on, probability, moves, on)
    why = stays or "beyond the boundary"
    return SourceVerdict(belief, None if stays else to, why, seen, prior.after(*seen), probability)


def _why_it_stays(moved_on: date | None, probability: float, moves: MoveSettings, on: date) -> str:
    """Empty if nothing speaks against a move."""
    if probability <= 0.5:
        return "nothing speaks for a move"
    if probability <= moves.probability:
        return f"{percent_sure(probability)} sure, {100 * moves.probability:.4g}% is asked for"
    rested = moved_on + timedelta(days=moves.rest_days) if moved_on else on
    return f"rests until {rested} after its last move" if on < rested else ""
