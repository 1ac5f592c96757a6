"""check tells what the audit finds and exits 1; train refuses; accepted or left out, both go on."""

import shutil

import pytest

from benchmarks.audit import planted
from benchmarks.audit_plants import Frames
from features.simulator.simulate import simulate
from tests.conftest import edit
from tests.copied_company import copied_company
from tests.readiness.running import readiness

CODE = "decides:won(contract_signed)"


@pytest.fixture(scope="module")
def leaking(demo_folder, tmp_path_factory):
    """The simulated company of `demo_folder`, and a contract that only winners sign."""
    folder = tmp_path_factory.mktemp("leaking")
    for file in demo_folder.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    frames = planted(Frames.of(simulate(leads=2_000, seed=7)), CODE, 1)
    frames.events.to_parquet(folder / "events.parquet")
    return folder


def feature_names(folder):
    return {each["name"] for each in readiness("features", folder, "--json").result["features"]}


def test_check_tells_the_leak_and_the_line_to_paste(leaking):
    checked = readiness("check", leaking)
    assert checked.code == 1
    assert "leak" in checked.out
    assert f'accepted = ["{CODE}"]' in checked.out
    concerned = [name for name in feature_names(leaking) if name.endswith("(contract_signed)")]
    assert f"action:contract_signed ({len(concerned)} features)" in checked.out
    result = readiness("check", leaking, "--json")
    assert (result.code, result.result["ok"]) == (1, True)
    ((code, accepted),) = ((f["code"], f["accepted"]) for f in result.result["findings"])
    assert (code, accepted) == (CODE, False)


def test_train_refuses(leaking):
    refused = readiness("train", leaking, "--json")
    assert refused.code == 1
    assert f"{CODE}: " in refused.result["error"]
    assert f'accepted = ["{CODE}"]' in refused.result["error"]


def test_accepted_it_is_told_as_such(leaking, tmp_path):
    folder = copied_company(leaking, tmp_path / "accepted")
    edit(folder, accepted=f'["{CODE}", "decides:won(contract_singed)"]')
    result = readiness("check", folder, "--json")
    assert result.code == 0
    assert [finding["accepted"] for finding in result.result["findings"]] == [True]
    (note,) = (note["text"] for note in result.result["notes"] if "audit.accepted" in note["text"])
    assert f"decides:won(contract_singed) (is it {CODE}?)" in note


@pytest.mark.parametrize("pattern", ["decides:won(contract_*)", "action:contract_signed", "*"])
def test_accepted_by_a_pattern_or_by_what_it_is_about(leaking, tmp_path, pattern):
    folder = copied_company(leaking, tmp_path / "accepted")
    edit(folder, accepted=f'["{pattern}"]')
    result = readiness("check", folder, "--json")
    assert result.code == 0
    assert [finding["accepted"] for finding in result.result["findings"]] == [True]
    assert not [note for note in result.result["notes"] if "audit.accepted" in note["text"]]


def test_features_are_left_out_by_name(leaking, tmp_path):
    folder = copied_company(leaking, tmp_path / "left_out")
    edit(folder, leave_out='["first_action", "trend_*", "*(contract_signed)"]')
    gone = feature_names(leaking) - feature_names(folder)
    kinds = {"first", "trend", "count", "days", "decayed"}
    assert {name.partition("_")[0] for name in gone} == kinds
    assert all(name.startswith(("first_action", "trend_")) or "contract" in name for name in gone)
    edit(folder, leave_out='["trend_8d", "count_*"]')
    for verb in ("check", "train", "features"):
        refused = readiness(verb, folder)
        assert refused.code == 2
        assert "trend_8d (is it trend_7d?)" in refused.out + refused.err
        assert "count_" not in (refused.out + refused.err).replace("count_7d", "")


def test_left_out_it_is_gone(leaking, tmp_path):
    folder = copied_company(leaking, tmp_path / "left_out")
    edit(folder, leave_out_actions='["contract_signed"]')
    result = readiness("check", folder, "--json")
    assert (result.code, result.result["findings"]) == (0, [])
