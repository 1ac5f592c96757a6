"""Compare judges on cutoffs that are a fair test of the model, all of them and no other."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from features.check.worked import Worked
from features.config import Config, load
from features.contract.database import LeadDatabase
from features.errors import Refused
from features.open_database import open_database
from features.progress import silent
from features.result_json import to_json
from models.comparison import Comparison
from models.rules.rules import RuleScore, load_rules
from serve.reports.compare.figures import compare, worked_at
from training.record import Trained


@pytest.fixture(scope="module")
def config(demo_folder: Path) -> Config:
    return load(demo_folder)


@pytest.fixture(scope="module")
def database(config: Config) -> Iterator[LeadDatabase]:
    with open_database(config) as result:
        yield result


@pytest.fixture(scope="module")
def rules(config: Config) -> RuleScore:
    return load_rules(config.folder / config.rules)


@pytest.fixture(scope="module")
def compared(
    config: Config, database: LeadDatabase, trained: Trained, rules: RuleScore
) -> Comparison:
    return compare(config, database, trained.model, rules, silent)


def cutoffs_of(compared: Comparison) -> list[datetime]:
    return sorted(pd.to_datetime(compared.snapshots["cutoff"].unique()).to_pydatetime())


def test_the_cutoffs_are_the_fair_and_mature_ones(
    config: Config, database: LeadDatabase, trained: Trained, compared: Comparison
) -> None:
    """Counted by hand: on the grid, a horizon or more after the last one trained on, and with all
    of their own horizon in the data."""
    horizon = timedelta(days=30)
    expected, cutoff = [], config.time.first_cutoff
    while cutoff + horizon <= database.data_end:
        if cutoff >= trained.split.fit[-1] + horizon:
            expected.append(cutoff)
        cutoff += timedelta(days=14)
    assert cutoffs_of(compared) == expected
    assert len(expected) == 3


def test_it_agrees_with_the_final_test_of_training(trained: Trained, compared: Comparison) -> None:
    why = {"champion_because": to_json(compared)["champion_because"]}  # known at promotion
    assert to_json(compared) == to_json(trained.comparison) | why


def test_figures_against_the_raw_files(config: Config, compared: Comparison) -> None:
    deals = pd.read_parquet(config.folder / "deals.parquet").set_index("lead_id")
    deal = deals.reindex(compared.snapshots["lead_id"])
    cutoff = compared.snapshots["cutoff"].to_numpy()
    closed = deal["closed_at"].to_numpy()
    won = (deal["outcome"] == "won").to_numpy() & (closed >= cutoff)
    won &= closed < cutoff + np.timedelta64(30, "D")
    assert np.array_equal(compared.won, won.astype(float))
    test = to_json(compared)["test"]
    assert test["model"]["roc_auc"] == pytest.approx(roc_auc_score(won, compared.model))
    assert test["rules"]["roc_auc"] == pytest.approx(roc_auc_score(won, compared.rules))
    assert test["wins"] == won.sum()


def test_a_model_trained_on_less_is_judged_on_more(
    config: Config, database: LeadDatabase, trained: Trained, rules: RuleScore, compared: Comparison
) -> None:
    earlier = replace(trained.model, trained_until=trained.model.trained_until - timedelta(days=28))
    more = cutoffs_of(compare(config, database, earlier, rules, silent))
    assert len(more) == len(cutoffs_of(compared)) + 2
    assert more[2:] == cutoffs_of(compared)


def test_a_cutoff_a_horizon_after_the_last_one_trained_on_is_fair_and_one_before_is_not(
    config: Config, database: LeadDatabase, trained: Trained, rules: RuleScore, compared: Comparison
) -> None:
    first, *later = cutoffs_of(compared)
    sharp = replace(trained.model, trained_until=first - timedelta(days=30))
    assert cutoffs_of(compare(config, database, sharp, rules, silent)) == [first, *later]
    beyond = replace(sharp, trained_until=sharp.trained_until + timedelta(microseconds=1))
    assert cutoffs_of(compare(config, database, beyond, rules, silent)) == later


def test_a_model_that_has_seen_too_much_is_not_judged(
    config: Config, database: LeadDatabase, trained: Trained, rules: RuleScore
) -> None:
    late = replace(trained.model, trained_until=database.data_end - timedelta(days=59))
    with pytest.raises(Refused, match="No mature cutoff lies 30 days or more after"):
        compare(config, database, late, rules, silent)


def test_who_was_never_contacted_against_the_raw_files(
    demo_folder: Path, database: LeadDatabase, compared: Comparison
) -> None:
    read = {
        name: pd.read_parquet(demo_folder / f"{name}.parquet") for name in ("contacts", "deals")
    }
    leads = set(compared.snapshots["lead_id"])
    closed = read["deals"].set_index("lead_id")["closed_at"].to_dict()
    met = {
        lead
        for lead, when in read["contacts"][["lead_id", "contacted_at"]].itertuples(index=False)
        if lead in leads and (lead not in closed or when <= closed[lead])
    }
    won = leads & set(read["deals"].loc[read["deals"]["outcome"] == "won", "lead_id"])
    result = worked_at(database, compared)
    assert result is not None
    assert result == Worked(len(leads), len(leads - met), len(won - met), len(won & met))
