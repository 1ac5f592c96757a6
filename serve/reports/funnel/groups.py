"""The funnel by source, by cohort, by period, or by any named groups of leads."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Period
from features.stages import Entries
from serve.reports.funnel.transitions import Bools, Measured, Way, measure

GroupedBy = Literal["cohort", "source", "period"]
MOST_SOURCES = 15
OTHERS = "(all others)"
FREQUENCY = {"week": "W", "month": "M", "quarter": "Q"}


def grouped(entries: Entries, ways: Sequence[Way], by: GroupedBy) -> dict[str, list[Measured]]:
    """Every way, measured for each group on its own.

    cohort: leads by the period in which they entered the first stage, with all that became of them
    since. period: entries by the period in which they entered the phase at hand, whenever the lead
    came. source: leads by leads.source, the MOST_SOURCES with most leads, then all others together.
    """
    if by == "period":
        named = [period_names(way.start, entries.funnel.period) for way in ways]
        return {
            name: [measure(way.of(names == name)) for way, names in zip(ways, named, strict=True)]
            for name in sorted(set().union(*named))
        }
    if by == "source":
        members = by_source(entries)
    else:
        first = period_names(entries.entered[:, 0], entries.funnel.period)
        members = {name: first == name for name in sorted(set(first))}
    return {name: [measure(way.among(inside)) for way in ways] for name, inside in members.items()}


def by_source(entries: Entries) -> dict[str, Bools]:
    """Which leads came by each source: the MOST_SOURCES with most leads, then all others."""
    source = entries.leads["source"].to_numpy(object)
    counts = (
        entries.leads["source"]
        .value_counts()
        .sort_index()
        .sort_values(ascending=False, kind="stable")
    )
    names = list(counts.index[:MOST_SOURCES])
    members = {str(name): source == name for name in names}
    rest = ~np.isin(source.astype(str), names)
    return members | {OTHERS: rest} if rest.any() else members


def period_names(moments: npt.NDArray[np.datetime64], period: Period) -> npt.NDArray[np.object_]:
    """The period in which each moment lies; names sort by time.

    >>> moments = np.array(["2026-03-31T23:59:59", "2026-04-01"], dtype="datetime64[us]")
    >>> [list(period_names(moments, each)) for each in ("month", "quarter", "week")]
    [['2026-03', '2026-04'], ['2026-Q1', '2026-Q2'], ['2026-03-30', '2026-03-30']]
    """
    periods = pd.DatetimeIndex(moments).to_period(FREQUENCY[period])
    if period == "week":
        return periods.start_time.strftime("%Y-%m-%d").to_numpy(object)
    return periods.strftime("%Y-Q%q" if period == "quarter" else "%Y-%m").to_numpy(object)
