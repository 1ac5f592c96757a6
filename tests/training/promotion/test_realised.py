"""Where promotion.realised asks for it, what both gave on past nights decides, not the backtest.

Champion and challenger are twins, so that no backtest promotes; the ledger has other readings.
"""

import shutil
from datetime import timedelta
from functools import partial

import numpy as np
import pytest

from features.config import load
from features.errors import Refused
from models.decisions.place import LedgerPlace
from models.registry import CHAMPION, Registry
from models.routing import Router
from serve.ledger.ledger import open_ledger
from serve.ledger.runs import Run
from serve.ledger.shadows import add_shadow
from serve.reports.compare.realised import realised_for
from tests.models.small_model import training
from training.promotion.decision import Takes
from training.promotion.history import history
from training.promotion.promote import promote

pytestmark = pytest.mark.slow


@pytest.fixture
def company(demo_folder, trained, tmp_path):
    """Settings, registry, and champion and challenger: twins, in a company of their own."""
    for file in demo_folder.iterdir():
        if file.is_file():
            shutil.copy(file, tmp_path)
    config = load(tmp_path)
    registry = Registry(config)
    champion = registry.log(training(trained.model)).version
    registry.set_champion(champion)
    return config, registry, champion, registry.log(training(trained.model)).version


def lists(company, judged, knowing: str) -> None:
    """Past nights, at the cutoffs of the final test; only `knowing` has any idea of who is won."""
    config, _, champion, challenger = company
    rng = np.random.default_rng(3)
    frame = judged.frame[["cutoff"]].assign(lead_id=judged.frame["lead_id"].astype(str))
    for name in ("champion", "challenger"):
        frame[name] = rng.uniform(0, 0.5, len(frame)) + 0.4 * judged.won * (name == knowing)
    frame["rules"] = rng.permutation(len(frame)).astype(float)
    with open_ledger(LedgerPlace.of(config)) as ledger:
        for cutoff, night in frame.groupby("cutoff"):
            at = cutoff.to_pydatetime()
            run, scored_at = Run(at, champion, "a41f09c3be"), at + timedelta(hours=4)
            columns = {"champion": "readiness", "rules": "rule_score"}
            rows = night[["lead_id", *columns]].rename(columns=columns)
            rows = rows.assign(state="scored", band="warm")
            ledger.write(run, [rows], len(rows), Router(50, at), scored_at)
            given = night[["lead_id"]].assign(readiness=night["challenger"])
            add_shadow(ledger, run, challenger, [given], scored_at)


def decided(company, **more):
    config = company[0]
    return promote(config, realised=partial(realised_for, config), **more)


def test_without_past_lists_it_is_refused_though_forced(company) -> None:
    _, registry, champion, challenger = company
    for more in ({}, {"reason": "so", "force": True}):
        with pytest.raises(Refused, match=f"version {challenger} and version {champion}"):
            decided(company, **more)
    assert registry.find(CHAMPION) == champion


def test_the_surely_better_one_is_taken_though_the_backtest_shows_no_difference(
    company, judged
) -> None:
    config, registry, _, challenger = company
    lists(company, judged, "challenger")
    assert not promote(config).promoted
    result = decided(company)
    assert (result.promoted, result.takes) == (True, Takes.NOTHING)
    assert registry.find(CHAMPION) == challenger
    assert (result.judged.evidence, result.backtest.evidence) == ("realised", "backtest")
    assert result.judged.difference["champion"].low > 0
    assert result.backtest.difference["champion"] == (0, 0, 0)
    assert (result.judged.snapshots, result.judged.wins) == (len(judged.won), judged.wins)
    assert result.judged.cutoffs == result.backtest.cutoffs
    assert result.judged.rules_version == "a41f09c3be"
    assert history(config).periods[-1].version == challenger


def test_the_surely_worse_one_takes_force(company, judged) -> None:
    _, registry, champion, challenger = company
    lists(company, judged, "champion")
    result = decided(company, reason="it is newer")
    assert (result.promoted, result.takes) == (False, Takes.FORCE)
    assert registry.find(CHAMPION) == champion
    assert result.judged.difference["champion"].high < 0
    assert decided(company, reason="so", force=True).promoted
    assert registry.find(CHAMPION) == challenger
