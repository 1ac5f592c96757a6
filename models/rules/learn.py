"""A points table learned from outcomes, in the form that sales know: rules of rules.toml.

Candidates are rules, not features: a deed once, or each time up to three or five times, within a
window; days with activity; silence; an attribute. Those whose own lift is clear compete in one fit
(models/rules/fit.py); what tells nothing beside the others falls out, and the rest gets whole
points, 20 for the best sign. A deed that is good by itself never takes points (docs/adr/0013).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.dataset import Dataset
from features.errors import Refused
from features.spec.kinds import ActiveDays, Age, Attribute, Count, DaysSince
from features.spec.spec import Spec
from models.rules.file import Bands, Disqualifier, Rule, RulesFile
from models.rules.fit import CLEAR, Floats, errors, evidence, weights, whole_points
from models.rules.rules import RuleScore
from models.statistics.estimate import FEW_LEADS
from models.statistics.metrics import Capacity

NAME = "learned points"
MOST_RULES, RULES_PER_DEED = 20, 2
MOST_POINTS, MOST_TAKEN = 20, 40  # for the best sign; by a bad one, which may never have been won
SHORTEST = 7  # days: a deed of the last day or two says when it was done, more than that it was
TIMES, DAYS, QUIET, MOST_VALUES = (1, 3, 5), (3, 7), (7, 14, 30, 60), 12
ROWS = 50_000  # snapshots of whole leads that points are learned from; more change them little
ALIKE = 0.9  # correlation of two rules' points from which on one of them is left out
NOTHING = 1e-3  # of a weight per standard deviation
WARM = 3  # times as many leads are warm or hot as are hot


def candidates(specs: Sequence[Spec], frame: pd.DataFrame) -> list[Rule]:
    """The rules, of one point each, that can be asked of a frame with these features."""
    found = []
    for spec in specs:
        match spec:
            case Count(str(action), window, None) if window is None or window >= SHORTEST:
                found += [_deed(action, window, times) for times in TIMES]
            case ActiveDays(int(window), None, None) if window >= SHORTEST:
                found += [
                    Rule(points=1, per="day", window_days=window, cap=days)
                    for days in DAYS
                    if days < window
                ]
            case Attribute(column, True):
                values = frame[spec.name].value_counts().index[:MOST_VALUES]
                found += [Rule.model_validate(_is(column, str(value))) for value in values]
    if {DaysSince(), Age()} <= set(specs):
        found += [Rule(points=1, quiet_days=days) for days in QUIET]
    return found


def _deed(action: str, window: int | None, times: int) -> Rule:
    if times == 1:
        return Rule(action=action, points=1, per="once", window_days=window)
    return Rule(action=action, points=1, cap=times, window_days=window)


def _is(column: str, value: str) -> dict[str, object]:
    return {"attribute": column, "is": value, "points": 1}


def learn_points(
    past: Dataset,
    specs: Sequence[Spec],
    capacity: Capacity,
    disqualify: Sequence[Disqualifier] = (),
) -> RuleScore:
    """The points table of past mature snapshots, whose frame holds the specs' columns.

    Hot is who would have been on the list of `capacity` at the last cutoff, warm three times as
    many. Deterministic. Raises Refused where nothing stands clear of chance.
    """
    learned = some_leads(past, ROWS)
    if not learned.has_both:
        raise Refused(f"Of {len(learned.won):,} snapshots {learned.wins:,} are won: no points.")
    offered = candidates(specs, learned.frame)
    rules = _paid(learned, offered) if offered else []
    if not rules:
        raise Refused("No deed, silence or attribute tells won leads from others beyond chance.")
    unbanded = RulesFile(name=NAME, bands=Bands(warm=0, hot=1), rule=rules)
    last = past.frame["cutoff"] == past.frame["cutoff"].max()
    bands = _bands(RuleScore(unbanded).rank(past.frame[last]), capacity)
    named = RulesFile(name=NAME, bands=bands, rule=rules, disqualify=list(disqualify))
    return RuleScore(named)


def some_leads(past: Dataset, rows: int) -> Dataset:
    """Every so many leads, with all of their snapshots, so that about so many rows remain."""
    lead, _ = pd.factorize(past.frame["lead_id"])
    every = -(-len(lead) // rows)
    return past.rows(lead % every == 0) if every > 1 else past


def _paid(past: Dataset, offered: Sequence[Rule]) -> list[Rule]:
    """The rules that earn points beside each other, dearest first."""
    won, lead = past.won, past.frame["lead_id"]
    columns = np.column_stack([rule.give(past.frame) for rule in offered])
    told = evidence(columns, won, lead)
    clear = np.flatnonzero((np.abs(told.clear) > CLEAR) & (told.leads >= FEW_LEADS))
    sign = np.sign(told.clear)
    columns = np.abs(columns)
    # a bad sign is fitted as the lack of it, so that no weight is below 0
    columns[:, sign < 0] *= -1
    first = weights(columns[:, clear], won, CLEAR * told.noise[clear])[1:]
    strength = first * columns[:, clear].std(axis=0)
    order = clear[np.argsort(-strength, kind="stable")][: int((strength > NOTHING).sum())]
    kept = _unlike(columns, _some_of_each(offered, order.tolist()))
    kept, found = _beside_each_other(columns, past, kept)
    if not kept:
        return []
    good = sign[kept] > 0
    scale = MOST_POINTS / (found[1:][good] if good.any() else found[1:]).max()
    most = np.where(good, MOST_POINTS, MOST_TAKEN)
    points = sign[kept] * whole_points(columns[:, kept], won, found, scale, most)
    paid = [_of_points(offered[n], float(p)) for n, p in zip(kept, points, strict=True) if p]
    return sorted(paid, key=lambda rule: -rule.points)


def _some_of_each(offered: Sequence[Rule], order: Sequence[int]) -> list[int]:
    """At most two rules for one deed, for silence and so on, each with a window of its own."""
    taken: dict[str, list[int | None]] = {}
    kept = []
    for number in order:
        rule = offered[number]
        windows = taken.setdefault(rule.action or f"{rule.about} {rule.attribute}", [])
        several = rule.attribute is not None
        if several or (len(windows) < RULES_PER_DEED and rule.window_days not in windows):
            windows.append(rule.window_days)
            kept.append(number)
    return kept


def _unlike(columns: Floats, order: Sequence[int]) -> list[int]:
    """Without those that nearly say what an earlier one says: sales would wonder why both pay."""
    kept: list[int] = []
    for number in order:
        column = columns[:, number]
        if all(abs(np.corrcoef(column, columns[:, n])[0, 1]) < ALIKE for n in kept):
            kept.append(number)
    return kept


def _beside_each_other(columns: Floats, past: Dataset, kept: list[int]) -> tuple[list[int], Floats]:
    """Without those whose weight does not stand clear beside the others, the weakest first; and
    the intercept and the weights of the rest."""
    while kept:
        some = columns[:, kept]
        found = weights(some, past.won, np.zeros(len(kept)))
        clear = found[1:] / errors(some, past.won, past.frame["lead_id"], found)
        if clear.min() > CLEAR and len(kept) <= MOST_RULES:
            return kept, found
        kept = [n for n, c in zip(kept, clear, strict=True) if c > 0 and c > clear.min()]
    return [], np.zeros(1)


def _of_points(rule: Rule, points: float) -> Rule:
    """The rule with other points than one; what it gives at most grows with them."""
    cap = None if rule.cap is None else rule.cap * abs(points)
    return rule.model_copy(update={"points": points, "cap": cap})


def _bands(points: Floats, capacity: Capacity) -> Bands:
    """Hot from the points at which at most a list of the capacity's length is full."""
    slots = float(capacity.slots(np.array([len(points)], np.float64))[0])
    hot = _from(points, slots)
    return Bands(warm=min(_from(points, WARM * slots), hot - 1), hot=hot)


def _from(points: Floats, slots: float) -> int:
    """The points from which on the number of leads is nearest to `slots`; the more points where
    two are equally near."""
    offered = np.unique(np.ceil(points))[::-1]
    many = np.array([(points >= least).sum() for least in offered])
    return int(offered[np.argmin(np.abs(many - slots))])
