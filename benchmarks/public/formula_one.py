"""RelBench's rel-f1, driver-dnf and driver-top3, in both protocols.

rolling  Each cutoff sees all before it, as a lead database is used. One model, trained on the
         cutoffs whose horizon is over when the test begins.
frozen   The board's: the tables end where the test begins, also for cutoffs three years later. A
         training row is therefore seen through tables that end as long before its cutoff: the
         features of the snapshot (driver, end of the tables), with the days from there to the
         cutoff and the cutoff's month. For each year of distance there is a model of its own.

Worked example, frozen: the test row of 2011-03-27 is predicted from the driver's features of
2010-01-01, 450 days before. The model for its distance, 365 to 730 days, was trained on such rows
as the cutoff 2007-03-22, seen through tables that end on 2006-01-04: 442 days before.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score as roc_auc

from benchmarks.public.table import Row, area
from features.catalog import catalog_of
from features.config import Config, load
from features.engine.duckdb_engine import feature_frame
from features.open_database import open_database
from features.snapshots import Snapshots
from models.classifier.classifier import ReadinessClassifier

FOLDER = Path(__file__).parent / "rel_f1"
VALIDATION, TEST = pd.Timestamp("2005-01-01"), pd.Timestamp("2010-01-01")
MONTH, DAY, YEAR = pd.Timedelta(days=30), pd.Timedelta(days=1), pd.Timedelta(days=365)
AHEAD = 39 * MONTH  # from the end of the frozen tables to the last test cutoff
HISTORY, EVERY = 12 * YEAR, 182 * DAY  # frozen: training cutoffs so far back, ends of the tables
LEARNERS = ("logistic", "trees")


class Task(NamedTuple):
    """One of RelBench's tasks: the rows of train, validation and test, and the published test ROC
    AUC of the best entry that runs on a CPU, frozen."""

    sql: str
    rows: tuple[int, int, int]
    published: str


TASKS = {
    "driver-dnf": Task("driver_dnf.sql", (11_411, 566, 702), ".733"),
    "driver-top3": Task("driver_top3.sql", (1_353, 588, 726), ".827"),
}
SOURCE = "RelBench leaderboard and RelArena, 2026: reldfs (windowed aggregates, LightGBM, CPU)"
ALL = "rel-f1, published: the best of all entries are .833 (driver-dnf) and .936 (driver-top3); "
ALL += "whether those kept to the frozen tables was not checked. With tests of this size a "
ALL += "difference of less than two standard errors may be chance."


def cutoffs() -> pd.DataFrame:
    """RelBench's: every 30 days, backwards from a month before the validation; forty each."""
    train = [VALIDATION - MONTH * n for n in range(1, 700)]
    later = [start + MONTH * n for start in (VALIDATION, TEST) for n in range(40)]
    return pd.DataFrame({"cutoff": [*reversed(train), *later]})


def task_rows(task: Task, data: Path) -> pd.DataFrame:
    """lead_id, cutoff, won, split of all rows of a task. Raises AssertionError where they are not
    as many as RelBench has."""
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{data}'")
        connection.register("cutoffs", cutoffs())
        rows = connection.execute((FOLDER / task.sql).read_text(encoding="utf-8")).df()
    rows["split"] = np.select([rows["cutoff"] < VALIDATION, rows["cutoff"] < TEST], [0, 1], 2)
    counted = tuple(int((rows["split"] == split).sum()) for split in range(3))
    assert counted == task.rows, f"{task.sql}: {counted} rows, not {task.rows}"
    return rows


def frozen(rows: pd.DataFrame, ends: Sequence[pd.Timestamp]) -> pd.DataFrame:
    """Each row once per end of the tables that lies up to AHEAD before its cutoff: with `seen_at`,
    days_ahead and month."""
    parts = [
        rows[(rows["cutoff"] >= end) & (rows["cutoff"] <= end + AHEAD)].assign(seen_at=end)
        for end in ends
    ]
    result = pd.concat(parts, ignore_index=True)
    return result.assign(
        days_ahead=(result["cutoff"] - result["seen_at"]) / DAY,
        month=result["cutoff"].dt.month_name(),
    )


