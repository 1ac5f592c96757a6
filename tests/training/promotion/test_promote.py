"""Only a better model becomes champion by itself. Every branch, on models of known quality.

`first` is the demo's model; a twin of it is exactly as good; `poor` are two stumps.
"""

import json
import shutil
from dataclasses import replace
from datetime import timedelta

import pytest
from sklearn.metrics import average_precision_score

from features.config import load
from features.dataset import labelled
from features.errors import BadInput, Refused
from features.open_database import open_database
from features.spec.kinds import ActiveDays, Age
from models.classifier.classifier import LOGISTIC, TREES, Settings
from models.registry import CHALLENGER, CHAMPION, Registry
from models.rules.rules import load_rules
from models.statistics.judge import METRICS
from tests.features.lead_databases import config_for
from tests.models.small_model import training
from training.fit import fit
from training.learners import logistic_regression
from training.promotion.decision import Takes
from training.promotion.history import history
from training.promotion.promote import promote

STUMPS = Settings(
    learning_rate=0.05,
    max_iter=2,
    max_leaf_nodes=2,
    min_samples_leaf=60,
    l2_regularization=10.0,
    max_features=1.0,
)


@pytest.fixture(scope="module")
def poor(demo_folder, trained):
    """A model of two stumps on the lead's age and active days."""
    specs = (Age(), ActiveDays(90))
    with open_database(load(demo_folder)) as database:
        past = labelled(database, specs, trained.split.fit[-4:], 30, 1)
    return fit(past, specs, STUMPS, 30, seed=0)


@pytest.fixture(scope="module")
def regression(demo_folder, trained):
    """The logistic regression of the champion's data and features: the champion is of trees."""
    config = load(demo_folder)
    with open_database(config) as database:
        past = labelled(database, trained.model.specs, trained.split.fit, 30, 1)
    return logistic_regression(config, past, trained.model.specs, trained.split.fit).model


@pytest.fixture(scope="module")
def house(demo_folder, tmp_path_factory):
    """Settings and registry of another company with the same data."""
    folder = tmp_path_factory.mktemp("house")
    for file in demo_folder.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    config = load(folder)
    return config, Registry(config)


def forget_champions(config, registry):
    if registry.has(CHAMPION):
        registry.client.delete_registered_model_alias(registry.name, CHAMPION)
    for file in config.out_folder.glob("decisions.sqlite*"):
        file.unlink()


@pytest.fixture
def company(house, judged):
    """The same without a champion or history, and how to register a challenger there."""
    config, registry = house
    forget_champions(config, registry)

    def register(model):
        return registry.log(training(model)).version

    return config, registry, register


@pytest.fixture(scope="module")
def first_judged(house, trained):
    """A version of the demo's model, and how it does against the rules; there is no champion."""
    config, registry = house
    forget_champions(config, registry)
    version = registry.log(training(trained.model)).version
    return version, promote(config).judged


def precision_of(ranker, judged):
    return average_precision_score(judged.won, ranker.rank(judged.frame))


def test_without_a_challenger_there_is_nothing_to_promote(tmp_path):
    (tmp_path / "rules.toml").write_text(
        'name = "r"\n[bands]\nwarm = 1\nhot = 2\n[[rule]]\naction = "visit"\npoints = 1\n', "utf-8"
    )
    with pytest.raises(BadInput, match="There is no challenger of the model"):
        promote(config_for(tmp_path))


@pytest.mark.parametrize(("reason", "force"), [("", False), (" \t", True), (None, True)])
def test_an_approval_has_a_reason(company, reason, force):
    with pytest.raises(BadInput, match="why"):
        promote(company[0], reason=reason, force=force)


def test_the_first_champion_is_ahead_of_the_rules(company, trained, judged, demo_folder):
    config, registry, register = company
    rules = load_rules(demo_folder / "rules.toml")
    ahead = precision_of(trained.model, judged) - precision_of(rules, judged)
    assert ahead > 0
    version = register(trained.model)
    first = promote(config)
    assert (first.promoted, first.version, first.takes) == (True, version, Takes.NOTHING)
    assert first.judged.difference["rules"].point == pytest.approx(ahead)
    assert (first.judged.snapshots, first.judged.wins) == (len(judged.won), judged.wins)
    assert first.judged.cutoffs == ("2025-04-14", "2025-04-28", "2025-05-12")
    assert first.summary.startswith(
        f"Version {version} is champion: better in average precision: {ahead:+.3f} "
        "against the rules (95% interval"
    )
    assert registry.find(CHAMPION) == version
    again = promote(config)
    assert (again.promoted, again.judged) == (True, None)
    assert again.summary == f"Version {version} is the champion already; nothing to do."


