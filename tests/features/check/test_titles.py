"""Titles from the settings to the features, the stored model and the report of `check`."""

import json
from datetime import datetime

import pandas as pd
import pyarrow as pa
import pytest

from features.catalog import catalog_of
from features.check.notes import setting_notes, title_notes
from features.engine.duckdb_engine import feature_frame
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spec.compiled import attribute_columns
from features.stored import from_dict, to_dict
from tests.features.lead_databases import config_for, event, refusal, write_database

TITLES = {
    "a": "Leiter Einkauf",
    "b": "stagiaire",
    "c": "Astronaut",
    "d": None,
    "e": " ASTRONAUT ",
    "f": "Astronaut",
    "g": "Beekeeper",
    "h": "Key Account Manager (EMEA)",
}
LEADS = [
    {"lead_id": lead, "created_at": datetime(2026, 1, 2), "job title": title}
    for lead, title in TITLES.items()
]
AXES = ["seniority", "department"]


@pytest.fixture
def folder(tmp_path):
    events = [event("a", datetime(2026, 1, 3))]
    write_database(tmp_path, LEADS, events, attributes={"job title": pa.string()})
    return tmp_path


def measured(folder, specs=None):
    """The titles' features of all leads, by lead; and all specs of the catalog."""
    config = config_for(folder, features={"title": "job title"})
    with open_database(config) as database:
        catalog = catalog_of(config, database)
        cutoff = pd.Timestamp("2026-02-01")
        requested = pd.DataFrame({"lead_id": list(TITLES), "cutoff": cutoff})
        database.connection.register("asked_for", requested.astype({"cutoff": "datetime64[us]"}))
        frame = feature_frame(Snapshots(database, "asked_for"), specs or catalog)
    return frame.set_index("lead_id")[AXES].astype(object), catalog


def test_both_are_features_of_a_project_that_names_the_column(folder):
    frame, catalog = measured(folder)
    of_title = [spec for spec in catalog if spec.name in AXES]
    assert attribute_columns(of_title) == ("job title",)
    assert frame.loc["a"].tolist() == ["director", "purchasing"]
    assert frame.loc["h"].tolist() == ["staff", "sales"]
    assert frame["seniority"]["b"] == "junior"
    assert frame.loc[list("cdefg")].isna().all(axis=None)
    assert of_title[0].phrase(frame["seniority"]["a"], {}) == "seniority: director"
    with open_database(config_for(folder)) as database:
        names = {spec.name for spec in catalog_of(config_for(folder), database)}
    assert names == {spec.name for spec in catalog} - set(AXES)


def test_what_is_stored_goes_by_the_table_of_its_training(folder):
    before, catalog = measured(folder)
    stored = json.dumps([to_dict(spec) for spec in catalog])
    (folder / "titles.toml").write_text('[[title]]\nwords = ["astronaut"]\nseniority = "top"')
    now, _ = measured(folder)
    assert now["seniority"].dropna().to_dict() == dict.fromkeys("cef", "top")
    again, _ = measured(folder, [from_dict(each) for each in json.loads(stored)])
    pd.testing.assert_frame_equal(again, before)


def test_check_counts_what_is_recognised_and_names_the_most_frequent_others(folder):
    config = config_for(folder, features={"title": "job title"})
    with open_database(config) as database:
        recognised, others = title_notes(database, config)
        unused, *_ = setting_notes(database, config, [])
        assert title_notes(database, config_for(folder)) == []
    assert recognised.count == 3
    assert "Of 7 " in recognised.advice
    assert others.count == 3
    assert others.first == (
        "Astronaut (2 leads)",
        "ASTRONAUT (1 lead)",
        "Beekeeper (1 lead)",
    )
    assert "job title" not in unused.first


def test_a_column_that_is_not_there_is_named(folder):
    message = refusal(folder, features={"title": "job_title"})
    assert "features.title" in message
    assert "Did you mean job title?" in message
