"""The table of checks: what each measures, where its lights change, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from serve.reports.monitor.drift import PACE_AMBER, PACE_RED, PSI_AMBER, PSI_RED, Drift, Pace
from serve.reports.monitor.drift_now import Named, Sight, enough_wins
from serve.reports.monitor.past_scores import FEWEST_WINS, OFF_AMBER, OFF_RED
from serve.reports.monitor.scores import Told
from serve.reports.monitor.status import Check, Light, at_least, off_one, worst

SHOWN = 5  # names in a sentence
NEW_RED = 0.1  # of the leads of now
COVERED = 0.5  # of the leads of now, that can be compared
DOUBLED = 0.05, 0.2
NAN = math.nan
SURE = 3.29  # standard errors: once in a thousand times by chance


def percent(figure: float) -> str:
    """A share as it is said.

    >>> percent(0.0214), percent(float("nan"))
    ('2.1 %', 'unknown')
    """
    return "unknown" if math.isnan(figure) else f"{100 * figure:.1f} %"


def listed(said: Sequence[str]) -> str:
    """The first of some findings, and how many more there are."""
    more = f"; and {len(said) - SHOWN} more" if len(said) > SHOWN else ""
    return "; ".join(said[:SHOWN]) + more


def features(drifts: Sequence[Drift], leads: int) -> Check:
    """The population stability index of every feature of the model."""
    moved = [each for each in drifts if each.light in ("amber", "red")]
    names = listed([f"{each.name} ({each.psi:.2f})" for each in moved])
    return Check(
        "features",
        "Features",
        worst([each.light for each in drifts]),
        drifts[0].psi if drifts else NAN,
        f"{len(moved)} of {len(drifts)} features moved: {names}."
        if moved
        else f"No feature of {len(drifts)} moved, over {leads:,} leads.",
        f"stability index from {PSI_AMBER} amber, {PSI_RED} red, where beyond chance",
        "Look at actions and sources first: they say what changed. If the change is "
        "real and stays, retrain once its outcomes have matured.",
        drifts,
    )


def readiness(found: Drift) -> Check:
    """Whether the model gives the same readiness to leads of now as to those it learnt from."""
    return Check(
        "readiness_drift",
        "Readiness given",
        found.light,
        found.psi,
        "The model spreads readiness as it did over the leads it learnt from."
        if found.light == "green"
        else "The model spreads readiness otherwise than over the leads it learnt from.",
        f"stability index from {PSI_AMBER} amber, {PSI_RED} red, where beyond chance",
        "See which features moved; check calibration as soon as outcomes have matured.",
    )


def compared(sight: Sight) -> Check:
    """How many of the leads of now can be held against leads of their age."""
    share = sight.matched.share
    return Check(
        "compared",
        "Leads compared",
        "amber" if share < COVERED else "green",
        share,
        f"{percent(share)} of the open leads are of an age that the model learnt from.",
        f"amber below {percent(COVERED)}",
        "Most leads are older than any that the model has seen, or their history is cut. Retrain, "
        "or close leads that will never buy.",
    )


def names(key: str, what: str, found: Sequence[Named], doers: int) -> Check:
    """New, vanished and changed actions or sources, by name. doers: leads of now."""
    tests = max(len(found), 1)
    judged = [(each, _light(each, tests, doers)) for each in found]
    changed = [(each, light) for each, light in judged if light in ("amber", "red")]
    changed.sort(key=lambda pair: (pair[1] != "red", -pair[0].pace.leads))
    said = [_said(each) for each, _ in changed]
    told = [each.json_fields() | {"light": light} for each, light in judged]
    return Check(
        key,
        what,
        worst([light for _, light in judged]),
        float(len(changed)) if found else NAN,
        f"{listed(said)}."
        if said
        else f"All {len(found)} are as frequent as they were."
        if found
        else "There is none to compare.",
        f"per lead {PACE_AMBER} times as often or as seldom amber, {PACE_RED} red, where beyond "
        f"chance; vanished red; new amber, red from {percent(NEW_RED)} of the leads",
        "Ask who changed the web site, the tracker or the campaigns. A new name for an old thing "
        "is mended in the query of the table; what is truly new is learnt by retraining.",
        sorted(told, key=lambda each: each["light"] in ("green", "grey")),
    )


def _light(each: Named, tests: int, doers: int) -> Light:
    if each.new:
        return "red" if each.pace.leads >= NEW_RED * doers else "amber"
    return each.pace.light(tests)


def _said(each: Named) -> str:
    if each.new:
        return f"{each.name} is new ({each.pace.leads:,} leads)"
    if each.vanished:
        renamed = f", perhaps now called {each.renamed}" if each.renamed else ""
        return f"{each.name} vanished ({each.pace.expected:,.0f} leads expected{renamed})"
    return f"{each.name} is {each.pace.ratio:.2g} times as frequent per lead"


def doubled(found: Pace) -> Check:
    """Events that repeat another within a second, as a tracker that fires twice makes them."""
    more = found.after - found.before
    return Check(
        "doubled",
        "Doubled events",
        at_least(more, *DOUBLED),
        found.after,
        f"{percent(found.after)} of the events repeat the one before within a second; "
        f"{percent(found.before)} did at training.",
        f"{percent(DOUBLED[0])} more than at training amber, {percent(DOUBLED[1])} red",
        "Look for a tracker that is built in twice; count each event once in the query of events.",
    )


def base_rate(found: Pace, cutoffs: Sequence[datetime]) -> Check:
    """Wins per lead since training against before."""
    before = f"of leads of their age, {percent(found.before)} were until the training"
    said = f"{percent(found.after)} of the leads are won since; {before}."
    if not enough_wins(found):
        said = _not_yet(found.expected)
    return Check(
        "base_rate",
        "Base rate",
        off_one(found.ratio, OFF_AMBER, OFF_RED) if _is_sure(found) else _quiet(found),
        found.after if enough_wins(found) else NAN,
        said,
        f"{OFF_AMBER} times as many or as few amber, {OFF_RED} red, where beyond chance",
        "Every readiness is off by about this factor. Find out why (prices, season, who is "
        "called); if it stays, retrain on the outcomes since.",
        [{"since": [cutoff.date() for cutoff in cutoffs]}],
    )


def _is_sure(found: Pace) -> bool:
    return enough_wins(found) and abs(found.z) > SURE


def _quiet(found: Pace) -> Light:
    return "green" if enough_wins(found) else "grey"


def _not_yet(expected: float, needed: float = FEWEST_WINS) -> str:
    if expected >= needed:
        return "All readiness is alike: there are no bands."
    return (
        f"Not enough yet: {expected:.1f} wins are to be expected in what has matured, and "
        f"{needed:g} are needed: {needed - expected:.1f} more."
    )


def calibration(told: Told) -> Check:
    """Wins promised in the ledger against wins seen."""
    found = told.overall
    said = (
        f"{found.leads:,} leads scored: {found.expected:.1f} wins promised, {found.won:,} seen "
        f"(by chance {found.low:,} to {found.high:,})."
    )
    return Check(
        "calibration",
        "Past scores",
        found.light(),
        found.ratio if found.enough else NAN,
        said if found.enough else _not_yet(found.expected),
        f"{OFF_AMBER} times as many or as few amber, {OFF_RED} red, where chance does not explain "
        "it (Poisson-binomial, 1 % and 0.1 %)",
        "Readiness promises too much or too little. If features moved too, look there; else "
        "retrain: calibration is learnt on the latest cutoffs.",
        [told],
    )


def bands(told: Told) -> Check:
    """The same in bands of readiness."""
    lights = [band.light(len(told.bands)) for band in told.bands]
    off = [b for b, light in zip(told.bands, lights, strict=True) if light in ("amber", "red")]
    ratios = [band.ratio for band in told.bands]
    found = [
        f"{percent(b.lowest)} to {percent(b.highest)}: {b.expected:.1f} promised, {b.won} seen"
        for b in off
    ]
    said = f"{listed(found)}." if off else f"All {len(ratios)} bands keep what they promise."
    return Check(
        "calibration_by_band",
        "Past scores by band",
        worst(lights),
        max(ratios, key=lambda r: max(r, 1 / r if r else math.inf), default=NAN),
        said if ratios else _not_yet(told.overall.expected, 2 * FEWEST_WINS),
        "as overall, in each of up to five bands",
        "The order may still be right while the numbers are not: retrain before anyone goes by "
        "the probability of these leads.",
    )
