"""promote, rollback and history as typed: what they print, and their exit codes."""

from collections.abc import Iterator

import pytest

from features.config import load
from models.decisions.place import LedgerPlace
from models.decisions.store import open_decisions, transaction
from models.registry import CHALLENGER, CHAMPION, Registry
from tests.readiness.conftest import Company
from tests.readiness.running import readiness


@pytest.fixture
def twin(company: Company) -> Iterator[str]:
    """The champion once more, as challenger; afterwards all is as it was."""
    config = load(company.folder)
    registry, file = Registry(config), config.out_folder / "decisions.sqlite"
    rows, tags = file.read_bytes(), registry.tags("1")
    champion = registry.client.get_model_version(registry.name, "1")
    again = registry.client.create_model_version(
        registry.name, source=champion.source, run_id=champion.run_id
    )
    registry.client.set_registered_model_alias(registry.name, CHALLENGER, again.version)
    yield str(again.version)
    registry.client.set_registered_model_alias(registry.name, CHALLENGER, "1")
    registry.set_champion("1")
    registry.tag("1", tags)
    file.write_bytes(rows)


def test_the_history_of_a_first_promotion(company: Company) -> None:
    ran = readiness("history", company.folder, "--json")
    (period,) = ran.result["periods"]
    assert (ran.code, ran.result["champion"], ran.result["log_is_whole"]) == (0, "1", True)
    assert (period["version"], period["kind"], period["until"]) == ("1", "promote", None)
    promoted = company.result("promote")
    assert period["said"] == promoted["said"]
    assert period["judged"]["difference"] == promoted["difference"]


def test_an_approval_against_the_figures_and_the_way_back(company: Company, twin: str) -> None:
    folder = company.folder
    alone = readiness("promote", folder, "--because", "newer is better", "--json")
    assert (alone.code, alone.result["promoted"], alone.result["takes"]) == (1, False, "force")
    assert f"readiness promote {folder} --force." in alone.result["said"]

    forced = readiness("promote", folder, "--because", "it is [/b] mine", "--force", "--by", "ann")
    assert (forced.code, forced.err.count("Traceback")) == (0, 0)
    assert f"Version {twin} is champion" in forced.out

    back = readiness("rollback", folder, "--because", "it was not", "--by", "bob", "--json")
    assert back.code == 0
    assert back.result == {"from": twin, "to": "1", "by": "bob", "because": "it was not"}
    assert Registry(load(folder)).find(CHAMPION) == "1"

    registry = Registry(load(folder))  # a promoted version is no challenger any more
    registry.client.set_registered_model_alias(registry.name, CHALLENGER, twin)
    again = readiness("promote", folder, "--json")
    assert again.code == 1
    assert "bob rolled it back on" in again.result["said"]

    message = readiness("history", folder)
    text = " ".join(message.out.replace("│", " ").split())
    assert message.code == 0
    assert '"it is [/b] mine"' in text
    assert max(map(len, message.out.splitlines())) <= 80
    no_further = readiness("rollback", folder, "--because", "once more")
    assert (no_further.code, no_further.out) == (1, "")
    assert "there is nothing to go back to" in no_further.err


def test_a_history_that_misses_the_current_champion_is_an_error(
    company: Company, twin: str
) -> None:
    with open_decisions(LedgerPlace.of(load(company.folder))) as store, transaction(store):
        store.exec_driver_sql("DELETE FROM champion_changes")
    shown = readiness("history", company.folder)
    assert shown.code == 1
    assert "change 1, which set version 1 as champion, is missing" in shown.out
    shown = readiness("history", company.folder, "--json")
    assert (shown.code, shown.result["log_is_whole"]) == (1, False)


def test_a_broken_log_of_an_earlier_release_is_refused(company: Company, twin: str) -> None:
    out = load(company.folder).out_folder
    with open_decisions(LedgerPlace(out)) as store, transaction(store):
        store.exec_driver_sql("DELETE FROM champion_changes")
    log = out / "promotions.jsonl"
    log.write_text("{}\n", "utf-8")
    for verb in ("history", "promote"):
        ran = readiness(verb, company.folder)
        assert (ran.code, ran.out) == (1, "")
        assert "promotions.jsonl: line 1" in ran.err
        assert "from a backup" in ran.err
    log.unlink()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("rollback",), "Missing option '--because'"),
        (("rollback", "--because", " "), "Say why, in a few words"),
        (("promote", "--force"), "--force goes against the figures: say why, with --because."),
    ],
)
def test_an_approval_has_a_reason(company: Company, words: tuple[str, ...], text: str) -> None:
    verb, *options = words
    ran = readiness(verb, company.folder, *options)
    assert (ran.code, ran.out) == (2, "")
    assert text in " ".join(ran.err.replace("│", " ").split())


def test_without_a_champion_history_shows_the_way(untrained: object) -> None:
    ran = readiness("history", untrained)
    assert ran.code == 0
    assert "readiness promote" in ran.out
