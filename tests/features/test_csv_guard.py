"""What a spreadsheet would compute is text in the CSV that people open, and nothing is lost."""

import csv
import io
import re

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from features.csv_guard import guarded

BEGINNINGS = "=+-@\t\r\n"
TEXTS = st.text(st.sampled_from(BEGINNINGS + "'a1 \"") | st.characters(codec="utf-8"), max_size=6)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


@given(TEXTS)
@example("=cmd|' /C calc'!A0")
@example("'=1+1")
@example("-5")
@example("")
def test_no_formula_and_nothing_lost(connection, text):
    sql = f'SELECT {guarded({"a b": "VARCHAR"})} FROM (SELECT $1::VARCHAR AS "a b")'
    (cell,) = connection.execute(sql, [text]).fetchone()
    assert cell[:1] not in tuple(BEGINNINGS)
    assert re.sub(r"\A'(?='*[=+\-@\t\r\n])", "", cell) == text
    assert (cell != text) == bool(re.match(r"'*[=+\-@\t\r\n]", text))


def test_numbers_times_and_what_is_missing_stay(connection, tmp_path):
    rows = (
        "SELECT -1.5::DOUBLE AS points, -7::BIGINT AS lead, NULL::VARCHAR AS reason, "
        "'-1'::ENUM('-1') AS band, TIMESTAMP '2026-03-02' AS cutoff, true AS marked"
    )
    types = {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {rows}").fetchall()}
    path = tmp_path / "rows.csv"
    connection.execute(f"COPY (SELECT {guarded(types)} FROM ({rows})) TO '{path}' (HEADER)")
    head, row = csv.reader(io.StringIO(path.read_text()))
    assert head == list(types)
    assert row == ["-1.5", "-7", "", "'-1", "2026-03-02 00:00:00", "true"]
