"""Segments of the bank's applications, recounted from the raw log with pandas."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.conditions.segments import load_segments
from features.config import load
from features.progress import silent
from serve.reports.segments.figures import segments_report

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "bpic2012"
LOG = (EXAMPLE / load(EXAMPLE).tables.folder / "BPI_Challenge_2012.parquet").resolve()
WON = ["A_APPROVED", "A_REGISTERED", "A_ACTIVATED"]
LOST = ["A_DECLINED", "A_CANCELLED"]


def test_the_segments_can_be_read() -> None:
    assert len(load_segments(load(EXAMPLE)).names) == 9


@pytest.mark.skipif(not LOG.exists(), reason=f"the log is not ours to ship: no {LOG}")
def test_sizes_and_conversion_equal_a_recount_from_the_log(tmp_path: Path) -> None:
    log = pd.read_parquet(LOG)
    log = log[log["lifecycle:transition"] == "COMPLETE"]
    when = pd.to_datetime(log["time:timestamp"], format="ISO8601", utc=True).dt.tz_localize(None)
    log = log.assign(when=when)

    def first(names: list[str]) -> pd.Series:
        rows = log[log["concept:name"].isin(names)]
        return rows.groupby("case:concept:name")["when"].min()

    created = first(["A_SUBMITTED"])
    won, lost, back = (
        first(names).reindex(created.index) for names in (WON, LOST, ["O_SENT_BACK"])
    )
    closed = won.fillna(lost)
    config = load(EXAMPLE)
    mlflow = config.mlflow.model_copy(update={"uri": f"sqlite:///{tmp_path}/none.db"})
    config = config.model_copy(update={"mlflow": mlflow, "out": str(tmp_path)})
    report = segments_report(config, "", None, silent)
    result = next(group for group in report.segments if group.name == "signed offer is back")

    def inside(cutoff: pd.Timestamp) -> pd.Series:
        return (created < cutoff) & ~(closed < cutoff) & (back < cutoff)

    assert result.open_leads == inside(report.cutoff).sum()
    counts = [
        (members.sum(), (members & (won >= cutoff) & (won < cutoff + timedelta(days=30))).sum())
        for cutoff in report.cutoffs
        for members in [inside(cutoff)]
    ]
    snapshots, wins = map(sum, zip(*counts, strict=True))
    assert (result.conversion.snapshots, result.conversion.wins) == (snapshots, wins)
