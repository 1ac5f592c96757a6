"""What is written only later shows at the data end: there it is missing for the leads to which it
will happen. How often it should be there already follows from the leads of before.

Worked example, an action: of all that did it earlier, half were still open 30 days after. Of 40
leads that did it 30 days before the data end 20 should still be open. If none is, sales write it
down when the deal closes, with an earlier date: at its cutoffs nobody could have known it.

Worked example, a date of leads: it lies 30 days or more after the creation for half of the leads.
Of 40 leads created 30 days before the data end it should lie after the data end for 20, as the end
of a contract does. If it does for none, it is not known in advance: it is written when it happens.

No outcome is looked at, only whether a lead is still open at the data end.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
import pandas as pd
from scipy.stats import poisson

from features.audit.finding import Finding
from features.audit.lead_tables import FEWEST
from features.contract.database import LeadDatabase
from features.spec.kinds import Attribute, DaysSinceDate
from features.spec.titles import OfColumn
from features.sql import quoted

RECENT = 90  # days before the data end
DAYS = 10  # different days of these on which a date lies, or it is not written on and on
EXPORT = 7  # days by which an export may be later than the last record
MISSING = 5  # times fewer than expected
CHANCE = 0.001  # that so few would be there by chance (Poisson)
WITH_LIFE = 0.8  # rank correlation with the closing, of closed leads


def too_few(count: float, expected: float) -> bool:
    """Whether so few are hardly chance, and at most a fifth of those expected.

    >>> too_few(0, 7), too_few(0, 6), too_few(4, 20), too_few(5, 20)
    (True, False, True, False)
    """
    return bool(count * MISSING <= expected and poisson.cdf(count, expected) < CHANCE)


def closed_only(database: LeadDatabase, until: datetime) -> Iterator[Finding]:
    """Actions that are written down when the deal closes, with an earlier date, as meetings are: of
    the leads that did them first in the last 90 days hardly any is still open, although by the
    times from the action to the closing of those before them many should be.

    Where of the other actions together fewer are open than expected, as after a clean-up of old
    deals, so are fewer expected of this. `until`: that of write_audited.
    """
    end = f"TIMESTAMP '{database.data_end}'"
    frame = database.query(f"""
WITH firsts AS (
  SELECT action, lead_id, min(first_at) AS done_at FROM (
    SELECT action, lead_id, first_at FROM done UNION ALL
    SELECT action, lead_id, known_at FROM known_events ANTI JOIN left_out USING (lead_id)
    WHERE known_at >= TIMESTAMP '{until}' AND known_at < {end}
  ) GROUP BY ALL
), ends AS (
  SELECT lead_id, min(closed_at) AS closed_at FROM closings WHERE closed_at < {end} GROUP BY ALL
)
SELECT action, least({RECENT}, floor(epoch({end} - done_at) / 86400))::INT AS since,
  coalesce(least({RECENT}, floor(epoch(closed_at - done_at) / 86400)), {RECENT})::INT AS life,
  closed_at IS NULL AS is_open, count(*)::INT AS leads
