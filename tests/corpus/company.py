"""The small company that the corpus breaks: its files, its measurements, and what a case may say.

A case is one fault or oddity, declared in one place: its name, what is done to the sound company,
and what must come out of it. Nothing else may come out: neither a traceback nor another number.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from features.catalog import catalog_of
from features.check.check import check
from features.cohort import cohort_at
from features.conditions.segments import opted_in
from features.config import Config
from features.contract.breaches import find_breaches
from features.contract.database import LeadDatabase
from features.engine.duckdb_engine import feature_frame
from features.errors import BadInput, Refused
from features.labels import labels
from features.open_database import open_database
from features.spec.spec import distinct
from models.rules.rules import current_rules
from readiness.settings import load
from tests.readiness.running import readiness

NOW = datetime(2024, 12, 1)

LEADS = """lead_id,created_at,source,employees,country,renews_on,email
a-1,2024-01-01 08:00:00,ads,1095,DE,2024-06-01,ann@one.example
a-2,2024-01-02 09:30:00,web,12,AT,2024-07-01,bo@two.example
a-3,2024-01-03 00:00:00,ads,40,DE,,cy@three.example
a-4,2024-01-09 10:00:00,fair,250,FR,2024-09-15,di@four.example
a-5,2024-01-10 11:00:00,web,8,DE,2024-06-01,ed@five.example
a-6,2024-01-15 12:00:00,ads,77,AT,2024-08-01,fi@six.example
a-7,2024-01-20 13:00:00,web,300,FR,2024-06-20,gus@seven.example
a-8,2024-02-01 14:00:00,fair,5,DE,,hal@eight.example
"""
EVENTS = """lead_id,occurred_at,action,source,content,value
a-1,2024-01-02 10:00:00,visited,ads,/pricing,
a-1,2024-01-03 10:00:00,mailed,,welcome,
a-1,2024-01-05 23:30:00,visited,ads,/pricing/teams,
a-2,2024-01-04 00:00:00,visited,web,/blog,
a-2,2024-01-11 00:00:00,called,,,120.5
a-3,2024-01-06 09:00:00,mailed,,welcome,
a-3,2024-01-13 09:00:00,visited,mail,/docs,
a-4,2024-01-10 15:00:00,visited,fair,/pricing,
a-4,2024-01-18 15:00:00,called,,,80
a-5,2024-01-12 08:00:00,visited,web,/blog,
a-5,2024-01-12 08:20:00,visited,web,/docs,
a-6,2024-01-17 19:00:00,mailed,,offer,
a-6,2024-01-22 07:00:00,visited,mail,/pricing,
a-7,2024-01-21 16:00:00,visited,web,/docs,
a-7,2024-01-27 10:00:00,called,,,1095
a-8,2024-02-02 10:00:00,visited,fair,/pricing,
"""
DEALS = """lead_id,closed_at,outcome,opened_at,amount
a-1,2024-01-12 12:00:00,won,2024-01-05 08:00:00,1200
a-2,2024-01-25 00:00:00,lost,2024-01-12 08:00:00,300
a-4,2024-02-03 17:00:00,won,2024-01-19 08:00:00,2500
a-5,2024-01-30 09:00:00,lost,2024-01-13 08:00:00,
a-7,2024-02-20 10:00:00,won,2024-01-28 08:00:00,900.5
"""
SETTINGS = """seed = 7
[tables]
leads = "leads.csv"
events = "events.csv"
deals = "deals.csv"
[time]
horizon_days = 7
first_cutoff = 2024-01-08
[capacity]
share = 0.25
[engine]
threads = 1
[features]
windows_days = [7, 30]
attributes = ["employees", "country", "renews_on"]
"""
RULES = """name = "small"
bands = { warm = 5, hot = 20 }
[[rule]]
action = "visited"
content = "/pricing*"
points = 10
[[rule]]
action = "called"
points = 5
half_life_days = 7
[[rule]]
attribute = "employees"
from = 100
points = 3
"""
FILES = {
    "leads.csv": LEADS,
    "events.csv": EVENTS,
    "deals.csv": DEALS,
    "readiness.toml": SETTINGS,
    "rules.toml": RULES,
}

TABLES = ("leads", "events", "deals")

Edit = Callable[[Path], object]


def write_company(folder: Path) -> Path:
    """Write the sound company."""
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


# What may be done to it.


def replace(file: str, *pairs: tuple[str, str], every: bool = False) -> Edit:
    """Replace texts in a file; each must be in it, and only once unless `every`."""

    def edit(folder: Path) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        for old, new in pairs:
            assert text.count(old) == 1 or (every and old in text), (file, old)
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    return edit


def append(file: str, text: str) -> Edit:
    """Write more text at the end of a file."""

    def edit(folder: Path) -> None:
        with (folder / file).open("a", encoding="utf-8", newline="") as target:
            target.write(text)

    return edit


def write(file: str, content: str | bytes) -> Edit:
    """Write a file anew."""

    def edit(folder: Path) -> None:
        data = content.encode() if isinstance(content, str) else content
        (folder / file).write_bytes(data)

    return edit


def recode(file: str, how: Callable[[str], bytes], target: str | None = None) -> Edit:
    """Write the bytes that are made from the text of a file, there or into another one."""

    def edit(folder: Path) -> None:
        (folder / (target or file)).write_bytes(how((folder / file).read_text(encoding="utf-8")))

    return edit


def name(table: str, place: str) -> Edit:
    """Name a table otherwise in readiness.toml; `place` is TOML."""
    return replace("readiness.toml", (f'{table} = "{table}.csv"', f"{table} = {place}"))


def settings(text: str) -> Edit:
    """Write more into readiness.toml: keys of [features], which is the last section, or others."""
    return append("readiness.toml", text + "\n")


def both(*edits: Edit) -> Edit:
    """One after the other."""

    def edit(folder: Path) -> None:
        for each in edits:
            each(folder)

    return edit


def rename_lead(old: str, new: str, *tables: str) -> Edit:
    """Another id of a lead, in all tables or in some."""
    return both(
        *(
            recode(f"{table}.csv", lambda text: text.replace(f"\n{old},", f"\n{new},").encode())
            for table in tables or TABLES
        )
    )


def integers(*tables: str) -> Edit:
    """The ids 1 to 8, in all tables or in some."""
    return both(
        *(
            recode(f"{table}.csv", lambda text: text.replace("\na-", "\n").encode())
            for table in tables or TABLES
        )
    )


# What must come out.


@dataclass(frozen=True)
class Message:
    """Nothing is opened: one message with these facts."""

    facts: tuple[str, ...]


def message(*facts: str) -> Message:
    return Message(facts)


@dataclass(frozen=True)
class Breaches:
    """So many rows breach the contract in these columns, and in no other; `facts` are said."""

    counts: Mapping[str, int]
    facts: tuple[str, ...]


def breach(column: str, count: int, *facts: str) -> Breaches:
    return Breaches({column: count}, facts)


def breaches(counts: Mapping[str, int], *facts: str) -> Breaches:
    return Breaches(counts, facts)


@dataclass(frozen=True)
class Same:
    """The numbers of the sound company, or, where an edit is named, of a company so edited; of all
    columns, or of some."""

    as_after: Edit | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """No breach, and these rows of a query, beside the numbers of the sound company but for the
    columns and leads that are named."""

    sql: str
    rows: list[tuple[object, ...]]


@dataclass(frozen=True)
class Note:
    """No breach, and this note in the report of check: a part of its title, its count, facts."""

    title: str
    count: int
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One fault or oddity, and all that must come of it."""

    name: str
    edit: Edit
    out: tuple[Message | Breaches | Same | Rows | Note, ...]


