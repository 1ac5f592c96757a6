"""Every verb runs through on each kind of business that the simulator knows, and what is scored
rises with the true probability."""

import re
from pathlib import Path

import pandas as pd
import pytest

from features.simulator.modes import WORLDS, Mode
from features.simulator.simulate import write
from tests.readiness.running import readiness

pytestmark = pytest.mark.slow
SIZES: dict[Mode, tuple[int, int]] = {
    "repeat": (1_500, 300),
    "usage": (3_000, 300),
    "flat": (2_000, 300),
}


def begun(folder: Path, *options: object) -> None:
    """`init`, and a search that takes no longer than it must."""
    assert readiness("init", folder, *options).code == 0
    settings = folder / "readiness.toml"
    text = settings.read_text()
    for key, value in (("candidates", 1), ("folds", 1), ("jobs", 1)):
        text = re.sub(rf"^{key} = \d", f"{key} = {value}", text, flags=re.MULTILINE)
    settings.write_text(text)


@pytest.mark.long
@pytest.mark.parametrize("mode", SIZES)
def test_all_verbs_run_through(mode: Mode, tmp_path: Path) -> None:
    world = WORLDS[mode](SIZES[mode][0], 5, SIZES[mode][1])
    (first, *_) = write(world, tmp_path)
    begun(tmp_path, *(("--flat", first) if mode == "flat" else ()))
    checked = readiness("check", tmp_path, "--json")
    assert (checked.code, checked.result["breaches"]) == (0, [])
    assert checked.result["training"] == {"passes": True, "reasons": []}
    assert [finding for finding in checked.result["findings"] if not finding["accepted"]] == []
    assert readiness("train", tmp_path, "--json").code == 0
    assert readiness("promote", tmp_path, "--because", "a test", "--force").code == 0
    scores = tmp_path / "scores.csv"
    assert readiness("score", tmp_path, "--export", scores).code == 0
    assert readiness("compare", tmp_path).code == 0
    scored = pd.read_csv(scores).dropna(subset="readiness")
    snapshots = pd.DataFrame({"lead_id": scored.lead_id.astype(int), "cutoff": world.data_end})
    truth = world.true_probability(snapshots, 30)
    assert len(scored) > 200
    called = scored.readiness.to_numpy().argsort()[-len(scored) // 10 :]
    assert truth[called].mean() > 1.5 * truth.mean()


def test_a_table_without_times_is_explored_and_never_promoted(tmp_path: Path) -> None:
    flat = WORLDS["flat"](1_500, 5, 300).tables["customers"]
    timeless = flat.drop(columns=["created_on", "closed_on", "discount", "contract_ends"])
    timeless.to_csv(tmp_path / "timeless.csv", index=False)
    begun(tmp_path, "--flat", tmp_path / "timeless.csv")
    checked = readiness("check", tmp_path, "--json").result
    assert (checked["breaches"], checked["training"]["reasons"]) == ([], [])
    assert any("exploration" in note["title"] for note in checked["notes"])
    trained = readiness("train", tmp_path, "--json")
    assert trained.code == 0
    assert trained.result["verdict"].startswith("Exploration only")
    refused = readiness("promote", tmp_path, "--because", "please", "--force", "--json")
    assert refused.code == 1
    assert "exploration" in refused.result["error"]
    compared = readiness("compare", tmp_path, "--json")
    assert compared.result["verdict"].startswith("Exploration only")
    page = (tmp_path / "out" / "compare.html").read_text()
    assert page.index("Exploration only") < page.index("<table")