def test_a_twin_is_no_better_nor_with_an_approval_alone(company, trained):
    config, registry, register = company
    registry.set_champion(register(trained.model))
    version = register(trained.model)
    twin = promote(config, reason="it is newer")
    assert (twin.promoted, twin.version, twin.takes) == (False, version, Takes.FORCE)
    assert twin.judged.difference["champion"] == (0, 0, 0)
    assert twin.summary.startswith(
        f"Version {version} is not promoted: it falls short in average precision: "
        "+0.000 against the champion (95% interval +0.000 to +0.000). It takes an approval against"
    )


def test_a_worse_one_is_promoted_only_against_the_figures(company, trained, poor, judged):
    config, registry, register = company
    good, stumps = register(trained.model), register(poor)
    registry.set_champion(good)
    short = promote(config, reason="I like it")
    assert (short.promoted, short.version, short.takes) == (False, stumps, Takes.FORCE)
    behind = precision_of(poor, judged) - precision_of(trained.model, judged)
    assert behind < -0.02
    assert short.judged.difference["champion"].point == pytest.approx(behind)
    assert short.judged.difference["champion"].high < 0
    assert f"{behind:+.3f} against the champion" in short.summary
    assert registry.find(CHAMPION) == good

    forced = promote(config, reason="the board wants stumps", by="ann", force=True)
    assert forced.promoted
    assert forced.takes is Takes.FORCE
    assert registry.find(CHAMPION) == stumps
    (change,) = history(config).changes
    assert (change.old_version, change.new_version) == (good, stumps)
    assert (change.approved_by, change.forced) == ("ann", True)
    assert change.reason == "the board wants stumps"
    assert change.evidence["difference"]["champion"]["point"] == pytest.approx(behind)

    better = register(trained.model)  # surely better than the stumps: no approval needed
    result = promote(config)
    assert (result.promoted, result.version, result.takes) == (True, better, Takes.NOTHING)
    assert [each.new_version for each in history(config).changes] == [stumps, better]


def test_an_equal_follows_a_stale_champion_if_approved_a_worse_one_does_not(company, trained, poor):
    """The champion learnt until 89, then 90 days before the challenger: stale from 90 on."""
    config, registry, register = company
    model = trained.model
    for days, takes in ((89, Takes.FORCE), (90, Takes.APPROVAL)):
        old = register(replace(model, trained_until=model.trained_until - timedelta(days=days)))
        registry.set_champion(old)
        new = register(model)
        requested = promote(config)
        assert (requested.promoted, requested.takes) == (False, takes)
        assert registry.find(CHAMPION) == old
    register(poor)
    worse = promote(config, reason="the old one is old")
    assert (worse.promoted, worse.takes) == (False, Takes.FORCE)
    registry.client.set_registered_model_alias(registry.name, CHALLENGER, new)
    promoted = promote(config, reason="the old one is old")
    assert (promoted.promoted, promoted.version) == (True, new)
    assert registry.find(CHAMPION) == new
    (change,) = history(config).changes
    assert (change.old_version, change.new_version, change.forced) == (old, new, False)


def side_by_side(way, precision, log_loss):
    """What a training stored of one way to rank: the difference to the model, low and high."""
    unknown = dict.fromkeys(METRICS)
    result = {"average_precision": precision, "log_loss": log_loss}
    known = {name: {"point": 0.0, "low": low, "high": high} for name, (low, high) in result.items()}
    alike = unknown | {name: {"point": 0.3, "low": 0.2, "high": 0.4} for name in result}
    if log_loss == NONE:
        known["log_loss"] = alike["log_loss"] = None
    return {
        "metric": "average_precision",
        "simplest_within_noise": way,
        "verdict": "Simpler will do.",
        "leads": 400,
        "figures": {"model": alike, way: alike},
        "difference": {way: unknown | known},
    }


NOISE, NONE = (-0.05, 0.01), (0, 0)
AHEAD, BEHIND = (-0.05, -0.01), (0.01, 0.05)  # of precision; of log loss the other way round


