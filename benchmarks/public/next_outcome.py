"""How a bank's case ends, after its first 1 to 40 events: accepted, declined or cancelled."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.public.table import Row, area
from features.audit.audit import audit
from features.catalog import catalog_of
from features.check.gate import training_cutoffs
from features.config import Config, load
from features.engine.duckdb_engine import KEY, feature_frame
from features.open_database import open_database
from features.snapshots import Snapshots
from models.classifier.classifier import ReadinessClassifier

FOLDER = Path(__file__).parent / "bpic2012"
OUTCOMES = ("accepted", "declined", "cancelled")
CASES = 4_685
GAP = 3  # trained on prefixes of 1, 4, 7, ... events; tested on all
SOURCE = "tasks and split of Teinemaa et al., TKDD 13 (2), 2019"
NOTES = (
    "BPIC 2012, published: the prefixes of Teinemaa et al. are not cut at the outcome, as in the "
    'rows "not cut"; the tables of the paper could not be read here, so no figure is quoted.',
    "BPIC 2012: prefixes that are not cut hold the outcome. Of a database made like that the "
    "leakage audit reports: {}.",
)


def prefixes(data: Path) -> pd.DataFrame:
    """lead_id, cutoff, length, is_test, outcome, is_open of all prefixes, by cutoff and case."""
    with duckdb.connect() as connection:
        connection.execute(f"SET file_search_path = '{data}'; SET TimeZone = 'UTC'")
        return connection.execute((FOLDER / "prefixes.sql").read_text(encoding="utf-8")).df()


def measured(config: Config) -> Iterator[Row]:
    """A row per outcome and kind of prefix."""
    rows = prefixes((config.folder / config.tables.folder).resolve())
    assert rows["lead_id"].nunique() == CASES
    rows = rows[rows["is_test"] | (rows["length"] % GAP == 1)].reset_index(drop=True)
    with open_database(config) as database:
        specs = catalog_of(config, database)
        with Snapshots.of(database, rows[KEY]) as snapshots:
            rows = rows.merge(feature_frame(snapshots, specs), on=KEY)
    columns = [spec.name for spec in specs]
    for cut, some in (("cut at the outcome", rows[rows["is_open"]]), ("not cut", rows)):
        past, test = some[~some["is_test"]], some[some["is_test"]]
        for outcome in OUTCOMES:
            ended, ends = (side["outcome"] == f"O_{outcome.upper()}" for side in (past, test))
            model = ReadinessClassifier(random_state=7)
            model.fit(past[columns], ended, past["cutoff"], past["lead_id"])
            estimate = area(ends, model.decision_function(test[columns]), test["lead_id"])
            split = f"80/20 by start of case, {cut}"
            yield Row("BPIC 2012", outcome, split, len(test), estimate, "none verified", SOURCE)


def leaks(config: Config) -> list[str]:
    """What the audit says where prefixes are not cut: codes of findings, the deciding first."""
    with open_database(config) as database:
        cutoffs = training_cutoffs(config, database.data_end)
        findings = audit(database, config, cutoffs, None, catalog_of(config, database))
    return [finding.code for finding in findings]


def section() -> tuple[list[Row], list[str]]:
    """The rows, and what the audit says; no rows where the log is not here."""
    config = load(FOLDER)
    if not (config.folder / config.tables.folder).is_dir():
        return [], ["BPIC 2012: skipped, the log is not where bpic2012/readiness.toml says."]
    published, audited = NOTES
    return list(measured(config)), [published, audited.format(", ".join(leaks(config)))]
