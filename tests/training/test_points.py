"""Learned points on the simulator: they find what matters much, and look at no test outcome."""

from datetime import timedelta
from pathlib import Path

import pytest

from features.config import Config, load
from features.open_database import open_database
from features.simulator.simulate import simulate, write
from features.starter.starter import write_starter
from models.registry import CHAMPION, Registry
from models.rules.rules import load_rules, parse_rules
from tests.conftest import QUICK, edit
from training.points import CURRENT, LEARNED, LearnedPoints, learn
from training.record import Trained

MINOR = ("email_opened", "email_clicked", "visited_homepage", "visited_blog")
STRONG = ("visited_pricing", "form_submitted", "opened_quote", "called_in", "form_begun")


def learned(config: Config, model=None) -> LearnedPoints:
    current = load_rules(config.folder / config.rules)
    staged = config if model is None else model.staged(config)
    with open_database(staged, current.specs) as database:
        return learn(config, database, current, model)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[LearnedPoints]:
    result = []
    for seed in (1, 2, 3):
        folder: Path = tmp_path_factory.mktemp(f"seed{seed}")
        write(simulate(leads=2_000, seed=seed), folder)
        write_starter(folder)
        edit(folder, **QUICK)
        result.append(learned(load(folder)))
    return result


def test_strong_actions_get_more_than_minor_ones(seeds):
    for result in seeds:
        rewarded = {rule.action: rule.points for rule in result.rules.file.rule if rule.action}
        strong, minor = ([rewarded.get(a, 0) for a in actions] for actions in (STRONG, MINOR))
        assert max(strong) > max(minor)
        assert sum(strong) > 2 * sum(minor)
        assert min(rewarded.values()) >= 0 or "unsubscribed" in rewarded


def test_it_calls_at_least_as_well_as_the_starter_on_later_cutoffs(seeds):
    """Over the seeds together; on any one of them chance has its say."""
    ours, theirs = (
        [result.judged.estimates[name]["average_precision"].point for result in seeds]
        for name in (LEARNED, CURRENT)
    )
    assert sum(ours) > sum(theirs)
    assert all(result.judged.winner != CURRENT for result in seeds)


def test_no_peeking_into_the_test(demo_folder, tmp_path):
    """What happens from the last training label on changes no point: the deals of the test period
    are taken away, but for a few that keep the data end and something to judge on."""
    config = load(demo_folder)
    result = learned(config)
    until = max(result.split.fit) + timedelta(days=config.time.horizon_days)
    sql = (
        f"SELECT * FROM read_parquet('{demo_folder}/deals.parquet') "
        f"WHERE closed_at < TIMESTAMP '{until}' OR lead_id % 3 = 0"
    )
    tables = config.tables.model_copy(update={"deals": sql})
    times = config.time.model_copy(update={"data_end": result.data_end})
    other = learned(config.model_copy(update={"tables": tables, "time": times}))
    assert other.judged.wins < result.judged.wins
    assert other.rules.version == result.rules.version
    assert [each.fair for each in other.reviews] == [each.fair for each in result.reviews]


def test_beside_the_model_where_that_is_fair(trained: Trained, demo_folder):
    config = load(demo_folder)
    model = Registry(config).load(CHAMPION)
    result = learned(config, model)
    assert result.against_model is not None
    assert result.against_model.cutoffs.keys() == result.judged.cutoffs.keys()
    theirs = trained.comparison.judgement.estimates["model"]["precision"].point
    assert result.against_model.estimates["model"]["precision"].point == pytest.approx(theirs)
    shorter = config.model_copy(update={"time": config.time.model_copy(update={"test_cutoffs": 9})})
    assert learned(shorter, model).against_model is None  # it was trained on those


def test_the_text_is_the_table(seeds):
    for result in seeds:
        read = parse_rules(result.text, Path("learned.toml"))
        assert read.version == result.rules.version
        assert result.text.count("# lift ") == len(read.file.rule)
        assert f"({result.current.version})" in result.text
