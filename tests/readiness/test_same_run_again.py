"""The same run again reads no table; whatever changes, it is done as ever."""

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager

import duckdb
import pytest

from features import fingerprint, open_database
from features.config import load
from models.registry import CHAMPION, Registry
from tests.copied_company import copied_company
from tests.readiness.running import readiness


@pytest.fixture
def folder(company, tmp_path, monkeypatch):
    """A company that was not scored yet, whose files count as settled at once."""
    monkeypatch.setattr(fingerprint, "SETTLED", 0)
    copy = copied_company(company.folder, tmp_path / "company")
    shutil.rmtree(copy / "out" / "ledger")
    (copy / "out" / "last_run.json").unlink()
    return copy


@pytest.fixture
def openings(monkeypatch):
    """A list that grows whenever the lead database is opened."""
    real, opened = open_database.open_database, []

    @contextmanager
    def counted(*given):
        opened.append(given)
        with real(*given) as database:
            yield database

    monkeypatch.setattr(open_database, "open_database", counted)
    return opened


def score(folder, *words):
    ran = readiness("score", folder, "--json", *words)
    assert ran.code == 0, ran
    return ran.result


def test_the_second_run_prints_the_same_without_opening_the_database(folder, openings):
    first = score(folder)
    files = sorted((path, path.stat().st_mtime_ns) for path in (folder / "out/ledger").iterdir())
    again = score(folder, "--export", folder / "list.csv")
    assert len(openings) == 1
    assert first["added"] == first["open_leads"] > 0
    assert again == first | {"added": 0, "export": str(folder / "list.csv")}
    exported = duckdb.sql(f"SELECT count(*) FROM '{folder / 'list.csv'}'").fetchone()
    assert exported == (first["open_leads"],)
    assert files == sorted((path, path.stat().st_mtime_ns) for path, _ in files)
    people = readiness("score", folder)  # in words, with the head of the list
    assert people.code == 0
    assert "0 rows added" in people.out
    assert len(openings) == 1


def test_the_same_cutoff_by_name_is_the_same_run_and_another_is_not(folder, openings):
    first = score(folder)
    assert score(folder, "--cutoff", first["cutoff"])["added"] == 0
    assert len(openings) == 1
    assert score(folder, "--cutoff", "2025-03-03")["added"] > 0
    assert len(openings) == 2


def add_a_late_lead(folder):
    leads = folder / "leads.parquet"
    duckdb.execute(
        f"COPY (FROM '{leads}' UNION ALL BY NAME SELECT 999999 AS lead_id, max(created_at) AS "
        f"created_at FROM '{leads}') TO '{folder / 'new.parquet'}'"
    )
    (folder / "new.parquet").replace(leads)
    return 1


def rewrite_events(folder):
    events = folder / "events.parquet"
    events.write_bytes(events.read_bytes())
    return 0


def change_segments(folder):
    with (folder / "segments.toml").open("a") as segments:
        segments.write("# another\n")
    return 0


def change_a_setting(folder):
    settings = folder / "readiness.toml"
    settings.write_text(settings.read_text().replace("seed = 7", "seed = 8"))
    return 0


def withdraw(folder):
    (run,) = (folder / "out/ledger").glob("*.parquet")
    rows = duckdb.sql(f"SELECT count(*) FROM '{run}'").fetchone()
    run.unlink()
    return rows[0]


@pytest.mark.parametrize(
    "change",
    [add_a_late_lead, rewrite_events, change_segments, change_a_setting, withdraw],
    ids=lambda each: each.__name__,
)
def test_whatever_changes_the_tables_are_read_again(folder, openings, change):
    score(folder)
    added = change(folder)
    assert score(folder)["added"] == added
    assert len(openings) == 2
    assert score(folder)["added"] == 0
    assert len(openings) == 2


def test_other_rules_are_another_run(folder, openings):
    first = score(folder)
    rules = folder / "rules.toml"
    rules.write_text(rules.read_text().replace("hot = ", "hot = 1", 1))
    assert score(folder)["added"] == first["added"]
    assert len(openings) == 2


def test_times_in_the_future_may_come_true_so_such_data_are_read_again(folder, openings):
    events = folder / "events.parquet"
    duckdb.execute(
        f"COPY (FROM '{events}' UNION ALL (SELECT * REPLACE (TIMESTAMP '2099-01-01' AS "
        f"occurred_at) FROM '{events}' LIMIT 1)) TO '{folder / 'new.parquet'}'"
    )
    (folder / "new.parquet").replace(events)
    first = score(folder)
    assert len(first["breaches"]) == 1
    assert score(folder)["breaches"]
    assert len(openings) == 2


def test_mlflow_is_asked_again_only_where_a_file_of_its_store_was_touched(folder, monkeypatch):
    real, calls = Registry.verified, []
    monkeypatch.setattr(
        Registry, "verified", lambda self, which: calls.append(1) or real(self, which)
    )
    first = score(folder)
    before = len(calls)
    assert score(folder) == first | {"added": 0}
    assert len(calls) == before
    Registry(load(folder)).tag(first["model_version"], {"seen": "yes"})
    assert score(folder) == first | {"added": 0}
    assert len(calls) == before + 1
    assert score(folder) == first | {"added": 0}
    assert len(calls) == before + 1


def test_a_champion_that_vanished_since_is_missed(folder):
    score(folder)
    registry = Registry(load(folder))
    registry.client.delete_registered_model_alias(registry.name, CHAMPION)
    ran = readiness("score", folder)
    assert ran.code == 2
    assert "champion" in ran.err


def in_a_process(folder):
    """What the run printed in a process of its own, and which heavy libraries it imported."""
    heavy = "{'mlflow', 'sklearn', 'scipy', 'numba'} & sys.modules.keys()"
    code = (
        f"import atexit, sys; atexit.register(lambda: print(*sorted({heavy}))); "
        "from features import fingerprint; fingerprint.SETTLED = 0; "
        "from readiness.main import main; main()"
    )
    words = ["score", str(folder), "--json"]
    ran = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    result, loaded = ran.stdout.splitlines()
    return json.loads(result), set(loaded.split())


def test_the_second_run_imports_no_library_of_the_models(folder):
    score(folder)
    result, loaded = in_a_process(folder)
    assert result["added"] == 0
    assert loaded == set()


def test_a_night_of_new_leads_takes_the_model_of_the_last_night_without_mlflow(folder):
    score(folder)
    add_a_late_lead(folder)
    result, loaded = in_a_process(folder)
    assert result["added"] == 1
    assert loaded == {"sklearn", "scipy", "numba"}


def test_a_model_that_was_changed_since_the_last_night_is_refused(folder):
    score(folder)
    model = Registry(load(folder)).verified(CHAMPION)[2] / "model.skops"  # shared by all copies
    sound = model.read_bytes()
    try:
        model.write_bytes(sound + b"more")
        ran = readiness("score", folder)
    finally:
        model.write_bytes(sound)
    assert ran.code == 2
    assert "model.skops" in ran.err
