"""Columns of any type: the audit names what identifies leads, and nothing ends in a traceback."""

import pytest

from features.audit.audit import audit
from features.catalog import catalog_of
from features.check.check import check
from features.config import Features
from features.cutoffs import utc_now
from features.errors import BadInput
from features.open_database import open_database
from features.starter.sources import sources_text
from tests.features.lead_databases import config_for

# Of lead i: each value another one, and some type of which there are only two.
DIFFERENT = {
    "integer": "i::INTEGER",
    "huge": "i::HUGEINT * 1000000007",
    "text": "'s' || i",
    "date": "DATE '2020-01-01' + i::INTEGER",
    "time": "TIMESTAMP '2020-01-01 08:00' + i * INTERVAL 1 HOUR",
    "decimal": "(i / 7)::DECIMAL(9, 3)",
    "uuid": "md5(i::VARCHAR)::UUID",
    "blob": "i::VARCHAR::BLOB",
    "list": "[i, i + 1]",
}
TWO = {
    "boolean": "i % 2 = 0",
    "enum": "(CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END)::ENUM('a', 'b')",
    "null": "NULL",
}
SQL = {**DIFFERENT, **TWO}
ONE_VALUE = [kind for kind in SQL if kind != "list"]  # a list is a breach


def settings(tmp_path, attributes, lead="i AS nothing", event="'visit' AS action"):
    """300 leads of 2026, each closed after 50 days, every third one won; three events each."""
    born = "TIMESTAMP '2026-01-01 09:30' + i * INTERVAL 11 HOUR"
    leads = "FROM range(300) t(i)"
    return config_for(
        tmp_path,
        tables={
            "leads": f"SELECT i AS lead_id, {born} AS created_at, {lead} {leads}",
            "events": f"SELECT i AS lead_id, {born} + j * INTERVAL 67 HOUR AS occurred_at, {event} "
            f"{leads}, range(1, 4) u(j)",
            "deals": f"SELECT i AS lead_id, {born} + INTERVAL 50 DAY AS closed_at, "
            f"CASE WHEN i % 3 = 0 THEN 'won' ELSE 'lost' END AS outcome {leads} WHERE i < 280",
        },
        features=Features(attributes=attributes).model_dump(),
    )


def codes(config):
    """What the audit reports, without single features."""
    with open_database(config) as database:
        assert sources_text(database, 30)
        findings = audit(database, config, [], None, catalog_of(config, database))
    return [each.code for each in findings]


@pytest.mark.parametrize("kind", ONE_VALUE)
def test_leads_source_of_any_type(tmp_path, kind):
    config = settings(tmp_path, ["source"], lead=f"{SQL[kind]} AS source")
    assert codes(config) == (["identifier(source)"] if kind in DIFFERENT else [])


def test_check_names_the_identifier(tmp_path):
    config = settings(tmp_path, ["source"], lead="i::INTEGER AS source")
    with open_database(config) as database:
        report = check(database, config, utc_now())
    assert [each.code for each in report.findings] == ["identifier(source)"]


@pytest.mark.parametrize("kind", [kind for kind in SQL if kind not in ("blob", "list", "null")])
def test_an_attribute_of_any_type(tmp_path, kind):
    config = settings(tmp_path, ["x"], lead=f"{SQL[kind]} AS x")
    identifies = kind in ("integer", "text", "uuid", "huge")  # not an amount, not a date
    assert codes(config) == (["identifier(x)"] if identifies else [])


@pytest.mark.parametrize("kind", ONE_VALUE)
@pytest.mark.parametrize("column", ["action", "source", "content"])
def test_the_texts_of_events_of_any_type(tmp_path, column, kind):
    if (column, kind) == ("action", "null"):
        return  # a breach: test_breaches.py
    more = "" if column == "action" else ", 'visit' AS action"
    config = settings(tmp_path, [], event=f"{SQL[kind]} AS {column}{more}")
    assert codes(config) == []


@pytest.mark.parametrize("column", ["leads.source", "events.action", "events.source"])
def test_a_list_where_one_value_is_needed(tmp_path, column):
    table, name = column.split(".")
    listed = f"{SQL['list']} AS {name}"
    if table == "leads":
        config = settings(tmp_path, ["source"], lead=listed)
    else:
        more = "" if name == "action" else ", 'visit' AS action"
        config = settings(tmp_path, [], event=listed + more)
    with pytest.raises(BadInput) as caught:
        codes(config)
    assert f"tables.{table}" in str(caught.value)
    assert f" {name}," in str(caught.value)
