"""0 done, 1 refused or gate not passed, 2 wrong usage or bad input: with advice, no traceback."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.config import load
from models.registry import CHALLENGER, Registry
from tests.readiness.conftest import Company
from tests.readiness.running import DEALS, LEADS, SETTINGS, little_folder, readiness

SCRIPT = Path(sys.executable).with_name("readiness")
VERBS_OF_A_FOLDER = ("check", "features", "train", "promote", "score", "compare")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("verb", "code", "printed"), [("check", 0, "The contract is kept."), ("chekc", 2, "'check'?")]
)
def test_of_the_script_itself(tmp_path: Path, verb: str, code: int, printed: str) -> None:
    ran = subprocess.run(
        [SCRIPT, verb, little_folder(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == code
    assert printed in " ".join((ran.stdout if code == 0 else ran.stderr).split())
    assert "Traceback" not in ran.stdout + ran.stderr
    assert code == 0 or ran.stdout == ""


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["check", "{little}", "--jsno"], "No such option: --jsno"),
        (["scroe", "{little}"], "Did you mean 'score'?"),
        (["ledger", "withdrw"], "Did you mean 'withdraw'?"),
        (["score", "--cutof", "2024-01-11"], "--cutoff"),
        (["explain"], "Missing argument 'LEAD'"),
        (["check", "{empty}"], "readiness init"),
        (["init", "{empty}"], "lacks leads, deals"),
    ],
)
def test_wrong_use_is_answered_with_advice(tmp_path: Path, words: list[str], printed: str) -> None:
    places = {name: tmp_path / name for name in ("little", "empty")}
    for place in places.values():
        place.mkdir()
    little_folder(places["little"])
    ran = readiness(*(word.format(**places) for word in words))
    assert (ran.code, ran.out) == (2, "")
    assert printed in " ".join(ran.err.split())


def test_without_a_verb_the_help_is_printed() -> None:
    ran = readiness()
    assert ran.code == 2
    assert "Usage" in ran.out + ran.err


@pytest.mark.parametrize("verb", VERBS_OF_A_FOLDER)
def test_without_settings_the_way_is_shown(tmp_path: Path, verb: str) -> None:
    ran = readiness(verb, tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert f"readiness init {tmp_path}" in ran.err


@pytest.mark.parametrize("verb", VERBS_OF_A_FOLDER)
def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path, verb: str) -> None:
    little_folder(tmp_path, settings=SETTINGS.replace("horizon_days", "horizont_days"))
    ran = readiness(verb, tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "time.horizont_days: unknown key; did you mean horizon_days?" in ran.err


def test_a_value_in_brackets_is_shown_as_it_is(tmp_path: Path) -> None:
    little_folder(tmp_path, settings=SETTINGS.replace("share = 0.1", 'share = ["[/b]", 1]'))
    ran = readiness("check", tmp_path)
    assert ran.code == 2
    assert "it is ['[/b]', 1]" in ran.err


def test_breaches_are_told(tmp_path: Path) -> None:
    little_folder(tmp_path, leads=LEADS + "3,2024-01-11,[/b]\n", deals=DEALS + "3,,[bold]\n")
    ran = readiness("check", tmp_path)
    assert ran.code == 2
    printed = " ".join(ran.out.split())
    assert printed.count("breach ") == 4  # the three, and the last line
    for message in ("breach leads.lead_id: ", "breach deals.closed_at: ", "breach deals.outcome: "):
        assert message in printed
    assert "lead 3: outcome [bold])" in printed
    assert printed.endswith("3 kinds of breach to mend.")
    assert readiness("check", tmp_path, "--json").result["ok"] is False
    ran = readiness("train", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "breaches its contract" in ran.err


def test_too_little_to_learn_from_is_refused(tmp_path: Path) -> None:
    ran = readiness("train", little_folder(tmp_path))
    assert (ran.code, ran.out) == (1, "")
    assert "too_few_cutoffs" in ran.err
    assert "too_few_wins" in ran.err


@pytest.mark.parametrize("verb", ["promote", "compare"])
def test_without_a_model_the_way_is_shown(untrained: Path, verb: str) -> None:
    ran = readiness(verb, untrained)
    assert (ran.code, ran.out) == (2, "")
    assert "Train one with `readiness train " in ran.err
    assert not (untrained / "out" / "ledger").exists()


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (("--model", "17"), "There is no 17 of the model"),
        (("--model", "chalenger"), "There is no chalenger of the model"),
        (("--cutoff", "yesterdy"), "Invalid value for '--cutoff'"),
        (("--export", "scores.xlsx"), "Export to a .csv or .parquet file, not scores.xlsx"),
    ],
)
def test_score_refuses_before_it_works(company: Company, words: tuple, printed: str) -> None:
    ran = readiness("score", company.folder, *words)
    assert (ran.code, ran.out) == (2, "")
    assert printed in ran.err
    assert "features" not in ran.err  # no bar: nothing was begun


@pytest.mark.parametrize("verb", [("score", "--export"), ("compare", "--out")])
def test_a_path_that_cannot_be_written_is_named(company: Company, tmp_path: Path, verb) -> None:
    blocked = tmp_path / "file" / ("scores.csv" if verb[0] == "score" else "page.html")
    blocked.parent.write_text("no folder")
    ran = readiness(verb[0], company.folder, verb[1], blocked)
    assert (ran.code, ran.out) == (2, "")
    assert str(blocked.parent) in ran.err


def test_explain_of_a_lead_that_is_not_there(company: Company) -> None:
    ran = readiness("explain", "[/b]", company.folder)
    assert (ran.code, ran.out) == (2, "")
    assert "Lead [/b] is not open at" in ran.err


@pytest.fixture
def the_same_again(company: Company) -> Iterator[str]:
    """The champion registered once more and made challenger: it cannot be better than itself."""
    registry = Registry(load(company.folder))
    champion = registry.client.get_model_version(registry.name, "1")
    again = registry.client.create_model_version(
        registry.name, source=champion.source, run_id=champion.run_id
    )
    registry.client.set_registered_model_alias(registry.name, CHALLENGER, again.version)
    yield str(again.version)
    registry.client.set_registered_model_alias(registry.name, CHALLENGER, "1")


def test_promote_of_a_model_that_is_not_better(company: Company, the_same_again: str) -> None:
    ran = readiness("promote", company.folder, "--json")
    assert ran.code == 1
    assert ran.result["promoted"] is False
    assert ran.result["difference"]["champion"] == {"point": 0, "low": 0, "high": 0}
    printed = (
        f"Version {the_same_again} is not promoted: it falls short in average precision: +0.000"
    )
    assert ran.result["said"].startswith(printed)
    assert readiness("score", company.folder, "--json").result["model_version"] == "1"


def test_promote_of_the_champion_has_nothing_to_do(company: Company) -> None:
    ran = readiness("promote", company.folder)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Version 1 is the champion already; nothing to do.\n")
