"""The columns of [fairness] are read for it alone, and one that is not there is refused."""

from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pytest

from features.catalog import catalog_of
from features.errors import BadInput
from features.open_database import open_database
from models.fairness.groups import group_names, group_specs
from tests.features.lead_databases import at, config_for, event, write_database

CREATED = at("2026-01-02")
COUNTRIES = ["DE", "DE", "FR", None, " "]
LEADS = [
    {"lead_id": number, "created_at": CREATED, "country": country, "floor": number % 2}
    for number, country in enumerate(COUNTRIES)
]
EVENTS = [event(number, CREATED + timedelta(hours=1)) for number in range(len(LEADS))]
TYPES = {"country": pa.string(), "floor": pa.int32()}


@pytest.fixture
def folder(tmp_path):
    write_database(tmp_path, LEADS, EVENTS, attributes=TYPES)
    return tmp_path


def test_each_snapshot_has_the_value_of_its_lead(folder):
    config = config_for(folder, fairness={"groups": ["country", "floor", "country"]})
    specs, leads = group_specs(config), pd.Series([4, 0, 0, 2, 3, 1])
    with open_database(config, specs) as database:
        names = group_names(database, specs, leads, least_leads=2)
    assert list(names) == ["country", "floor"]
    assert list(names["country"]) == ["unknown", "DE", "DE", "other", "unknown", "DE"]
    assert list(names["floor"]) == ["0", "0", "0", "0", "1", "1"]


def test_they_are_no_features(folder):
    bare, config = (
        config_for(folder, **given) for given in ({}, {"fairness": {"groups": ["country"]}})
    )
    with open_database(bare) as database:
        expected = catalog_of(bare, database)
    with open_database(config, group_specs(config)) as database:
        assert database.attributes == {}
        assert catalog_of(config, database) == expected


def test_a_column_that_is_not_there_is_refused_with_the_nearest_name(folder):
    config = config_for(folder, fairness={"groups": ["cuntry"]})
    message = r"\[fairness\] asks for cuntry, .* Did you mean country\?"
    with pytest.raises(BadInput, match=message), open_database(config, group_specs(config)):
        pass
