"""Who stands elsewhere under other rules, by hand.

Today: 10 points for each chat (from 10 on warm, from 25 on hot). The draft: 10 for each chat, at
most 20, and 6 for each order; who complained is disqualified. At the cutoff 2026-03-02

    lead 1   3 chats             30 hot    to  20 warm   chat -10
    lead 2   1 chat, 1 order     10 warm   to  16 warm   order +6
    lead 3   nothing              0 cold   to   0 cold
    lead 4   1 chat, complained  10 warm   to  10 warm   disqualified
"""

from pathlib import Path

import pandas as pd
import pytest

from features.open_database import open_database
from features.progress import silent
from features.result_json import to_json
from models.rules.rules import parse_rules
from serve.reports.rules.diff import diff_rules, export
from tests.features.lead_databases import at, config_for, event, write_database

CUTOFF = at("2026-03-02")
HEAD = 'name = "n"\nbands = { warm = 10, hot = 25 }\n'
CHAT = '[[rule]]\naction = "chat"\npoints = 10\n'
ORDER = '[[rule]]\naction = "order"\npoints = 6\n'
COMPLAINED = '[[disqualify]]\nname = "angry"\nany = [{ action = "complain" }]\n'
EVENTS = [(1, "chat"), (1, "chat"), (1, "chat"), (2, "chat"), (2, "order"), (4, "chat")]


def rules(text):
    return parse_rules(HEAD + text, Path("rules.toml"))


@pytest.fixture(scope="module")
def diff(tmp_path_factory):
    folder = tmp_path_factory.mktemp("four")
    leads = [{"lead_id": lead, "created_at": at("2026-01-01")} for lead in (1, 2, 3, 4)]
    events = [*EVENTS, (4, "complain")]
    write_database(
        folder, leads, [event(lead, at("2026-02-20"), action) for lead, action in events]
    )
    old, new = rules(CHAT), rules(ORDER + CHAT + "cap = 20\n" + COMPLAINED)
    config = config_for(folder)
    with open_database(config, (*old.specs, *new.specs)) as database:
        return diff_rules(config, database, old, new, CUTOFF, silent)


def test_each_lead_by_hand(diff):
    rows = diff.leads.set_index("lead_id").sort_index()
    assert rows["old_points"].tolist() == [30, 10, 0, 10]
    assert rows["new_points"].tolist() == [20, 16, 0, 10]
    assert rows["moved_by"].tolist() == ["chat (-10)", "order (+6)", "", ""]
    assert rows["new_disqualified"].isna().tolist() == [True, True, True, False]
    assert rows.loc[4, "new_disqualified"] == "angry: complain at least once so far"


def test_who_changes_band_comes_first(diff):
    assert diff.leads["lead_id"].tolist() == [1, 2, 3, 4]
    assert diff.changed["lead_id"].tolist() == [1, 2, 4]


def test_what_is_counted(diff):
    message = to_json(diff)
    assert message["bands"] == {
        "cold": {"cold": 1, "warm": 0, "hot": 0},
        "warm": {"cold": 0, "warm": 2, "hot": 0},
        "hot": {"cold": 0, "warm": 1, "hot": 0},
    }
    assert (message["open_leads"], message["other_points"], message["other_band"]) == (4, 2, 1)
    assert message["disqualified"] == {"old": 0, "new": 1}
    assert message["mean_difference"] == -1
    assert [row["lead_id"] for row in message["leads"]] == [1, 2, 4]
    assert message["leads"][0]["old_disqualified"] is None


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_every_lead_is_exported(diff, tmp_path, name):
    path = export(diff.leads, tmp_path / name)
    read = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
    assert read["lead_id"].tolist() == [1, 2, 3, 4]
    assert read["difference"].tolist() == [-10, 6, 0, 0]
    assert list(tmp_path.iterdir()) == [path]


def test_no_cell_of_the_csv_is_a_formula(diff, tmp_path):
    leads = diff.leads.assign(moved_by="=HYPERLINK(1)")
    export(leads, tmp_path / "a.csv")
    read = pd.read_csv(tmp_path / "a.csv")
    assert set(read["moved_by"]) == {"'=HYPERLINK(1)"}
    assert read["difference"].tolist() == [-10, 6, 0, 0]