def case(name: str, edit: Edit, *out: Message | Breaches | Same | Rows | Note) -> Case:
    assert out, name
    return Case(name, edit, out)


def each(cases: list[Case]) -> pytest.MarkDecorator:
    """Run a test once for each case."""
    return pytest.mark.parametrize("one", cases, ids=[one.name for one in cases])


def measure(database: LeadDatabase, config: Config) -> pd.DataFrame:
    """Every feature, the label and the points of every snapshot of the grid; ids as texts."""
    cutoffs = config.time.cutoffs(database.data_end)
    rules = current_rules(config)
    snapshots = cohort_at(database, cutoffs)
    frame = feature_frame(snapshots, distinct((*catalog_of(config, database), *rules.specs)))
    won = labels(snapshots, config.time.horizon_days)
    frame = frame.assign(points=rules.rank(frame))
    for each_frame in (frame, won):
        each_frame["lead_id"] = each_frame["lead_id"].astype(str)
    return frame.merge(won, on=["lead_id", "cutoff"], validate="1:1").sort_values(
        ["cutoff", "lead_id"], ignore_index=True
    )


def opened(config: Config) -> AbstractContextManager[LeadDatabase]:
    """The database, with what the points and the segments ask for, as a scoring opens it."""
    return open_database(config, (*opted_in(config), *current_rules(config).specs))


