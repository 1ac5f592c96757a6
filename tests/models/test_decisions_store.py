"""decisions.sqlite opens, upgrades, waits and refuses."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from threading import Barrier

import pytest

from features.errors import BadInput, Refused
from models import decisions_store
from models.decisions_store import FILE_NAME, SCHEMA, open_decisions, transaction

INSERT = (
    "INSERT INTO champion_changes VALUES "
    "(NULL, 'done', 'promote', NULL, '1', 'ann', '', 0, '', '{}', '2026-03-02T08:00:00')"
)


def count(connection):
    return connection.execute("SELECT count(*) FROM champion_changes").fetchone()[0]


def test_a_new_file_is_in_wal_mode_and_at_the_newest_version(tmp_path):
    with open_decisions(tmp_path / "out"):
        pass
    with closing(sqlite3.connect(tmp_path / "out" / FILE_NAME)) as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert plain.execute("PRAGMA user_version").fetchone() == (len(SCHEMA),)
        assert count(plain) == 0


def test_a_transaction_that_raises_leaves_nothing(tmp_path):
    with open_decisions(tmp_path) as store:
        with suppress(ZeroDivisionError), transaction(store):
            store.execute(INSERT)
            raise ZeroDivisionError
        assert count(store) == 0
        with transaction(store):
            store.execute(INSERT)
        assert count(store) == 1
    with open_decisions(tmp_path) as again:
        assert count(again) == 1


def test_a_later_version_keeps_the_rows_of_an_earlier_one(tmp_path, monkeypatch):
    with open_decisions(tmp_path) as store, transaction(store):
        store.execute(INSERT)
    later = (*SCHEMA, "CREATE TABLE more (a)", "ALTER TABLE more ADD COLUMN b")
    with monkeypatch.context() as patched:
        patched.setattr(decisions_store, "SCHEMA", later)
        for _ in range(2):
            with open_decisions(tmp_path) as store:
                assert count(store) == 1
                assert store.execute("SELECT a, b FROM more").fetchall() == []
    with pytest.raises(BadInput, match=r"later release \(schema 3; this one knows 1\)"):
        open_decisions(tmp_path).__enter__()


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    with open_decisions(tmp_path):
        pass
    broken = (*SCHEMA, "CREATE TABLE more (a)", "no SQL")
    with monkeypatch.context() as patched:
        patched.setattr(decisions_store, "SCHEMA", broken)
        with pytest.raises(BadInput, match="cannot be used"):
            open_decisions(tmp_path).__enter__()
    with open_decisions(tmp_path) as store:
        tables = store.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert tables == [("champion_changes",)]


def test_of_two_writers_one_waits_and_readers_do_not(tmp_path, monkeypatch):
    monkeypatch.setattr(decisions_store, "WAIT_SECONDS", 0.05)
    with open_decisions(tmp_path) as first, transaction(first):
        first.execute(INSERT)
        with open_decisions(tmp_path) as reader:
            assert count(reader) == 0
        with (
            pytest.raises(Refused, match="another process writes to it"),
            open_decisions(tmp_path) as second,
            transaction(second),
        ):
            pass


def test_many_at_once_make_one_file(tmp_path):
    """Of a new file, the first to come makes the table and switches to WAL."""
    start = Barrier(8)

    def one(folder):
        start.wait()
        with open_decisions(folder) as store, transaction(store):
            store.execute(INSERT)

    with ThreadPoolExecutor(8) as pool:
        for trial in range(10):
            folder = tmp_path / str(trial)
            list(pool.map(one, [folder] * 8))
            with open_decisions(folder) as store:
                assert count(store) == 8


def test_a_file_that_cannot_be_switched_to_wal_now_is_used_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(decisions_store, "WAIT_SECONDS", 0.05)
    with open_decisions(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as reader:
        reader.execute("PRAGMA journal_mode = DELETE")
        reader.execute("BEGIN")
        assert count(reader) == 0  # and holds its lock
        with open_decisions(tmp_path) as store:
            assert store.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    with open_decisions(tmp_path) as store:
        assert store.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_file_that_is_no_store_is_bad_input(tmp_path):
    (tmp_path / FILE_NAME).write_text("a text, not a database. " * 100, "utf-8")
    with pytest.raises(BadInput, match=f"{FILE_NAME} cannot be used: file is not a database"):
        open_decisions(tmp_path).__enter__()
