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
from tests.features.lead_databases import at, refusal, staged_events

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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
    expected = [tuple(field or None for field in row) for row in rows * times]
    with tempfile.TemporaryDirectory() as folder:
        assert rows_of(folder, text) == expected
        assert rows_of(folder, gzip.compress(text.encode()), name="given.tsv.gz") == expected


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("odd", ['"', ",", "a\nb", "#", "a\r\nb", 'say "hi", ok', "ü€"])
def test_a_long_file_is_read_to_its_end(tmp_path, odd, line_end):
    """The odd field comes after row 20,480, where a sniffer no longer looks."""
    rows = [[str(n), "plain", "x" * (n % 7)] for n in range(60_000)]
    for place in (20_481, 33_333, 59_999):
        rows[place][1] = odd
    text = as_csv([["a", "b", "c"], *rows], lineterminator=line_end)
    expected = [tuple(field or None for field in row) for row in rows]
    assert sorted(rows_of(tmp_path, text), key=lambda row: int(row[0])) == expected


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("name", ["events.csv", "events.TSV", "events.txt", "events.tsv.gz"])
def test_any_delimiter_and_ending(folder, delimiter, name):
    text = (HEADER + ROW.format("#7", '"a ""b"""')).replace(",", delimiter)
    content = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
    (folder / name).write_bytes(content)
    assert staged_events(folder, events=name) == [
        ("#7", at("2026-01-04"), "visit", "ads", 'a "b"', None, None)
    ]


def test_a_header_with_two_delimiters_is_decided_by_the_required_columns(folder):
    header = "lead_id;occurred_at;action;a|b,c\n"
    (folder / "events.csv").write_text(header + "7;2026-01-04;visit;x\n")
    assert len(staged_events(folder, events="events.csv")) == 1
    message = refused(folder, "id;x,y\n1;2,3\n")
    assert "a comma 1 times, a semicolon 1 times" in message
    assert "delim = ','" in message


def test_files_by_a_pattern_need_one_header(folder):
    for number, row in enumerate(["1", "2", "3"]):
        (folder / f"log-{number}.csv").write_text(HEADER + ROW.format(row, "x"))
    read = sorted(row[0] for row in staged_events(folder, events="log-*.csv"))
    assert read == ["1", "2", "3"]
    (folder / "log-9.csv").write_text("lead_id,action,occurred_at\n1,visit,2026-01-04\n")
    message = refusal(folder, tables={"events": "log-*.csv"})
    assert "log-9.csv" in message
    assert "lead_id, action, occurred_at" in message


def test_a_name_with_brackets_is_no_pattern(folder):
    assert read_events(folder, ROW.format("7", "x"), name="log[1].csv") == [("7", "x")]


@pytest.mark.parametrize(
    "content",
    [
        HEADER + "\n" + ROW.format(7, "x") + "\n\n",
        HEADER.replace("\n", "\r\n") + "\r\n" + ROW.format(7, "x") + "\r\n",
        "\ufeff" + HEADER + ROW.format(7, "x").rstrip("\n"),
    ],
)
def test_blank_lines_marks_and_mixed_line_ends_make_no_difference(tmp_path, content):
    assert rows_of(tmp_path, content) == [("7", "2026-01-04", "visit", "ads", "x")]


def test_a_quote_within_an_unquoted_field_is_a_letter(tmp_path):
    text = HEADER + ROW.format(7, '19" rack') + ROW.format(8, '"19"" rack"')
    assert [row[4] for row in rows_of(tmp_path, text)] == ['19" rack', '19" rack']


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("", ["empty"]),
        ("\n" + HEADER, ["line 1 is blank"]),
        ("sep=,\n" + HEADER, ["sep="]),
        ((HEADER + ROW.format(7, "x")).replace("\n", "\r"), ["carriage return"]),
        ("lead_id,A,x,a\n1,2,3,4\n", ["column a more than once"]),
        (",lead_id,\n0,1,2\n", ["column 1, 3 of 3", "index=False"]),
        (HEADER + "1,2,3,4\n" * 4, ["4 rows", "line 2: 4 fields", "names 5", "line 4: "]),
        (HEADER + ROW.format(1, "a,b") + ROW.format(2, "a,"), ["2 rows", "line 2: 6", "line 3: 6"]),
        (HEADER + ROW.format(1, '"a') + ROW.format(2, "b"), ["1 row ", "line 2: ", "never closed"]),
        (HEADER + ROW.format(1, "a") + ROW.format(2, '"a"b'), ["line 3: ", "closing quote"]),
        (HEADER + ROW.format(1, "a\0b"), ["line 2: ", "NUL"]),
        (HEADER + ROW.format(1, "a\rb"), ["line 2: ", "carriage return"]),
        (
            HEADER + ROW.format(1, "a") + '\n\n"Report: leads"\nCopyright (c) Example Inc.\n',
            ["2 rows", "line 5: 1 field ", "line 6: 1 field ", "footer"],
        ),
        ((HEADER + ROW.format(1, "a")).encode("utf-16-le"), ["NUL", 'tables.encoding = "utf-16"']),
        (
            (HEADER + ROW.format(1, "a") + ROW.format(2, "Müller") * 2).encode("cp1252"),
            ["2 lines", "line 3, byte 25", "0xfc", '"cp1252"', '"latin-1"', "'Müller'"],
        ),
    ],
)
def test_what_cannot_be_read_surely_is_refused_with_its_lines(tmp_path, content, parts):
    message = refused(tmp_path, content)
    assert message.startswith(f"tables.deals: {tmp_path / 'given.csv'}: ")
    assert [part for part in parts if part not in message] == []
    assert len(message) < 700


