"""What docs/operations.md says of backup and restore: all is lost, put back, and goes on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models.decisions.place import LedgerPlace
from tests.database_servers import OWNER
from tests.readiness.running import SETTINGS, little_folder, readiness
from tests.serve.ledger.places import in_postgres, rows, settings_of

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
SCORES = ["lead_id", "cutoff", "rule_score", "route"]
DECISIONS = ["lead_id", "route", "because"]


def commands(beginning: str) -> list[str]:
    """The indented lines of the section that begin so."""
    section = PAGE.read_text(encoding="utf-8").partition("## Backup and restore")[2]
    lines = re.findall("^    (.*)$", section.partition("\n## ")[0], flags=re.MULTILINE)
    return [line for line in lines if line.startswith(beginning)]


def run(command: str, **more: str) -> None:
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(command, shell=True, check=True, env=os.environ | {"PATH": programs} | more)


def two_nights(folder: Path) -> None:
    """Two runs, and a decision about lead 3."""
    for day in ("2024-01-26", "2024-01-27"):
        assert readiness("score", folder, "--cutoff", day).code == 0
    words = ("--route", "sales", "--because", "a friend", "--by", "anna")
    assert readiness("override", "3", folder, *words).code == 0


def goes_on(folder: Path) -> None:
    """The next night knows what was decided, and a repeat of the last adds nothing."""
    repeat = readiness("score", folder, "--cutoff", "2024-01-27", "--json").result
    assert repeat["added"] == 0
    after = readiness("score", folder, "--cutoff", "2024-01-28", "--json").result
    assert (after["added"], after["decided_otherwise"]) == (1, 1)
    assert len(readiness("ledger", "runs", folder, "--json").result["runs"]) == 3


def decided(folder: Path) -> list[dict]:
    history: list[dict] = readiness("override", "3", folder, "--json").result["history"]
    return history


def test_files_are_lost_and_put_back(tmp_path: Path) -> None:
    home, backup = tmp_path / "home", tmp_path / "backup"
    home.mkdir()
    folder = little_folder(home)
    two_nights(folder)
    out, place = folder / "out", LedgerPlace(folder / "out")
    scores, decisions = rows(place, SCORES), decided(folder)
    steps = [*commands("cd "), *commands("cp "), *commands("python ")]
    steps = [line for line in steps if "mlflow.db" not in line]  # it has no model
    assert len(steps) == 3
    text = " && ".join(steps).replace("/srv/leads", str(folder)).replace("/backup", str(backup))
    run(text)
    shutil.rmtree(out)
    assert readiness("ledger", "runs", folder, "--json").result["runs"] == []

    shutil.rmtree(out, ignore_errors=True)
    [copy] = backup.iterdir()
    shutil.copytree(copy / "out", out)
    assert rows(place, SCORES) == scores != []
    assert decided(folder) == decisions != []
    goes_on(folder)


@pytest.mark.slow
def test_a_schema_is_lost_and_put_back(tmp_path: Path, postgres) -> None:
    place = in_postgres(postgres, tmp_path / "out")
    folder = little_folder(tmp_path, settings=SETTINGS + settings_of(place))
    two_nights(folder)
    scores, decisions = rows(place, SCORES), decided(folder)
    [dump], [restore] = commands("pg_dump"), commands("pg_restore")
    more = {
        "LEDGER_URL": f"postgresql://owner@127.0.0.1:{postgres.port}/crm",
        "PGPASSWORD": OWNER,
        "PATH": f"{postgres.programs}{os.pathsep}{os.environ['PATH']}",
    }
    file = str(tmp_path / "readiness.dump")
    for command in (dump, restore):
        assert " readiness.dump" in command
    dump = dump.replace("--schema readiness", f"--schema {place.schema}")
    run(dump.replace("readiness.dump", file), **more)
    postgres.sql(f"DROP SCHEMA {place.schema} CASCADE;")
    run(restore.replace("readiness.dump", file), **more)
    assert rows(place, SCORES) == scores != []
    assert decided(folder) == decisions != []
    goes_on(folder)
