"""Why leads moved, for all at once, against what `explain --since` says of each lead alone."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from features.config import Config, load
from features.contract.database import LeadDatabase
from features.open_database import open_database
from models.classifier.calibration_line import CalibrationLine
from models.decisions.overrides import Override
from models.decisions.place import LedgerPlace
from models.rules.rules import load_rules
from serve.ledger.decide import add_override
from serve.ledger.ledger import Ledger, open_ledger
from serve.movers.moves import list_of, stored_movers
from serve.reports.explain.figures import explain_change
from serve.reports.explain.history import lines_of
from serve.scoring.batch import score_all
from serve.scoring.movers import movers_since
from serve.scoring.points_only import PointsOnly
from serve.scoring.scorer import Scorer
from training.record import Trained

FIRST, SECOND, THIRD = datetime(2025, 3, 3), datetime(2025, 3, 10), datetime(2025, 3, 17)


@pytest.fixture(scope="module")
def config(demo_folder: Path) -> Config:
    config = load(demo_folder)
    movers = config.movers.model_copy(update={"thresholds": [0.1, 0.3]})
    return config.model_copy(update={"movers": movers})


@pytest.fixture(scope="module")
def scorer(trained: Trained, config: Config) -> Scorer:
    return Scorer(trained.model, load_rules(config.folder / config.rules), config.words)


@pytest.fixture(scope="module")
def database(config: Config, scorer: Scorer) -> Iterator[LeadDatabase]:
    with open_database(config, scorer.specs) as result:
        yield result


@pytest.fixture(scope="module")
def ledger(tmp_path_factory, config: Config, database: LeadDatabase, scorer: Scorer):
    """Three lists: the first by version 0, which was surer; the others by today's."""
    slope, intercept = scorer.model.line
    surer = scorer.model.classifier.with_line(CalibrationLine(1.3 * slope, intercept - 0.4))
    older = replace(scorer, model=replace(scorer.model, classifier=surer, version="0"))
    place = LedgerPlace(tmp_path_factory.mktemp("ledger"))
    with open_ledger(place) as opened:
        for which, cutoff in ((older, FIRST), (scorer, SECOND), (scorer, THIRD)):
            score_all(config, database, which, opened, cutoff)
        yield opened


def amounts(text: str) -> list[float]:
    return [float(each) for each in re.findall(r"\(([+-][\d.]+)\)", text)]


@pytest.mark.parametrize(("since", "cutoff"), [(FIRST, SECOND), (SECOND, THIRD), (FIRST, THIRD)])
def test_the_parts_are_those_of_each_lead_alone(
    config: Config,
    database: LeadDatabase,
    scorer: Scorer,
    ledger: Ledger,
    since: datetime,
    cutoff: datetime,
) -> None:
    run, before = list_of(ledger, cutoff), list_of(ledger, since)
    movers = movers_since(config, database, scorer, ledger, run, before).rows
    if (since, cutoff) != (FIRST, THIRD):  # lists that follow each other: so it is in the ledger
        stored = stored_movers(ledger, run).rows
        assert movers.equals(stored)
    known = movers.dropna(subset=["readiness_before", "readiness"])
    assert len(known) > 10
    hot = known[known["moved"].str.contains("hot")].head(3)
    assert len(hot)
    for lead in pd.concat([hot, known.sample(8, random_state=1)]).to_dict("records"):
        history = lines_of(ledger, lead["lead_id"])
        change = explain_change(config, database, scorer, lead["lead_id"], since, cutoff, history)
        text = lead["moved_because"]
        assert lead["readiness_before"] == change.readiness[0]
        if "readiness" in text.split("; ")[0]:
            ready = text.partition("; points")[0]
            strongest = [p for p in change.log_odds.parts if abs(p.difference) >= 0.005][:2]
            for part in strongest:
                assert f"{part.text} ({part.difference:+.2f})" in ready
            expected = [round(part.difference, 2) for part in strongest]
            if since == FIRST:
                assert f"model version 0 -> {scorer.model.version}" in ready
                expected.append(round(change.log_odds.revised, 2))
            assert sorted(amounts(ready)) == pytest.approx(sorted(expected), abs=0.0051)
        if "newly hot" in lead["moved"]:
            part = change.points.parts[0]
            assert f"points {change.points.before:g} -> {change.points.after:g}: " in text
            assert f"({part.difference:+g})" in text


def test_a_new_lead_has_its_reasons_and_a_decision_comes_first(
    config: Config, database: LeadDatabase, scorer: Scorer, tmp_path: Path
) -> None:
    place = LedgerPlace(tmp_path)
    with open_ledger(place) as ledger:
        score_all(config, database, scorer, ledger, FIRST)
        listed = ledger.rows(list_of(ledger, FIRST), most=1)["lead_id"].iloc[0]
        because = "asked to wait"
        score_all(config, database, scorer, ledger, SECOND)
        for lead, route in ((listed, "sales"), (listed, "nurture")):
            since = FIRST if route == "sales" else SECOND
            add_override(ledger, Override(lead, route, because, "ann", SECOND, since))
        score_all(config, database, scorer, ledger, THIRD)
        run, before = list_of(ledger, SECOND), list_of(ledger, FIRST)
        rows = movers_since(config, database, scorer, ledger, run, before).rows
        scored = ledger.rows(run).set_index("lead_id")
    texts = dict(zip(rows["lead_id"], rows["moved_because"], strict=True))
    assert because in texts[listed]
    new = rows[rows["readiness_before"].isna() & rows["readiness"].notna()]
    assert len(new)
    for lead in new["lead_id"]:
        if scored.loc[lead, "reasons"]:
            assert texts[lead] == f"new since the list before: {scored.loc[lead, 'reasons']}"


def test_points_alone_explain_by_points(
    config: Config, database: LeadDatabase, scorer: Scorer, tmp_path: Path
) -> None:
    alone = PointsOnly(scorer.rules, scorer.words)
    with open_ledger(LedgerPlace(tmp_path)) as ledger:
        for cutoff in (FIRST, SECOND):
            score_all(config, database, alone, ledger, cutoff)
        rows = stored_movers(ledger, list_of(ledger, SECOND)).rows
    both = rows.dropna(subset=["rule_score_before", "rule_score"])
    assert len(both) > 5
    spoken = [rule.words(config.words) for rule in scorer.rules.file.rule]
    for lead in both.to_dict("records"):
        span = f"points {lead['rule_score_before']:g} -> {lead['rule_score']:g}"
        assert lead["moved_because"].startswith(span)
        if amounts(lead["moved_because"]):
            assert any(f"{words} (" in lead["moved_because"] for words in spoken)
