"""What changed between two cutoffs adds up, whichever model and rules had scored the first.

Oracles: what explain_lead says of each cutoff by itself, and the ledger's own rows.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.config import Config, load
from features.contract.database import LeadDatabase
from features.errors import BadInput
from features.open_database import open_database
from models.classifier.calibration_line import CalibrationLine
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules, parse_rules
from serve.ledger.ledger import open_ledger
from serve.reports.explain.change import Difference
from serve.reports.explain.figures import explain_change, explain_lead
from serve.reports.explain.history import LedgerLine, as_seen, lines_of, sparkline
from serve.reports.explain.page import render, tell
from serve.reports.page import write_page
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from tests.serve.ledger.places import rows as rows_of
from training.record import Trained

CUTOFFS = [datetime(2025, 2, 3), datetime(2025, 2, 17), datetime(2025, 3, 3), datetime(2025, 4, 7)]
OTHER_RULES = """
name = "other"
bands = { warm = 3, hot = 30 }
total = { cap = 20 }
[[rule]]
action = "visited_pricing"
points = 7.1
half_life_days = 14
[[rule]]
action = "visited_homepage"
points = 1.3
"""


@pytest.fixture(scope="module")
def config(demo_folder: Path) -> Config:
    return load(demo_folder)


@pytest.fixture(scope="module")
def scorer(trained: Trained, config: Config) -> Scorer:
    return Scorer(trained.model, load_rules(config.folder / config.rules), config.words)


@pytest.fixture(scope="module")
def older(scorer: Scorer) -> Scorer:
    """A version before it, which was surer of everything, and its rules."""
    slope, intercept = scorer.model.line
    surer = scorer.model.classifier.with_line(CalibrationLine(1.3 * slope, intercept - 0.4))
    model = replace(scorer.model, classifier=surer, version="0")
    return Scorer(model, parse_rules(OTHER_RULES, Path("rules.toml")), scorer.words)


@pytest.fixture(scope="module")
def database(config: Config, scorer: Scorer, older: Scorer) -> Iterator[LeadDatabase]:
    with open_database(config, (*scorer.specs, *older.specs)) as result:
        yield result


@pytest.fixture(scope="module")
def path(
    tmp_path_factory: pytest.TempPathFactory,
    config: Config,
    database: LeadDatabase,
    scorer: Scorer,
    older: Scorer,
) -> LedgerPlace:
    """A ledger: the first cutoff scored by the older version, the second by both, the others by
    today's; the last not at all."""
    place = LedgerPlace(tmp_path_factory.mktemp("ledger"))
    with open_ledger(place) as ledger:
        for which, cutoff in ((older, 0), (older, 1), (scorer, 1), (scorer, 2)):
            score_all(config, database, which, ledger, CUTOFFS[cutoff])
    return place


@pytest.fixture(scope="module")
def leads(config: Config) -> list[str]:
    """Open from before the first cutoff until after the last."""
    created = pd.read_parquet(config.folder / "leads.parquet").set_index("lead_id")["created_at"]
    deals = pd.read_parquet(config.folder / "deals.parquet").set_index("lead_id")["closed_at"]
    result = (created < CUTOFFS[0]) & ~(deals.reindex(created.index) < CUTOFFS[-1])
    return [str(lead) for lead in created.index[result]]


def history_of(place: LedgerPlace, lead: str) -> tuple[LedgerLine, ...]:
    with open_ledger(place) as ledger:
        return lines_of(ledger, lead)


def add_up(result: Difference) -> None:
    whole = result.before + sum(part.difference for part in result.parts) + result.revised
    assert whole == pytest.approx(result.after, abs=1e-9)
    assert all(part.difference for part in result.parts)
    sizes = [abs(part.difference) for part in result.parts]
    assert sizes == sorted(sizes, reverse=True)


