"""A segment as a feature: trained, stored, loaded and scored by the definition of its training."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from features.catalog import describe_features
from features.conditions.segments import InSegment
from features.config import load
from features.engine.duckdb_engine import feature_frame
from features.open_database import open_database
from features.snapshots import Snapshots
from features.spec.kinds import Attribute
from models.registry import CHALLENGER, Registry
from serve.scoring.scored import default_cutoff
from tests.conftest import edit
from training.train import train

pytestmark = pytest.mark.long
NAME = 'read "prices" [b], 50%'
SEGMENT = """
[[segment]]
name = '{name}'
any = [{{action = "visited_pricing", at_least = {least}}}, {{attribute = "country", is = "CH"}}]
"""


@pytest.fixture(scope="module")
def folder(demo_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("featured")
    for file in demo_folder.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    (folder / "segments.toml").write_text(SEGMENT.format(name=NAME, least=2))
    edit(folder, candidates=1, folds=1)
    settings = folder / "readiness.toml"
    settings.write_text(settings.read_text().replace("segments = [] ", f"segments = ['{NAME}'] "))
    return folder


def test_from_training_to_scoring(folder: Path) -> None:
    config = load(folder)
    assert config.features.attributes == ["source"]  # the segment's country is no feature itself
    feature = f"segment({NAME})"
    with open_database(config) as database:
        listed = {each["name"]: each["meaning"] for each in describe_features(database, config)}
    assert listed[feature] == f'in the segment "{NAME}" (1) or not (0)'

    model = train(config).model
    (spec,) = (each for each in model.specs if isinstance(each, InSegment))
    assert spec.name == feature
    assert spec.topic == feature

    (folder / "segments.toml").write_text(SEGMENT.format(name=NAME, least=30))
    stored = Registry(config).load(CHALLENGER)
    assert stored.specs == model.specs
    with open_database(stored.staged(config)) as database:
        cutoff = default_cutoff(database.data_end, database.data_end)
        cohort = Snapshots.open_at(database, [cutoff])
        requested = [*stored.specs, Attribute("country", text=True)]
        frame = feature_frame(cohort, requested)
    held = (frame["count_all(visited_pricing)"] >= 2) | (frame["attribute(country)"] == "CH")
    assert frame[feature].tolist() == held.astype(float).tolist()
    assert 0 < held.mean() < 1
    np.testing.assert_array_equal(stored.rank(frame), model.rank(frame))
