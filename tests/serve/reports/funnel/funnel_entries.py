"""Entries of the funnel as written by hand: rows of times, no database."""

from datetime import datetime

import numpy as np
import pandas as pd

from features.funnel import Funnel
from features.stages import Entries

UNTIL = datetime(2026, 3, 1)


def funnel(*names, **more):
    """Stages of these names; `within_days` and `reference` hold for every way."""
    reference = {"reference": more.pop("reference")} if "reference" in more else {}
    stages = [{"name": names[0], "created": True}]
    stages += [{"name": name, "contact": "made"} | reference for name in names[1:]]
    return Funnel.model_validate({"stage": stages} | more)


def made(rows, requested, sources=None, until=UNTIL):
    """Entries of rows (entered stage 1, 2, ..., lost), None for never."""
    times = np.array([row[:-1] for row in rows], dtype="datetime64[us]")
    lost = pd.to_datetime([row[-1] for row in rows]).astype("datetime64[us]")
    leads = pd.DataFrame({"lead_id": range(len(rows)), "lost_at": lost})
    leads["source"] = sources or ["web"] * len(rows)
    times = times.reshape(len(rows), -1)
    skipped = np.zeros(times.shape, bool)
    # in these tests, who passes two stages in the same instant has skipped the former
    skipped[:, :-1] = times[:, :-1] == times[:, 1:]
    return Entries(requested, leads, times, skipped, until, ())
