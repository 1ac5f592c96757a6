"""The card of a training says what its run measured, and nothing else."""

import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from features.config import load
from features.open_database import open_database
from features.progress import silent
from features.result_json import to_json
from models.card import Card
from models.registry import Registry
from models.rules.rules import load_rules
from models.statistics.judge import METRICS
from serve.reports.compare.figures import compare
from tests.models.small_model import fitted, fitted_logistic
from training.card import settings


@pytest.fixture(scope="module")
def registry(demo_folder, trained):
    return Registry(load(demo_folder))


@pytest.fixture(scope="module")
def run(registry, trained):
    return registry.client.get_run(trained.model.run_id)


@pytest.fixture(scope="module")
def card(registry, trained):
    """As it stands in MLflow."""
    return Card.from_stored(json.loads(registry.text(trained.model.run_id, "card.json")))


def section(card, title):
    (result,) = (each for each in card.sections if each.title.startswith(title))
    return result


def test_the_markdown_in_mlflow_is_of_this_version(registry, card, trained, run):
    assert registry.text(trained.model.run_id, "card.md") == card.markdown()
    assert (card.version, card.run_id) == (trained.model.version, trained.model.run_id)
    assert card.verdict.headline == run.data.tags["verdict"]
    for name in ("gain", "calibration", "importance"):
        assert registry.text(trained.model.run_id, f"plots/{name}.svg").startswith("<svg")


def test_every_figure_is_the_run_s_metric_with_the_judgement_s_interval(card, trained, run):
    judged = trained.comparison.judgement
    (grid,) = section(card, "How good").grids
    assert len(grid.rows) == len(METRICS)
    for metric, (_, model, rules, _, difference) in zip(METRICS, grid.rows, strict=True):
        for name, text in (("model", model), ("rules", rules)):
            if text == "-":
                assert f"test_{name}_{metric}" not in run.data.metrics
                continue
            _, low, high = judged.estimates[name][metric]
            figure = run.data.metrics[f"test_{name}_{metric}"]
            if metric == "ece":
                by_chance = run.data.metrics[f"test_{name}_ece_by_chance"]
                assert text == f"{figure:.3f} (by chance up to {by_chance:.3f})"
                continue
            form = "{:.1%}" if metric in ("precision", "gain") else "{:.3f}"
            point, *ends = (form.format(each) for each in (figure, low, high))
            assert text == f"{point} ({' to '.join(ends)})"
        if difference != "-":
            figure = run.data.metrics[f"test_difference_{metric}"]
            is_share = metric in ("precision", "gain")
            text = f"{100 * figure:+.1f} pp" if is_share else f"{figure:+.3f}"
            assert difference.startswith(f"{text} (")


def test_data_cohort_and_features_are_the_run_s_parameters(card, run, demo_folder):
    params = run.data.params
    (grid,) = section(card, "Data").grids
    for table, rows, _, _, digest in grid.rows:
        count = pq.read_metadata(demo_folder / f"{table}.parquet").num_rows
        assert rows == f"{count:,}"
        assert params[f"digest_{table}"].endswith(digest)
    facts = section(card, "Cohort").facts
    assert facts["Horizon"].startswith("30 days")
    begin = f"{int(params['training_snapshots']):,} snapshots, {int(params['training_wins']):,} won"
    assert facts["Trained on"].startswith(begin)
    assert facts["Trained on"].endswith(f"to {params['last_training_cutoff'][:10]}")
    facts = section(card, "Features").facts
    assert facts["In the model"].startswith(f"{params['features']}, ")
    assert facts["Points table"].endswith(f"version {params['rules_version']}")


