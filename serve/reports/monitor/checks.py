"""The table of checks: what each measures, where its status changes, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import pandas as pd

from features.check.inputs import NULLS, Inputs, Names, changed_columns
from features.contract.database import LeadDatabase
from features.spec.wording import percent, plural
from serve.reports.monitor.drift import PSI_AMBER, PSI_RED, RATE_AMBER, RATE_RED, Drift, RateChange
from serve.reports.monitor.inputs import InputComparison, NamedChange, enough_wins
from serve.reports.monitor.outcomes import FEWEST_WINS, OFF_AMBER, OFF_RED, Ties, VersionOutcomes
from serve.reports.monitor.status import MonitorCheck, Status, at_least, off_one, worst

SHOWN = 5  # names in a sentence
NEW_RED = 0.1  # of the leads of now
COVERED = 0.5  # of the leads of now, that can be compared
DOUBLED = 0.05, 0.2
NAN = math.nan
HOT = 0.3, 0.5
TIED, DRAWN = (0.25, 0.5), (0.25, 0.75)
LOST = 0.01, 0.05
DAY = timedelta(days=1)
STALE_EVENTS = 2.0, 7.0
LATE_SCORES = 2.0, 4.0  # times the days between two cutoffs
HISTORY = 0.05
# The share of events or leads whose names are unknown, or which are gone: new campaigns bring new
# sources at any time, new actions come with a new web site.
UNLIKE_ACTIONS, UNLIKE_SOURCES = (0.05, 0.2), (0.5, 0.9)
EXPECTED = 10.0  # of a name, for its absence to be none by chance
InputKind = Literal["actions", "sources", "arrivals"]
NOTHING_STORED = "This version was stored before a training recorded what it saw."
NOT_COMPARED = "Not one lead of now is of an age that the model learnt from: nothing to compare."
SURE = 3.29  # standard errors: once in a thousand times by chance


def listed(texts: Sequence[str]) -> str:
    """The first of some findings, and how many more there are."""
    more = f"; and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return "; ".join(texts[:SHOWN]) + more


def features(drifts: Sequence[Drift], leads: int) -> MonitorCheck:
    """The population stability index of every feature of the model."""
    moved = [each for each in drifts if each.status in ("amber", "red")]
    compared = sum(not math.isnan(each.psi) for each in drifts)
    unlike = f" {len(drifts) - compared} more cannot be compared." if compared < len(drifts) else ""
    names = listed([f"{each.meaning or each.name} ({each.psi:.2f})" for each in moved])
    message = f"No feature of {compared} moved, over {plural(leads, 'lead')}.{unlike}"
    if moved:
        message = f"{len(moved)} of {plural(compared, 'feature')} moved: {names}.{unlike}"
    if not compared:
        message = NOT_COMPARED
    return MonitorCheck(
        "features",
        "Features",
        worst([each.status for each in drifts]),
        drifts[0].psi if drifts else NAN,
        message,
        f"stability index from {PSI_AMBER} amber, {PSI_RED} red, where beyond chance",
        "Look at actions and sources first: they say what changed. If the change is "
        "real and stays, retrain once its outcomes have matured.",
        drifts,
    )


def readiness(result: Drift) -> MonitorCheck:
    """Whether the model gives the same readiness to leads of now as to those it learnt from."""
    return MonitorCheck(
        "readiness_drift",
        "Readiness given",
        result.status,
        result.psi,
        NOT_COMPARED
        if math.isnan(result.psi)
        else "The model spreads readiness as it did over the leads it learnt from."
        if result.status == "green"
        else "The model spreads readiness otherwise than over the leads it learnt from.",
        f"stability index from {PSI_AMBER} amber, {PSI_RED} red, where beyond chance",
        "See which features moved; check calibration as soon as outcomes have matured.",
        [result],
    )


def compared(inputs: InputComparison) -> MonitorCheck:
    """How many of the leads of now can be held against leads of their age."""
    share = inputs.matched.share
    return MonitorCheck(
        "compared",
        "Leads compared",
        "amber" if share < COVERED else "green",
        share,
        f"{percent(share)} of the open leads are of an age that the model learnt from.",
        f"amber below {percent(COVERED)}",
        "Most leads are older than any that the model has seen, or their history is cut. Retrain, "
        "or close leads that will never buy.",
    )


def names(key: str, what: str, result: Sequence[NamedChange], active_leads: int) -> MonitorCheck:
    """New, vanished and changed actions or sources, by name. active_leads: leads of now."""
    tests = max(len(result), 1)
    judged = [(each, _status(each, tests, active_leads)) for each in result]
    changed = [(each, status) for each, status in judged if status in ("amber", "red")]
    changed.sort(key=lambda pair: (pair[1] != "red", -pair[0].change.leads))
    message = [_sentence(each) for each, _ in changed]
    details = [each.json_fields() | {"light": status} for each, status in judged]
    return MonitorCheck(
        key,
        what,
        worst([status for _, status in judged]),
        float(len(changed)) if result else NAN,
        f"{listed(message)}."
        if message
        else f"Of {len(result)} none is more or less frequent than it was."
        if result
        else "There is none to compare.",
        f"per lead {RATE_AMBER} times as often or as seldom amber, {RATE_RED} red, where beyond "
        f"chance; vanished red; new amber, red from {percent(NEW_RED)} of the leads",
        "Ask who changed the web site, the tracker or the campaigns. A new name for an old thing "
        "is mended in the query of the table; what is truly new is learnt by retraining.",
        sorted(details, key=lambda each: each["light"] in ("green", "grey")),
    )


def _status(each: NamedChange, tests: int, active_leads: int) -> Status:
    if each.new:
        return "red" if each.change.leads >= NEW_RED * active_leads else "amber"
    return each.change.status(tests)


def _sentence(each: NamedChange) -> str:
    if each.new:
        return f"{each.name} is new ({plural(each.change.leads, 'lead')})"
    if each.vanished:
        renamed = f", perhaps now called {each.renamed}" if each.renamed else ""
        return (
            f"{each.name} vanished ({plural(round(each.change.expected), 'lead')} "
            f"expected{renamed})"
        )
    return f"{each.name} is {each.change.ratio:.2g} times as frequent per lead"


def against_training(then: Inputs | None, now: Inputs) -> list[MonitorCheck]:
    """What was stored at the training against the database of today: this alone shows a change that
    rewrote the history too."""
    kinds: tuple[tuple[InputKind, str, str, tuple[float, float]], ...] = (
        ("actions", "Known actions", "events", UNLIKE_ACTIONS),
        ("sources", "Known event sources", "events", UNLIKE_SOURCES),
        ("arrivals", "Known lead sources", "newest leads", UNLIKE_SOURCES),
    )
    return [*(_unlike(*kind, then, now) for kind in kinds), _unlike_columns(then, now)]


def _unlike(
    key: InputKind,
    name: str,
    of: str,
    limits: tuple[float, float],
    then_inputs: Inputs | None,
    now_inputs: Inputs,
) -> MonitorCheck:
    """Names that the training did not see, and those that are gone since."""
    now: Names = getattr(now_inputs, key)
    then: Names | None = getattr(then_inputs, key, None)
    unknown = now.unknown(then.shares) if then else {}
    gone = {
        name: share
        for name, share in (then.shares if then else {}).items()
        if share * now.count >= EXPECTED and not now.shares.get(name)
    }
    known = then is not None and now.enough
    figure = max(sum(unknown.values()), sum(gone.values())) if known else NAN
    message = [f"{name} is unknown ({percent(share)})" for name, share in unknown.items()]
    message += [
        f"{name} is gone ({percent(share)} at the training)" for name, share in gone.items()
    ]
    return MonitorCheck(
        f"{key}_at_training",
        name,
        at_least(figure, *limits),
        figure,
        NOTHING_STORED
        if then is None
        else f"Not enough yet: {now.count:,} {of}."
        if not known
        else f"{listed(message)}."
        if message
        else f"Of the {now.count:,} {of} none has a name that the training did not see.",
        f"unknown or gone: {percent(limits[0])} of the {of} amber, {percent(limits[1])} red",
        "If names were changed, give the old ones in the query of the table: the model does not "
        "know the new ones. What is truly new is learnt by retraining.",
        [{"name": name, "share": share, "unknown": True} for name, share in unknown.items()]
        + [{"name": name, "share": share, "unknown": False} for name, share in gone.items()],
    )


def _unlike_columns(then: Inputs | None, now: Inputs) -> MonitorCheck:
    """Attributes of another type, or filled for another share of the leads."""
    changes = changed_columns(then, now) if then else {}
    message = [f"{name}: {change}" for name, change in changes.items()]
    retyped = then and any(then.columns[name].type != now.columns[name].type for name in changes)
    return MonitorCheck(
        "columns_at_training",
        "Known columns",
        "grey" if then is None else "red" if retyped else "amber" if changes else "green",
        NAN if then is None else float(len(changes)),
        NOTHING_STORED
        if then is None
        else f"{listed(message)}."
        if message
        else f"Of {plural(len(then.columns), 'attribute')} none is of another type or less full.",
        f"{100 * NULLS:g} percentage points more or fewer nulls among the newest leads, beyond "
        "chance, amber; another type red",
        "Correct the column in the query of tables.leads. If it is to stay so, retrain.",
        [{"column": name, "change": change} for name, change in changes.items()],
    )


def doubled(result: RateChange) -> MonitorCheck:
    """Events that repeat another within a second, as a tracker that fires twice makes them."""
    more = result.after - result.before
    return MonitorCheck(
        "doubled",
        "Doubled events",
        at_least(more, *DOUBLED),
        result.after,
        f"{percent(result.after)} of the events repeat the one before within a second; "
        f"{percent(result.before)} did at training.",
        f"{100 * DOUBLED[0]:g} percentage points more than at training amber, "
        f"{100 * DOUBLED[1]:g} red",
        "Look for a tracker that is built in twice; count each event once in the query of events.",
    )


def base_rate(result: RateChange, cutoffs: Sequence[datetime]) -> MonitorCheck:
    """Wins per lead since training against before."""
    before = f"of leads of their age, {percent(result.before)} were until the training"
    message = f"{percent(result.after)} of the leads are won since; {before}."
    if not enough_wins(result):
        message = _not_yet(result.expected)
    return MonitorCheck(
        "base_rate",
        "Base rate",
        off_one(result.ratio, OFF_AMBER, OFF_RED) if _is_sure(result) else _quiet(result),
        result.after if enough_wins(result) else NAN,
        message,
        f"{OFF_AMBER} times as many or as few amber, {OFF_RED} red, where beyond chance",
        "Every readiness is off by about this factor. Find out why (prices, season, who is "
        "called); if it stays, retrain on the outcomes since.",
        [{"since": [cutoff.date() for cutoff in cutoffs]}],
    )


def _is_sure(result: RateChange) -> bool:
    return enough_wins(result) and abs(result.z) > SURE


def _quiet(result: RateChange) -> Status:
    return "green" if enough_wins(result) else "grey"


def _not_yet(expected: float, needed: float = FEWEST_WINS) -> str:
    if expected >= needed:
        return "All readiness is alike: there are no bands."
    return (
        f"Not enough yet: {expected:.1f} wins are to be expected in what has matured, and "
        f"{needed:g} are needed: {needed - expected:.1f} more."
    )


def calibration(version: VersionOutcomes) -> MonitorCheck:
    """Wins promised in the ledger against wins seen."""
    result = version.overall
    message = (
        f"{plural(result.leads, 'lead')} scored: {result.expected:.1f} wins promised, "
        f"{result.won:,} seen (by chance {result.low:,} to {result.high:,})."
    )
    return MonitorCheck(
        "calibration",
        "Past scores",
        result.status(),
        result.ratio if result.enough else NAN,
        message if result.enough else _not_yet(result.expected),
        f"{OFF_AMBER} times as many or as few amber, {OFF_RED} red, where chance does not explain "
        "it (Poisson-binomial, 1% and 0.1%)",
        f"Readiness promises too {'much' if result.expected > result.won else 'little'}. If "
        "features moved too, look there; else retrain: calibration is learnt on the latest "
        "cutoffs.",
        [version],
    )


def bands(version: VersionOutcomes) -> MonitorCheck:
    """The same in bands of readiness."""
    statuses = [band.status(len(version.bands)) for band in version.bands]
    off = [
        b for b, status in zip(version.bands, statuses, strict=True) if status in ("amber", "red")
    ]
    ratios = [band.ratio for band in version.bands]
    result = [
        f"{percent(b.lowest)} to {percent(b.highest)}: {b.expected:.1f} promised, {b.won} seen"
        for b in off
    ]
    none = f"Of {plural(len(ratios), 'band')} none breaks its promise."
    message = f"{listed(result)}." if off else none
    return MonitorCheck(
        "calibration_by_band",
        "Past scores by band",
        worst(statuses),
        max(ratios, key=lambda r: max(r, 1 / r if r else math.inf), default=NAN),
        message if ratios else _not_yet(version.overall.expected, 2 * FEWEST_WINS),
        "as overall, in each of up to five bands",
        "The order may still be right while the numbers are not: retrain before anyone goes by "
        "the probability of these leads.",
    )


def inflation(
    key: str, name: str, result: RateChange | None, first: datetime | None
) -> MonitorCheck:
    """Mean readiness or points of the newest run against the first of the same version."""
    ratio = NAN if result is None else result.ratio
    status = off_one(ratio, RATE_AMBER, RATE_RED)
    small = result is not None and abs(result.z) <= SURE
    return MonitorCheck(
        key,
        name,
        "green" if small and status != "grey" else status,
        ratio,
        "Needs runs of the same version at two cutoffs."
        if result is None or first is None
        else f"{result.after:.3g} on average, against {result.before:.3g} on {first:%Y-%m-%d} for "
        "leads of the same age.",
        f"{RATE_AMBER} times as high or as low amber, {RATE_RED} red, where beyond chance",
        "See actions and features. If points only ever rise, let them fade (docs/points.md).",
    )


def hot(run: pd.Series[Any] | None) -> MonitorCheck:
    """The part of the leads that the points call hot."""
    share = NAN if run is None else float(run["hot"])
    return MonitorCheck(
        "hot",
        "Hot leads",
        at_least(share, *HOT),
        share,
        f"{percent(share)} of the leads are hot by points.",
        f"from {percent(HOT[0])} amber, {percent(HOT[1])} red",
        "Where everyone is hot nobody is: raise the band, or let points fade (docs/points.md).",
    )


def tied(result: Ties) -> list[MonitorCheck]:
    """Leads that nothing tells apart."""
    todo = (
        "The model knows too little of these leads to rank them: chance decides who is called. "
        "More kinds of actions or attributes tell them apart."
    )
    return [
        MonitorCheck(
            "ties",
            "Ties",
            at_least(result.largest, *TIED),
            result.largest,
            f"{percent(result.largest)} of the leads share the commonest readiness.",
            f"from {percent(TIED[0])} amber, {percent(TIED[1])} red",
            todo,
        ),
        MonitorCheck(
            "ties_at_the_end",
            "Drawn by chance",
            at_least(result.at_the_end, *DRAWN),
            result.at_the_end,
            f"{percent(result.at_the_end)} of the list for sales is as ready as leads left out.",
            f"from {percent(DRAWN[0])} amber, {percent(DRAWN[1])} red",
            todo,
        ),
    ]


def unscored(rows: pd.DataFrame, skipped: int) -> MonitorCheck:
    """Leads without a readiness in the newest run, and those that it has not at all."""
    not_scored = rows.loc[rows["state"] == "not scored", "state_reason"]
    of = len(rows) + skipped
    share = (len(not_scored) + skipped) / of if of else NAN
    reason = f", mostly: {not_scored.mode().iloc[0]}" if not_scored.notna().any() else ""
    return MonitorCheck(
        "unscored",
        "Not scored",
        at_least(share, *LOST),
        share,
        f"{len(not_scored):,} of {plural(of, 'open lead')} could not be scored{reason}; "
        f"{skipped:,} are not in the ledger at all.",
        f"from {percent(LOST[0])} amber, {percent(LOST[1])} red",
        "`readiness check` names the faulty rows. Leads missing in the ledger came into the "
        "database late: score again.",
    )


def fresh_events(database: LeadDatabase, cutoff: datetime) -> MonitorCheck:
    """Days from the last event known before the cutoff to the cutoff."""
    row = database.connection.execute(
        "SELECT max(known_at) FROM known_events WHERE known_at < ?", [cutoff]
    ).fetchone()
    last = row[0] if row else None
    days = math.nan if last is None else (cutoff - last) / DAY
    return MonitorCheck(
        "days_without_events",
        "Fresh events",
        at_least(days, *STALE_EVENTS),
        days,
        "There is no event." if last is None else f"The last event came on {last:%Y-%m-%d %H:%M}.",
        f"{STALE_EVENTS[0]:g} days before the cutoff amber, {STALE_EVENTS[1]:g} red",
        "Every lead looks as if it had done nothing since: is the tracker or the extract stuck?",
    )


def scoring_runs(last: datetime | None, cutoff: datetime, every_days: int) -> MonitorCheck:
    """Days from the last scored cutoff in the ledger to the cutoff."""
    limits = tuple(times * every_days for times in LATE_SCORES)
    days = math.nan if last is None else (cutoff - last) / DAY
    return MonitorCheck(
        "days_without_scores",
        "Scoring runs",
        at_least(days, *limits),
        days,
        "This model has scored nothing yet: run `readiness score`."
        if last is None
        else f"Leads were last scored for {last:%Y-%m-%d}.",
        f"{limits[0]:g} days before the cutoff amber, {limits[1]:g} red",
        "Sales work by old scores: look at the scheduler of `readiness score`.",
    )


def history(today: float, base_rate: float) -> MonitorCheck:
    """Whether the base rate of the training's cutoffs is today what it was at the training."""
    known = not math.isnan(today) and base_rate > 0
    off = abs(today / base_rate - 1) if known else math.nan
    return MonitorCheck(
        "history",
        "History",
        "amber" if off >= HISTORY else "green" if known else "grey",
        off,
        f"{100 * today:.2f}% of the training's leads are won by today's database, "
        f"{100 * base_rate:.2f}% by that of then."
        if known
        else "Horizon or cutoffs of readiness.toml have changed since training.",
        f"amber where {100 * HISTORY:g}% apart",
        "History was purged or filled in later, so that drift is measured against another past. "
        "Restore it, or retrain.",
    )