@pytest.mark.parametrize(
    ("way", "precision", "log_loss", "takes"),
    [
        ("logistic_regression", NOISE, NOISE, Takes.NOTHING),  # trees are the default
        ("logistic_regression", AHEAD, NOISE, Takes.APPROVAL),
        ("rules_calibrated", NOISE, NOISE, Takes.APPROVAL),
        ("rules_calibrated", NOISE, AHEAD, Takes.NOTHING),  # the model's log loss is surely less
        ("base_rate", NOISE, NOISE, Takes.APPROVAL),
        ("rules", NOISE, NONE, Takes.NOTHING),  # no probability: told
        ("rules", AHEAD, NONE, Takes.APPROVAL),
        ("rules", BEHIND, NONE, Takes.NOTHING),
        ("boosted_trees", AHEAD, BEHIND, Takes.NOTHING),  # better, but not simpler
    ],
)
def test_the_simpler_is_preferred_where_it_does_as_well(
    company, first_judged, monkeypatch, way, precision, log_loss, takes
):
    config, registry, _ = company
    version, judged = first_judged
    monkeypatch.setattr("training.promotion.promote._judge", lambda *_: judged)
    registry.client.set_registered_model_alias(registry.name, CHALLENGER, version)
    report = json.dumps(side_by_side(way, precision, log_loss))
    registry.attach(registry.load(version).run_id, {"baselines.json": report})
    result = promote(config)
    assert (result.version, result.takes) == (version, takes)
    assert result.promoted is (takes is Takes.NOTHING)
    assert result.summary.endswith(" Simpler will do.")
    named = f"Preferred is what is simpler and does as well: {way.replace('_', ' ')}."
    assert (named in result.summary) is (takes is Takes.APPROVAL)
    if not result.promoted:
        assert promote(config, reason="it explains itself").promoted


def test_within_noise_the_regression_replaces_trees_and_they_do_not_replace_it(
    company, trained, regression
):
    """Both of the same data and features; neither is surely better."""
    config, registry, register = company
    assert (trained.model.way, regression.way) == (TREES, LOGISTIC)
    old, new = register(trained.model), register(regression)
    registry.set_champion(old)
    result = promote(config)
    assert result.judged.difference["champion"].low < 0 < result.judged.difference["champion"].high
    assert result.judged.log_loss.low < 0
    assert (result.promoted, result.version, result.takes) == (True, new, Takes.NOTHING)
    assert result.summary.startswith(
        f"Version {new} is champion: the simpler, and as good in average"
    )
    assert registry.load(CHAMPION).is_linear

    register(trained.model)
    back = promote(config, reason="it is newer")
    assert (back.promoted, back.takes) == (False, Takes.FORCE)
    assert registry.find(CHAMPION) == new


def test_a_challenger_of_yesterday_waits_for_outcomes(company, trained):
    """No cutoff lies a horizon after its last training cutoff whose own horizon is over."""
    config, _, register = company
    register(replace(trained.model, trained_until=trained.split.judge[-1]))
    with pytest.raises(Refused, match="No mature cutoff lies 30 days or more after 2025-05-12"):
        promote(config)


def test_another_metric_is_judged_by_if_readiness_toml_says_so(company, trained, judged):
    config, _, register = company
    chosen = config.promotion.model_copy(update={"metric": "precision"})
    register(trained.model)
    result = promote(config.model_copy(update={"promotion": chosen}))
    expected = trained.comparison.judgement.difference["precision"]
    assert result.judged.metric == "precision"
    assert result.judged.difference["rules"] == expected


def test_each_is_judged_on_what_it_knows(demo_folder, trained):
    """An action left out since the champion's training is left out for the challenger alone."""
    config = load(demo_folder)
    later = config.features.model_copy(update={"leave_out_actions": ["visited_pricing"]})
    changed = config.model_copy(update={"features": later})
    staged = trained.model.staged(changed)
    assert staged.features.leave_out_actions == []
    blind = replace(trained.model, leave_out_actions=("visited_pricing",))
    assert blind.staged(config).features.leave_out_actions == ["visited_pricing"]
    with open_database(staged) as seeing, open_database(blind.staged(config)) as blinded:
        assert "visited_pricing" in seeing.actions
        assert "visited_pricing" not in blinded.actions
        assert seeing.data_end == blinded.data_end