def test_groups_and_bins_are_those_that_compare_prints(card, trained, registry, demo_folder):
    """Compare reads the registered model and makes the snapshots anew."""
    config = load(demo_folder)
    rules = load_rules(config.folder / config.rules)
    model = registry.load(trained.model.version)
    with open_database(config, (*model.specs, *rules.specs)) as database:
        again = compare(config, database, model, rules, silent)
    assert len(again.won) == len(trained.comparison.won)
    printed = to_json(again)["calibration"]
    rows = {row[0]: row for grid in section(card, "By groups").grids for row in grid.rows}
    groups = [group for group in printed["groups"] if group["kind"] in ("source", "age")]
    assert {group["kind"] for group in groups} == {"source", "age"}
    assert len(rows) - len(groups) <= printed["groups_too_small"]
    for group in groups:
        _, snapshots, leads, _, promised, won, _ = rows[group["name"]]
        assert (snapshots, leads) == (f"{group['snapshots']:,}", f"{group['leads']:,}")
        assert promised == f"{group['promised']:.1%}"
        point, low, high = group["won"].values()
        assert won == f"{point:.1%} ({low:.1%} to {high:.1%})"
    (grid,) = section(card, "Whether its percentages").grids
    for row, each in zip(grid.rows, printed["bins"], strict=True):
        interval = f"{each['low']:.1%} to {each['high']:.1%}"
        assert row[:3] == [f"{each['predicted']:.1%}", f"{each['observed']:.1%}", interval]


def test_every_snapshot_of_the_test_is_in_one_group_of_each_kind(card, judged):
    for grid in section(card, "By groups").grids:
        for column, whole in ((1, len(judged.won)), (3, judged.wins)):
            counted = sum(int(row[column].replace(",", "")) for row in grid.rows)
            assert counted == whole


def test_calibration_bins_hold_every_snapshot_and_the_run_s_error(card, judged, run):
    result = section(card, "Whether its percentages")
    (grid,) = result.grids
    assert sum(int(row[3].replace(",", "")) for row in grid.rows) == len(judged.won)
    error, by_chance = (run.data.metrics[f"test_model_ece{end}"] for end in ("", "_by_chance"))
    assert f"differ by {100 * error:.1f} perc" in result.paragraphs[0]
    text = "this is more than chance." if error > by_chance else "this is no more than chance."
    assert f"chance alone shows up to {100 * by_chance:.1f} " in result.paragraphs[0]
    assert result.paragraphs[0].endswith(text)


def test_it_says_how_to_get_it_again_and_what_it_is_not_for(card, trained, run):
    facts = section(card, "How to get it again").facts
    assert facts["Run"].startswith(trained.model.run_id)
    assert facts["Seed"] == run.data.params["seed"]
    assert facts["Code"] == run.data.tags["code_version"]
    assert "scikit-learn 1." in facts["Libraries"]
    limits = section(card, "What it is not for").listed
    assert any("won within 30 days" in limit for limit in limits)
    assert set(trained.notes) <= set(limits)


@pytest.mark.parametrize(
    ("title", "metrics"), [("Baselines", "baseline"), ("Behaviour against", "features")]
)
def test_what_the_model_is_held_against_has_the_run_s_figures(title, metrics, card, run, trained):
    shown = section(card, title)
    (grid,) = shown.grids
    assert grid.rows[0][0] == "model"
    assert float(grid.rows[0][2]) == round(run.data.metrics["test_model_roc_auc"], 3)
    others = trained.simpler.side_by_side if title == "Baselines" else trained.groups.side_by_side
    assert [row[0] for row in grid.rows[1:]] == others.others
    for name, _, area, precision, _ in grid.rows[1:]:
        for metric, text in (("roc_auc", area), ("average_precision", precision)):
            figure = run.data.metrics[f"{metrics}/{name.replace(' ', '_')}/{metric}"]
            less, low, high = others.difference[name][metric]
            assert text == f"{figure:.3f} ({less:+.3f}; {low:+.3f} to {high:+.3f})"


def test_the_card_says_which_learner_it_is_and_what_simpler_ways_do(card, trained):
    (text,) = section(card, "Baselines").paragraphs
    assert text == f"The model is the {trained.model.way}. {trained.simpler.verdict}"
    assert section(card, f"Settings of the {trained.model.way}").facts


@pytest.mark.parametrize(
    ("linear", "snapshots", "sampled"),
    [(False, 50_001, True), (False, 50_000, False), (True, 50_001, False)],
)
def test_it_says_when_trees_are_grown_on_a_part(linear, snapshots, sampled, trained):
    model = fitted_logistic() if linear else fitted()
    result = replace(trained, model=model, snapshots=snapshots)
    text = " ".join(settings(result).paragraphs)
    assert ("grown on all won ones and a random part of the others" in text) == sampled
