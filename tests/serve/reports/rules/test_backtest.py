"""A draft is better where it calls better leads: tried with drafts whose worth is known."""

import json
import re
from pathlib import Path

import pytest

from features.config import load
from features.dataset import labelled
from features.open_database import open_database
from features.progress import silent
from features.result_json import to_json
from features.spec.spec import distinct
from models.registry import Registry
from models.rules.rules import call_order, load_rules, parse_rules
from serve.reports.page import write_page
from serve.reports.rules.backtest import CURRENT, DRAFT, MODEL, backtest
from serve.reports.rules.page import render


def of(folder, text, model=None):
    """The backtest of a draft on the demo's outcomes."""
    config, draft = load(folder), parse_rules(text, Path("draft.toml"))
    current = load_rules(folder / "rules.toml")
    specs = distinct((*draft.specs, *current.specs))
    with open_database(config if model is None else model.staged(config), specs) as database:
        return backtest(config, database, draft, current, model, silent)


@pytest.fixture(scope="module")
def current_text(demo_folder):
    return (demo_folder / "rules.toml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def upside_down(demo_folder, current_text):
    """Every sign turned: what drew leads up draws them down."""
    text = re.sub(r"points = (-?\d+)", lambda result: f"points = {-int(result[1])}", current_text)
    return of(demo_folder, text.replace('name = "starter"', 'name = "upside down"'))


def test_a_draft_that_turns_the_rules_upside_down_is_worse(upside_down):
    assert upside_down.is_worse
    assert str(upside_down.verdict).startswith(
        "The current rules had it right: calling the top 10%"
    )
    assert upside_down.judged.difference["precision"].high < 0
    assert {each.pays for each in upside_down.rules} <= {
        "wrong way",
        "not clear",
        "pays",
    }
    wrong = [each.rule for each in upside_down.rules if each.pays == "wrong way"]
    assert any("visited_pricing" in line for line in wrong)


def test_each_rule_is_counted_as_the_log_has_it(upside_down):
    lines = {each.rule: each for each in upside_down.rules}
    assert [each.points for each in upside_down.rules] == [
        r.points for r in upside_down.draft.file.rule
    ]
    for each in lines.values():
        assert each.wins <= each.snapshots
        assert each.leads <= each.snapshots
        share, base = each.wins / each.snapshots, upside_down.won.mean()
        assert each.lift.point == pytest.approx(share / base)


def test_the_same_rules_are_told_apart_from_a_draw(demo_folder, current_text):
    result = of(demo_folder, current_text + "# a comment is no change\n")
    assert result.draft.version == result.current.version
    assert str(result.verdict).startswith("The draft says what the current rules say")
    assert not result.is_worse
    assert result.judged.difference["precision"] == (0, 0, 0)


def test_who_is_disqualified_stands_last(demo_folder, current_text):
    angry = '[[disqualify]]\nname = "no mail"\nany = [{ action = "unsubscribed" }]\n'
    result = of(demo_folder, current_text + angry)
    points, current = result.scores[DRAFT], result.scores[CURRENT]
    last = points == points.min()
    assert 0 < last.sum() < len(points)
    assert (points[~last] == current[~last]).all()
    assert points[~last].min() > points.min()
    assert (call_order(result.draft, found_frame(demo_folder, result)) == points).all()


def found_frame(folder, result):
    cutoffs = sorted(set(result.snapshots["cutoff"].dt.to_pydatetime()))
    with open_database(load(folder), result.draft.specs) as database:
        return labelled(database, result.draft.specs, cutoffs, result.horizon_days, 4).frame


def test_beside_the_model_all_are_judged_on_cutoffs_fair_to_it(demo_folder, trained, current_text):
    config = load(demo_folder)
    model = Registry(config).pick(None)
    assert model.version == trained.model.version
    result = of(demo_folder, current_text.replace("points = 10", "points = 12"), model)
    assert set(result.scores) == {DRAFT, CURRENT, MODEL}
    gap = (result.snapshots["cutoff"].min() - model.trained_until).days
    assert gap >= model.horizon_days
    assert result.beside_model.names == (DRAFT, MODEL)
    message = to_json(result)
    test = trained.comparison.judgement.estimates["rules"]["precision"].point
    assert message["test"][CURRENT]["at_capacity"]["precision"] == pytest.approx(test)
    assert message["model_version"] == "1"
    assert json.loads(json.dumps(message, allow_nan=False)) == message


def test_without_a_store_there_is_no_model_and_none_is_made(demo_folder, tmp_path):
    config = load(demo_folder).model_copy(update={"path": tmp_path / "readiness.toml"})
    assert Registry(config).pick(None) is None
    assert list(tmp_path.iterdir()) == []


def test_the_page_says_it_without_script(upside_down, tmp_path):
    path = write_page(tmp_path / "out" / "rules.html", render(upside_down), upside_down)
    text = path.read_text(encoding="utf-8")
    assert '<strong class="rules">The current rules had it right</strong>' in text
    assert "none is registered yet" in text
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "").replace("http://www.w3.org/", "")
    message = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert message["worse"] is True
    assert message["test"]["difference"]["precision"]["point"] < 0
