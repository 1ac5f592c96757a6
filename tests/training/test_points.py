"""Learned points on the simulator: they find what is worth much, and look at no test outcome."""

from datetime import timedelta
from pathlib import Path

import pytest

from features.config import Config, load
from features.open import open_database
from features.simulator.simulate import simulate, write
from features.starter.starter import write_starter
from models.registry import CHAMPION, Registry
from models.rules.rules import load_rules, parse_rules
from tests.conftest import QUICK, edit
from training.points import CURRENT, LEARNED, Learned, learn
from training.record import Trained

MINOR = ("email_opened", "email_clicked", "visited_homepage", "visited_blog")
STRONG = ("visited_pricing", "form_submitted", "opened_quote", "called_in", "form_begun")


def learned(config: Config, model=None) -> Learned:
    current = load_rules(config.folder / config.rules)
    staged = config if model is None else model.staged(config)
    with open_database(staged, current.specs) as database:
        return learn(config, database, current, model)


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Learned]:
    found = []
    for seed in (1, 2, 3):
        folder: Path = tmp_path_factory.mktemp(f"seed{seed}")
        write(simulate(leads=2_000, seed=seed), folder)
        write_starter(folder)
        edit(folder, **QUICK)
        found.append(learned(load(folder)))
    return found


def test_strong_deeds_get_more_than_minor_ones(seeds):
    for found in seeds:
        paid = {rule.action: rule.points for rule in found.rules.file.rule if rule.action}
        strong, minor = ([paid.get(a, 0) for a in actions] for actions in (STRONG, MINOR))
        assert max(strong) > max(minor)
        assert sum(strong) > 2 * sum(minor)
        assert min(paid.values()) >= 0 or "unsubscribed" in paid


def test_it_calls_at_least_as_well_as_the_starter_on_later_cutoffs(seeds):
    """Over the seeds together; on any one of them chance has its say."""
    ours, theirs = (
        [found.judged.estimates[name]["average_precision"].point for found in seeds]
        for name in (LEARNED, CURRENT)
    )
    assert sum(ours) > sum(theirs)
    assert all(found.judged.winner != CURRENT for found in seeds)


def test_no_peeking_into_the_test(demo_folder, tmp_path):
    """What happens from the last training label on changes no point: the deals of the test period
    are taken away, but for a few that keep the data end and something to judge on."""
    config = load(demo_folder)
    found = learned(config)
    until = max(found.split.fit) + timedelta(days=config.time.horizon_days)
    sql = (
        f"SELECT * FROM read_parquet('{demo_folder}/deals.parquet') "
        f"WHERE closed_at < TIMESTAMP '{until}' OR lead_id % 3 = 0"
    )
    tables = config.tables.model_copy(update={"deals": sql})
    times = config.time.model_copy(update={"data_end": found.data_end})
    other = learned(config.model_copy(update={"tables": tables, "time": times}))
    assert other.judged.wins < found.judged.wins
    assert other.rules.version == found.rules.version
    assert [each.fair for each in other.reviews] == [each.fair for each in found.reviews]


def test_beside_the_model_where_that_is_fair(trained: Trained, demo_folder):
    config = load(demo_folder)
    model = Registry(config).load(CHAMPION)
    found = learned(config, model)
    assert found.beside_model is not None
    assert found.beside_model.cutoffs.keys() == found.judged.cutoffs.keys()
    theirs = trained.comparison.judgement.estimates["model"]["precision"].point
    assert found.beside_model.estimates["model"]["precision"].point == pytest.approx(theirs)
    shorter = config.model_copy(update={"time": config.time.model_copy(update={"test_cutoffs": 9})})
    assert learned(shorter, model).beside_model is None  # it was trained on those


def test_the_text_is_the_table(seeds):
    for found in seeds:
        read = parse_rules(found.text, Path("learned.toml"))
        assert read.version == found.rules.version
        assert found.text.count("# lift ") == len(read.file.rule)
        assert f"({found.current.version})" in found.text
