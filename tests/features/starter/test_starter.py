"""What `readiness init` finds, refuses and writes."""

import gzip
import os
import re
import sqlite3
import tempfile
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.config import Config, Engine, Mlflow, TrainingSettings, load
from features.errors import BadInput
from features.open_database import open_database
from features.starter.guesses import DECIDING, WINNING, begins_word, guess_points
from features.starter.starter import write_starter

DAY = timedelta(days=1)
START = datetime(2024, 1, 3)  # a Wednesday
CONTACTS = pa.table({"lead_id": [1], "contacted_at": [START + 2 * DAY]})
FILES = ["readiness.toml", "rules.toml", "sources.toml", "funnel.toml", "segments.toml"]
ACTIONS = ("email_opened", "visited_pricing", "form_submitted", "unsubscribed")


def tables(days: int = 300, actions: tuple[str, ...] = ACTIONS) -> dict[str, pa.Table]:
    """One lead and its event per day, the actions by turns; every tenth lead is won a day later."""
    times = [START + n * DAY for n in range(days)]
    done = [actions[n % len(actions)] for n in range(days)]
    return {
        "events": pa.table({"lead_id": range(days), "occurred_at": times, "action": done}),
        "leads": pa.table({"lead_id": range(days), "created_at": times, "source": ["ads"] * days}),
        "deals": pa.table(
            {
                "lead_id": range(0, days, 10),
                "closed_at": [time + DAY for time in times[::10]],
                "outcome": ["won"] * len(times[::10]),
            }
        ),
    }


def as_parquet(folder: Path, given_tables: dict[str, pa.Table]) -> Path:
    for name, table in given_tables.items():
        pq.write_table(table, folder / f"{name}.parquet")
    return folder


def as_duckdb(path: Path, given_tables: dict[str, pa.Table]) -> None:
    with duckdb.connect(str(path)) as connection:
        for name, table in given_tables.items():
            connection.register("given", table)
            connection.execute(f"CREATE TABLE {name} AS FROM given")


def started(folder: Path) -> Config:
    """The config that was written, after its database was opened with it."""
    assert [path.name for path in write_starter(folder)] == FILES
    config = load(folder)
    with open_database(config) as database:
        assert database.value("SELECT count(*) FROM known_events") > 0
    return config


def rules_of(folder: Path) -> dict[str, dict[str, object]]:
    rules = tomllib.loads((folder / "rules.toml").read_text(encoding="utf-8"))
    assert set(rules) == {"name", "bands", "groups", "rule"}
    return {rule["action"]: rule for rule in rules["rule"]}


def test_parquet(tmp_path: Path) -> None:
    config = started(as_parquet(tmp_path, tables()))
    assert config.tables.events == "events.parquet"
    assert config.tables.database is None
    assert config.tables.contacts is None


