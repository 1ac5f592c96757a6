"""The cutoff grid, and which cutoffs are mature. Pure arithmetic on dates.

>>> grid(datetime(2012, 1, 2), 7, datetime(2012, 1, 20))
[datetime.datetime(2012, 1, 2, 0, 0), datetime.datetime(2012, 1, 9, 0, 0), datetime.datetime(2012, 1, 16, 0, 0)]
"""  # noqa: E501

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    """The clock, as the engines hold times: naive UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def grid(first: datetime, every_days: int, data_end: datetime) -> list[datetime]:
    """The cutoffs first, first + every, ... in the interval [first, data_end]."""
    cutoffs = []
    cutoff = first
    while cutoff <= data_end:
        cutoffs.append(cutoff)
        cutoff += timedelta(days=every_days)
    return cutoffs


def is_mature(cutoff: datetime, horizon_days: int, data_end: datetime) -> bool:
    """Whether the whole horizon [cutoff, cutoff + h) lies within the data: cutoff + h <= data_end.

    With 30 days and data up to 2012-03-14 00:00, the cutoff 2012-02-13 is mature (its horizon ends
    on 2012-03-14 00:00) and 2012-02-14 is not.
    """
    return cutoff + timedelta(days=horizon_days) <= data_end


def mature(cutoffs: Sequence[datetime], horizon_days: int, data_end: datetime) -> list[datetime]:
    """Those of the cutoffs whose labels are complete."""
    return [cutoff for cutoff in cutoffs if is_mature(cutoff, horizon_days, data_end)]
