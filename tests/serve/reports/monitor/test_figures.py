"""What the monitor finds: past scores recounted by brute force, planted changes by name, nothing in
a clean week, and nothing from after the cutoff.

The demo (2,000 leads) is trained until 2025-03-03 with a horizon of 30 days and ends on 2025-06-23,
so that scores of 2025-04-02 to 2025-05-24 are a fair test and mature.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.config import load
from features.errors import Refused
from features.open_database import open_database
from features.result_json import to_json
from features.spec.spec import distinct
from models.decisions.place import LedgerPlace
from models.registry import CHAMPION, Registry
from models.rules.rules import load_rules
from serve.ledger.ledger import open_ledger
from serve.reports.monitor.figures import Monitoring, monitor
from serve.reports.monitor.inputs import reference_cutoffs
from serve.reports.monitor.page import log, render
from serve.reports.monitor.status import MonitorCheck
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from tests.copied_company import copied_company
from training.record import Trained

CUTOFF, CHANGE = datetime(2025, 6, 23), pd.Timestamp("2025-05-15")
SCORED = [datetime(2025, 4, 7), datetime(2025, 5, 5), datetime(2025, 5, 12), CUTOFF]
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def home(demo_folder: Path, trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with a ledger of SCORED."""
    folder = tmp_path_factory.mktemp("home")
    for path in demo_folder.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    config = load(folder)
    scorer = Scorer(trained.model, load_rules(folder / "rules.toml"), config.words)
    specs = distinct((*trained.model.specs, *scorer.rules.specs))
    with open_database(config, specs) as database, open_ledger(LedgerPlace(folder)) as ledger:
        for cutoff in SCORED:
            score_all(config, database, scorer, ledger, cutoff)
    return folder


@contextmanager
def changed(home: Path, folder: Path, change: Callable[[Tables], Tables]) -> Iterator[Path]:
    """A copy of a folder whose tables were changed, beside the same ledger."""
    copied_company(home, folder)
    names = ("events", "leads", "deals")
    tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in names}
    for name, table in change(tables).items():
        table.to_parquet(folder / f"{name}.parquet")
    yield folder


def monitored(folder: Path, trained: Trained, cutoff: datetime = CUTOFF) -> Monitoring:
    models = {CHAMPION: trained.model, trained.model.version: trained.model}
    config = load(folder)
    with open_database(config) as database, open_ledger(LedgerPlace(folder)) as ledger:
        return monitor(config, database, ledger, models, cutoff)


@pytest.fixture(scope="module")
def clean(home: Path, trained: Trained) -> Monitoring:
    return monitored(home, trained)


def check(result: Monitoring, key: str) -> MonitorCheck:
    return next(each for each in result.checks if each.key == key)


def test_a_clean_week_has_no_red_light(clean: Monitoring) -> None:
    assert [each.key for each in clean.of("red")] == []
    assert (clean.exit_code(strict=False), check(clean, "actions").status) == (0, "green")
    assert len({each.key for each in clean.checks}) == len(clean.checks) == 23


def test_past_scores_by_brute_force(clean: Monitoring, home: Path) -> None:
    """Of the mature cutoffs the latest, and those a horizon before it: 05-12 and 04-07."""
    message = clean.versions[0]
    assert message.cutoffs == [date(2025, 4, 7), date(2025, 5, 12)]
    with open_ledger(LedgerPlace(home)) as ledger:
        rows = ledger.query("SELECT lead_id, cutoff, readiness FROM scores")
    deals = pd.read_parquet(home / "deals.parquet").set_index("lead_id")
    promised, won, leads = 0.0, 0, 0
    for row in rows.itertuples():
        if row.cutoff.date() in message.cutoffs:
            leads += 1
            promised += row.readiness
            if int(row.lead_id) in deals.index:
                deal = deals.loc[int(row.lead_id)]
                until = row.cutoff + timedelta(days=30)
                won += deal["outcome"] == "won" and row.cutoff <= deal["closed_at"] < until
    assert (message.overall.leads, message.overall.won) == (leads, won)
    assert message.overall.expected == pytest.approx(promised)
    assert message.gone == 0


def test_leads_that_are_gone_or_were_closed_before_count_nowhere(
    home: Path, tmp_path: Path, trained: Trained, clean: Monitoring
) -> None:
    with open_ledger(LedgerPlace(home)) as ledger:
        rows = ledger.query(
            "SELECT lead_id, readiness FROM scores WHERE cutoff = $c ORDER BY readiness",
            {"c": datetime(2025, 5, 12)},
        )
    deals = pd.read_parquet(home / "deals.parquet")
    open_ones = rows[~rows["lead_id"].isin(deals["lead_id"].astype(str))]
    gone, closed = map(int, open_ones["lead_id"].iloc[-2:])

    def change(tables: Tables) -> Tables:
        late = {"lead_id": [closed], "closed_at": [pd.Timestamp("2025-05-11")], "outcome": ["lost"]}
        deals = pd.concat([tables["deals"].astype({"outcome": str}), pd.DataFrame(late)])
        leads, events = (t[t["lead_id"] != gone] for t in (tables["leads"], tables["events"]))
        return {"leads": leads, "events": events, "deals": deals}

    with changed(home, tmp_path, change) as folder:
        result = monitored(folder, trained).versions[0]
    before = clean.versions[0]
    assert result.gone in (2, 3, 4)  # each may have been scored at 04-07 too
    assert result.overall.leads == before.overall.leads - result.gone
    assert result.overall.won == before.overall.won


