"""The store of decisions opens, upgrades, waits and refuses; in SQLite and in PostgreSQL."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from threading import Barrier

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, inspect

from features.errors import BadInput, Refused
from models.decisions import store as module
from models.decisions.champion_changes import ChampionChange, add, changes_at
from models.decisions.place import LedgerPlace
from models.decisions.store import SCHEMA, open_decisions, transaction, version_of

CHANGE = ChampionChange("promote", None, "1", "ann", "", False, "", {"leads": 3}, step="done")


def count(connection):
    return len(changes_at(connection, "done"))


def table(name, **columns):
    return Table(name, MetaData(), *(Column(each, kind) for each, kind in columns.items()))


def test_a_new_file_is_in_wal_mode_and_at_the_newest_version(tmp_path):
    place = LedgerPlace(tmp_path / "out")
    with open_decisions(place):
        pass
    with closing(sqlite3.connect(place.decisions_file)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert plain.execute("PRAGMA user_version").fetchone() == (len(SCHEMA),)


def test_a_row_comes_back_as_it_was(place):
    with open_decisions(place) as store, transaction(store):
        assert add(store, CHANGE) == 1
    with open_decisions(place) as store:
        (stored,) = changes_at(store, "done")
        assert changes_at(store, "intent") == []
    assert vars(stored) == vars(CHANGE) | {"number": 1}


def test_a_transaction_that_raises_leaves_nothing(place):
    with open_decisions(place) as store:
        with suppress(ZeroDivisionError), transaction(store):
            add(store, CHANGE)
            raise ZeroDivisionError
        assert count(store) == 0
        with transaction(store):
            add(store, CHANGE)
        assert count(store) == 1
    with open_decisions(place) as again:
        assert count(again) == 1


def test_a_later_version_keeps_the_rows_of_an_earlier_one(place, monkeypatch):
    with open_decisions(place) as store, transaction(store):
        add(store, CHANGE)
    later = (*SCHEMA, (table("more", a=Integer),), (table("and_more", b=Integer),))
    with monkeypatch.context() as patched:
        patched.setattr(module, "SCHEMA", later)
        for _ in range(2):
            with open_decisions(place) as store:
                assert count(store) == 1
                assert {"more", "and_more"} <= set(inspect(store).get_table_names())
                assert version_of(store, "decisions") == len(SCHEMA) + 2
    with pytest.raises(BadInput, match=rf"schema {len(SCHEMA) + 2}; this one knows {len(SCHEMA)}"):
        open_decisions(place).__enter__()


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(place, monkeypatch):
    with open_decisions(place) as store:
        before = set(inspect(store).get_table_names())
    broken = (*SCHEMA, (table("more", a=Integer), table("overrides", a=Integer)))
    with monkeypatch.context() as patched:
        patched.setattr(module, "SCHEMA", broken)
        with pytest.raises(BadInput, match="cannot be used"):
            open_decisions(place).__enter__()
    with open_decisions(place) as store:
        assert set(inspect(store).get_table_names()) == before


def test_of_two_writers_one_waits_and_readers_do_not(place, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    with open_decisions(place) as first, transaction(first):
        add(first, CHANGE)
        with open_decisions(place) as reader:
            assert count(reader) == 0
        with (
            pytest.raises(Refused, match="another process writes to it"),
            open_decisions(place) as second,
            transaction(second),
        ):
            pass


def test_many_at_once_make_one_store(place, tmp_path):
    """Of a new one, the first to come makes the tables (and switches the file to WAL)."""
    start = Barrier(8)

    def one(where):
        start.wait()
        with open_decisions(where) as store, transaction(store):
            add(store, CHANGE)

    trials = [place] if place.server else [LedgerPlace(tmp_path / str(n)) for n in range(10)]
    with ThreadPoolExecutor(8) as pool:
        for where in trials:
            list(pool.map(one, [where] * 8))
            with open_decisions(where) as store:
                assert sorted(each.number for each in changes_at(store, "done")) == [*range(1, 9)]


def test_a_file_that_cannot_be_switched_to_wal_now_is_used_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.05)
    place = LedgerPlace(tmp_path)

    def mode():
        with open_decisions(place) as store:
            return store.exec_driver_sql("PRAGMA journal_mode").scalar()

    assert mode() == "wal"
    with closing(sqlite3.connect(place.decisions_file, isolation_level=None)) as reader:
        reader.execute("PRAGMA journal_mode = DELETE")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM champion_changes").fetchall()  # and holds its lock
        assert mode() == "delete"
    assert mode() == "wal"


def test_a_file_that_is_no_store_is_bad_input(tmp_path):
    place = LedgerPlace(tmp_path)
    place.decisions_file.write_text("a text, not a database. " * 100, "utf-8")
    with pytest.raises(BadInput, match=r"decisions\.sqlite cannot be used"):
        open_decisions(place).__enter__()
