"""The funnel of the bank's applications, recounted from the raw log with pandas."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from serve.reports.funnel.figures import funnel_report

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "bpic2012"
LOG = (EXAMPLE / load(EXAMPLE).tables.folder / "BPI_Challenge_2012.parquet").resolve()
STAGES = {
    "submitted": ["A_SUBMITTED"],
    "first check": ["A_PREACCEPTED"],
    "assessed": ["A_ACCEPTED", "A_FINALIZED"],
    "offer sent": ["O_SENT"],
    "offer back": ["O_SENT_BACK"],
    "approved": ["A_APPROVED", "A_REGISTERED", "A_ACTIVATED"],
}
LOST = ["A_DECLINED", "A_CANCELLED"]


@pytest.mark.skipif(not LOG.exists(), reason=f"the log is not ours to ship: no {LOG}")
def test_every_phase_equals_a_recount_from_the_log() -> None:
    log = pd.read_parquet(LOG)
    log = log[log["lifecycle:transition"] == "COMPLETE"]
    when = pd.to_datetime(log["time:timestamp"], format="ISO8601", utc=True).dt.tz_localize(None)
    report = funnel_report(load(EXAMPLE))
    before = when < report.until
    log = log[before].assign(when=when[before])

    def first(names: list[str]) -> pd.Series:
        rows = log[log["concept:name"].isin(names)]
        return rows.groupby("case:concept:name")["when"].min()

    entered = pd.DataFrame({stage: first(names) for stage, names in STAGES.items()})
    lost = first(LOST).reindex(entered.index)
    entered = entered.where(entered.le(lost, axis=0) | lost.isna().to_numpy()[:, None])
    stages = list(STAGES)
    passed = {stage: entered[stages[n:]].min(axis=1) for n, stage in enumerate(stages)}
    steps = [*pairwise(stages), (stages[0], stages[-1])]
    for (begin, to), result in zip(steps, report.measured, strict=True):
        start = entered[begin].dropna()
        start = start[start <= passed[begin].reindex(start.index)]
        mature = start[start + timedelta(days=result.within) <= report.until]
        limit = mature + timedelta(days=result.within)
        went_on = passed[to].reindex(mature.index) < limit
        is_lost = (lost.reindex(mature.index) < limit) & ~went_on
        assert (result.begin, result.to, result.entered) == (begin, to, len(start))
        assert (result.mature, result.went_on, result.lost) == (
            len(mature), went_on.sum(), is_lost.sum(),
        )  # fmt: skip
