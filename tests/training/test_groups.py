"""Behaviour and attributes: each feature in one group, and each group next to the model."""

import numpy as np
import pytest

from features.catalog import catalog
from features.config import Features
from features.result_json import to_json
from features.spec.kinds import Age, Attribute, Count, First, Ratio
from tests.models.small_model import SETTINGS, SPECS
from tests.training.few_cutoffs import sampled, weeks
from tests.training.test_baselines import config  # noqa: F401
from training.fit import fit
from training.groups import EXPLICIT, IMPLICIT, groups, is_explicit, judged_groups


def test_every_feature_is_in_one_group():
    specs = catalog(Features(), ["visit", "chat"], {"size": False, "country": True})
    result = groups(specs)
    names = [spec.name for each in result.values() for spec in each]
    assert sorted(names) == sorted(spec.name for spec in specs)
    assert [spec.name for spec in result[EXPLICIT]] == [
        "age_days",
        "attribute(size)",
        "attribute(country)",
    ]
    assert set(result[IMPLICIT]) == set(specs) - set(result[EXPLICIT])


@pytest.mark.parametrize(
    ("spec", "explicit"),
    [
        (Age(), True),
        (Attribute("size", False), True),
        (Ratio(Attribute("size", False), Age()), True),
        (Ratio(Count(), Age()), False),
        (Count("visit", 7), False),
        (First("source"), False),
    ],
)
def test_explicit_is_what_needs_no_event(spec, explicit):
    assert is_explicit(spec) == explicit


def test_each_group_is_fitted_like_the_model_on_its_features_alone(config):  # noqa: F811
    dataset = sampled(16)
    past, test = dataset.at(weeks(*range(9))), dataset.at(weeks(14, 15))
    model = fit(past, SPECS, SETTINGS, 30, config.seed)
    result = judged_groups(config, past, test, SPECS, model.rank(test.frame), SETTINGS)
    report = to_json(result)
    assert report["features"]["explicit_only"] == ["age_days", "attribute(size)"]
    assert sum(len(names) for names in report["features"].values()) == len(SPECS)
    alone = fit(past, groups(SPECS)[IMPLICIT], SETTINGS, 30, config.seed)
    assert "age_days" not in {spec.name for spec in alone.specs}
    chance = np.where(test.won == 1, alone.rank(test.frame), 1 - alone.rank(test.frame))
    assert result.side_by_side.figures[IMPLICIT]["log_loss"].point == pytest.approx(
        -np.log(chance).mean()
    )


def test_a_group_that_tells_nothing_gets_the_base_rate(config):  # noqa: F811
    dataset = sampled(16, each=60)
    past, test = dataset.at(weeks(*range(9))), dataset.at(weeks(14, 15))
    specs = [spec for spec in SPECS if not is_explicit(spec)]
    result = judged_groups(config, past, test, specs, np.full(len(test.won), 0.5), SETTINGS)
    assert result.side_by_side.figures[EXPLICIT]["roc_auc"].point == 0.5