@pytest.mark.parametrize("table", ["events", "leads"])
def test_a_header_without_rows_is_refused_where_there_must_be_some(folder, table):
    (folder / "events.csv").write_text(HEADER)
    (folder / "leads.csv").write_text("lead_id,created_at\n")
    (folder / "deals.csv").write_text("lead_id,closed_at,outcome\n")
    assert "no row" in refusal(folder, tables={table: f"{table}.csv"})
    assert len(staged_events(folder, deals="deals.csv")) == 2  # no deal is closed yet


def test_a_file_that_is_cut_off_or_no_gzip_is_refused(folder):
    whole = gzip.compress((HEADER + ROW.format(7, "x") * 5000).encode())
    for content in (whole[:-20], b"no gzip"):
        (folder / "events.csv.gz").write_bytes(content)
        message = refusal(folder, tables={"events": "events.csv.gz"})
        assert "events.csv.gz cannot be read" in message


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "latin-1", "cp1250", "shift_jis"])
def test_other_encodings_are_read_by_name(tmp_path, encoding):
    word = {"shift_jis": "東京", "cp1250": "Łódź"}.get(encoding, "Müller")
    content = (HEADER + ROW.format(7, f'"{word}, ""x"""')).encode(encoding)
    assert rows_of(tmp_path, content, encoding=encoding)[0][4] == f'{word}, "x"'
    if encoding == "utf-16":  # its mark is enough
        assert rows_of(tmp_path, content)[0][4] == f'{word}, "x"'


def test_the_encoding_is_a_setting(folder):
    (folder / "events.csv").write_bytes((HEADER + ROW.format(7, "Süd")).encode("cp1252"))
    assert "cp1252" in refusal(folder, tables={"events": "events.csv"})
    assert staged_events(folder, events="events.csv", encoding="cp1252")[0][4] == "Süd"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "", "-20", "0"], "BIGINT"),
        (["1", "2.5", "1e3"], "DOUBLE"),
        (["007", "12"], "VARCHAR"),  # a code
        (["1234567890123456789"], "VARCHAR"),  # an identifier: a number would lose digits
        (["1", "1,095"], "VARCHAR"),
        (["True", "false"], "BOOLEAN"),
        (["2026-01-04", "2026/01/05"], "DATE"),
        (["2026-01-04", "2026-01-05T10:00Z"], "TIMESTAMP"),
        (["04/01/2026"], "VARCHAR"),
        (["", ""], "VARCHAR"),
        ([str(n) for n in range(25_000)] + ["x"], "VARCHAR"),  # whatever stands last
        (["x"] + [str(n) for n in range(25_000)], "VARCHAR"),
    ],
)
def test_the_type_of_a_column_rests_on_all_its_values(tmp_path, values, kind):
    assert types_of(tmp_path, *values) == kind


def test_text_files_in_a_query_are_read_in_the_same_way(folder):
    """A sniffer would take # for a comment, and 04/03/2026 for a date of its own choice."""
    (folder / "log.csv").write_text(
        "id;day;what\n" + "".join(f"{n};04/03/2026;visit\n" for n in range(3)) + "#9;05/03/2026;x\n"
    )
    query = (
        "SELECT id AS lead_id, what AS action, strptime(day, '%d/%m/%Y') AS occurred_at "
        "FROM 'log.csv'"
    )
    rows = sorted((row[0], row[1]) for row in staged_events(folder, events=query))
    march_4 = [(lead, at("2026-03-04")) for lead in "012"]
    assert rows == [("#9", at("2026-03-05")), *march_4]
    assert "line 2: 2 fields" in refusal_of_query(folder, "id,day,what\n1,2\n")


def refusal_of_query(folder, content):
    (folder / "log.csv").write_text(content)
    return refusal(folder, tables={"events": "SELECT * FROM 'log.csv'"})
