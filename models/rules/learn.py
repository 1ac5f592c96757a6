"""A points table learned from outcomes, in the form that sales know: rules of rules.toml.

Candidates are rules, not features: an action once, or each time up to three or five times, within a
window; days with activity; silence; an attribute. Those whose own lift is clear compete in one fit
(models/rules/fit.py); what adds nothing to the others is dropped, and the rest gets whole points,
20 for the best sign. An action that is good by itself never takes points (docs/adr/0013).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.config import Capacity
from features.dataset import Dataset
from features.errors import Refused
from features.spec.kinds import ActiveDays, Age, Attribute, Count, DaysSince
from features.spec.spec import Spec
from features.spec.wording import plural
from models.rules.file import Bands, Disqualifier, Rule, RulesFile
from models.rules.fit import CLEAR, Floats, errors, evidence, weights, whole_points
from models.rules.rules import RuleScore
from models.statistics.intervals import FEW_LEADS

NAME = "learned points"
MOST_RULES, RULES_PER_ACTION = 20, 2
MOST_POINTS, MOST_TAKEN = 20, 40  # for the best sign; by a bad one, under which none may be won
SHORTEST = 7  # days; a window of a day or two shows when an event was, more than that it was
TIMES, DAYS, QUIET, MOST_VALUES = (1, 3, 5), (3, 7), (7, 14, 30, 60), 12
ROWS = 50_000  # snapshots of whole leads that points are learned from; more change them little
ALIKE = 0.9  # correlation of two rules' points from which on one of them is left out
NOTHING = 1e-3  # of a weight per standard deviation
WARM = 3  # times as many leads are warm or hot as are hot


def candidates(specs: Sequence[Spec], frame: pd.DataFrame) -> list[Rule]:
    """The rules, of one point each, that can be computed from a frame with these features."""
    rules = []
    for spec in specs:
        match spec:
            case Count(str(action), window, None) if window is None or window >= SHORTEST:
                rules += [_of_action(action, window, times) for times in TIMES]
            case ActiveDays(int(window), None, None) if window >= SHORTEST:
                rules += [
                    Rule(points=1, per="day", window_days=window, cap=days)
                    for days in DAYS
                    if days < window
                ]
            case Attribute(column, True):
                values = frame[spec.name].value_counts().index[:MOST_VALUES]
                about = {"attribute": column, "points": 1}
                rules += [Rule.model_validate(about | {"is": str(value)}) for value in values]
    if {DaysSince(), Age()} <= set(specs):
        rules += [Rule(points=1, quiet_days=days) for days in QUIET]
    return rules


def _of_action(action: str, window: int | None, times: int) -> Rule:
    if times == 1:
        return Rule(action=action, points=1, per="once", window_days=window)
    return Rule(action=action, points=1, cap=times, window_days=window)


def learn_points(
    past: Dataset,
    specs: Sequence[Spec],
    capacity: Capacity,
    disqualify: Sequence[Disqualifier] = (),
) -> RuleScore:
    """The points table of past mature snapshots, whose frame holds the specs' columns.

    Hot is who would have been on the list of `capacity` at the last cutoff, warm three times as
    many. Deterministic. Raises Refused where no rule is beyond chance.
    """
    learned = some_leads(past, ROWS)
    if not learned.has_both:
        raise Refused(
            f"Of {plural(len(learned.won), 'snapshot')} {learned.wins:,} are won: no points."
        )
    offered = candidates(specs, learned.frame)
    rules = _weighed(learned, offered) if offered else []
    if not rules:
        raise Refused("No action, silence or attribute tells won leads from others beyond chance.")
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


def _weighed(past: Dataset, offered: Sequence[Rule]) -> list[Rule]:
    """The rules that earn points in a joint fit, those with most points first."""
    won, lead = past.won, past.frame["lead_id"]
    columns = np.column_stack([rule.give(past.frame) for rule in offered])
    alone = evidence(columns, won, lead)
    clear = np.flatnonzero((np.abs(alone.clear) > CLEAR) & (alone.leads >= FEW_LEADS))
    sign = np.sign(alone.clear)
    columns = np.abs(columns)
    # a bad sign is fitted as the lack of it, so that no weight is below 0
    columns[:, sign < 0] *= -1
    first = weights(columns[:, clear], won, CLEAR * alone.noise[clear])[1:]
    strength = first * columns[:, clear].std(axis=0)
    order = clear[np.argsort(-strength, kind="stable")][: int((strength > NOTHING).sum())]
    chosen = _unlike(columns, _some_of_each(offered, order.tolist()))
    chosen, fitted = _jointly_clear(columns, past, chosen)
    if not chosen:
        return []
    good = sign[chosen] > 0
    scale = MOST_POINTS / (fitted[1:][good] if good.any() else fitted[1:]).max()
    most = np.where(good, MOST_POINTS, MOST_TAKEN)
    points = sign[chosen] * whole_points(columns[:, chosen], won, fitted, scale, most)
    rules = [_of_points(offered[n], float(p)) for n, p in zip(chosen, points, strict=True) if p]
    return sorted(rules, key=lambda rule: -rule.points)


def _some_of_each(offered: Sequence[Rule], order: Sequence[int]) -> list[int]:
    """At most two rules for one action, for silence and so on, each with a window of its own."""
    taken: dict[str, list[int | None]] = {}
    chosen = []
    for number in order:
        rule = offered[number]
        windows = taken.setdefault(rule.action or f"{rule.about} {rule.attribute}", [])
        several = rule.attribute is not None
        if several or (len(windows) < RULES_PER_ACTION and rule.window_days not in windows):
            windows.append(rule.window_days)
            chosen.append(number)
    return chosen


def _unlike(columns: Floats, order: Sequence[int]) -> list[int]:
    """Without those nearly equal to an earlier one: sales would wonder why both give points."""
    chosen: list[int] = []
    for number in order:
        column = columns[:, number]
        if all(abs(np.corrcoef(column, columns[:, n])[0, 1]) < ALIKE for n in chosen):
            chosen.append(number)
    return chosen


def _jointly_clear(columns: Floats, past: Dataset, chosen: list[int]) -> tuple[list[int], Floats]:
    """Without those whose weight is not clear in the joint fit, the weakest first; and the
    intercept and the weights of the rest."""
    while chosen:
        some = columns[:, chosen]
        fitted = weights(some, past.won, np.zeros(len(chosen)))
        clear = fitted[1:] / errors(some, past.won, past.frame["lead_id"], fitted)
        if clear.min() > CLEAR and len(chosen) <= MOST_RULES:
            return chosen, fitted
        chosen = [n for n, c in zip(chosen, clear, strict=True) if c > 0 and c > clear.min()]
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
