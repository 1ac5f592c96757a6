"""Only a better model becomes champion. One registry, in the order of a company's year."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from features.config import load
from features.database import open_database
from features.dataset import labelled
from features.errors import BadInput, Refused
from features.spec import ActiveDays, Age
from models.readiness import Settings
from models.rules import load_rules
from tests.features.lead_databases import config_for
from tests.models.small_model import training
from training.fit import fit
from training.promote import promote

STUMPS = Settings(
    learning_rate=0.05,
    max_iter=2,
    max_leaf_nodes=2,
    min_samples_leaf=60,
    l2_regularization=10.0,
    max_features=1.0,
)


@pytest.fixture(scope="module")
def poor(twin, trained):
    """A model of two stumps on the lead's age and active days."""
    config, specs = load(twin.folder), (Age(), ActiveDays(90))
    with open_database(config) as database:
        past = labelled(database, specs, trained.split.fit[-4:], 30, 1)
    return fit(past, specs, STUMPS, 30, seed=0)


def precision_of(ranker, judged):
    return average_precision_score(judged.won, ranker.rank(judged.frame))


def test_without_a_challenger_there_is_nothing_to_promote(tmp_path):
    (tmp_path / "rules.toml").write_text(
        'name = "r"\n[bands]\nwarm = 1\nhot = 2\n[[rule]]\naction = "visit"\npoints = 1\n', "utf-8"
    )
    with pytest.raises(BadInput, match="There is no challenger of the model"):
        promote(config_for(tmp_path))


def test_a_company_s_year(twin, demo_folder, trained, poor, judged):
    """First it beats the rules; then it is champion already; a twin is no better; a poor model
    falls short by so much; and so the first one stays."""
    config, registry = load(twin.folder), twin.registry
    rules = load_rules(demo_folder / "rules.toml")  # without faxes, which give nothing
    ahead = precision_of(trained.model, judged) - precision_of(rules, judged)
    assert ahead > 0

    first = promote(config)
    assert (first.promoted, first.version) == (True, "1")
    assert first.differences["rules"].point == pytest.approx(ahead)
    assert first.said.startswith(
        f"Version 1 is champion: better in average precision: {ahead:+.3f} against the rules"
    )
    assert registry.load("champion").version == "1"

    again = promote(config)
    assert (again.promoted, again.differences) == (True, {})
    assert again.said == "Version 1 is the champion already; nothing to do."

    example = judged.frame.head(5)
    registry.log(replace(training(trained.model), example=example))
    twins = promote(config)
    assert (twins.promoted, twins.version) == (False, "2")
    assert twins.differences["champion"] == (0, 0, 0)
    assert twins.said == (
        "Version 2 is not promoted: it falls short in average precision: "
        "+0.000 against the champion (95 % interval +0.000 to +0.000)."
    )

    registry.log(replace(training(poor), example=example.assign(active_days_90d=1.0)))
    short = promote(config)
    assert (short.promoted, short.version) == (False, "3")
    assert set(short.differences) == {"rules", "champion"}
    behind = precision_of(poor, judged) - precision_of(trained.model, judged)
    assert behind < -0.02
    assert short.differences["champion"].point == pytest.approx(behind)
    assert f"{behind:+.3f} against the champion" in short.said
    assert registry.load("champion").version == "1"
    assert np.array_equal(
        registry.load("champion").rank(judged.frame), trained.model.rank(judged.frame)
    )


def test_a_challenger_of_yesterday_waits_for_outcomes(twin, trained, judged):
    """No cutoff lies a horizon after its last training cutoff whose own horizon is over."""
    fresh = replace(trained.model, trained_until=trained.split.judge[-1])
    twin.registry.log(replace(training(fresh), example=judged.frame.head(5)))
    with pytest.raises(Refused, match="No mature cutoff lies 30 days or more after 2025-05-12"):
        promote(load(twin.folder))


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
