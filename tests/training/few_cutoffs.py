"""Labelled snapshots of a few weekly cutoffs, drawn at random: no database needed."""

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from features.dataset import Dataset
from tests.models.small_model import snapshots

FIRST = datetime(2026, 1, 5)


def week(number):
    """The cutoff of a week, from 0."""
    return FIRST + timedelta(weeks=number)


def weeks(*numbers):
    return tuple(week(number) for number in numbers)


def counted(*wins_and_others):
    """A dataset of one cutoff per pair: so many won snapshots, and so many others."""
    won = np.concatenate([np.repeat([1.0, 0.0], pair) for pair in wins_and_others])
    cutoff = np.repeat([week(n) for n in range(len(wins_and_others))], np.sum(wins_and_others, 1))
    return Dataset(pd.DataFrame({"lead_id": range(len(won)), "cutoff": cutoff}), won)


def sampled(cutoffs, each=200, seed=0):
    """`cutoffs` weeks of `each` snapshots, the columns of small_model.SPECS; each lead once."""
    frame, won = snapshots(cutoffs * each, seed)
    return Dataset(frame.assign(cutoff=np.repeat([week(n) for n in range(cutoffs)], each)), won)
