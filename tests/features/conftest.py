"""What the tests of the feature layer share."""

import pytest

from tests.features.lead_databases import DEALS, EVENTS, LEADS, write_database


@pytest.fixture
def folder(tmp_path):
    """A folder with three small tables as Parquet; text ids, of which one begins with zeros."""
    write_database(tmp_path, LEADS, EVENTS, DEALS)
    return tmp_path
