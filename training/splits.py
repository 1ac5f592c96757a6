"""Rolling-origin splits over cutoffs, with a gap so that no training label overlaps what follows.

Worked example, horizon 30 days: with test cutoffs from 2012-01-16 on, the last training cutoff is
2011-12-17 or earlier, because the label of 2011-12-17 is complete at 2012-01-16 00:00 and that of
2011-12-18 is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil

from features.config import Config
from features.contract.database import LeadDatabase
from features.dataset import Dataset, labelled
from features.errors import Refused
from features.progress import Progress, silent
from features.spec.spec import Spec
from features.spec.wording import plural


@dataclass(frozen=True)
class Split:
    """Cutoffs to fit on and, at least a horizon later, cutoffs to judge on."""

    fit: tuple[datetime, ...]
    judge: tuple[datetime, ...]


def split_before(
    cutoffs: Sequence[datetime], judged: Sequence[datetime], horizon_days: int
) -> Split:
    """Fit on every cutoff whose horizon is over when the first judged one begins."""
    gap = timedelta(days=horizon_days)
    return Split(tuple(c for c in cutoffs if c + gap <= min(judged)), tuple(judged))


def final_split(mature: Sequence[datetime], test_cutoffs: int, horizon_days: int) -> Split:
    """The final test: the last `test_cutoffs` of the mature cutoffs.

    Raises Refused where they leave nothing to train on, with the count that is missing.
    """
    split = split_before(mature, mature[-test_cutoffs:], horizon_days) if mature else Split((), ())
    if len(split.fit) < 2:
        raise Refused(
            f"{plural(len(mature), 'mature cutoff')} {'is' if len(mature) == 1 else 'are'} too "
            f"few: the last {test_cutoffs} are the final test and a gap of "
            f"{plural(horizon_days, 'day')} must lie before them, which leaves {len(split.fit)} to "
            "train on; at least 2 are needed. Begin the grid earlier (time.first_cutoff), test on "
            "fewer cutoffs, or shorten the horizon."
        )
    return split


def configured_split(config: Config, data_end: datetime) -> Split:
    """The `final_split` of the configured grid. Raises as that does."""
    times = config.time
    return final_split(times.mature_cutoffs(data_end), times.test_cutoffs, times.horizon_days)


def labelled_sides(
    config: Config,
    database: LeadDatabase,
    specs: Sequence[Spec],
    split: Split,
    progress: Progress = silent,
) -> tuple[Dataset, Dataset]:
    """The labelled snapshots to fit on, and those to judge on."""
    cutoffs, horizon = [*split.fit, *split.judge], config.time.horizon_days
    dataset = labelled(database, specs, cutoffs, horizon, config.engine.memory_gb, progress)
    return dataset.at(split.fit), dataset.at(split.judge)


# A fold fitted on a smaller share of the cutoffs would judge another problem.
LEAST_SHARE = 0.25


def rolling_origin(cutoffs: Sequence[datetime], folds: int, horizon_days: int) -> list[Split]:
    """At most `folds` splits of the training cutoffs, in order of time, each fitted on at least a
    quarter of them, judged blocks as equal as can be, the later ones the longer. Fewer where the
    cutoffs do not suffice; none if a horizon does not fit in.

    >>> weeks = [datetime(2011, 10, 3) + timedelta(weeks=w) for w in range(11)]
    >>> for split in rolling_origin(weeks, 3, 30):
    ...     print(f"{split.fit[-1]:%m-%d} | {split.judge[0]:%m-%d} to {split.judge[-1]:%m-%d}")
    10-17 | 11-21 to 11-21
    10-24 | 11-28 to 11-28
    10-31 | 12-05 to 12-12
    """
    gap = timedelta(days=horizon_days)
    least = cutoffs[max(1, ceil(LEAST_SHARE * len(cutoffs))) - 1]
    judgeable = [cutoff for cutoff in cutoffs if least + gap <= cutoff]
    count = min(folds, len(judgeable))
    edges = [len(judgeable) * i // count for i in range(count + 1)] if count else []
    blocks = [judgeable[start:end] for start, end in pairwise(edges)]
    return [split_before(cutoffs, block, horizon_days) for block in blocks]