@settings(max_examples=12)
@given(data=st.data())
def test_the_difference_adds_up_and_ends_where_each_cutoff_stands(
    data: st.DataObject,
    config: Config,
    database: LeadDatabase,
    scorer: Scorer,
    path: LedgerPlace,
    leads: list[str],
) -> None:
    lead = data.draw(st.sampled_from(leads))
    pair = data.draw(st.lists(st.sampled_from(CUTOFFS), min_size=2, max_size=2, unique=True))
    since, cutoff = sorted(pair)
    history = history_of(path, lead)
    change = explain_change(config, database, scorer, lead, since, cutoff, history)
    add_up(change.log_odds)
    add_up(change.points)
    then = explain_lead(config, database, scorer, lead, since)
    now = explain_lead(config, database, scorer, lead, cutoff)
    assert change.log_odds.after == pytest.approx(now.log_odds, abs=1e-9)
    assert change.points.after == now.rule_score
    topics = {reason.topic: reason.log_odds for reason in then.reasons}
    later = {reason.topic: reason.log_odds for reason in now.reasons}
    differences = {part.name: part.difference for part in change.log_odds.parts}
    for topic in {*topics, *later}:
        moved = later.get(topic, 0.0) - topics.get(topic, 0.0)
        assert differences.get(topic, 0.0) == pytest.approx(moved, abs=1e-9)
    lines = {part.name: part.difference for part in change.points.parts}
    for line in {*then.lines, *now.lines}:
        moved = now.lines.get(line, 0.0) - then.lines.get(line, 0.0)
        assert lines.pop(line, 0.0) == pytest.approx(moved, abs=1e-9)
    assert not lines
    of_today = since in (CUTOFFS[1], CUTOFFS[2])
    known = [line for line in as_seen(history) if line.cutoff == since]
    assert (change.ledger is None) == (not known) == (since == CUTOFFS[-1])
    if known:
        assert change.readiness[0] == known[0].readiness
        ready = known[0].readiness or 0.0
        assert change.log_odds.before == pytest.approx(math.log(ready / (1 - ready)), abs=1e-9)
        assert change.points.before == known[0].rule_score
    assert of_today == (change.log_odds.revised == 0)
    assert of_today == (change.log_odds.because == "")


def test_the_change_of_model_and_rules_is_a_line_of_its_own(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer,
    older: Scorer,
    path: LedgerPlace,
    leads: list[str],
) -> None:
    for lead in leads[:5]:
        message = explain_lead(config, database, older, lead, CUTOFFS[0])
        same_day = explain_lead(config, database, scorer, lead, CUTOFFS[0])
        change = explain_change(
            config, database, scorer, lead, CUTOFFS[0], CUTOFFS[2], history_of(path, lead)
        )
        assert change.log_odds.revised == pytest.approx(
            same_day.log_odds - message.log_odds, abs=1e-9
        )
        version = scorer.model.version
        assert change.log_odds.because.startswith(f"model version 0 -> {version}: the same facts")
        assert change.points.revised == pytest.approx(
            same_day.rule_score - message.rule_score, abs=1e-9
        )
        if change.points.revised:
            assert f"rules {older.rules.version} -> {scorer.rules.version}" in change.points.because


def test_data_that_changed_since_they_were_scored_are_named(
    config: Config, database: LeadDatabase, scorer: Scorer, path: LedgerPlace, leads: list[str]
) -> None:
    lead = leads[0]
    tampered = tuple(
        replace(line, readiness=0.5, rule_score=-3.0) if line.cutoff == CUTOFFS[2] else line
        for line in history_of(path, lead)
    )
    change = explain_change(config, database, scorer, lead, CUTOFFS[2], CUTOFFS[3], tampered)
    assert (change.log_odds.before, change.points.before) == (0.0, -3.0)
    for result in (change.log_odds, change.points):
        add_up(result)
        reason = "the data up to then, or the settings, have changed since they were scored"
        assert result.because == reason


def test_a_line_of_the_points_alone_tells_the_points_of_then(
    config: Config, database: LeadDatabase, scorer: Scorer, path: LedgerPlace, leads: list[str]
) -> None:
    """Scored before there was a champion: the readiness of then is what today's model says."""
    alone = tuple(
        replace(message, readiness=None, rule_score=-3.0) for message in history_of(path, leads[0])
    )
    args = (config, database, scorer, leads[0], CUTOFFS[2], CUTOFFS[3])
    change, without = explain_change(*args, alone), explain_change(*args, ())
    assert (change.readiness, change.log_odds) == (without.readiness, without.log_odds)
    assert change.points.before == -3.0
    add_up(change.points)


def test_fading_new_events_and_caps_are_shown_by_line(
    config: Config, database: LeadDatabase, older: Scorer, leads: list[str]
) -> None:
    """The other rules fade visits of the price list by half every 14 days, and stop at 20."""
    texts, names = [], set()
    for lead in leads[:60]:
        change = explain_change(config, database, older, lead, CUTOFFS[0], CUTOFFS[2], ())
        add_up(change.points)
        names |= {part.name for part in change.points.parts}
        texts += [part.text for part in change.points.parts if part.name == "1. visited_pricing"]
    assert names == {"1. visited_pricing", "2. visited_homepage", "total cap"}
    assert any(text.startswith("recent visited pricing (faded count ") for text in texts)
    assert any(text.startswith('no "visited pricing" so far -> ') for text in texts)


