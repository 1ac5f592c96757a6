"""Which of a marketplace's leads become a deal within 60 days of the day after first contact."""

from pathlib import Path

import pandas as pd

from benchmarks.public.table import Row, area
from features.catalog import catalog_of
from features.config import Config, load
from features.engine.duckdb_engine import KEY, feature_frame
from features.labels import labels
from features.open_database import open_database
from features.snapshots import Snapshots
from models.classifier.classifier import ReadinessClassifier

FOLDER = Path(__file__).parent / "olist"
TEST = pd.Timestamp("2018-05-01")  # test: the leads of May, the last month there is
# One snapshot per lead, at the end of the day of first contact, if it was not won on that day.
FIRST_DAY = """
SELECT lead_id, created_at + INTERVAL 1 DAY AS cutoff FROM leads l
WHERE NOT EXISTS (
    FROM closings c WHERE c.lead_id = l.lead_id AND c.closed_at < l.created_at + INTERVAL 1 DAY
) ORDER BY cutoff, lead_id"""


def measured(config: Config) -> Row:
    """Trained on the leads whose 60 days were over when the test began."""
    horizon = config.time.horizon_days
    with open_database(config) as database:
        specs = catalog_of(config, database)
        with Snapshots.of(database, database.query(FIRST_DAY)) as snapshots:
            rows = feature_frame(snapshots, specs).merge(labels(snapshots, horizon), on=KEY)
    past = rows[rows["cutoff"] + pd.Timedelta(days=horizon) <= TEST]
    test = rows[rows["cutoff"] > TEST]
    columns = [spec.name for spec in specs]
    model = ReadinessClassifier(random_state=7)
    model.fit(past[columns], past["won"], past["cutoff"], past["lead_id"])
    estimate = area(test["won"], model.decision_function(test[columns]), test["lead_id"])
    split = "leads of May after those of January and February 2018"
    return Row(
        "Olist", "deal within 60 days", split, len(test), estimate, "none verified",
        "no published figure for this task was found",
    )  # fmt: skip


def section() -> tuple[list[Row], list[str]]:
    """The row; none where the tables are not here."""
    config = load(FOLDER)
    if not (config.folder / config.tables.folder).is_dir():
        return [], ["Olist: skipped, its tables are not where olist/readiness.toml says."]
    return [measured(config)], []
