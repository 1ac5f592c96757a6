"""Which cutoffs are a fair test, by hand; and that the pieces of a comparison belong together."""

import json
from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from features.config import load
from features.errors import Refused
from features.result_json import to_json
from models.comparison import compare_on, fair_cutoffs
from models.rules.rules import load_rules
from tests.features.lead_databases import at, config_for
from tests.models.small_model import fitted

GRID = config_for(".", time={"first_cutoff": at("2026-01-05"), "cutoff_every_days": 7})
DATA_END = at("2026-06-01")
MODEL = fitted(300)


def fair(*pasts, data_end=DATA_END):
    """The fair cutoffs for models, each by its last training cutoff and its horizon in days."""
    models = [
        replace(MODEL, trained_until=at(until), horizon_days=horizon) for until, horizon in pasts
    ]
    return [f"{cutoff:%m-%d}" for cutoff in fair_cutoffs(GRID, models, data_end)]


def test_fair_is_a_horizon_after_training_and_mature():
    """Trained until 03-30: the label is complete at 04-13. 2026-05-18 + 14 days is 06-01 sharp."""
    assert fair(("2026-03-30", 14)) == ["04-13", "04-20", "04-27", "05-04", "05-11", "05-18"]
    assert fair(("2026-03-30", 15))[0] == "04-20"
    assert fair(("2026-03-30", 14), data_end=at("2026-05-31 23:59:59"))[-1] == "05-11"


def test_fair_to_two_models_is_fair_to_each():
    assert fair(("2026-03-30", 14), ("2026-04-13", 14)) == ["04-27", "05-04", "05-11", "05-18"]
    # of two horizons the longer counts, for the wait as for the outcomes: 03-02 to 04-01
    assert fair(("2026-03-02", 14), ("2026-02-02", 30)) == ["04-06", "04-13", "04-20", "04-27"]


def test_without_a_fair_cutoff_one_is_told_to_wait():
    with pytest.raises(Refused, match="No mature cutoff lies 30 days or more after 2026-04-13"):
        fair(("2026-04-13", 30))


@pytest.fixture(scope="module")
def compared(demo_folder, trained, judged):
    config, rules = load(demo_folder), load_rules(demo_folder / "rules.toml")
    return compare_on(judged, config, datetime(2025, 6, 23), trained.model, rules)


def test_training_and_comparing_agree(compared, trained):
    """The final test's cutoffs are all that is fair here, so the figures are the same."""
    assert to_json(compared)["test"] == to_json(trained)["test"]
    assert compared.verdict == trained.comparison.verdict


def test_scores_and_outcomes_lie_beside_their_snapshots(compared, trained, judged, demo_folder):
    rules = load_rules(demo_folder / "rules.toml")
    assert compared.snapshots.equals(judged.frame[["lead_id", "cutoff"]])
    assert np.array_equal(compared.won, judged.won)
    assert np.array_equal(compared.model, trained.model.rank(judged.frame))
    assert np.array_equal(compared.rules, rules.rank(judged.frame))
    by_hand = average_precision_score(judged.won, compared.rules)
    estimates = compared.judgement.estimates
    assert estimates["rules"]["average_precision"].point == pytest.approx(by_hand)


def test_the_json_names_what_was_compared(compared, trained, demo_folder):
    printed = json.loads(json.dumps(to_json(compared), allow_nan=False))
    assert printed["model_version"] == trained.model.version == "1"
    assert printed["run_id"] == trained.model.run_id
    assert printed["rules_version"] == load_rules(demo_folder / "rules.toml").version
    assert printed["verdict"] == str(compared.verdict)
    assert printed["horizon_days"] == 30
    assert printed["trained_until"] == "2025-03-03T00:00:00"
