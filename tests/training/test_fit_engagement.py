"""Fit knows no event and engagement no attribute; ranks are quarters of the training's leads; the
grid counts each snapshot of the final test once."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.config import load
from features.dataset import labelled
from features.open_database import open_database
from features.result_json import to_json
from features.spec.kinds import Age
from features.spec.spec import OfEvents, OfLead
from models.classifier.artefact import describe, remember
from models.classifier.calibration_line import latest
from models.registry import Registry
from training.fit import fit
from training.fit_engagement import specs_of, with_fit_and_engagement
from training.learners import LOGISTIC


def snapshots(folder, trained, cutoffs):
    with open_database(load(folder)) as database:
        return labelled(database, trained.model.specs, cutoffs, 30, 4)


@pytest.fixture(scope="module")
def past(demo_folder, trained):
    return snapshots(demo_folder, trained, trained.split.fit)


def shuffled(folder, to, table, column):
    """A copy of the tables, in which another row has each value of the column."""
    for file in folder.iterdir():
        if file.is_file():
            shutil.copy(file, to)
    frame = pd.read_parquet(folder / f"{table}.parquet")
    values = frame[column].sample(frac=1, random_state=1)
    assert (values.to_numpy() != frame[column].to_numpy()).mean() > 0.5
    frame.assign(**{column: values.to_numpy()}).to_parquet(to / f"{table}.parquet")
    return to


@pytest.mark.parametrize(
    ("table", "column", "same", "other"),
    [("events", "lead_id", "fit", "engagement"), ("leads", "source", "engagement", "fit")],
)
def test_each_axis_is_blind_to_the_other_s_half(
    demo_folder, trained, judged, tmp_path, table, column, same, other
):
    """To the last bit, whoever gets the events, or the sources, of others."""
    turned = snapshots(shuffled(demo_folder, tmp_path, table, column), trained, trained.split.judge)
    assert turned.frame["lead_id"].equals(judged.frame["lead_id"])
    axes = trained.model.fit_engagement.axes
    before, after = (
        {name: axis.probability(each.frame) for name, axis in axes.items()}
        for each in (judged, turned)
    )
    assert np.array_equal(before[same], after[same])
    assert np.mean(before[other] != after[other]) > 0.5


def test_the_lead_s_age_moves_neither(trained, judged):
    older = judged.frame.assign(age_days=judged.frame["age_days"] + 300)
    for axis in trained.model.fit_engagement.axes.values():
        assert np.array_equal(axis.probability(older), axis.probability(judged.frame))


def test_each_axis_is_the_regression_on_its_features(demo_folder, trained, past, judged):
    """Of whatever the catalog has: sorted by hand into leaves of the lead and leaves of events."""
    both = specs_of(trained.model.specs)
    for spec in trained.model.specs:
        if isinstance(spec, OfEvents | OfLead):
            assert (spec in both["engagement"]) == isinstance(spec, OfEvents)
            assert (spec in both["fit"]) == (isinstance(spec, OfLead) and not isinstance(spec, Age))
    settings = {"strength": 0.01}
    seed = load(demo_folder).seed
    axes = with_fit_and_engagement(trained.model, past, settings, seed).fit_engagement.axes
    for name, axis in axes.items():
        plain = fit(past, both[name], settings, 30, seed)
        assert plain.way == LOGISTIC
        expected = plain.rank(judged.frame)
        assert axis.probability(judged.frame) == pytest.approx(expected, rel=1e-9)
    assert with_fit_and_engagement(
        replace(trained.model, specs=both["engagement"]), past, settings, seed
    ).fit_engagement == replace(
        with_fit_and_engagement(trained.model, past, settings, seed).fit_engagement, fit=None
    )


def test_ranks_are_quarters_of_the_training_s_latest_cutoffs(trained, past):
    late = past.frame[latest(past.frame["cutoff"], past.won)]
    assert late["cutoff"].min() > past.frame["cutoff"].min()
    both = trained.model.fit_engagement
    named = both.ranks(late)
    for name, ranks in (("fit", "DCBA"), ("engagement", "4321")):
        probability = pd.Series(both.axes[name].probability(late))
        middle = (probability.rank() - 0.5) / len(late)  # of equals the middle one's place
        expected = [ranks[min(3, int(4 * place))] for place in middle]
        assert list(named[name]) == expected
    shares = pd.Series(named["engagement"]).value_counts(normalize=True)
    assert shares.to_numpy() == pytest.approx(0.25, abs=0.02)


def test_the_grid_is_a_crosstab_of_the_final_test(trained, judged):
    grid = trained.comparison.fit_engagement
    named = trained.model.fit_engagement.ranks(judged.frame)
    frame = pd.DataFrame(named).assign(won=judged.won, lead=judged.frame["lead_id"])
    counted = pd.crosstab(frame["fit"], frame["engagement"])
    won = pd.crosstab(frame["fit"], frame["engagement"], frame["won"], aggfunc="sum")
    assert [(each.fit, each.engagement) for each in grid.cells] == [
        (fit, eng) for fit in "ABCD" for eng in "1234"
    ]
    assert sum(each.won.snapshots for each in grid.cells) == len(judged.won)
    for each in grid.cells:
        there = each.fit in counted.index and each.engagement in counted.columns
        expected = counted.loc[each.fit, each.engagement] if there else 0
        assert each.won.snapshots == expected
        assert each.won.wins == (won.loc[each.fit, each.engagement] if expected else 0)
    for name in ("fit", "engagement"):
        for each in grid.ranks[name]:
            rows = frame[frame[name] == each.rank]
            assert (each.won.snapshots, each.won.wins) == (len(rows), rows["won"].sum())
            assert each.won.leads == rows["lead"].nunique()


def test_it_is_stored_with_the_model_and_absent_in_those_of_before(demo_folder, trained, judged):
    registry = Registry(load(demo_folder))
    loaded = registry.load("champion").fit_engagement
    assert loaded == trained.model.fit_engagement
    before = describe(trained.model)
    del before["fit_engagement"]
    assert remember(before)["fit_engagement"] is None
    block = to_json(trained)["fit_engagement"]
    metrics = registry.client.get_run(trained.model.run_id).data.metrics
    assert metrics["test_fit_concordance"] == block["concordance"]["fit"]["point"]
    card = registry.text(trained.model.run_id, "card.md")
    assert all(f"| {axis} {each['rank']} |" in card
               for axis in ("fit", "engagement")
               for each in block["ranks"][axis] if each["won"]["snapshots"])  # fmt: skip
