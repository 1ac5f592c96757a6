"""A lead that is forgotten is in no byte of `out`, and in none of the files written elsewhere."""

import json
import shutil
import sqlite3
from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from models.decisions import outbox
from models.decisions import store as store_module
from models.decisions.outbox import Message
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions
from tests.conftest import edit
from tests.copied_company import copied_company
from tests.readiness.running import EVENTS, LEADS, SETTINGS, little_folder, readiness
from tests.serve.ledger.places import in_postgres, rows, settings_of

CANARY = "kanarie-9f31c"
SENTENCE = {"finding": f"leads 2, {CANARY}, 3: two rows each", "leads": [CANARY, "2"]}


def holders(*folders: Path) -> list[str]:
    """The files that have the canary in their bytes, their name or, decoded, their columns."""
    holding = []
    for path in (each for folder in folders for each in folder.rglob("*") if each.is_file()):
        text = path.name.encode() + path.read_bytes()
        if path.suffix == ".parquet":
            text += str(duckdb.sql(f"FROM read_parquet('{path}')").fetchall()).encode()
        if CANARY.encode() in text:
            holding.append(path.name)
    return sorted(holding)


def with_canary(folder: Path, more: str = "") -> Path:
    """Lead 3 has the canary for its id, and another open lead is there."""
    leads = LEADS.replace("\n3,", f"\n{CANARY},") + "4,2024-01-11,web\n7,2024-01-11,web\n"
    events = EVENTS + f"{CANARY},2024-01-11 10:00:00,visited\n7,2024-01-12,visited\n"
    return little_folder(folder, leads=leads, events=events, settings=SETTINGS + more)


def other_traces(out: Path) -> tuple[Path, Path]:
    """Artefacts of a run and of a model, an old ledger, and a page; the first two folders."""
    run, model = out / "mlartifacts" / "1" / "r", out / "mlartifacts" / "1" / "models" / "m"
    for each in (run, model):
        each.mkdir(parents=True)
    (run / "audit.json").write_text(json.dumps(SENTENCE))
    (run / "card.md").write_text(f"| {CANARY} | 1 |")
    (model / "MLmodel").write_text("")
    rows_of_two = {"columns": ["lead_id", "x"], "data": [[CANARY, 1], ["2", 1]]}
    (model / "input_example.json").write_text(json.dumps(rows_of_two))
    (out / "ledger.duckdb.taken-over").write_text(f"anything {CANARY}")
    (out / "list.html").write_text(f"<td>{CANARY}</td>")
    return run, model


@pytest.mark.parametrize("on", ["files", pytest.param("postgres", marks=pytest.mark.slow)])
def test_no_byte_of_it_is_left(on: str, tmp_path: Path, monkeypatch, request) -> None:
    folder, elsewhere, temporary = (tmp_path / name for name in ("home", "elsewhere", "tmp"))
    for each in (folder, elsewhere, temporary):
        each.mkdir()
    out = folder / "out"
    on_server = on == "postgres"
    server = request.getfixturevalue("postgres") if on_server else None
    place = in_postgres(server, out) if on_server else LedgerPlace(out)
    with_canary(folder, settings_of(place))
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    (temporary / "readiness-crash-20260301-040000-x.txt").write_text(f"of lead {CANARY}.")
    for cutoff, to in (("2024-01-26", elsewhere / "a.csv"), ("2024-01-27", out / "b.parquet")):
        assert readiness("score", folder, "--cutoff", cutoff, "--export", to).code == 0
    assert readiness("score", folder, "--export", elsewhere / "c.parquet").code == 0
    withdrawn = readiness(
        "ledger", "withdraw", folder, "--cutoff", "2024-01-26", "--because", "wrong"
    )
    assert withdrawn.code == 0
    for lead in (CANARY, "4"):
        assert readiness("explain", lead, folder, "--page").code == 0
        words = ("--route", "sales", "--because", f"a friend, {lead}", "--by", "anna")
        assert readiness("override", lead, folder, *words).code == 0
    run, model = other_traces(out)
    assert len(holders(out, elsewhere, temporary)) >= 10
    tables = ("scores", "overrides") if on_server else ("scores",)
    assert all((CANARY,) in rows(place, ["lead_id"], table) for table in tables)

    ran = readiness("forget", CANARY, folder, "--because", f"{CANARY} wrote", "--json")
    assert ran.code == 0, ran.err

    assert holders(out, elsewhere) == []
    assert not any((CANARY,) in rows(place, ["lead_id"], table) for table in tables)
    assert "readiness-crash" in str(ran.result["left"])
    receipt = Path(ran.result["path"])
    assert receipt.parent == out / "forgotten"
    stored = json.loads(receipt.read_text())
    assert stored["because"] == "(forgotten) wrote"
    assert {each["what"]: each["count"] for each in stored["removed"]}["decisions of people"] == 1
    assert not (out / "list.html").exists()
    assert (out / "explain-4.html").exists()
    assert json.loads((run / "audit.json").read_text())["leads"] == ["(forgotten)", "2"]
    assert json.loads((model / "input_example.json").read_text())["data"] == [["2", 1]]
    others = {line.partition(",")[0] for line in (elsewhere / "a.csv").read_text().splitlines()}
    assert others == {"lead_id", "4", "7"}
    assert readiness("forget", CANARY, folder, "--json").result["removed"] == []
    history = readiness("override", "4", folder, "--json").result["history"]
    assert [each["route"] for each in history] == ["sales"]


