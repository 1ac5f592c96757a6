"""Equal only where nothing can have changed; a change of any input makes another."""

import os
import shutil
import time

import pytest

from features import fingerprint
from features.config import load
from features.fingerprint import SETTLED, inputs_fingerprint

SOON = 100_000_000  # nanoseconds


@pytest.fixture
def settled(tmp_path, demo_folder, monkeypatch):
    """A folder of tables whose files changed longer ago than SETTLED, shortened to SOON."""
    folder = shutil.copytree(demo_folder, tmp_path / "company")
    monkeypatch.setattr(fingerprint, "SETTLED", SOON)
    settle()
    return folder


def settle(span=SOON):
    time.sleep(span / 1e9)


def of(folder):
    return inputs_fingerprint(load(folder))


def change_settings(folder):
    path = folder / "readiness.toml"
    path.write_text(path.read_text().replace("horizon_days = 30", "horizon_days = 31"))


def change_rules(folder):
    with (folder / "rules.toml").open("a") as rules:
        rules.write("# another\n")


def change_a_byte_in_place(folder):
    """As quietly as it can be done: size, inode and the time of modification stay as they were."""
    path = folder / "events.parquet"
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_size == before.st_size


def exchange_a_file(folder):
    path = folder / "leads.parquet"
    shutil.copy2(path, folder / "other")
    (folder / "other").replace(path)


def begin_a_table_of_titles(folder):
    (folder / "titles.toml").write_text("")


CHANGES = (
    *(change_settings, change_rules, begin_a_table_of_titles),
    *(change_a_byte_in_place, exchange_a_file),
)


def test_equal_while_nothing_changes_and_another_after_any_change(settled):
    seen = {of(settled)}
    assert {of(settled)} == seen
    assert None not in seen
    for number, change in enumerate(CHANGES, start=2):
        change(settled)
        settle()
        seen |= {of(settled)}
        assert len(seen) == number, change.__name__


def test_none_for_a_file_that_changed_just_now(settled, monkeypatch):
    monkeypatch.setattr(fingerprint, "SETTLED", SETTLED)
    settle(SETTLED)
    assert of(settled) is not None
    (settled / "events.parquet").touch()
    assert of(settled) is None


@pytest.mark.parametrize(
    ("setting", "other"),
    [
        ('events = "events.parquet"', "events = \"SELECT * FROM 'events.parquet'\""),
        ('events = "events.parquet"', 'events = "events.sql"'),
        ('events = "events.parquet"', 'events = "nothing_there.parquet"'),
        ('folder = "."', 'folder = "."\ndatabase = "crm.duckdb"'),
    ],
    ids=["query", "query in a file", "missing", "database"],
)
def test_none_where_it_cannot_be_seen_from_outside(settled, setting, other):
    (settled / "events.sql").write_text("SELECT * FROM 'events.parquet'")
    path = settled / "readiness.toml"
    text = path.read_text()
    assert setting in text
    path.write_text(text.replace(setting, other))
    settle()
    assert of(settled) is None


def test_a_folder_and_a_pattern_are_all_their_files(settled):
    (settled / "events").mkdir()
    shutil.move(settled / "events.parquet", settled / "events" / "1.parquet")
    path = settled / "readiness.toml"
    text = path.read_text()
    seen = set()
    for named in ("events/", "events/*.parquet"):
        path.write_text(text.replace('events = "events.parquet"', f'events = "{named}"'))
        settle()
        before = of(settled)
        shutil.copy(settled / "leads.parquet", settled / "events" / f"{len(named)}.parquet")
        settle()
        seen |= {before, of(settled)}
    assert len(seen) == 4
    assert None not in seen