def test_csv_plain_and_compressed_with_capitals(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        for name, table in tables().items():
            connection.register("given", table)
            connection.execute(f"COPY (FROM given) TO '{tmp_path}/{name}.csv'")
    (tmp_path / "events.csv").rename(tmp_path / "Events.CSV")
    deals = tmp_path / "deals.csv"
    (tmp_path / "deals.csv.gz").write_bytes(gzip.compress(deals.read_bytes()))
    deals.unlink()
    config = started(tmp_path)
    assert (config.tables.events, config.tables.deals) == ("Events.CSV", "deals.csv.gz")


def test_a_duckdb_file(tmp_path: Path) -> None:
    as_duckdb(tmp_path / "our crm.duckdb", tables() | {"CONTACTS": CONTACTS})
    config = started(tmp_path)
    assert config.tables.database == "our crm.duckdb"
    assert (config.tables.events, config.tables.contacts) == ("events", "CONTACTS")


def test_queries_come_before_files_and_files_before_a_database(tmp_path: Path) -> None:
    as_parquet(tmp_path, tables())
    as_duckdb(tmp_path / "crm.db", tables() | {"contacts": CONTACTS})
    query = "SELECT * FROM 'events.parquet' WHERE action <> 'unsubscribed'"
    (tmp_path / "events.sql").write_text(query)
    config = started(tmp_path)
    assert config.tables.events == "events.sql"
    assert config.tables.leads == "leads.parquet"
    assert (config.tables.database, config.tables.contacts) == ("crm.db", "contacts")
    assert "unsubscribed" not in rules_of(tmp_path)


def test_a_db_file_that_is_no_duckdb_is_passed_over(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "mail.db") as connection:
        connection.execute("CREATE TABLE events (lead_id INTEGER)")
    connection.close()
    assert started(as_parquet(tmp_path, tables())).tables.database is None


def test_absent_tables_are_refused_with_what_they_need(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("lead_id,occurred_at,action\n")
    (tmp_path / "customers.xlsx").touch()
    with pytest.raises(BadInput) as refused:
        write_starter(tmp_path)
    first, *lines = str(refused.value).splitlines()
    lacking, there = first.removeprefix(f"{tmp_path} lacks ").split(". ")
    assert lacking == "leads, deals"
    assert there.endswith(": customers.xlsx, events.csv.")
    leads, their_columns, deals, columns_of_deals = lines[-4:]
    assert leads.startswith("  leads: ")
    assert re.findall(r"\w+_\w+|source", their_columns) == [
        *("lead_id", "created_at", "source", "objected_at")
    ]
    assert deals.startswith("  deals: ")
    assert re.findall(r"\w+_\w+|outcome|amount", columns_of_deals) == [
        *("lead_id", "closed_at", "outcome", "opened_at", "amount", "recorded_at")
    ]


def test_an_absent_or_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no folder"):
        write_starter(tmp_path / "nowhere")
    with pytest.raises(BadInput, match=r"lacks leads, deals\..* no file"):
        write_starter(tmp_path)


def test_two_databases_are_refused(tmp_path: Path) -> None:
    as_duckdb(tmp_path / "new.duckdb", tables())
    as_duckdb(tmp_path / "old.duckdb", tables())
    with pytest.raises(BadInput, match=r"hold tables: new\.duckdb, old\.duckdb"):
        write_starter(tmp_path)


def test_lacking_columns_are_refused_with_the_way_out(tmp_path: Path) -> None:
    broken = tables()
    broken["leads"] = broken["leads"].rename_columns(["lead_id", "created", "source"])
    with pytest.raises(BadInput, match=r"(?s)created_at.*is it created.*such as events\.sql"):
        write_starter(as_parquet(tmp_path, broken))
    assert not (tmp_path / "readiness.toml").exists()


def test_events_without_rows_are_refused(tmp_path: Path) -> None:
    empty = tables() | {"events": tables()["events"].slice(0, 0)}
    with pytest.raises(BadInput, match=r"tables\.events has no row"):
        write_starter(as_parquet(tmp_path, empty))


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    as_parquet(tmp_path, tables())
    (tmp_path / name).write_text("mine")
    with pytest.raises(BadInput, match=f"{name} exists already"):
        write_starter(tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 4


def test_both_files_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    as_parquet(tmp_path, tables())
    replace = os.replace

    def full(source: Path, target: Path) -> None:
        if target.name == "rules.toml":
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(BadInput, match="disk full"):
        write_starter(tmp_path)
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".parquet"] * 3


def test_every_key_is_there_and_defaults_are_as_in_the_config(tmp_path: Path) -> None:
    config = started(as_parquet(tmp_path, tables()))
    assert (config.training, config.mlflow, config.engine) == (
        TrainingSettings(),
        Mlflow(),
        Engine(),
    )
    assert config.capacity.share == 0.1
    assert config.features == type(config.features)(attributes=["source"])
    sections = (tmp_path / "readiness.toml").read_text().split("\n[")
    assert '# "visited_pricing" = "visited pricing"' in sections[-1].splitlines()
    assert "\n# [questions." in sections[-2]
    for name, field in Config.model_fields.items():
        inner = getattr(field.annotation, "model_fields", None)
        keys = [name] if inner is None else list(inner)
        (section,) = [sections[0]] if inner is None else (s for s in sections if s.startswith(name))
        lines = [line.removeprefix("# ") for line in section.splitlines()]
        for key in set(keys) - {"path", "words", "questions"}:
            (line,) = (line for line in lines if line.startswith(f"{key} = "))
            assert "# " in line, f"{key} is not explained"


def test_columns_that_are_off_and_actions_that_may_decide_are_named(tmp_path: Path) -> None:
    wide = tables(actions=("O_ACCEPTED", "contractSigned", "designed"))
    wide["leads"] = wide["leads"].append_column('say "size"', [["big"] * 300])
    assert started(as_parquet(tmp_path, wide)).features.attributes == ["source"]
    text = (tmp_path / "readiness.toml").read_text()
    assert '; off: "say \\"size\\""\n' in text
    assert '; perhaps: "O_ACCEPTED", "contractSigned"\n' in text


@pytest.mark.parametrize(
    ("days", "horizon", "test_cutoffs", "too_few"),
    [
        (300, 30, 5, []),
        # A tenth of 118 events lies up to Sunday the 14th, so the grid begins on Monday the 15th,
        # day 12, and the data end on day 117. A horizon of 30 days leaves the 11 Mondays up to day
        # 82: a test after two horizons of 5 weeks and a week more would begin with the 12th. One of
        # 21 days leaves the 13 up to day 96, and a test may begin with the 8th.
        (118, 21, 5, ["30"]),  # days
        (40, 7, 1, ["4"]),  # mature cutoffs
    ],
)
def test_the_horizon_fits_the_data(
    tmp_path: Path, days: int, horizon: int, test_cutoffs: int, too_few: list[str]
) -> None:
    config = started(as_parquet(tmp_path, tables(days)))
    assert (config.time.horizon_days, config.time.test_cutoffs) == (horizon, test_cutoffs)
    text = (tmp_path / "readiness.toml").read_text()
    (comment,) = re.findall(r"^horizon_days = \d+ *# (.*)$", text, re.MULTILINE)
    assert re.findall(r"\d+", comment) == too_few


def test_the_first_cutoff_is_a_monday_after_a_tenth_of_the_events(tmp_path: Path) -> None:
    # 30 of the 300 events lie up to 2024-02-01, a Thursday
    assert started(as_parquet(tmp_path, tables())).time.first_cutoff == datetime(2024, 2, 5)


def test_the_first_cutoff_is_after_the_first_lead_and_the_first_deal(tmp_path: Path) -> None:
    """Visits are recorded from 2024-01-03 on, leads from 2024-05-01, deals from 2024-06-12 on."""
    late = tables()
    (tmp_path / "leads").mkdir()
    leads, deals = late["leads"], late["deals"]
    created = pc.greater_equal(leads["created_at"], pa.scalar(datetime(2024, 5, 1)))
    closed = pc.greater_equal(deals["closed_at"], pa.scalar(datetime(2024, 6, 10)))
    as_parquet(tmp_path / "leads", late | {"leads": leads.filter(created)})
    config = started(tmp_path / "leads")
    assert config.time.first_cutoff == datetime(2024, 5, 6)  # the Monday after
    as_parquet(tmp_path, late | {"leads": leads.filter(created), "deals": deals.filter(closed)})
    assert started(tmp_path).time.first_cutoff == datetime(2024, 6, 17)


def test_several_deals_of_many_leads_make_them_open_again(tmp_path: Path) -> None:
    """Every lead that is won is won again ten days later; nobody who is lost comes back."""
    again = tables()
    won = again["deals"]
    second = won.set_column(1, "closed_at", pc.add(won["closed_at"], pa.scalar(10 * DAY)))
    lost = won.set_column(0, "lead_id", pc.add(won["lead_id"], 1)).set_column(
        2, "outcome", [["lost"] * won.num_rows]
    )
    deals = pa.concat_tables([won, second, lost], promote_options="permissive")
    config = started(as_parquet(tmp_path, again | {"deals": deals}))
    assert (config.outcomes.after_won, config.outcomes.after_lost) == ("open_again", "closed")
    (line,) = re.findall("^after_won = .*$", (tmp_path / "readiness.toml").read_text(), re.M)
    assert re.findall(r"\d+", line) == ["30", "30"]


def test_without_events_there_are_points_for_attributes(tmp_path: Path) -> None:
    few = tables()
    few["leads"] = few["leads"].append_column("staff", [range(300)])
    as_parquet(tmp_path, {name: few[name] for name in ("leads", "deals")})
    write_starter(tmp_path)
    config = load(tmp_path)
    assert (config.tables.events, config.features.attributes) == (None, ["source"])
    assert config.time.first_cutoff == datetime(2024, 2, 5)  # the Monday after a tenth of the leads
    (line,) = re.findall("^first_cutoff = .*$", (tmp_path / "readiness.toml").read_text(), re.M)
    assert "leads" in line
    assert "events" not in line
    (rule,) = tomllib.loads((tmp_path / "rules.toml").read_text())["rule"]
    assert (rule["attribute"], rule["is"]) == ("source", "ads")


def test_dates_gone_wrong_do_not_spoil_the_starter(tmp_path: Path) -> None:
    with_errors = tables()
    times = [datetime(1970, 1, 1), datetime(9999, 12, 31)]
    misdated = pa.table({"lead_id": [1, 2], "occurred_at": times, "action": ["visited"] * 2})
    with_errors["events"] = pa.concat_tables([with_errors["events"], misdated])
    config = started(as_parquet(tmp_path, with_errors))
    assert config.time.first_cutoff == datetime(2024, 2, 5)


@pytest.mark.parametrize(
    ("action", "points"),
    [
        ("email_opened", 1), ("email_clicked", 2), ("visited_homepage", 1), ("visited_blog", 1),
        ("visited_service_page", 2), ("visited_pricing", 10), ("downloaded_whitepaper", 2),
        ("watched_webinar", 2), ("read_reference", 2), ("opened_quote", 20), ("chat_started", 10),
        ("form_begun", 10), ("form_submitted", 20), ("called_in", 20), ("unsubscribed", -20),
        ("mailBounced", -10), ("cancelled order", -20), ("recalled_information", 1), ("", 1),
    ],
)  # fmt: skip
def test_points_are_guessed_from_words(action: str, points: int) -> None:
    assert guess_points(action) == points


def test_the_rules_are_as_the_format_has_them(tmp_path: Path) -> None:
    started(as_parquet(tmp_path, tables()))
    every = {"per": "occurrence", "window_days": 90}
    minor = every | {"points": 1, "cap": 5, "group": "engagement"}
    expected: dict[str, dict[str, object]] = {
        "email_opened": minor,
        "visited_pricing": every | {"points": 10, "cap": 20},
        "form_submitted": every | {"points": 20, "cap": 40},
        "unsubscribed": {"points": -20, "per": "once"},
    }
    assert rules_of(tmp_path) == {a: rule | {"action": a} for a, rule in expected.items()}
    rules = tomllib.loads((tmp_path / "rules.toml").read_text())
    assert rules["bands"] == {"warm": 20, "hot": 50}
    assert rules["groups"] == {"engagement": {"cap": 40}}


def test_what_nearly_every_lead_does_gets_the_least_points_and_is_no_stage(tmp_path: Path) -> None:
    """All 300 leads submit a form when they are created: it tells no lead from another."""
    alike = tables()
    events = alike["events"]
    submitted = events.set_column(2, "action", [["application_submitted"] * 300])
    alike["events"] = pa.concat_tables([events, submitted])
    started(as_parquet(tmp_path, alike))
    assert guess_points("application_submitted") == 20
    points = {action: rule["points"] for action, rule in rules_of(tmp_path).items()}
    assert points == {
        "application_submitted": 1,
        **{action: guess_points(action) for action in ACTIONS},
    }
    text = (tmp_path / "rules.toml").read_text()
    (why,) = re.findall(r'application_submitted"\npoints = 1 +# (.*)', text)
    assert "every lead" in why
    stages = tomllib.loads((tmp_path / "funnel.toml").read_text())["stage"]
    assert {s["name"]: s.get("actions") for s in stages} == {
        "subscriber": None,
        "MQL": ["visited_pricing"],
        "SQL": ["form_submitted"],
        "customer": None,
    }
    assert "application_submitted" not in (tmp_path / "segments.toml").read_text()


def test_rare_actions_get_no_rule(tmp_path: Path) -> None:
    started(as_parquet(tmp_path, tables(actions=tuple(f"page_{n:02d}" for n in range(62)))))
    assert len(rules_of(tmp_path)) == 60
    assert "# 2 rarer actions have no rule." in (tmp_path / "rules.toml").read_text()


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@hypothesis_settings(max_examples=25, deadline=None)
@given(actions=st.lists(names, min_size=1, max_size=8, unique=True))
def test_any_action_survives_both_files(actions: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = as_parquet(Path(name), tables(60, tuple(actions)))
        started(folder)
        assert set(rules_of(folder)) == set(actions)
        head, words = (folder / "readiness.toml").read_text("utf-8").split("\n[words]", 1)
        on = words.split("\n", 1)[1].replace("\n# ", "\n").removeprefix("# ")
        assert set(tomllib.loads(on)) == set(actions)
        assert tomllib.loads(head)


@pytest.mark.parametrize("form", ["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p"])
def test_tables_whose_times_do_not_read_are_refused_with_the_queries_that_read_them(
    tmp_path: Path, form: str
) -> None:
    for name, table in tables().items():
        times = [n for n in table.column_names if n.endswith("_at")]
        for time in times:
            text = pc.strftime(table[time], format=form)
            table = table.set_column(table.column_names.index(time), time, text)
        table.to_pandas().to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.raises(BadInput) as refused:
        write_starter(tmp_path)
    queries = re.findall(r'(\w+) = "(SELECT .+?)"', str(refused.value))
    assert {table for table, _ in queries} == {"events", "leads", "deals"}
    for table, query in queries:
        (tmp_path / f"{table}.sql").write_text(query, encoding="utf-8")
    started(tmp_path)


@pytest.mark.parametrize(
    ("action", "wins", "decides"),
    [
        ("invoice_paid", True, True),
        ("Paid", True, True),
        ("signed_contract", True, True),
        ("accepted_offer", False, True),
        ("clicked_paid_ad", False, False),
        ("paid_search", False, False),
        ("PaidSocialClick", False, False),
        ("accepted_cookies", False, False),
        ("sign_up", False, False),
    ],
)
def test_actions_that_decide_are_guessed_from_words(action: str, wins: bool, decides: bool) -> None:
    assert (begins_word(WINNING, action), begins_word(DECIDING, action)) == (wins, decides)
