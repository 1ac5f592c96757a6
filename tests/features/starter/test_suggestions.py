"""Queries that are proposed for tables with other names, as they are pasted."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from features.config import load
from features.contract.extensions import connect, load_extension
from features.errors import BadInput
from features.open_database import open_database
from features.starter.flat import map_flat
from features.starter.starter import write_starter

DAY = timedelta(days=1)
START = datetime(2024, 1, 3)


def csv(path: Path, head: str, rows: list[str]) -> None:
    path.write_text("\n".join([head, *rows, ""]))


def two_files(folder: Path, deals: str = "finished deals.csv") -> None:
    """200 people, of whom every tenth was won five days later."""
    days = [START + n * DAY for n in range(200)]
    people = [f"p{n:03d},{day:%Y-%m-%d},{n % 7},ad {n % 3}" for n, day in enumerate(days)]
    csv(folder / "qualified_people.csv", "person_id,first_contact_date,page,origin", people)
    won = [f"d{n},p{n:03d},{days[n] + 5 * DAY}" for n in range(0, 200, 10)]
    csv(folder / deals, "deal_no,person_id,won_date", won)


def log(folder: Path) -> None:
    """100 cases: submitted, called, then approved, declined, or neither; times with an offset."""
    rows = []
    for n in range(100):
        begin = START + n * DAY
        ending = {0: "A_APPROVED", 1: "A_DECLINED"}.get(n % 3)
        for hours, action in ((0, "A_SUBMITTED"), (5, "W_Call"), (30, ending)):
            if action:
                moment = begin + timedelta(hours=hours)
                rows.append((f"{n}", action, f"{moment.isoformat()}+01:00", f"{n * 100}"))
    with duckdb.connect() as connection:
        connection.execute(
            'CREATE TABLE log ("case:concept:name" VARCHAR, "concept:name" VARCHAR, '
            '"time:timestamp" VARCHAR, "case:AMOUNT" VARCHAR)'
        )
        connection.executemany("INSERT INTO log VALUES (?, ?, ?, ?)", rows)
        connection.execute(f"COPY log TO '{folder / 'Loans.parquet'}'")


def proposed(folder: Path, database: str | None = None) -> dict[str, str]:
    """The queries of the refusal by the name of their file."""
    with pytest.raises(BadInput) as refused:
        write_starter(folder, database=database)
    message = str(refused.value)
    assert "docs/own-data.md" in message
    assert "examples/olist" in message
    return dict(re.findall(r"^(\w+\.sql)\n(.*?)(?=\n\n)", message, re.MULTILINE | re.DOTALL))


def pasted(folder: Path) -> None:
    for name, query in proposed(folder).items():
        (folder / name).write_text(query)
    write_starter(folder)


def test_two_files_are_mapped_by_the_queries_as_they_are(tmp_path: Path) -> None:
    two_files(tmp_path)
    pasted(tmp_path)
    with open_database(load(tmp_path)) as database:
        rows = database.query("SELECT * FROM leads ORDER BY lead_id")
        deals = database.query("SELECT * FROM deals ORDER BY lead_id")
    assert rows["lead_id"].tolist() == [f"p{n:03d}" for n in range(200)]
    assert rows["created_at"].tolist() == [START + n * DAY for n in range(200)]
    assert rows["source"].tolist() == [f"ad {n % 3}" for n in range(200)]
    assert deals["lead_id"].tolist() == [f"p{n:03d}" for n in range(0, 200, 10)]
    assert deals["closed_at"].tolist() == [START + (n + 5) * DAY for n in range(0, 200, 10)]
    assert set(deals["outcome"]) == {"won"}


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
@pytest.mark.parametrize("named", [True, False])
def test_tables_in_a_database_are_mapped_as_files_are(
    tmp_path: Path, kind: str, named: bool
) -> None:
    """A file in the folder, or anywhere where `init --database` names it."""
    two_files(tmp_path, deals="finished_deals.csv")
    folder = tmp_path / "project"
    folder.mkdir()
    home = tmp_path if named else folder
    with connect() as connection:
        if kind == "sqlite":
            load_extension(connection, "sqlite_scanner")
        connection.execute(f"ATTACH '{home / 'shop.db'}' AS shop (TYPE {kind})")
        for table in ("qualified_people", "finished_deals"):
            file = tmp_path / f"{table}.csv"
            connection.execute(f"CREATE TABLE shop.{table} AS FROM '{file}'")
            file.unlink()
    database = str(home / "shop.db") if named else None
    queries = proposed(folder, database)
    assert list(queries) == ["leads.sql", "deals.sql"]
    for name, query in queries.items():
        (folder / name).write_text(query)
    write_starter(folder, database=database)
    assert load(folder).tables.database == (database or "shop.db")
    with open_database(load(folder)) as opened:
        leads = opened.query("SELECT * FROM leads ORDER BY lead_id")
        deals = opened.query("SELECT * FROM deals ORDER BY lead_id")
    assert leads["created_at"].tolist() == [START + n * DAY for n in range(200)]
    assert leads["source"].tolist() == [f"ad {n % 3}" for n in range(200)]
    assert deals["closed_at"].tolist() == [START + (n + 5) * DAY for n in range(0, 200, 10)]


def test_what_is_not_sure_is_left_open_with_a_question(tmp_path: Path) -> None:
    two_files(tmp_path)
    csv(
        tmp_path / "finished deals.csv",
        "deal_no,person_id,closed,amount",
        [f"d{n},p{n:03d},{START + (n + 5) * DAY},{n + 10}" for n in range(0, 200, 10)],
    )
    query = proposed(tmp_path)["deals.sql"]
    assert "... AS outcome" in query
    assert '"closed" AS closed_at' in query
    assert '"amount" AS amount' in query
    assert "-- outcome: " in query
    assert "which column" in query


def test_outcomes_are_read_from_their_column_and_open_deals_left_out(tmp_path: Path) -> None:
    """The leads have the right name already; so have the events, and no further log is proposed."""
    days = [START + n * DAY for n in range(90)]
    csv(tmp_path / "leads.csv", "lead_id,created_at", [f"{n},{d}" for n, d in enumerate(days)])
    stages = ("Closed Won", "Closed Lost", "Negotiation")
    csv(
        tmp_path / "opportunities.csv",
        "opp_id,lead,closing day,stage",
        [f"{n},{n},{d + 3 * DAY},{stages[n % 3]}" for n, d in enumerate(days)],
    )
    csv(tmp_path / "events.csv", "lead_id,occurred_at,action", [f"{n},{days[n]},x" for n in (1, 1)])
    csv(
        tmp_path / "clicks.csv",
        "visitor,ts,event",
        [f"{n % 9},{days[n]},e{n % 2}" for n in range(90)],
    )
    assert list(proposed(tmp_path)) == ["deals.sql"]
    pasted(tmp_path)
    with open_database(load(tmp_path)) as database:
        deals = database.query("SELECT * FROM deals ORDER BY closed_at")
    assert [int(lead) for lead in deals["lead_id"]] == [n for n in range(90) if n % 3 < 2]
    assert deals["outcome"].tolist() == [("won", "lost")[n % 3] for n in range(90) if n % 3 < 2]


def test_one_log_is_mapped_by_its_first_events_and_those_that_decide(tmp_path: Path) -> None:
    log(tmp_path)
    queries = proposed(tmp_path)
    assert "A_APPROVED 34, A_DECLINED 33, of 100" in queries["deals.sql"]
    assert list(queries) == ["leads.sql", "events.sql", "deals.sql"]
    assert '-- , any_value("case:AMOUNT")' in queries["leads.sql"]
    pasted(tmp_path)
    with open_database(load(tmp_path)) as database:
        leads = database.query("SELECT * FROM leads ORDER BY created_at")
        actions = database.query("SELECT DISTINCT action FROM known_events ORDER BY 1")
        deals = database.query("SELECT * FROM deals ORDER BY closed_at")
    hour = timedelta(hours=1)
    assert leads["created_at"].tolist() == [START + n * DAY - hour for n in range(100)]
    assert actions["action"].tolist() == ["A_SUBMITTED", "W_Call"]
    closed = [n for n in range(100) if n % 3 < 2]
    assert deals["closed_at"].tolist() == [START + n * DAY + 29 * hour for n in closed]
    assert deals["outcome"].tolist() == [("won", "lost")[n % 3] for n in closed]


def test_one_table_with_the_outcome_is_for_flat(tmp_path: Path) -> None:
    rows = [f"c{n},{START + n * DAY},{('won', 'lost', '')[n % 3]}" for n in range(90)]
    csv(tmp_path / "customers.csv", "customer_id,created,status", rows)
    with pytest.raises(BadInput, match=r"--flat customers\.csv"):
        write_starter(tmp_path)


def test_what_is_like_nothing_has_no_query(tmp_path: Path) -> None:
    csv(tmp_path / "prices.csv", "size,price", ["1,2", "2,3"])
    (tmp_path / "broken.xlsx").write_bytes(b"no workbook")
    assert proposed(tmp_path) == {}


def test_flat_on_one_of_two_files_names_the_case(tmp_path: Path) -> None:
    two_files(tmp_path)
    with pytest.raises(BadInput, match=r"(?s)two tables.*without --flat.*own-data\.md"):
        map_flat(tmp_path, Path("qualified_people.csv"))
