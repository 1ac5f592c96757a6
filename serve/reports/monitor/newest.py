"""The checks of the newest scores: inflation, hot leads, ties, leads without a score."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd

from serve.reports.monitor.checks import NAN, SURE, percent
from serve.reports.monitor.drift import PACE_AMBER, PACE_RED, Pace
from serve.reports.monitor.scores import Ties
from serve.reports.monitor.status import Check, at_least, off_one

HOT = 0.3, 0.5
TIED, DRAWN = (0.25, 0.5), (0.25, 0.75)
LOST = 0.01, 0.05


def inflation(key: str, name: str, found: Pace | None, first: datetime | None) -> Check:
    """Mean readiness or points of the newest run against the first of the same version."""
    ratio = NAN if found is None else found.ratio
    light = off_one(ratio, PACE_AMBER, PACE_RED)
    small = found is not None and abs(found.z) <= SURE
    return Check(
        key,
        name,
        "green" if small and light != "grey" else light,
        ratio,
        "Needs runs of the same version at two cutoffs."
        if found is None or first is None
        else f"{found.after:.3g} on average, against {found.before:.3g} on {first:%Y-%m-%d} for "
        "leads of the same age.",
        f"{PACE_AMBER} times as high or as low amber, {PACE_RED} red, where beyond chance",
        "See actions and features. If points only ever rise, let them fade (docs/points.md).",
    )


def hot(run: pd.Series[Any] | None) -> Check:
    """The part of the leads that the points call hot."""
    share = NAN if run is None else float(run["hot"])
    return Check(
        "hot",
        "Hot leads",
        at_least(share, *HOT),
        share,
        f"{percent(share)} of the leads are hot by points.",
        f"from {percent(HOT[0])} amber, {percent(HOT[1])} red",
        "Where everyone is hot nobody is: raise the band, or let points fade (docs/points.md).",
    )


def tied(found: Ties) -> list[Check]:
    """Leads that nothing tells apart."""
    todo = (
        "The model knows too little of these leads to rank them: chance decides who is called. "
        "More kinds of actions or attributes tell them apart."
    )
    return [
        Check(
            "ties",
            "Ties",
            at_least(found.largest, *TIED),
            found.largest,
            f"{percent(found.largest)} of the leads share the commonest readiness.",
            f"from {percent(TIED[0])} amber, {percent(TIED[1])} red",
            todo,
        ),
        Check(
            "ties_at_the_end",
            "Drawn by chance",
            at_least(found.at_the_end, *DRAWN),
            found.at_the_end,
            f"{percent(found.at_the_end)} of the list for sales is as ready as leads left out.",
            f"from {percent(DRAWN[0])} amber, {percent(DRAWN[1])} red",
            todo,
        ),
    ]


def unscored(rows: pd.DataFrame, skipped: int) -> Check:
    """Leads without a readiness in the newest run, and those that it has not at all."""
    not_scored = rows.loc[rows["state"] == "not scored", "state_reason"]
    of = len(rows) + skipped
    share = (len(not_scored) + skipped) / of if of else NAN
    reason = f", mostly: {not_scored.mode().iloc[0]}" if not_scored.notna().any() else ""
    return Check(
        "unscored",
        "Not scored",
        at_least(share, *LOST),
        share,
        f"{len(not_scored):,} of {of:,} open leads could not be scored{reason}; {skipped:,} are "
        "not in the ledger at all.",
        f"from {percent(LOST[0])} amber, {percent(LOST[1])} red",
        "`readiness check` names the faulty rows. Leads missing in the ledger came into the "
        "database late: score again.",
    )