def test_nothing_after_the_cutoff_counts(home: Path, tmp_path: Path, trained: Trained) -> None:
    cutoff = datetime(2025, 6, 16)

    def cut(tables: Tables) -> Tables:
        times = {"events": "recorded_at", "leads": "created_at", "deals": "closed_at"}
        return {name: table[table[times[name]] < cutoff] for name, table in tables.items()}

    with changed(home, tmp_path, cut) as folder:
        then = monitored(folder, trained, cutoff)
    assert to_json(then) == to_json(monitored(home, trained, cutoff))


def rename(tables: Tables) -> Tables:
    events = tables["events"]
    action = events["action"].astype(str)
    late = (events["occurred_at"] >= CHANGE) & (action == "visited_service_page")
    return {"events": events.assign(action=action.where(~late, "view_service"))}


def lose_source(tables: Tables) -> Tables:
    events = tables["events"]
    late = (events["occurred_at"] >= CHANGE) & (events["source"].astype(str) == "organic")
    return {"events": events[~late]}


def double(tables: Tables) -> Tables:
    events = tables["events"]
    return {"events": pd.concat([events, events[events["occurred_at"] >= CHANGE]])}


def lose_deals(tables: Tables) -> Tables:
    deals = tables["deals"]
    late = deals["closed_at"] >= pd.Timestamp("2025-04-01")
    return {"deals": deals.assign(outcome=deals["outcome"].astype(str).where(~late, "lost"))}


@pytest.mark.parametrize(
    ("change", "key", "message"),
    [
        (rename, "actions", "visited_service_page vanished .* perhaps now called view_service"),
        (rename, "actions", "view_service is new"),
        (lose_source, "sources", "organic vanished"),
        (double, "doubled", "of the events repeat"),
        (lose_deals, "base_rate", "0.0% of the leads are won"),
        (lose_deals, "calibration", "wins promised, 0 seen .* too much"),
    ],
)
def test_planted_changes_are_found_by_name(
    home: Path, tmp_path: Path, trained: Trained, change: Callable, key: str, message: str
) -> None:
    with changed(home, tmp_path, change) as folder:
        result = monitored(folder, trained)
    planted = check(result, key)
    assert planted.status == "red"
    assert re.search(message, f"{planted.message} {planted.todo}")
    assert result.exit_code(strict=False) == 1


def rename_all(tables: Tables) -> Tables:
    """The history too, as an export does that names all actions anew: no night is like another."""
    events = tables["events"]
    return {"events": events.assign(action="web_" + events["action"].astype(str))}


def test_a_renaming_of_all_actions_shows_against_the_training_alone(
    home: Path, tmp_path: Path, trained: Trained, clean: Monitoring
) -> None:
    with changed(home, tmp_path, rename_all) as folder:
        result = monitored(folder, trained)
    assert check(result, "actions").status == "green"
    renamed = check(result, "actions_at_training")
    assert (renamed.status, renamed.figure) == ("red", pytest.approx(1.0))
    unknown = {each["name"] for each in renamed.details if each["unknown"]}
    assert {"web_visited_homepage", "web_visited_service_page"} <= unknown
    keys = [f"{key}_at_training" for key in ("actions", "sources", "arrivals", "columns")]
    assert {check(clean, key).status for key in keys} == {"green"}
    assert {check(result, key).status for key in keys[1:]} == {"green"}


def test_a_model_stored_before_inputs_were_recorded_is_watched_without_them(
    home: Path, trained: Trained
) -> None:
    old = replace(trained, model=replace(trained.model, inputs=None))
    result = monitored(home, old)
    for key in ("actions", "sources", "arrivals", "columns"):
        assert check(result, f"{key}_at_training").status == "grey"
        assert "stored before" in check(result, f"{key}_at_training").message


def test_without_a_ledger_it_says_what_is_missing(
    home: Path, tmp_path: Path, trained: Trained
) -> None:
    with changed(home, tmp_path, lambda tables: {}) as folder:
        shutil.rmtree(folder / "ledger")
        result = monitored(folder, trained)
    assert check(result, "calibration").status == "grey"
    assert "0.0 wins are to be expected" in check(result, "calibration").message
    assert "20 are needed: 20.0 more" in check(result, "calibration").message
    assert check(result, "days_without_scores").status == "grey"
    assert render(result)


def test_the_reference_lies_whole_weeks_before() -> None:
    result = reference_cutoffs(datetime(2026, 6, 1), datetime(2026, 3, 30))
    assert [f"{cutoff:%m-%d}" for cutoff in result] == ["03-09", "03-16", "03-23", "03-30"]
    result = reference_cutoffs(datetime(2026, 6, 3), datetime(2026, 3, 30))
    assert f"{result[-1]:%m-%d}" == "03-25"
    with pytest.raises(Refused, match="nothing new to watch"):
        reference_cutoffs(datetime(2026, 3, 30), datetime(2026, 3, 30))


def test_the_page_and_the_run_hold_every_figure(clean: Monitoring, demo_folder: Path) -> None:
    text = render(clean)
    assert all(each.name in text for each in clean.checks)
    assert not re.search(r"<script|https?://(?!www\.w3\.org|purl\.org)|\{\{|None|nan", text)
    registry = Registry(load(demo_folder))
    run = registry.client.get_run(log(clean, registry))
    experiment = registry.client.get_experiment(run.info.experiment_id)
    assert experiment.name == "sales-readiness-monitor"
    assert run.data.tags["mlflow.runName"] == "monitor-2025-06-23T00:00"
    assert run.data.tags["light_actions"] == check(clean, "actions").status
    assert run.data.metrics == pytest.approx(clean.metrics())


def test_ten_years_on_the_page_is_written_and_the_features_are_red(
    home: Path, trained: Trained
) -> None:
    """Every open lead is older than any that the model has seen."""
    result = monitored(home, trained, CUTOFF + timedelta(days=3653))
    assert check(result, "features").status == "red"
    assert render(result)
    assert to_json(result)["checks"]
