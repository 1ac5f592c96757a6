"""Text files as people and programs write them."""

import gzip
from pathlib import Path

import pandas as pd

from tests.corpus.company import (
    EVENTS,
    Case,
    Same,
    append,
    both,
    case,
    each,
    message,
    name,
    prove,
    recode,
    replace,
    write,
)


def semicolons(text: str) -> bytes:
    return text.replace(",", ";").encode()


def all_quoted(text: str) -> bytes:
    rows = [",".join(f'"{field}"' for field in line.split(",")) for line in text.splitlines()]
    return "\n".join(rows).encode()


CASES = [
    case("semicolons", recode("events.csv", semicolons), Same()),
    case("tabs", recode("leads.csv", lambda text: text.replace(",", "\t").encode()), Same()),
    case("bars", recode("deals.csv", lambda text: text.replace(",", "|").encode()), Same()),
    case("everything quoted", recode("events.csv", all_quoted), Same()),
    case("a byte-order mark", recode("leads.csv", lambda text: text.encode("utf-8-sig")), Same()),
    case("UTF-16 with its mark", recode("leads.csv", lambda text: text.encode("utf-16")), Same()),
    case(
        "UTF-16 without its mark",
        recode("leads.csv", lambda text: text.encode("utf-16-le")),
        message("tables.leads", "leads.csv", "line 1", 'tables.encoding = "utf-16"'),
    ),
    case(
        "Windows line ends",
        recode("events.csv", lambda t: t.replace("\n", "\r\n").encode()),
        Same(),
    ),
    case(
        "line ends of old Macs",
        recode("events.csv", lambda text: text.replace("\n", "\r").encode()),
        message("tables.events", "events.csv", "carriage return"),
    ),
    case(
        "mixed line ends",
        recode("events.csv", lambda text: text.replace("\n", "\r\n", 5).encode()),
        Same(),
    ),
    case(
        "no line end at the end", recode("deals.csv", lambda text: text.rstrip().encode()), Same()
    ),
    case("blank lines at the end", append("events.csv", "\n\n\r\n"), Same()),
    case(
        "blank lines between",
        recode("deals.csv", lambda t: t.replace("\n", "\n\n").encode()),
        Same(),
    ),
    case(
        "blank line before the header",
        recode("events.csv", lambda text: f"\n{text}".encode()),
        message("tables.events", "line 1 is blank"),
    ),
    case(
        "a title before the header",
        recode("events.csv", lambda text: f"Report of 2024\n{text}".encode()),
        message("tables.events", "line 1", "Report of 2024"),
    ),
    case(
        "sep=, for a spreadsheet",
        recode("events.csv", lambda text: f"sep=,\n{text}".encode()),
        message("tables.events", "line 1", "sep="),
    ),
    case(
        "a footer",
        append("events.csv", "Total: 16 rows\n"),
        message("tables.events", "1 row", "line 18", "Total: 16 rows"),
    ),
    case(
        "cut off within a row",
        recode("deals.csv", lambda text: text[:-30].encode()),
        message("tables.deals", "1 row", "line 6", "a-7"),
    ),
    case(
        "a row with one field more",
        replace("leads.csv", ("fair,250,FR", "fair,1,250,FR")),
        message("tables.leads", "line 5", "8 fields", "7 columns", "a-4"),
    ),
    case(
        "an unquoted comma in a text",
        replace("events.csv", ("/pricing/teams,", "/pricing, teams,")),
        message("tables.events", "line 4", "7 fields", "6 columns"),
    ),
    case(
        "a quoted comma in a text",
        replace("events.csv", ("/blog,\na-2", '"/blog",\na-2')),
        Same(),
    ),
    case(
        "a quote that is never closed",
        replace("events.csv", ("mail,/docs", 'mail,"/docs')),
        message("tables.events", "line 8", "quote"),
    ),
    case(
        "a line end within quotes counts as text",
        replace("leads.csv", ("a-3,2024-01-03 00:00:00,ads", 'a-3,2024-01-03 00:00:00,"a\nb"')),
        Same(
            replace("leads.csv", ("a-3,2024-01-03 00:00:00,ads", 'a-3,2024-01-03 00:00:00,"a\nb"'))
        ),
    ),
    case(
        "a NUL byte",
        replace("events.csv", ("mail,/docs", "mail,/do\0cs")),
        message("tables.events", "line 8", "NUL"),
    ),
    case(
        "Latin letters in another encoding",
        both(
            replace("events.csv", ("mail,/docs", "mail,/größe")),
            recode("events.csv", lambda text: text.encode("cp1252")),
        ),
        message("tables.events", "line 8", "0xf6", "tables.encoding", '"cp1252"', "größe"),
    ),
    case(
        "another encoding, named",
        both(
            replace("events.csv", ("mail,/docs", "mail,/größe")),
            recode("events.csv", lambda text: text.encode("cp1252")),
            replace("readiness.toml", ("[tables]", '[tables]\nencoding = "cp1252"')),
        ),
        Same(replace("events.csv", ("mail,/docs", "mail,/größe"))),
    ),
    case(
        "an unknown encoding",
        replace("readiness.toml", ("[tables]", '[tables]\nencoding = "ebcdic"')),
        message("tables.encoding", "'ebcdic'", "'cp1252'"),
    ),
    case(
        "gzip",
        both(
            recode("events.csv", lambda t: gzip.compress(t.encode()), "events.csv.gz"),
            name("events", '"events.csv.gz"'),
        ),
        Same(),
    ),
    case(
        "gzip cut off",
        both(
            recode("events.csv", lambda t: gzip.compress(t.encode())[:-20], "events.csv.gz"),
            name("events", '"events.csv.gz"'),
        ),
        message("tables.events", "events.csv.gz"),
    ),
    case(
        "plain text called gzip",
        both(recode("events.csv", str.encode, "events.csv.gz"), name("events", '"events.csv.gz"')),
        message("tables.events", "events.csv.gz", "zip"),
    ),
    case(
        "gzip called plain text",
        recode("events.csv", lambda text: gzip.compress(text.encode())),
        message("tables.events", "events.csv", "line 1"),
    ),
    case(
        "an id that begins with #",
        recode("leads.csv", lambda text: text.replace("a-3,", "#a-3,").encode()),
        Same(recode("leads.csv", lambda text: text.replace("a-3,", '"#a-3",').encode())),
    ),
    case(
        "a column twice",
        replace("leads.csv", ("renews_on,email", "renews_on,Source")),
        message("tables.leads", "line 1", "source", "more than once"),
    ),
    case(
        "a column without a name",
        replace("leads.csv", ("lead_id,created_at,source", "lead_id,created_at,")),
        message("tables.leads", "line 1", "column 3"),
    ),
    case(
        "no header",
        recode("deals.csv", lambda text: text.partition("\n")[2].encode()),
        message("tables.deals", "lead_id, closed_at, outcome"),
    ),
    case(
        "an empty file",
        write("leads.csv", ""),
        message("tables.leads", "leads.csv", "empty"),
    ),
    case(
        "only a header of events",
        write("events.csv", EVENTS.splitlines()[0] + "\n"),
        message("tables.events", "events.csv", "no row"),
    ),
    case(
        "columns in another order",
        recode(
            "deals.csv",
            lambda t: "\n".join(
                ",".join(line.split(",")[::-1]) for line in t.splitlines()
            ).encode(),
        ),
        Same(),
    ),
    case(
        "columns that nobody asked for",
        recode(
            "events.csv",
            lambda t: "\n".join(
                f"{line},{'it' if number == 0 else number}"
                for number, line in enumerate(t.splitlines())
            ).encode(),
        ),
        Same(),
    ),
]


@each(CASES)
def test_text_files(one: Case, tmp_path: Path, sound: pd.DataFrame) -> None:
    prove(one, tmp_path, sound)
