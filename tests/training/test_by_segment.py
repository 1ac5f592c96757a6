"""Own models are chosen on the folds of the training cutoffs: where the values differ, beyond
chance, for all values and shares together; else every lead has the one model."""

from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from features.config import Capacity, Config, Tables, Times, TrainingSettings
from features.dataset import Dataset
from features.errors import BadInput
from features.result_json import to_json
from features.spec.kinds import Attribute, Count, First
from models.classifier.by_segment import BySegment
from models.classifier.classifier import ReadinessClassifier
from models.classifier.logistic import LogisticSettings
from models.statistics.intervals import Estimate
from training.by_segment import SHARES, choose_own_models, segment_feature
from training.card import own_models_section
from training.fit import fit, with_own_models
from training.random_split import random_split
from training.splits import rolling_origin
from training.timing import unseen_readiness

pytestmark = pytest.mark.slow

SPECS = (Attribute("product", True), Count("a"), Count("b"), First("source"))
NAMES = [spec.name for spec in SPECS]
SETTINGS = LogisticSettings(strength=0.01)
CUTOFFS = [datetime(2026, 1, 5) + timedelta(weeks=week) for week in range(16)]
LEADS = 3_000


def config(by="product", **training):
    return Config(
        path=Path("readiness.toml"),
        tables=Tables(leads="leads", deals="deals"),
        time=Times(first_cutoff=CUTOFFS[0]),
        capacity=Capacity(share=0.1),
        training=TrainingSettings(by=by, **training),
    )


def company(differ, seed=0, products=("x", "y")):
    """Three cutoffs of each lead in a row, from one drawn by lot: whoever buys x did a; whoever
    buys y did b, or a, where the products do not differ. A lead's snapshots share its outcome."""
    rng = np.random.default_rng(seed)
    product, first = rng.choice(products, LEADS), rng.integers(len(CUTOFFS) - 2, size=LEADS)
    did = rng.poisson(1.0, (LEADS, 2)).astype(float)
    moves = np.where(differ & (product == "y"), did[:, 1] - did[:, 0], did[:, 0] - did[:, 1])
    won = (rng.random(LEADS) < 1 / (1 + np.exp(2.0 - moves))).astype(float)
    rows = np.repeat(np.arange(LEADS), 3)
    week = first[rows] + np.tile([0, 1, 2], LEADS)
    frame = pd.DataFrame(
        {
            "lead_id": rows,
            "cutoff": pd.to_datetime(np.array(CUTOFFS)[week]),
            NAMES[0]: product[rows].astype(object),
            NAMES[1]: did[rows, 0],
            NAMES[2]: did[rows, 1],
            NAMES[3]: rng.choice(["ad", "fair"], LEADS)[rows].astype(object),
        }
    )
    order = np.lexsort((frame["lead_id"], frame["cutoff"]))
    return Dataset(frame.iloc[order].reset_index(drop=True), won[rows][order])


def chosen(past, **training):
    return choose_own_models(config(**training), past, SPECS, CUTOFFS, SETTINGS)


@cache
def of_one_kind(seed):
    """What is chosen for products that are a name and no more."""
    return chosen(company(differ=False, seed=seed))


@pytest.fixture(scope="module")
def differing():
    past = company(differ=True)
    return past, chosen(past)


def test_products_that_differ_get_own_models_and_are_predicted_better(differing):
    past, own = differing
    assert {each.value for each in own.values} == {"x", "y"}
    assert all(each.share >= 0.5 and each.difference.high < 0 for each in own.values)
    of_all = fit(past, SPECS, SETTINGS, 30, 0)
    mixed, unseen = with_own_models(of_all, past, own.shares), company(differ=True, seed=9)
    losses = [
        -np.log(np.abs(1 - unseen.won - model.rank(unseen.frame))).mean()
        for model in (of_all, mixed)
    ]
    assert losses[1] < losses[0] - 0.02
    assert abs(mixed.rank(past.frame).mean() - past.won.mean()) < 0.03  # calibrated after the mix
    again = fit(past, SPECS, SETTINGS, 30, 0, own.shares)
    assert np.array_equal(again.rank(unseen.frame), mixed.rank(unseen.frame))


