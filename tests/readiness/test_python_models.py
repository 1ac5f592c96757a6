"""`import readiness`: training, scoring and comparing, against what the command did."""

import doctest
import re
import tomllib
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

import readiness as rd
from features.config import load
from models.registry import Registry
from tests.readiness.conftest import Company

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def frames(company: Company) -> dict[str, pd.DataFrame]:
    tables = ("events", "leads", "deals", "contacts")
    return {name: pd.read_parquet(company.folder / f"{name}.parquet") for name in tables}


@pytest.fixture(scope="module")
def leads(company: Company, frames: dict[str, pd.DataFrame]) -> rd.Leads:
    """The company's tables as frames, under the settings of its readiness.toml."""
    settings = tomllib.loads((company.folder / "readiness.toml").read_text("utf-8"))
    del settings["tables"]
    return rd.open_leads(**frames, settings=settings)


@pytest.fixture(scope="module")
def rules(company: Company) -> rd.RuleScore:
    return rd.load_rules(company.folder / "rules.toml")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def trained(leads: rd.Leads, rules: rd.RuleScore, store: Path):
    return rd.train(leads, rules, track_in=store)


def without_runs(printed: dict) -> dict:
    return {key: value for key, value in printed.items() if key != "run_id"}


def test_training_from_frames_is_that_of_the_command(company: Company, trained) -> None:
    assert without_runs(rd.to_json(trained)) == without_runs(company.result("train"))


def test_it_is_tracked_in_the_folder_asked_for(leads: rd.Leads, trained, store: Path) -> None:
    assert {path.name for path in store.iterdir()} == {"mlflow.db", "mlartifacts"}
    uri = {"uri": f"sqlite:///{store / 'mlflow.db'}"}
    mlflow = leads.config.mlflow.model_copy(update=uri)
    stored = Registry(leads.config.model_copy(update={"mlflow": mlflow})).load("challenger")
    frame = rd.features(leads, leads.mature_cutoffs()[-1], trained.model.specs)
    np.testing.assert_array_equal(stored.rank(frame), trained.model.rank(frame))


def test_compare_says_what_the_command_says(
    company: Company, leads: rd.Leads, rules: rd.RuleScore, trained
) -> None:
    compared = without_runs(rd.to_json(rd.compare(trained, rules, leads)))
    printed = company.result("compare")
    assert compared.pop("champion_because") is None  # frames have no history of champions
    assert {key: printed[key] for key in compared} == compared


def test_scores_are_those_of_the_ledger_to_the_last_bit(
    company: Company, frames: dict[str, pd.DataFrame], leads: rd.Leads, rules: rd.RuleScore, trained
) -> None:
    result = company.result("score")
    cutoff = datetime.fromisoformat(result["cutoff"])
    with duckdb.connect() as ledger:
        ledger.execute(f"CREATE VIEW scores AS FROM '{result['ledger']}/*.parquet'")
        ledger_rows = ledger.execute(
            "SELECT lead_id, readiness, rule_score AS points, band FROM scores "
            "WHERE cutoff = $1 ORDER BY lead_id",
            [cutoff],
        ).df()
    tables = {name: frames[name] for name in ("events", "leads", "deals")}
    words = load(company.folder).words
    for scorer in (rd.Scorer.champion(company.folder), rd.Scorer(trained.model, rules, words)):
        scored = scorer.score(**tables, cutoff=cutoff).rename(columns={"rule_score": "points"})
        mine = scored.astype({"lead_id": "str"}).sort_values("lead_id", ignore_index=True)
        pd.testing.assert_frame_equal(
            mine[list(ledger_rows)], ledger_rows, check_exact=True, check_dtype=False
        )
    points = rd.points(leads, cutoff, rules).astype({"lead_id": "str"})
    points = points.sort_values("lead_id", ignore_index=True)
    pd.testing.assert_frame_equal(
        points[["lead_id", "points", "band"]],
        ledger_rows[["lead_id", "points", "band"]],
        check_exact=True,
        check_dtype=False,
    )


def test_without_deals_it_says_that_closed_leads_are_in(
    frames: dict[str, pd.DataFrame], rules: rd.RuleScore, trained
) -> None:
    scorer, cutoff = rd.Scorer(trained.model, rules), datetime(2025, 6, 1)
    with pytest.warns(UserWarning, match="closed leads are in"):
        every = scorer.score(frames["events"], frames["leads"], cutoff)
    open_leads = scorer.score(frames["events"], frames["leads"], cutoff, frames["deals"])
    deals = frames["deals"]
    closed = deals.loc[deals["closed_at"] < cutoff, "lead_id"]
    assert len(closed)
    assert set(every["lead_id"]) - set(open_leads["lead_id"]) == set(closed)


def test_a_representation_is_a_few_lines(leads: rd.Leads, rules: rd.RuleScore, trained) -> None:
    scorer = rd.Scorer(trained.model, rules)
    transformer = rd.LeadFeatures(leads)
    shown = [leads, rules, trained, trained.model, scorer, trained.comparison, transformer]
    for each in (*shown, rd.RollingCutoffs()):
        assert len(repr(each)) < 500
        assert repr(each).count("\n") <= 4
        assert type(each).__name__ in repr(each)


def test_rules_from_a_path_a_text_and_a_mapping(company: Company, tmp_path: Path) -> None:
    path = company.folder / "rules.toml"
    text = path.read_text("utf-8")
    read = [rd.load_rules(source) for source in (path, str(path), text, tomllib.loads(text))]
    assert {each.version for each in read} == {rd.load_rules(path).version}
    for fault in (tmp_path / "none.toml", "name = ", {"name": "x"}, {"nmae": "x"}):
        with pytest.raises(rd.BadInput):
            rd.load_rules(fault)


def test_too_little_to_learn_from_is_refused() -> None:
    rules = {"name": "r", "bands": {"warm": 1, "hot": 2}, "rule": [{"action": "x", "points": 1}]}
    with pytest.raises(rd.Refused):
        rd.train(rd.example(), rd.load_rules(rules))


def test_what_is_public() -> None:
    assert rd.__version__ == version("sales-readiness")
    assert dir(rd) == sorted(rd.__all__)
    for name in rd.__all__:
        assert getattr(rd, name).__doc__
    with pytest.raises(AttributeError, match="champion"):
        _ = rd.champion


@pytest.mark.long
def test_the_guide_is_true() -> None:
    """Every example of docs/python.md, run from top to bottom in one session."""
    guide = (ROOT / "docs" / "python.md").read_text("utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", guide, re.DOTALL))
    assert code.count(">>> ") == guide.count(">>> ") > 10
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(code, {}, "docs/python.md", None, 0)
    runner, message = doctest.DocTestRunner(optionflags=options), []
    runner.run(test, out=message.append)
    assert runner.failures == 0, "".join(message)
