"""Patterns mean the same in Python and in DuckDB, and none takes longer than its text is long."""

import fnmatch
import re
import time

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.spec.where import fits, fits_sql

LETTERS = st.sampled_from(["a", "b", "_", "%", "\\", "?", "[", "'", ".", " ", "\n", "\0", "ü"])
TEXTS = st.lists(LETTERS, max_size=8).map("".join)
PATTERNS = st.lists(st.sampled_from(["*", "*", "a", "b", "_", "%"]) | LETTERS, max_size=6)


@pytest.fixture(scope="module")
def connection():
    with duckdb.connect() as connection:
        yield connection


@given(PATTERNS.map("".join), TEXTS)
def test_a_pattern_fits_what_a_shell_takes_it_for(connection, pattern, text):
    of_a_shell = re.sub(r"[?\[]", lambda each: f"[{each[0]}]", pattern)
    expected = fnmatch.fnmatchcase(text, of_a_shell)
    assert fits(pattern, text) is expected
    in_sql = connection.execute(f"SELECT {fits_sql('$1::VARCHAR', pattern)}", [text]).fetchone()
    assert in_sql == (expected,)


@pytest.mark.parametrize("pattern", ["*a" * 70 + "*b", "a_*" * 50 + "b", "**" * 70 + "b"])
def test_many_stars_take_no_time(connection, pattern):
    text = "a" * 20_000 + "a_" * 100 + "c"
    began = time.perf_counter()
    assert not fits(pattern, text)
    sql = f"SELECT {fits_sql('$1::VARCHAR', pattern)}"
    assert connection.execute(sql, [text]).fetchone() == (False,)
    assert time.perf_counter() - began < 2


def test_what_is_missing_fits_no_pattern(connection):
    for pattern in ("", "a", "*", "*a*", "a*b*c"):
        (fit,) = connection.execute(f"SELECT {fits_sql('NULL::VARCHAR', pattern)}").fetchone()
        assert not fit
