"""Snapshots, labels, features and points of a lead database as pandas frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from numbers import Integral
from typing import Any

import duckdb
import pandas as pd

from features.cohort import cohort_at
from features.contract.database import LeadDatabase
from features.contract.tables import lead_id_type
from features.engine.duckdb_engine import KEY, feature_frame
from features.errors import BadInput
from features.labels import label_sql
from features.snapshots import Snapshots
from features.spec.spec import Spec
from models.rules.rules import RuleScore
from readiness.leads import Leads, is_frame, to_pandas


def snapshots(leads: Leads, at: Any) -> pd.DataFrame:
    """The cohort: every lead that is open at a cutoff, once per cutoff.

    Parameters
    ----------
    at : a cutoff or several: datetimes, dates or ISO texts, UTC unless they have an offset.

    Returns
    -------
    Frame of lead_id, cutoff, ordered by cutoff and lead. A lead is open at a cutoff if it was
    created before it and its deal was not closed before it.

    Examples
    --------
    Lead 1 is won on 2026-01-12 at noon, lead 2 is created on 2026-01-09 at midnight: at that
    instant it was not created *before*.

    >>> import readiness as rd
    >>> leads = rd.example()
    >>> rd.snapshots(leads, ["2026-01-09", "2026-01-12", "2026-01-13"])
       lead_id     cutoff
    0        1 2026-01-09
    1        1 2026-01-12
    2        2 2026-01-12
    3        2 2026-01-13
    """
    with leads.staged() as database, _requested(database, at) as (_, order):
        return order


def labels(leads: Leads, at: Any, horizon_days: int | None = None) -> pd.DataFrame:
    """Whether each snapshot was won within the horizon.

    Parameters
    ----------
    at : cutoffs, for all leads open at them; or a frame of snapshots (lead_id, cutoff), whose order
        is that of the result.
    horizon_days : default: that of the settings.

    Returns
    -------
    Frame of lead_id, cutoff, won: 1.0 if a deal was won in [cutoff, cutoff + horizon), else 0.0;
    NaN if cutoff + horizon lies after the data end, when nobody knows yet (censored).

    Raises
    ------
    BadInput for snapshots of leads that were not open at their cutoff.

    Examples
    --------
    With 3 days, lead 1 (won 2026-01-12 12:00) is won from the cutoff 2026-01-10 on, not from
    2026-01-09, whose horizon ends at 2026-01-12 00:00. The data end on 2026-01-14 09:00, so at
    2026-01-12 the label is not mature.

    >>> import readiness as rd
    >>> leads = rd.example()
    >>> rd.labels(leads, ["2026-01-09", "2026-01-10", "2026-01-12"], horizon_days=3)
       lead_id     cutoff  won
    0        1 2026-01-09  0.0
    1        1 2026-01-10  1.0
    2        2 2026-01-10  0.0
    3        1 2026-01-12  NaN
    4        2 2026-01-12  NaN
    """
    horizon = leads.config.time.horizon_days if horizon_days is None else horizon_days
    with leads.staged() as database, _requested(database, at) as (requested, order):
        won = database.query(label_sql(requested, horizon, database.data_end))
        return order.merge(won.astype({"won": "float64"}), how="left", on=KEY)


def features(leads: Leads, at: Any, specs: Sequence[Spec] | None = None) -> pd.DataFrame:
    """The features of snapshots, from what was known strictly before each cutoff.

    Parameters
    ----------
    at : cutoffs, for all leads open at them; or a frame of snapshots (lead_id, cutoff), whose order
        is that of the result.
    specs : which features (features/spec/spec.py, or `rules.specs` of a points table). Default:
        those of the settings, as `readiness train` computes them and `describe` lists them.

    Returns
    -------
    Frame of lead_id, cutoff and a column per feature: float64, or text for attributes and sources;
    NaN where nothing is known.

    Raises
    ------
    BadInput for snapshots of leads that were not open at their cutoff, and for attributes that are
    not columns of the leads.

    Notes
    -----
    The default list names the actions that are in the data, whenever they first appeared. For a
    list that is learnt before a cutoff, as cross-validation needs, use `LeadFeatures`.

    Examples
    --------
    The visit at 2026-01-12 00:00 is unknown to the cutoff of that instant.

    >>> import readiness as rd
    >>> from features.spec.kinds import Count, DaysSince
    >>> leads = rd.example()
    >>> rd.features(leads, "2026-01-12", [Count("visited", 7), DaysSince("visited")])
       lead_id     cutoff  count_7d(visited)  days_since(visited)
    0        1 2026-01-12                1.0                  4.0
    1        2 2026-01-12                0.0                  NaN
    """
    specs = leads.specs() if specs is None else tuple(specs)
    with leads.staged(specs) as database, _requested(database, at) as (requested, order):
        frame = feature_frame(requested, specs, leads.config.engine.memory_gb)
        return frame if frame[KEY].equals(order) else order.merge(frame, how="left", on=KEY)


def points(leads: Leads, at: Any, rules: RuleScore) -> pd.DataFrame:
    """What a points table gives to snapshots.

    Parameters
    ----------
    at : cutoffs, for all leads open at them; or a frame of snapshots (lead_id, cutoff).
    rules : see `load_rules`.

    Returns
    -------
    Frame of lead_id, cutoff, points, band (cold, warm, hot) and disqualified (why sales are not to
    call the lead, or None).

    Examples
    --------
    >>> import readiness as rd
    >>> visited = {"action": "visited", "points": 5}
    >>> rules = {"name": "ours", "bands": {"warm": 5, "hot": 20}, "rule": [visited]}
    >>> rd.points(rd.example(), "2026-01-13", rd.load_rules(rules))
       lead_id     cutoff  points  band disqualified
    0        2 2026-01-13     5.0  warm         None
    """
    frame = features(leads, at, rules.specs)
    given = rules.rank(frame)
    disqualified = pd.Series(rules.disqualified(frame, leads.config.words), dtype=object)
    return frame[KEY].assign(points=given, band=rules.band(given), disqualified=disqualified)


def describe(leads: Leads, specs: Iterable[Spec] | None = None) -> pd.DataFrame:
    """The features in words: a frame of name, meaning and kind; default: those of the settings, as
    `readiness features` lists them."""
    words, listed = leads.config.words, leads.specs() if specs is None else specs
    rows = [(spec.name, spec.meaning(words), type(spec).__name__) for spec in listed]
    return pd.DataFrame(rows, columns=["name", "meaning", "kind"])


@contextmanager
def _requested(database: LeadDatabase, at: Any) -> Iterator[tuple[Snapshots, pd.DataFrame]]:
    """The different snapshots, and lead_id and cutoff of the rows as they were asked for."""
    if not is_frame(at):
        cohort = cohort_at(database, as_cutoffs(at))
        yield cohort, cohort.frame
        return
    order = _given(database, to_pandas(at, "snapshots"))
    with Snapshots.of(database, order.drop_duplicates()) as given:
        if len(order):
            _refuse_not_open(given, list(order["cutoff"].drop_duplicates()))
        yield given, order


def _given(database: LeadDatabase, rows: pd.DataFrame) -> pd.DataFrame:
    """A user's snapshots in the types of the database. Raises BadInput where one is none."""
    missing = [name for name in KEY if name not in rows]
    if missing:
        raise BadInput(
            f"Snapshots lack {' and '.join(missing)}: they are a frame of lead_id and cutoff, as "
            "readiness.snapshots(leads, cutoffs) makes it."
        )
    connection = database.connection
    connection.register("given_rows", rows[KEY].assign(place=range(len(rows))))
    try:
        return database.query(
            f"SELECT lead_id::{lead_id_type(database.columns)} AS lead_id, "
            "cutoff::TIMESTAMP AS cutoff FROM given_rows ORDER BY place"
        )
    except duckdb.Error as error:
        raise BadInput(f"Snapshots that cannot be read: {error}") from None
    finally:
        connection.unregister("given_rows")