def test_the_history_is_the_ledger_s(path: LedgerPlace, leads: list[str], scorer: Scorer) -> None:
    lead = leads[1]
    columns = ["cutoff", "model_version", "rules_version", "readiness", "rule_score", "band"]
    columns += ["route", "lead_id", "scored_at"]
    stored = [row[:-2] for row in rows_of(path, columns) if row[-2] == lead]
    result = history_of(path, lead)
    assert len(result) == 4
    assert stored == [
        (s.cutoff, s.model_version, s.rules_version, s.readiness, s.rule_score, s.band, s.route)
        for s in result
    ]
    seen = as_seen(result)
    assert [message.cutoff for message in seen] == CUTOFFS[:3]
    assert [message.model_version for message in seen] == ["0", *[scorer.model.version] * 2]
    assert len(sparkline([message.readiness for message in seen])) == 3


def test_a_lead_never_scored_has_no_history_and_makes_no_ledger(
    path: LedgerPlace, tmp_path: Path
) -> None:
    assert history_of(path, "nobody") == ()
    assert history_of(LedgerPlace(tmp_path / "none"), "1") == ()
    assert not (tmp_path / "none").exists()


def test_cutoffs_must_be_in_order_and_the_lead_open_at_both(
    config: Config, database: LeadDatabase, scorer: Scorer, leads: list[str]
) -> None:
    for since in (CUTOFFS[1], CUTOFFS[2]):
        with pytest.raises(BadInput, match="is not before the cutoff 2025-02-17"):
            explain_change(config, database, scorer, leads[0], since, CUTOFFS[1], ())
    with pytest.raises(BadInput, match="not open at 2020-01-01 00:00:00: it was created later"):
        explain_change(config, database, scorer, leads[0], datetime(2020, 1, 1), CUTOFFS[1], ())
    with pytest.raises(BadInput, match="there is no such lead_id"):
        explain_change(config, database, scorer, "it's", CUTOFFS[0], CUTOFFS[1], ())


def test_who_is_to_be_called_now_has_no_day_to_come_back(
    config: Config, scorer: Scorer, path: LedgerPlace
) -> None:
    of_ledger = config.model_copy(update={"out": str(path.folder)})
    with open_ledger(path) as ledger:
        rows = ledger.rows(ledger.as_seen(CUTOFFS[2]).run).query("state == 'scored'")
    for route, comes_back in (("sales", False), ("nurture", True)):
        lead = str(rows.loc[rows["decided_route"] == route, "lead_id"].iloc[0])
        story = tell(of_ledger, scorer, lead, CUTOFFS[2])
        close = story.lead.time_to_close
        assert story.is_to_call is not comes_back
        assert (close.follow_up_on is not None) is comes_back
        assert ("come back" in str(close)) is comes_back
        assert ("Come back on" in render(story)) is comes_back
        if not comes_back:
            assert str(close.close_days_median) in str(close)
            last = story.line.contact_by - timedelta(microseconds=1)
            assert f"Call by {last:%A}, <time>{last:%Y-%m-%d}</time>" in render(story)


def test_the_page_holds_the_story_and_fetches_nothing(
    config: Config, scorer: Scorer, path: LedgerPlace, leads: list[str], tmp_path: Path
) -> None:
    lead = leads[2]
    of_ledger = config.model_copy(update={"out": str(path.folder)})
    story = tell(of_ledger, scorer, lead, CUTOFFS[2], since=CUTOFFS[0])
    hostile = replace(story, lead=replace(story.lead, lead_id="<script>alert(1)</script>"))
    text = write_page(tmp_path / "out" / "explain.html", render(hostile), hostile).read_text(
        encoding="utf-8"
    )
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r"(src|href)=\"(?!#)", text)
    assert "model version 0 \u2192" in text
    assert text.count("<svg") == 2
    rows = pd.read_parquet(config.folder / "events.parquet")
    known = rows["recorded_at"].fillna(rows["occurred_at"]).clip(lower=rows["occurred_at"])
    mine = rows[(rows["lead_id"].astype(str) == lead) & (known < CUTOFFS[2])]
    assert len(story.events) == len(mine) > 0
    unscored = replace(story, history=(), change=None)
    text = write_page(tmp_path / "never.html", render(unscored), unscored).read_text(
        encoding="utf-8"
    )
    assert "Never scored so far" in text