def measured(folder: Path) -> pd.DataFrame:
    """The same of the company in a folder, which must keep the contract."""
    config = load(folder)
    with opened(config) as database:
        assert find_breaches(database.connection, database.columns, NOW) == []
        return measure(database, config)


# DuckDB's and Python's own words, which say nothing of what to do.
RAW = (
    *("Binder Error", "Catalog Error", "Conversion Error", "Invalid Input Error", "IO Error"),
    *("INTERNAL", "Traceback", "object at 0x", "Errno", "stack trace"),
)


def says(text: str, facts: tuple[str, ...]) -> None:
    """The message states the facts, in words for people."""
    assert [fact for fact in facts if fact not in text] == [], text
    assert [raw for raw in RAW if raw in text] == [], text
    assert len(text) < 3_000, len(text)


def prove(one: Case, folder: Path, sound: pd.DataFrame) -> None:
    """All that a case says, of the company in a folder."""
    write_company(folder)
    one.edit(folder)
    for path in folder.rglob("*"):
        assert path.suffix == ".duckdb" or not path.is_file() or path.stat().st_size < 20_000, path
    for out in one.out:
        if isinstance(out, Message):
            with pytest.raises((BadInput, Refused)) as refused:
                measured(folder)
            says(str(refused.value), out.facts)
            assert_the_command_agrees(folder)
        elif isinstance(out, Same):
            expected = sound
            if out.as_after:
                other = folder / "sound"
                other.mkdir()
                out.as_after(write_company(other))
                expected = measured(other)
            numbers, some = measured(folder), list(out.columns or expected)
            pd.testing.assert_frame_equal(
                numbers[some] if out.columns else numbers, expected[some], check_dtype=False
            )
        else:
            config = load(folder)
            with opened(config) as database:
                _prove_opened(out, database, config)


def _prove_opened(out: Breaches | Rows | Note, database: LeadDatabase, config: Config) -> None:
    rows = find_breaches(database.connection, database.columns, NOW)
    if isinstance(out, Breaches):
        counts = Counter[str]()
        for each in rows:
            counts[f"{each.table}.{each.column}"] += each.count
        assert counts == out.counts, list(map(str, rows))
        says("\n".join(map(str, rows)), out.facts)
        measure(database, config)  # of the leads that are left
        return
    assert rows == []
    if isinstance(out, Rows):
        assert database.connection.execute(out.sql).fetchall() == out.rows
        measure(database, config)
        return
    notes = [n for n in check(database, config, NOW).notes if out.title in n.title]
    assert [n.count for n in notes] == [out.count], notes
    says(str(notes[0]), out.facts)


def assert_the_command_agrees(folder: Path) -> None:
    """`readiness check` ends with the message and the code for bad input, at once."""
    ran = readiness("check", folder)
    assert (ran.code, ran.out) == (2, ""), ran
    assert ran.err.startswith("readiness:")
    assert not [letter for letter in ran.err if ord(letter) < 32 and letter != "\n"], ran.err