def test_of_what_was_published_and_of_messages_that_wait(tmp_path: Path) -> None:
    more = '\n[publish]\nfiles = ["hubspot", "dynamics"]\n'
    folder, out = with_canary(tmp_path, more), tmp_path / "out"
    assert readiness("score", folder).code == 0
    assert readiness("publish", folder).code == 0
    now, payload = (
        datetime(2024, 2, 1),
        json.dumps({"movers": [{"lead_id": CANARY}, {"lead_id": "4"}]}),
    )
    with open_decisions(LedgerPlace(out)) as store:
        for number, delivered in enumerate((now, None)):
            outbox.add(store, Message(f"m{number}", now, payload, now, delivered_at=delivered))
    assert {"hubspot.parquet", "hubspot-000001-1.csv", "dynamics-000001-1.csv"} <= {*holders(out)}
    assert readiness("forget", CANARY, folder).code == 0
    assert holders(out) == []
    with open_decisions(LedgerPlace(out)) as store:
        (waiting,) = outbox.undelivered(store)
    assert json.loads(waiting.payload) == {"movers": [{"lead_id": "4"}]}
    again = readiness("publish", folder, "--dry-run", "--json")  # the states say what is there
    assert again.code == 0, again.err


def test_a_short_id_takes_nothing_else_with_it(tmp_path: Path) -> None:
    """Lead 7 is not 77, 7 days, 7 points or version 7."""
    folder = with_canary(tmp_path)
    export, out = tmp_path / "elsewhere.csv", folder / "out"
    assert readiness("score", folder).code == 0
    export.write_text('lead_id,points,note\n77,7,"two\r\nlines, 7"\n7,1,x\n"7",2,"a ""b"""\n8,7,\n')
    to = out / "given.csv"
    shutil.copy(export, to)
    document = {
        "model_version": "7",
        "days": 7,
        "text": "7 days; lead 7 and lead 77",
        "leads": ["7"],
    }
    (out / "any").mkdir()
    run = out / "mlartifacts" / "r.json"
    run.parent.mkdir()
    run.write_text(json.dumps(document))
    (out / "other.json").write_text(json.dumps({"model_version": "7", "window": "7"}))
    (out / "other.html").write_text("<td>7</td>")
    assert readiness("forget", "7", folder).code == 0
    assert to.read_bytes() == b'lead_id,points,note\n77,7,"two\r\nlines, 7"\n8,7,\n'
    assert json.loads(run.read_text()) == {
        "model_version": "7",
        "days": 7,
        "text": "7 days; lead (forgotten) and lead 77",
        "leads": ["(forgotten)"],
    }
    assert (out / "other.html").exists()
    with_leads = duckdb.sql(f"SELECT lead_id FROM '{out}/ledger/*.parquet'").fetchall()
    assert sorted(with_leads) == [("4",), (CANARY,)]


def test_the_decisions_keep_no_byte_in_their_log(tmp_path: Path, monkeypatch) -> None:
    """Also where another reader kept the log from ending."""
    monkeypatch.setattr(store_module, "WAIT_SECONDS", 0.2)
    folder = with_canary(tmp_path)
    assert readiness("score", folder).code == 0
    words = ("--route", "sales", "--because", CANARY, "--by", "anna")
    assert readiness("override", CANARY, folder, *words).code == 0
    store = folder / "out" / "decisions.sqlite"
    reader = sqlite3.connect(store)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM overrides").fetchall()
    ran = readiness("forget", CANARY, folder, "--json")
    assert store.name in str(ran.result["left"])
    reader.close()
    assert store.name not in str(readiness("forget", CANARY, folder, "--json").result["left"])
    assert holders(store.parent) == []


@pytest.mark.long
def test_a_trained_company_forgets(untrained: Path, tmp_path: Path) -> None:
    """Canaries among the leads of a training: MLflow's database and artefacts have none after."""
    folder = tmp_path / "home"
    copied_company(untrained, folder)
    for name in ("leads", "events", "deals", "contacts", "stages"):
        path = folder / f"{name}.parquet"
        if path.exists():
            renamed = f"if(lead_id::VARCHAR = '1999', '{CANARY}', lead_id::VARCHAR) AS lead_id"
            duckdb.sql(f"CREATE OR REPLACE TABLE t AS SELECT * REPLACE ({renamed}) FROM '{path}'")
            duckdb.sql(f"COPY t TO '{path}'; DROP TABLE t")
    edit(folder, candidates=1)
    for verb in ("train", "promote", "score", "compare", "monitor", "segments"):
        words = ("--force", "--because", "a trial") if verb == "promote" else ()
        assert readiness(verb, folder, *words).code in (0, 1), verb
    assert readiness("explain", CANARY, folder, "--page").code == 0
    assert holders(folder / "out") != []
    assert readiness("forget", CANARY, folder).code == 0
    assert holders(folder / "out") == []
    assert readiness("history", folder).code == 0


def test_an_id_that_is_nowhere_is_shown_as_it_was_typed_and_is_no_failure(tmp_path: Path) -> None:
    folder = with_canary(tmp_path)
    assert readiness("score", folder).code == 0
    typed = CANARY.replace("9", "6")
    ran = readiness("forget", typed, folder)
    assert ran.code == 0
    assert "nothing removed" in ran.out
    assert repr(typed) in ran.out
    assert holders(folder / "out") != []  # the lead that was meant
    assert "nothing removed" not in readiness("forget", CANARY, folder).out
    assert "nothing removed" in readiness("forget", CANARY, folder).out
    assert holders(folder / "out") == []