def test_the_difference_and_its_interval_are_those_of_models_fitted_apart(differing):
    """Worked out anew from the folds, lead by lead."""
    past, own = differing
    result = next(each for each in own.values if each.value == "y")
    less = []
    for fold in rolling_origin(CUTOFFS, 3, 30):
        early, later = past.at(fold.fit), past.at(fold.judge)
        is_y = early.frame[NAMES[0]] == "y"
        of_all, of_y = (
            ReadinessClassifier.of(SETTINGS, 7, "none").fit(early.frame.loc[rows, names], won)
            for rows, names, won in (
                (slice(None), NAMES, early.won),
                (is_y, NAMES[1:], early.won[is_y]),
            )
        )
        unseen = later.frame[NAMES[0]] == "y"
        won, frame = later.won[unseen], later.frame[unseen]
        one = of_all.decision_function(frame[NAMES])
        two = result.best * of_y.decision_function(frame[NAMES[1:]]) + (1 - result.best) * one
        for lead, outcome, without, mix in zip(frame["lead_id"], won, one, two, strict=True):
            sign = 1 if outcome else -1
            less.append((lead, np.log1p(np.exp(-sign * mix)) - np.log1p(np.exp(-sign * without))))
    table = pd.DataFrame(less, columns=["lead", "less"])
    mean = table["less"].mean()
    error = np.sqrt(((table["less"] - mean).groupby(table["lead"]).sum() ** 2).sum()) / len(table)
    reach = norm.ppf(1 - 0.05 / 2 / (2 * len(SHARES))) * error
    assert result.difference == pytest.approx((mean, mean - reach, mean + reach), abs=1e-9)


def test_products_that_are_a_name_keep_the_one_model():
    """In none of several companies; five of a hundred would be allowed."""
    for seed in range(3):
        own = of_one_kind(seed)
        assert own.shares is None
        assert [each.share for each in own.values] == [0.0, 0.0]
        assert all(each.why and each.difference.known for each in own.values)


def test_values_with_few_wins_are_not_tried_and_counted(differing):
    past, _ = differing
    frame = past.frame
    leads = frame["lead_id"]
    value = np.where(leads % 30 == 0, "rare", frame[NAMES[0]].to_numpy(object))
    value[(leads % 31 == 0).to_numpy()] = None  # a lead without a product
    mixed = Dataset(frame.assign(**{NAMES[0]: value}), past.won)
    own = chosen(mixed)
    won = past.won == 1
    rare = leads[won & (value == "rare")].nunique()
    assert 0 < rare < 150
    assert (own.others, own.others_wins) == (1, rare)
    of_x = value == "x"
    x = next(each for each in own.values if each.value == "x")
    assert (x.leads, x.wins) == (leads[of_x].nunique(), leads[of_x & won].nunique())
    more = chosen(mixed, by_least_wins=10_000)
    assert more.values == ()
    assert more.others == 3


def test_without_an_earlier_period_nobody_has_an_own_model(differing):
    past, _ = differing
    few = past.at(CUTOFFS[:4])
    own = choose_own_models(config(), few, SPECS, CUTOFFS[:4], SETTINGS)
    assert own is None or own.shares is None


def test_only_text_features_can_be_named_by_column_or_by_name():
    assert segment_feature(config(None), SPECS) is None
    assert segment_feature(config("product"), SPECS) == "attribute(product)"
    assert segment_feature(config("first_source"), SPECS) == "first_source"
    for by in ("count_all(a)", "Product"):
        with pytest.raises(BadInput, match=r"training\.by") as refused:
            segment_feature(config(by), SPECS)
        for named in (by, "attribute(product)", "first_source"):
            assert named in str(refused.value)


def test_the_card_and_the_json_say_who_has_an_own_model_and_why_not(differing):
    own = differing[1]
    section = own_models_section(own, "lead")
    rows = {row[0]: row for row in section.grids[0].rows}
    for each in own.values:
        assert f"{each.wins:,}" in rows[each.value]
        assert f"{each.share:.0%}" in rows[each.value][-1]
        assert f"{each.difference.point:+.4f}" in rows[each.value][-2]
    none = own_models_section(of_one_kind(0), "account")
    assert all("0%: " in row[-1] for row in none.grids[0].rows)
    stored = to_json(own)
    assert [each["share"] for each in stored["values"]] == [each.share for each in own.values]


def test_what_is_fitted_again_for_other_figures_has_own_models_too(differing):
    """The readiness of leads that a model never saw, by which the time to close is learnt, and what
    a random split would promise."""
    past, own = differing
    model, test = fit(past, SPECS, SETTINGS, 30, 0, own.shares), company(differ=True, seed=9)
    losses = [
        -np.log(np.abs(1 - past.won - readiness)).mean()
        for readiness in (
            unseen_readiness(past, model, SETTINGS, 0, shares) for shares in (None, own.shares)
        )
    ]
    assert losses[1] < losses[0] - 0.02
    figures = dict.fromkeys(("roc_auc", "average_precision", "log_loss"), Estimate(0.5, 0.4, 0.6))
    judged = SimpleNamespace(estimates={"model": figures})
    one, two = (
        random_split(past, test, SPECS, SETTINGS, judged, 0, shares).random["roc_auc"]
        for shares in (None, own.shares)
    )
    assert two > one + 0.01


def test_a_model_without_own_models_is_left_as_it_is(differing):
    past, own = differing
    nobody = own.shares._replace(of={"z": 1.0})
    model = fit(past, SPECS, SETTINGS, 30, 0)
    assert with_own_models(model, past, nobody) is model
    assert isinstance(with_own_models(model, past, own.shares).classifier, BySegment)
