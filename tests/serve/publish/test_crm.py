"""Files for CRM systems hold exactly what changed since the last ones, applied by plain Python."""

import csv
import re
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.config import load
from features.errors import BadInput
from models.decisions.place import LedgerPlace
from serve.ledger.ledger import open_ledger
from serve.publish import crm as module
from serve.publish.crm import CRMS, FIELDS
from serve.publish.publish import publish
from tests.serve.publish.lists import MONDAY, NEXT, config_of, write

ALL = '[publish]\nfiles = ["hubspot", "salesforce", "pipedrive", "dynamics"]\n'
ONE = '[publish]\nfiles = ["salesforce"]\n'


WITHOUT_RANKS = [name for name in FIELDS if name not in ("fit", "engagement")]


def columns(system):
    """Those of a file where no lead has a rank."""
    return [name for name in system.columns if not re.search("(?i)fit|engagement", name)]


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_system_has_its_columns_and_only_changes(tmp_path, place):
    config = config_of(tmp_path / "project", ALL)
    with open_ledger(place) as ledger:
        write(ledger, MONDAY, {"a": 0.9, "b": 0.4, "c": 0.2})
        would = publish(config, ledger, dry_run=True)
        assert not (config.out_folder / "published").exists()
        first = publish(config, ledger)
        assert would.crm == first.crm
        assert [path.name for path in first.files] == [f"{name}-000001-1.csv" for name in CRMS]
        for path, system in zip(first.files, CRMS.values(), strict=True):
            rows = read(path)
            assert list(rows[0]) == columns(system)
            ids = system.columns[0]
            assert [row[ids] for row in rows] == ["a", "b", "c"]
            named = dict(zip(WITHOUT_RANKS, rows[0].values(), strict=True))
            assert (named["readiness"], named["route"], named["band"]) == ("0.9", "sales", "hot")
            assert named["contact_by"] == "2026-03-03T00:00:00Z"
            assert named["computed_at"] == "2026-03-02T04:00:00Z"
        again = publish(config, ledger)
        assert again.files == ()
        assert all(each.written == 0 for each in again.crm.values())
        write(ledger, NEXT, {"b": 0.8, "c": 0.2})
        second = publish(config, ledger)
    for path, (name, system) in zip(second.files, CRMS.items(), strict=True):
        assert path.name == f"{name}-000002-1.csv"
        rows = [dict(zip(WITHOUT_RANKS, row.values(), strict=True)) for row in read(path)]
        assert [(row["lead_id"], row["route"], row["readiness"]) for row in rows] == [
            ("a", "closed", ""),
            ("b", "sales", "0.8"),
        ]
        assert system.most_rows > 0
    changes = second.crm["hubspot"]
    assert (changes.new, changes.changed, changes.closed, changes.unchanged) == (0, 1, 1, 1)


