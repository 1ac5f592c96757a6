"""Who was champion when, and the way back, on three versions of one registry.

No lead database is needed: what may be promoted is decided in promote.py.
"""

import shutil

import numpy as np
import pytest

from features.errors import BadInput, Refused
from features.result_json import to_json
from models.registry import CHAMPION
from tests.models.small_model import snapshots
from tests.training.promotion.changes import FIGURES, promoted
from training.promotion.history import history, rollback


def versions(config):
    return [period.version for period in history(config).periods]


def test_there_was_no_champion_yet(company):
    assert to_json(history(company[0])) == {
        "champion": None,
        "log_is_whole": True,
        "fault": "",
        "notes": [],
        "periods": [],
    }


def test_the_periods_follow_each_other_with_figures_and_reasons(company):
    config, registry = company
    promoted(company, None, "1")
    promoted(company, "1", "3", reason="stale", forced=True)
    rollback(config, "it calls nobody", by="bob")
    result = history(config)
    report = to_json(result)["periods"]
    assert [each["version"] for each in report] == ["1", "3", "1"]
    assert [each["kind"] for each in report] == ["promote", "promote", "rollback"]
    assert [each["by"] for each in report] == ["ann", "ann", "bob"]
    assert [each["because"] for each in report] == ["", "stale", "it calls nobody"]
    assert [each["forced"] for each in report] == [False, True, False]
    assert [each["judged"] for each in report] == [FIGURES, FIGURES, {}]
    assert report[0]["said"] == "1 is better."
    assert [each["until"] for each in report] == [*(each["since"] for each in report[1:]), None]
    assert (result.champion, result.fault, result.notes) == ("1", "", ())
    assert [registry.tags("1")[f"champion_{key}"] for key in ("by", "because", "move")] == [
        "bob",
        "it calls nobody",
        "rollback from 3",
    ]


def test_a_rollback_scores_bit_for_bit_as_before(company):
    config, registry = company
    frame, _ = snapshots(200, seed=9)
    promoted(company, None, "1")
    before = registry.load(CHAMPION).rank(frame)
    promoted(company, "1", "2")
    assert not np.array_equal(registry.load(CHAMPION).rank(frame), before)
    rollback(config, "the sales team trusts the old one")
    assert np.array_equal(registry.load(CHAMPION).rank(frame), before)


def test_back_step_by_step_to_the_first_and_no_further(company):
    config, registry = company
    for old, new in ((None, "1"), ("1", "2"), ("2", "3")):
        promoted(company, old, new)
    assert rollback(config, "so").new_version == "2"
    assert rollback(config, "so").new_version == "1"
    with pytest.raises(Refused, match="Version 1 is champion, and the history has none before it"):
        rollback(config, "so")
    assert rollback(config, "forth again", to="3").new_version == "3"
    assert rollback(config, "and back").new_version == "1"
    assert registry.find(CHAMPION) == "1"
    assert versions(config) == ["1", "2", "3", "2", "1", "3", "1"]


@pytest.mark.parametrize("to", ["3", "17", "challenger", "2"])
def test_only_to_what_was_champion_and_is_not(company, to):
    promoted(company, None, "1")
    promoted(company, "1", "2")
    with pytest.raises(Refused, match=r"no earlier champion \(earlier champions: 1\)"):
        rollback(company[0], "so", to=to)
    assert company[1].find(CHAMPION) == "2"


def test_without_champion_or_reason_no_rollback(company):
    with pytest.raises(Refused, match="There is no champion to go back from"):
        rollback(company[0], "so")
    with pytest.raises(BadInput, match="Say why"):
        rollback(company[0], "  ")


def test_a_champion_from_before_there_was_a_history(company):
    """It can be gone back to as well."""
    config, registry = company
    registry.set_champion("1")
    (period,) = to_json(history(config))["periods"]
    assert (period["version"], period["since"], period["kind"]) == ("1", None, "outside the log")
    promoted(company, "1", "2")
    assert versions(config) == ["1", "2"]
    assert rollback(config, "so").new_version == "1"


def test_a_champion_set_by_hand_is_among_the_periods(company):
    config, registry = company
    promoted(company, None, "1")
    registry.set_champion("3")
    last = history(config).periods[-1]
    assert (last.version, last.since, last.change) == ("3", None, None)


@pytest.mark.parametrize("left", ["nothing", "an older copy"])
def test_that_the_change_of_the_current_champion_is_missing_is_a_fault(company, tmp_path, left):
    config, _ = company
    promoted(company, None, "1")
    file = config.out_folder / "decisions.sqlite"
    shutil.copy(file, tmp_path)
    promoted(company, "1", "2")
    assert history(config).fault == ""
    file.unlink()
    if left == "an older copy":
        shutil.copy(tmp_path / "decisions.sqlite", file)
    result = history(config)
    assert "change 2, which set version 2 as champion, is missing" in result.fault
    assert to_json(result)["log_is_whole"] is False
    promoted(company, "2", "3")
    assert history(config).fault == ""


def test_the_rollback_of_a_version_is_known(company):
    promoted(company, None, "1")
    promoted(company, "1", "2")
    rollback(company[0], "so")
    past = history(company[0])
    assert past.rollback_of("2") == past.changes[-1]
    assert past.rollback_of("1") is None