FROM firsts LEFT JOIN ends USING (lead_id) WHERE closed_at IS NULL OR closed_at >= done_at
GROUP BY ALL ORDER BY action""")
    by_action = {str(action): rows for action, rows in frame.groupby("action", sort=False)}
    open_by = {action: _expected_open(rows) for action, rows in by_action.items()}
    all_expected, all_open = (sum(each) for each in zip((0, 0), *open_by.values(), strict=True))
    for action, (expected, still) in open_by.items():
        if all_expected > expected:
            expected *= min(1.0, (all_open - still) / (all_expected - expected))
        if not too_few(still, expected):
            continue
        rows = by_action[action]
        recent = int(rows.loc[rows["since"] < RECENT, "leads"].sum())
        evidence = (
            f"{still:,} of {recent:,} leads that did it first in the last {RECENT} days are still "
            f"open at the data end; by those that did it before, {expected:.0f} should be"
        )
        figures = {"leads": recent, "open": still, "expected": expected}
        yield Finding("closed_only", action, f"action:{action}", evidence, figures)


def _expected_open(rows: pd.DataFrame) -> tuple[float, int]:
    """Of the leads that did something in the last 90 days: how many should still be open, by the
    others, and how many are. `life` are whole days from it to the closing, `since` to the data
    end, both at most 90."""
    recent = rows["since"] < RECENT
    before = np.bincount(rows["life"][~recent], rows["leads"][~recent], RECENT + 1)
    if before.sum() < FEWEST:
        return 0.0, 0
    open_after = 1 - np.cumsum(before) / before.sum()  # day by day
    expected = float(open_after[rows["since"][recent]] @ rows["leads"][recent])
    return expected, int(rows.loc[recent & rows["is_open"], "leads"].sum())


def dated_later(database: LeadDatabase, attributes: Sequence[OfColumn]) -> Iterator[Finding]:
    """Dates and numbers of leads that are written when something happens, so that they tell it at
    earlier cutoffs: a date that lies ahead of the data end for hardly any lead, although by the
    other leads' days from their creation it should for many; else a date, or a number of days, that
    goes with the time from the creation to the closing, as an expected closing that is corrected
    until it is true."""
    for spec in attributes:
        if isinstance(spec, DaysSinceDate):
            date = f"TRY_CAST(l.{quoted(spec.column)} AS TIMESTAMP)"
            findings = list(_never_ahead(database, spec.column, date))
            yield from findings or _with_life(
                database, spec.column, f"epoch({date} - l.created_at) / 86400"
            )
        elif isinstance(spec, Attribute) and not spec.text:
            yield from _with_life(database, spec.column, spec.sql)


def _never_ahead(database: LeadDatabase, column: str, date: str) -> Iterator[Finding]:
    """Of a date that also lies on many of the last days before the data end: not of one that is the
    same for all. A week is allowed for an export that is later than the last record."""
    end = f"TIMESTAMP '{database.data_end}' + INTERVAL {EXPORT} DAY"
    rows = f"FROM leads l ANTI JOIN left_out USING (lead_id) WHERE {date} IS NOT NULL"
    days = database.query(
        f"SELECT epoch({date} - l.created_at) / 86400 AS ahead, "
        f"epoch({end} - l.created_at) / 86400 AS until_end {rows}"
    )
    ahead, until_end = days["ahead"].to_numpy(), days["until_end"].to_numpy()
    earlier = np.searchsorted(np.sort(ahead), until_end, side="right")
    expected = float((1 - earlier / max(1, len(days))).sum())
    future = int((ahead > until_end).sum())
    to_end = until_end - ahead
    recent = np.unique(to_end[(to_end >= 0) & (to_end < RECENT)].astype(int))
    if len(recent) < DAYS or not too_few(future, expected):
        return
    later = int((ahead > 1).sum())
    evidence = (
        f"{later:,} of {len(days):,} leads have a date more than a day after their creation, "
        f"{future:,} one after the data end; by the days from the creation {expected:.0f} should"
    )
    ((first,),) = database.connection.execute(
        f"SELECT min(concat('lead ', lead_id, ': created ', created_at, ', dated ', {date}), 3) "
        f"{rows} AND {date} > created_at + INTERVAL 1 DAY"
    ).fetchall()
    figures = {"leads": later, "ahead": future, "expected": expected}
    yield Finding("dated_later", column, f"column:{column}", evidence, figures, tuple(first or ()))


def _with_life(database: LeadDatabase, column: str, days: str) -> Iterator[Finding]:
    """Within the month of creation, by ranks: the days with those from the creation to the closing,
    and the day that they lead to with that of the closing. Only the first goes with it where old
    leads are all closed on one day; only the second where all have the same number of days."""
    life = "epoch(closed_at - l.created_at) / 86400"
    order = {
        "days": "days",
        "life": "life",
        "day": "born + days",
        "closing": "born + life",
    }
    ranks = ", ".join(
        f"percent_rank() OVER (PARTITION BY month ORDER BY {by}) AS {name}_rank"
        for name, by in order.items()
    )
    ((count, *correlations),) = database.connection.execute(f"""
SELECT count(*), corr(days_rank, life_rank), corr(day_rank, closing_rank) FROM (
  SELECT {ranks} FROM (
    SELECT {days} AS days, {life} AS life, epoch(l.created_at) / 86400 AS born,
      date_trunc('month', l.created_at) AS month
    FROM leads l JOIN audited USING (lead_id, created_at) WHERE closed_at IS NOT NULL
  ) WHERE days IS NOT NULL
)""").fetchall()
    if count < FEWEST or not all(each is not None and each >= WITH_LIFE for each in correlations):
        return
    correlation = correlations[0]
    evidence = (
        f"it goes with the closing: of {count:,} closed leads, within the month of creation, the "
        f"rank correlation with the days from the creation to the closing is {correlation:.2f}"
    )
    figures = {"leads": count, "correlation": correlation}
    yield Finding("dated_later", column, f"column:{column}", evidence, figures)
