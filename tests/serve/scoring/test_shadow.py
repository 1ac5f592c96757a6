"""Challengers beside the champion: they say their readiness, and change nothing else.

Version 1 is the champion; 2 is the same model, all of whose log-odds are higher by 0.5, so that it
is scored in the champion's pass; 3 has features of its own; 4 needs an attribute that is not there.
"""

import shutil
from datetime import datetime
from hashlib import sha256

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.special import logit

from features.cohort import cohort_at
from features.config import ShadowSettings, load
from features.engine.duckdb_engine import feature_frame
from features.open_database import open_database
from features.spec.kinds import Attribute
from models.decisions.place import LedgerPlace
from models.registry import Registry
from serve.ledger.ledger import open_ledger
from serve.scoring import batch
from serve.scoring.batch import score_all
from serve.scoring.scorer import Scorer
from serve.scoring.shadow import Shadows
from tests.copied_company import copied_company
from tests.models.small_model import SPECS, fitted, training
from tests.readiness.running import readiness

pytestmark = pytest.mark.slow
NIGHT = datetime(2026, 11, 29, 4)


@pytest.fixture(scope="module")
def company(demo_folder, trained, tmp_path_factory):
    """Settings of a company with four versions, and the model of version 3."""
    folder = tmp_path_factory.mktemp("shadow")
    for file in demo_folder.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    config = load(folder)
    registry = Registry(config)
    own = fitted(300, specs=tuple(each for each in SPECS if not isinstance(each, Attribute)))
    for model in (trained.model, trained.model.moved(0.5), own, fitted(300)):
        registry.log(training(model))
    registry.set_champion("1")
    return config, own


def scored(company, out, monkeypatch, challengers, most=3):
    """The settings, and what a run at NIGHT left, with its `out` in another place."""
    config = company[0].model_copy(
        update={
            "shadow": ShadowSettings(challengers=challengers, most=most),
            "out": str(out),
        }
    )
    monkeypatch.setattr(batch, "utc_now", lambda: NIGHT)
    scorer = Scorer.of(config, "champion")
    with (
        open_ledger(LedgerPlace.of(config)) as ledger,
        open_database(scorer.staged(config), scorer.specs) as database,
    ):
        return config, score_all(config, database, scorer, ledger)


def files(out) -> dict[str, str]:
    """The digest of each file of the ledger, by its place."""
    paths = sorted((out / "ledger").rglob("*.parquet"))
    return {str(p.relative_to(out)): sha256(p.read_bytes()).hexdigest() for p in paths}


def readings(out) -> dict[str, pd.Series]:
    """What each version gave, by lead, read by DuckDB alone; "1" is the champion's list."""
    with duckdb.connect() as plain:
        shadows = plain.execute(
            f"SELECT shadow_version, lead_id, readiness FROM '{out}/ledger/shadows/*.parquet'"
        ).df()
        listed = plain.execute(f"SELECT lead_id, readiness FROM '{out}/ledger/*.parquet'").df()
    by_version = dict(list(shadows.groupby("shadow_version"))) | {"1": listed}
    return {
        version: frame.dropna(subset="readiness").set_index("lead_id")["readiness"].sort_index()
        for version, frame in by_version.items()
    }


def test_the_list_is_the_same_to_the_byte_and_the_others_say_their_own(
    company, tmp_path, monkeypatch
) -> None:
    _, alone = scored(company, tmp_path / "alone", monkeypatch, False)
    config, shadowed = scored(company, tmp_path / "beside", monkeypatch, [2, 3, 4])
    without, with_them = files(tmp_path / "alone"), files(tmp_path / "beside")
    assert {place: with_them[place] for place in without} == without
    assert len(with_them) == len(without) + 2

    assert (alone.shadow_failed, shadowed.shadow_failed) == (False, True)
    (note,) = set(shadowed.notes) - set(alone.notes)
    assert "4" in note
    assert "size" in note
    assert "\n" not in note

    by_version = readings(tmp_path / "beside")
    assert set(by_version) == {"1", "2", "3"}
    shifted = logit(by_version["2"]) - logit(by_version["1"])
    assert len(shifted) == len(by_version["1"]) > 100
    assert shifted.to_numpy() == pytest.approx(np.full(len(shifted), 0.5))
    own = company[1]
    with open_database(own.staged(config)) as database:
        frame = feature_frame(cohort_at(database, [shadowed.run.cutoff]), own.specs)
    expected = pd.Series(own.rank(frame), frame["lead_id"].astype(str)).sort_index()
    assert by_version["3"].to_dict() == pytest.approx(expected.to_dict())


def test_the_same_run_again_adds_nothing(company, tmp_path, monkeypatch) -> None:
    _, first = scored(company, tmp_path, monkeypatch, [2])
    before = files(tmp_path)
    assert len(before) == 2
    _, again = scored(company, tmp_path, monkeypatch, [2])
    assert (first.added > 0, again.added) == (True, 0)
    assert files(tmp_path) == before


def test_the_newest_after_the_champion_and_no_more_than_most(company) -> None:
    config, _ = company
    for version, most, expected in (
        ("1", 2, ["4", "3"]),
        ("3", 2, ["4"]),
        ("1", 3, ["4", "3", "2"]),
    ):
        shadow = ShadowSettings(challengers=True, most=most)
        settings = config.model_copy(update={"shadow": shadow})
        Registry(config).set_champion(version)
        scorer = Scorer.of(config, version)
        with open_database(scorer.staged(config)) as database:
            assert list(Shadows.of_run(settings, database, scorer, NIGHT).models) == expected
            other = Scorer.of(config, "2")  # by --model, not the champion
            assert not Shadows.of_run(settings, database, other, NIGHT).models
    Registry(config).set_champion("1")


def test_the_command_exits_0_with_a_note_and_forgets_a_lead(company, tmp_path) -> None:
    config, _ = company
    folder = tmp_path / "company"
    copied_company(config.folder, folder)
    path = folder / "readiness.toml"
    text = path.read_text("utf-8").replace("challengers = false", "challengers = [2, 9]")
    path.write_text(text, "utf-8")
    for _ in range(2):  # what failed is tried again, and the run is not taken for done
        ran = readiness("score", folder, "--json")
        assert ran.code == 0
        (note,) = [note for note in ran.result["notes"] if "hallenger" in note]
        assert "9" in note
    by_version = readings(folder / "out")
    lead = by_version["2"].index[0]
    assert readiness("forget", lead, folder, "--because", "asked for").code == 0
    left = readings(folder / "out")
    for version in "12":
        assert set(by_version[version].index) - set(left[version].index) == {lead}
