"""A training that chooses own models by itself: of two products whose buyers do the opposite, and
not where the same product is drawn by lot. Chances are known, so that better is truly better."""

import numpy as np
import pandas as pd
import pytest

from features.config import load
from features.open_database import open_database
from models.classifier.by_segment import BySegment
from models.classifier.classifier import ReadinessClassifier
from models.registry import Registry
from tests.readiness.running import little_folder, readiness
from training.splits import configured_split, labelled_sides

pytestmark = pytest.mark.slow

START, DAYS, LEADS = pd.Timestamp("2024-01-01"), 330, 2_100
SETTINGS = """
[tables]
leads = "leads.parquet"
events = "events.parquet"
deals = "deals.parquet"
[time]
first_cutoff = 2024-01-15
cutoff_every_days = 21
test_cutoffs = 3
[capacity]
share = 0.1
[features]
attributes = ["product"]
windows_days = [30]
leave_out = ["*_share_*", "*contents*", "*value*", "*sessions*", "trend*", "*source"]
[training]
candidates = 1
folds = 2
jobs = 1
learner = "logistic"
by = "product"
"""


def write_company(folder, by_lot):
    """Leads that do a and b on their first day; a win comes at any of the next 29 days, else the
    loss on day 30. Whoever buys x did a, whoever buys y did b. by_lot: the product that is written
    down is another. Returns the chance of each lead that it will ever be won."""
    rng = np.random.default_rng(5)
    product, did = rng.choice(["x", "y"], LEADS), rng.poisson(1.5, (LEADS, 2))
    moves = np.where(product == "x", did[:, 0] - did[:, 1], did[:, 1] - did[:, 0])
    chance = 1 / (1 + np.exp(0.5 - moves))
    created = START + pd.to_timedelta(rng.uniform(0, DAYS, LEADS), unit="D")
    won = rng.random(LEADS) < chance
    closed = created + pd.to_timedelta(np.where(won, rng.uniform(1, 30, LEADS), 30), unit="D")
    written = rng.choice(["x", "y"], LEADS) if by_lot else product
    ids = np.arange(LEADS)
    who = np.repeat(ids, did.sum(axis=1))
    occurred = created[who] + pd.to_timedelta(rng.random(len(who)), unit="D")
    action = np.repeat(np.tile(["a", "b"], LEADS), did.ravel())
    outcome = np.where(won, "won", "lost")
    little_folder(folder, settings=SETTINGS)
    pd.DataFrame({"lead_id": ids, "created_at": created, "product": written}).to_parquet(
        folder / "leads.parquet"
    )
    pd.DataFrame({"lead_id": who, "occurred_at": occurred, "action": action}).to_parquet(
        folder / "events.parquet"
    )
    deals = pd.DataFrame({"lead_id": ids, "closed_at": closed, "outcome": outcome})
    deals[closed < START + pd.Timedelta(days=DAYS)].to_parquet(folder / "deals.parquet")
    return chance


def trained(folder, by_lot):
    """What `readiness train` printed; the classifier of the version that it registered; and how far
    its readiness is from the true chance on the test snapshots, on average. Of a lead's chance to
    be won at all some has passed with each day."""
    chance = write_company(folder, by_lot)
    ran = readiness("train", folder, "--json")
    assert ran.code == 0, ran.err
    config = load(folder)
    model = Registry(config).load("challenger")
    with open_database(config) as database:
        split = configured_split(config, database.data_end)
        _, test = labelled_sides(config, database, model.specs, split)
    passed = (test.frame["age_days"].to_numpy(float).clip(1) - 1) / 29
    ever = chance[test.frame["lead_id"].to_numpy(int)]
    true = ever * (1 - passed) / (1 - ever * passed)
    return ran.result, model.classifier, np.abs(model.rank(test.frame) - true).mean()


def test_where_products_differ_each_gets_a_model_of_its_own(tmp_path):
    result, classifier, error = trained(tmp_path, by_lot=False)
    shares = {each["value"]: each["share"] for each in result["own_models"]["values"]}
    assert set(shares) == {"x", "y"}
    assert min(shares.values()) >= 0.5
    assert isinstance(classifier, BySegment)
    assert error < 0.08
    figures = result["baselines"]["figures"]
    assert figures["model"]["log_loss"]["point"] < figures["one_model_for_all"]["log_loss"]["point"]


def test_where_the_product_is_a_name_the_one_model_is_registered(tmp_path):
    result, classifier, error = trained(tmp_path, by_lot=True)
    assert [each["share"] for each in result["own_models"]["values"]] == [0.0, 0.0]
    assert isinstance(classifier, ReadinessClassifier)
    assert error > 0.15  # the product that the buyers do differ by is not in the data
    assert "one_model_for_all" not in result["baselines"]["figures"]
