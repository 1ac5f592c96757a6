"""What is dear to make and shared by many tests: a simulated company, and a model trained on it."""

import importlib.util
import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

from features.config import load
from features.dataset import Dataset, labelled
from features.open import open_database
from features.simulator.simulate import simulate, write
from features.spark.session import session
from features.spec.spec import distinct
from features.starter.starter import write_starter
from models.rules.rules import load_rules
from training.promotion.promote import promote
from training.record import Trained
from training.train import train

# A busy machine is slow at times; that is no failure of what is tested.
settings.register_profile("readiness", deadline=None)
settings.load_profile("readiness")

QUICK = {
    "cutoff_every_days": 14,
    "test_cutoffs": 3,
    "windows_days": [7, 90],
    "candidates": 2,
    "folds": 2,
    "jobs": 1,
}


def edit(folder: Path, **keys: object) -> None:
    """Change keys of a folder's readiness.toml that stand in it uncommented."""
    path = folder / "readiness.toml"
    text = path.read_text(encoding="utf-8")
    for key, value in keys.items():
        text, found = re.subn(rf"^{key} = [^#\n]*", f"{key} = {value} ", text, flags=re.MULTILINE)
        assert found == 1, key
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def spark():
    """The one Spark session of the tests, which is active from then on. It stands in New York, so
    that whoever forgets that times are UTC is found out. Its tests are of the group "spark"."""
    if importlib.util.find_spec("pyspark") is None:
        pytest.skip("no pyspark: pip install -c constraints.txt -e '.[spark]'")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("no Java: engine.kind = spark is not tested")
    found = session("local[2]")
    found.conf.set("spark.sql.session.timeZone", "America/New_York")
    found.conf.set("spark.sql.shuffle.partitions", "2")
    return found


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """2,000 simulated leads as after `simulate` and `init`. Shared: read it, do not change it."""
    folder = tmp_path_factory.mktemp("demo")
    write(simulate(leads=2_000, seed=7), folder)
    write_starter(folder)
    edit(folder, **QUICK)
    return folder


@pytest.fixture(scope="session")
def trained(demo_folder: Path) -> Trained:
    """What training in `demo_folder` yielded; its version is challenger and champion there."""
    config = load(demo_folder)
    found = train(config)
    assert promote(config).promoted
    return found


@pytest.fixture(scope="session")
def judged(demo_folder: Path, trained: Trained) -> Dataset:
    """The snapshots of the final test, with what the model and the rules ask for."""
    specs = distinct((*trained.model.specs, *load_rules(demo_folder / "rules.toml").specs))
    with open_database(load(demo_folder)) as database:
        return labelled(database, specs, trained.split.judge, trained.model.horizon_days, 4)