@settings(max_examples=10)
@given(
    lists=st.lists(
        st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([0.1, 0.6, 0.9]), min_size=1),
        min_size=2,
        max_size=5,
    )
)
def test_whoever_imports_every_file_has_the_newest_list(lists, tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    config = config_of(folder, ONE)
    imported: dict[str, tuple[str, str]] = {}
    with open_ledger(LedgerPlace(folder / "ledger")) as ledger:
        for number, rows in enumerate(lists, start=1):
            run = write(ledger, datetime(2026, 3, number), rows)
            for path in publish(config, ledger).files:
                for row in read(path):
                    imported[row["Id"]] = (row["Readiness_Route__c"], row["Readiness__c"])
            newest = {
                row["lead_id"]: (row["decided_route"], str(row["readiness"]))
                for row in ledger.rows(run).to_dict("records")
            }
            still = {lead: row for lead, row in imported.items() if row[0] != "closed"}
            assert still == newest


def test_a_run_killed_before_the_state_was_replaced_writes_the_same_again(tmp_path, monkeypatch):
    config = config_of(tmp_path / "project", ONE)
    monkeypatch.setitem(CRMS, "salesforce", module.Crm(CRMS["salesforce"].columns, most_rows=2))
    with open_ledger(LedgerPlace(tmp_path / "ledger")) as ledger:
        write(ledger, MONDAY, dict.fromkeys("abcde", 0.5))
        with monkeypatch.context() as killed:
            killed.setattr(module, "_replace_state", lambda *_: exec("raise KeyboardInterrupt"))
            with pytest.raises(KeyboardInterrupt):
                publish(config, ledger)
        files = publish(config, ledger).files
        assert [path.name for path in files] == [f"salesforce-000001-{n}.csv" for n in (1, 2, 3)]
        ids = [[row["Id"] for row in read(path)] for path in files]
        assert ids == [["a", "b"], ["c", "d"], ["e"]]
        assert all(one[-1] < other[0] for one, other in pairwise(ids))
        assert publish(config, ledger).files == ()
    assert len(list((config.out_folder / "published").glob("*.csv"))) == 3


def test_a_text_that_would_be_a_formula_is_guarded(tmp_path):
    config = config_of(tmp_path / "project", ONE)
    with open_ledger(LedgerPlace(tmp_path / "ledger")) as ledger:
        write(ledger, MONDAY, {"=cmd()": 0.5})
        (path,) = publish(config, ledger).files
    assert read(path)[0]["Id"] == "'=cmd()"


def test_a_damaged_state_is_named(tmp_path):
    config = config_of(tmp_path / "project", ONE)
    folder = config.out_folder / "published"
    folder.mkdir(parents=True)
    (folder / "salesforce.parquet").write_text("no Parquet")
    with open_ledger(LedgerPlace(tmp_path / "ledger")) as ledger:
        write(ledger, MONDAY, {"a": 0.5})
        with pytest.raises(BadInput, match=r"salesforce\.parquet"):
            publish(config, ledger)
        assert list(folder.glob("*.csv")) == []


def test_without_a_target_the_settings_are_named(tmp_path):
    with (
        open_ledger(LedgerPlace(tmp_path / "ledger")) as ledger,
        pytest.raises(BadInput, match=r"\[publish\].*database, files or webhook") as refused,
    ):
        publish(config_of(tmp_path / "project"), ledger)
    assert "uestion" not in str(refused.value)


def test_without_a_target_a_project_with_questions_is_reminded_of_them(tmp_path):
    config = config_of(tmp_path / "project", "[questions.late]\ntime.horizon_days = 60\n")
    with open_ledger(LedgerPlace(tmp_path / "ledger")) as ledger:
        for each in (config, load(config.path, "late")):
            with pytest.raises(BadInput, match="Questions do not inherit"):
                publish(each, ledger)


def test_of_a_model_that_ranks_by_fit_and_engagement_each_file_has_both(tmp_path):
    """A rank that changed is a change; readiness, points and route are as they were."""
    config = config_of(tmp_path / "project", ALL)
    ready = {"a": 0.9, "b": 0.4, "c": 0.2}
    with open_ledger(LedgerPlace(tmp_path / "out")) as ledger:
        write(ledger, MONDAY, ready, ranks={"a": ("A", "4"), "b": ("B", "1"), "c": ("D", "2")})
        first = publish(config, ledger)
        write(ledger, NEXT, ready, ranks={"a": ("A", "4"), "b": ("C", "1"), "c": ("D", "2")})
        second = publish(config, ledger)
    for path, system in zip(first.files, CRMS.values(), strict=True):
        rows = [dict(zip(FIELDS, row.values(), strict=True)) for row in read(path)]
        assert list(read(path)[0]) == list(system.columns)
        assert [(row["fit"], row["engagement"]) for row in rows] == [
            ("A", "4"), ("B", "1"), ("D", "2"),
        ]  # fmt: skip
    for path in second.files:
        rows = {
            row["lead_id"]: row
            for row in (dict(zip(FIELDS, r.values(), strict=True)) for r in read(path))
        }
        assert rows["b"]["fit"] == "C"
        assert "c" not in rows
