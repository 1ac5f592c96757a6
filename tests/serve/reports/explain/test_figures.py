"""What is said of one lead adds up, and is said of open leads only."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from features.config import Config, load
from features.contract.database import LeadDatabase
from features.errors import BadInput
from features.open_database import open_database
from features.result_json import to_json
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules, parse_rules
from serve.ledger.ledger import open_ledger
from serve.reports.explain.figures import explain_lead
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from tests.features.lead_databases import at, config_for, event, opened
from training.record import Trained

CUTOFF = datetime(2025, 3, 3)


@pytest.fixture(scope="module")
def config(demo_folder: Path) -> Config:
    return load(demo_folder)


@pytest.fixture(scope="module")
def scorer(trained: Trained, config: Config) -> Scorer:
    return Scorer(trained.model, load_rules(config.folder / config.rules), config.words)


@pytest.fixture(scope="module")
def database(config: Config) -> Iterator[LeadDatabase]:
    with open_database(config) as result:
        yield result


def test_reasons_and_lines_add_up_to_what_the_ledger_says(
    config: Config, database: LeadDatabase, scorer: Scorer, tmp_path: Path
) -> None:
    with open_ledger(LedgerPlace(tmp_path)) as ledger:
        rows = score_all(config, database, scorer, ledger, CUTOFF).rows
    leads = [*rows["lead_id"].head(3), *rows.sort_values("rule_score")["lead_id"].iloc[[0, -1]]]
    for row in rows.set_index("lead_id").loc[leads].itertuples():
        message = explain_lead(config, database, scorer, str(row.Index), CUTOFF)
        assert (message.readiness, message.rule_score, message.band) == (
            row.readiness,
            row.rule_score,
            row.band,
        )
        logit = math.log(row.readiness / (1 - row.readiness))
        reasons = sum(reason.log_odds for reason in message.reasons)
        assert message.base + reasons == pytest.approx(logit, abs=1e-9)
        assert message.log_odds == pytest.approx(logit, abs=1e-9)
        assert sum(message.lines.values()) == pytest.approx(row.rule_score, abs=1e-9)
        assert all(message.lines.values())
        assert row.reasons == "; ".join(map(str, message.reasons[:3]))
        strengths = [abs(reason.log_odds) for reason in message.reasons]
        assert strengths == sorted(strengths, reverse=True)


def test_a_lead_that_is_not_open_is_told_why(
    config: Config, database: LeadDatabase, scorer: Scorer
) -> None:
    leads = pd.read_parquet(config.folder / "leads.parquet").set_index("lead_id")
    deals = pd.read_parquet(config.folder / "deals.parquet").set_index("lead_id")
    for outcome in ("won", "lost"):
        closed = deals.index[(deals["outcome"] == outcome) & (deals["closed_at"] < CUTOFF)][0]
        when = f"{deals.loc[closed, 'closed_at']:%Y-%m-%d %H:%M}"
        message = (
            f"Lead {closed} is not open at 2025-03-03 00:00:00: its deal was {outcome} on {when}"
        )
        with pytest.raises(BadInput, match=f"^{message}"):
            explain_lead(config, database, scorer, str(closed), CUTOFF)
    later = leads.index[leads["created_at"] >= CUTOFF][0]
    created = f"{leads.loc[later, 'created_at']:%Y-%m-%d %H:%M}"
    with pytest.raises(BadInput, match=f"Lead {later} .*: it was created later, on {created}"):
        explain_lead(config, database, scorer, str(later), CUTOFF)


@pytest.mark.parametrize("unknown", ["0", "", "1 OR 1=1", "it's", "1'; DROP TABLE leads; --"])
def test_an_unknown_lead_is_named(
    config: Config, database: LeadDatabase, scorer: Scorer, unknown: str
) -> None:
    with pytest.raises(BadInput, match="there is no such lead_id in the table leads"):
        explain_lead(config, database, scorer, unknown, CUTOFF)


def test_faulty_leads_are_told_their_fault(tmp_path: Path, scorer: Scorer) -> None:
    created = {"created_at": at("2026-01-05"), "source": "ads"}
    leads = [{"lead_id": name} | created for name in ("007", "7", "twice", "twice")]
    leads.append({"lead_id": "undated", "created_at": None, "source": "ads"})
    events = [event("007", at("2026-02-01"), "opened_quote"), event("stray", at("2026-02-01"))]
    cutoff, config = datetime(2026, 3, 1), config_for(tmp_path)
    with opened(leads, events, features={"attributes": ["source"]}) as database:
        explained = explain_lead(config, database, scorer, "007", cutoff)
        assert (explained.rule_score, list(explained.lines.values())) == (20, [20])
        assert explain_lead(config, database, scorer, "7", cutoff).lines == {}
        for name, sentence in {
            "twice": r"its rows breach the contract \(leads.lead_id: 2 rows\)",
            "undated": r"its rows breach the contract \(leads.created_at: no created_at\)",
            "stray": "there is no such lead_id in the table leads",
        }.items():
            with pytest.raises(BadInput, match=f"Lead {name} is not open at .*: {sentence}"):
                explain_lead(config, database, scorer, name, cutoff)


def test_a_merged_lead_names_the_one_it_was_merged_into(tmp_path: Path, scorer: Scorer) -> None:
    leads = [{"lead_id": name, "created_at": at("2026-01-05"), "source": "ads"} for name in "ab"]
    events = [event("a", at("2026-02-01"), "opened_quote")]
    merges = "SELECT 'a' AS lead_id, 'b' AS into_lead_id, TIMESTAMP '2026-02-10 09:00' AS merged_at"
    cutoff, config = datetime(2026, 3, 1), config_for(tmp_path)
    sections = {"features": {"attributes": ["source"]}, "tables": {"merges": merges}}
    with opened(leads, events, **sections) as database:
        with pytest.raises(BadInput, match=r"lead b on 2026-02-10 09:00"):
            explain_lead(config, database, scorer, "a", cutoff)
        assert explain_lead(config, database, scorer, "b", cutoff).rule_score == 20


def test_what_json_holds(config: Config, database: LeadDatabase, scorer: Scorer) -> None:
    message = to_json(explain_lead(config, database, scorer, "1999", None))
    assert list(message) == [
        "lead_id",
        "cutoff",
        "readiness",
        "log_odds",
        "base",
        "reasons",
        "rule_score",
        "band",
        "lines",
        "disqualified",
        "time_to_close",
        "prior_shift",
        "why_no_readiness",
        "fit",
        "engagement",
    ]
    assert message["cutoff"] == "2025-06-24T00:00:00"  # the midnight after the data end
    assert list(message["reasons"][0]) == ["topic", "log_odds", "text"]


def test_the_time_to_close_is_that_of_the_curves(
    config: Config, database: LeadDatabase, scorer: Scorer, tmp_path: Path
) -> None:
    with open_ledger(LedgerPlace(tmp_path)) as ledger:
        rows = score_all(config, database, scorer, ledger, CUTOFF).rows
    row = rows[rows["decided_route"] == "nurture"].iloc[0]
    lead = str(row["lead_id"])
    explained = explain_lead(config, database, scorer, lead, CUTOFF)
    result = to_json(explained)["time_to_close"]
    assert result["chances"]["30"] == pytest.approx(explained.readiness)
    assert result["close_days_low"] <= result["close_days_median"] <= result["close_days_high"]
    assert result["follow_up_on"] > "2025-03-03"
    for column in ("close_days_low", "close_days_median", "close_days_high"):
        assert row[column] == result[column]
    assert f"{row['follow_up_on']:%Y-%m-%d}" == result["follow_up_on"]
    assert (explained.fit, explained.engagement) == (row["fit"], row["engagement"])
    sentence = f"half by day {result['close_days_median']}; come back on "
    assert sentence in str(explained.time_to_close)
    before = replace(scorer.model, time_to_close=None, fit_engagement=None)
    older = Scorer(before, scorer.rules, scorer.words)
    without = explain_lead(config, database, older, lead, CUTOFF)
    assert without.time_to_close is None
    assert to_json(without)["time_to_close"] is None
    assert (without.fit, without.engagement) == (None, None)


def test_who_is_disqualified_reads_why(
    config: Config, database: LeadDatabase, scorer: Scorer
) -> None:
    text = scorer.rules.text + '[[disqualify]]\nname = "all"\nany = [{ at_most = 100000 }]\n'
    strict = Scorer(scorer.model, parse_rules(text, Path("rules.toml")), scorer.words)
    message = explain_lead(config, database, strict, "1999", None)
    assert message.disqualified == "all: any activity at most 100,000 times so far"
    usual = explain_lead(config, database, scorer, "1999", None)
    assert (usual.disqualified, usual.lines) == (None, message.lines)
