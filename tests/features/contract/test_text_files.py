"""Text files are read as they are written, whatever is in them; what is not sure is refused."""

import csv
import gzip
import io
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.contract.text_files import TextFiles
from features.errors import BadInput
from tests.features.lead_databases import staged_events

HEADER = "lead_id,occurred_at,action,source,content\n"
ROW = "{},2026-01-04,visit,ads,{}\n"
DELIMITERS = [",", ";", "\t", "|"]


def rows_of(folder, content, **how):
    """The rows of a text file, all columns as texts, in order."""
    path = Path(folder) / how.pop("name", "given.csv")
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    encoding = how.pop("encoding", "utf-8")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        texts = TextFiles(connection, encoding, Path(folder))
        sql = texts.sql("deals", path, **{"texts": None} | how)
        return connection.execute(sql).fetchall()


def types_of(folder, *values):
    """The type that a column of these values becomes."""
    path = folder / "typed.csv"
    path.write_text("it,x\n" + "".join(f'"{value}",\n' for value in values))
    with duckdb.connect() as connection:
        sql = TextFiles(connection, "utf-8", folder).sql("leads", path)
        return connection.execute(f"DESCRIBE {sql}").fetchall()[0][1]


def refused(folder, content, **how):
    with pytest.raises(BadInput) as error:
        rows_of(folder, content, **how)
    return str(error.value)


def read_events(folder, lines, name="events.csv", **tables):
    """lead_id and content of the events, by lead."""
    (folder / name).write_text(HEADER + lines)
    return sorted((row[0], row[4]) for row in staged_events(folder, events=name, **tables))


def as_csv(rows, **dialect):
    target = io.StringIO(newline="")
    csv.writer(target, **dialect).writerows(rows)
    return target.getvalue()


fields = st.text(
    st.sampled_from(",;\t|\"'#\n\r\\ aé7€0\u2028\ufeff🎈") | st.characters(codec="utf-8"),
    max_size=6,
).filter(lambda text: "\0" not in text)
tables = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(fields, min_size=width, max_size=width), max_size=6)
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tables,
    st.sampled_from(DELIMITERS),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 3),
)
def test_what_python_writes_is_read_back(rows, delimiter, quoting, line_end, times):
    """Python quotes a carriage return only where its lines end with one."""
    if line_end == "\n" and quoting == csv.QUOTE_MINIMAL:
        rows = [[field.replace("\r", "r") for field in row] for row in rows]
    names = [f"c{place}" for place in range(len(rows[0]) if rows else 2)]
    text = as_csv(
        [names, *rows * times], delimiter=delimiter, quoting=quoting, lineterminator=line_end
    )
    wanted = [tuple(field or None for field in row) for row in rows * times]
    with tempfile.TemporaryDirectory() as folder:
        assert rows_of(folder, text) == wanted
        assert rows_of(folder, gzip.compress(text.encode()), name="given.tsv.gz") == wanted


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("odd", ['"', ",", "a\nb", "#", "a\r\nb", 'say "hi", ok', "ü€"])
def test_a_long_file_is_read_to_its_end(tmp_path, odd, line_end):
    """The odd field comes after row 20,480, where a sniffer no longer looks."""
    rows = [[str(n), "plain", "x" * (n % 7)] for n in range(60_000)]
    for place in (20_481, 33_333, 59_999):
        rows[place][1] = odd
    text = as_csv([["a", "b", "c"], *rows], lineterminator=line_end)
    wanted = [tuple(field or None for field in row) for row in rows]
    assert sorted(rows_of(tmp_path, text), key=lambda row: int(row[0])) == wanted