def sides(rows: pd.DataFrame, judged: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows to train on, whose horizon is over, and those of the split to judge on."""
    later = rows[rows["split"] == judged]
    start = (VALIDATION, TEST)[judged - 1]
    return rows[rows["cutoff"] + MONTH <= start], later


def frozen_sides(rows: pd.DataFrame, judged: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same through tables that end early."""
    past, later = sides(rows, judged)
    end = (VALIDATION, TEST)[judged - 1]
    past = past[past["cutoff"] >= end - HISTORY]
    count = int((HISTORY + AHEAD) / EVERY)
    return frozen(past, [end - EVERY * n for n in range(1, count + 1)]), frozen(later, [end])


def with_features(config: Config, rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The rows with the features known strictly before `seen_at`, and the features' names."""
    keys = rows[["lead_id", "seen_at"]].drop_duplicates().set_axis(["lead_id", "cutoff"], axis=1)
    with open_database(config) as database:
        specs = catalog_of(config, database)
        with Snapshots.of(database, keys) as snapshots:
            frame = feature_frame(snapshots, specs)
    frame = frame.rename(columns={"cutoff": "seen_at"})
    return rows.merge(frame, on=["lead_id", "seen_at"]), [spec.name for spec in specs]


def scores(learner: str, past: pd.DataFrame, later: pd.DataFrame, columns: list[str]) -> pd.Series:
    """The log-odds of the later rows, by their index: a model per year of distance."""
    parts = []
    for year, some in later.groupby(later["days_ahead"] // 365):
        alike = past[past["days_ahead"] // 365 == year]
        model = ReadinessClassifier(learner, calibration="none", random_state=7)  # type: ignore[arg-type]
        model.fit(alike[columns], alike["won"])
        parts.append(pd.Series(model.decision_function(some[columns]), some.index))
    return pd.concat(parts).reindex(later.index)


def measured(config: Config) -> Iterator[tuple[Row, str]]:
    """The row of each protocol and task, and what the choice on the validation was."""
    data = (config.folder / config.tables.folder).resolve()
    for name, task in TASKS.items():
        rows = task_rows(task, data)
        now = rows.assign(seen_at=rows["cutoff"], days_ahead=0.0)
        for protocol in ("frozen", "rolling"):
            is_frozen = protocol == "frozen"
            pairs = [frozen_sides(rows, j) if is_frozen else sides(now, j) for j in (1, 2)]
            whole, columns = with_features(config, pd.concat(sum(pairs, ()), ignore_index=True))
            columns += ["days_ahead", "month"] if is_frozen else []
            keys = ["lead_id", "cutoff", "seen_at"]
            whole = whole.drop_duplicates(keys).drop(columns=["won", "split"])
            (past, later), (before, test) = (
                tuple(side[[*keys, "won"]].merge(whole, on=keys) for side in pair) for pair in pairs
            )
            choice = {
                learner: roc_auc(later["won"], scores(learner, past, later, columns))
                for learner in LEARNERS
            }
            learner = max(choice, key=choice.__getitem__)
            estimate = area(test["won"], scores(learner, before, test, columns), test["lead_id"])
            figures = ", ".join(f"{each} {figure:.3f}" for each, figure in choice.items())
            split = f"official, {protocol}"
            published, source = "none verified", "the board has no such protocol"
            if is_frozen:
                published, source = task.published, SOURCE
            yield (
                Row("rel-f1", name, split, len(test), estimate, published, source),
                f"{name}, {protocol}: {figures} on the validation, so {learner} is on the test.",
            )


def section() -> tuple[list[Row], list[str]]:
    """The rows, and notes on how they came about; no rows where the data are not here."""
    config = load(FOLDER)
    if not (config.folder / config.tables.folder).is_dir():
        return [], ["rel-f1: skipped, its tables are not where rel_f1/readiness.toml says."]
    rows, notes = zip(*measured(config), strict=True)
    counts = "; ".join(f"{name} {task.rows}" for name, task in TASKS.items())
    return list(rows), [f"rel-f1, rows of train, validation and test: {counts}.", *notes, ALL]