def _refuse_not_open(given: Snapshots, cutoffs: Sequence[datetime]) -> None:
    """Raises BadInput where a requested lead was not open at its cutoff."""
    cohort = cohort_at(given.database, cutoffs)
    others = given.database.query(
        f"FROM {given.relation} ANTI JOIN {cohort.relation} USING (lead_id, cutoff) "
        "ORDER BY cutoff, lead_id"
    )
    if len(others):
        first = others.iloc[0]
        raise BadInput(
            f"{len(others):,} snapshots are of leads that were not open at their cutoff (created "
            f"before it, not closed before it, rows without a breach); first: lead "
            f"{first['lead_id']} at {first['cutoff']}. Take them from readiness.snapshots."
        )


def as_cutoffs(at: Any) -> list[datetime]:
    """The different cutoffs in order, as the engines hold times: naive UTC. Raises BadInput for a
    text that is not ISO 8601 (03/04/2026 is in March or April) and for a number."""
    several = not isinstance(at, str) and isinstance(at, Iterable)
    try:
        moments = [_moment(each) for each in (at if several else [at])]
    except (TypeError, ValueError) as error:
        raise BadInput(f"A cutoff is a day or a time, such as 2026-03-01: {error}") from None
    if not moments or any(map(pd.isna, moments)):
        raise BadInput("Name at least one cutoff, and no missing ones.")
    naive = [m.tz_convert(UTC).tz_localize(None) if m.tz else m for m in moments]
    return sorted({moment.to_pydatetime() for moment in naive})


def _moment(cutoff: Any) -> pd.Timestamp:
    if isinstance(cutoff, Integral):
        raise TypeError(f"{cutoff} is a number")
    return pd.Timestamp(datetime.fromisoformat(cutoff) if isinstance(cutoff, str) else cutoff)
